"""DC_WeldingDetection: with open contactors the car watches the station's voltage; once Ongoing, once Finished."""

from __future__ import annotations

from chargepoint.iso15118.messages.common_types import Processing
from chargepoint.iso15118.messages.dc import DC_WeldingDetectionReq, DC_WeldingDetectionRes
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.messages.power_delivery import NO_CURRENT_A
from hil.simulators.evcc.orders import OrderContactors
from hil.simulators.evcc.steps import Next, SessionStep

TIMES = 2


def before(memory: CarMemory) -> bool:
    """The contactors never open under current."""
    return abs(memory.inlet.current_A) < NO_CURRENT_A


def request(memory: CarMemory) -> DC_WeldingDetectionReq:
    """The contactors open before the first of them."""
    if memory.welding_asked == 0:
        memory.orders.append(OrderContactors(closed=False))
        memory.mark("welding_detection")
    memory.welding_asked += 1
    last = memory.welding_asked >= TIMES
    return DC_WeldingDetectionReq(
        Header=memory.header(), EVProcessing=Processing.Finished if last else Processing.Ongoing
    )


def answered(memory: CarMemory, _: DC_WeldingDetectionRes) -> Next:
    """Then SessionStop."""
    return Next(SessionStep.WELDING_DETECTION if memory.welding_asked < TIMES else SessionStep.SESSION_STOP)
