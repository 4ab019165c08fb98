"""DC_CableCheck: the station measures its insulation while the car waits."""

from __future__ import annotations

from chargepoint.iso15118.messages.common_types import Processing
from chargepoint.iso15118.messages.dc import DC_CableCheckReq, DC_CableCheckRes
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.orders import OrderPilot
from hil.simulators.evcc.steps import Next, SessionStep


def request(memory: CarMemory) -> DC_CableCheckReq:
    """The car goes to C before the first of them."""
    if memory.progress.phase != "cable_check":
        memory.orders.append(OrderPilot("C"))
        memory.mark("cable_check")
    return DC_CableCheckReq(Header=memory.header())


def answered(memory: CarMemory, answer: DC_CableCheckRes) -> Next:
    """Again until it is finished."""
    if answer.EVSEProcessing is not Processing.Finished:
        return Next(SessionStep.CABLE_CHECK, memory.spec.ongoing_pause_s)
    return Next(SessionStep.PRE_CHARGE)
