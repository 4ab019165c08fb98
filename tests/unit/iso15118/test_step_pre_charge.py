"""Pre-charge follows what the car asks for, within reason."""

from __future__ import annotations

import pytest

from chargepoint.iso15118.steps.pre_charge import approach
from chargepoint.iso15118.steps.step import Reached
from chargepoint.iso15118.steps.transfer import NO_TRANSFER
from tests.unit.iso15118.iso20.dc_situation import situation


@pytest.mark.parametrize(("asked_V", "target_V"), [(400.0, 400.0), (20_000.0, 450.0), (-12.0, 0.0), (0.0, 0.0)])
def test_the_target_is_cut_to_what_the_car_bears(asked_V: float, target_V: float) -> None:
    step = approach(NO_TRANSFER, asked_V, 450.0, situation(permitted=True, may_energise=True, voltage_V=0.0))
    assert isinstance(step, Reached)
    assert step.transfer.target_voltage_V == target_V
