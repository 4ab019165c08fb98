"""WeldingDetection: the car tests its contactors. Many cars leave it out."""

from __future__ import annotations

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2 import ev_status
from chargepoint.iso15118.iso2.evse_status import dc_evse_status
from chargepoint.iso15118.iso2.physical import volts
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.messages.iso15118_2 import ResponseCode, WeldingDetectionReq, WeldingDetectionRes


def respond(request: WeldingDetectionReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """The measured voltage; the car draws its conclusion about its own contactors. It may ask as often as it likes."""
    if at.view.voltage_V is None:
        return Refusal(ResponseCode.FAILED, "the output voltage is not known", ours=True)
    after = ev_status.heard(session, request.DC_EVStatus)
    return Answer(_response(ResponseCode.OK, after, at), after)


def refuse(_: WeldingDetectionReq, code: ResponseCode, session: Iso2Session, at: Situation) -> WeldingDetectionRes:
    """The response with this code and the voltage as measured."""
    return _response(code, session, at)


def _response(code: ResponseCode, session: Iso2Session, at: Situation) -> WeldingDetectionRes:
    return WeldingDetectionRes(
        ResponseCode=code,
        DC_EVSEStatus=dc_evse_status(session, at, stopped=True),
        EVSEPresentVoltage=volts(at.view.voltage_V),
    )
