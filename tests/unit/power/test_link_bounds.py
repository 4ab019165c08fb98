"""What a demand on the link may say at most: anything else is refused as a whole, and says why."""

from __future__ import annotations

import pytest

from chargepoint.model.demand import Phase, PilotCommand, StageDemand
from chargepoint.model.ids import EvseId
from chargepoint.power.link_codec import LinkError, decode_down, encode_down


@pytest.mark.parametrize("lease_s", [-1e-9, -1.0, -1e300])
def test_a_negative_lease_is_refused(lease_s: float) -> None:
    data = encode_down(StageDemand(EvseId(1), 1, lease_s, Phase.OFF, PilotCommand.X1, 100.0, lock=False))
    with pytest.raises(LinkError, match="lease_s"):
        decode_down(data)


@pytest.mark.parametrize("duty_percent", [-0.01, 100.01, 1e300])
def test_a_duty_that_no_pilot_shows_is_refused(duty_percent: float) -> None:
    data = encode_down(StageDemand(EvseId(1), 1, 0.5, Phase.OFF, PilotCommand.PWM, duty_percent, lock=False))
    with pytest.raises(LinkError, match="duty_percent"):
        decode_down(data)


def test_the_bounds_themselves_are_taken() -> None:
    for lease_s, duty_percent in ((0.0, 0.0), (1e9, 100.0)):
        demand = StageDemand(EvseId(1), 1, lease_s, Phase.OFF, PilotCommand.PWM, duty_percent, lock=False)
        assert decode_down(encode_down(demand)) == demand
