"""WeldingDetection and SessionStop."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.exi.codec import NS_SAP
from hil.simulators.evcc.din_iso2.memory import DinIso2Memory, LastWord
from hil.simulators.evcc.din_iso2.parameters import ev_status
from hil.simulators.evcc.messages.power_delivery import NO_CURRENT_A, NO_POWER_W
from hil.simulators.evcc.orders import OrderCharger, OrderContactors, OrderDisconnection
from hil.simulators.evcc.steps import Next, SessionAbandoned, SessionStep

WELDING_TIMES = 2


def no_current(memory: DinIso2Memory) -> bool:
    """The contactors never open under current."""
    return abs(memory.inlet.current_A) < NO_CURRENT_A


def welding_detection(memory: DinIso2Memory) -> Any:
    """The contactors open before the first of them."""
    if memory.welding_asked == 0:
        memory.orders.append(OrderContactors(closed=False))
        memory.mark("welding_detection")
    memory.welding_asked += 1
    return memory.words.WeldingDetectionReq(DC_EVStatus=ev_status(memory))


def welding_detected(memory: DinIso2Memory, _: Any) -> Next:
    """Then SessionStop."""
    return Next(SessionStep.WELDING_DETECTION if memory.welding_asked < WELDING_TIMES else SessionStep.SESSION_STOP)


def charger_at_rest(memory: DinIso2Memory) -> bool:
    """An AC car takes no power any more; a DC car leaves the current to the station."""
    if not memory.is_ac:
        return True
    memory.orders.append(OrderCharger(0.0))
    return abs(memory.inlet.charger_W) < NO_POWER_W


def session_stop(memory: DinIso2Memory) -> Any:
    """For good; in -2 also for a pause. A stop that the driver wants meanwhile is for good."""
    words = memory.words
    if memory.is_din:
        return words.SessionStopReq()
    if memory.stop_wanted:
        memory.ending.away_s = None
    session = "Terminate" if memory.ending.away_s is None else "Pause"
    return words.SessionStopReq(ChargingSession=words.ChargingSession(session))


def session_stopped(memory: DinIso2Memory, _: Any) -> Next:
    """Away for a pause, or the end; with an error where the car ended its session because of one."""
    ending, memory.ending = memory.ending, LastWord()
    memory.mark("session_stop")
    if ending.away_s is not None:
        memory.paused_id, memory.namespace = memory.session_id, NS_SAP
        memory.orders += [OrderContactors(closed=False), OrderDisconnection()]
        return Next(SessionStep.AWAY, ending.away_s)
    if ending.error is not None:
        raise SessionAbandoned(ending.error)
    return Next(SessionStep.LISTEN)
