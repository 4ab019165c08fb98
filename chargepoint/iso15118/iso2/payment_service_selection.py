"""PaymentServiceSelection: how the car pays, and what it takes. Source: docs/sources/iso15118-2-din.md 1.2."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.offers import CHARGE_SERVICE_ID, PAYMENT_OPTIONS
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import (
    PaymentServiceSelectionReq,
    PaymentServiceSelectionRes,
    ResponseCode,
)
from chargepoint.model.car import AuthorizationWanted, CarEvent
from chargepoint.model.ids import EvseId


def respond(request: PaymentServiceSelectionReq, session: Iso2Session, _at: Situation) -> Reply[Iso2Session]:
    """An offered payment option ([465]) and the charge service ([804]), beside no service that is not offered ([467]).

    After a refusal the car may select again.
    """
    chosen = request.SelectedPaymentOption
    if chosen not in PAYMENT_OPTIONS:
        return Refusal(ResponseCode.FAILED_PaymentSelectionInvalid, f"payment option {chosen.value} is not offered")
    services = [service.ServiceID for service in request.SelectedServiceList.SelectedService]
    if CHARGE_SERVICE_ID not in services:
        return Refusal(ResponseCode.FAILED_NoChargeServiceSelected, "it selects no charge service")
    if (unknown := next((number for number in services if number != CHARGE_SERVICE_ID), None)) is not None:
        return Refusal(ResponseCode.FAILED_ServiceSelectionInvalid, f"ServiceID {unknown} is not offered")
    after = replace(session, state=Iso2State.AUTHORIZATION, payment=chosen)
    return Answer(PaymentServiceSelectionRes(ResponseCode=ResponseCode.OK), after)


def refuse(
    _: PaymentServiceSelectionReq, code: ResponseCode, __: Iso2Session, ___: Situation
) -> PaymentServiceSelectionRes:
    """The response with this code."""
    return PaymentServiceSelectionRes(ResponseCode=code)


def learned(_: PaymentServiceSelectionReq, __: Iso2Session, after: Iso2Session, at: Situation) -> tuple[CarEvent, ...]:
    """The car will wait for authorisation. A car that paused has its authorisation."""
    return () if after.joined else (AuthorizationWanted(EvseId(at.settings.evse_id)),)
