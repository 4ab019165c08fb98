"""DC_WeldingDetection: the voltage as measured, as often as the car asks."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.iso20 import dc_welding_detection as message
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.messages.dc import DC_WeldingDetectionReq
from chargepoint.iso15118.rational import number
from tests.unit.iso15118.iso20.dc_situation import HEADER, answered, refused, session, situation


@pytest.mark.parametrize("before", [State.WELDING_DETECTION, State.SESSION_STOP])
@pytest.mark.parametrize(
    ("processing", "state"), [(Processing.Ongoing, State.WELDING_DETECTION), (Processing.Finished, State.SESSION_STOP)]
)
def test_the_voltage_is_sent_until_the_car_is_satisfied(before: State, processing: Processing, state: State) -> None:
    asked = DC_WeldingDetectionReq(Header=HEADER, EVProcessing=processing)
    response, after = answered(message.respond(asked, session(before), situation(voltage_V=17.5)))
    assert number(response.EVSEPresentVoltage) == 17.5
    assert after.state is state


def test_an_unknown_voltage_is_no_voltage() -> None:
    asked = DC_WeldingDetectionReq(Header=HEADER, EVProcessing=Processing.Ongoing)
    found = refused(message.respond(asked, session(State.WELDING_DETECTION), situation(voltage_V=None)))
    assert (found.code, found.ours) == (ResponseCode.FAILED, True)
