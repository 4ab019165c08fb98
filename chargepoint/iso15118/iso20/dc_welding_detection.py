"""DC_WeldingDetection: the car tests its contactors."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.refused_head import head, measured
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.messages.dc import DC_WeldingDetectionReq, DC_WeldingDetectionRes
from chargepoint.iso15118.rational import rational


def respond(request: DC_WeldingDetectionReq, session: Session, at: Situation) -> Reply[Session]:
    """The measured voltage; the car draws its conclusion about its own contactors."""
    if at.view.voltage_V is None:
        return Refusal(ResponseCode.FAILED, "the output voltage is not known", ours=True)
    ongoing = request.EVProcessing is not Processing.Finished
    after = replace(session, state=State.WELDING_DETECTION if ongoing else State.SESSION_STOP)
    response = DC_WeldingDetectionRes(
        Header=session.header(at.now), ResponseCode=ResponseCode.OK, EVSEPresentVoltage=rational(at.view.voltage_V)
    )
    return Answer(response, after)


def refuse(_: DC_WeldingDetectionReq, code: ResponseCode, session: Session, at: Situation) -> DC_WeldingDetectionRes:
    """The response with this code and the voltage as measured."""
    return DC_WeldingDetectionRes(**head(code, session, at), EVSEPresentVoltage=measured(at.view.voltage_V))
