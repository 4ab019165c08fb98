"""A battery that suits an outside car's words: it follows the set-point down while charging, and never otherwise."""

from __future__ import annotations

import pytest

from hil.plant.car import BELOW_SET_POINT_V, AutoCar, AutoStage, Car


def connected(*, follows: bool) -> tuple[AutoCar, Car]:
    auto, car = AutoCar(enabled=True, follows=follows, stage=AutoStage.CONNECTED), Car(plugged=True)
    car.battery.set_open_circuit_V(900.0)
    return auto, car


def run(auto: AutoCar, car: Car, charge_V: float | None) -> float:
    for _ in range(100):
        auto.step(car, 5.0, 900.0, 20.0, True, 0.001, charge_V)
    return car.battery.open_circuit_V


def test_it_follows_to_just_below_the_set_point_within_a_tenth_of_a_second() -> None:
    assert run(*connected(follows=True), 200.0) == pytest.approx(200.0 - BELOW_SET_POINT_V)


@pytest.mark.parametrize(("follows", "charge_V"), [(False, 200.0), (True, None), (True, 950.0)])
def test_it_stays_without_the_option_in_a_discharge_and_below_the_set_point(
    follows: bool, charge_V: float | None
) -> None:
    assert run(*connected(follows=follows), charge_V) == pytest.approx(900.0)


@pytest.mark.parametrize(("follows", "stage"), [(True, AutoStage.CONNECTED), (False, AutoStage.READY)])
def test_only_a_following_battery_takes_any_pre_charge_voltage(follows: bool, stage: AutoStage) -> None:
    auto, car = AutoCar(enabled=True, follows=follows, rises=1, stage=AutoStage.READY), Car(plugged=True)
    for _ in range(200):
        auto.step(car, 5.0, 920.0, 2.0, True, 0.001)
    assert auto.stage is stage
