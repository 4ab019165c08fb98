"""The cable check: the station tests insulation while the car waits."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import V2G_SECC_CABLE_CHECK_PERFORMANCE_S
from chargepoint.iso15118.steps.no_power import no_power
from chargepoint.iso15118.steps.step import Hindrance, Impossible, Reached, Step, UnderWay
from chargepoint.iso15118.steps.transfer import Transfer
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage


def check_cable(transfer: Transfer, at: Situation) -> Step:
    """Reached once the stage has checked for this session. Impossible (never «under way for ever») when the check failed, when
    power may not come on, or when its time is up."""
    view = at.view
    since_s = at.now.monotonic_s if transfer.cable_check_since_s is None else transfer.cable_check_since_s
    if view.cable_check_failed:
        return Impossible(Hindrance.CABLE_CHECK, "the cable check failed")
    if (hindered := no_power(at)) is not None:
        return hindered
    if at.now.monotonic_s - since_s > V2G_SECC_CABLE_CHECK_PERFORMANCE_S:
        return Impossible(Hindrance.CABLE_CHECK, f"no result after {V2G_SECC_CABLE_CHECK_PERFORMANCE_S:.0f} s")
    checked = view.stage is Stage.CABLE_CHECKED
    checked_before = checked and (transfer.checked_before or transfer.phase is not Phase.CABLE_CHECK)
    after = replace(transfer, phase=Phase.CABLE_CHECK, cable_check_since_s=since_s, checked_before=checked_before)
    return Reached(after) if checked and not checked_before else UnderWay(after)
