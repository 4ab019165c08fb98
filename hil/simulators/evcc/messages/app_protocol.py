"""supportedAppProtocol: the namespaces this car speaks, by priority."""

from __future__ import annotations

from chargepoint.iso15118.exi.codec import NS_AC, NS_DC
from chargepoint.iso15118.messages.app_protocol import (
    AppProtocol,
    ResponseCode,
    supportedAppProtocolReq,
    supportedAppProtocolRes,
)
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.plan import OfferedProtocol
from hil.simulators.evcc.steps import Next, SessionAbandoned, SessionStep

_NAMESPACE = {"DC": NS_DC, "MCS": NS_DC, "AC": NS_AC}
SPOKEN = (NS_DC, NS_AC)
"""Namespaces whose session this car can go on with."""


def offered(memory: CarMemory) -> tuple[OfferedProtocol, ...]:
    """The plan's protocols, or the namespaces its kinds of energy need, in the order of preference."""
    if memory.plan.protocols:
        return memory.plan.protocols
    namespaces = dict.fromkeys(_NAMESPACE[kind] for kind in memory.plan.energy)
    return tuple(OfferedProtocol(namespace, priority=place) for place, namespace in enumerate(namespaces, 1))


def request(memory: CarMemory) -> supportedAppProtocolReq:
    """See `offer`."""
    return offer(offered(memory))


def offer(protocols: tuple[OfferedProtocol, ...]) -> supportedAppProtocolReq:
    """SchemaID is the place in the offer, from 1, where the plan does not say another one."""
    return supportedAppProtocolReq(
        AppProtocol=tuple(
            AppProtocol(
                ProtocolNamespace=protocol.namespace,
                VersionNumberMajor=protocol.major,
                VersionNumberMinor=protocol.minor,
                SchemaID=place if protocol.schema_id is None else protocol.schema_id,
                Priority=protocol.priority,
            )
            for place, protocol in enumerate(protocols, 1)
        )
    )


def answered(memory: CarMemory, answer: supportedAppProtocolRes) -> Next:
    """Go on where a namespace was agreed that this car speaks."""
    chosen(request(memory), SPOKEN, answer)
    return Next(SessionStep.SESSION_SETUP)


def chosen(offered_to_it: supportedAppProtocolReq, spoken: tuple[str, ...], answer: supportedAppProtocolRes) -> str:
    """The namespace that the station chose. Raises SessionAbandoned where it chose none that this car speaks."""
    found = {p.SchemaID: p.ProtocolNamespace for p in offered_to_it.AppProtocol}
    if answer.ResponseCode is ResponseCode.Failed_NoNegotiation or answer.SchemaID not in found:
        raise SessionAbandoned(f"no common protocol: {answer.ResponseCode.value}")
    namespace = found[answer.SchemaID]
    if namespace not in spoken:
        raise SessionAbandoned(f"the station chose {namespace}, which this car offers but does not speak")
    return namespace
