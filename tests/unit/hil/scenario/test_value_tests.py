"""Operators: what they accept, and that no unknown value passes any of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.record.line import Json, Seer
from hil.record.signals import SIGNALS, BenchSignal, SignalType
from hil.scenario.mistakes import FoundMistakes
from hil.scenario.operators import read_test
from hil.scenario.value_test import passes

ANY_WORDS = {"any_words": BenchSignal("any_words", Seer.STATION, SignalType.WORDS, "a list of any words")}


def judge(raw: Json, value: Json, signal: str | None = "power_W") -> bool:
    mistakes = FoundMistakes(Path("x.yaml"), {})
    test = read_test(raw, (SIGNALS | ANY_WORDS)[signal] if signal else None, ("expect",), mistakes)
    assert test is not None, mistakes.sorted()
    return passes(test, value)


def mistake(raw: Json, signal: str | None = "power_W") -> str:
    mistakes = FoundMistakes(Path("x.yaml"), {})
    assert read_test(raw, SIGNALS[signal] if signal else None, ("expect",), mistakes) is None
    (found,) = mistakes.sorted()
    return found.text


@pytest.mark.parametrize(
    ("raw", "good", "bad"),
    [
        (5, 5.0, 5.1),
        ({"near": 100, "within": 2}, 102, 102.1),
        ({"near": -100, "within_percent": 2}, -98, -97.9),
        ({"near": 100, "within_percent": 1, "within": 5}, 105, 106),
        ({"at_least": 5}, 5, 4.9),
        ({"at_most": 5}, 5, 5.1),
        ({"above": 5}, 5.1, 5),
        ({"below": 5}, 4.9, 5),
        ({"between": [1, 2]}, 2, 2.1),
        ({"at_least": 1, "below": 2}, 1, 2),
        ({"one_of": [1, 2]}, 2, 3),
        ({"not": 5}, 6, 5),
        ({"not": {"between": [1, 2]}}, 3, 1),
    ],
)
def test_numbers(raw: Json, good: float, bad: float) -> None:
    assert judge(raw, good)
    assert not judge(raw, bad)


@pytest.mark.parametrize(
    ("raw", "good", "bad"),
    [
        (["B", "A"], ["A", "B"], ["A"]),
        ({"has": "A"}, ["A", "B"], ["B"]),
        ({"has": ["A", "B"]}, ["B", "A"], ["A"]),
        ({"lacks": "A"}, ["B"], ["A", "B"]),
        ({"lacks": ["A", "B"]}, [], ["B"]),
        ({"has": "A", "lacks": "B"}, ["A"], ["A", "B"]),
        ({"not": []}, ["A"], []),
    ],
)
def test_lists_of_words(raw: Json, good: Json, bad: Json) -> None:
    assert judge(raw, good, "any_words")
    assert not judge(raw, bad, "any_words")


@given(
    raw=st.sampled_from(
        [
            5,
            {"not": 5},
            {"at_least": -1e9},
            {"not": {"near": 1, "within": 1}},
            {"one_of": [1]},
            {"not": {"one_of": [1]}},
        ]
    ),
    value=st.sampled_from([None, "5", "", True, False, [], [5], float("nan"), float("inf"), {}]),
)
def test_what_is_no_number_passes_no_test_of_a_number(raw: Json, value: Json) -> None:
    assert not judge(raw, value)


@given(
    raw=st.sampled_from([{"not": ["A"]}, {"lacks": "A"}, {"not": {"has": "A"}}]), value=st.sampled_from([None, "A", 5])
)
def test_what_is_no_list_passes_no_test_of_words(raw: Json, value: Json) -> None:
    assert not judge(raw, value, "any_words")


def test_a_flag_is_no_number_in_a_message() -> None:
    assert not judge(1, True, None)
    assert not judge(True, 1, None)
    assert judge(True, True, None)


@pytest.mark.parametrize(
    ("raw", "signal", "text"),
    [
        ("much", "power_W", "expect = 'much': power_W is a number, such as 12.5; correct the value"),
        (float("nan"), "power_W", "expect = nan: power_W is a number, such as 12.5; correct the value"),
        (True, "power_W", "expect = True: power_W is a number, such as 12.5; correct the value"),
        ("opne", "contactor", "expect = 'opne': contactor is one of open, closed; did you mean open?"),
        ("yes", "plugged", "expect = 'yes': plugged is true or false; correct the value"),
        ({"neer": 5}, "power_W", "expect.neer: unknown operator; did you mean near?"),
        ({"near": 5}, "power_W", "expect.near = 5.0: no distance is given; add within or within_percent"),
        ({"within": 5}, "power_W", "expect.within: stands without near; add near, the value that is expected"),
        (
            {"near": 0, "within_percent": 3},
            "power_W",
            "expect.within_percent: a percentage of 0 is 0; give within, in the signal's unit",
        ),
        ({"between": [3, 1]}, "power_W", "expect.between = 1.0: no number is between 3.0 and 1.0; put the smaller one first"),
        ({"has": "x"}, "contactor", "expect.has: contactor is a word; it takes a value, or one of: one_of, not"),
        ({"near": 1, "within": -1}, "power_W", "expect.within = -1: must be greater than or equal to 0; "
         "largest distance from near, in the signal's unit, 0 or more"),
        ({}, "plugged", "expect: no operator stands here; write a value, or one of: not"),
        ({"at_least": None}, "power_W", "expect.at_least: no value stands here; write one, or remove the operator"),
        ("A", "faults", "expect = 'A': faults is a list of words, such as [A, B]; one word: {has: A}; correct the value"),
    ],
)  # fmt: skip
def test_a_mistake_shows_the_value_its_bound_and_the_remedy(raw: Json, signal: str, text: str) -> None:
    assert mistake(raw, signal) == text
