"""PreCharge: the station's output is brought to the car's battery voltage."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.din import ev_status
from chargepoint.iso15118.din.dc_evse_status import dc_evse_status
from chargepoint.iso15118.din.physical import measured_volts
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.messages.din70121 import PreChargeReq, PreChargeRes, ResponseCode
from chargepoint.iso15118.physical_value import number
from chargepoint.iso15118.steps.pre_charge import approach
from chargepoint.iso15118.steps.step import Impossible


def respond(request: PreChargeReq, session: DinSession, at: Situation) -> Reply[DinSession]:
    """The present voltage, always measured; each request's target anew. The car's target current says nothing: one real car of
    others sends 2.0 A, another 0 A (docs/sources/iso15118-2-din.md 7)."""
    assert session.limits is not None
    step = approach(session.transfer, number(request.EVTargetVoltage), session.limits.voltage_max_V, at)
    if isinstance(step, Impossible):
        return Refusal(ResponseCode.FAILED, step.why, step.ours)
    after = replace(ev_status.heard(session, request.DC_EVStatus), transfer=step.transfer)
    response = PreChargeRes(
        ResponseCode=ResponseCode.OK,
        DC_EVSEStatus=dc_evse_status(after, at),
        EVSEPresentVoltage=measured_volts(at.view.voltage_V),
    )
    return Answer(response, after)


def refuse(_: PreChargeReq, code: ResponseCode, session: DinSession, at: Situation) -> PreChargeRes:
    """The response with this code and the voltage as measured."""
    return PreChargeRes(
        ResponseCode=code,
        DC_EVSEStatus=dc_evse_status(session, at, stopped=True),
        EVSEPresentVoltage=measured_volts(at.view.voltage_V),
    )
