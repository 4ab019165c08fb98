"""DC_CableCheck: the station tests insulation while the car waits."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import ONGOING_PACE_S
from chargepoint.iso15118.iso20.refused_head import head
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.messages.dc import DC_CableCheckReq, DC_CableCheckRes
from chargepoint.iso15118.steps.cable_check import check_cable
from chargepoint.iso15118.steps.step import Impossible, Reached, UnderWay


def respond(_: DC_CableCheckReq, session: Session, at: Situation) -> Reply[Session]:
    """Ongoing until the stage has checked; FAILED where `check_cable` says that this is impossible."""
    match check_cable(session.transfer, at):
        case Impossible(_, why, ours):
            return Refusal(ResponseCode.FAILED, why, ours)
        case Reached(transfer):
            after = replace(session, transfer=transfer)
            return Answer(_response(after, at, Processing.Finished), replace(after, state=State.PRE_CHARGE))
        case UnderWay(transfer):
            after = replace(session, transfer=transfer)
            if not at.time_is_up:
                return Later(after, hold_s=ONGOING_PACE_S)
            return Answer(_response(after, at, Processing.Ongoing), after)


def refuse(_: DC_CableCheckReq, code: ResponseCode, session: Session, at: Situation) -> DC_CableCheckRes:
    """The response with this code."""
    return DC_CableCheckRes(**head(code, session, at), EVSEProcessing=Processing.Finished)


def _response(session: Session, at: Situation, processing: Processing) -> DC_CableCheckRes:
    return DC_CableCheckRes(Header=session.header(at.now), ResponseCode=ResponseCode.OK, EVSEProcessing=processing)
