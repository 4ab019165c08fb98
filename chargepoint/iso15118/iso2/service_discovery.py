"""ServiceDiscovery: what is offered. Source: docs/sources/iso15118-2-din.md 1.2."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.offers import CERTIFICATE_SERVICE, charge_service, payment_options, relays_certificates
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import (
    PaymentOptionList,
    ResponseCode,
    ServiceCategory,
    ServiceDiscoveryReq,
    ServiceDiscoveryRes,
    ServiceList,
)


def respond(request: ServiceDiscoveryReq, session: Iso2Session, at: Situation) -> Answer[Iso2Session]:
    """The charge service, the payment options, and the certificate service where the station relays certificates.

    Scope and category of the request filter the list of value-added services alone. That list is absent rather than empty.
    """
    wanted = request.ServiceCategory in (None, ServiceCategory.ContractCertificate) and not request.ServiceScope
    added = ServiceList(Service=(CERTIFICATE_SERVICE,)) if wanted and relays_certificates(at) else None
    response = replace(_response(ResponseCode.OK, at), ServiceList=added)
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
