"""The AC sequence: it closes only for a ready car, opens for every reason, and never closes again by itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.demand import AcOrder, Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCode, Severity
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor, ControlPilot, Lock, Stage
from chargepoint.model.pilot_duty import duty_percent
from chargepoint.power.ac_sequence import CLOSE_TIMEOUT_S, ERROR_WAIT_S, STOP_WAIT_S, AcSequence
from chargepoint.power.sequence import SequenceInputs, SequenceOutputs

TICK_S = 0.01


def demand(phase: Phase = Phase.TRANSFER, **changes: Any) -> StageDemand:
    order = StageDemand(EvseId(1), 1, 0.5, phase, PilotCommand.PWM, 5.0, True, 11_000.0, order=AcOrder.even(3, 16.0))
    return replace(order, **changes)


@dataclass
class Bench:
    """A contactor that follows, a lock that obeys, a car that draws 16 A while it is in C."""

    sequence: AcSequence = field(default_factory=AcSequence)
    demand: StageDemand | None = field(default_factory=demand)
    pilot: ControlPilot = ControlPilot.C
    severity: Severity | None = None
    stuck: Contactor | None = None
    draws_A: float = 16.0
    now_s: float = 0.0
    out: SequenceOutputs | None = None

    def step(self, **changes: Any) -> SequenceOutputs:
        self.now_s += TICK_S
        closed = self.out is not None and self.out.io.contactor
        follows = Contactor.CLOSED if closed else Contactor.OPEN
        contactor = follows if self.stuck is None else self.stuck  # UNKNOWN is the number 0
        flows = contactor is Contactor.CLOSED and self.pilot is ControlPilot.C
        inputs = SequenceInputs(
            now_s=self.now_s,
            demand=self.demand,
            severity=self.severity,
            pilot=self.pilot,
            lock=Lock.LOCKED if self.out is not None and self.out.io.lock else Lock.UNLOCKED,
            contactor=contactor,
            voltage_V=230.0,
            current_A=self.draws_A if flows else 0.0,
            insulation=None,
            capabilities=None,
            temperature_degC=30.0,
        )
        self.out = self.sequence.step(replace(inputs, **changes))
        return self.out

    def run(self, seconds: float) -> SequenceOutputs:
        out = self.step()
        for _ in range(round(seconds / TICK_S) - 1):
            out = self.step()
        return out


def charging() -> Bench:
    bench = Bench()
    out = bench.run(0.1)
    assert (out.stage, out.io.contactor, out.io.lock) == (Stage.TRANSFER, True, True)
    return bench


def test_a_ready_car_with_a_locked_connector_gets_power() -> None:
    bench = charging()
    assert bench.step().io.pilot is PilotCommand.PWM
    assert bench.step().applied_W == 230.0 * 16.0


@pytest.mark.parametrize("pilot", [p for p in ControlPilot if p is not ControlPilot.C])
def test_only_state_c_closes(pilot: ControlPilot) -> None:
    bench = Bench(pilot=pilot)
    assert not bench.run(1.0).io.contactor


def test_state_d_closes_where_the_place_is_ventilated() -> None:
    bench = Bench(sequence=AcSequence(ventilated=True), pilot=ControlPilot.D)
    assert bench.run(0.1).io.contactor


@pytest.mark.parametrize(
    "changes",
    [{"lock": Lock.UNLOCKED}, {"contactor": Contactor.UNKNOWN}, {"contactor": Contactor.WELDED}, {"demand": None}],
    ids=str,
)
def test_nothing_closes_without_lock_open_contactor_or_demand(changes: dict[str, Any]) -> None:
    bench = Bench()
    for _ in range(50):
        assert not bench.step(**changes).io.contactor


@pytest.mark.parametrize(
    "pilot", [ControlPilot.A, ControlPilot.B, ControlPilot.E, ControlPilot.F, ControlPilot.UNKNOWN]
)
def test_a_car_that_leaves_c_opens_in_the_same_cycle_and_the_old_demand_closes_nothing(pilot: ControlPilot) -> None:
    bench = charging()
    bench.pilot = pilot
    assert not bench.step().io.contactor
    bench.pilot = ControlPilot.C
    assert not bench.run(5.0).io.contactor, "a demand begins one transfer only"
    bench.demand = demand(Phase.OFF)
    bench.run(0.1)
    bench.demand = demand()
    assert bench.run(0.1).io.contactor


def test_an_emergency_opens_at_once_and_shows_f_then_12_v() -> None:
    bench = charging()
    bench.severity = Severity.EMERGENCY
    out = bench.step()
    assert (out.io.contactor, out.io.pilot, out.stage) == (False, PilotCommand.F, Stage.OPENING)
    assert bench.run(3.9).io.pilot is PilotCommand.F
    assert bench.run(0.3).io.pilot is PilotCommand.X1
    bench.severity = None
    assert not bench.run(5.0).io.contactor


@pytest.mark.parametrize(("severity", "wait_s"), [(None, STOP_WAIT_S), (Severity.ERROR, ERROR_WAIT_S)])
def test_a_stop_takes_the_pwm_away_first_and_opens_under_load_at_its_bound(
    severity: Severity | None, wait_s: float
) -> None:
    bench = charging()
    bench.severity = severity
    if severity is None:
        bench.demand = demand(Phase.OFF)
    out = bench.run(wait_s - 0.1)
    assert (out.io.contactor, out.io.pilot, out.stage) == (True, PilotCommand.X1, Stage.RAMP_DOWN)
    assert not bench.run(0.2).io.contactor


def test_a_car_that_stops_drawing_is_opened_without_load() -> None:
    bench = charging()
    bench.demand = demand(Phase.OFF)
    bench.step()
    bench.draws_A = 0.4
    assert not bench.run(0.05).io.contactor


def test_a_lost_lease_stops_as_a_withdrawn_demand() -> None:
    bench = charging()
    bench.demand = None
    assert bench.step().stage is Stage.RAMP_DOWN
    assert not bench.run(STOP_WAIT_S + 0.1).io.contactor


def test_a_contactor_that_does_not_close_is_reported_and_ordered_off() -> None:
    bench = Bench(stuck=Contactor.OPEN)
    bench.run(CLOSE_TIMEOUT_S)
    failures: dict[FaultCode, str] = {}
    for _ in range(20):
        failures |= bench.step().failures
    assert set(failures) == {FaultCode.CONTACTOR_NOT_CLOSED}
    assert not bench.step().io.contactor


def test_a_contactor_that_opened_by_itself_is_not_ordered_again() -> None:
    bench = charging()
    assert not bench.step(open_now=True).io.contactor
    assert not bench.run(5.0).io.contactor


def test_the_connector_stays_locked_while_a_contact_is_closed() -> None:
    bench = charging()
    bench.stuck = Contactor.CLOSED
    bench.demand = None
    assert bench.run(10.0).io.lock


@pytest.mark.parametrize(
    ("current_A", "percent"),
    [
        (0.0, 100.0),
        (5.9, 100.0),
        (6.0, 10.0),
        (16.0, 26.6667),
        (32.0, 53.3333),
        (51.0, 85.0),
        (52.0, 85.0),
        (63.0, 89.2),
        (80.0, 96.0),
        (200.0, 96.0),
    ],
)
def test_the_duty_of_a_current_is_that_of_the_standard(current_A: float, percent: float) -> None:
    assert duty_percent(current_A) == pytest.approx(percent, abs=1e-3)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, Phase.OFF, Phase.TRANSFER]),
            st.sampled_from(ControlPilot),
            st.sampled_from([None, Severity.ERROR, Severity.EMERGENCY]),
            st.sampled_from([None, Contactor.UNKNOWN, Contactor.OPEN]),
        ),
        max_size=60,
    )
)
def test_whatever_happens_it_closes_only_for_c_and_stays_open_in_an_emergency(
    story: list[tuple[Phase | None, ControlPilot, Severity | None, Contactor | None]],
) -> None:
    bench = Bench()
    before = False
    for phase, pilot, severity, stuck in story:
        bench.demand = None if phase is None else demand(phase)
        bench.pilot, bench.severity, bench.stuck = pilot, severity, stuck
        closed = bench.step().io.contactor
        assert not (closed and severity is Severity.EMERGENCY)
        if closed and not before:
            assert pilot is ControlPilot.C and phase is Phase.TRANSFER and severity is None
        before = closed


@pytest.mark.parametrize("stuck", [Contactor.WELDED, Contactor.UNKNOWN])
def test_a_connector_that_may_be_live_stays_locked(stuck: Contactor) -> None:
    bench = charging()
    bench.stuck, bench.severity = stuck, Severity.EMERGENCY
    bench.demand = None
    assert bench.run(10.0).io.lock
    bench.stuck = Contactor.OPEN
    assert not bench.run(0.1).io.lock


def test_a_contactor_that_is_not_known_locks_nothing_that_was_not_locked() -> None:
    bench = Bench(demand=None, stuck=Contactor.UNKNOWN)
    assert not bench.run(1.0).io.lock


@pytest.mark.parametrize("stuck", [Contactor.WELDED, Contactor.UNKNOWN])
def test_a_contactor_that_is_not_seen_open_is_shown_as_opening_for_3_s_then_as_a_fault(stuck: Contactor) -> None:
    bench = charging()
    bench.stuck, bench.severity = stuck, Severity.EMERGENCY
    assert bench.run(2.9).stage is Stage.OPENING
    assert bench.run(0.3).stage is Stage.FAULTED
    assert not bench.step().io.contactor
