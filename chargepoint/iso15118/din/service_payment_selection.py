"""ServicePaymentSelection: the car takes the charge service and says how it pays. Source: docs/sources/iso15118-2-din.md 1.3."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.din.offers import discharges
from chargepoint.iso15118.din.service_discovery import CHARGE_SERVICE_ID
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.messages.din70121 import (
    PaymentOption,
    ResponseCode,
    ServicePaymentSelectionReq,
    ServicePaymentSelectionRes,
)
from chargepoint.model.car import AuthorizationWanted, CarEvent, ControlMode, EnergyService, ServiceSelected
from chargepoint.model.ids import EvseId


def respond(request: ServicePaymentSelectionReq, session: DinSession, _: Situation) -> Reply[DinSession]:
    """External payment (V2G-DC-395), and exactly the one service (V2G-DC-396, 635)."""
    option = request.SelectedPaymentOption
    if option is not PaymentOption.ExternalPayment:
        why = f"it selects {option.value}, offered was {PaymentOption.ExternalPayment.value}"
        return Refusal(ResponseCode.FAILED_PaymentSelectionInvalid, why)
    selected = [service.ServiceID for service in request.SelectedServiceList.SelectedService]
    if selected != [CHARGE_SERVICE_ID]:
        why = f"it selects the services {selected[:8]}, offered was service {CHARGE_SERVICE_ID} alone"
        return Refusal(ResponseCode.FAILED_ServiceSelectionInvalid, why)
    response = ServicePaymentSelectionRes(ResponseCode=ResponseCode.OK)
    return Answer(response, replace(session, state=DinState.CONTRACT_AUTHENTICATION))


def refuse(
    _: ServicePaymentSelectionReq, code: ResponseCode, __: DinSession, ___: Situation
) -> ServicePaymentSelectionRes:
    """The response with this code."""
    return ServicePaymentSelectionRes(ResponseCode=code)


def learned(_: ServicePaymentSelectionReq, __: DinSession, ___: DinSession, at: Situation) -> tuple[CarEvent, ...]:
    """The service is agreed, and the car will wait for authorisation. A car of DIN names its own current."""
    evse_id = EvseId(at.settings.evse_id)
    selected = ServiceSelected(evse_id, EnergyService.DC, ControlMode.SCHEDULED)
    if discharges(at.settings):
        selected = ServiceSelected(evse_id, EnergyService.DC_BPT, ControlMode.DYNAMIC)
    return (selected, AuthorizationWanted(evse_id))
