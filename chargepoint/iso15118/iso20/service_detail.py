"""ServiceDetail: the parameter sets of one service. Source: docs/sources/iso15118-20.md 1.2."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.services import offer, parameter_sets
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import ServiceDetailReq, ServiceDetailRes, ServiceParameterList
from chargepoint.iso15118.messages.common_types import ResponseCode


def respond(request: ServiceDetailReq, session: Session, at: Situation) -> Reply[Session]:
    """The sets of an offered service; FAILED_ServiceIDInvalid for any other (V2G20-464)."""
    sets = parameter_sets(at.settings, request.ServiceID)
    if not sets:
        return Refusal(ResponseCode.FAILED_ServiceIDInvalid, f"ServiceID {request.ServiceID} is not offered")
    response = ServiceDetailRes(
        Header=session.header(at.now),
        ResponseCode=ResponseCode.OK,
        ServiceID=request.ServiceID,
        ServiceParameterList=ServiceParameterList(ParameterSet=sets),
    )
    return Answer(response, replace(session, state=State.SERVICE_SELECTION))


def refuse(request: ServiceDetailReq, code: ResponseCode, session: Session, at: Situation) -> ServiceDetailRes:
    """The response with this code."""
    first = offer(at.settings)[0].parameter_set()
    return ServiceDetailRes(
        **head(code, session, at),
        ServiceID=request.ServiceID,
        ServiceParameterList=ServiceParameterList(ParameterSet=(first,)),
    )
