"""PreCharge: the station's output is brought to the car's battery voltage."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2 import ev_status
from chargepoint.iso15118.iso2.evse_status import dc_evse_status
from chargepoint.iso15118.iso2.physical import volts
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import PreChargeReq, PreChargeRes, ResponseCode
from chargepoint.iso15118.physical_value import number
from chargepoint.iso15118.steps.pre_charge import approach
from chargepoint.iso15118.steps.step import Impossible


def respond(request: PreChargeReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """The present voltage, always measured; each request's target anew, which real cars move.

    The car's target current says nothing: known cars send exactly 2.0 A, or 0 A (docs/sources/iso15118-2-din.md 7). FAILED, which ends
    the session, where no power may come on, and where the car does not come to an end.
    """
    assert session.limits is not None
    step = approach(session.transfer, number(request.EVTargetVoltage), session.limits.voltage_max_V, at)
    if isinstance(step, Impossible):
        return Refusal(ResponseCode.FAILED, step.why, step.ours)
    heard = ev_status.heard(session, request.DC_EVStatus)
    after = replace(heard, state=Iso2State.POWER_DELIVERY, transfer=step.transfer)
    return Answer(_response(ResponseCode.OK, after, at), after)


def refuse(_: PreChargeReq, code: ResponseCode, session: Iso2Session, at: Situation) -> PreChargeRes:
    """The response with this code and the voltage as measured."""
    return _response(code, session, at, stopped=True)


def _response(code: ResponseCode, session: Iso2Session, at: Situation, *, stopped: bool = False) -> PreChargeRes:
    return PreChargeRes(
        ResponseCode=code,
        DC_EVSEStatus=dc_evse_status(session, at, stopped=stopped),
        EVSEPresentVoltage=volts(at.view.voltage_V),
    )
