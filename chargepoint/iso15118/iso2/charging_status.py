"""ChargingStatus, the charge loop at an AC outlet: the current that the car may draw, from the last process image.

The car follows EVSEMaxCurrent by itself. It is sent to every car, because it is the only way to bound the power at this moment.
Source: docs/sources/iso15118-2-din.md 1.2.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.evse_status import ac_evse_status
from chargepoint.iso15118.iso2.metering import to_confirm
from chargepoint.iso15118.iso2.physical import amperes
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import ChargingStatusReq, ChargingStatusRes, ResponseCode
from chargepoint.iso15118.steps.ac_outlet import current_per_phase_A


def respond(_: ChargingStatusReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """EVSEMaxCurrent is the set-point over the phases that the car uses. FAILED, which ends the session, in an emergency and without
    a stage."""
    view = at.view
    if view.emergency:
        return Refusal(ResponseCode.FAILED, "a fault opened the contactor", ours=True)
    if view.capabilities is None or session.offered is None:
        return Refusal(ResponseCode.FAILED, "the power stage does not answer", ours=True)
    supply = view.capabilities.within(session.offered).ac
    if supply is None:
        return Refusal(ResponseCode.FAILED, "the power stage is no AC outlet", ours=True)
    transfer = replace(session.transfer, loops=session.transfer.loops + 1, heard_s=at.now.monotonic_s, looped=True)
    after, meter = replace(session, transfer=transfer), to_confirm(session, at)
    if meter is not None:
        after = replace(after, state=Iso2State.METERING_RECEIPT, meter_sent=meter)
    response = _response(ResponseCode.OK, after, at, current_per_phase_A(view.setpoint_W, supply))
    return Answer(replace(response, MeterInfo=meter, ReceiptRequired=meter is not None), after)


def refuse(_: ChargingStatusReq, code: ResponseCode, session: Iso2Session, at: Situation) -> ChargingStatusRes:
    """The response with this code: nothing may flow."""
    return _response(code, session, at, 0.0, stopped=True)


def _response(
    code: ResponseCode, session: Iso2Session, at: Situation, current_A: float, *, stopped: bool = False
) -> ChargingStatusRes:
    return ChargingStatusRes(
        ResponseCode=code,
        EVSEID=at.settings.evse_id_text,
        SAScheduleTupleID=session.schedule_tuple_id,
        EVSEMaxCurrent=amperes(current_A),
        ReceiptRequired=False,
        AC_EVSEStatus=ac_evse_status(at, stopped=stopped),
    )
