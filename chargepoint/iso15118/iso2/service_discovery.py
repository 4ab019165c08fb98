"""ServiceDiscovery: what is offered. Source: docs/sources/iso15118-2-din.md 1.2."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.offers import PAYMENT_OPTIONS, charge_service
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import (
    PaymentOptionList,
    ResponseCode,
    ServiceDiscoveryReq,
    ServiceDiscoveryRes,
)


def respond(_: ServiceDiscoveryReq, session: Iso2Session, at: Situation) -> Answer[Iso2Session]:
    """The charge service and the payment options. The request's scope and category filter value-added services alone.

    The list of those is absent rather than empty.
    """
    return Answer(_response(ResponseCode.OK, at), replace(session, state=Iso2State.PAYMENT_SERVICE_SELECTION))


def refuse(_: ServiceDiscoveryReq, code: ResponseCode, __: Iso2Session, at: Situation) -> ServiceDiscoveryRes:
    """The response with this code."""
    return _response(code, at)


def _response(code: ResponseCode, at: Situation) -> ServiceDiscoveryRes:
    return ServiceDiscoveryRes(
        ResponseCode=code,
        PaymentOptionList=PaymentOptionList(PaymentOption=PAYMENT_OPTIONS),
        ChargeService=charge_service(at.settings),
    )
