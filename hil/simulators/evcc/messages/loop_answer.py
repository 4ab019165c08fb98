"""What every charge loop's answer may ask of the car: notifications, and the plan's own wishes. AC and DC share it."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.messages.ac import AC_ChargeLoopRes
from chargepoint.iso15118.messages.common_messages import ChargingSession
from chargepoint.iso15118.messages.common_types import EvseNotification, EVSEStatus, ResponseCode
from chargepoint.iso15118.messages.dc import DC_ChargeLoopRes
from hil.simulators.evcc.memory import CarMemory, Ending, Notice
from hil.simulators.evcc.messages.power_delivery import loop_step
from hil.simulators.evcc.needs import target_reached
from hil.simulators.evcc.orders import OrderDisconnection
from hil.simulators.evcc.plan import CarWish
from hil.simulators.evcc.steps import Next, SessionStep

PAUSED_BY_STATION_S = 5.0
"""How long the car stays away after the station asked for a pause, unless a wish of the plan gives a time."""


def after_loop(memory: CarMemory, answer: DC_ChargeLoopRes | AC_ChargeLoopRes) -> Next:
    """The step after a loop: obey the station, follow the plan, or loop on at the car's pace."""
    progress = memory.progress
    progress.loops += 1
    if progress.loops == 1:
        memory.mark("first_loop")
    if answer.MeterInfo is not None:
        memory.meter = answer.MeterInfo
    _note(memory, answer.EVSEStatus)
    if (step := _obey(memory)) is not None:
        return Next(step)
    if answer.ResponseCode is ResponseCode.WARNING_EVPowerProfileViolation and "EVPowerProfile" not in progress.marks:
        progress.marks["EVPowerProfile"] = memory.now_s
    for wish in memory.due_wishes():
        if (following := _follow(memory, wish)) is not None:
            return following
    if memory.stop_wanted or (memory.plan.stops_at_target and target_reached(memory)):
        return Next(SessionStep.POWER_STOP)
    pause_s = max(0.0, memory.sent_s + memory.spec.loop_period_s - memory.now_s)
    return Next(loop_step(memory), pause_s)


def wants_meter_info(memory: CarMemory) -> bool:
    """MeterInfoRequested of the next loop."""
    every = memory.plan.meter_info_every_loops
    return every > 0 and (memory.progress.loops + 1) % every == 0


def _note(memory: CarMemory, status: EVSEStatus | None) -> None:
    """Keep a notification that is new; forget one that the station took back."""
    if status is None:
        memory.notice = memory.obeyed = None
        return
    notification = status.EVSENotification
    if memory.obeyed is notification or (memory.notice is not None and memory.notice.notification is notification):
        return
    memory.obeyed = None
    memory.notice = Notice(notification, memory.now_s, float(status.NotificationMaxDelay))
    memory.progress.notifications.append(notification.value)
    if notification is EvseNotification.Terminate:
        memory.progress.asked_to_stop = True


def _obey(memory: CarMemory) -> SessionStep | None:
    notice = memory.notice
    if notice is None or notice.notification.value in memory.plan.ignores:
        return None
    if memory.now_s < notice.seen_s + min(memory.plan.reaction_s, notice.max_delay_s):
        return None
    memory.notice, memory.obeyed = None, notice.notification
    match notice.notification:
        case EvseNotification.Terminate:
            return SessionStep.POWER_STOP
        case EvseNotification.Pause:
            memory.ending = Ending(ChargingSession.Pause, away_s=_pause_s(memory))
            return SessionStep.POWER_STOP
        case EvseNotification.ServiceRenegotiation:
            memory.ending = Ending(ChargingSession.ServiceRenegotiation)
            return SessionStep.POWER_STOP
        case EvseNotification.ScheduleRenegotiation:
            return SessionStep.POWER_RENEGOTIATE
        case EvseNotification.ExitStandby:
            return SessionStep.POWER_START if memory.standby else None
        case EvseNotification.MeteringConfirmation:
            return SessionStep.METERING_CONFIRMATION if memory.meter is not None else None


def _pause_s(memory: CarMemory) -> float:
    return next((w.for_s for w in memory.plan.wishes if w.what == "pause"), PAUSED_BY_STATION_S)


def _follow(memory: CarMemory, wish: CarWish) -> Next | None:
    _change_spec(memory, wish.change)
    match wish.what:
        case "stop":
            return Next(SessionStep.POWER_STOP)
        case "pause":
            memory.ending = Ending(ChargingSession.Pause, away_s=wish.for_s)
            return Next(SessionStep.POWER_STOP)
        case "service_renegotiation":
            memory.ending = Ending(ChargingSession.ServiceRenegotiation)
            return Next(SessionStep.POWER_STOP)
        case "schedule_renegotiation":
            return Next(SessionStep.POWER_RENEGOTIATE)
        case "standby":
            return Next(SessionStep.POWER_STANDBY)
        case "leave_standby":
            return Next(SessionStep.POWER_START) if memory.standby else None
        case "lose_tcp":
            memory.orders.append(OrderDisconnection(reset=True))
            return Next(SessionStep.AWAY, wish.for_s)
    return None


def _change_spec(memory: CarMemory, change: Any) -> None:
    for name, value in change.items():
        setattr(memory.spec, name, value)
