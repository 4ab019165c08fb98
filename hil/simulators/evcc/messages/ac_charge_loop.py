"""AC_ChargeLoop: the on-board charger's limits and present power; the station's target, which the charger follows."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.messages import ac
from chargepoint.iso15118.rational import rational
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.messages.ac_charge_parameters import limits, spread, total_W
from hil.simulators.evcc.messages.loop_answer import after_loop, wants_meter_info
from hil.simulators.evcc.needs import display_parameters, energy_needs, present_power_W
from hil.simulators.evcc.orders import OrderCharger
from hil.simulators.evcc.steps import Next


def request(memory: CarMemory) -> ac.AC_ChargeLoopReq:
    """The control mode's type is that of the selected service and parameter set."""
    bidirectional, scheduled = memory.selected.bidirectional, memory.selected.scheduled
    kind: Any = {
        (False, False): ac.Dynamic_AC_CLReqControlMode,
        (False, True): ac.Scheduled_AC_CLReqControlMode,
        (True, False): ac.BPT_Dynamic_AC_CLReqControlMode,
        (True, True): ac.BPT_Scheduled_AC_CLReqControlMode,
    }[bidirectional, scheduled]
    needs = energy_needs(memory)
    values: dict[str, Any] = {
        **needs.requests(),
        **limits(memory),
        **spread(memory, "EVPresentActivePower", present_power_W(memory)),
    }
    if not scheduled:
        values["EVPresentReactivePower"] = rational(0)
        values["DepartureTime"] = memory.spec.departure_s if memory.plan.gives_departure_time else None
        if bidirectional:
            values |= needs.v2x_requests()
    return ac.AC_ChargeLoopReq(
        Header=memory.header(),
        DisplayParameters=display_parameters(memory),
        MeterInfoRequested=wants_meter_info(memory),
        CLReqControlMode=kind(**values),
    )


def answered(memory: CarMemory, answer: ac.AC_ChargeLoopRes) -> Next:
    """The charger takes the target; without one, in Scheduled mode, the car's own wish."""
    mode = answer.CLResControlMode
    target_W = None if mode.EVSETargetActivePower is None else total_W(mode, "EVSETargetActivePower")
    memory.progress.target_power_W = target_W
    memory.orders.append(OrderCharger(charger_W(memory, target_W)))
    return after_loop(memory, answer)


def charger_W(memory: CarMemory, target_W: float | None) -> float:
    """Within the charger's own ratings; below its least power it rests."""
    s = memory.spec
    if memory.standby:
        return 0.0
    wish_W = s.scheduled_power_W if target_W is None else target_W
    if target_W is not None and memory.selected.scheduled:
        wish_W = min(s.scheduled_power_W, target_W) if target_W >= 0 else target_W
    lowest_W = -s.charger_discharge_max_W if memory.selected.bidirectional else 0.0
    power_W = max(lowest_W, min(wish_W, s.charger_power_max_W))
    return power_W if power_W <= 0.0 or power_W >= s.charger_power_min_W else 0.0
