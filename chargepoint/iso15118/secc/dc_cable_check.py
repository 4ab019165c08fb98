"""DC_CableCheck: the station tests insulation while the car waits."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.messages.dc import DC_CableCheckReq, DC_CableCheckRes
from chargepoint.iso15118.secc.answer import Answer
from chargepoint.iso15118.secc.session import Now, Session
from chargepoint.iso15118.secc.state import State
from chargepoint.iso15118.secc.timeouts import V2G_SECC_CABLE_CHECK_PERFORMANCE_S
from chargepoint.model.car import SeccInputs
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage


def respond(_: DC_CableCheckReq, session: Session, inputs: SeccInputs, now: Now) -> Answer | ResponseCode:
    """Ongoing until the stage has checked; FAILED (never «Ongoing for ever») when it failed, when power is forbidden, when
    the transaction is over (`authorized` None: there is no other word for it here), or when its time is up."""
    since_s = now.monotonic_s if session.cable_check_since_s is None else session.cable_check_since_s
    if inputs.cable_check_failed or not inputs.permitted or inputs.authorized is None:
        return ResponseCode.FAILED
    if now.monotonic_s - since_s > V2G_SECC_CABLE_CHECK_PERFORMANCE_S:
        return ResponseCode.FAILED
    after = replace(session, phase=Phase.CABLE_CHECK, cable_check_since_s=since_s)
    processing = Processing.Ongoing
    if inputs.stage is Stage.CABLE_CHECKED and session.phase is Phase.CABLE_CHECK:
        processing = Processing.Finished
        after = replace(after, state=State.PRE_CHARGE)
    response = DC_CableCheckRes(Header=session.header(now), ResponseCode=ResponseCode.OK, EVSEProcessing=processing)
    return Answer(response, after)
