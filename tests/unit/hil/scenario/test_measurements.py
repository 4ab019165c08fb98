"""Measurements: times between moments, and statistics weighted by time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.record.record import BenchRecord
from hil.scenario.measurement import NotMeasured, statistic
from hil.scenario.result import MeasuredValue, RunResult, ScenarioVerdict
from tests.unit.hil.scenario.scripted_bench import ScriptedBench, message, perform, value


def only(result: RunResult) -> MeasuredValue:
    (measured,) = result.measured
    return measured


def record_of(*points: tuple[float, float | None]) -> BenchRecord:
    record = BenchRecord()
    for at_s, number in points:
        record.add(value(at_s, "power_W", number))
    record.known_until(100.0)
    return record


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("mean", 40.0),
        ("max", 100.0),
        ("min", 0.0),
        ("first", 100.0),
        ("last", 50.0),
        ("change", -50.0),
        ("rms_error", math.sqrt((2 * 50.0**2 + 4 * 50.0**2) / 10)),
    ],
)
def test_a_value_counts_as_long_as_it_was_held(what: str, wanted: float) -> None:
    record = record_of((0.0, 100.0), (12.0, 0.0), (16.0, 50.0))
    assert statistic(record, "power_W", 1, what, 10.0, 20.0, against=50.0) == pytest.approx(wanted)


@given(st.lists(st.tuples(st.integers(0, 90), st.floats(-1e5, 1e5)), min_size=1, max_size=10), st.integers(0, 99))
def test_the_mean_is_that_of_many_small_steps(points: list[tuple[int, float]], from_s: int) -> None:
    ordered = sorted(dict([(0, 7.0), *points]).items())
    record = record_of(*((float(at_s), number) for at_s, number in ordered))
    samples = [max(point for point in ordered if point[0] <= tick)[1] for tick in range(from_s, 100)]
    mean = statistic(record, "power_W", 1, "mean", float(from_s), 100.0)
    assert mean == pytest.approx(sum(samples) / len(samples), abs=1e-6)
    assert statistic(record, "power_W", 1, "max", float(from_s), 99.0) == max(samples)


def test_a_time_in_which_the_signal_was_unknown_is_not_measured() -> None:
    with pytest.raises(NotMeasured, match=r"power_W was unknown at 0\.00 s"):
        statistic(record_of((1.0, 5.0)), "power_W", 1, "mean", 0.0, 10.0)
    with pytest.raises(NotMeasured, match=r"power_W was unknown, no number, at 5\.00 s"):
        statistic(record_of((0.0, 5.0), (5.0, None), (6.0, 5.0)), "power_W", 1, "max", 0.0, 10.0)


REACTION = "- inject: physics.insulation\n  with: {{ohm: 50}}\n- measure: reaction_s\n  from: {{fault: physics.insulation}}\n  to: {{contactor: open}}\n  limit: {limit}"


async def test_a_reaction_is_measured_from_the_fault_to_the_change() -> None:
    bench = ScriptedBench(
        [value(0.0, "contactor", "closed")],
        {"physics.insulation": lambda at_s, _: [value(at_s + 0.1234, "contactor", "open")]},
    )
    result = await perform(bench, REACTION.format(limit="{at_most: 0.3}"))
    assert result.verdict is ScenarioVerdict.PASSED
    assert only(result) == MeasuredValue(
        "reaction_s", 0.1234, "s", "at most 0.3", ScenarioVerdict.PASSED, 6, 1, 0.0, 0.1234
    )


async def test_a_reaction_in_no_time_is_zero() -> None:
    bench = ScriptedBench(
        [value(0.0, "contactor", "closed")],
        {"physics.insulation": lambda at_s, _: [value(at_s, "contactor", "open")]},
    )
    result = await perform(bench, "- wait_s: 1\n" + REACTION.format(limit="{at_most: 0.3}"))
    assert only(result).value == 0.0


async def test_a_measurement_beyond_its_limit_is_failed_with_its_value() -> None:
    bench = ScriptedBench(
        [value(0.0, "contactor", "closed")],
        {"physics.insulation": lambda at_s, _: [value(at_s + 0.52, "contactor", "open")]},
    )
    result = await perform(bench, REACTION.format(limit="{at_most: 0.3}"))
    assert result.verdict is ScenarioVerdict.FAILED
    assert only(result).value == 0.52
    assert (
        result.reason == "reaction_s was 0.52 s, expected at most 0.3 s (measured from 0.00 s to 0.52 s of the record)"
    )


async def test_what_was_true_already_is_no_reaction() -> None:
    bench = ScriptedBench([value(0.0, "contactor", "open")])
    result = await perform(bench, "- wait_s: 1\n" + REACTION.format(limit="{at_most: 0.3}"))
    assert result.verdict is ScenarioVerdict.FAILED
    assert only(result).value is None
    assert "contactor open was true already at 1.00 s of the record" in result.reason


async def test_what_never_comes_is_not_measured_and_shows_the_last_value() -> None:
    bench = ScriptedBench([value(0.0, "contactor", "closed")])
    result = await perform(bench, REACTION.format(limit="{at_most: 0.3}") + "\n  within_s: 2")
    assert only(result).value is None
    assert result.reason == (
        "reaction_s could not be measured: contactor open did not become true until 2.00 s of the record (contactor closed)"
    )


async def test_the_last_time_before_the_step_is_measured_from() -> None:
    bench = ScriptedBench(
        [
            value(0.0, "contactor", "open"),
            value(1.0, "contactor", "closed"),
            value(2.0, "contactor", "open"),
            value(3.0, "contactor", "closed"),
            value(3.4, "power_W", 500.0),
        ]
    )
    steps = "- wait_s: 5\n- measure: rise_s\n  from: {contactor: closed}\n  to: {power_W: {above: 100}}"
    result = await perform(bench, steps)
    assert only(result).value == pytest.approx(0.4)
    assert only(result).limit == ""


async def test_each_message_is_a_moment_of_its_own() -> None:
    heartbeats = [message(at_s, "Heartbeat") for at_s in (1.0, 4.0)]
    bench = ScriptedBench([*heartbeats, value(0.0, "outbox", 3), value(4.25, "outbox", 0)])
    steps = "- wait_s: 5\n- measure: drain_s\n  from: {message: Heartbeat}\n  to: {outbox: 0}"
    assert only(await perform(bench, steps)).value == 0.25


async def test_a_statistic_covers_the_time_from_which_the_expectation_held() -> None:
    bench = ScriptedBench([value(0.0, "power_W", 0.0), value(1.0, "power_W", 1000.0)])
    steps = (
        "- expect: {power_W: 1000}\n  within_s: 2\n  for_s: 5\n  id: hold\n- wait_s: 1\n"
        "- measure: low_W\n  of: {signal: power_W, statistic: min}\n  over: hold\n"
        "- measure: mean_W\n  of: {signal: power_W, statistic: mean}\n  limit: {near: 1000, within: 1}"
    )
    result = await perform(bench, steps)
    low, mean = result.measured
    assert (low.value, low.from_s, low.unit) == (1000.0, 1.0, "W")
    assert (mean.value, mean.from_s, mean.to_s) == (1000.0, 6.0, 7.0)


async def test_a_statistic_over_two_steps_covers_both() -> None:
    bench = ScriptedBench([value(0.0, "soc_percent", 50.0), value(4.5, "soc_percent", 51.0)])
    steps = (
        "- wait_s: 2\n- wait_s: 2\n  id: a\n- wait_s: 2\n  id: b\n"
        "- measure: gain_percent\n  of: {signal: soc_percent, statistic: change}\n  over: {from: a, to: b}\n  limit: 1"
    )
    result = await perform(bench, steps)
    assert (only(result).value, only(result).from_s, only(result).to_s) == (1.0, 2.0, 6.0)


async def test_a_statistic_of_an_unknown_signal_is_failed_without_a_value() -> None:
    result = await perform(ScriptedBench(), "- wait_s: 1\n- measure: x_W\n  of: {signal: power_W, statistic: mean}")
    assert result.verdict is ScenarioVerdict.FAILED
    assert only(result).value is None
