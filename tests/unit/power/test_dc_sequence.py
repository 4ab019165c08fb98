"""The DC sequence against a small scripted plant: the whole story, and every step's failures."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chargepoint.model.demand import FrequencyWattLaw, Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCode, Severity
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor, ControlPilot, Lock, Stage
from chargepoint.model.limits import Interval, rated
from chargepoint.ports import InsulationState, IoCommand, PowerModuleCapabilities, PowerModuleCommand, Reversal
from chargepoint.power.cable_check import (
    CONTACTOR_CLOSE_TIMEOUT_S,
    INSULATION_VALUE_TIMEOUT_S,
    SELF_TEST_TIMEOUT_S,
    TEST_VOLTAGE_TIMEOUT_S,
    VOLTAGE_DOWN_TIMEOUT_S,
)
from chargepoint.power.dc_sequence import (
    OUTPUT_DISCHARGE_TIMEOUT_S,
    PILOT_F_S,
    PRE_CHARGE_TIMEOUT_S,
    RAMP_DOWN_TIMEOUT_S,
    UNHEARD_RAMP_DOWN_S,
    DcSequence,
)
from chargepoint.power.ramp import Ramp
from chargepoint.power.sequence import SequenceInputs, SequenceOutputs
from chargepoint.safety.envelope import Envelope
from tests.joined.orders import changed, dc_order

TICK_S = 0.01
OFF = PowerModuleCommand()
WIDE = Interval(-1e6, 1e6)

MODULE = PowerModuleCapabilities(
    voltage_min_V=0.0,
    voltage_max_V=1000.0,
    charge_current_max_A=40.0,
    discharge_current_max_A=40.0,
    charge_power_max_W=30_000.0,
    discharge_power_max_W=30_000.0,
    ramp_A_per_s=1000.0,
    reversal=Reversal.VIA_ZERO,
    reversal_time_s=0.1,
    comm_loss_s=None,
)


REACTION_S = Envelope(rated(920.0, 40.0)).insulation_reaction_s
"""Of the insulation monitor, by default."""


def demand(phase: Phase, **changes: Any) -> StageDemand:
    order = StageDemand(
        evse_id=EvseId(1),
        seq=1,
        lease_s=0.5,
        phase=phase,
        pilot=PilotCommand.PWM,
        duty_percent=5.0,
        lock=True,
        power_W=0.0,
        limits_W=WIDE,
        order=dc_order(
            voltage_target_V=0.0 if phase is Phase.TRANSFER else 400.0,  # as in Dynamic mode
            charge_current_limit_A=30.0,
            discharge_current_limit_A=30.0,
        ),
    )
    return changed(order, **changes)


@dataclass
class Bench:
    """Contactor, output, battery and insulation monitor that do what they are told, unless a test holds them."""

    demand: StageDemand | None = None
    severity: Severity | None = None
    pilot: ControlPilot = ControlPilot.C
    lock: Lock = Lock.LOCKED
    capabilities: PowerModuleCapabilities | None = MODULE
    battery_V: float | None = None
    insulation_ohm: float | None = 1e6
    test_result: bool | None = True
    held: dict[str, Any] = field(default_factory=dict)
    """Sequence inputs a test pins to a value."""
    now_s: float = 1000.0
    envelope: Envelope = field(default_factory=lambda: Envelope(rated(920.0, 40.0)))
    ramp_A_per_s: float = 100.0
    _volts: float = 0.0
    _amps: float = 0.0
    _tested: bool | None = None
    _board: IoCommand = field(default_factory=IoCommand)
    _module: PowerModuleCommand = OFF
    failures: dict[FaultCode, str] = field(default_factory=dict)
    stages: list[Stage] = field(default_factory=list)

    def __post_init__(self) -> None:
        reversal, time_s = MODULE.reversal, MODULE.reversal_time_s
        self.sequence = DcSequence(self.envelope, Ramp(self.ramp_A_per_s, reversal, time_s))

    def step(self) -> SequenceOutputs:
        inputs = SequenceInputs(
            now_s=self.now_s,
            demand=self.demand,
            severity=self.severity,
            pilot=self.pilot,
            lock=self.lock,
            contactor=Contactor.CLOSED if self._board.contactor else Contactor.OPEN,
            voltage_V=self._volts,
            current_A=self._amps,
            meter_current_A=None,
            insulation=InsulationState(self.insulation_ohm, True, self._tested, True),
            capabilities=self.capabilities,
            temperature_degC=30.0,
            frequency_Hz=None,
        )
        out = self.sequence.step(replace(inputs, **self.held))
        self._react(out)
        self.now_s += TICK_S
        self.failures |= out.failures
        if not self.stages or self.stages[-1] is not out.stage:
            self.stages.append(out.stage)
        if self.severity is None and out.failures:
            self.severity = Severity.ERROR  # the caller latches them before the next cycle
        return out

    def _react(self, out: SequenceOutputs) -> None:
        self._board, self._module = out.io, out.module
        if out.insulation_self_test:
            self._tested = self.test_result
        joined = self.battery_V is not None and out.io.contactor
        if joined:
            assert self.battery_V is not None
            self._volts, self._amps = self.battery_V, out.module.current_A if out.module.output_on else 0.0
            if out.stage in (Stage.PRE_CHARGE, Stage.PRE_CHARGED):
                self._amps = 0.0
        else:
            goal_V = out.module.voltage_max_V if out.module.output_on else 0.0
            self._volts += min(max(goal_V - self._volts, -20.0), 20.0)
            self._amps = 0.0

    def run(self, seconds: float) -> SequenceOutputs:
        out = self.step()
        for _ in range(round(seconds / TICK_S) - 1):
            out = self.step()
        return out

    def until(self, true: Callable[[SequenceOutputs], bool], within_s: float = 60.0) -> SequenceOutputs:
        for _ in range(round(within_s / TICK_S)):
            out = self.step()
            if true(out):
                return out
        raise AssertionError(f"not within {within_s} s; stages {self.stages}, failures {self.failures}")

    def reach(self, stage: Stage, within_s: float = 60.0) -> SequenceOutputs:
        return self.until(lambda out: out.stage is stage, within_s)


def checked(**setting: Any) -> Bench:
    bench = Bench(**setting)
    bench.demand = demand(Phase.CABLE_CHECK)
    bench.reach(Stage.CABLE_CHECKED)
    return bench


def pre_charged(**setting: Any) -> Bench:
    bench = checked(**setting)
    bench.demand = demand(Phase.PRE_CHARGE)
    bench.reach(Stage.PRE_CHARGED)
    bench.battery_V = 400.0  # the car closes its contactors
    return bench


def transferring(power_W: float = 8000.0, **setting: Any) -> Bench:
    bench = pre_charged(**setting)
    bench.demand = demand(Phase.TRANSFER, power_W=power_W)
    bench.run(2.0)
    return bench


# -- the whole story -------------------------------------------------------------------------------------------------------


def test_the_whole_story() -> None:
    bench = Bench()
    idle = bench.step()
    assert (idle.stage, idle.module, idle.io.contactor) == (Stage.OFF, OFF, False)
    assert not idle.insulation_measuring

    bench.demand = demand(Phase.CABLE_CHECK)
    first = bench.step()
    assert first.stage is Stage.CABLE_CHECK
    assert first.io.contactor and first.io.lock and first.module == OFF
    tested = bench.until(lambda out: out.insulation_self_test)
    assert tested.module == PowerModuleCommand(True, 2.0, 500.0, 0.0)  # min(500, 450 + 50): formula CC.1
    assert tested.insulation_measuring
    lowering = bench.until(lambda out: out.io.discharge)
    assert lowering.module == OFF
    assert bench.reach(Stage.CABLE_CHECKED).module == OFF

    bench.demand = demand(Phase.PRE_CHARGE)
    pre = bench.reach(Stage.PRE_CHARGE)
    assert bench.step().module == PowerModuleCommand(True, 2.0, 400.0, 0.0)
    assert pre.io.contactor
    bench.reach(Stage.PRE_CHARGED)
    bench.battery_V = 400.0

    bench.demand = demand(Phase.TRANSFER, power_W=8000.0)
    assert bench.step().stage is Stage.TRANSFER
    charging = bench.run(1.0)
    assert charging.module == PowerModuleCommand(True, 20.0, 450.0, 300.0)
    assert charging.applied_W == pytest.approx(8000.0)
    assert (charging.target_W, charging.limited_by) == (8000.0, "")

    bench.demand = demand(Phase.TRANSFER, power_W=-10_000.0)
    turned = bench.until(lambda out: out.module.current_A < 0, 1.0)
    assert turned.stage is Stage.TRANSFER
    discharging = bench.run(1.0)
    assert discharging.module.current_A == pytest.approx(-25.0)
    assert discharging.applied_W == pytest.approx(-10_000.0)

    bench.demand = demand(Phase.OFF)
    bench.reach(Stage.OPENING, 1.0)
    bench.battery_V = None
    bench.reach(Stage.OFF, 5.0)
    assert bench.stages == [
        Stage.OFF,
        Stage.CABLE_CHECK,
        Stage.CABLE_CHECKED,
        Stage.PRE_CHARGE,
        Stage.PRE_CHARGED,
        Stage.TRANSFER,
        Stage.RAMP_DOWN,
        Stage.OPENING,
        Stage.DISCHARGING_OUTPUT,
        Stage.OFF,
    ]
    assert bench.failures == {}


@pytest.mark.parametrize("phase", [Phase.PRE_CHARGE, Phase.TRANSFER])
def test_every_session_begins_with_a_cable_check(phase: Phase) -> None:
    bench = Bench(demand=demand(phase, power_W=5000.0))
    out = bench.run(30.0)
    assert (out.stage, out.module, out.io.contactor) == (Stage.OFF, OFF, False)


def test_after_a_stop_the_next_session_begins_with_a_cable_check_too() -> None:
    bench = transferring()
    bench.demand = demand(Phase.OFF)
    bench.reach(Stage.OPENING)
    bench.battery_V = None
    bench.reach(Stage.OFF)
    bench.demand = demand(Phase.TRANSFER, power_W=8000.0)
    assert bench.run(10.0).stage is Stage.OFF


# -- into the cable check --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hindrance",
    [
        {"pilot": ControlPilot.B},
        {"pilot": ControlPilot.A},
        {"pilot": ControlPilot.UNKNOWN},
        {"pilot": ControlPilot.F},
        {"lock": Lock.UNLOCKED},
        {"lock": Lock.MOVING},
        {"lock": Lock.UNDEFINED},
        {"capabilities": None},
        {"contactor": Contactor.CLOSED},
        {"contactor": Contactor.WELDED},
        {"contactor": Contactor.UNKNOWN},
        {"voltage_V": None},
        {"voltage_V": 60.0},
        {"severity": Severity.ERROR},
        {"severity": Severity.EMERGENCY},
    ],
    ids=str,
)
def test_the_contactor_is_not_closed_without(hindrance: dict[str, Any]) -> None:
    """G05.FR.01: a lock that is not locked is one of the hindrances."""
    bench = Bench(demand=demand(Phase.CABLE_CHECK), held=hindrance)
    for _ in range(500):
        out = bench.step()
        assert not out.io.contactor
        assert out.module == OFF
    if "severity" not in hindrance:
        bench.held, bench.severity = {}, None
        assert bench.step().io.contactor


@pytest.mark.parametrize("limit_V", [0.0, 60.0])
def test_no_cable_check_while_the_cars_maximum_is_not_known(limit_V: float) -> None:
    """Formula CC.1 would make 50 V of it, and any cable passes at 50 V."""
    bench = Bench(demand=demand(Phase.CABLE_CHECK, voltage_limit_V=limit_V))
    assert bench.run(20.0).stage is Stage.OFF


def test_a_voltage_that_was_there_before_fails_only_after_its_own_wait() -> None:
    bench = Bench()
    bench.run(60.0)  # long idle: must not count as waiting
    bench.demand, bench.held = demand(Phase.CABLE_CHECK), {"voltage_V": 120.0}
    bench.run(VOLTAGE_DOWN_TIMEOUT_S - 0.1)
    assert bench.failures == {}
    bench.run(0.2)
    assert "120 V before closing" in bench.failures[FaultCode.CABLE_CHECK]


def test_a_voltage_that_was_there_before_is_discharged_while_it_is_waited_for() -> None:
    """A board that opened everything by itself cuts the discharge after the last session short."""
    bench = Bench()
    bench.held = {"voltage_V": 170.0}
    assert not bench.run(1.0).io.discharge  # nobody wants to begin
    bench.demand = demand(Phase.CABLE_CHECK)
    out = bench.run(0.1)
    assert out.stage is Stage.OFF
    assert out.io.discharge
    assert not out.io.contactor
    assert not bench.run(OUTPUT_DISCHARGE_TIMEOUT_S).io.discharge  # the resistor is made for no longer
    bench.held = {"voltage_V": 20.0}
    assert bench.step().stage is Stage.CABLE_CHECK


# -- the cable check's failures --------------------------------------------------------------------------------------------


def in_check(within: Callable[[SequenceOutputs], bool], **setting: Any) -> Bench:
    bench = Bench(demand=demand(Phase.CABLE_CHECK), **setting)
    bench.until(within)
    return bench


def fails(bench: Bench, code: FaultCode, within_s: float, words: str = "") -> None:
    """The failure comes in time, with the module off in that same step; then everything opens and is FAULTED."""
    out = bench.until(lambda out: bool(out.failures), within_s)
    assert set(out.failures) == {code}
    assert words in out.failures[code]
    assert (out.stage, out.module) == (Stage.RAMP_DOWN, OFF)
    opened = bench.until(lambda out: not out.io.contactor, 2.5)
    assert opened.stage is Stage.OPENING
    bench.held.pop("contactor", None)
    assert bench.reach(Stage.FAULTED, 5.0).module == OFF


def test_contactor_that_does_not_close() -> None:
    bench = Bench(demand=demand(Phase.CABLE_CHECK))
    bench.step()
    bench.held = {"contactor": Contactor.OPEN}
    bench.run(CONTACTOR_CLOSE_TIMEOUT_S - 0.1)
    assert bench.failures == {}
    fails(bench, FaultCode.CONTACTOR_NOT_CLOSED, 0.3, "within 5 s")


@pytest.mark.parametrize("volts", [30.0, 489.9, 510.1, None])
def test_test_voltage_that_is_not_reached(volts: float | None) -> None:
    bench = in_check(lambda out: out.stage is Stage.CABLE_CHECK)
    bench.held = {"voltage_V": volts}
    bench.run(TEST_VOLTAGE_TIMEOUT_S - 0.1)
    assert bench.failures == {}
    fails(bench, FaultCode.CABLE_CHECK, 0.3, "500 V wanted")


def test_the_test_voltage_stays_what_it_was_when_the_demand_changes() -> None:
    bench = in_check(lambda out: out.module.output_on)
    bench.demand = demand(Phase.CABLE_CHECK, voltage_limit_V=0.0)
    assert bench.step().module.voltage_max_V == 500.0
    bench.capabilities = None
    assert bench.step().module.voltage_max_V == 500.0


def test_self_test_that_fails() -> None:
    bench = Bench(demand=demand(Phase.CABLE_CHECK), test_result=False)
    fails(bench, FaultCode.CABLE_CHECK, 5.0, "failed its self-test")


def test_self_test_that_never_ends() -> None:
    bench = in_check(lambda out: out.insulation_self_test, test_result=None)
    bench.run(SELF_TEST_TIMEOUT_S - 0.1)
    assert bench.failures == {}
    fails(bench, FaultCode.CABLE_CHECK, 0.3, "not done in 30 s")


def test_self_test_of_a_monitor_nobody_hears() -> None:
    bench = in_check(lambda out: out.insulation_self_test, held={"insulation": None})
    fails(bench, FaultCode.CABLE_CHECK, SELF_TEST_TIMEOUT_S + 0.2)


def test_no_insulation_value() -> None:
    bench = in_check(lambda out: out.insulation_self_test, insulation_ohm=None)
    bench.run(INSULATION_VALUE_TIMEOUT_S + REACTION_S - 0.1)
    assert bench.failures == {}
    fails(bench, FaultCode.CABLE_CHECK, 0.3, "no valid insulation value at 500 V")


def test_a_value_measured_at_too_little_voltage_does_not_count() -> None:
    bench = in_check(lambda out: out.insulation_self_test)
    bench.held = {"voltage_V": 480.0}
    fails(bench, FaultCode.CABLE_CHECK, INSULATION_VALUE_TIMEOUT_S + REACTION_S + 0.2, "no valid insulation value")


def test_insulation_below_the_limit() -> None:
    bench = Bench(demand=demand(Phase.CABLE_CHECK), insulation_ohm=99_999.0)
    fails(bench, FaultCode.INSULATION, 5.0, "at least 100 kohm")


def test_insulation_at_the_limit_passes() -> None:
    assert checked(insulation_ohm=100_000.0).failures == {}


def test_contactor_that_opens_during_the_check() -> None:
    """With the contactor open the monitor sees only the station's own side, and that is always dry."""
    bench = in_check(lambda out: out.insulation_self_test, test_result=None)
    bench.held = {"contactor": Contactor.OPEN}
    out = bench.step()
    assert bench.failures == {FaultCode.CONTACTOR_OPENED: "contactor opened during the cable check"}
    assert (out.stage, out.io.contactor, out.module) == (Stage.OPENING, False, OFF)


def test_a_bounce_of_the_closing_contactor_is_no_failure_and_nothing_is_energised_before_it_is_over() -> None:
    bench = in_check(lambda out: out.io.contactor)
    for _ in range(20):
        bench.held = {"contactor": Contactor.OPEN}
        bench.run(0.05)
        bench.held = {}
        assert not bench.run(0.02).module.output_on
    assert bench.failures == {}
    assert bench.run(0.2).module.output_on


def test_an_order_to_open_now_opens_at_any_stage_without_a_ramp() -> None:
    bench = transferring(8000.0)
    bench.held = {"open_now": True}
    out = bench.step()
    assert (out.stage, out.io.contactor, out.module) == (Stage.OPENING, False, OFF)


def test_output_that_does_not_come_down() -> None:
    bench = in_check(lambda out: out.io.discharge)
    bench.held = {"voltage_V": 61.0}
    bench.run(VOLTAGE_DOWN_TIMEOUT_S - 0.1)
    assert bench.failures == {}
    fails(bench, FaultCode.CABLE_CHECK, 0.3, "did not fall below 60 V")


# -- pre-charge ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("volts", [379.9, 420.1, None])
def test_pre_charge_that_does_not_match(volts: float | None) -> None:
    bench = checked()
    bench.demand, bench.held = demand(Phase.PRE_CHARGE), {"voltage_V": volts}
    bench.run(PRE_CHARGE_TIMEOUT_S - 0.1)
    assert bench.failures == {}
    fails(bench, FaultCode.PRE_CHARGE, 0.3, "400 V")


@pytest.mark.parametrize("volts", [380.0, 420.0])
def test_pre_charge_matches_within_twenty_volts(volts: float) -> None:
    bench = checked()
    bench.demand, bench.held = demand(Phase.PRE_CHARGE), {"voltage_V": volts}
    bench.run(0.03)
    assert bench.sequence.stage is Stage.PRE_CHARGED


def test_without_a_target_nothing_is_pre_charged() -> None:
    """0 V of output would match 0 V of target."""
    bench = checked()
    bench.demand = demand(Phase.PRE_CHARGE, voltage_target_V=0.0)
    out = bench.run(30.0)
    assert (out.stage, out.module) == (Stage.PRE_CHARGE, OFF)


def test_pre_charge_keeps_the_cars_maximum_whatever_the_target() -> None:
    bench = checked()
    bench.demand = demand(Phase.PRE_CHARGE, voltage_target_V=800.0)
    bench.run(0.1)
    assert bench.step().module.voltage_max_V == 450.0
    bench.demand = demand(Phase.PRE_CHARGE, voltage_target_V=1500.0, voltage_limit_V=1500.0)
    bench.run(0.1)
    assert bench.step().module.voltage_max_V == 920.0


def test_a_target_that_moves_away_is_pre_charged_again() -> None:
    bench = checked()
    bench.demand = demand(Phase.PRE_CHARGE)
    bench.reach(Stage.PRE_CHARGED)
    bench.demand = demand(Phase.PRE_CHARGE, voltage_target_V=340.0)
    assert bench.step().stage is Stage.PRE_CHARGE
    bench.reach(Stage.PRE_CHARGED, 1.0)
    bench.demand = demand(Phase.TRANSFER, voltage_target_V=340.0)
    assert bench.step().stage is Stage.TRANSFER


def test_no_transfer_before_pre_charge_matched() -> None:
    bench = checked()
    bench.demand, bench.held = demand(Phase.TRANSFER, power_W=5000.0), {"voltage_V": 100.0}
    bench.run(1.0)
    assert bench.sequence.stage is Stage.PRE_CHARGE


# -- the target ------------------------------------------------------------------------------------------------------------

TARGETS: list[tuple[dict[str, Any], float, str]] = [
    ({"power_W": 8000.0}, 20.0, ""),
    ({"power_W": -8000.0}, -20.0, ""),
    ({"power_W": 20_000.0}, 30.0, "current"),
    ({"power_W": -20_000.0}, -30.0, "current"),
    ({"power_W": 8000.0, "charge_current_limit_A": 0.0}, 0.0, "current"),
    ({"power_W": -8000.0, "discharge_current_limit_A": 0.0}, 0.0, "current"),
    ({"power_W": 8000.0, "limits_W": Interval(-4000.0, 4000.0)}, 10.0, "limits"),
    ({"power_W": -8000.0, "limits_W": Interval(-4000.0, 4000.0)}, -10.0, "limits"),
    ({"power_W": 0.0, "limits_W": Interval(2000.0, 4000.0)}, 5.0, "limits"),
    ({"power_W": 8000.0, "limits_W": Interval(0.0, 0.0)}, 0.0, "limits"),
    ({"power_W": 16_000.0, "charge_current_limit_A": 500.0}, 40.0, ""),
    ({"power_W": 60_000.0, "charge_current_limit_A": 500.0}, 40.0, "current"),
    ({"power_W": -8000.0, "voltage_floor_V": 400.0}, 0.0, "voltage floor"),
    ({"power_W": -8000.0, "voltage_floor_V": 399.0}, -20.0, ""),
    ({"power_W": 8000.0, "voltage_floor_V": 450.0}, 20.0, ""),
    ({"law": FrequencyWattLaw(5000.0, ((49.0, 0.0), (51.0, 0.0)))}, 0.0, "no grid frequency"),
]


@pytest.mark.parametrize(("order", "amps", "limited_by"), TARGETS, ids=lambda value: str(value)[:60])
def test_target_and_what_limited_it(order: dict[str, Any], amps: float, limited_by: str) -> None:
    bench = transferring(0.0)
    bench.demand = demand(Phase.TRANSFER, **order)
    out = bench.run(1.0)
    assert out.module.current_A == pytest.approx(amps)
    assert out.limited_by == limited_by
    assert out.target_W == pytest.approx(amps * 400.0)


def test_the_law_rules_where_the_frequency_is_known() -> None:
    bench = transferring(0.0, held={"frequency_Hz": 50.0})
    law = FrequencyWattLaw(0.0, ((49.0, -4000.0), (51.0, 8000.0)))
    bench.demand = demand(Phase.TRANSFER, power_W=99_999.0, law=law)
    assert bench.run(1.0).module.current_A == pytest.approx(5.0)


@pytest.mark.parametrize(("degC", "amps"), [(80.0, 30.0), (85.0, 20.0), (89.0, 4.0), (90.0, 0.0)])
@pytest.mark.parametrize("sign", [1, -1])
def test_heat_derates_both_ways(degC: float, amps: float, sign: int) -> None:
    bench = transferring(0.0, held={"temperature_degC": degC})
    bench.demand = demand(Phase.TRANSFER, power_W=sign * 20_000.0)
    out = bench.run(1.0)
    assert out.module.current_A == pytest.approx(sign * amps)
    assert out.limited_by == ("temperature" if degC > 80 else "current")


def test_power_rating_of_the_module_counts_both_ways() -> None:
    small = replace(MODULE, charge_power_max_W=6000.0, discharge_power_max_W=0.0)
    bench = transferring(0.0, capabilities=small)
    bench.demand = demand(Phase.TRANSFER, power_W=9000.0)
    assert bench.run(1.0).module.current_A == pytest.approx(15.0)
    bench.demand = demand(Phase.TRANSFER, power_W=-9000.0)
    assert bench.run(1.0).module.current_A == 0.0


@pytest.mark.parametrize("lost", [{"voltage_V": None}, {"voltage_V": 59.0}, {"capabilities": None}], ids=str)
def test_what_is_not_known_in_transfer_ramps_to_zero_inside_the_last_window(lost: dict[str, Any]) -> None:
    bench = transferring()
    bench.held = lost
    out = bench.step()
    assert (out.limited_by, out.module.voltage_max_V, out.module.voltage_min_V) == ("no voltage reading", 450.0, 300.0)
    assert 18.9 < out.module.current_A < 20.0
    assert bench.run(1.0).module.current_A == 0.0


def test_a_limit_that_falls_is_followed_at_the_ramps_slope() -> None:
    bench = transferring()
    bench.demand = demand(Phase.TRANSFER, power_W=8000.0, charge_current_limit_A=5.0, voltage_limit_V=410.0)
    out = bench.step()
    assert out.module.current_A == pytest.approx(19.0)
    assert out.module.voltage_max_V == 410.0
    assert bench.run(0.2).module.current_A == pytest.approx(5.0)


# -- stops -----------------------------------------------------------------------------------------------------------------


def test_ramp_down_keeps_window_and_pilot_and_then_opens_without_current() -> None:
    bench = transferring()
    bench.demand = None
    first = bench.step()
    assert first.stage is Stage.RAMP_DOWN
    assert (first.io.pilot, first.io.duty_percent, first.io.lock) == (PilotCommand.PWM, 5.0, True)
    assert (first.module.voltage_max_V, first.module.voltage_min_V) == (450.0, 300.0)
    assert first.module.current_A == pytest.approx(19.0)
    bench.until(lambda out: not out.io.contactor, 0.5)
    assert bench._amps == 0.0


@pytest.mark.parametrize(("severity", "amps"), [(None, 19.0), (Severity.ERROR, 18.0)])
def test_an_error_ramps_faster_than_a_normal_stop(severity: Severity | None, amps: float) -> None:
    bench = transferring()
    bench.demand, bench.severity = demand(Phase.OFF), severity
    assert bench.step().module.current_A == pytest.approx(amps)


@pytest.mark.parametrize("severity", [None, Severity.ERROR])
def test_no_stop_opens_under_load_whatever_the_rating_and_the_normal_slope(severity: Severity | None) -> None:
    """500 A at 20 A/s would take 25 s; the time-out opens after two."""
    big = replace(MODULE, charge_current_max_A=500.0, charge_power_max_W=1e6)
    bench = pre_charged(capabilities=big, envelope=Envelope(rated(920.0, 500.0)), ramp_A_per_s=20.0)
    bench.demand = demand(Phase.TRANSFER, power_W=200_000.0, charge_current_limit_A=500.0)
    bench.run(30.0)
    assert bench._amps == pytest.approx(500.0)
    bench.demand, bench.severity = None, severity
    bench.until(lambda out: not out.io.contactor and out.module == OFF, RAMP_DOWN_TIMEOUT_S / 2 + 0.1)


def test_a_current_that_does_not_stop_is_broken_by_the_time_out() -> None:
    bench = transferring()
    bench.demand, bench.held = None, {"current_A": 20.0}
    bench.run(RAMP_DOWN_TIMEOUT_S - 0.05)
    assert bench.sequence.stage is Stage.RAMP_DOWN
    assert not bench.run(0.1).io.contactor


@pytest.mark.parametrize("lost", [{"current_A": None}, {"current_A": None, "voltage_V": None}], ids=str)
@pytest.mark.parametrize("by_meter_A", [None, 20.0, 1.0])
def test_a_silent_module_is_cut_off_by_a_shorter_time_out(lost: dict[str, Any], by_meter_A: float | None) -> None:
    """Its current is one that nobody commands, and waiting for an answer makes it no smaller."""
    bench = transferring()
    bench.severity, bench.held = Severity.ERROR, {**lost, "meter_current_A": by_meter_A}
    bench.run(UNHEARD_RAMP_DOWN_S - 0.05)
    assert bench.sequence.stage is Stage.RAMP_DOWN
    assert not bench.run(0.1).io.contactor
    assert bench.reach(Stage.FAULTED, OUTPUT_DISCHARGE_TIMEOUT_S + 0.5).module == OFF


def test_a_silent_module_that_obeyed_is_opened_as_soon_as_the_meter_says_so() -> None:
    bench = transferring()
    bench.severity, bench.held = Severity.ERROR, {"current_A": None, "meter_current_A": 5.0}
    bench.run(0.3)
    assert bench.sequence.stage is Stage.RAMP_DOWN
    bench.held["meter_current_A"] = 0.5
    assert not bench.step().io.contactor


def test_the_meters_zero_does_not_open_before_the_command_is_at_zero() -> None:
    bench = transferring()
    bench.severity, bench.held = Severity.ERROR, {"current_A": None, "meter_current_A": 0.0}
    opened = bench.until(lambda out: not out.io.contactor, 0.3)
    assert opened.module == OFF
    assert Stage.RAMP_DOWN in bench.stages


def test_a_module_that_speaks_is_believed_and_not_the_meter() -> None:
    bench = transferring()
    bench.demand, bench.held = None, {"current_A": 20.0, "meter_current_A": 0.0}
    assert bench.run(RAMP_DOWN_TIMEOUT_S - 0.05).io.contactor


@pytest.mark.parametrize("phase", [Phase.OFF, Phase.CABLE_CHECK, Phase.PRE_CHARGE])
def test_going_back_is_a_stop(phase: Phase) -> None:
    bench = transferring()
    bench.demand = demand(phase)
    assert bench.step().stage is Stage.RAMP_DOWN
    bench.demand = demand(Phase.TRANSFER, power_W=8000.0)  # no way back from a stop
    bench.reach(Stage.OPENING, 1.0)
    bench.battery_V = None
    bench.reach(Stage.OFF, 5.0)


@pytest.mark.parametrize("stage", [Stage.CABLE_CHECK, Stage.CABLE_CHECKED, Stage.PRE_CHARGE, Stage.PRE_CHARGED])
def test_a_withdrawn_demand_switches_off_at_once_where_no_current_flows(stage: Stage) -> None:
    bench = Bench(demand=demand(Phase.CABLE_CHECK))
    bench.step()
    if stage is not Stage.CABLE_CHECK:
        bench.reach(Stage.CABLE_CHECKED)
    if stage in (Stage.PRE_CHARGE, Stage.PRE_CHARGED):
        bench.demand = demand(Phase.PRE_CHARGE)
        bench.reach(stage)
    bench.demand = None
    assert bench.step().module == OFF
    assert not bench.run(0.03).io.contactor


# -- emergency -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [checked, pre_charged, transferring], ids=lambda make: make.__name__)
def test_an_emergency_opens_in_the_same_step(make: Callable[[], Bench]) -> None:
    bench = make()
    bench.severity = Severity.EMERGENCY
    out = bench.step()
    assert (out.stage, out.module, out.io.contactor) == (Stage.OPENING, OFF, False)
    assert out.io.pilot is PilotCommand.F
    assert out.io.lock


def test_an_emergency_in_the_ramp_down_opens_in_the_same_step() -> None:
    bench = transferring()
    bench.demand = None
    bench.step()
    bench.severity = Severity.EMERGENCY
    out = bench.step()
    assert (out.stage, out.module, out.io.contactor) == (Stage.OPENING, OFF, False)


def test_after_an_emergency_the_pilot_shows_f_and_then_lets_the_cars_departure_be_seen() -> None:
    """In state F the board cannot tell A from B: a fault that waits for the unplugging would wait for ever."""
    bench = transferring()
    bench.severity, bench.battery_V = Severity.EMERGENCY, None
    shown = [bench.step().io.pilot for _ in range(round((PILOT_F_S + 1.0) / TICK_S))]
    assert set(shown[: round(PILOT_F_S / TICK_S) - 1]) == {PilotCommand.F}
    assert shown[-1] is PilotCommand.X1
    bench.severity = None
    assert bench.step().io.pilot is PilotCommand.PWM
    bench.severity = Severity.EMERGENCY
    assert bench.step().io.pilot is PilotCommand.F


def test_f_stays_while_the_contactor_is_not_open() -> None:
    bench = transferring()
    bench.severity, bench.held = Severity.EMERGENCY, {"contactor": Contactor.CLOSED}
    assert bench.run(10.0).io.pilot is PilotCommand.F


# -- opening, discharging, faulted, lock -----------------------------------------------------------------------------------


def test_a_contactor_that_does_not_open_keeps_the_lock_and_the_stage() -> None:
    bench = transferring()
    bench.demand = None
    bench.reach(Stage.OPENING)
    bench.held = {"contactor": Contactor.CLOSED, "voltage_V": 400.0}
    out = bench.run(20.0)
    assert (out.stage, out.module, out.io.contactor, out.io.lock) == (Stage.OPENING, OFF, False, True)
    bench.held = {"contactor": Contactor.OPEN, "voltage_V": 10.0}
    bench.reach(Stage.OFF, 1.0)


def test_an_unknown_contactor_does_not_hold_the_sequence_but_the_connector() -> None:
    bench = transferring()
    bench.severity, bench.held = Severity.EMERGENCY, {"contactor": Contactor.UNKNOWN, "voltage_V": 400.0}
    assert bench.run(10.0).stage is Stage.FAULTED
    assert bench.step().io.lock


@pytest.mark.parametrize("volts", [None, 400.0])
def test_discharging_gives_up_after_its_time(volts: float | None) -> None:
    bench = transferring()
    bench.demand, bench.battery_V = None, None
    bench.reach(Stage.DISCHARGING_OUTPUT)
    bench.held = {"voltage_V": volts}
    out = bench.run(OUTPUT_DISCHARGE_TIMEOUT_S - 0.05)
    assert out.io.discharge and out.io.lock and out.module == OFF
    assert bench.run(0.1).stage in (Stage.OFF, Stage.FAULTED)
    assert not bench.step().io.discharge  # the resistor is made for no longer


def test_a_voltage_that_is_left_after_the_discharge_is_told_as_long_as_it_is_there() -> None:
    bench = transferring()
    bench.demand, bench.battery_V = None, None
    bench.reach(Stage.DISCHARGING_OUTPUT)
    bench.held = {"voltage_V": 60.0}
    bench.run(OUTPUT_DISCHARGE_TIMEOUT_S - 0.05)
    assert bench.failures == {}
    bench.run(0.2)
    assert set(bench.failures) == {FaultCode.OUTPUT_NOT_DISCHARGED}
    assert "60 V after 2.5 s" in bench.failures[FaultCode.OUTPUT_NOT_DISCHARGED]
    assert bench.step().failures
    bench.held = {"voltage_V": None}
    assert bench.step().failures  # not known to be gone
    bench.held = {"voltage_V": 59.9}
    assert not bench.step().failures
    bench.held = {"voltage_V": 400.0}
    assert not bench.run(5.0).failures  # another voltage, another cause


@pytest.mark.parametrize("contactor", [Contactor.UNKNOWN, Contactor.WELDED])
def test_a_voltage_behind_a_contactor_not_seen_open_has_another_fault(contactor: Contactor) -> None:
    bench = transferring()
    bench.demand, bench.battery_V = None, None
    bench.reach(Stage.DISCHARGING_OUTPUT)
    bench.held = {"voltage_V": 400.0, "contactor": contactor}
    bench.run(OUTPUT_DISCHARGE_TIMEOUT_S + 1.0)
    assert bench.failures == {}


def discharging_unheard() -> Bench:
    """The output is to be discharged, and the board that would do it has fallen silent."""
    bench = transferring()
    bench.demand, bench.battery_V = None, None
    bench.reach(Stage.DISCHARGING_OUTPUT)
    bench.held = {"voltage_V": 380.0, "contactor": Contactor.UNKNOWN}
    return bench


def test_a_discharge_counts_only_while_the_board_is_heard() -> None:
    bench = discharging_unheard()
    bench.run(OUTPUT_DISCHARGE_TIMEOUT_S - 0.1)
    bench.held["contactor"] = Contactor.OPEN  # it is back: only now the resistor is there
    assert bench.run(OUTPUT_DISCHARGE_TIMEOUT_S - 0.1).stage is Stage.DISCHARGING_OUTPUT
    assert bench.failures == {}
    bench.run(0.2)
    assert set(bench.failures) == {FaultCode.OUTPUT_NOT_DISCHARGED}  # it was given all its time


@pytest.mark.parametrize("severity", [None, Severity.EMERGENCY])
def test_a_discharge_the_board_missed_is_made_up_for_when_it_is_back(severity: Severity | None) -> None:
    bench = discharging_unheard()
    bench.severity = severity
    off = Stage.FAULTED if severity else Stage.OFF
    assert bench.run(OUTPUT_DISCHARGE_TIMEOUT_S + 5.0).stage is off
    bench.held["contactor"] = Contactor.OPEN
    assert bench.step().io.discharge
    assert bench.run(OUTPUT_DISCHARGE_TIMEOUT_S - 0.1).stage is Stage.DISCHARGING_OUTPUT
    bench.held["voltage_V"] = 59.0
    assert bench.run(0.1).stage is off
    bench.held["voltage_V"] = 380.0
    assert bench.run(1.0).stage is off  # another voltage, another cause
    assert bench.failures == {}


def test_a_discharge_the_board_missed_is_not_tried_for_ever() -> None:
    bench = discharging_unheard()
    bench.run(OUTPUT_DISCHARGE_TIMEOUT_S + 5.0)
    bench.held["contactor"] = Contactor.OPEN
    bench.run(OUTPUT_DISCHARGE_TIMEOUT_S + 0.1)
    assert set(bench.failures) == {FaultCode.OUTPUT_NOT_DISCHARGED}
    assert bench.run(5.0).stage is Stage.FAULTED
    assert not bench.step().io.discharge


@pytest.mark.parametrize("held", [{"contactor": Contactor.WELDED}, {"voltage_V": None}, {"voltage_V": 10.0}])
def test_a_discharge_the_board_missed_waits_for_a_contactor_seen_open_and_a_voltage(held: dict[str, Any]) -> None:
    bench = discharging_unheard()
    bench.run(OUTPUT_DISCHARGE_TIMEOUT_S + 0.1)
    bench.held |= {"contactor": Contactor.OPEN} | held
    assert not bench.run(1.0).io.discharge


def test_an_error_during_the_opening_ends_faulted() -> None:
    bench = transferring()
    bench.demand, bench.battery_V = None, None
    bench.reach(Stage.OPENING)
    bench.severity = Severity.ERROR
    bench.reach(Stage.FAULTED, 5.0)
    bench.demand = demand(Phase.CABLE_CHECK)
    assert bench.run(5.0).stage is Stage.FAULTED
    bench.severity = None
    assert bench.run(1.0).stage is Stage.OFF  # the daemon was silent, which is no end of what it asked before
    bench.demand = demand(Phase.OFF)
    bench.run(0.05)
    bench.demand = demand(Phase.CABLE_CHECK)
    bench.reach(Stage.CABLE_CHECK, 0.05)


@pytest.mark.parametrize(
    ("held", "plugged_lock"),
    [
        ({"voltage_V": 400.0}, True),
        ({"voltage_V": None}, False),
        ({"voltage_V": None, "contactor": Contactor.CLOSED}, True),
        ({"voltage_V": 10.0, "contactor": Contactor.CLOSED}, False),
        ({"voltage_V": 10.0}, False),
    ],
    ids=str,
)
def test_lock_while_faulted(held: dict[str, Any], plugged_lock: bool) -> None:
    bench = Bench(severity=Severity.ERROR, pilot=ControlPilot.B, held=held)
    assert bench.run(1.0).io.lock is plugged_lock


def test_off_with_a_contactor_that_is_not_open_and_voltage_keeps_the_lock() -> None:
    bench = Bench(held={"voltage_V": 400.0, "contactor": Contactor.WELDED})
    assert bench.run(1.0).io.lock
    bench.held = {"voltage_V": 400.0}
    assert not bench.run(1.0).io.lock


def test_without_a_demand_the_pilot_is_f_and_the_lock_open() -> None:
    out = Bench().run(1.0)
    assert (out.io.pilot, out.io.lock) == (PilotCommand.F, False)


def test_a_demand_off_still_rules_pilot_and_lock() -> None:
    order = demand(Phase.OFF, pilot=PilotCommand.X1, duty_percent=100.0, lock=True)
    out = Bench(demand=order).run(1.0)
    assert (out.io.pilot, out.io.duty_percent, out.io.lock) == (PilotCommand.X1, 100.0, True)
