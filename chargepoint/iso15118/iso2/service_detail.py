"""ServiceDetail: the parameter sets of one service. Source: docs/sources/iso15118-2-din.md 1.2."""

from __future__ import annotations

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.offers import parameter_sets, services
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.messages.iso15118_2 import (
    ResponseCode,
    ServiceDetailReq,
    ServiceDetailRes,
    ServiceParameterList,
)


def respond(request: ServiceDetailReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """The parameter sets of the certificate service and of the Internet; other services have none.

    FAILED_ServiceIDInvalid for any other service ([464]): the car may ask for another.
    """
    if request.ServiceID not in services(at):
        return Refusal(ResponseCode.FAILED_ServiceIDInvalid, f"ServiceID {request.ServiceID} is not offered")
    sets = parameter_sets(request.ServiceID)
    response = ServiceDetailRes(
        ResponseCode=ResponseCode.OK,
        ServiceID=request.ServiceID,
        ServiceParameterList=ServiceParameterList(ParameterSet=sets) if sets else None,
    )
    return Answer(response, session)


def refuse(request: ServiceDetailReq, code: ResponseCode, _: Iso2Session, __: Situation) -> ServiceDetailRes:
    """The response with this code."""
    return ServiceDetailRes(ResponseCode=code, ServiceID=request.ServiceID)
