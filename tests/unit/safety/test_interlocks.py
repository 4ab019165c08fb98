"""Every row of the interlock table: trips at its bound, not below it, after its delay, and takes the unknown as danger."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.demand import PilotCommand
from chargepoint.model.faults import CATALOGUE, FaultCode
from chargepoint.model.image import Contactor, ControlPilot, Lock, Stage
from chargepoint.model.io import BoardFault, ModuleFault, SafetyInput
from chargepoint.model.limits import rated
from chargepoint.safety.energy_balance import EnergyBalance
from chargepoint.safety.envelope import Envelope
from chargepoint.safety.grid_window import GridWindow
from chargepoint.safety.interlocks.inputs import InterlockInputs
from chargepoint.safety.interlocks.row import Outlet
from chargepoint.safety.interlocks.table import BY_SEQUENCE, TABLE, Interlocks, table_of
from chargepoint.safety.latches import BOARD_RESET

ENERGISED = (Stage.PRE_CHARGE, Stage.PRE_CHARGED, Stage.TRANSFER, Stage.RAMP_DOWN)
ACTIVE = (*ENERGISED, Stage.CABLE_CHECK, Stage.CABLE_CHECKED, Stage.CLOSING)
QUIET = tuple(stage for stage in Stage if stage not in ACTIVE)

GRID = GridWindow(230.0, 184.0, 264.5, 47.5, 51.5)
CALM = InterlockInputs(
    now_s=0.0,
    envelope=Envelope(rated(920.0, 40.0)),
    stage=Stage.TRANSFER,
    lease_valid=True,
    pilot_board_alive=True,
    power_module_alive=True,
    meter_alive=True,
    insulation_monitor_trouble="",
    pilot=ControlPilot.C,
    lock=Lock.LOCKED,
    contactor=Contactor.CLOSED,
    contactor_commanded=True,
    contactor_opened=False,
    open_inputs=frozenset(),
    board_latched=frozenset(),
    car_voltage_max_V=450.0,
    car_voltage_named_V=450.0,
    module_voltage_V=400.0,
    module_current_A=20.0,
    module_faults=(),
    meter_voltage_V=399.0,
    meter_current_A=20.0,
    energy=None,
    commanded_current_A=20.0,
    allowed_current_A=20.0,
    battery_full=False,
    insulation_ohm=1_000_000.0,
    temperature_degC=40.0,
)


def seen(**changes: Any) -> InterlockInputs:
    """Calm but for these; a meter nobody speaks of agrees with the module."""
    meter = {"meter_current_A": changes["module_current_A"]} if "module_current_A" in changes else {}
    named = {"car_voltage_named_V": changes["car_voltage_max_V"]} if "car_voltage_max_V" in changes else {}
    return replace(CALM, **{**meter, **named, **changes})


def tripped_after(held_s: float, **changes: Any) -> set[FaultCode]:
    """What the table says when the condition was first seen at 100 s and still is `held_s` later."""
    table = Interlocks()
    table.evaluate(seen(now_s=100.0, **changes))
    return set(table.evaluate(seen(now_s=100.0 + held_s, **changes)))


DELAYS_BY_INPUT = {
    (FaultCode.OVER_CURRENT, "meter_current_A"): 0.25,
    (FaultCode.PILOT_DIODE, "pilot_low_V"): 0.2,
    (FaultCode.PROXIMITY, "proximity_required"): 1.0,
}
"""Of codes that have a row at once, for what the board latched, and another one for what is measured."""

DELAYS = {
    FaultCode.SURGE_ARRESTER: 1.0,
    FaultCode.FAN: 1.0,
    FaultCode.PILOT_SHORT: 0.1,
    FaultCode.PILOT_DUTY: 1.0,
    FaultCode.RELAY_STUCK: 0.3,
    FaultCode.MODULE_TEMPERATURE: 1.0,
    FaultCode.CABINET_TEMPERATURE: 1.0,
    FaultCode.VOLTAGE_TO_EARTH: 2.0,
    FaultCode.CHECK_OVER_CURRENT: 0.1,
    FaultCode.MODULE_NOT_FOLLOWING: 10.0,
    FaultCode.METER_FAULT: 0.5,
    FaultCode.PHASE_LOSS: 0.2,
    FaultCode.GRID_VOLTAGE: 3.0,
    FaultCode.GRID_FREQUENCY: 0.5,
    FaultCode.WRONG_DEVICE: 0.5,
    FaultCode.BUS_DEAD: 2.0,
    FaultCode.OVER_CURRENT: 0.05,
    FaultCode.CONTACTOR_WELDED: 0.5,
    FaultCode.OVER_VOLTAGE: 0.4,
    FaultCode.INSULATION: 0.2,
    FaultCode.REVERSE_CURRENT: 0.5,
    FaultCode.CURRENT_EXCEEDED: 1.0,
    FaultCode.VOLTAGE_PLAUSIBILITY: 5.0,
    FaultCode.METER_PLAUSIBILITY: 5.0,
    FaultCode.NO_CURRENT: 5.0,
    FaultCode.CONNECTOR_LOCK: 1.0,
    FaultCode.OVER_TEMPERATURE: 1.0,
    FaultCode.TEMPERATURE_UNKNOWN: 1.0,
    FaultCode.TEMPERATURE_SENSOR: 1.0,
}

DANGERS: list[tuple[FaultCode, dict[str, Any]]] = [
    (FaultCode.LEASE_LOST, {"lease_valid": False}),
    (FaultCode.EMERGENCY_STOP, {"open_inputs": frozenset({SafetyInput.EMERGENCY_CHAIN})}),
    (FaultCode.EMERGENCY_STOP, {"board_latched": frozenset({BoardFault.EMERGENCY_STOP})}),
    (FaultCode.HARDWARE_CHAIN_OPEN, {"open_inputs": frozenset({SafetyInput.HARDWARE_CHAIN})}),
    (FaultCode.DOOR_OPEN, {"open_inputs": frozenset({SafetyInput.DOOR})}),
    (FaultCode.RCD, {"open_inputs": frozenset({SafetyInput.RCD})}),
    (FaultCode.PILOT_BOARD_COMMUNICATION, {"pilot_board_alive": False}),
    (FaultCode.PILOT_LOST, {"pilot": ControlPilot.B}),
    (FaultCode.OVER_VOLTAGE_EMERGENCY, {"module_voltage_V": 550.1}),
    (FaultCode.OVER_VOLTAGE_EMERGENCY, {"meter_voltage_V": 550.1}),
    (FaultCode.OVER_CURRENT, {"module_current_A": 45.1}),
    (FaultCode.OVER_CURRENT, {"module_current_A": -45.1}),
    (FaultCode.OVER_CURRENT, {"meter_current_A": 45.1}),
    (FaultCode.CONTACTOR_WELDED, {"contactor_commanded": False, "contactor": Contactor.CLOSED}),
    (FaultCode.CONTACTOR_WELDED, {"contactor_commanded": False, "contactor": Contactor.WELDED}),
    (FaultCode.OVER_VOLTAGE, {"module_voltage_V": 455.1}),
    (FaultCode.OVER_VOLTAGE, {"meter_voltage_V": 455.1}),
    (FaultCode.INSULATION, {"insulation_ohm": 99_999.0}),
    (FaultCode.INSULATION, {"open_inputs": frozenset({SafetyInput.INSULATION_RELAY})}),
    (FaultCode.INSULATION_MONITOR, {"insulation_monitor_trouble": "silent"}),
    (FaultCode.CONTACTOR_NOT_CLOSED, {"board_latched": frozenset({BoardFault.NO_CLOSE})}),
    (FaultCode.CONTACTOR_OPENED, {"contactor_opened": True}),
    (FaultCode.CONTACTOR_OPENED, {"board_latched": frozenset({BoardFault.OPENED})}),
    (FaultCode.DOOR_OPEN, {"board_latched": frozenset({BoardFault.DOOR})}),
    (FaultCode.RCD, {"board_latched": frozenset({BoardFault.RCD})}),
    (FaultCode.HARDWARE_CHAIN_OPEN, {"board_latched": frozenset({BoardFault.CHAIN})}),
    (FaultCode.REVERSE_CURRENT, {"module_current_A": -2.1}),
    (FaultCode.REVERSE_CURRENT, {"module_current_A": 2.1, "commanded_current_A": -5.0}),
    (FaultCode.REVERSE_CURRENT, {"module_current_A": 2.1, "commanded_current_A": 0.0}),
    (FaultCode.CURRENT_EXCEEDED, {"module_current_A": 23.1}),
    (FaultCode.CURRENT_EXCEEDED, {"module_current_A": -8.1, "commanded_current_A": -5.0}),
    (FaultCode.CURRENT_EXCEEDED, {"module_current_A": 4.1, "commanded_current_A": 1.0}),
    (FaultCode.VOLTAGE_PLAUSIBILITY, {"meter_voltage_V": 349.0}),
    (FaultCode.CONNECTOR_LOCK, {"lock": Lock.UNLOCKED}),
    (FaultCode.CONNECTOR_LOCK, {"lock": Lock.UNDEFINED}),
    (FaultCode.CONNECTOR_LOCK, {"lock": Lock.MOVING}),
    (FaultCode.PILOT_DIODE, {"board_latched": frozenset({BoardFault.DIODE})}),
    (FaultCode.PILOT_BOARD_WATCHDOG, {"board_latched": frozenset({BoardFault.WATCHDOG})}),
    (FaultCode.OVER_TEMPERATURE, {"temperature_degC": 90.0}),
    (FaultCode.POWER_MODULE, {"module_faults": ("over-temperature", "fan")}),
    (FaultCode.POWER_MODULE_COMMUNICATION, {"power_module_alive": False}),
    (FaultCode.METER_COMMUNICATION, {"meter_alive": False}),
    (FaultCode.METER_PLAUSIBILITY, {"meter_current_A": 22.1}),
    (FaultCode.METER_PLAUSIBILITY, {"meter_current_A": 17.9}),
    (FaultCode.METER_PLAUSIBILITY, {"module_current_A": -41.0, "meter_current_A": -43.2, "commanded_current_A": -41.0}),
    (FaultCode.METER_PLAUSIBILITY, {"meter_current_A": -20.0}),
    (FaultCode.NO_CURRENT, {"module_current_A": 0.9}),
    (FaultCode.NO_CURRENT, {"module_current_A": 0.0, "battery_full": True, "allowed_current_A": -9.0}),
    (FaultCode.NO_CURRENT, {"module_current_A": -0.9, "allowed_current_A": -3.0}),
    (FaultCode.NO_CURRENT, {"module_current_A": 0.0, "allowed_current_A": -20.0, "commanded_current_A": 0.0}),
    (FaultCode.PROCESS_STALLED, {"process_stalled": "for 3.0 s"}),
    (FaultCode.PILOT_BOARD_SUPPLY, {"board_latched": frozenset({BoardFault.SUPPLY})}),
    (FaultCode.TILT, {"open_inputs": frozenset({SafetyInput.TILT})}),
    (FaultCode.SURGE_ARRESTER, {"open_inputs": frozenset({SafetyInput.SURGE_ARRESTER})}),
    (FaultCode.FAN, {"open_inputs": frozenset({SafetyInput.FAN})}),
    (FaultCode.PILOT_SHORT, {"pilot": ControlPilot.E}),
    (FaultCode.PILOT_SHORT, {"pilot": ControlPilot.E, "pilot_command": PilotCommand.X1}),
    (FaultCode.PILOT_DUTY, {"duty_percent": 6.01}),
    (FaultCode.PILOT_DUTY, {"duty_percent": 3.99}),
    (FaultCode.PILOT_DUTY, {"duty_percent": 0.0}),
    (FaultCode.PILOT_DIODE, {"pilot_low_V": -9.9}),
    (FaultCode.PROXIMITY, {"proximity_required": True}),
    (FaultCode.PROXIMITY, {"proximity_required": True, "proximity_ohm": 49.0}),
    (FaultCode.PROXIMITY, {"proximity_required": True, "proximity_ohm": 4701.0, "pilot": ControlPilot.A}),
    (FaultCode.RELAY_STUCK, {"relay_stuck": "discharge relay closed although ordered open"}),
    (FaultCode.CONTACTOR_WORN, {"contactor_worn": "3 openings under load"}),
    (FaultCode.MODULE_TEMPERATURE, {"module_temperature_degC": 85.0}),
    (FaultCode.CABINET_TEMPERATURE, {"cabinet_temperature_degC": 70.0}),
    (FaultCode.VOLTAGE_TO_EARTH, {"voltage_to_earth_V": (441.0, 10.0)}),
    (FaultCode.VOLTAGE_TO_EARTH, {"voltage_to_earth_V": (10.0, 441.0)}),
    (FaultCode.CHECK_OVER_CURRENT, {"stage": Stage.CABLE_CHECK, "module_current_A": 3.6}),
    (FaultCode.CHECK_OVER_CURRENT, {"stage": Stage.PRE_CHARGED, "module_current_A": -3.6}),
    (FaultCode.MODULE_NOT_FOLLOWING, {"module_current_A": 9.9}),
    (
        FaultCode.MODULE_NOT_FOLLOWING,
        {"module_current_A": -9.9, "commanded_current_A": -20.0, "allowed_current_A": -20.0},
    ),
    (FaultCode.MODULE_DEGRADED, {"module_degraded": "psu2 silent"}),
    (FaultCode.MODULE_AT_TWO_OUTPUTS, {"module_kinds": frozenset({ModuleFault.TWO_OUTPUTS})}),
    (FaultCode.METER_FAULT, {"meter_alarm": "wire break"}),
    (FaultCode.GRID_TRIP, {"module_kinds": frozenset({ModuleFault.GRID_TRIP}), "module_faults": ("islanding",)}),
    (FaultCode.PHASE_LOSS, {"module_kinds": frozenset({ModuleFault.PHASE_LOSS})}),
    (FaultCode.PHASE_LOSS, {"phase_voltages_V": (230.0, 114.0, 230.0), "grid": GRID}),
    (FaultCode.GRID_VOLTAGE, {"module_kinds": frozenset({ModuleFault.GRID_VOLTAGE})}),
    (FaultCode.GRID_VOLTAGE, {"phase_voltages_V": (230.0, 266.0, 230.0), "grid": GRID}),
    (FaultCode.GRID_VOLTAGE, {"phase_voltages_V": (230.0, 230.0, 183.0), "grid": GRID}),
    (FaultCode.GRID_FREQUENCY, {"module_kinds": frozenset({ModuleFault.GRID_FREQUENCY})}),
    (FaultCode.GRID_FREQUENCY, {"frequency_Hz": 47.4, "grid": GRID}),
    (FaultCode.GRID_FREQUENCY, {"frequency_Hz": 51.6, "grid": GRID}),
    (FaultCode.WRONG_DEVICE, {"identity_trouble": "io: map version = 2: expected 1"}),
    (FaultCode.BUS_DEAD, {"buses_dead": "fast: no such device"}),
    (FaultCode.CYCLE_OVERRUN, {"overrun": "12 of the last 100 cycles late"}),
    (FaultCode.LATCH_RECORD, {"record_trouble": "read-only file system"}),
    (FaultCode.PILOT_BOARD_FAULT, {"board_latched": frozenset({BoardFault.UNKNOWN})}),
    (FaultCode.PROXIMITY, {"board_latched": frozenset({BoardFault.PROXIMITY})}),
    (FaultCode.TEMPERATURE_UNKNOWN, {"temperature_lost": "both absent"}),
    (FaultCode.TEMPERATURE_SENSOR, {"temperature_doubt": "one absent"}),
]

JUST_FINE: list[dict[str, Any]] = [
    {"module_voltage_V": 455.0, "meter_voltage_V": 455.0},
    {"module_current_A": 23.0},
    {"module_current_A": -43.0, "commanded_current_A": -40.0},
    {"module_current_A": 45.0, "stage": Stage.RAMP_DOWN},
    {"module_current_A": 2.0, "commanded_current_A": -5.0},
    {"module_current_A": -2.0, "commanded_current_A": 0.0},
    {"module_voltage_V": 400.0, "meter_voltage_V": 350.0},
    {"insulation_ohm": 100_000.0},
    {"temperature_degC": 89.9},
    {"pilot": ControlPilot.D},
    {"meter_current_A": 22.0},
    {"meter_current_A": 18.0},
    {"meter_current_A": None},
    {"module_current_A": -42.9, "meter_current_A": -44.9, "commanded_current_A": -42.9},
    {"meter_current_A": 0.0, "stage": Stage.RAMP_DOWN},
    {"module_current_A": 1.0, "commanded_current_A": 2.0},
    {"module_current_A": 0.0, "allowed_current_A": 2.9},
    {"module_current_A": 0.0, "battery_full": True},
    {"module_current_A": 0.0, "stage": Stage.RAMP_DOWN},
]


def test_the_table_covers_every_code_an_input_can_cause() -> None:
    assert {row.code for row in TABLE} == set(FaultCode) - set(BY_SEQUENCE)
    assert {code for code, _ in DANGERS} == {row.code for row in table_of(Outlet.DC)}  # AC: test_ac_interlocks.py
    assert set(CATALOGUE) == set(FaultCode)


def test_nothing_trips_while_all_is_well() -> None:
    for stage in Stage:
        quiet: dict[str, Any] = {} if stage in ACTIVE else {"contactor": Contactor.OPEN, "contactor_commanded": False}
        if stage not in (Stage.TRANSFER, Stage.RAMP_DOWN):
            quiet["module_current_A"] = 0.0
        assert tripped_after(60.0, stage=stage, **quiet) == set(), stage


@pytest.mark.parametrize("changes", JUST_FINE, ids=str)
def test_at_the_bound_nothing_trips(changes: dict[str, Any]) -> None:
    assert tripped_after(60.0, **changes) == set()


@pytest.mark.parametrize(("code", "changes"), DANGERS, ids=lambda value: getattr(value, "name", str(value)))
def test_beyond_the_bound_the_row_trips_after_its_delay_and_only_then(code: FaultCode, changes: dict[str, Any]) -> None:
    own = [DELAYS_BY_INPUT[code, name] for name in changes if (code, name) in DELAYS_BY_INPUT]
    delay_s = max(own, default=DELAYS.get(code, 0.0))
    assert code in tripped_after(delay_s + 0.001, **changes)
    if delay_s:
        assert code not in tripped_after(delay_s - 0.001, **changes)
    else:
        assert code in Interlocks().evaluate(seen(**changes))


@pytest.mark.parametrize(("code", "changes"), DANGERS, ids=lambda value: getattr(value, "name", str(value)))
def test_every_trip_says_what_it_saw(code: FaultCode, changes: dict[str, Any]) -> None:
    table = Interlocks()
    table.evaluate(seen(now_s=0.0, **changes))
    assert len(table.evaluate(seen(now_s=20.0, **changes))[code]) > 5


@pytest.mark.parametrize("code", sorted(DELAYS))
def test_a_delay_starts_again_when_the_cause_was_gone_for_one_cycle(code: FaultCode) -> None:
    changes = next(c for found, c in DANGERS if found is code)
    table, delay_s = Interlocks(), DELAYS[code]
    table.evaluate(seen(now_s=0.0, **changes))
    table.evaluate(seen(now_s=0.6 * delay_s))
    table.evaluate(seen(now_s=0.7 * delay_s, **changes))
    assert code not in table.evaluate(seen(now_s=1.5 * delay_s, **changes))
    assert code in table.evaluate(seen(now_s=1.8 * delay_s, **changes))


def test_detail_names_value_and_bound() -> None:
    detail = Interlocks().evaluate(seen(module_voltage_V=560.0))[FaultCode.OVER_VOLTAGE_EMERGENCY]
    assert "560.00 V" in detail and "550 V" in detail


# -- stages ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", list(Stage))
def test_lease_pilot_and_lock_count_while_something_is_energised(stage: Stage) -> None:
    found = tripped_after(5.0, stage=stage, lease_valid=False, pilot=ControlPilot.A, lock=Lock.UNLOCKED)
    wanted = {FaultCode.LEASE_LOST, FaultCode.PILOT_LOST, FaultCode.CONNECTOR_LOCK}
    assert found & wanted == (wanted if stage in ACTIVE else set())


@pytest.mark.parametrize("pilot", [p for p in ControlPilot if not p.ready])
def test_every_pilot_state_but_c_and_d_is_a_loss(pilot: ControlPilot) -> None:
    assert FaultCode.PILOT_LOST in Interlocks().evaluate(seen(pilot=pilot))


@pytest.mark.parametrize(("current_A", "lost"), [(0.5, False), (-0.9, False), (1.0, True), (-20.0, True), (None, True)])
def test_in_the_ramp_down_the_car_may_go_back_to_b_only_without_current(current_A: float | None, lost: bool) -> None:
    inputs = seen(stage=Stage.RAMP_DOWN, pilot=ControlPilot.B, module_current_A=current_A)
    assert (FaultCode.PILOT_LOST in Interlocks().evaluate(inputs)) is lost


@pytest.mark.parametrize("stage", list(Stage))
def test_insulation_and_over_voltage_count_while_energised(stage: Stage) -> None:
    found = tripped_after(1.0, stage=stage, insulation_ohm=1.0, module_voltage_V=500.0)
    wanted = {FaultCode.INSULATION, FaultCode.OVER_VOLTAGE}
    assert found & wanted == (wanted if stage in ENERGISED else set())


@pytest.mark.parametrize("stage", list(Stage))
def test_what_concerns_the_whole_cabinet_counts_in_every_stage(stage: Stage) -> None:
    changes = {
        "open_inputs": frozenset({SafetyInput.EMERGENCY_CHAIN, SafetyInput.DOOR, SafetyInput.RCD}),
        "module_voltage_V": 1200.0,
        "module_current_A": 100.0,
        "temperature_degC": 95.0,
        "insulation_monitor_trouble": "silent",
        "module_faults": ("x",),
    }
    assert tripped_after(2.0, stage=stage, **changes) >= {
        FaultCode.EMERGENCY_STOP,
        FaultCode.DOOR_OPEN,
        FaultCode.RCD,
        FaultCode.OVER_VOLTAGE_EMERGENCY,
        FaultCode.OVER_CURRENT,
        FaultCode.OVER_TEMPERATURE,
        FaultCode.INSULATION_MONITOR,
        FaultCode.POWER_MODULE,
    }


@pytest.mark.parametrize("stage", list(Stage))
def test_a_weld_is_seen_in_every_stage(stage: Stage) -> None:
    assert FaultCode.CONTACTOR_WELDED in tripped_after(0.6, stage=stage, contactor_commanded=False)


@pytest.mark.parametrize("stage", [*ACTIVE])
def test_a_contactor_that_opened_by_itself_trips_in_every_stage_with_the_first_sample(stage: Stage) -> None:
    assert FaultCode.CONTACTOR_OPENED in Interlocks().evaluate(seen(stage=stage, contactor_opened=True))


# -- the unknown -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ENERGISED)
def test_no_insulation_value_while_energised_is_a_faulty_monitor_after_ten_seconds(stage: Stage) -> None:
    assert FaultCode.INSULATION_MONITOR not in tripped_after(9.9, stage=stage, insulation_ohm=None)
    assert FaultCode.INSULATION_MONITOR in tripped_after(10.1, stage=stage, insulation_ohm=None)


def test_two_rows_of_one_code_count_their_delays_apart() -> None:
    table = Interlocks()
    table.evaluate(seen(now_s=0.0, insulation_ohm=None))
    assert FaultCode.INSULATION_MONITOR in table.evaluate(seen(now_s=1.0, insulation_monitor_trouble="silent"))
    assert table.evaluate(seen(now_s=11.0, insulation_ohm=None)) == {}


def test_without_the_cars_maximum_the_evses_own_counts() -> None:
    assert FaultCode.OVER_VOLTAGE in tripped_after(0.5, car_voltage_max_V=0.0, module_voltage_V=926.0)
    assert FaultCode.OVER_VOLTAGE not in tripped_after(0.5, car_voltage_max_V=0.0, module_voltage_V=924.0)


def test_over_voltage_of_a_lowered_limit_trips_although_the_voltage_did_not_move() -> None:
    """CC.6.2 as it is tested: the car's limit goes below the present voltage in mid-session."""
    table = Interlocks()
    assert table.evaluate(seen(now_s=0.0)) == {}
    assert table.evaluate(seen(now_s=1.0, car_voltage_max_V=380.0)) == {}
    assert set(table.evaluate(seen(now_s=1.41, car_voltage_max_V=380.0))) == {FaultCode.OVER_VOLTAGE}


@pytest.mark.parametrize("car_V", [750.0, 850.0])
def test_the_test_voltage_of_the_cable_check_is_no_emergency(car_V: float) -> None:
    """1.1 times 750 V is 825 V, which is Table 103's bound itself: half a volt of ripple must not need a person."""
    at = {"car_voltage_max_V": car_V, "module_voltage_V": 1.1 * car_V + 0.5, "meter_voltage_V": 1.1 * car_V}
    wide = Envelope(rated(1000.0, 40.0))
    assert tripped_after(1.0, stage=Stage.CABLE_CHECK, envelope=wide, module_current_A=1.0, **at) == set()
    assert tripped_after(0.1, stage=Stage.RAMP_DOWN, envelope=wide, **at) == set()  # of a check that failed
    assert FaultCode.OVER_VOLTAGE_EMERGENCY in tripped_after(1.0, envelope=wide, **at)
    beyond = {**at, "module_voltage_V": 1.1 * car_V + 10.1}
    assert FaultCode.OVER_VOLTAGE_EMERGENCY in tripped_after(0.0, stage=Stage.CABLE_CHECK, envelope=wide, **beyond)


@pytest.mark.parametrize("stage", [Stage.CABLE_CHECK, Stage.CABLE_CHECKED])
def test_the_cars_own_bound_counts_in_the_cable_check_too(stage: Stage) -> None:
    """What Table 103 negotiates is known before the check; a module that ran away to 1000 V must not have its ten seconds."""
    assert FaultCode.OVER_VOLTAGE_EMERGENCY in tripped_after(0.0, stage=stage, module_voltage_V=550.1)
    assert tripped_after(1.0, stage=stage, module_voltage_V=510.0, meter_voltage_V=510.0, module_current_A=1.0) == set()


def test_a_silent_board_is_one_fault_and_not_ten() -> None:
    dead = seen(
        pilot_board_alive=False,
        pilot=ControlPilot.UNKNOWN,
        lock=Lock.UNDEFINED,
        contactor=Contactor.UNKNOWN,
        temperature_degC=None,
    )
    assert set(Interlocks().evaluate(dead)) == {FaultCode.PILOT_BOARD_COMMUNICATION}


def test_a_module_that_is_silent_trips_by_its_silence() -> None:
    inputs = seen(power_module_alive=False, module_voltage_V=None, module_current_A=None)
    assert set(Interlocks().evaluate(inputs)) == {FaultCode.POWER_MODULE_COMMUNICATION}


@pytest.mark.parametrize(
    ("element", "code"),
    [
        (SafetyInput.EMERGENCY_CHAIN, FaultCode.EMERGENCY_STOP),
        (SafetyInput.DOOR, FaultCode.DOOR_OPEN),
        (SafetyInput.RCD, FaultCode.RCD),
    ],
)
def test_the_element_that_opened_the_chain_is_told_and_its_own_reset_holds(
    element: SafetyInput, code: FaultCode
) -> None:
    """A closed door must not need a person because the chain it sits in was open too."""
    assert set(Interlocks().evaluate(seen(open_inputs=frozenset({SafetyInput.HARDWARE_CHAIN, element})))) == {code}


def test_a_board_that_opened_because_it_is_hot_is_told_before_the_contactor_it_opened() -> None:
    found = Interlocks().evaluate(
        seen(board_latched=frozenset({BoardFault.OVER_TEMPERATURE}), contactor=Contactor.OPEN)
    )
    assert set(found) == {FaultCode.OVER_TEMPERATURE}


@pytest.mark.parametrize(
    ("latched", "code"),
    [
        (BoardFault.EMERGENCY_STOP, FaultCode.EMERGENCY_STOP),
        (BoardFault.WATCHDOG, FaultCode.PILOT_BOARD_WATCHDOG),
        (BoardFault.OVER_TEMPERATURE, FaultCode.OVER_TEMPERATURE),
        (BoardFault.SUPPLY, FaultCode.PILOT_BOARD_SUPPLY),
    ],
)
def test_what_made_the_board_open_is_told_and_not_its_contactor(latched: BoardFault, code: FaultCode) -> None:
    """However long the ramp down takes: nobody is to look at a contactor that did what it should, nor to unplug for it."""
    assert tripped_after(1.0, board_latched=frozenset({latched}), contactor_opened=True) == {code}


def test_a_contactor_that_dropped_is_told_with_what_the_board_latched() -> None:
    found = Interlocks().evaluate(seen(board_latched=frozenset({BoardFault.DIODE}), contactor_opened=True))
    assert "the board latched diode" in found[FaultCode.CONTACTOR_OPENED]


@pytest.mark.parametrize(
    ("latched", "code"),
    [
        (BoardFault.SUPPLY, FaultCode.PILOT_BOARD_SUPPLY),
        (BoardFault.PILOT_SHORT, FaultCode.PILOT_LOST),
        (BoardFault.PROXIMITY, FaultCode.PROXIMITY),
        (BoardFault.NO_CLOSE, FaultCode.CONTACTOR_NOT_CLOSED),
        (BoardFault.LOCK, FaultCode.CONNECTOR_LOCK),
        (BoardFault.DIODE, FaultCode.PILOT_DIODE),
        (BoardFault.WATCHDOG, FaultCode.PILOT_BOARD_WATCHDOG),
        (BoardFault.OVER_TEMPERATURE, FaultCode.OVER_TEMPERATURE),
        (BoardFault.EMERGENCY_STOP, FaultCode.EMERGENCY_STOP),
    ],
)
@pytest.mark.parametrize("stage", [Stage.OFF, Stage.TRANSFER])
def test_whatever_the_board_latched_is_told_by_its_name_at_once(
    stage: Stage, latched: BoardFault, code: FaultCode
) -> None:
    """A weld shows in the contactor's own state."""
    inputs = seen(board_latched=frozenset({latched}), stage=stage, contactor_commanded=stage is Stage.TRANSFER)
    assert code in Interlocks().evaluate(inputs)
    assert set(BOARD_RESET) - {BoardFault.WELD} >= {latched}


def test_every_latch_the_board_may_tell_has_a_row() -> None:
    for latched in set(BOARD_RESET) - {BoardFault.WELD}:
        assert Interlocks().evaluate(seen(board_latched=frozenset({latched}))) != {}, latched


# -- the meter against the module ------------------------------------------------------------------------------------------


def energy(by_module_Wh: float, by_meter_Wh: float, power_W: float = 10_000.0) -> EnergyBalance:
    return EnergyBalance(charged_Wh=by_module_Wh, imported_Wh=by_meter_Wh, greatest_W=power_W)


@pytest.mark.parametrize(
    ("balance", "wrong"),
    [
        (energy(0.0, 0.0), False),
        (energy(0.0, 25.0), False),  # 20 Wh, and 2 s of 10 kW
        (energy(0.0, 26.0), True),
        (energy(10_000.0, 10_520.0), False),  # 5 % and those
        (energy(10_000.0, 10_530.0), True),
        (energy(10_000.0, 9_470.0), True),
        (EnergyBalance(charged_Wh=1000.0, exported_Wh=1000.0, greatest_W=1000.0), True),  # directions exchanged
        (EnergyBalance(discharged_Wh=1000.0, exported_Wh=1000.0, greatest_W=1000.0), False),
    ],
)
def test_registers_that_count_otherwise_than_the_module(balance: EnergyBalance, wrong: bool) -> None:
    assert (FaultCode.METER_PLAUSIBILITY in tripped_after(1.1, energy=balance)) is wrong
    assert FaultCode.METER_PLAUSIBILITY not in tripped_after(0.9, energy=balance)
    assert FaultCode.METER_PLAUSIBILITY not in tripped_after(1.1, energy=balance, stage=Stage.RAMP_DOWN)


# -- a stalled process ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", list(Stage))
def test_what_follows_from_a_stalled_process_is_one_fault_and_not_six(stage: Stage) -> None:
    inputs = seen(
        stage=stage,
        process_stalled="for 3.0 s",
        lease_valid=False,
        pilot_board_alive=False,
        power_module_alive=False,
        meter_alive=False,
        insulation_monitor_trouble="silent",
        pilot=ControlPilot.UNKNOWN,
        lock=Lock.UNDEFINED,
        contactor=Contactor.UNKNOWN,
        module_voltage_V=None,
        module_current_A=None,
    )
    table = Interlocks()
    for now_s in (0.0, 5.0):
        assert table.evaluate(replace(inputs, now_s=now_s)) == {FaultCode.PROCESS_STALLED: "for 3.0 s"}
    opened = seen(
        stage=stage, process_stalled="x", pilot=ControlPilot.F, board_latched=frozenset({BoardFault.WATCHDOG})
    )
    assert set(Interlocks().evaluate(opened)) == {FaultCode.PROCESS_STALLED}  # what the board did without us


def test_a_stalled_process_hides_no_danger_that_is_seen() -> None:
    inputs = seen(
        process_stalled="for 3.0 s",
        open_inputs=frozenset({SafetyInput.EMERGENCY_CHAIN}),
        module_voltage_V=560.0,
        pilot=ControlPilot.B,
    )
    assert set(Interlocks().evaluate(inputs)) >= {
        FaultCode.EMERGENCY_STOP,
        FaultCode.OVER_VOLTAGE_EMERGENCY,
        FaultCode.PILOT_LOST,
    }


# -- lag -------------------------------------------------------------------------------------------------------------------


def test_a_current_that_still_decays_after_the_command_is_no_reverse_current() -> None:
    table = Interlocks()
    for cycle in range(100):
        current_A = 40.0 * max(0.0, 1.0 - cycle / 30)  # 300 ms of decay
        inputs = seen(now_s=cycle * 0.01, module_current_A=current_A, commanded_current_A=0.0)
        assert table.evaluate(inputs) == {}


def test_the_zero_of_a_big_module_is_no_reverse_current() -> None:
    big = Envelope(rated(920.0, 500.0))
    changes = {"envelope": big, "commanded_current_A": 0.0}
    assert tripped_after(5.0, module_current_A=10.0, **changes) == set()
    assert tripped_after(5.0, module_current_A=10.1, **changes) == {FaultCode.REVERSE_CURRENT}


@given(
    voltage_V=st.floats(0, 2000),
    current_A=st.floats(-600, 600),
    commanded_A=st.floats(-600, 600),
    ohm=st.one_of(st.none(), st.floats(0, 1e7)),
    stage=st.sampled_from(list(Stage)),
)
def test_what_trips_does_not_depend_on_being_looked_at_more_often(
    voltage_V: float, current_A: float, commanded_A: float, ohm: float | None, stage: Stage
) -> None:
    def held(every_s: float) -> set[FaultCode]:
        table, found = Interlocks(), {}
        for cycle in range(round(12.0 / every_s) + 1):
            found = table.evaluate(
                seen(
                    now_s=cycle * every_s,
                    module_voltage_V=voltage_V,
                    meter_voltage_V=voltage_V,
                    module_current_A=current_A,
                    commanded_current_A=commanded_A,
                    insulation_ohm=ohm,
                    stage=stage,
                )
            )
        return set(found)

    assert held(6.0) == held(0.5)


@given(st.data())
def test_making_one_known_input_unknown_never_unlocks_power(data: st.DataObject) -> None:
    """None where a reading was: whatever stopped power by its device's silence still stops it."""
    stage = data.draw(st.sampled_from(ENERGISED))
    lost: dict[str, Any] = data.draw(
        st.sampled_from(
            [
                {"power_module_alive": False, "module_voltage_V": None, "module_current_A": None},
                {"meter_alive": False, "meter_voltage_V": None},
                {"insulation_monitor_trouble": "silent", "insulation_ohm": None},
                {"pilot_board_alive": False, "pilot": ControlPilot.UNKNOWN, "contactor": Contactor.UNKNOWN},
            ]
        )
    )
    assert Interlocks().evaluate(seen(stage=stage, **lost)) != {}
