"""Every message of DIN 70121 as one row: when it may come, where it leads, who answers and refuses it.

Adding a message touches its own file, its row here, and its test. Source of the order: docs/sources/iso15118-2-din.md 1.1 and 1.3
(V2G-DC-437 to 469, 494 to 499).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from chargepoint.iso15118.conversation.row import Row
from chargepoint.iso15118.conversation.timeouts import Silence
from chargepoint.iso15118.din import (
    cable_check,
    charge_parameter_discovery,
    contract_authentication,
    current_demand,
    ev_status,
    power_delivery,
    pre_charge,
    service_discovery,
    service_payment_selection,
    session_setup,
    session_stop,
    unserved,
    welding_detection,
)
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.messages import din70121 as din
from chargepoint.iso15118.v2gtp import PayloadType

_IN_SESSION = tuple(s for s in DinState if s not in (DinState.SESSION_SETUP, DinState.ENDED))


def _to(*states: DinState) -> frozenset[DinState]:
    return frozenset(states)


def _always(_: DinSession) -> bool:
    return True


def _under_voltage(session: DinSession) -> Silence:
    """In the charge loop, too: the standard knows 60 s there, and the power is gone long before (`CarDemand.good_for_s`)."""
    return session.silence


def _unserved(request: type, refuse: Callable[[Any, Any, Any, Any], Any]) -> Row:
    return Row(
        request=request,
        moves={},
        respond=unserved.respond,
        refuse=refuse,
        applies=_always,
        payload_type=PayloadType.EXI_SAP,
    )


_ROWS = (
    Row(
        request=din.SessionSetupReq,
        moves={DinState.SESSION_SETUP: _to(DinState.SERVICE_DISCOVERY)},
        respond=session_setup.respond,
        refuse=session_setup.refuse,
        learned=session_setup.learned,
        applies=_always,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=din.ServiceDiscoveryReq,
        moves={DinState.SERVICE_DISCOVERY: _to(DinState.SERVICE_PAYMENT_SELECTION)},
        respond=service_discovery.respond,
        refuse=service_discovery.refuse,
        applies=_always,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=din.ServicePaymentSelectionReq,
        moves={DinState.SERVICE_PAYMENT_SELECTION: _to(DinState.CONTRACT_AUTHENTICATION)},
        respond=service_payment_selection.respond,
        refuse=service_payment_selection.refuse,
        learned=service_payment_selection.learned,
        applies=_always,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=din.ContractAuthenticationReq,
        moves={DinState.CONTRACT_AUTHENTICATION: _to(DinState.CHARGE_PARAMETER_DISCOVERY)},
        respond=contract_authentication.respond,
        refuse=contract_authentication.refuse,
        applies=_always,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=din.ChargeParameterDiscoveryReq,
        moves={DinState.CHARGE_PARAMETER_DISCOVERY: _to(DinState.CABLE_CHECK)},
        respond=charge_parameter_discovery.respond,
        refuse=charge_parameter_discovery.refuse,
        learned=charge_parameter_discovery.learned,
        applies=_always,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=din.CableCheckReq,
        moves={DinState.CABLE_CHECK: _to(DinState.PRE_CHARGE)},
        respond=cable_check.respond,
        refuse=cable_check.refuse,
        learned=ev_status.learned,
        applies=_always,
        silence=_under_voltage,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=din.PreChargeReq,
        moves={DinState.PRE_CHARGE: _to()},
        respond=pre_charge.respond,
        refuse=pre_charge.refuse,
        learned=ev_status.learned,
        applies=_always,
        silence=_under_voltage,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=din.PowerDeliveryReq,
        moves={
            DinState.PRE_CHARGE: _to(DinState.CURRENT_DEMAND, DinState.WELDING_DETECTION),
            DinState.CURRENT_DEMAND: _to(DinState.WELDING_DETECTION),
        },
        respond=power_delivery.respond,
        refuse=power_delivery.refuse,
        learned=power_delivery.learned,
        applies=_always,
        silence=_under_voltage,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=din.CurrentDemandReq,
        moves={DinState.CURRENT_DEMAND: _to()},
        respond=current_demand.respond,
        refuse=current_demand.refuse,
        learned=ev_status.learned,
        applies=_always,
        silence=_under_voltage,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=din.WeldingDetectionReq,
        moves={DinState.WELDING_DETECTION: _to()},
        respond=welding_detection.respond,
        refuse=welding_detection.refuse,
        learned=ev_status.learned,
        applies=_always,
        payload_type=PayloadType.EXI_SAP,
    ),
    Row(
        request=din.SessionStopReq,
        moves=dict.fromkeys(_IN_SESSION, _to(DinState.ENDED)),
        respond=session_stop.respond,
        refuse=session_stop.refuse,
        learned=session_stop.learned,
        applies=_always,
        supersedes=True,
        payload_type=PayloadType.EXI_SAP,
    ),
    _unserved(din.ServiceDetailReq, unserved.refuse_service_detail),
    _unserved(din.PaymentDetailsReq, unserved.refuse_payment_details),
    _unserved(din.ChargingStatusReq, unserved.refuse_charging_status),
    _unserved(din.MeteringReceiptReq, unserved.refuse_metering_receipt),
    _unserved(din.CertificateInstallationReq, unserved.refuse_certificate_installation),
    _unserved(din.CertificateUpdateReq, unserved.refuse_certificate_update),
)

ROWS: Mapping[type, Row] = MappingProxyType({row.request: row for row in _ROWS})
"""By the class of the request."""


def may_come(state: DinState) -> frozenset[type]:
    """The requests that have their place in this state."""
    return frozenset(row.request for row in _ROWS if state in row.moves)
