"""What the SECC of an ISO 15118-20 session waits for. Which message may come in which state is said in `rows.py`.

Source: ISO 15118-20 8.7 as followed by the recorded sessions of another stack (docs/sources/iso15118.md 3) and the defects of
others (docs/sources/iso15118.md 5: PreCharge Ongoing must not lead to PowerDelivery).
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """A state is named after what the SECC waits for."""

    SESSION_SETUP = "SessionSetup"
    AUTHORIZATION_SETUP = "AuthorizationSetup"
    AUTHORIZATION = "Authorization"
    SERVICE_DISCOVERY = "ServiceDiscovery"
    SERVICE_DETAIL = "ServiceDetail"
    SERVICE_SELECTION = "ServiceSelection"
    CHARGE_PARAMETER_DISCOVERY = "ChargeParameterDiscovery"
    SCHEDULE_EXCHANGE = "ScheduleExchange"
    CABLE_CHECK = "CableCheck"
    PRE_CHARGE = "PreCharge"
    POWER_DELIVERY = "PowerDelivery"
    CHARGE_LOOP = "ChargeLoop"
    WELDING_DETECTION = "WeldingDetection"
    SESSION_STOP = "SessionStop"
    ENDED = "Ended"
