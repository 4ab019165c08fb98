"""Every message of ISO 15118-2 as one row: when it may come, where it leads, who answers and refuses it.

Adding a message touches its own file, its row here, and its test. Source of the order: docs/sources/iso15118-2-din.md 1.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chargepoint.iso15118.conversation import remark
from chargepoint.iso15118.conversation.row import Row
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import Silence
from chargepoint.iso15118.iso2 import (
    authorization,
    cable_check,
    certificate_installation,
    charge_parameter_discovery,
    charging_status,
    current_demand,
    metering_receipt,
    payment_details,
    payment_service_selection,
    power_delivery,
    pre_charge,
    service_detail,
    service_discovery,
    session_setup,
    session_stop,
    welding_detection,
)
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.v2gtp import PayloadType
from chargepoint.model.car import CarEvent

_IN_SESSION = tuple(s for s in Iso2State if s not in (Iso2State.SESSION_SETUP, Iso2State.ENDED))
_STOPPED = frozenset({Iso2State.WELDING_DETECTION, Iso2State.SESSION_STOP})
"""After PowerDelivery(Stop): DC, AC."""


def _to(*states: Iso2State) -> frozenset[Iso2State]:
    return frozenset(states)


def _always(_: Iso2Session) -> bool:
    return True


def _ac(session: Iso2Session) -> bool:
    return session.is_ac


def _dc(session: Iso2Session) -> bool:
    return session.is_dc


def _under_voltage(session: Iso2Session) -> Silence:
    """In the charge loop, too: the standard knows 60 s there, and the power is gone long before (`CarDemand.good_for_s`)."""
    return session.silence


def _discovered(
    request: iso2.ChargeParameterDiscoveryReq, before: Iso2Session, after: Iso2Session, at: Situation
) -> tuple[CarEvent, ...]:
    return (
        *charge_parameter_discovery.learned(request, before, after, at),
        *remark.learned(request, before, after, at),
    )


def _delivered(
    request: iso2.PowerDeliveryReq, before: Iso2Session, after: Iso2Session, at: Situation
) -> tuple[CarEvent, ...]:
    return (*power_delivery.learned(request, before, after, at), *remark.learned(request, before, after, at))


_ROWS = (
    Row(
        request=iso2.SessionSetupReq,
        moves={Iso2State.SESSION_SETUP: _to(Iso2State.SERVICE_DISCOVERY)},
        respond=session_setup.respond,
        refuse=session_setup.refuse,
        learned=session_setup.learned,
        applies=_always,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=iso2.ServiceDiscoveryReq,
        moves={Iso2State.SERVICE_DISCOVERY: _to(Iso2State.PAYMENT_SERVICE_SELECTION)},
        respond=service_discovery.respond,
        refuse=service_discovery.refuse,
        applies=_always,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=iso2.ServiceDetailReq,
        moves={Iso2State.PAYMENT_SERVICE_SELECTION: _to()},
        respond=service_detail.respond,
        refuse=service_detail.refuse,
        applies=_always,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=iso2.PaymentServiceSelectionReq,
        moves={Iso2State.PAYMENT_SERVICE_SELECTION: _to(Iso2State.AUTHORIZATION, Iso2State.PAYMENT_DETAILS)},
        respond=payment_service_selection.respond,
        refuse=payment_service_selection.refuse,
        learned=payment_service_selection.learned,
        applies=_always,
        payload_type=PayloadType.EXI_SAP,
    ),
    *(
        Row(
            request=request,
            moves={Iso2State.PAYMENT_DETAILS: _to()},
            respond=certificate_installation.respond,
            refuse=certificate_installation.refuse,
            learned=remark.learned,
            applies=_always,
            payload_type=PayloadType.EXI_SAP,
        )
        for request in (iso2.CertificateInstallationReq, iso2.CertificateUpdateReq)
    ),
    Row(
        request=iso2.PaymentDetailsReq,
        moves={Iso2State.PAYMENT_DETAILS: _to(Iso2State.AUTHORIZATION)},
        respond=payment_details.respond,
        refuse=payment_details.refuse,
        learned=remark.learned,
        applies=_always,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=iso2.AuthorizationReq,
        moves={Iso2State.AUTHORIZATION: _to(Iso2State.CHARGE_PARAMETER_DISCOVERY, Iso2State.PAYMENT_DETAILS)},
        respond=authorization.respond,
        refuse=authorization.refuse,
        learned=remark.learned,
        applies=_always,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=iso2.ChargeParameterDiscoveryReq,
        moves={Iso2State.CHARGE_PARAMETER_DISCOVERY: _to(Iso2State.CABLE_CHECK, Iso2State.POWER_DELIVERY)},
        respond=charge_parameter_discovery.respond,
        refuse=charge_parameter_discovery.refuse,
        learned=_discovered,
        applies=_always,
        silence=_under_voltage,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=iso2.CableCheckReq,
        moves={Iso2State.CABLE_CHECK: _to(Iso2State.PRE_CHARGE)},
        respond=cable_check.respond,
        refuse=cable_check.refuse,
        applies=_dc,
        silence=_under_voltage,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=iso2.PreChargeReq,
        moves={Iso2State.PRE_CHARGE: _to(Iso2State.POWER_DELIVERY), Iso2State.POWER_DELIVERY: _to()},
        respond=pre_charge.respond,
        refuse=pre_charge.refuse,
        learned=remark.learned,
        applies=_dc,
        silence=_under_voltage,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=iso2.PowerDeliveryReq,
        moves={
            Iso2State.POWER_DELIVERY: _to(Iso2State.CHARGE_LOOP, *_STOPPED),
            Iso2State.CHARGE_LOOP: _to(Iso2State.CHARGE_PARAMETER_DISCOVERY, *_STOPPED),
        },
        respond=power_delivery.respond,
        refuse=power_delivery.refuse,
        learned=_delivered,
        applies=_always,
        silence=_under_voltage,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=iso2.ChargingStatusReq,
        moves={Iso2State.CHARGE_LOOP: _to(Iso2State.METERING_RECEIPT)},
        respond=charging_status.respond,
        refuse=charging_status.refuse,
        applies=_ac,
        silence=_under_voltage,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=iso2.CurrentDemandReq,
        moves={Iso2State.CHARGE_LOOP: _to(Iso2State.METERING_RECEIPT)},
        respond=current_demand.respond,
        refuse=current_demand.refuse,
        learned=remark.learned,
        applies=_dc,
        silence=_under_voltage,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=iso2.MeteringReceiptReq,
        moves={Iso2State.METERING_RECEIPT: _to(Iso2State.CHARGE_LOOP)},
        respond=metering_receipt.respond,
        refuse=metering_receipt.refuse,
        learned=metering_receipt.learned,
        applies=_always,
        silence=_under_voltage,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=iso2.WeldingDetectionReq,
        moves={Iso2State.WELDING_DETECTION: _to()},
        respond=welding_detection.respond,
        refuse=welding_detection.refuse,
        learned=remark.learned,
        applies=_dc,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=iso2.SessionStopReq,
        moves=dict.fromkeys(_IN_SESSION, _to(Iso2State.ENDED)),
        respond=session_stop.respond,
        refuse=session_stop.refuse,
        learned=session_stop.learned,
        applies=_always,
        supersedes=True,
        payload_type=PayloadType.EXI_SAP,
    ),
)

ROWS: Mapping[type, Row] = MappingProxyType({row.request: row for row in _ROWS})
"""By the class of the request."""


def may_come(state: Iso2State) -> frozenset[type]:
    """The requests that have their place in this state, whatever the outlet."""
    return frozenset(row.request for row in _ROWS if state in row.moves)
