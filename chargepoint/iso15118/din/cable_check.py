"""CableCheck: the station tests insulation while the car waits. Source: docs/sources/iso15118-2-din.md 1.2 and 1.3."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import ONGOING_PACE_S
from chargepoint.iso15118.din import ev_status
from chargepoint.iso15118.din.dc_evse_status import dc_evse_status
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.messages.din70121 import CableCheckReq, CableCheckRes, EVSEProcessing, ResponseCode
from chargepoint.iso15118.steps.cable_check import check_cable
from chargepoint.iso15118.steps.dc_status import StatusCode, status_code
from chargepoint.iso15118.steps.step import Impossible, Reached, UnderWay


def respond(request: CableCheckReq, session: DinSession, at: Situation) -> Reply[DinSession]:
    """Ongoing until the stage has checked; FAILED where `check_cable` says that this is impossible.

    Pre-charge may follow once the answer is Finished, Valid and EVSE_Ready (V2G-DC-499, 455). A station that asks for the end keeps
    the car here.
    """
    heard = ev_status.heard(session, request.DC_EVStatus)
    match check_cable(session.transfer, at):
        case Impossible(_, why, ours):
            return Refusal(ResponseCode.FAILED, why, ours)
        case Reached(transfer):
            after = replace(heard, transfer=transfer, isolation_checked=True)
            if status_code(at) is StatusCode.READY:
                after = replace(after, state=DinState.PRE_CHARGE)
            return Answer(_response(after, at, EVSEProcessing.Finished), after)
        case UnderWay(transfer):
            after = replace(heard, transfer=transfer)
            if not at.time_is_up:
                return Later(after, hold_s=ONGOING_PACE_S)
            return Answer(_response(after, at, EVSEProcessing.Ongoing), after)


def refuse(_: CableCheckReq, code: ResponseCode, session: DinSession, at: Situation) -> CableCheckRes:
    """The response with this code."""
    return CableCheckRes(
        ResponseCode=code,
        DC_EVSEStatus=dc_evse_status(session, at, stopped=True),
        EVSEProcessing=EVSEProcessing.Finished,
    )


def _response(session: DinSession, at: Situation, processing: EVSEProcessing) -> CableCheckRes:
    return CableCheckRes(
        ResponseCode=ResponseCode.OK, DC_EVSEStatus=dc_evse_status(session, at), EVSEProcessing=processing
    )
