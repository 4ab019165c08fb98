"""The ramp: slope, and zero held quiet before the direction turns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.ports import PowerModuleCommand, Reversal
from chargepoint.power.ramp import Ramp
from drivers.power_module.direction import Direction

TICK_S = 0.01


def run(ramp: Ramp, target_A: float, cycles: int, start_s: float, measured_A: float | None = 0.0) -> list[float]:
    return [ramp.step(target_A, measured_A, start_s + n * TICK_S).current_A for n in range(cycles)]


def test_slews_up_and_down_at_its_rate() -> None:
    ramp = Ramp(100.0, Reversal.SEAMLESS, 0.0)
    up = run(ramp, 20.0, 21, 0.0)
    assert up[0] == 0.0  # no time has passed yet
    assert up[10] == pytest.approx(10.0)
    assert up[-1] == pytest.approx(20.0)
    down = run(ramp, 5.0, 10, 0.21)
    assert down[0] == pytest.approx(19.0)
    assert down[-1] == pytest.approx(10.0)


def test_an_error_stop_takes_the_steeper_rate() -> None:
    ramp = Ramp(10.0, Reversal.VIA_ZERO, 0.1)
    run(ramp, 10.0, 101, 0.0)
    assert ramp.current_A == pytest.approx(10.0)
    assert ramp.step(0.0, 10.0, 1.01, 200.0).current_A == pytest.approx(8.0)


def test_a_long_gap_between_cycles_is_not_made_up_for() -> None:
    ramp = Ramp(100.0, Reversal.SEAMLESS, 0.0)
    ramp.step(500.0, 0.0, 0.0)
    assert ramp.step(500.0, 0.0, 60.0).current_A == pytest.approx(20.0)  # 0.2 s worth at most


def test_time_that_goes_back_moves_nothing() -> None:
    ramp = Ramp(100.0, Reversal.SEAMLESS, 0.0)
    ramp.step(10.0, 0.0, 5.0)
    assert ramp.step(10.0, 0.0, 4.0).current_A == 0.0


def test_reset_is_zero_without_a_direction() -> None:
    ramp = Ramp(100.0, Reversal.STOP_REQUIRED, 10.0)
    run(ramp, 20.0, 30, 0.0)
    ramp.reset()
    assert ramp.current_A == 0.0
    assert run(ramp, -20.0, 11, 1.0)[-1] == pytest.approx(-10.0)  # no turn: there was nothing to turn from


def test_seamless_goes_straight_through_zero() -> None:
    ramp = Ramp(100.0, Reversal.SEAMLESS, 5.0)
    run(ramp, 10.0, 11, 0.0)
    assert run(ramp, -10.0, 20, 0.11, measured_A=None)[-1] == pytest.approx(-10.0)


@pytest.mark.parametrize("reversal", [Reversal.VIA_ZERO, Reversal.STOP_REQUIRED])
def test_the_turn_waits_the_reversal_time_at_a_measured_zero(reversal: Reversal) -> None:
    ramp = Ramp(100.0, reversal, 0.5)
    run(ramp, 10.0, 11, 0.0)
    assert run(ramp, -10.0, 10, 0.11, measured_A=5.0)[-1] == pytest.approx(0.0)
    assert set(run(ramp, -10.0, 100, 0.21, measured_A=5.0)) == {0.0}  # zero is commanded, but it flows still
    assert set(run(ramp, -10.0, 50, 1.21)) == {0.0}  # half a second of quiet
    after = run(ramp, -10.0, 12, 1.71)
    assert after[0] == 0.0
    assert after[-1] == pytest.approx(-11 * 1.0, abs=1.01)


def test_a_current_nobody_knows_never_counts_as_quiet() -> None:
    ramp = Ramp(100.0, Reversal.VIA_ZERO, 0.1)
    run(ramp, 10.0, 11, 0.0)
    run(ramp, -10.0, 12, 0.11)
    ramp.reset()
    run(ramp, 10.0, 11, 2.0)
    run(ramp, -10.0, 10, 2.11)
    assert set(run(ramp, -10.0, 1000, 2.21, measured_A=None)) == {0.0}


def test_a_flicker_of_current_starts_the_wait_again() -> None:
    ramp = Ramp(100.0, Reversal.VIA_ZERO, 0.5)
    run(ramp, 10.0, 11, 0.0)
    run(ramp, -10.0, 10, 0.11)
    run(ramp, -10.0, 40, 0.21)
    ramp.step(-10.0, 1.0, 0.61)
    assert set(run(ramp, -10.0, 50, 0.62)) == {0.0}
    assert run(ramp, -10.0, 5, 1.12)[-1] < 0.0


@pytest.mark.parametrize(("reversal", "on"), [(Reversal.VIA_ZERO, True), (Reversal.STOP_REQUIRED, False)])
def test_output_goes_off_for_the_turn_only_where_the_module_needs_it(reversal: Reversal, on: bool) -> None:
    ramp = Ramp(100.0, reversal, 0.5)
    run(ramp, 1.0, 3, 0.0)
    assert [ramp.step(-1.0, 0.0, 0.03 + n * TICK_S).output_on for n in range(20)][-1] is on
    late = [ramp.step(-1.0, 0.0, 0.23 + n * TICK_S) for n in range(60)]
    assert late[-1].output_on
    assert late[-1].current_A == pytest.approx(-1.0)


def test_turning_back_before_the_turn_needs_no_wait() -> None:
    ramp = Ramp(100.0, Reversal.STOP_REQUIRED, 10.0)
    run(ramp, 10.0, 11, 0.0)
    run(ramp, -10.0, 20, 0.11)
    assert run(ramp, 10.0, 11, 0.31)[-1] == pytest.approx(11.0, abs=1.01)


STORY = st.lists(
    st.tuples(st.floats(-500, 500), st.one_of(st.none(), st.floats(-500, 500)), st.floats(0.0, 0.5)),
    min_size=1,
    max_size=60,
)


@given(STORY, st.sampled_from(Reversal), st.floats(1.0, 2000.0), st.floats(0.0, 1.0))
def test_never_steeper_than_its_slope_and_never_the_other_way_without_a_quiet_zero(
    story: list[tuple[float, float | None, float]], reversal: Reversal, rate_A_per_s: float, reversal_s: float
) -> None:
    ramp = Ramp(rate_A_per_s, reversal, reversal_s)
    now_s, before_A, direction = 0.0, 0.0, 0
    quiet_s: float | None = None
    zero_since_s: float | None = None
    for target_A, measured_A, dt_s in story:
        now_s += dt_s
        step = ramp.step(target_A, measured_A, now_s)
        assert abs(step.current_A - before_A) <= rate_A_per_s * dt_s * (1 + 1e-9) + 1e-9
        assert abs(step.current_A) <= max(abs(target_A), abs(before_A)) + 1e-9
        sign = (step.current_A > 0) - (step.current_A < 0)
        if sign and direction and sign != direction and reversal is not Reversal.SEAMLESS:
            assert before_A == 0.0
            assert quiet_s is not None and zero_since_s is not None
            assert now_s - dt_s - quiet_s >= reversal_s - 1e-9
        if sign:
            direction = sign
        # what an onlooker sees: since when zero was commanded and the measured current was quiet, without a break
        zero = step.current_A == 0.0
        zero_since_s = (zero_since_s if zero_since_s is not None else now_s) if zero else None
        calm = zero and measured_A is not None and abs(measured_A) < 1.0
        quiet_s = (quiet_s if quiet_s is not None else now_s) if calm else None
        if not step.output_on:
            assert step.current_A == 0.0 and reversal is Reversal.STOP_REQUIRED
        before_A = step.current_A


def test_behind_the_ramp_the_guard_of_a_driver_neither_waits_nor_jumps() -> None:
    ramp, guard = Ramp(200.0, Reversal.VIA_ZERO, 0.1), Direction()
    flows_A = 0.0
    steps_A = []
    for tick in range(120):
        now_s = 1.0 + tick * 0.01
        wanted_A = ramp.step(20.0 if tick < 50 else -20.0, flows_A, now_s).current_A
        guard.turn(wanted_A, flows_A, now_s, 0.1)
        asked_A = guard.arguments(PowerModuleCommand(True, wanted_A, 800.0, 200.0))["current_A"]
        steps_A.append(abs(asked_A - flows_A))
        flows_A = asked_A
    assert flows_A == -20.0
    assert max(steps_A) <= 200.0 * 0.01 + 1e-9
