"""Waiting on a live bench, in virtual time: met, expired, several at once, and looks that are shared."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hil.record.line import LineKind, RecordLine, Seer
from hil.scenario.bench_door import in_time_of_bench
from hil.steering.request import request_of
from tests.unit.hil.steering.fake_bench import FakeObserved, fake_door


def in_virtual_time(work: Any) -> Any:
    return in_time_of_bench(work, virtual=True)


def wait_for(condition: dict[str, Any], **more: Any) -> Any:
    return request_of({"do": "wait", "for": condition, **more})


async def later(observed: FakeObserved, at_s: float, name: str, value: Any, evse: int = 1) -> None:
    await asyncio.sleep(at_s - observed.now_s())
    observed.sees(name, value, evse)


def test_a_wait_answers_when_the_condition_held_for_long_enough() -> None:
    async def work() -> dict[str, Any]:
        door, observed = fake_door()
        observed.sees("contactor", "open")
        changes = [
            asyncio.create_task(later(observed, *one))
            for one in ((1.0, "contactor", "closed"), (1.2, "contactor", "open"), (3.0, "contactor", "closed"))
        ]
        answer = await door.answer(wait_for({"contactor": "closed"}, within_s=10, for_s=1))
        await asyncio.gather(*changes)
        await door.close()
        return answer

    answer = in_virtual_time(work)
    assert answer["ok"] is True
    assert answer["at_s"] == pytest.approx(3.0)
    assert answer["waited_s"] == pytest.approx(4.0, abs=0.2)
    assert answer["seen"] == {"contactor": "closed"}


def test_a_wait_that_expires_says_what_was_seen_instead() -> None:
    async def work() -> dict[str, Any]:
        door, observed = fake_door()
        observed.sees("contactor", "open")
        answer = await door.answer(wait_for({"contactor": "closed", "stage": "TRANSFER"}, within_s=4, id=7))
        await door.close()
        return answer

    answer = in_virtual_time(work)
    assert answer["ok"] is False
    assert answer["expired"] is True
    assert answer["id"] == 7
    assert answer["seen"] == {"contactor": "open", "stage": None}
    assert "expected contactor closed and stage TRANSFER within 4 s" in answer["error"]
    assert "contactor was open all the time" in answer["error"]
    assert "stage was unknown" in answer["error"]


def test_a_message_counts_since_the_time_that_is_named() -> None:
    async def work() -> tuple[dict[str, Any], dict[str, Any]]:
        door, observed = fake_door()
        observed.now_s()
        await asyncio.sleep(5.0)
        observed.record.add(RecordLine(4.0, Seer.CSMS, LineKind.MESSAGE, "Heartbeat"))
        seen = await door.answer(wait_for({"message": "Heartbeat"}, within_s=0, since_s=3.5))
        missed = await door.answer(wait_for({"message": "Heartbeat"}, within_s=1))
        await door.close()
        return seen, missed

    seen, missed = in_virtual_time(work)
    assert seen["ok"] is True
    assert missed["ok"] is False


def test_fifty_waits_look_at_the_bench_as_often_as_one() -> None:
    async def looks(count: int) -> int:
        door, observed = fake_door()
        observed.sees("contactor", "open")
        waits = (door.answer(wait_for({"contactor": "closed"}, within_s=5)) for _ in range(count))
        answers = await asyncio.gather(*waits)
        assert not any(answer["ok"] for answer in answers)
        await door.close()
        return observed.looks

    one, fifty = in_virtual_time(lambda: looks(1)), in_virtual_time(lambda: looks(50))
    assert fifty <= 4 * one  # each for itself would be fifty times as many


def test_a_bench_that_breaks_while_somebody_waits_is_a_refusal_and_the_door_stays_open() -> None:
    async def work() -> tuple[dict[str, Any], dict[str, Any], list[str]]:
        door, observed = fake_door()
        observed.broken = OSError("the wire was cut")
        broken = await door.answer(wait_for({"contactor": "closed"}, within_s=5))
        await asyncio.sleep(1.0)
        observed.broken = None
        observed.sees("contactor", "closed")
        good = await door.answer(wait_for({"contactor": "closed"}, within_s=5))
        await door.close()
        return broken, good, observed.bench.notes

    broken, good, notes = in_virtual_time(work)
    assert "the wire was cut" in broken["error"]
    assert "expired" not in broken
    assert good["ok"] is True
    assert len([note for note in notes if "the wire was cut" in note]) == 1


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({}, "a condition is a mapping"),
        ({"contactr": "open"}, "did you mean contactor"),
        ({"contactor": "opn"}, "contactor"),
        ({"power_W": {"abve": 5}}, "abve"),
        ({"any": [{"stage": "OFF"}]}, "at least two"),
    ],
)
def test_a_condition_with_a_mistake_is_refused_at_once(condition: dict[str, Any], words: str) -> None:
    async def work() -> dict[str, Any]:
        door, _ = fake_door()
        return await door.answer(wait_for(condition))

    answer = in_virtual_time(work)
    assert answer["ok"] is False
    assert words in answer["error"]


def test_the_record_comes_in_pieces_by_number() -> None:
    async def work() -> list[dict[str, Any]]:
        door, observed = fake_door()
        for number in range(10):
            observed.sees("power_W", float(number), evse=1 + number % 2)
        first = await door.answer(request_of({"do": "record", "limit": 4}))
        rest = await door.answer(request_of({"do": "record", "after": first["last"], "evse": 2}))
        observed.record.forget_before(99.0)
        gone = await door.answer(request_of({"do": "record", "after": 3}))
        await door.close()
        return [first, rest, gone]

    first, rest, gone = in_virtual_time(work)
    assert [line["number"] for line in first["lines"]] == [1, 2, 3, 4]
    assert first["last"] == 4
    assert [line["number"] for line in rest["lines"]] == [6, 8, 10]
    assert rest["last"] == 10
    assert gone["lines"] == []
    assert gone["lost"] == 7


def test_a_bench_that_runs_for_hours_keeps_a_part_of_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.steering.watched_bench.KEEP_LINES", 500)

    async def work(for_s: int) -> tuple[int, int, Any]:
        door, observed = fake_door()
        observed.sees("pilot", "B")
        door.watched.watch()
        for second in range(for_s):
            await asyncio.sleep(1.0)
            observed.sees("power_W", float(second))
        await door.close()
        record = observed.record
        return len(record.after(0)), record.count, record.latest("pilot", 1)

    kept, count, pilot = in_virtual_time(lambda: work(1200))
    assert kept <= 500 + 61  # it forgets once a minute
    assert (count, pilot) == (1201, "B")
    monkeypatch.setattr("hil.steering.watched_bench.KEEP_LINES", 10_000)
    kept, count, pilot = in_virtual_time(lambda: work(3000))
    assert 1800 <= kept <= 1862
    assert (count, pilot) == (3001, "B")


def test_a_set_point_before_power_transfer_is_refused_and_one_in_it_is_sent() -> None:
    async def work(stage: str, transaction: Any) -> tuple[dict[str, Any], list[Any]]:
        door, observed = fake_door(stage=stage, transaction=transaction)
        answer = await door.answer(request_of({"do": "setpoint", "power_W": -5000, "evse": 2}))
        return answer, observed.done

    running = {"id": "x", "charging_state": "EVConnected"}
    answer, done = in_virtual_time(lambda: work("PRE_CHARGE", running))
    assert "stage PRE_CHARGE" in answer["error"]
    assert done == []
    answer, done = in_virtual_time(lambda: work("TRANSFER", running))
    assert answer["ok"] is True
    assert done == [("setpoint", {"power_W": -5000, "evse": 2})]


def test_an_evse_that_the_bench_does_not_have_is_refused() -> None:
    async def work() -> dict[str, Any]:
        door, observed = fake_door()
        answer = await door.answer(request_of({"do": "plug", "evse": 3}))
        assert observed.done == []
        return answer

    assert "this bench has EVSE 1, 2" in in_virtual_time(work)["error"]


def test_every_word_of_the_door_is_performed_by_it() -> None:
    from hil.steering.words import DOOR_WORDS

    door, _ = fake_door()
    assert door.names == frozenset(DOOR_WORDS)
