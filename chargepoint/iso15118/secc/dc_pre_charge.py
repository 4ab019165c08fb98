"""DC_PreCharge: the station's output is brought to the car's battery voltage."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.messages.dc import DC_PreChargeReq, DC_PreChargeRes
from chargepoint.iso15118.rational import number, rational
from chargepoint.iso15118.secc.answer import Answer
from chargepoint.iso15118.secc.session import Now, Session
from chargepoint.iso15118.secc.state import State
from chargepoint.model.car import SeccInputs
from chargepoint.model.demand import Phase


def respond(request: DC_PreChargeReq, session: Session, inputs: SeccInputs, now: Now) -> Answer | ResponseCode:
    """The present voltage, always measured. The target is cut to the car's own maximum: one real car of others asks for
    20 kV (docs/sources/iso15118.md 1), and the stage decides what it can. Refused when the transaction is over (`authorized` None)."""
    assert session.limits is not None
    if inputs.voltage_V is None or not inputs.permitted or inputs.authorized is None:
        return ResponseCode.FAILED
    finished = request.EVProcessing is Processing.Finished
    after = replace(
        session,
        state=State.POWER_DELIVERY if finished else State.PRE_CHARGE,
        phase=Phase.PRE_CHARGE,
        target_voltage_V=min(abs(number(request.EVTargetVoltage)), session.limits.voltage_max_V),
        present_voltage_V=number(request.EVPresentVoltage),
    )
    response = DC_PreChargeRes(
        Header=session.header(now),
        ResponseCode=ResponseCode.OK,
        EVSEPresentVoltage=rational(inputs.voltage_V),
    )
    return Answer(response, after)
