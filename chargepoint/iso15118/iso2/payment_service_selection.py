"""PaymentServiceSelection: how the car pays, and what it takes. Source: docs/sources/iso15118-2-din.md 1.2."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.offers import CHARGE_SERVICE_ID, may_select, payment_options
from chargepoint.iso15118.iso2.sae_discharge import SaeService
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import (
    PaymentOption,
    PaymentServiceSelectionReq,
    PaymentServiceSelectionRes,
    ResponseCode,
)
from chargepoint.model.car import AuthorizationWanted, CarEvent, CarRemark
from chargepoint.model.ids import EvseId


def respond(request: PaymentServiceSelectionReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """An offered payment option ([465]) and the charge service ([804]), beside no service that is not offered ([467]).

    After a refusal the car may select again.
    """
    chosen = request.SelectedPaymentOption
    if chosen not in payment_options(at):
        return Refusal(ResponseCode.FAILED_PaymentSelectionInvalid, f"payment option {chosen.value} is not offered")
    selected = request.SelectedServiceList.SelectedService
    if all(service.ServiceID != CHARGE_SERVICE_ID for service in selected):
        return Refusal(ResponseCode.FAILED_NoChargeServiceSelected, "it selects no charge service")
    if (wrong := next((service for service in selected if not may_select(service, at)), None)) is not None:
        numbers = f"ServiceID {wrong.ServiceID}, ParameterSetID {wrong.ParameterSetID}"
        return Refusal(ResponseCode.FAILED_ServiceSelectionInvalid, f"{numbers} is not offered")
    sae = [SaeService(service.ServiceID) for service in selected if service.ServiceID in tuple(SaeService)]
    if len(set(sae)) > 1:
        return Refusal(ResponseCode.FAILED_ServiceSelectionInvalid, "V2H and V2G exclude each other")
    by_contract = chosen is PaymentOption.Contract
    state = Iso2State.PAYMENT_DETAILS if by_contract else Iso2State.AUTHORIZATION
    return Answer(
        PaymentServiceSelectionRes(ResponseCode=ResponseCode.OK),
        replace(session, state=state, payment=chosen, sae=sae[0] if sae else None),
    )


def refuse(
    _: PaymentServiceSelectionReq, code: ResponseCode, __: Iso2Session, ___: Situation
) -> PaymentServiceSelectionRes:
    """The response with this code."""
    return PaymentServiceSelectionRes(ResponseCode=code)


def learned(_: PaymentServiceSelectionReq, __: Iso2Session, after: Iso2Session, at: Situation) -> tuple[CarEvent, ...]:
    """The car will wait for authorisation. A car that paused has its authorisation. A service outside the standard is a line in the log."""
    evse_id = EvseId(at.settings.evse_id)
    wanted = () if after.joined else (AuthorizationWanted(evse_id),)
    if after.sae is None:
        return wanted
    return (*wanted, CarRemark(evse_id, f"the car selects {after.sae.title}, which is outside ISO 15118-2"))
