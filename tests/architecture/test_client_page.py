"""docs/client.md and docs/examples: what stands there is Python that the client takes; docs/steering.md: every verb is a verb."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import click
import pytest

from hil.client import Bench
from hil.steering.serve import main
from hil.steering.subscription import QUEUE_MAX
from hil.steering.words import DOOR_WORDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/client.md").read_text()
STEERING = (ROOT / "docs/steering.md").read_text()
PROGRAMS = [*re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)]
PROGRAMS += [path.read_text() for path in sorted((ROOT / "docs/examples").glob("*.py"))]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_calls_methods_with_arguments_that_they_take(program: str) -> None:
    calls = [
        node
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("bench", "Bench")
    ]
    assert calls
    for call in calls:
        assert isinstance(call.func, ast.Attribute)
        signature = inspect.signature(getattr(Bench, call.func.attr))
        own = () if call.func.attr in ("start", "connect") else (None,)
        signature.bind(*own, *call.args, **{str(word.arg): word.value for word in call.keywords})


def test_the_first_program_has_ten_lines() -> None:
    assert len(PROGRAMS[0].strip().splitlines()) == 10


def test_the_twenty_sessions_are_at_most_thirty_lines_of_code() -> None:
    lines = (ROOT / "docs/examples/twenty_sessions.py").read_text().splitlines()
    assert len([line for line in lines if line.strip() and not line.startswith('"""')]) <= 30


def test_every_option_of_the_server_is_on_the_page() -> None:
    options = [option for one in main.params if isinstance(one, click.Option) for option in one.opts]
    assert [option for option in options if f"`{option}" not in PAGE] == []


def test_the_page_of_the_door_names_verbs_that_exist_and_all_that_only_a_door_has() -> None:
    table = STEERING.partition("## Verbs")[2].partition("\n## ")[0]
    named = [
        name for row in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    ]
    assert set(named) - {"do"} <= set(DOOR_WORDS)
    for name in (
        "wait",
        "subscribe",
        "unsubscribe",
        "record",
        "play",
        "story",
        "kill",
        "site_order",
        "site_meter",
        "state",
    ):
        assert name in named
    assert str(QUEUE_MAX) in STEERING
