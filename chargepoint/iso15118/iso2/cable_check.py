"""CableCheck: the station tests insulation while the car waits. Source: docs/sources/iso15118-2-din.md 1.2."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import ONGOING_PACE_S
from chargepoint.iso15118.iso2 import ev_status
from chargepoint.iso15118.iso2.evse_status import dc_evse_status
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import (
    CableCheckReq,
    CableCheckRes,
    DC_EVErrorCode,
    EVSEProcessing,
    ResponseCode,
)
from chargepoint.iso15118.steps.cable_check import check_cable
from chargepoint.iso15118.steps.step import Impossible, Reached, UnderWay


def respond(request: CableCheckReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """Ongoing, with the isolation Invalid, until the stage has checked. FAILED, which ends the session, where the car reports an error
    of its own, and where `check_cable` says that this is impossible ([585])."""
    error = request.DC_EVStatus.EVErrorCode
    if error is not DC_EVErrorCode.NO_ERROR:
        return Refusal(ResponseCode.FAILED, f"the car reports {error.value}")
    heard = ev_status.heard(session, request.DC_EVStatus)
    match check_cable(heard.transfer, at):
        case Impossible(_, why, ours):
            return Refusal(ResponseCode.FAILED, why, ours)
        case Reached(transfer):
            after = replace(heard, state=Iso2State.PRE_CHARGE, transfer=transfer, cable_checked=True)
            return Answer(_response(after, at, EVSEProcessing.Finished), after)
        case UnderWay(transfer):
            after = replace(heard, transfer=transfer)
            if not at.time_is_up:
                return Later(after, hold_s=ONGOING_PACE_S)
            return Answer(_response(after, at, EVSEProcessing.Ongoing), after)


def refuse(_: CableCheckReq, code: ResponseCode, session: Iso2Session, at: Situation) -> CableCheckRes:
    """The response with this code."""
    return CableCheckRes(
        ResponseCode=code,
        DC_EVSEStatus=dc_evse_status(session, at, stopped=True),
        EVSEProcessing=EVSEProcessing.Finished,
    )


def _response(session: Iso2Session, at: Situation, processing: EVSEProcessing) -> CableCheckRes:
    return CableCheckRes(
        ResponseCode=ResponseCode.OK, DC_EVSEStatus=dc_evse_status(session, at), EVSEProcessing=processing
    )
