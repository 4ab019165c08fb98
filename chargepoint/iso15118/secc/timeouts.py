"""Timers of the SECC by the names the standard gives them. Seconds. Source and grades: docs/sources/safety.md 3."""

from __future__ import annotations

V2G_SECC_COMMUNICATION_SETUP_TIMEOUT_S = 20.0
"""From the TCP connection to SessionSetupReq."""

V2G_SECC_SEQUENCE_TIMEOUT_S = 60.0
"""Between a response and the next request (V2G20-1500)."""

V2G_SECC_CHARGE_LOOP_SEQUENCE_TIMEOUT_S = 0.5
"""After a ChargeLoopRes (V2G20-1502); configurable because real cars pace at 532 ms (docs/sources/safety.md 3)."""

V2G_SECC_CABLE_CHECK_PERFORMANCE_S = 38.0
"""The car gives up at 40 s."""

V2G_SECC_POWER_DELIVERY_PERFORMANCE_S = 1.5
"""The longest a PowerDeliveryRes is held back for the power stage; cars wait 2 s."""

V2G_EVCC_MSG_TIMEOUT_LONGEST_S = 5.0
"""The longest a car waits for any answer (ServiceDetailRes); after that it has given the connection up."""
