"""Answers of a central system that lies: what comes in place of the honest one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hil.simulators.csms.lies import LIES, lied
from hil.simulators.csms.rules import Rules

HONEST: dict[str, dict[str, Any]] = {
    "BootNotification": {"currentTime": "2026-01-02T10:00:00.000Z", "interval": 300, "status": "Accepted"},
    "Heartbeat": {"currentTime": "2026-01-02T10:00:00.000Z"},
    "Authorize": {"idTokenInfo": {"status": "Accepted"}},
    "TransactionEvent": {"idTokenInfo": {"status": "Accepted"}},
}
GOOD_BUT_WRONG = {
    *("time_ahead", "interval_zero", "interval_huge", "interval_negative", "twice", "other_id"),
    *("no_decision", "deauthorised", "accepted_and_expired"),
}
"""These lies fit the schema; the others are no valid answers."""


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("action", HONEST)
def test_a_lie_concerns_its_actions_and_says_something_else(lie: str, action: str) -> None:
    frames = lied(lie, action, "id-1", HONEST[action])
    if LIES[lie].of and action not in LIES[lie].of:
        assert frames is None
        return
    assert frames is not None
    assert [json.loads(text) for text in frames] != [[3, "id-1", HONEST[action]]]


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("action", HONEST)
def test_only_what_says_so_breaks_the_schema(lie: str, action: str) -> None:
    rules = Rules()
    for text in lied(lie, action, "id-1", HONEST[action]) or []:
        problem = rules.problem(f"{action}Response", json.loads(text)[2])
        assert (problem is None) == (lie in GOOD_BUT_WRONG), problem


def test_the_clock_is_an_hour_ahead() -> None:
    (text,) = lied("time_ahead", "Heartbeat", "id-1", HONEST["Heartbeat"]) or []
    assert json.loads(text)[2]["currentTime"].startswith("2026-01-02T11:00:00")


def test_another_id_is_as_long_and_another_one() -> None:
    (text,) = lied("other_id", "Heartbeat", "id-1", HONEST["Heartbeat"]) or []
    assert json.loads(text)[1] == "0000"


def test_twice_is_the_same_answer_two_times() -> None:
    one, other = lied("twice", "Heartbeat", "id-1", HONEST["Heartbeat"]) or []
    assert one == other and json.loads(one)[2] == HONEST["Heartbeat"]


def test_the_page_of_the_bench_has_every_lie_with_the_reaction_that_is_due() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/bench.md").read_text()
    for name, lie in LIES.items():
        assert f"| `{name}` | {lie.meaning} | {lie.expected} |" in page
