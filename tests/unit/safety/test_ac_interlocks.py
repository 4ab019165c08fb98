"""The rows of an AC outlet: each trips beyond its bound and after its time, and not below; no row of one kind counts at the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.safety.ac_flow import AcFlow, FallingLimits
from chargepoint.safety.cable_rating import cable_rating_A
from chargepoint.safety.energy_balance import EnergyBalance
from chargepoint.safety.grid_window import GridWindow
from chargepoint.safety.interlocks import alternating
from chargepoint.safety.interlocks.inputs import InterlockInputs
from chargepoint.safety.interlocks.row import Outlet
from chargepoint.safety.interlocks.table import TABLE, Interlocks, table_of
from tests.unit.safety.test_interlocks import CALM as DC_CALM

FLOW = AcFlow(
    currents_A=(16.0, 16.0, 16.0),
    power_W=11_040.0,
    rated_A=32.0,
    limits_A=(16.0, 16.0, 16.0),
    charge_max_W=11_040.0,
)
GRID = GridWindow(230.0, 184.0, 264.5, 47.0, 52.0)
CALM = replace(
    DC_CALM,
    power_module_alive=False,
    insulation_ohm=None,
    car_voltage_max_V=0.0,
    car_voltage_named_V=0.0,
    module_voltage_V=None,
    module_current_A=None,
    meter_voltage_V=230.0,
    meter_current_A=48.0,
    commanded_current_A=0.0,
    allowed_current_A=0.0,
    phase_voltages_V=(230.0, 231.0, 229.0),
    frequency_Hz=50.0,
    grid=GRID,
    ac=FLOW,
)
FEEDING: dict[str, Any] = {"currents_A": (-14.0, -14.0, -14.0), "power_W": -9_660.0, "discharge_max_W": 11_000.0}


def seen(flow: dict[str, Any], **changes: Any) -> InterlockInputs:
    return replace(CALM, ac=replace(FLOW, **flow), **changes)


def tripped_after(held_s: float, inputs: InterlockInputs) -> set[FaultCode]:
    table = Interlocks(table_of(Outlet.AC))
    table.evaluate(replace(inputs, now_s=100.0))
    return set(table.evaluate(replace(inputs, now_s=100.0 + held_s)))


BALANCE = EnergyBalance(charged_Wh=1000.0, imported_Wh=900.0, greatest_W=11_000.0)

DANGERS: list[tuple[FaultCode, float, dict[str, Any], dict[str, Any]]] = [
    (FaultCode.PILOT_LOST, 0.0, {}, {"pilot": ControlPilot.A}),
    (FaultCode.PILOT_LOST, 0.0, {}, {"pilot": ControlPilot.E}),
    (FaultCode.PILOT_LOST, 0.0, {}, {"pilot": ControlPilot.A, "stage": Stage.CLOSING}),
    (FaultCode.VENTILATION, 0.2, {}, {"pilot": ControlPilot.D}),
    (FaultCode.VENTILATION, 0.2, {}, {"pilot": ControlPilot.D, "stage": Stage.OFF}),
    (FaultCode.OVER_CURRENT, 0.5, {"currents_A": (36.3, 0.0, 0.0), "limits_A": (32.0, 32.0, 32.0)}, {}),
    (FaultCode.OVER_CURRENT, 0.5, {"currents_A": (-36.3, 0.0, 0.0), "discharge_max_W": 11_000.0}, {}),
    (FaultCode.CURRENT_EXCEEDED, 5.5, {"currents_A": (16.0, 17.7, 16.0)}, {}),
    (FaultCode.CURRENT_EXCEEDED, 5.5, {"limits_A": (16.0,)}, {}),
    (FaultCode.CURRENT_EXCEEDED, 5.5, {"currents_A": (16.0, 3.0, 0.0), "limits_A": (16.0, 0.0, 0.0)}, {}),
    (FaultCode.CURRENT_EXCEEDED, 5.5, {"currents_A": (16.0, 16.0, 6.0), "limits_A": (10.0, 16.0, 6.0)}, {}),
    (FaultCode.CURRENT_EXCEEDED, 5.5, {"charge_max_W": 9_000.0}, {}),
    (FaultCode.CURRENT_EXCEEDED, 5.5, {**FEEDING, "discharge_max_W": 8_000.0}, {}),
    (FaultCode.CURRENT_EXCEEDED, 5.5, {"currents_A": (2.5, 2.5, 2.5), "charge_max_W": 0.0}, {}),
    (FaultCode.REVERSE_CURRENT, 5.5, {"currents_A": (-3.0, -3.0, -3.0), "power_W": -2_070.0}, {}),
    (FaultCode.METER_PLAUSIBILITY, 5.5, {"currents_A": (16.0, -16.0, 16.0), "discharge_max_W": 11_000.0}, {}),
    (FaultCode.METER_PLAUSIBILITY, 1.0, {}, {"energy": BALANCE}),
    (
        FaultCode.METER_PLAUSIBILITY,
        10.0,
        {"currents_A": (0.0, 0.0, 0.0), "power_W": 0.0, "car_power_W": 11_000.0},
        {},
    ),
    (FaultCode.ISLANDING, 0.0, FEEDING, {"phase_voltages_V": (230.0, 180.0, 230.0)}),
    (FaultCode.ISLANDING, 0.0, FEEDING, {"phase_voltages_V": (265.0, 230.0, 230.0)}),
    (FaultCode.ISLANDING, 0.0, FEEDING, {"frequency_Hz": 52.1}),
    (FaultCode.ISLANDING, 0.0, FEEDING, {"frequency_Hz": 46.9, "stage": Stage.RAMP_DOWN}),
]


@pytest.mark.parametrize(("code", "after_s", "flow", "changes"), DANGERS)
def test_each_danger_trips_after_its_time_and_not_before(
    code: FaultCode, after_s: float, flow: dict[str, Any], changes: dict[str, Any]
) -> None:
    inputs = seen(flow, **changes)
    assert code in tripped_after(after_s + 0.001, inputs)
    if after_s:
        assert code not in tripped_after(after_s - 0.01, inputs)


@pytest.mark.parametrize(
    ("flow", "changes"),
    [
        ({}, {}),
        ({"currents_A": (17.5, 17.5, 17.5)}, {}),
        ({"charge_max_W": 10_050.0}, {}),
        ({"currents_A": ()}, {}),
        ({"currents_A": (16.0, 1.9, 1.9), "limits_A": (16.0,)}, {}),
        ({"currents_A": (16.0, 0.5, 0.0), "limits_A": (16.0, 0.0, 0.0)}, {}),
        ({"currents_A": (16.0, 10.0, 6.0), "limits_A": (16.0, 10.0, 6.0)}, {}),
        ({"currents_A": (1.9, 1.9, 1.9), "charge_max_W": 0.0}, {}),
        ({"currents_A": (-1.9, -1.9, -1.9)}, {}),
        ({"currents_A": (16.0, -1.9, 16.0)}, {}),
        ({"ventilated": True}, {"pilot": ControlPilot.D}),
        ({}, {"pilot": ControlPilot.B}),
        ({"currents_A": (0.5, 0.5, 0.5)}, {"pilot": ControlPilot.A, "stage": Stage.RAMP_DOWN}),
        (FEEDING, {}),
        (FEEDING, {"frequency_Hz": 51.9}),
        (FEEDING, {"frequency_Hz": None}),
        ({}, {"stage": Stage.OFF, "contactor_commanded": False, "pilot": ControlPilot.A}),
    ],
    ids=str,
)
def test_what_is_well_trips_nothing_however_long_it_lasts(flow: dict[str, Any], changes: dict[str, Any]) -> None:
    still = seen(flow, **changes)
    if still.stage is Stage.OFF:
        still = replace(still, contactor=type(still.contactor).OPEN)
    assert tripped_after(60.0, still) == set()


def test_a_car_that_does_not_feed_leaves_an_odd_grid_to_the_slow_rows() -> None:
    odd = seen({}, phase_voltages_V=(230.0, 180.0, 230.0))
    assert tripped_after(2.9, odd) == set()
    assert tripped_after(3.0, odd) == {FaultCode.GRID_VOLTAGE}


def test_every_ac_row_has_a_danger_here() -> None:
    assert {code for code, _, _, _ in DANGERS} == {row.code for row in alternating.ROWS}
    causes = {
        row.cause
        for row in alternating.ROWS
        for _, _, flow, changes in DANGERS
        if row.condition(seen(flow, **changes)) is not None
    }
    assert causes == {row.cause for row in alternating.ROWS}


def test_no_row_of_a_dc_device_trips_at_ac_and_no_ac_row_at_dc() -> None:
    at_dc, at_ac = table_of(Outlet.DC), table_of(Outlet.AC)
    assert set(at_dc) | set(at_ac) == set(TABLE)
    codes_at_ac = {row.code for row in at_ac}
    of_dc_devices = {code for code in FaultCode if code.name.startswith(("POWER_MODULE", "MODULE_", "INSULATION"))}
    assert not codes_at_ac & of_dc_devices
    assert not {row.code for row in at_dc} & {FaultCode.VENTILATION, FaultCode.ISLANDING}
    for row in alternating.ROWS:
        assert row.outlets == {Outlet.AC}
        assert row.condition(DC_CALM) is None


@pytest.mark.parametrize(
    ("ohm", "rating_A"),
    [(None, 0.0), (1500.0, 13.0), (680.0, 20.0), (220.0, 32.0), (100.0, 63.0), (400.0, 20.0), (999.0, 20.0)],
)
def test_the_resistor_in_the_plug_names_the_cables_current(ohm: float | None, rating_A: float) -> None:
    assert cable_rating_A(ohm) == rating_A


# -- a current above its limit that comes and goes -----------------------------------------------------------------------


ABOVE = {"currents_A": (20.0, 20.0, 20.0), "power_W": 13_800.0}


def trips_at_s(above_s: float, below_s: float, for_s: float, falls_each_s: float | None = None) -> float | None:
    """When a car trips that is above its limit and below it in turn, by the table alone, evaluated each 20 ms."""
    table = Interlocks(table_of(Outlet.AC))
    for tick in range(round(for_s / 0.02)):
        at_s = tick * 0.02
        above = at_s % (above_s + below_s) < above_s
        fell = falls_each_s is not None and tick > 0 and tick % round(falls_each_s / 0.02) == 0
        inputs = seen(ABOVE if above else {}, now_s=100.0 + at_s, limits_fell=fell)
        if FaultCode.CURRENT_EXCEEDED in table.evaluate(inputs):
            return at_s
    return None


def test_a_car_that_is_above_its_limit_again_and_again_trips_though_never_for_long_enough_on_end() -> None:
    at_s = trips_at_s(4.5, 0.6, 60.0)
    assert at_s is not None and at_s <= 4.5 + 0.6 + 5.5


def test_a_car_that_stays_above_trips_after_the_same_time_as_ever() -> None:
    assert trips_at_s(100.0, 0.0, 60.0) == pytest.approx(alternating.ADAPTS_S, abs=0.03)


@pytest.mark.parametrize(("above_s", "below_s"), [(1.0, 2.0), (2.4, 2.6), (5.0, 20.0)])
def test_a_car_that_is_above_for_less_than_half_of_the_time_never_trips(above_s: float, below_s: float) -> None:
    assert trips_at_s(above_s, below_s, 600.0) is None


def test_a_car_has_its_time_to_adapt_after_each_fall_of_its_limit() -> None:
    assert trips_at_s(4.9, 0.2, 60.0, falls_each_s=5.1) is None


def falls(*limits_A: float) -> list[bool]:
    watch = FallingLimits()
    return [watch.step(replace(FLOW, limits_A=(limit_A,) * 3)) for limit_A in limits_A]


def test_a_trifle_is_no_fall_of_the_limit_and_many_trifles_are() -> None:
    assert falls(16.0, 15.5, 16.0, 15.5, 16.2, 15.4) == [False] * 6
    assert falls(16.0, 15.5, 15.1, 14.8) == [False, False, False, True]
    assert falls(16.0, 10.0, 10.0, 16.0, 10.0) == [False, True, False, False, True]


def test_fewer_phases_are_a_fall_and_no_order_forgets() -> None:
    watch = FallingLimits()
    assert not watch.step(FLOW)
    assert watch.step(replace(FLOW, limits_A=FLOW.limits_A[:1]))
    assert not watch.step(replace(FLOW, limits_A=()))
    assert not watch.step(replace(FLOW, limits_A=(6.0,)))


# -- a meter that stands still at zero -----------------------------------------------------------------------------------


BLIND: dict[str, Any] = {"currents_A": (0.0, 0.0, 0.0), "power_W": 0.0}


def test_a_meter_at_zero_is_doubted_after_ten_seconds_of_a_car_that_reports_power() -> None:
    for said_W in (11_000.0, -9_000.0, 1_000.0):
        inputs = seen({**BLIND, "car_power_W": said_W, "discharge_max_W": 11_000.0})
        assert FaultCode.METER_PLAUSIBILITY not in tripped_after(alternating.BLIND_S - 0.1, inputs)
        assert FaultCode.METER_PLAUSIBILITY in tripped_after(alternating.BLIND_S, inputs)


@pytest.mark.parametrize(
    "flow",
    [
        {**BLIND, "car_power_W": None},  # a car that reports nothing: nobody can know
        {**BLIND, "car_power_W": 500.0},
        {**BLIND, "power_W": 1_200.0, "car_power_W": 11_000.0},
    ],
)
def test_a_meter_is_believed_where_nobody_contradicts_it(flow: dict[str, Any]) -> None:
    assert FaultCode.METER_PLAUSIBILITY not in tripped_after(60.0, seen(flow))
