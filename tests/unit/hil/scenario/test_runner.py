"""The runner on a bench that plays a script: verdicts, exact times, reasons, and whose trouble it was."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.record.line import Json, RecordLine
from hil.scenario.result import RunResult, ScenarioVerdict
from hil.scenario.runner import ScenarioRunner
from tests.unit.hil.scenario.scripted_bench import ScriptedBench, message, perform, plan, value

PASSED, FAILED, ERROR, NOT_REACHED = (
    ScenarioVerdict.PASSED,
    ScenarioVerdict.FAILED,
    ScenarioVerdict.ERROR,
    ScenarioVerdict.NOT_REACHED,
)


def verdicts(result: RunResult) -> list[ScenarioVerdict]:
    return [step.verdict for step in result.steps]


async def test_an_expectation_is_met_at_the_moment_of_the_change_not_of_the_look() -> None:
    bench = ScriptedBench([value(0.0, "contactor", "open"), value(1.237, "contactor", "closed")])
    result = await perform(bench, "- expect: {contactor: closed}\n  within_s: 5")
    assert result.verdict is PASSED
    assert result.steps[0].held_from_s == 1.237
    assert result.steps[0].seen[0].value == "closed"
    assert result.bench_s == pytest.approx(1.25)


async def test_without_a_time_it_must_be_true_now() -> None:
    bench = ScriptedBench([value(0.0, "contactor", "open"), value(0.01, "contactor", "closed")])
    result = await perform(bench, "- expect: {contactor: closed}")
    assert result.verdict is FAILED
    assert result.reason.startswith("expected contactor closed now: contactor was open until 0.01 s")


async def test_what_comes_late_is_failed_and_the_reason_says_how_late() -> None:
    bench = ScriptedBench(
        [value(0.0, "contactor", "closed"), value(0.0, "current_A", 12.4)],
        {"physics.insulation": lambda at_s, _: [value(at_s + 0.52, "contactor", "open")]},
    )
    steps = "- inject: physics.insulation\n  with: {ohm: 50}\n- expect: {contactor: open}\n  within_s: 0.3\n- wait_s: 1"
    result = await perform(bench, steps)
    assert verdicts(result) == [PASSED, FAILED, NOT_REACHED]
    assert result.line == 6
    assert result.reason == (
        "expected contactor open within 0.3 s of line 4: contactor was closed until 0.52 s "
        "(by then current_A 12.4; 0.30 s of the record)"
    )
    assert result.steps[1].seen[0].value == "closed"


async def test_a_change_on_the_deadline_counts_and_one_after_it_does_not() -> None:
    for at_s, verdict in ((2.0, PASSED), (2.001, FAILED)):
        bench = ScriptedBench([value(at_s, "plugged", True)])
        result = await perform(bench, "- expect: {plugged: true}\n  within_s: 2")
        assert result.verdict is verdict, at_s


async def test_a_glitch_between_two_looks_is_seen() -> None:
    glitch = [value(0.0, "contactor", "open"), value(1.011, "contactor", "closed"), value(1.012, "contactor", "open")]
    expects = await perform(ScriptedBench(list(glitch)), "- expect: {contactor: closed}\n  within_s: 5")
    assert expects.verdict is PASSED
    never = await perform(ScriptedBench(list(glitch)), "- never: {contactor: closed}\n  for_s: 5")
    assert never.verdict is FAILED
    assert (
        never.reason == "contactor closed must not be true, and was 1.01 s after this step began (1.01 s of the record)"
    )


async def test_lines_that_come_late_count_from_their_own_moment() -> None:
    glitch = [value(1.011, "contactor", "closed"), value(1.012, "contactor", "open")]
    expects = await perform(ScriptedBench(list(glitch), late_s=0.3), "- expect: {contactor: closed}\n  within_s: 5")
    assert expects.steps[0].held_from_s == 1.011
    at_the_end = "- expect: {contactor: closed}\n  within_s: 1.1"
    assert (await perform(ScriptedBench(list(glitch), late_s=0.3), at_the_end)).verdict is PASSED
    holds = "- expect: {contactor: open}\n  within_s: 1.1\n  for_s: 4"
    assert (await perform(ScriptedBench(list(glitch), late_s=0.3), holds)).steps[0].held_from_s == 1.012
    never = await perform(ScriptedBench(list(glitch), late_s=0.3), "- never: {contactor: closed}\n  for_s: 5")
    assert never.verdict is FAILED
    steps = "- never: {contactor: closed}\n  until: end\n- wait_s: 5"
    watch = await perform(ScriptedBench(list(glitch), late_s=0.3), steps)
    assert watch.steps[0].ended_s == 1.011


async def test_what_does_not_last_is_failed() -> None:
    bench = ScriptedBench([value(0.0, "power_W", 0.0), value(1.0, "power_W", 11_000.0), value(3.2, "power_W", 9_000.0)])
    result = await perform(bench, "- expect: {power_W: {near: 11000, within_percent: 3}}\n  within_s: 2\n  for_s: 5")
    assert result.reason == (
        "expected power_W 11000 ± 330 for 5 s: it was true from 1.00 s on, but only for 2.20 s; "
        "then power_W was 9000 (3.20 s of the record)"
    )


async def test_it_may_break_and_hold_later_within_its_time() -> None:
    bench = ScriptedBench([value(1.0, "plugged", True), value(2.0, "plugged", False), value(3.0, "plugged", True)])
    result = await perform(bench, "- expect: {plugged: true}\n  within_s: 4\n  for_s: 2")
    assert result.verdict is PASSED
    assert result.steps[0].held_from_s == 3.0


async def test_an_unknown_value_is_never_what_was_expected() -> None:
    result = await perform(ScriptedBench(), "- expect: {power_W: {not: 5}}\n  within_s: 1")
    assert result.verdict is FAILED
    assert "power_W was unknown" in result.reason


async def test_a_never_on_an_unknown_value_passes() -> None:
    result = await perform(ScriptedBench(), "- never: {contactor: closed}\n  for_s: 1")
    assert result.verdict is PASSED
    assert result.bench_s == pytest.approx(1.0)


async def test_a_watch_ends_the_run_in_the_middle_of_another_step() -> None:
    bench = ScriptedBench([value(7.3, "contactor", "closed")])
    result = await perform(bench, "- never: {contactor: closed}\n  until: end\n- wait_s: 20\n- do: plug")
    assert verdicts(result) == [FAILED, NOT_REACHED, NOT_REACHED]
    assert result.line == 4
    assert "7.30 s after this step began" in result.reason
    assert result.steps[1].reason == "line 4 ended the run"
    assert result.steps[0].ended_s == 7.3
    assert bench.acted == []


async def test_a_watch_sees_what_happens_at_the_very_end() -> None:
    bench = ScriptedBench(reactions={"plug": lambda at_s, _: [value(at_s, "contactor", "closed")]})
    result = await perform(bench, "- never: {contactor: closed}\n  until: end\n- do: plug")
    assert verdicts(result) == [FAILED, PASSED]
    assert result.verdict is FAILED


async def test_a_watch_whose_condition_is_true_already_is_failed_at_once() -> None:
    bench = ScriptedBench([value(0.0, "contactor", "closed")])
    result = await perform(bench, "- never: {contactor: closed}\n  until: end\n- do: plug")
    assert verdicts(result) == [FAILED, NOT_REACHED]


async def test_what_happens_after_its_time_does_not_break_a_never() -> None:
    bench = ScriptedBench([value(0.0, "contactor", "open"), value(1.03, "contactor", "closed")])
    assert (await perform(bench, "- never: {contactor: closed}\n  for_s: 1.02")).verdict is PASSED
    bench = ScriptedBench([value(0.0, "contactor", "open"), value(1.01, "contactor", "closed")])
    assert (await perform(bench, "- never: {contactor: closed}\n  for_s: 1.02")).verdict is FAILED


async def test_a_watch_of_a_repetition_is_broken_once() -> None:
    steps = "- repeat: 3\n  steps:\n  - never: {contactor: closed}\n    until: end\n  - wait_s: 1"
    result = await perform(ScriptedBench([value(2.5, "contactor", "closed")]), steps)
    assert verdicts(result) == [FAILED, PASSED, PASSED, PASSED, PASSED, NOT_REACHED]


async def test_a_broken_watch_shows_the_values_that_its_condition_does_not_say() -> None:
    bench = ScriptedBench([value(0.0, "faults", []), value(0.0, "current_A", 0.0), value(1.0, "faults", ["DOOR_OPEN"])])
    steps = "- never: {any: [{faults: {not: []}}, {current_A: {above: 5}}]}\n  for_s: 3"
    assert (await perform(bench, steps)).reason == (
        "(faults not [] or current_A above 5) must not be true, and was 1.00 s after this step began: "
        "faults [DOOR_OPEN], current_A 0 (1.00 s of the record)"
    )


async def test_a_watch_in_a_repetition_is_one_watch() -> None:
    steps = "- repeat: 3\n  steps:\n  - never: {contactor: closed}\n    until: end\n  - wait_s: 1"
    result = await perform(ScriptedBench(), steps)
    assert verdicts(result) == [PASSED] * 6
    assert [step.round for step in result.steps] == ["1/3", "1/3", "2/3", "2/3", "3/3", "3/3"]


async def test_a_refusal_of_the_bench_is_an_error_not_a_failure() -> None:
    bench = ScriptedBench(refuses={"plug": "the plug is in already; unplug first"})
    result = await perform(bench, "- do: plug\n- wait_s: 1")
    assert verdicts(result) == [ERROR, NOT_REACHED]
    assert result.verdict is ERROR
    assert result.reason == "the bench did not do it: the plug is in already; unplug first"


async def test_a_bench_that_breaks_is_an_error_with_its_words() -> None:
    bench = ScriptedBench(breaks_at_s=3.0)
    result = await perform(bench, "- wait_s: 5\n- expect: {plugged: true}")
    assert verdicts(result) == [ERROR, NOT_REACHED]
    assert result.reason == "the bench broke: OSError: the wire was cut"


async def test_cancellation_passes_through() -> None:
    class Hanging(ScriptedBench):
        async def do(self, verb: str, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
            await asyncio.get_running_loop().create_future()
            raise AssertionError

    task = asyncio.create_task(ScenarioRunner(Hanging(), plan("- do: plug")).run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_time_limit_ends_a_run_that_waits() -> None:
    result = await perform(ScriptedBench(), "- wait_s: 60\n- wait_s: 60", "time_limit_s: 100")
    assert verdicts(result) == [PASSED, FAILED]
    assert "100 s" in result.reason
    assert result.bench_s == pytest.approx(100.0, abs=0.1)


async def test_words_get_their_evse_and_their_defaults() -> None:
    bench = ScriptedBench()
    steps = (
        "- do: setpoint\n  evse: 2\n  with: {power_W: 5}\n"
        "- do: csms.send\n  with: {anything: {a: 1}}\n"
        "- heal: physics.insulation"
    )
    assert (await perform(bench, steps)).verdict is PASSED
    assert bench.acted == [
        ("do", "setpoint", {"power_W": 5, "by": "csms", "evse": 2}),
        ("do", "csms.send", {"anything": {"a": 1}}),
        ("heal", "physics.insulation", {"evse": 1}),
    ]


async def test_the_answer_of_a_verb_is_judged() -> None:
    bench = ScriptedBench(answers={"setpoint": {"status": "Rejected", "when": {"in_s": 4}}})
    good = "- do: setpoint\n  with: {power_W: 5}\n  answer: {status: Rejected, when.in_s: {below: 5}}"
    assert (await perform(bench, good)).verdict is PASSED
    bad = "- do: setpoint\n  with: {power_W: 5}\n  answer: {status: Accepted}"
    result = await perform(bench, bad)
    assert result.verdict is FAILED
    assert result.reason == "expected the answer status Accepted: it was Rejected"


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        ("true", ""),
        ("No Transaction runs", ""),
        ("later", "expected a refusal with «later»: it was «setpoint: no transaction runs; plug in first»"),
    ],
)
async def test_a_refusal_may_be_what_is_expected(refused: str, reason: str) -> None:
    bench = ScriptedBench(refuses={"setpoint": "setpoint: no transaction runs; plug in first"})
    result = await perform(bench, f"- do: setpoint\n  with: {{power_W: 5}}\n  refused: {refused}")
    assert (result.verdict, result.reason) == (FAILED if reason else PASSED, reason)


async def test_what_is_done_although_a_refusal_is_expected_is_failed() -> None:
    result = await perform(ScriptedBench(), "- do: plug\n  refused: already")
    assert (result.verdict, result.reason) == (FAILED, "expected plug, refused with «already»: it was done")


async def test_a_failure_is_not_hidden_by_a_bench_that_breaks_after_it() -> None:
    bench = ScriptedBench([value(0.0, "plugged", False)], breaks_at_s=1.5)
    result = await perform(bench, "- expect: {plugged: true}\n  within_s: 1")
    assert result.verdict is FAILED
    assert "plugged was false all the time" in result.reason


async def test_a_span_that_broke_is_reported_also_where_a_later_one_came_too_late() -> None:
    turns = [value(1.0, "plugged", True), value(2.0, "plugged", False), value(3.1, "plugged", True)]
    result = await perform(ScriptedBench(turns), "- expect: {plugged: true}\n  within_s: 3\n  for_s: 5")
    assert "it was true from 1.00 s on, but only for 1.00 s; then plugged was false" in result.reason


async def test_steps_may_come_one_by_one_and_know_those_before() -> None:
    bench = ScriptedBench([value(0.0, "contactor", "open"), value(2.5, "contactor", "closed")])
    runner = ScenarioRunner(bench, plan("- wait_s: 1"))
    (watch,) = await runner.perform(plan("- never: {contactor: closed}\n  until: end").steps)
    assert watch.verdict is PASSED
    for wanted in (PASSED, PASSED, NOT_REACHED):
        (outcome,) = await runner.perform(plan("- wait_s: 1").steps)
        assert outcome.verdict is wanted
    assert runner.outcomes[0].verdict is FAILED
    assert (await runner.finish()).verdict is FAILED


async def test_a_message_counts_from_the_beginning_of_the_step_before() -> None:
    script = [message(1.0, "TransactionEvent", {"eventType": "Ended"})]
    bench = ScriptedBench(script, {"unplug": lambda at_s, _: [message(at_s + 0.01, "StatusNotification")]})
    steps = (
        "- wait_s: 5\n- do: unplug\n- wait_s: 1\n- wait_s: 1\n- expect: {message: StatusNotification}\n  within_s: 1"
    )
    late = await perform(bench, steps)
    assert late.verdict is FAILED, "the message came before the step before began"
    bench = ScriptedBench(list(script), dict(bench.reactions))
    steps = (
        "- wait_s: 5\n- do: unplug\n  id: out\n- wait_s: 1\n"
        "- expect: {message: StatusNotification}\n  since: out\n"
        "- expect: {message: TransactionEvent}\n  since: out\n  within_s: 1"
    )
    result = await perform(bench, steps)
    assert verdicts(result) == [PASSED, PASSED, PASSED, PASSED, FAILED]
    assert "no message TransactionEvent came" in result.reason


async def test_a_message_with_other_fields_is_shown() -> None:
    bench = ScriptedBench([message(1.0, "TransactionEvent", {"eventType": "Updated"})])
    steps = "- expect: {message: {name: TransactionEvent, has: {eventType: Ended}}}\n  within_s: 2"
    result = await perform(bench, steps)
    assert "1 of TransactionEvent came, the last with eventType Updated" in result.reason


async def test_a_repetition_stops_at_its_first_failure() -> None:
    bench = ScriptedBench(reactions={"plug": lambda at_s, _: [value(at_s, "plugged", at_s < 1.5)]})
    result = await perform(bench, "- repeat: 5\n  steps:\n  - do: plug\n  - expect: {plugged: true}\n  - wait_s: 1")
    assert [step.round for step in result.steps if step.verdict is FAILED] == ["3/5"]
    assert len(result.steps) == 9


numbers = st.floats(0.0, 10.0).map(lambda at_s: round(at_s, 3))


@given(
    turns=st.lists(st.tuples(numbers, st.sampled_from(["open", "closed", None])), max_size=12),
    poll_s=st.sampled_from([0.01, 0.05, 0.3, 1.7]),
    within_s=st.floats(0.0, 6.0).map(lambda at_s: round(at_s, 2)),
    for_s=st.sampled_from([0.0, 0.5, 2.0]),
)
def test_the_verdict_does_not_depend_on_when_the_bench_was_looked_at(
    turns: list[tuple[float, Json]], poll_s: float, within_s: float, for_s: float
) -> None:
    def run(poll: float) -> tuple[ScenarioVerdict, float | None]:
        script: list[RecordLine] = [
            value(at_s, "contactor", to) for at_s, to in sorted(turns, key=lambda turn: turn[0])
        ]
        steps = f"- expect: {{contactor: closed}}\n  within_s: {within_s}\n  for_s: {for_s}"
        result = asyncio.run(ScenarioRunner(ScriptedBench(script), plan(steps), poll_s=poll).run())
        return result.verdict, result.steps[0].held_from_s

    assert run(poll_s) == run(0.037)
