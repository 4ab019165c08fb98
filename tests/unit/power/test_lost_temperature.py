"""Temperature sensors that are lost in a transfer: half the current with one, none without both, by name in the image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Stage
from hil.plant.faults import inject


@pytest.mark.parametrize("value", [None, -200.0])
@pytest.mark.parametrize("power_W", [11_000.0, -11_000.0])
def test_no_sensor_left_stops_power_by_name_and_clears_when_one_is_back(
    plant_loop: Any, power_W: float, value: float | None
) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER, power_W)
    inject(loop.plant, "temperature_sensor", True, value)
    loop.run(2.0)
    assert set(loop.tripped()) == {FaultCode.TEMPERATURE_UNKNOWN}
    assert abs(loop.plant.circuit.output_A) < 1.0
    assert not loop.image.permitted
    loop.order(Phase.OFF)
    loop.run(4.0)
    assert loop.image.faults == {FaultCode.TEMPERATURE_UNKNOWN}
    inject(loop.plant, "temperature_sensor", False)
    loop.run(0.2)
    assert loop.image.faults == frozenset()


@pytest.mark.parametrize("contact", ["positive", "negative"])
def test_one_lost_sensor_is_a_warning_and_half_the_rated_current(plant_loop: Any, contact: str) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER, 11_000.0)
    inject(loop.plant, "temperature_sensor", True, contact)
    loop.run(2.0)
    assert loop.image.faults == {FaultCode.TEMPERATURE_SENSOR}
    assert loop.image.stage is Stage.TRANSFER
    assert loop.plant.circuit.output_A == pytest.approx(20.0, abs=0.5)
    assert loop.image.limited_by_stage == "temperature"


def test_a_charger_configured_without_sensors_gives_full_power(plant_loop: Any) -> None:
    loop = plant_loop
    loop.stage._ratings = replace(loop.ratings(), temperature_required=False)
    inject(loop.plant, "temperature_sensor", True)
    loop.reach(Stage.TRANSFER, 11_000.0)
    assert loop.image.faults == frozenset()
    assert loop.plant.circuit.output_A > 25.0
