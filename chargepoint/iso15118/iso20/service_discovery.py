"""ServiceDiscovery: what is offered. Source: docs/sources/iso15118-20.md 0, 1.2 and 6."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.services import ServiceId, added_services, energy_services
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import (
    Service,
    ServiceDiscoveryReq,
    ServiceDiscoveryRes,
    ServiceList,
)
from chargepoint.iso15118.messages.common_types import ResponseCode

FREE_SERVICES = frozenset({ServiceId.INTERNET, ServiceId.PARKING_STATUS})


def respond(request: ServiceDiscoveryReq, session: Session, at: Situation) -> Answer[Session]:
    """The offered services; of the energy services those the car says it supports, or all where that would leave none.

    The list of value-added services is filtered strictly (V2G20-1249). ServiceRenegotiationSupported never changes within a
    session (V2G20-1931).
    """
    wanted = None if request.SupportedServiceIDs is None else request.SupportedServiceIDs.ServiceID
    offered = energy_services(at.settings)
    matching = tuple(s for s in offered if wanted is None or s in wanted) or offered
    added = tuple(s for s in added_services(at.settings) if wanted is None or s in wanted)
    response = ServiceDiscoveryRes(
        Header=session.header(at.now),
        ResponseCode=ResponseCode.OK,
        ServiceRenegotiationSupported=True,
        EnergyTransferServiceList=_listed(matching),
        VASList=_listed(added) if added else None,
    )
    return Answer(response, replace(session, state=State.SERVICE_DETAIL))


def refuse(_: ServiceDiscoveryReq, code: ResponseCode, session: Session, at: Situation) -> ServiceDiscoveryRes:
    """The response with this code."""
    return ServiceDiscoveryRes(
        **head(code, session, at),
        ServiceRenegotiationSupported=True,
        EnergyTransferServiceList=_listed(energy_services(at.settings)[:1]),
    )


def _listed(services: tuple[ServiceId, ...]) -> ServiceList:
    return ServiceList(Service=tuple(Service(ServiceID=int(s), FreeService=s in FREE_SERVICES) for s in services))
