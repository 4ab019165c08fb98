"""DC_PreCharge: the station brings its output to the battery's voltage; then the car closes its contactors."""

from __future__ import annotations

from chargepoint.iso15118.messages.common_types import Processing
from chargepoint.iso15118.messages.dc import DC_PreChargeReq, DC_PreChargeRes
from chargepoint.iso15118.rational import rational
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.orders import OrderContactors
from hil.simulators.evcc.steps import Next, SessionStep

CLOSE_WITHIN_V = 20.0


def request(memory: CarMemory) -> DC_PreChargeReq:
    """Finished, with closed contactors, once the inlet's voltage is near the battery's."""
    if memory.progress.phase != "pre_charge":
        memory.mark("pre_charge")
    inlet = memory.inlet
    matched = abs(inlet.inlet_V - inlet.battery_V) <= CLOSE_WITHIN_V
    if matched:
        memory.orders.append(OrderContactors(closed=True))
        memory.energised = True
    return DC_PreChargeReq(
        Header=memory.header(),
        EVProcessing=Processing.Finished if matched else Processing.Ongoing,
        EVPresentVoltage=rational(inlet.inlet_V),
        EVTargetVoltage=rational(inlet.battery_V),
    )


def answered(memory: CarMemory, _: DC_PreChargeRes) -> Next:
    """Again until the contactors are closed."""
    return (
        Next(SessionStep.POWER_START) if memory.energised else Next(SessionStep.PRE_CHARGE, memory.spec.ongoing_pause_s)
    )
