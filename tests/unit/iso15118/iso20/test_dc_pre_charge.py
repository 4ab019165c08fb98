"""DC_PreCharge: the measured voltage, the target within the car's own limits, and when it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.iso15118.iso20 import dc_pre_charge as message
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_types import Processing, RationalNumber, ResponseCode
from chargepoint.iso15118.messages.dc import DC_PreChargeReq
from chargepoint.iso15118.rational import number, rational
from chargepoint.model.demand import Phase
from tests.unit.iso15118.iso20.dc_situation import HEADER, answered, refused, session, situation

SESSION = session(State.PRE_CHARGE)


def request(processing: Processing = Processing.Ongoing, target: RationalNumber | None = None) -> DC_PreChargeReq:
    return DC_PreChargeReq(
        Header=HEADER,
        EVProcessing=processing,
        EVPresentVoltage=rational(398.5),
        EVTargetVoltage=target or rational(400),
    )


@pytest.mark.parametrize("measured_V", [0.0, 1.25, 399.0, 870.0, -3.0])
def test_the_voltage_is_sent_as_measured(measured_V: float) -> None:
    response, after = answered(message.respond(request(), SESSION, situation(voltage_V=measured_V)))
    assert number(response.EVSEPresentVoltage) == measured_V
    assert (after.transfer.phase, after.transfer.present_voltage_V) == (Phase.PRE_CHARGE, 398.5)


@pytest.mark.parametrize(
    ("processing", "state"), [(Processing.Ongoing, State.PRE_CHARGE), (Processing.Finished, State.POWER_DELIVERY)]
)
def test_only_finished_leads_on(processing: Processing, state: State) -> None:
    _, after = answered(message.respond(request(processing), SESSION, situation()))
    assert after.state is state


@pytest.mark.parametrize(
    ("asked", "target_V"),
    [
        (rational(400), 400),
        (rational(20_000), 450),
        (rational(-400), 400),
        (rational(0), 0),
        (RationalNumber(Exponent=127, Value=-32768), 450),
    ],
)
def test_the_target_is_within_the_cars_own_maximum(asked: RationalNumber, target_V: float) -> None:
    _, after = answered(message.respond(request(target=asked), SESSION, situation()))
    assert after.transfer.target_voltage_V == target_V


@pytest.mark.parametrize("view", [{"voltage_V": None}, {"permitted": False}, {"may_energise": False}])
def test_what_forbids_it_is_the_stations_fault(view: dict[str, Any]) -> None:
    found = refused(message.respond(request(), SESSION, situation(**view)))
    assert (found.code, found.ours) == (ResponseCode.FAILED, True)


@pytest.mark.parametrize(("measured_V", "sent"), [(412.0, 412.0), (None, 0.0)])
def test_a_refusal_shows_the_voltage_too(measured_V: float | None, sent: float) -> None:
    response = message.refuse(request(), ResponseCode.FAILED, SESSION, situation(voltage_V=measured_V))
    assert number(response.EVSEPresentVoltage) == sent
