"""DC_CableCheck: the station tests insulation while the car waits."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import ONGOING_PACE_S, V2G_SECC_CABLE_CHECK_PERFORMANCE_S
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.messages.dc import DC_CableCheckReq, DC_CableCheckRes
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage


def respond(_: DC_CableCheckReq, session: Session, at: Situation) -> Reply[Session]:
    """Ongoing until the stage has checked; FAILED (never «Ongoing for ever») when it failed, when power is forbidden, when
    no transaction is open, or when its time is up."""
    view, transfer = at.view, session.transfer
    since_s = at.now.monotonic_s if transfer.cable_check_since_s is None else transfer.cable_check_since_s
    if view.cable_check_failed:
        return Refusal(ResponseCode.FAILED, "the cable check failed", ours=True)
    if not view.permitted or not view.may_energise:
        return Refusal(
            ResponseCode.FAILED, "power is not permitted" if not view.permitted else "no transaction", ours=True
        )
    if at.now.monotonic_s - since_s > V2G_SECC_CABLE_CHECK_PERFORMANCE_S:
        return Refusal(ResponseCode.FAILED, f"no result after {V2G_SECC_CABLE_CHECK_PERFORMANCE_S:.0f} s", ours=True)
    checked = view.stage is Stage.CABLE_CHECKED
    checked_before = checked and (transfer.checked_before or transfer.phase is not Phase.CABLE_CHECK)
    after = session.within(phase=Phase.CABLE_CHECK, cable_check_since_s=since_s, checked_before=checked_before)
    if checked and not checked_before:
        return Answer(_response(after, at, Processing.Finished), replace(after, state=State.PRE_CHARGE))
    if not at.time_is_up:
        return Later(after, hold_s=ONGOING_PACE_S)
    return Answer(_response(after, at, Processing.Ongoing), after)


def refuse(_: DC_CableCheckReq, code: ResponseCode, session: Session, at: Situation) -> DC_CableCheckRes:
    """The response with this code."""
    return DC_CableCheckRes(**head(code, session, at), EVSEProcessing=Processing.Finished)


def _response(session: Session, at: Situation, processing: Processing) -> DC_CableCheckRes:
    return DC_CableCheckRes(Header=session.header(at.now), ResponseCode=ResponseCode.OK, EVSEProcessing=processing)
