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
from chargepoint.iso15118.steps.no_power import nothing_to_go_on_with
from chargepoint.model.image import AcSupply


def respond(_: ChargingStatusReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """EVSEMaxCurrent is the set-point over the phases that the car uses. FAILED, which ends the session, in an emergency, without
    a stage, and after the end of the transaction."""
    view = at.view
    if view.emergency:
        return Refusal(ResponseCode.FAILED, "a fault opened the contactor", ours=True)
    if (over := nothing_to_go_on_with(at)) is not None:
        return Refusal(ResponseCode.FAILED, over.why, over.ours)
    if view.capabilities is None or session.offered is None:
        return Refusal(ResponseCode.FAILED, "the power stage does not answer", ours=True)
    supply = view.capabilities.within(session.offered).ac
    if supply is None:
        return Refusal(ResponseCode.FAILED, "the power stage is no AC outlet", ours=True)
    transfer = replace(session.transfer, loops=session.transfer.loops + 1, heard_s=at.now.monotonic_s, looped=True)
    after, meter = replace(session, transfer=transfer), to_confirm(session, at)
    if meter is not None:
        after = replace(after, state=Iso2State.METERING_RECEIPT, meter_sent=meter)
    response = _response(ResponseCode.OK, after, at, _allowed_A(session, view.setpoint_W, supply))
    return Answer(replace(response, MeterInfo=meter, ReceiptRequired=meter is not None), after)


def _allowed_A(session: Iso2Session, power_W: float, supply: AcSupply) -> float:
    """The current of each phase for this power; 0 A where that is less than the car can draw, so that the car waits."""
    current_A = current_per_phase_A(power_W, supply)
    least_W = 0.0 if session.limits is None else session.limits.charge_power_min_W
    return current_A if current_A + _TENTH_A >= least_W / supply.phases / supply.nominal_voltage_V else 0.0


_TENTH_A = 0.1
"""`current_per_phase_A` cuts to tenths."""


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
