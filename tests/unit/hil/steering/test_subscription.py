"""Subscriptions: what passes the filter, and what is lost where nobody reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hil.record.line import LineKind, RecordLine, Seer
from hil.record.record import BenchRecord
from hil.steering.subscription import LineFilter, Subscription


def line(name: str, evse: int = 1, kind: LineKind = LineKind.VALUE, value: int = 0, at_s: float = 1.0) -> RecordLine:
    return RecordLine(at_s, Seer.PLANT, kind, name, value, evse)


def test_a_filter_passes_its_evse_and_the_whole_station() -> None:
    wanted = LineFilter(evse=2, kinds=frozenset({"value"}))
    assert wanted.wants(line("power_W", 2))
    assert wanted.wants(line("outbox", 0))
    assert not wanted.wants(line("power_W", 1))
    assert not wanted.wants(line("plug", 2, LineKind.ACTION))
    assert LineFilter(names=frozenset({"pilot"})).wants(line("pilot", 1))
    assert not LineFilter(names=frozenset({"pilot"})).wants(line("power_W", 1))
    assert LineFilter().wants(line("x", 7, LineKind.NOTE))


def test_the_oldest_lines_go_and_their_number_is_said() -> None:
    subscription = Subscription(LineFilter(), queue_max=3)
    assert subscription.offer(1, [line("a", value=n) for n in range(5)])
    events = list(subscription.take())
    assert events[0] == {"kind": "lost", "name": "lost", "value": 2}
    assert [event["number"] for event in events[1:]] == [3, 4, 5]
    assert list(subscription.take()) == []
    assert not subscription.offer(6, [])


@given(st.lists(st.integers(0, 6), max_size=30), st.integers(1, 5))
def test_every_line_is_taken_or_counted_as_lost(offers: list[int], queue_max: int) -> None:
    subscription, number, taken, lost = Subscription(LineFilter(), queue_max), 1, 0, 0
    for place, count in enumerate(offers):
        subscription.offer(number, [line("a", value=n) for n in range(count)])
        number += count
        if place % 3 == 2:
            events = list(subscription.take())
            assert len(events) <= queue_max + 1
            lost += sum(int(str(event["value"])) for event in events if event["kind"] == "lost")
            taken += sum(event["kind"] != "lost" for event in events)
    events = list(subscription.take())
    lost += sum(int(str(event["value"])) for event in events if event["kind"] == "lost")
    taken += sum(event["kind"] != "lost" for event in events)
    assert taken + lost == number - 1


def test_a_record_forgets_the_old_and_keeps_the_value_that_holds() -> None:
    record = BenchRecord()
    for at_s in range(10):
        record.add(line("power_W", value=at_s, at_s=float(at_s)))
        record.add(line("m", kind=LineKind.MESSAGE, value=at_s, at_s=float(at_s)))
    record.add(line("pilot", value=7, at_s=0.5))
    assert record.count == 21
    record.forget_before(6.5)
    assert record.count == 21
    assert [entry.value for entry in record.after(0) if entry.name == "power_W"] == [7, 8, 9]
    assert record.value_at("power_W", 1, 6.6) == 6
    assert record.latest("pilot", 1) == 7
    assert [entry.value for entry in record.messages(0.0, 99.0, lambda _: True)] == [7, 8, 9]
    assert [entry.value for entry in record.after(20)] == [7]
    assert record.after(21) == []
