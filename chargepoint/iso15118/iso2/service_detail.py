"""ServiceDetail: the parameter sets of one service. Source: docs/sources/iso15118-2-din.md 1.2."""

from __future__ import annotations

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.offers import CERTIFICATE_SERVICE_ID, CERTIFICATE_SETS, services
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.messages.iso15118_2 import (
    ResponseCode,
    ServiceDetailReq,
    ServiceDetailRes,
    ServiceParameterList,
)


def respond(request: ServiceDetailReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """Installation and Update of the certificate service; the charge service has no parameters.

    FAILED_ServiceIDInvalid for any other service ([464]): the car may ask for another.
    """
    if request.ServiceID not in services(at):
        return Refusal(ResponseCode.FAILED_ServiceIDInvalid, f"ServiceID {request.ServiceID} is not offered")
    certificates = request.ServiceID == CERTIFICATE_SERVICE_ID
    sets = ServiceParameterList(ParameterSet=CERTIFICATE_SETS) if certificates else None
    response = ServiceDetailRes(ResponseCode=ResponseCode.OK, ServiceID=request.ServiceID, ServiceParameterList=sets)
    return Answer(response, session)


def refuse(request: ServiceDetailReq, code: ResponseCode, _: Iso2Session, __: Situation) -> ServiceDetailRes:
    """The response with this code."""
    return ServiceDetailRes(ResponseCode=code, ServiceID=request.ServiceID)
