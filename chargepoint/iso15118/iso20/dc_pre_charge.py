"""DC_PreCharge: the station's output is brought to the car's battery voltage."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.refused_head import head, measured
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.messages.dc import DC_PreChargeReq, DC_PreChargeRes
from chargepoint.iso15118.rational import number
from chargepoint.iso15118.steps.pre_charge import approach
from chargepoint.iso15118.steps.step import Impossible


def respond(request: DC_PreChargeReq, session: Session, at: Situation) -> Reply[Session]:
    """The present voltage, always measured. Refusal where no transaction is open, and where the car does not come to an end."""
    assert session.limits is not None
    asked_V, present_V = abs(number(request.EVTargetVoltage)), number(request.EVPresentVoltage)
    step = approach(session.transfer, asked_V, session.limits.voltage_max_V, at, present_V)
    if isinstance(step, Impossible):
        return Refusal(ResponseCode.FAILED, step.why, step.ours)
    finished = request.EVProcessing is Processing.Finished
    state = State.POWER_DELIVERY if finished else State.PRE_CHARGE
    response = DC_PreChargeRes(
        Header=session.header(at.now), ResponseCode=ResponseCode.OK, EVSEPresentVoltage=measured(at.view.voltage_V)
    )
    return Answer(response, replace(session, state=state, transfer=step.transfer))


def refuse(_: DC_PreChargeReq, code: ResponseCode, session: Session, at: Situation) -> DC_PreChargeRes:
    """The response with this code and the voltage as measured."""
    return DC_PreChargeRes(**head(code, session, at), EVSEPresentVoltage=measured(at.view.voltage_V))
