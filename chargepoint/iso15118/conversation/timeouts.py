"""Timers of the SECC by the names the standard gives them. Seconds. Source and grades: docs/sources/iso15118-20.md 7."""

from __future__ import annotations

from enum import Enum

V2G_SECC_COMMUNICATION_SETUP_TIMEOUT_S = 20.0
"""From the TCP connection to SessionSetupReq."""

V2G_SECC_SEQUENCE_TIMEOUT_S = 60.0
"""Between a response and the next request (V2G20-1500)."""

V2G_SECC_CHARGE_LOOP_SEQUENCE_TIMEOUT_S = 0.5
"""After a ChargeLoopRes (V2G20-1502); configurable because real cars pace at 532 ms (docs/sources/safety.md 3)."""

ON_VOLTAGE_SILENCE_S = 10.0
"""A rule of the project: a silent car is taken off voltage after this time, long before V2G_SECC_Sequence_Timeout; configurable."""

V2G_SECC_CABLE_CHECK_PERFORMANCE_S = 38.0
"""The car gives up at 40 s."""

V2G_SECC_MSG_PERFORMANCE_S = 1.5
"""The longest an answer is held back; cars wait 2 s."""

V2G_SECC_CP_STATE_DETECTION_S = 1.5
"""-2 and DIN: the longest an answer waits for the pilot (docs/sources/iso15118-2-din.md 2)."""

V2G_SECC_CERTIFICATE_INSTALLATION_PERFORMANCE_S = 4.5
"""The longest an answer to CertificateInstallationReq is held back; cars wait 5 s."""

V2G_SECC_ONGOING_S = 55.0
"""The longest the station answers Ongoing while it waits for somebody else; cars wait 60 s."""

EXTERNAL_MEANS_WAIT_S = 300.0
"""How long a session waits for its driver's card or for a start order (EIM). A rule of the project: the standard names no bound."""

ONGOING_PACE_S = 0.1
"""An answer that would be Ongoing is held this long, so that a fast car does not ask more than ten times in a second."""

V2G_EVCC_MSG_TIMEOUT_LONGEST_S = 5.0
"""The longest a car waits for any answer (ServiceDetailRes); after that it has given the connection up."""


class Silence(Enum):
    """Which bound holds for the car's silence after a response; the seconds are settings of the station."""

    SEQUENCE = "V2G_SECC_Sequence_Timeout"
    CHARGE_LOOP = "V2G_SECC_Sequence_Timeout (charge loop)"
    ON_VOLTAGE = "silence under voltage ([iso15118] on_voltage_timeout_s)"
