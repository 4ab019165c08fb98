"""Reading files: what a good one becomes, and that a bad one gets every mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.scenario.bench_words import words_of_bench
from hil.scenario.mistakes import ScenarioError
from hil.scenario.reading import read_scenario, read_text
from hil.scenario.step import DoStep, ExpectStep, PlannedRun, RepeatStep
from tests.unit.hil.scenario.scripted_bench import WORDS

FILE = Path("x.yaml")


def runs(text: str) -> tuple[PlannedRun, ...]:
    return read_text(text, FILE, WORDS).runs()


def mistakes(text: str) -> list[str]:
    return [str(mistake) for mistake in read_text(text, FILE, WORDS).mistakes]


def steps(text: str, head: str = "") -> list[str]:
    """Mistakes of a file with these steps, without the name of the file."""
    return [mistake.removeprefix("x.yaml:") for mistake in mistakes(f"name: x\n{head}\nsteps:\n{text}")]


MATRIX = """
name: Power
about: At $power_W W.
tags: [charging, K01]
bench: {evses: 2, car: $car}
variables: {power_W: 11000, car: some-car}
matrix: {power_W: [5000, -5000], wait_s: [1, 2.5]}
steps:
- do: setpoint
  evse: 2
  with: {power_W: $power_W}
- expect: {power_W: {near: $power_W, within: 100}}
  within_s: $wait_s
- do: token
  with: {value: "card ${power_W} of $car costs $$5"}
"""


def test_each_combination_is_a_run_of_its_own() -> None:
    found = runs(MATRIX)
    assert [run.name for run in found] == [
        "Power[power_W=5000,wait_s=1]",
        "Power[power_W=5000,wait_s=2.5]",
        "Power[power_W=-5000,wait_s=1]",
        "Power[power_W=-5000,wait_s=2.5]",
    ]
    last = found[-1]
    assert last.variables == {"power_W": -5000, "car": "some-car", "wait_s": 2.5}
    assert (last.about, last.tags, last.needs) == ("At -5000 W.", ("charging", "K01"), {"evses": 2, "car": "some-car"})
    setpoint, expect, token = last.steps
    assert isinstance(setpoint, DoStep) and isinstance(expect, ExpectStep) and isinstance(token, DoStep)
    assert (setpoint.arguments["power_W"], setpoint.arguments["evse"], setpoint.line) == (-5000, 2, 9)
    assert (expect.within_s, expect.condition.words()) == (2.5, "power_W -5000 ± 100")
    assert token.arguments["value"] == "card -5000 of some-car costs $5"


def test_repetitions_stand_in_each_other() -> None:
    (run,) = runs("name: x\nsteps:\n- repeat: 2\n  steps:\n  - repeat: 3\n    steps: [{do: plug}]\n")
    (outer,) = run.steps
    assert isinstance(outer, RepeatStep) and isinstance(outer.steps[0], RepeatStep)
    assert (outer.times, outer.steps[0].times) == (2, 3)


def test_every_mistake_is_found_at_once_and_stands_in_the_order_of_the_file() -> None:
    text = """name: 3
tag: [x]
variables: {a: 1}
bench: {evses: 1}
time_limit_s: -1
steps:
- do: plugg
- do: token
  with: {value: 0411, x: 1}
  evse: 2
- expect: {charging_stat: Charging, contactor: opn, car_loops: {at_leest: 5}}
  within: 20
  within_s: $c
- expct: {plugged: true}
- never: {power_W: 5}
- wait_s: no
"""
    assert mistakes(text) == [
        "x.yaml:1: name = 3: must be a string; a short sentence, for lists and reports",
        "x.yaml:2: tag: unknown key; did you mean tags?",
        "x.yaml:3: variables.a: is used nowhere; write $a where it belongs, or remove it",
        "x.yaml:5: time_limit_s = -1: must be greater than 0; seconds, above 0, at most 604800",
        "x.yaml:7: do = 'plugg': unknown verb; did you mean plug or unplug?",
        "x.yaml:9: with.value = 411: no text; write text (digits in quotes): its uid",
        "x.yaml:9: with.x: unknown argument of token; known here: value",
        "x.yaml:10: evse = 2: the bench has 1; write 1, or raise bench.evses",
        "x.yaml:11: expect.car_loops.at_leest: unknown operator; did you mean at_least or at_most?",
        "x.yaml:11: expect.charging_stat: unknown signal; did you mean charging_state?",
        "x.yaml:11: expect.contactor = 'opn': contactor is one of open, closed; did you mean open?",
        "x.yaml:12: within: unknown key; did you mean within_s?",
        "x.yaml:13: within_s: unknown variable $c; known here: a",
        "x.yaml:14: steps[4]: this step does nothing; did you mean expect?",
        "x.yaml:15: never: neither of for_s and until is given; write for_s: 5, or until: end",
        "x.yaml:16: wait_s = 'no': must be a number; seconds of the bench's clock, above 0, at most 604800",
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("- do: setpoint", "4: with.power_W: setpoint requires it; add it: a number of W, -50000 to 50000: positive into the car"),
        ("- do: setpoint\n  with: {power_W: 70000}", "5: with.power_W = 70000: outside its bounds; write a number of W, -50000 to 50000: positive into the car"),
        ("- do: setpoint\n  with: {power_W: 5, by: cms}", "5: with.by = 'cms': one of csms, site is needed; did you mean csms?"),
        ("- do: plug\n  with: {force: true}", "5: with.force: plug takes no arguments; remove it"),
        ("- inject: bus.silense", "4: inject = 'bus.silense': unknown fault; did you mean bus.silence?"),
        ("- do: clock.jump\n  evse: 1", "5: evse: clock.jump belongs to the whole station; remove evse"),
        ("- do: plug\n  expect: {plugged: true}", "5: expect: a step does one thing, and this one does `do`; make two steps"),
        ("- plug", "4: steps[1] = 'plug': a step is a mapping; begin it with one of: do, inject, heal, expect, never, measure, wait_s, repeat"),
        ("- expect: closed", "4: expect = 'closed': a condition is a mapping of signals; write {signal: value}"),
        ("- expect: {any: [{plugged: true}]}", "4: expect.any = [{'plugged': True}]: a list of at least two conditions is needed; write - {signal: value}"),
        ("- expect: {message: {nam: X}}", "4: expect.message.nam: unknown key; did you mean name?"),
        ("- expect: {plugged: true}\n  since: begin", "5: since = 'begin': no earlier step has this id; nothing is known here"),
        ("- wait_s: 1\n  id: a\n- wait_s: 1\n  id: a", "7: id = 'a': line 5 has it; choose another id"),
        ("- never: {plugged: true}\n  for_s: 5\n  until: end", "4: never: both of for_s and until is given; write for_s: 5, or until: end"),
        ("- measure: x_s", "4: measure: what is measured is not clear; write from and to, or of and over"),
        ("- measure: x_s\n  from: {fault: bus.silence}\n  to: {plugged: true}", "5: from.fault = 'bus.silence': no step before does it; nothing is known here"),
        ("- measure: x_W\n  of: {signal: power_W, statistic: mean}", "4: measure: no step stands before this one; name the steps with over"),
        ("- wait_s: 1\n- measure: x\n  of: {signal: stage, statistic: mean}", "6: of.signal = 'stage': of type word; choose a signal of type number"),
        ("- wait_s: 1\n- measure: x_W\n  of: {signal: power_W, statistic: rms_error}", "6: of: rms_error and against belong together; write both, or neither"),
        ("- do: plug\n  refused: x\n  answer: {a: 1}", "6: answer: a verb that is refused has no answer; remove answer or refused"),
        ("- repeat: 0\n  steps: [{do: plug}]", "4: repeat = 0: must be greater than or equal to 1; how often, 1 to 10000"),
    ],
)  # fmt: skip
def test_a_mistake_says_where_the_value_its_bound_and_what_to_do(text: str, wanted: str) -> None:
    assert wanted in steps(text)


def test_a_choice_that_stands_twice_would_make_two_runs_of_one_name() -> None:
    text = "- do: setpoint\n  with: {power_W: $p}"
    (mistake,) = steps(text, "matrix: {p: [1, 2, 1]}")
    assert "has 1 twice: two runs would have one name; leave one out" in mistake
    assert steps(text, "matrix: {p: [1, 1.0]}") == []


def test_a_mistake_in_one_combination_is_reported_once() -> None:
    text = "- do: setpoint\n  with: {power_W: $p}\n- do: plugg"
    assert steps(text, "matrix: {p: [1, 2, 70000]}") == [
        "5: with.power_W = 70000: outside its bounds; write a number of W, -50000 to 50000: positive into the car",
        "6: do = 'plugg': unknown verb; did you mean plug or unplug?",
    ]


def test_the_needs_of_a_scenario_are_checked_as_the_bench_checks_them() -> None:
    words = words_of_bench()

    def found(text: str) -> list[str]:
        return [mistake.text for mistake in read_text(text, FILE, words).mistakes]

    assert found("name: x\nbench: {evse: 2, outlet: dcc}\nsteps: [{do: plug}]\n") == [
        "bench.evse: unknown key; did you mean evses?",
        "bench.outlet = 'dcc': must be 'dc' or 'ac'; correct the value",
    ]
    assert found("name: x\nsteps: [{do: plug, evse: 2}]\n") == [
        "evse = 2: the bench has 1; write 1, or raise bench.evses"
    ]
    assert found("name: x\nbench: {evses: 2}\nsteps: [{do: plug, evse: 2}]\n") == []


def test_digits_without_quotes_are_a_mistake_not_another_card() -> None:
    assert "no text" in steps("- do: token\n  with: {value: 04112233}")[0]
    assert "no text" in steps("- do: token\n  with: {value: 12E4}")[0]
    assert steps("- do: token\n  with: {value: 04A2B3}") == []


def test_the_words_of_yaml_1_1_are_text() -> None:
    (mistake,) = steps("- expect: {plugged: yes}")
    assert "'yes': plugged is true or false" in mistake


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        (
            "{faults: {lacks: INSULATON}}",
            "4: never.faults.lacks: 'INSULATON' is no word of faults; did you mean INSULATION",
        ),
        ("{faults: {has: [FAN, FUN]}}", "4: never.faults.has: 'FUN' is no word of faults; did you mean FAN"),
        ("{faults: {not: [FUN]}}", "4: never.faults.not: 'FUN' is no word of faults; did you mean FAN"),
        ("{stage: FAULTD}", "4: never.stage = 'FAULTD': stage is one of "),
    ],
)
def test_a_misspelt_fault_or_stage_is_a_mistake_and_no_silent_pass(condition: str, wanted: str) -> None:
    (mistake,) = steps(f"- never: {condition}\n  until: end")
    assert mistake.startswith(wanted)


def test_a_tag_of_yaml_in_a_list_is_read_past() -> None:
    (mistake,) = mistakes("name: x\nsteps:\n  - do: !run [x]\n")
    assert mistake.startswith("x.yaml:3: do = ['x']: must be a string")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: [", "x.yaml:1: not YAML: "),
        ("name: x\nname: y\n", "x.yaml:2: not YAML: found duplicate key"),
        ("- a", "x.yaml:1: file: a scenario is a mapping; begin with name: and steps:"),
        ("", "x.yaml:1: file: a scenario is a mapping; begin with name: and steps:"),
        ("name: x\nsteps: []\n", "x.yaml:2: steps = []: list should have at least 1 item"),
        ("a: &a [1]\nb: &b [*a, *a]\nname: x\n", "x.yaml:1: a: unknown key"),
    ],
)
def test_what_is_no_scenario_has_a_line(text: str, wanted: str) -> None:
    assert mistakes(text)[0].startswith(wanted)


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    text = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
    for level in range(1, 9):
        text += f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 10)}]\n"
    (mistake,) = mistakes(text)
    assert "more than 100000 values" in mistake


@given(st.text(alphabet=st.sampled_from("abn: {}[]-$&*!|>\n'\"0.#,"), max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    read_text(text, FILE, WORDS)


def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in str(read_scenario(tmp_path / "none.yaml", WORDS).mistakes[0])
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9\n")
    with pytest.raises(ScenarioError, match="not UTF-8"):
        read_scenario(tmp_path / "latin.yaml", WORDS).runs()


def test_a_word_of_one_time_only_is_noted_on_the_run() -> None:
    (run,) = runs("name: x\nsteps: [{do: clock.jump}, {inject: bus.silence}]\n")
    assert (run.virtual_only, run.realtime_only) == ("clock.jump", "bus.silence")
