"""The car's voltages while power flows: its target bounds the output, and a maximum below the present voltage ends in order."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCode
from chargepoint.model.image import ControlPilot, Stage


def test_a_target_below_the_battery_gives_no_current_and_says_why(plant_loop: Any) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    loop.order(Phase.TRANSFER, power_W=11_000.0, voltage_target_V=300.0)
    loop.run(0.5)
    assert abs(loop.plant.circuit.output_A) < 0.5
    assert (loop.image.limited_by_stage, loop.image.target_W) == ("target voltage", 0.0)
    loop.run(6.0)
    assert loop.tripped() == {}  # a target that is reached is no missing current
    assert loop.image.stage is Stage.TRANSFER


def test_a_target_does_not_bound_a_discharge(plant_loop: Any) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER, -8000.0)
    loop.order(Phase.TRANSFER, power_W=-8000.0, voltage_target_V=300.0)
    loop.run(0.5)
    assert loop.plant.circuit.output_A < -15.0


def test_the_open_output_never_stands_above_the_cars_target(plant_loop: Any) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER, voltage_target_V=405.0)
    assert loop.plant.circuit.output_A > 20.0
    loop.plant.highest_V = 0.0
    loop.plant.car.contactors_wanted = False
    loop.run(2.0)
    assert 400.0 < loop.plant.highest_V < 406.0


def test_a_battery_that_reaches_the_target_fades_without_a_fault(plant_loop: Any) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER, voltage_target_V=404.0)
    loop.plant.car.battery.set_open_circuit_V(403.9)
    loop.run(8.0)
    assert loop.tripped() == {}
    assert loop.image.stage is Stage.TRANSFER
    assert abs(loop.plant.circuit.output_A) < 3.0


@pytest.mark.parametrize("power_W", [11_000.0, -11_000.0])
@pytest.mark.parametrize("maximum_V", [390.0, 300.0, 80.0])
def test_a_maximum_below_the_present_voltage_ramps_down_and_ends_in_order(
    plant_loop: Any, power_W: float, maximum_V: float
) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER, power_W)
    loop.plant.opened_under_A = 0.0
    loop.order(Phase.TRANSFER, power_W=power_W, voltage_limit_V=maximum_V)
    loop.run(0.3)
    assert loop.image.limited_by_stage == "car's maximum voltage"
    assert abs(loop.plant.circuit.output_A) < 1.0
    loop.run(0.6)
    assert set(loop.tripped()) == {FaultCode.OVER_VOLTAGE}
    assert "the car's maximum" in loop.tripped()[FaultCode.OVER_VOLTAGE]
    loop.order(Phase.OFF)
    loop.plant.car.contactors_wanted = False
    loop.until(lambda: loop.at(Stage.OFF))
    assert loop.plant.opened_under_A < 1.0
    loop.run(0.1)
    assert loop.image.faults == frozenset()  # plugged in all the time


def test_a_true_over_voltage_is_an_emergency_all_the_same(plant_loop: Any) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    loop.order(Phase.TRANSFER, power_W=11_000.0, voltage_limit_V=390.0)
    loop.run(0.1)
    loop.plant.car.battery.set_open_circuit_V(560.0)  # beyond Table 103 for the 450 V that were negotiated
    loop.until(lambda: FaultCode.OVER_VOLTAGE_EMERGENCY in loop.tripped(), within_s=0.3)
    assert not loop.stage._io_command.contactor


@pytest.mark.parametrize("again_after_s", [0.2, 2.0, 4.5])
def test_a_quick_plugging_in_again_after_a_lost_pilot_finds_the_evse_ready(
    plant_loop: Any, again_after_s: float
) -> None:
    """The pilot shows F for 4 s after an emergency: an unplugging within that is never seen as state A."""
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    loop.demand = None
    loop.plant.unplug()
    loop.run(again_after_s)
    assert FaultCode.PILOT_LOST in loop.tripped()
    loop.order(Phase.OFF)
    loop.plant.plug()
    loop.run(6.0)
    assert loop.image.faults == frozenset()
    assert loop.image.pilot is ControlPilot.B
    loop.plant.unplug()
    loop.run(0.5)
    loop.reach(Stage.TRANSFER)


def test_a_lost_pilot_stays_while_the_car_still_asks_for_power(plant_loop: Any) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    loop.plant.car.pilot_wire_broken = True
    loop.run(0.2)
    loop.plant.car.pilot_wire_broken = False
    loop.order(Phase.OFF)
    loop.run(7.0)
    assert loop.image.pilot is ControlPilot.C
    assert loop.image.faults == {FaultCode.PILOT_LOST}
    loop.plant.car.pilot = "B"
    loop.run(0.2)
    assert loop.image.faults == frozenset()
