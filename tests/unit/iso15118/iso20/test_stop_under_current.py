"""PowerDelivery(Stop) at a DC outlet: a car that gets OK opens its contactors, so OK means that no current flows."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.iso20 import power_delivery as message
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import ChargeProgress, PowerDeliveryReq
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.model.image import Stage
from tests.unit.iso15118.iso20.dc_situation import HEADER, answered, refused, session, situation

STOP = PowerDeliveryReq(Header=HEADER, EVProcessing=Processing.Finished, ChargeProgress=ChargeProgress.Stop)


@pytest.mark.parametrize("current_A", [-40.0, 1.0, 40.0, None])
def test_a_current_that_flows_on_or_is_not_known_is_no_ok(current_A: float | None) -> None:
    at = situation(stage=Stage.RAMP_DOWN, current_A=current_A, time_is_up=True)
    found = refused(message.respond(STOP, session(State.CHARGE_LOOP), at))
    assert (found.code, found.ours) == (ResponseCode.FAILED_PowerDeliveryNotApplied, True)
    assert "below 1 A" in found.why


@pytest.mark.parametrize("current_A", [-0.9, 0.0, 0.9])
def test_a_stage_that_still_opens_without_current_is_ok(current_A: float) -> None:
    at = situation(stage=Stage.RAMP_DOWN, current_A=current_A, time_is_up=True)
    response, after = answered(message.respond(STOP, session(State.CHARGE_LOOP), at))
    assert (response.ResponseCode, after.state) == (ResponseCode.OK, State.WELDING_DETECTION)
