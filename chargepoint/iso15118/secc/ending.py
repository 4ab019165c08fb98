"""DC_WeldingDetection and SessionStop: the car tests its contactors and leaves."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.messages.common_messages import ChargingSession, SessionStopReq, SessionStopRes
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.messages.dc import DC_WeldingDetectionReq, DC_WeldingDetectionRes
from chargepoint.iso15118.rational import rational
from chargepoint.iso15118.secc.answer import Answer
from chargepoint.iso15118.secc.session import Now, Session
from chargepoint.iso15118.secc.state import State
from chargepoint.model.car import SeccInputs
from chargepoint.model.demand import Phase


def respond_welding(
    request: DC_WeldingDetectionReq, session: Session, inputs: SeccInputs, now: Now
) -> Answer | ResponseCode:
    """The measured voltage; the car draws its conclusion about its own contactors."""
    if inputs.voltage_V is None:
        return ResponseCode.FAILED
    ongoing = request.EVProcessing is not Processing.Finished
    after = replace(session, state=State.WELDING_DETECTION if ongoing else State.SESSION_STOP)
    response = DC_WeldingDetectionRes(
        Header=session.header(now), ResponseCode=ResponseCode.OK, EVSEPresentVoltage=rational(inputs.voltage_V)
    )
    return Answer(response, after)


def why_stopped(request: SessionStopReq) -> str:
    """One sentence for the log: the car ended its session, with its EVTerminationCode and EVTerminationExplanation.

    Text of the car is quoted, and control characters in it are escaped. The schema bounds both texts (80 and 160 characters).
    Source: ISO 15118-20 SessionStopReq.
    """
    code, explanation = request.EVTerminationCode, request.EVTerminationExplanation
    reasons = [f"code {code!r}"] if code else []
    reasons += [f"explanation {explanation!r}"] if explanation else []
    return "SessionStop by the car" + (f": {', '.join(reasons)}" if reasons else "")


def respond_stop(request: SessionStopReq, session: Session, now: Now) -> Answer | ResponseCode:
    """Terminate ends the session. Pause and service renegotiation are not offered yet and refused by their names."""
    match request.ChargingSession:
        case ChargingSession.Pause:
            return ResponseCode.FAILED_PauseNotAllowed
        case ChargingSession.ServiceRenegotiation:
            return ResponseCode.FAILED_NoServiceRenegotiationSupported
        case ChargingSession.Terminate:
            response = SessionStopRes(Header=session.header(now), ResponseCode=ResponseCode.OK)
            return Answer(response, replace(session, state=State.ENDED, phase=Phase.OFF))
