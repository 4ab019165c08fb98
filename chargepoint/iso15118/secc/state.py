"""Which message may follow which: the whole order of a -20 DC session as data, in one place.

A state is named after what the SECC waits for. Source: ISO 15118-20 8.7 (sequence of a DC session) as followed by the
recorded sessions of another stack (docs/sources/iso15118.md 3) and the defects of others (docs/sources/iso15118.md 5: PreCharge Ongoing must not
lead to PowerDelivery).
"""

from __future__ import annotations

from enum import Enum

from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import dc


class State(Enum):
    """What the SECC waits for."""

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


ALLOWED: dict[State, frozenset[type]] = {
    State.SESSION_SETUP: frozenset({cm.SessionSetupReq}),
    State.AUTHORIZATION_SETUP: frozenset({cm.AuthorizationSetupReq}),
    State.AUTHORIZATION: frozenset({cm.AuthorizationReq, cm.AuthorizationSetupReq}),
    State.SERVICE_DISCOVERY: frozenset({cm.ServiceDiscoveryReq}),
    State.SERVICE_DETAIL: frozenset({cm.ServiceDetailReq}),
    State.SERVICE_SELECTION: frozenset({cm.ServiceDetailReq, cm.ServiceSelectionReq}),
    State.CHARGE_PARAMETER_DISCOVERY: frozenset({dc.DC_ChargeParameterDiscoveryReq}),
    State.SCHEDULE_EXCHANGE: frozenset({cm.ScheduleExchangeReq}),
    State.CABLE_CHECK: frozenset({dc.DC_CableCheckReq}),
    State.PRE_CHARGE: frozenset({dc.DC_PreChargeReq}),
    State.POWER_DELIVERY: frozenset({cm.PowerDeliveryReq, dc.DC_PreChargeReq}),
    State.CHARGE_LOOP: frozenset({dc.DC_ChargeLoopReq, cm.PowerDeliveryReq}),
    State.WELDING_DETECTION: frozenset({dc.DC_WeldingDetectionReq}),
    State.SESSION_STOP: frozenset({dc.DC_WeldingDetectionReq}),
    State.ENDED: frozenset(),
}
"""Beside these, SessionStopReq is allowed in every state of a session (`ALWAYS`)."""

ALWAYS: frozenset[type] = frozenset({cm.SessionStopReq})


def allowed(state: State, request: type) -> bool:
    """Whether this request may come now."""
    if request in ALLOWED[state]:
        return True
    return request in ALWAYS and state not in (State.SESSION_SETUP, State.ENDED)
