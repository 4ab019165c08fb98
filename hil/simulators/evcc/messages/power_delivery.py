"""PowerDelivery: start, stop, standby and schedule renegotiation. The profile comes from `power_profile`."""

from __future__ import annotations

from chargepoint.iso15118.messages.common_messages import (
    ChannelSelection,
    ChargeProgress,
    PowerDeliveryReq,
    PowerDeliveryRes,
)
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.needs import present_power_W
from hil.simulators.evcc.orders import OrderCharger, OrderPilot
from hil.simulators.evcc.power_profile import power_profile
from hil.simulators.evcc.steps import Next, SessionStep

POLL_PAUSE_S = 0.1
NO_CURRENT_A = 1.0
NO_POWER_W = 50.0


def start(memory: CarMemory) -> PowerDeliveryReq:
    """Start. An AC car goes to C with it; a plan may poll with EVProcessing Ongoing first."""
    if memory.progress.phase != "power_delivery":
        memory.mark("power_delivery")
    if memory.selected.is_ac:
        memory.orders.append(OrderPilot("C"))
    ongoing = memory.starts_polled < memory.plan.power_delivery_polls
    profile = None if ongoing else power_profile(memory)
    return PowerDeliveryReq(
        Header=memory.header(),
        EVProcessing=Processing.Ongoing if ongoing else Processing.Finished,
        ChargeProgress=ChargeProgress.Start,
        EVPowerProfile=profile,
        BPT_ChannelSelection=ChannelSelection.Charge if memory.selected.bidirectional and profile else None,
    )


def started(memory: CarMemory, _: PowerDeliveryRes) -> Next:
    """On to the charge loop. A power tolerance that is not confirmed is a warning: the session goes on."""
    if memory.starts_polled < memory.plan.power_delivery_polls:
        memory.starts_polled += 1
        return Next(SessionStep.POWER_START, POLL_PAUSE_S)
    memory.energised, memory.standby = True, False
    memory.mark("transfer")
    return Next(loop_step(memory))


def stop(memory: CarMemory) -> PowerDeliveryReq:
    """Stop. An AC car takes no more power first."""
    memory.mark("stopping")
    return _plain(memory, ChargeProgress.Stop)


def stopped(memory: CarMemory, _: PowerDeliveryRes) -> Next:
    """AC: back to B and on to SessionStop. DC: welding detection, once no current flows."""
    memory.energised = memory.standby = False
    memory.notice = None
    if memory.selected.is_ac:
        memory.orders.append(OrderPilot("B"))
        return Next(SessionStep.SESSION_STOP)
    return Next(SessionStep.WELDING_DETECTION)


def before_stop(memory: CarMemory) -> bool:
    """An AC car's charger is at rest; a DC car need not wait, because the station takes the current away."""
    if not memory.selected.is_ac:
        return True
    memory.orders.append(OrderCharger(0.0))
    return abs(present_power_W(memory)) < NO_POWER_W


def standby(memory: CarMemory) -> PowerDeliveryReq:
    """Standby: the loop runs on without power."""
    return _plain(memory, ChargeProgress.Standby)


def in_standby(memory: CarMemory, answer: PowerDeliveryRes) -> Next:
    """WARNING_StandbyNotAllowed leaves everything as it was."""
    memory.standby = answer.ResponseCode is not ResponseCode.WARNING_StandbyNotAllowed
    return Next(loop_step(memory))


def renegotiate(memory: CarMemory) -> PowerDeliveryReq:
    """ScheduleRenegotiation: power flows on under the old limits meanwhile."""
    return _plain(memory, ChargeProgress.ScheduleRenegotiation)


def renegotiated(memory: CarMemory, answer: PowerDeliveryRes) -> Next:
    """ScheduleExchange again; after a refusal the loop goes on."""
    if answer.ResponseCode is ResponseCode.WARNING_ScheduleRenegotiationFailed:
        return Next(loop_step(memory))
    return Next(SessionStep.SCHEDULE_EXCHANGE)


def loop_step(memory: CarMemory) -> SessionStep:
    """The charge loop of the selected service."""
    return SessionStep.AC_CHARGE_LOOP if memory.selected.is_ac else SessionStep.DC_CHARGE_LOOP


def _plain(memory: CarMemory, progress: ChargeProgress) -> PowerDeliveryReq:
    return PowerDeliveryReq(Header=memory.header(), EVProcessing=Processing.Finished, ChargeProgress=progress)
