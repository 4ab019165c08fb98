"""Judgement against a brute-force judge: every moment of a fine grid, looked at one by one."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hil.record.line import Json, LineKind, RecordLine, Seer
from hil.record.record import BenchRecord
from hil.scenario.condition import AllOf, AnyOf, MessageCondition, RecordCondition, SignalCondition, value_in
from hil.scenario.judgement import (
    JudgedTime,
    became_true,
    first_true,
    true_spans,
)
from hil.scenario.value_test import Equals, InBounds, IsNot
from tests.unit.hil.scenario.scripted_bench import message, value

GRID = 40
"""Ticks of a record. Changes fall on even ticks, so that odd ones stand for the time between."""

signal_names = st.sampled_from(["power_W", "current_A"])
values: st.SearchStrategy[Json] = st.sampled_from([None, 0.0, 1.0, 2.0])
changes = st.tuples(st.integers(0, GRID // 2).map(lambda tick: 2.0 * tick), signal_names, values)
messages = st.integers(0, GRID // 2).map(lambda tick: 2.0 * tick)

leaves: st.SearchStrategy[RecordCondition] = st.one_of(
    st.builds(lambda name, wanted: SignalCondition(name, 1, Equals(wanted)), signal_names, st.sampled_from([0.0, 1.0])),
    st.builds(lambda name: SignalCondition(name, 1, InBounds(least=1.0)), signal_names),
    st.builds(lambda name: SignalCondition(name, 1, IsNot(Equals(1.0))), signal_names),
    st.just(MessageCondition("Heartbeat", 1)),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
    ),
    max_leaves=4,
)


@st.composite
def records(draw: st.DrawFn) -> BenchRecord:
    record = BenchRecord()
    for at_s, name, given_value in sorted(draw(st.lists(changes, max_size=12)), key=lambda change: change[0]):
        record.add(value(at_s, name, given_value))
    for at_s in draw(st.lists(messages, max_size=3)):
        record.add(message(at_s, "Heartbeat"))
    record.known_until(float(GRID))
    return record


def judge_leaf(leaf: RecordCondition, record: BenchRecord, tick: int, since: int) -> bool:
    """By walking through all lines, without any of the record's own searches."""
    if isinstance(leaf, MessageCondition):
        return any(line.kind is LineKind.MESSAGE and since <= line.at_s <= tick for line in record.entries)
    assert isinstance(leaf, SignalCondition)
    now: Json = None
    for line in record.entries:
        if line.kind is LineKind.VALUE and line.name == leaf.signal and line.at_s <= tick:
            now = line.value
    return leaf.test.judge(now) is True


def judge(condition: RecordCondition, record: BenchRecord, tick: int, since: int) -> bool:
    if isinstance(condition, AllOf):
        return all(judge(part, record, tick, since) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(judge(part, record, tick, since) for part in condition.parts)
    return judge_leaf(condition, record, tick, since)


windows = st.tuples(st.integers(0, GRID), st.integers(0, GRID)).map(sorted).map(tuple)


@given(condition=conditions, record=records(), window=windows)
def test_the_first_true_moment_is_the_one_of_the_brute_force_judge(
    condition: RecordCondition, record: BenchRecord, window: tuple[int, int]
) -> None:
    from_s, to_s = window
    truth = {tick: judge(condition, record, tick, from_s) for tick in range(from_s, to_s + 1)}
    judged = JudgedTime(float(from_s), float(to_s), float(from_s))
    assert first_true(condition, record, judged) == next((tick for tick, true in truth.items() if true), None)


@given(condition=conditions, record=records(), window=windows)
def test_spans_cover_exactly_the_true_moments(
    condition: RecordCondition, record: BenchRecord, window: tuple[int, int]
) -> None:
    from_s, to_s = window
    judged = JudgedTime(float(from_s), float(to_s), float(from_s))
    spans = list(true_spans(condition, record, judged))
    for tick in range(from_s, to_s + 1):
        inside = any(span.from_s <= tick < span.to_s or (tick == span.to_s and not span.over) for span in spans)
        assert inside == judge(condition, record, tick, from_s), tick
    assert all(earlier.over and earlier.to_s < later.from_s for earlier, later in pairwise(spans))


@given(condition=conditions, record=records(), window=windows, for_ticks=st.integers(0, 10))
def test_the_first_time_it_held_is_the_one_of_the_brute_force_judge(
    condition: RecordCondition, record: BenchRecord, window: tuple[int, int], for_ticks: int
) -> None:
    """On the grid a span ends on an even tick: what holds for n ticks is true at each of the n, and at its last one only where it goes on."""
    from_s, to_s = window
    truth = {tick: judge(condition, record, tick, from_s) for tick in range(from_s, to_s + 1)}
    begins = [tick for tick in truth if truth[tick] and not truth.get(tick - 1, False)]
    wanted = next(
        (
            begin
            for begin in begins
            if begin + for_ticks <= to_s and all(truth[tick] for tick in range(begin, begin + for_ticks))
        ),
        None,
    )
    judged = JudgedTime(float(from_s), float(to_s), float(from_s))
    lasting = (span for span in true_spans(condition, record, judged) if span.lasts(float(for_ticks)))
    assert next((span.from_s for span in lasting), None) == wanted


@given(condition=leaves, record=records(), window=windows)
def test_it_becomes_true_only_where_it_was_not_true_before(
    condition: RecordCondition, record: BenchRecord, window: tuple[int, int]
) -> None:
    from_s, to_s = window
    since = 0
    truth = {tick: judge(condition, record, tick, since) for tick in range(-1, to_s + 1)}
    wanted = [tick for tick in range(from_s, to_s + 1) if truth[tick] and not truth[tick - 1]]
    if isinstance(condition, MessageCondition):  # each of them is a moment of its own
        wanted = sorted({int(line.at_s) for line in record.messages(from_s, to_s, condition.wanted)})
    found = list(became_true(condition, record, JudgedTime(float(from_s), float(to_s), float(since))))
    assert found == wanted


def test_a_message_of_another_evse_is_none() -> None:
    record = BenchRecord()
    record.add(message(1.0, "TransactionEvent", evse=2))
    at = JudgedTime(0.0, 5.0, 0.0)
    assert first_true(MessageCondition("TransactionEvent", 1), record, at) is None
    assert first_true(MessageCondition("TransactionEvent", 2), record, at) == 1.0


def test_a_message_of_the_whole_station_counts_for_each_evse() -> None:
    record = BenchRecord()
    record.add(message(1.0, "Heartbeat"))
    assert first_true(MessageCondition("Heartbeat", 2), record, JudgedTime(0.0, 5.0, 0.0)) == 1.0


def test_fields_and_source_of_a_message_decide() -> None:
    record = BenchRecord()
    record.add(message(1.0, "TransactionEvent", {"eventType": "Started", "meter": [{"value": 5}]}))
    record.add(message(2.0, "TransactionEvent", {"eventType": "Ended", "meter": [{"value": 7}]}))
    at = JudgedTime(0.0, 5.0, 0.0)

    def first(seer: Seer | None = None, **fields: Json) -> float | None:
        tests = tuple((path.replace("__", "."), Equals(wanted)) for path, wanted in fields.items())
        return first_true(MessageCondition("TransactionEvent", 1, seer, tests), record, at)

    assert first(eventType="Ended") == 2.0
    assert first(meter__0__value=7) == 2.0
    assert first(meter__1__value=7) is None
    assert first(Seer.CSMS, eventType="Started") == 1.0
    assert first(Seer.CAR, eventType="Started") is None


def test_a_place_that_is_not_in_a_message_is_unknown() -> None:
    assert value_in({"a": [{"b": 1}]}, "a.0.b") == 1
    assert value_in({"a": [{"b": 1}]}, "a.x") is None
    assert value_in("text", "a") is None


def test_messages_that_come_late_stand_in_the_order_of_their_time() -> None:
    record = BenchRecord()
    for at_s in (3.0, 1.0, 2.0):
        record.add(RecordLine(at_s, Seer.CAR, LineKind.MESSAGE, "M"))
    assert [line.at_s for line in record.messages(1.0, 2.5, lambda line: True)] == [1.0, 2.0]
