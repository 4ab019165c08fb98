"""ServiceDiscovery, ServiceDetail, ServiceSelection: what is offered and what the car takes."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.messages.common_messages import (
    Service,
    ServiceDetailReq,
    ServiceDetailRes,
    ServiceDiscoveryReq,
    ServiceDiscoveryRes,
    ServiceList,
    ServiceParameterList,
    ServiceSelectionReq,
    ServiceSelectionRes,
)
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.secc.answer import Answer
from chargepoint.iso15118.secc.session import Now, SeccSettings, Session
from chargepoint.iso15118.secc.state import State


def respond_discovery(request: ServiceDiscoveryReq, session: Session, settings: SeccSettings, now: Now) -> Answer:
    """The offered services; those the car says it supports, or all where that would leave none."""
    offered = list(dict.fromkeys(choice.service_id for choice in settings.services))
    wanted = () if request.SupportedServiceIDs is None else request.SupportedServiceIDs.ServiceID
    matching = [service for service in offered if service in wanted] or offered
    response = ServiceDiscoveryRes(
        Header=session.header(now),
        ResponseCode=ResponseCode.OK,
        ServiceRenegotiationSupported=False,
        EnergyTransferServiceList=ServiceList(
            Service=tuple(Service(ServiceID=int(service), FreeService=False) for service in matching)
        ),
    )
    return Answer(response, replace(session, state=State.SERVICE_DETAIL))


def respond_detail(request: ServiceDetailReq, session: Session, settings: SeccSettings, now: Now) -> Answer | None:
    """The parameter sets of one service; None if it was not offered (FAILED_ServiceIDInvalid)."""
    sets = tuple(c.parameter_set() for c in settings.services if c.service_id == request.ServiceID)
    if not sets:
        return None
    response = ServiceDetailRes(
        Header=session.header(now),
        ResponseCode=ResponseCode.OK,
        ServiceID=request.ServiceID,
        ServiceParameterList=ServiceParameterList(ParameterSet=sets),
    )
    return Answer(response, replace(session, state=State.SERVICE_SELECTION))


def respond_selection(
    request: ServiceSelectionReq, session: Session, settings: SeccSettings, now: Now
) -> Answer | ResponseCode:
    """The car's choice; the code to refuse it with if it was not offered. A chosen value-added service never was."""
    chosen = request.SelectedEnergyTransferService
    offered = {choice.service_id for choice in settings.services}
    if chosen.ServiceID not in offered:
        return ResponseCode.FAILED_NoEnergyTransferServiceSelected
    choice = next(
        (
            c
            for c in settings.services
            if c.service_id == chosen.ServiceID and c.parameter_set_id == chosen.ParameterSetID
        ),
        None,
    )
    if choice is None or request.SelectedVASList is not None:
        return ResponseCode.FAILED_ServiceSelectionInvalid
    response = ServiceSelectionRes(Header=session.header(now), ResponseCode=ResponseCode.OK)
    return Answer(response, replace(session, state=State.CHARGE_PARAMETER_DISCOVERY, choice=choice))
