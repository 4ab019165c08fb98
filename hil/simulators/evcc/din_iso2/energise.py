"""CableCheck and PreCharge: the station tests its insulation and matches the battery's voltage."""

from __future__ import annotations

from typing import Any

from hil.simulators.evcc.din_iso2.memory import DinIso2Memory
from hil.simulators.evcc.din_iso2.parameters import ev_status
from hil.simulators.evcc.messages.pre_charge import CLOSE_WITHIN_V
from hil.simulators.evcc.orders import OrderContactors, OrderPilot
from hil.simulators.evcc.steps import Next, SessionStep


def cable_check(memory: DinIso2Memory) -> Any:
    """The car goes to C before the first of them."""
    if memory.cable_checks == 0:
        memory.orders.append(OrderPilot("C"))
        memory.mark("cable_check")
    memory.cable_checks += 1
    return memory.words.CableCheckReq(DC_EVStatus=ev_status(memory))


def cable_checked(memory: DinIso2Memory, answer: Any) -> Next:
    """On when the answer is Finished, Valid and EVSE_Ready. A station that asks for the end meanwhile gets it."""
    status = answer.DC_EVSEStatus
    if status.EVSEStatusCode.value == "EVSE_Shutdown":
        memory.progress.asked_to_stop = True
        return Next(SessionStep.SESSION_STOP)
    ready = status.EVSEStatusCode.value == "EVSE_Ready" and status.EVSEIsolationStatus is not None
    if answer.EVSEProcessing.value == "Finished" and ready and status.EVSEIsolationStatus.value in ("Valid", "Warning"):
        return Next(SessionStep.PRE_CHARGE)
    return Next(SessionStep.CABLE_CHECK, memory.spec.ongoing_pause_s)


def pre_charge(memory: DinIso2Memory) -> Any:
    """The battery's voltage, or what this car asks first."""
    if memory.pre_charges == 0:
        memory.mark("pre_charge")
    target_V, habits = memory.inlet.battery_V, memory.habits
    if memory.pre_charges < len(habits.target_steps_V):
        target_V += habits.target_steps_V[memory.pre_charges]
    if memory.pre_charges == 0 and habits.first_pre_charge_V is not None:
        target_V = habits.first_pre_charge_V
    memory.pre_charges += 1
    return memory.words.PreChargeReq(
        DC_EVStatus=ev_status(memory),
        EVTargetVoltage=memory.physical(target_V, "V"),
        EVTargetCurrent=memory.physical(habits.pre_charge_current_A, "A"),
    )


def pre_charged(memory: DinIso2Memory, _: Any) -> Next:
    """The contactors close where the voltage matches. Some cars start before that."""
    if matched(memory) and not 0 < memory.pre_charges < len(memory.habits.target_steps_V):
        close(memory)
        return Next(SessionStep.POWER_START, memory.habits.start_pause_s)
    if 0 < memory.habits.starts_after_polls <= memory.pre_charges:
        return Next(SessionStep.POWER_START, memory.habits.start_pause_s)
    return Next(SessionStep.PRE_CHARGE, memory.spec.ongoing_pause_s)


def matched(memory: DinIso2Memory) -> bool:
    """The inlet's voltage is near the battery's."""
    return abs(memory.inlet.inlet_V - memory.inlet.battery_V) <= CLOSE_WITHIN_V


def close(memory: DinIso2Memory) -> None:
    """The contactors close."""
    memory.orders.append(OrderContactors(closed=True))
    memory.energised = True
