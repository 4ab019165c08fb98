"""ServiceDiscovery: what is offered. Source: docs/sources/iso15118-2-din.md 1.2."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.offers import added_services, charge_service, payment_options
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import (
    PaymentOptionList,
    ResponseCode,
    ServiceDiscoveryReq,
    ServiceDiscoveryRes,
    ServiceList,
)


def respond(request: ServiceDiscoveryReq, session: Iso2Session, at: Situation) -> Answer[Iso2Session]:
    """The charge service, the payment options, and the value-added services.

    Scope and category of the request filter the list of value-added services alone. That list is absent rather than empty.
    """
    category = request.ServiceCategory
    added = () if request.ServiceScope else added_services(at)
    found = tuple(service for service in added if category in (None, service.ServiceCategory))
    response = replace(_response(ResponseCode.OK, at), ServiceList=ServiceList(Service=found) if found else None)
    return Answer(response, replace(session, state=Iso2State.PAYMENT_SERVICE_SELECTION))


def refuse(_: ServiceDiscoveryReq, code: ResponseCode, __: Iso2Session, at: Situation) -> ServiceDiscoveryRes:
    """The response with this code."""
    return _response(code, at)


def _response(code: ResponseCode, at: Situation) -> ServiceDiscoveryRes:
    return ServiceDiscoveryRes(
        ResponseCode=code,
        PaymentOptionList=PaymentOptionList(PaymentOption=payment_options(at)),
        ChargeService=charge_service(at.settings),
    )
