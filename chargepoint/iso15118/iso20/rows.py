"""Every message of ISO 15118-20 as one row: when it may come, where it leads, who answers and refuses it.

Adding a message touches its own file, its row here, and its test. Source of the order: ISO 15118-20 8.7 as followed by the
recorded sessions of another stack (docs/sources/iso15118.md 3) and docs/sources/iso15118-20.md 1.1, 3 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chargepoint.iso15118.conversation import remark
from chargepoint.iso15118.conversation.row import Row
from chargepoint.iso15118.conversation.timeouts import Silence
from chargepoint.iso15118.iso20 import (
    ac_charge_loop,
    ac_charge_parameter_discovery,
    authorization,
    authorization_setup,
    certificate_installation,
    dc_cable_check,
    dc_charge_loop,
    dc_charge_parameter_discovery,
    dc_pre_charge,
    dc_welding_detection,
    metering_confirmation,
    power_delivery,
    schedule_exchange,
    service_detail,
    service_discovery,
    service_selection,
    session_setup,
    session_stop,
    vehicle_check_in,
)
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import ac, dc
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.v2gtp import PayloadType

_IN_SESSION = tuple(s for s in State if s not in (State.SESSION_SETUP, State.ENDED))
_SERVICE_AGREED = frozenset(
    {
        State.CHARGE_PARAMETER_DISCOVERY,
        State.SCHEDULE_EXCHANGE,
        State.CABLE_CHECK,
        State.PRE_CHARGE,
        State.POWER_DELIVERY,
        State.CHARGE_LOOP,
        State.WELDING_DETECTION,
        State.SESSION_STOP,
    }
)


_STOPPED = frozenset({State.WELDING_DETECTION, State.SESSION_STOP})
"""After PowerDelivery(Stop): DC, AC."""


def _to(*states: State) -> frozenset[State]:
    return frozenset(states)


def _always(_: Session) -> bool:
    return True


def _ac(session: Session) -> bool:
    return session.is_ac


def _dc(session: Session) -> bool:
    return session.is_dc


def _dc_before_transfer(session: Session) -> bool:
    return session.is_dc and not session.renegotiating


def _under_voltage(session: Session) -> Silence:
    return session.silence


def _charge_loop(_: Session) -> Silence:
    return Silence.CHARGE_LOOP


_ROWS = (
    Row(
        request=cm.SessionSetupReq,
        moves={State.SESSION_SETUP: _to(State.AUTHORIZATION_SETUP, State.CHARGE_PARAMETER_DISCOVERY)},
        respond=session_setup.respond,
        refuse=session_setup.refuse,
        learned=session_setup.learned,
        applies=_always,
        payload_type=PayloadType.MAINSTREAM,
    ),
    Row(
        request=cm.AuthorizationSetupReq,
        moves={State.AUTHORIZATION_SETUP: _to(State.AUTHORIZATION), State.AUTHORIZATION: _to()},
        respond=authorization_setup.respond,
        refuse=authorization_setup.refuse,
        learned=authorization_setup.learned,
        applies=_always,
        payload_type=PayloadType.MAINSTREAM,
    ),
    Row(
        request=cm.CertificateInstallationReq,
        moves={State.AUTHORIZATION: _to()},
        respond=certificate_installation.respond,
        refuse=certificate_installation.refuse,
        learned=remark.learned,
        applies=_always,
        payload_type=PayloadType.MAINSTREAM,
    ),
    Row(
        request=cm.AuthorizationReq,
        moves={State.AUTHORIZATION: _to(State.SERVICE_DISCOVERY)},
        respond=authorization.respond,
        refuse=authorization.refuse,
        learned=remark.learned,
        applies=_always,
        payload_type=PayloadType.MAINSTREAM,
    ),
    Row(
        request=cm.ServiceDiscoveryReq,
        moves={State.SERVICE_DISCOVERY: _to(State.SERVICE_DETAIL)},
        respond=service_discovery.respond,
        refuse=service_discovery.refuse,
        applies=_always,
        payload_type=PayloadType.MAINSTREAM,
    ),
    Row(
        request=cm.ServiceDetailReq,
        moves={State.SERVICE_DETAIL: _to(State.SERVICE_SELECTION), State.SERVICE_SELECTION: _to()},
        respond=service_detail.respond,
        refuse=service_detail.refuse,
        applies=_always,
        payload_type=PayloadType.MAINSTREAM,
    ),
    Row(
        request=cm.ServiceSelectionReq,
        moves={State.SERVICE_SELECTION: _to(State.CHARGE_PARAMETER_DISCOVERY)},
        respond=service_selection.respond,
        refuse=service_selection.refuse,
        learned=service_selection.learned,
        applies=_always,
        payload_type=PayloadType.MAINSTREAM,
    ),
    Row(
        request=ac.AC_ChargeParameterDiscoveryReq,
        moves={State.CHARGE_PARAMETER_DISCOVERY: _to(State.SCHEDULE_EXCHANGE)},
        respond=ac_charge_parameter_discovery.respond,
        refuse=ac_charge_parameter_discovery.refuse,
        applies=_ac,
        payload_type=PayloadType.AC_MAINSTREAM,
    ),
    Row(
        request=dc.DC_ChargeParameterDiscoveryReq,
        moves={State.CHARGE_PARAMETER_DISCOVERY: _to(State.SCHEDULE_EXCHANGE)},
        respond=dc_charge_parameter_discovery.respond,
        refuse=dc_charge_parameter_discovery.refuse,
        applies=_dc,
        payload_type=PayloadType.DC_MAINSTREAM,
    ),
    Row(
        request=cm.ScheduleExchangeReq,
        moves={State.SCHEDULE_EXCHANGE: _to(State.CABLE_CHECK, State.POWER_DELIVERY)},
        respond=schedule_exchange.respond,
        refuse=schedule_exchange.refuse,
        learned=schedule_exchange.learned,
        applies=_always,
        silence=_under_voltage,
        payload_type=PayloadType.MAINSTREAM,
    ),
    Row(
        request=dc.DC_CableCheckReq,
        moves={State.CABLE_CHECK: _to(State.PRE_CHARGE)},
        respond=dc_cable_check.respond,
        refuse=dc_cable_check.refuse,
        applies=_dc,
        silence=_under_voltage,
        payload_type=PayloadType.DC_MAINSTREAM,
    ),
    Row(
        request=dc.DC_PreChargeReq,
        moves={State.PRE_CHARGE: _to(State.POWER_DELIVERY), State.POWER_DELIVERY: _to(State.PRE_CHARGE)},
        respond=dc_pre_charge.respond,
        refuse=dc_pre_charge.refuse,
        applies=_dc_before_transfer,
        silence=_under_voltage,
        payload_type=PayloadType.DC_MAINSTREAM,
    ),
    Row(
        request=cm.PowerDeliveryReq,
        moves={
            State.POWER_DELIVERY: _to(State.CHARGE_LOOP, *_STOPPED),
            State.CHARGE_LOOP: _to(State.SCHEDULE_EXCHANGE, *_STOPPED),
        },
        respond=power_delivery.respond,
        refuse=power_delivery.refuse,
        learned=power_delivery.learned,
        applies=_always,
        silence=_under_voltage,
        payload_type=PayloadType.MAINSTREAM,
    ),
    Row(
        request=ac.AC_ChargeLoopReq,
        moves={State.CHARGE_LOOP: _to()},
        respond=ac_charge_loop.respond,
        refuse=ac_charge_loop.refuse,
        applies=_ac,
        silence=_charge_loop,
        payload_type=PayloadType.AC_MAINSTREAM,
    ),
    Row(
        request=dc.DC_ChargeLoopReq,
        moves={State.CHARGE_LOOP: _to()},
        respond=dc_charge_loop.respond,
        refuse=dc_charge_loop.refuse,
        applies=_dc,
        silence=_charge_loop,
        payload_type=PayloadType.DC_MAINSTREAM,
    ),
    Row(
        request=cm.MeteringConfirmationReq,
        moves=dict.fromkeys((State.CHARGE_LOOP, State.SCHEDULE_EXCHANGE, State.POWER_DELIVERY), _to()),
        respond=metering_confirmation.respond,
        refuse=metering_confirmation.refuse,
        learned=metering_confirmation.learned,
        applies=_always,
        payload_type=PayloadType.METERING_CONFIRMATION,
        side_stream=True,
    ),
    Row(
        request=dc.DC_WeldingDetectionReq,
        moves={State.WELDING_DETECTION: _to(State.SESSION_STOP), State.SESSION_STOP: _to(State.WELDING_DETECTION)},
        respond=dc_welding_detection.respond,
        refuse=dc_welding_detection.refuse,
        applies=_dc,
        payload_type=PayloadType.DC_MAINSTREAM,
    ),
    Row(
        request=cm.SessionStopReq,
        moves={
            **dict.fromkeys(_IN_SESSION, _to(State.ENDED)),
            **dict.fromkeys(_STOPPED, _to(State.ENDED, State.SERVICE_DISCOVERY)),
        },
        respond=session_stop.respond,
        refuse=session_stop.refuse,
        learned=session_stop.learned,
        applies=_always,
        supersedes=True,
        payload_type=PayloadType.MAINSTREAM,
    ),
    Row(
        request=cm.VehicleCheckInReq,
        moves=dict.fromkeys(_SERVICE_AGREED, _to()),
        respond=vehicle_check_in.respond_in,
        refuse=vehicle_check_in.refuse_in,
        applies=vehicle_check_in.applies,
        payload_type=PayloadType.PARKING_STATUS,
        side_stream=True,
    ),
    Row(
        request=cm.VehicleCheckOutReq,
        moves=dict.fromkeys(_SERVICE_AGREED, _to()),
        respond=vehicle_check_in.respond_out,
        refuse=vehicle_check_in.refuse_out,
        applies=vehicle_check_in.applies,
        payload_type=PayloadType.PARKING_STATUS,
        side_stream=True,
    ),
)

ROWS: Mapping[type, Row] = MappingProxyType({row.request: row for row in _ROWS})
"""By the class of the request."""


def may_come(state: State) -> frozenset[type]:
    """The requests that have their place in this state, whatever service was chosen."""
    return frozenset(row.request for row in _ROWS if state in row.moves)
