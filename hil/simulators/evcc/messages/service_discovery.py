"""ServiceDiscovery: which services there are, and which of them the car asks details of."""

from __future__ import annotations

from chargepoint.iso15118.messages.common_messages import ServiceDiscoveryReq, ServiceDiscoveryRes, ServiceIDList
from hil.simulators.evcc.memory import SERVICES, CarMemory
from hil.simulators.evcc.steps import Next, SessionAbandoned, SessionStep


def preferred(memory: CarMemory) -> list[int]:
    """The car's energy services, best first: each kind of energy with BPT before without, if the car gives power back."""
    order = []
    for kind in memory.plan.energy:
        one_way, both_ways = SERVICES[kind]
        order += [both_ways, one_way] if memory.spec.bidirectional else [one_way]
    return order


def request(memory: CarMemory) -> ServiceDiscoveryReq:
    """With SupportedServiceIDs, if the plan names them."""
    wanted = memory.plan.supported_service_ids
    return ServiceDiscoveryReq(
        Header=memory.header(), SupportedServiceIDs=ServiceIDList(ServiceID=wanted) if wanted else None
    )


def answered(memory: CarMemory, answer: ServiceDiscoveryRes) -> Next:
    """Ask details of the best energy service that is offered, then of the wanted value-added services."""
    memory.offered = tuple(service.ServiceID for service in answer.EnergyTransferServiceList.Service)
    memory.offered_vas = () if answer.VASList is None else tuple(s.ServiceID for s in answer.VASList.Service)
    usable = [service for service in preferred(memory) if service in memory.offered]
    if not usable:
        raise SessionAbandoned(f"no service for this car: it takes {preferred(memory)}, offered {memory.offered}")
    energy = list(memory.offered) if memory.plan.asks_every_detail else usable[:1]
    vas = [service for service in memory.plan.vas if service in memory.offered_vas]
    memory.details_to_ask = energy + vas
    return Next(SessionStep.SERVICE_DETAIL)
