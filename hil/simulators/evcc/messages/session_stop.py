"""SessionStop: terminate, pause, or renegotiate the service."""

from __future__ import annotations

from chargepoint.iso15118.messages.common_messages import ChargingSession, SessionStopReq, SessionStopRes
from hil.simulators.evcc.memory import CarMemory, Ending
from hil.simulators.evcc.orders import OrderDisconnection, OrderPilot
from hil.simulators.evcc.steps import Next, SessionAbandoned, SessionStep


def request(memory: CarMemory) -> SessionStopReq:
    """With the car's own code and explanation where there is one."""
    ending, plan = memory.ending, memory.plan
    return SessionStopReq(
        Header=memory.header(),
        ChargingSession=ending.session,
        EVTerminationCode=ending.code or plan.termination_code or None,
        EVTerminationExplanation=ending.explanation or plan.termination_explanation or None,
    )


def answered(memory: CarMemory, _: SessionStopRes) -> Next:
    """Away for a pause, services anew on the same connection, or the end."""
    ending, memory.ending = memory.ending, Ending()
    memory.mark("session_stop")
    match ending.session:
        case ChargingSession.Pause:
            memory.orders += [OrderPilot("B"), OrderDisconnection()]
            return Next(SessionStep.AWAY, ending.away_s)
        case ChargingSession.ServiceRenegotiation:
            memory.orders.append(OrderPilot("B"))
            memory.forget_selection()
            return Next(SessionStep.SERVICE_DISCOVERY)
    if ending.error is not None:
        raise SessionAbandoned(ending.error)
    return Next(SessionStep.LISTEN)
