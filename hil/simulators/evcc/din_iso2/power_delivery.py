"""PowerDelivery: start, stop, and the renegotiation of -2."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.physical_value import number
from hil.simulators.evcc.din_iso2 import energise
from hil.simulators.evcc.din_iso2.memory import DinIso2Memory
from hil.simulators.evcc.din_iso2.parameters import ev_status
from hil.simulators.evcc.messages.power_delivery import NO_POWER_W
from hil.simulators.evcc.orders import OrderCharger, OrderContactors, OrderPilot
from hil.simulators.evcc.steps import Next, SessionStep


def start(memory: DinIso2Memory) -> Any:
    """An AC car goes to C with it."""
    if memory.progress.phase != "power_delivery":
        memory.mark("power_delivery")
    if memory.is_ac:
        memory.orders.append(OrderPilot("C"))
    return _request(memory, "Start")


def started(memory: DinIso2Memory, _: Any) -> Next:
    """On to the charge loop. A car that started early closes its contactors now."""
    if not memory.is_ac and not memory.energised:
        energise.close(memory)
    memory.energised = True
    memory.mark("transfer")
    return Next(loop_step(memory), memory.habits.first_loop_pause_s)


def stop(memory: DinIso2Memory) -> Any:
    """An AC car takes no more power first."""
    memory.mark("stopping")
    return _request(memory, "Stop")


def stopped(memory: DinIso2Memory, _: Any) -> Next:
    """Back to B; a DC car checks its contactors for welding, where it does."""
    memory.energised = False
    memory.orders.append(OrderPilot("B"))
    if memory.is_ac or not memory.habits.checks_welding:
        return Next(SessionStep.SESSION_STOP)
    return Next(SessionStep.WELDING_DETECTION)


def renegotiate(memory: DinIso2Memory) -> Any:
    """-2: the schedule anew. A DC car's power stops; an AC car goes on charging."""
    memory.mark("renegotiating")
    return _request(memory, "Renegotiate")


def renegotiated(memory: DinIso2Memory, _: Any) -> Next:
    """ChargeParameterDiscovery again. A DC car opens its contactors, and stays in C for the next cable check."""
    if memory.is_ac:
        return Next(SessionStep.AC_CHARGE_PARAMETERS)
    memory.orders.append(OrderContactors(closed=False))
    memory.energised, memory.cable_checks, memory.pre_charges = False, 0, 0
    return Next(SessionStep.DC_CHARGE_PARAMETERS)


def before_stop(memory: DinIso2Memory) -> bool:
    """An AC car's charger is at rest; a DC car need not wait, because the station takes the current away."""
    if not memory.is_ac:
        return True
    memory.orders.append(OrderCharger(0.0))
    return abs(memory.inlet.charger_W) < NO_POWER_W


def loop_step(memory: DinIso2Memory) -> SessionStep:
    """The charge loop of this car."""
    return SessionStep.AC_CHARGE_LOOP if memory.is_ac else SessionStep.DC_CHARGE_LOOP


def _request(memory: DinIso2Memory, progress: str) -> Any:
    words, starts, renegotiates = memory.words, progress == "Start", progress == "Renegotiate"
    parameter = None
    if not memory.is_ac:
        parameter = words.DC_EVPowerDeliveryParameter(
            DC_EVStatus=ev_status(memory), BulkChargingComplete=False, ChargingComplete=not (starts or renegotiates)
        )
    wanted = starts or (memory.habits.profile_with_stop and not renegotiates)
    profile = _profile(memory) if wanted and memory.plan.profile != "none" else None
    if memory.is_din:
        return words.PowerDeliveryReq(
            ReadyToChargeState=starts, ChargingProfile=profile, EVPowerDeliveryParameter=parameter
        )
    chosen = memory.schedule_tuple
    return words.PowerDeliveryReq(
        ChargeProgress=words.ChargeProgress(progress),
        SAScheduleTupleID=1 if chosen is None else chosen.SAScheduleTupleID,
        ChargingProfile=profile,
        EVPowerDeliveryParameter=parameter,
    )


def _profile(memory: DinIso2Memory) -> Any:
    """Entry by entry what the schedule allows; None without a schedule."""
    words, chosen = memory.words, memory.schedule_tuple
    if chosen is None:
        return None
    offered = [(e.TimeInterval.start, e.PMax) for e in chosen.PMaxSchedule.PMaxScheduleEntry][:23]
    if memory.habits.profile_ends_at_zero:
        offered.append((max(3600, offered[-1][0] + 1), 0 if memory.is_din else memory.physical(0.0, "W")))
    entries = tuple(
        words.ProfileEntry(ChargingProfileEntryStart=at_s, ChargingProfileEntryMaxPower=_power(memory, maximum))
        for at_s, maximum in offered
    )
    if memory.is_din:
        return words.ChargingProfile(SAScheduleTupleID=chosen.SAScheduleTupleID, ProfileEntry=entries)
    return words.ChargingProfile(ProfileEntry=entries)


def _power(memory: DinIso2Memory, maximum: Any) -> Any:
    """What the schedule allows and the car can take: a number in DIN, a PhysicalValue in -2."""
    can_W = memory.spec.charger_power_max_W if memory.is_ac else memory.spec.charge_power_max_W
    if memory.is_din:
        return min(int(maximum), int(min(can_W, 32_767)))
    return maximum if number(maximum) <= can_W else memory.physical(can_W, "W")
