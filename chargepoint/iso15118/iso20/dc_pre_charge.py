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
from chargepoint.iso15118.rational import number, rational
from chargepoint.model.demand import Phase

PRE_CHARGE_PATIENCE_S = 20.0
"""From the first DC_PreChargeReq to the transfer. A car gives up after 10 s, and without a bound voltage stays on the cable.

A rule of the project (docs/sources/safety.md 3 has the car's time).
"""


def respond(request: DC_PreChargeReq, session: Session, at: Situation) -> Reply[Session]:
    """The present voltage, always measured. The target is cut to the car's own maximum: one real car of others asks for
    20 kV (docs/sources/iso15118.md 1), and the stage decides what it can. Refusal where no transaction is open, and where the
    car does not come to an end."""
    assert session.limits is not None
    view = at.view
    if view.voltage_V is None:
        return Refusal(ResponseCode.FAILED, "the output voltage is not known", ours=True)
    if not view.permitted or not view.may_energise:
        return Refusal(
            ResponseCode.FAILED, "power is not permitted" if not view.permitted else "no transaction", ours=True
        )
    if (why := too_long_before_transfer(session, at)) is not None:
        return Refusal(ResponseCode.FAILED, why)
    since_s = session.transfer.pre_charge_since_s
    finished = request.EVProcessing is Processing.Finished
    after = replace(session, state=State.POWER_DELIVERY if finished else State.PRE_CHARGE).within(
        phase=Phase.PRE_CHARGE,
        target_voltage_V=min(abs(number(request.EVTargetVoltage)), session.limits.voltage_max_V),
        present_voltage_V=number(request.EVPresentVoltage),
        pre_charge_since_s=at.now.monotonic_s if since_s is None else since_s,
    )
    response = DC_PreChargeRes(
        Header=session.header(at.now), ResponseCode=ResponseCode.OK, EVSEPresentVoltage=rational(view.voltage_V)
    )
    return Answer(response, after)


def too_long_before_transfer(session: Session, at: Situation) -> str | None:
    """Why the car may not stay in pre-charge any longer; None while it may, and in the transfer."""
    since_s = session.transfer.pre_charge_since_s
    if since_s is None or at.now.monotonic_s - since_s <= PRE_CHARGE_PATIENCE_S:
        return None
    return f"more than {PRE_CHARGE_PATIENCE_S:.0f} s from the first DC_PreChargeReq without a transfer"


def refuse(_: DC_PreChargeReq, code: ResponseCode, session: Session, at: Situation) -> DC_PreChargeRes:
    """The response with this code and the voltage as measured."""
    return DC_PreChargeRes(**head(code, session, at), EVSEPresentVoltage=measured(at.view.voltage_V))
