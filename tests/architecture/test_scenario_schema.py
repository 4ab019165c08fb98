"""docs/scenario.schema.json is made from the language and the words of the bench, accepts what the reader accepts, and refuses plain mistakes.

`python -m hil.scenario.schema > docs/scenario.schema.json`
"""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from hil.scenario.bench_words import words_of_bench
from hil.scenario.reading import read_scenario, read_text
from hil.scenario.schema import scenario_schema
from hil.scenario.selection import SHIPPED, files_in
from hil.scenario.yaml_lines import read_yaml

ROOT = Path(__file__).resolve().parents[2]
WORDS = words_of_bench()
TEXT = scenario_schema(WORDS)
SCHEMA = jsonschema_rs.validator_for(json.loads(TEXT))


def test_the_documented_schema_is_made_from_the_language_and_the_words() -> None:
    documented = (ROOT / "docs/scenario.schema.json").read_text()
    assert documented == TEXT, "python -m hil.scenario.schema > docs/scenario.schema.json"


LONG = SHIPPED.parent / "long_scenarios"


@pytest.mark.parametrize("file", files_in([SHIPPED, LONG]), ids=lambda file: file.name)
def test_a_shipped_scenario_is_good_for_reader_and_schema(file: Path) -> None:
    assert [str(mistake) for mistake in read_scenario(file, WORDS).mistakes] == []
    assert [error.message for error in SCHEMA.iter_errors(read_yaml(file.read_text()).value)] == []


BEHIND = "name: x\nsteps:\n- do: plug\n  id: first\n"


@pytest.mark.parametrize(
    "step",
    [
        "do: plugg",
        "do: setpoint",
        "{do: setpoint, with: {power_W: much}}",
        "{do: setpoint, with: {power_W: 5, powr: 5}}",
        "{do: setpoint, with: {power_W: 5000000}}",
        "inject: physics.nonsense",
        "expect: {contactor: opn}",
        "expect: {contactr: open}",
        "expect: {power_W: {neer: 1}}",
        "expect: {power_W: {has: A}}",
        "expect: {faults: A}",
        "expect: {plugged: 'yes'}",
        "expect: {any: [{plugged: true}]}",
        "expect: {message: {nam: x}}",
        "expect: {}",
        "{expect: {plugged: true}, within: 5}",
        "{expect: {plugged: true}, within_s: soon}",
        "{never: {plugged: true}, until: later}",
        "wait_s: -1",
        "{repeat: 0, steps: [{do: plug}]}",
        "{repeat: 2, steps: [{do: plugg}]}",
        "{measure: x_s, from: {fault: none}, to: {plugged: true}}",
        "{measure: x_W, of: {signal: stage, statistic: mean}}",
        "{measure: x_W, of: {signal: power_W, statistic: middle}}",
        "{measure: x_s, from: {step: first}, to: {plugged: true}, limit: {has: A}}",
    ],
)
def test_a_plain_mistake_is_refused_by_reader_and_schema(step: str) -> None:
    text = f"{BEHIND}- {step}\n"
    assert read_text(text, Path("x.yaml"), WORDS).mistakes != ()
    assert not SCHEMA.is_valid(read_yaml(text).value)


def test_a_variable_stands_where_a_value_of_its_type_may_stand() -> None:
    text = (
        "name: x\nvariables: {a: 1, b: true, c: open}\nbench: {evses: $a}\ntime_limit_s: $a\nsteps:\n"
        "- do: setpoint\n  with: {power_W: $a}\n"
        "- expect: {plugged: $b, contactor: $c, power_W: {between: [$a, 2]}, current_A: {not: $a}}\n  within_s: ${a}\n"
        "- repeat: $a\n  steps: [{wait_s: $a}]\n"
    )
    assert read_text(text, Path("x.yaml"), WORDS).mistakes == ()
    assert [error.message for error in SCHEMA.iter_errors(read_yaml(text).value)] == []
