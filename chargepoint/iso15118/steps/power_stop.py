"""The end of the transfer: the current goes, then the contactor opens."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import V2G_SECC_MSG_PERFORMANCE_S
from chargepoint.iso15118.steps.step import Hindrance, Impossible, Reached, Step, UnderWay
from chargepoint.iso15118.steps.transfer import Transfer
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage
from chargepoint.safety.envelope import NO_CURRENT_A

_ENERGISED = (Stage.TRANSFER, Stage.RAMP_DOWN)


def stop_power(transfer: Transfer, at: Situation, *, is_ac: bool) -> Step:
    """DC: the current is gone, and the car may check its contactors for welding. AC: the contactor is measured open (V2G20-863).

    A car that gets OK opens its contactors. So a current that flows on, or is not known, is no OK.
    """
    stopping = replace(transfer, phase=Phase.OFF, standby=False)
    if at.view.stage not in _ENERGISED and not (is_ac and at.view.stage is Stage.OPENING):
        return Reached(stopping)
    if not at.time_is_up:
        return UnderWay(stopping)
    if is_ac:
        return Impossible(Hindrance.CONTACTOR, "the contactor did not open in time")
    if at.view.current_A is None or abs(at.view.current_A) >= NO_CURRENT_A:
        seen = "unknown" if at.view.current_A is None else f"{at.view.current_A:.0f} A"
        why = f"the current is {seen} after {V2G_SECC_MSG_PERFORMANCE_S} s: below {NO_CURRENT_A:g} A"
        return Impossible(Hindrance.CURRENT_FLOWS, why)
    return Reached(stopping)
