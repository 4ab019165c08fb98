"""WeldingDetection: the car tests its contactors. Many cars leave it out."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import V2G_SECC_CP_STATE_DETECTION_S
from chargepoint.iso15118.din import ev_status
from chargepoint.iso15118.din.dc_evse_status import dc_evse_status
from chargepoint.iso15118.din.physical import measured_volts
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.messages.din70121 import ResponseCode, WeldingDetectionReq, WeldingDetectionRes
from chargepoint.iso15118.steps.pilot_at_rest import pilot_at_rest
from chargepoint.iso15118.steps.step import Impossible, Reached, UnderWay


def respond(request: WeldingDetectionReq, session: DinSession, at: Situation) -> Reply[DinSession]:
    """The measured voltage, once the pilot shows B; the car draws its conclusion about its own contactors.

    FAILED where the pilot does not show B in time (V2G-DC-556).
    """
    if at.view.voltage_V is None:
        return Refusal(ResponseCode.FAILED, "the output voltage is not known", ours=True)
    heard = ev_status.heard(session, request.DC_EVStatus)
    match pilot_at_rest(session.transfer, at):
        case Impossible(_, why, ours):
            return Refusal(ResponseCode.FAILED, why, ours)
        case UnderWay(_):
            return Later(heard, hold_s=V2G_SECC_CP_STATE_DETECTION_S)
        case Reached(transfer):
            after = replace(heard, transfer=transfer)
            return Answer(_response(ResponseCode.OK, after, at), after)


def refuse(_: WeldingDetectionReq, code: ResponseCode, session: DinSession, at: Situation) -> WeldingDetectionRes:
    """The response with this code and the voltage as measured."""
    return _response(code, session, at)


def _response(code: ResponseCode, session: DinSession, at: Situation) -> WeldingDetectionRes:
    return WeldingDetectionRes(
        ResponseCode=code,
        DC_EVSEStatus=dc_evse_status(session, at, stopped=True),
        EVSEPresentVoltage=measured_volts(at.view.voltage_V),
    )
