"""CurrentDemand (DC) and ChargingStatus (AC): the charge loops, and what they ask of the car."""

from __future__ import annotations

import math
from typing import Any

from chargepoint.iso15118.exi.codec import NS_SAP
from chargepoint.iso15118.physical_value import maybe, number
from hil.simulators.evcc.din_iso2.memory import DinIso2Memory, LastWord
from hil.simulators.evcc.din_iso2.parameters import ev_status
from hil.simulators.evcc.din_iso2.power_delivery import loop_step
from hil.simulators.evcc.orders import OrderCharger, OrderDisconnection
from hil.simulators.evcc.steps import Next, SessionStep

_WANDERING = (1.0, 0.8, 0.6, 0.9)
"""Shares of the car's limits, one loop after the other."""


def current_demand(memory: DinIso2Memory) -> Any:
    """The car's targets and limits."""
    spec, habits, loops = memory.spec, memory.habits, memory.progress.loops
    share = _WANDERING[loops % len(_WANDERING)] if habits.limits_wander else 1.0
    most_W, most_A = spec.charge_power_max_W, spec.charge_current_max_A
    if memory.gives:
        most_W, most_A = -spec.discharge_power_max_W, -spec.discharge_current_max_A
    power = memory.physical(most_W * share, "W") if habits.names_power_limit else None
    return memory.words.CurrentDemandReq(
        DC_EVStatus=ev_status(memory),
        EVTargetCurrent=memory.physical(target_current_A(memory), "A"),
        EVMaximumVoltageLimit=memory.physical(spec.voltage_max_V, "V"),
        EVMaximumCurrentLimit=memory.physical(most_A * share, "A"),
        EVMaximumPowerLimit=power,
        BulkChargingComplete=False,
        ChargingComplete=False,
        EVTargetVoltage=memory.physical(spec.voltage_max_V, "V"),
    )


def target_current_A(memory: DinIso2Memory) -> float:
    """What the car wishes, within its own and the station's limits; below zero where it gives power."""
    spec, habits = memory.spec, memory.habits
    if memory.gives:
        most_W = min(spec.discharge_power_max_W, abs(memory.charge_limit_W or 0.0))
        most_A = min(spec.discharge_current_max_A, abs(memory.current_limit_A or 0.0))
        return -min(most_A, most_W / max(memory.inlet.inlet_V, 1.0))
    if memory.progress.loops < habits.loops_without_current:
        return 0.0
    limits_W = [abs(spec.scheduled_power_W), spec.charge_power_max_W]
    limits_W += [] if memory.charge_limit_W is None else [memory.charge_limit_W]
    wished_A = min(limits_W) / max(memory.inlet.inlet_V, 1.0)
    wished_A = min(
        wished_A, spec.charge_current_max_A, math.inf if memory.current_limit_A is None else memory.current_limit_A
    )
    return float(math.floor(wished_A)) if habits.whole_amperes else wished_A


def current_demanded(memory: DinIso2Memory, answer: Any) -> Next:
    """Keep present values and limits."""
    progress = memory.progress
    progress.present_voltage_V = number(answer.EVSEPresentVoltage)
    progress.present_current_A = number(answer.EVSEPresentCurrent)
    if (power_W := maybe(answer.EVSEMaximumPowerLimit)) is not None:
        progress.charge_limit_W = memory.charge_limit_W = power_W
    if (current_A := maybe(answer.EVSEMaximumCurrentLimit)) is not None:
        memory.current_limit_A = current_A
    return _after_loop(memory, answer.DC_EVSEStatus)


def charging_status(memory: DinIso2Memory) -> Any:
    """The on-board charger takes what the station's last answer allows."""
    spec = memory.spec
    if memory.current_limit_A is not None and memory.energised:
        allowed_W = memory.current_limit_A * memory.nominal_V * spec.charger_phases
        memory.orders.append(OrderCharger(min(allowed_W, spec.charger_power_max_W)))
    return memory.words.ChargingStatusReq()


def charging_status_known(memory: DinIso2Memory, answer: Any) -> Next:
    """Keep the station's maximum current."""
    if (current_A := maybe(answer.EVSEMaxCurrent)) is not None:
        memory.current_limit_A = current_A
        memory.progress.charge_limit_W = current_A * memory.nominal_V * memory.spec.charger_phases
    return _after_loop(memory, answer.AC_EVSEStatus)


def _after_loop(memory: DinIso2Memory, status: Any) -> Next:
    """Obey the station, follow the plan's wishes, or loop on at the car's pace."""
    progress, habits = memory.progress, memory.habits
    progress.loops += 1
    if progress.loops == 1:
        memory.mark("first_loop")
    if _asked_to_stop(memory, status):
        progress.asked_to_stop = True
        if habits.obeys_the_end:
            return Next(SessionStep.POWER_STOP)
    for wish in memory.plan.wishes:
        if not wish.due(progress.loops):
            continue
        for name, value in wish.change.items():
            setattr(memory.spec, name, value)
        if wish.what == "stop":
            return Next(SessionStep.POWER_STOP)
        if wish.what == "pause" and not memory.is_din:
            memory.ending = LastWord(away_s=wish.for_s)
            return Next(SessionStep.POWER_STOP)
        if wish.what == "schedule_renegotiation" and not memory.is_din:
            return Next(SessionStep.POWER_RENEGOTIATE)
        if wish.what == "lose_tcp":
            memory.namespace = NS_SAP
            memory.orders.append(OrderDisconnection(reset=True))
            return Next(SessionStep.AWAY, wish.for_s)
    notified = None if memory.is_din else status.EVSENotification.value
    if notified == "ReNegotiation" and habits.obeys_renegotiation:
        return Next(SessionStep.POWER_RENEGOTIATE)
    full = memory.inlet.soc_percent >= memory.spec.target_soc_percent
    if memory.stop_wanted or (memory.plan.stops_at_target and full):
        return Next(SessionStep.POWER_STOP)
    since_s = memory.now_s if habits.paces_from_answer else memory.sent_s
    return Next(loop_step(memory), max(0.0, since_s + memory.spec.loop_period_s - memory.now_s))


def _asked_to_stop(memory: DinIso2Memory, status: Any) -> bool:
    """EVSE_Shutdown of a DC station; StopCharging of a station of -2."""
    if not memory.is_ac and status.EVSEStatusCode.value in ("EVSE_Shutdown", "EVSE_EmergencyShutdown"):
        return True
    if memory.is_din or not memory.habits.obeys_notification:
        return False
    return bool(status.EVSENotification.value == "StopCharging")
