"""The RTU master against a device that spoils its replies in every way: a short run of `./run bench hostile-bus`, and rules alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drivers.modbus.frame import encode, sealed
from drivers.modbus.freshness import OWED_S, ReplyMemory
from drivers.modbus.rtu import RtuMaster
from drivers.modbus.transaction import (
    DeviceTiming,
    Failed,
    FailureKind,
    Outcome,
    Priority,
    Read,
    ReadDone,
    Request,
    WriteDone,
    WriteRegister,
)
from tests.bench.hostile_bus import MUTATIONS, measure


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_nothing_wrong_and_nothing_stale_counts_and_nobody_else_waits(seed: int) -> None:
    figures = measure(4000, seed)
    assert figures["examples"] == []
    assert figures["wrong_accepted"] == figures["stale_accepted_as_fresh"] == figures["stalls_beyond"] == 0
    assert figures["accepted"] > 400, "the guilty device is still read"
    assert all(figures["mutations"][name] > 50 for name in MUTATIONS)


@pytest.mark.slow
def test_without_its_memory_the_master_takes_stale_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bench can fail: the same run without the dating of replies."""
    dated: Callable[..., float] = lambda self, request, frame, sent_at_s, now_s, late_s: sent_at_s  # noqa: E731
    monkeypatch.setattr(ReplyMemory, "date", dated)
    monkeypatch.setattr(ReplyMemory, "owes", lambda *_: False)
    assert measure(4000, 2)["stale_accepted_as_fresh"] > 10


TIMING = DeviceTiming(timeout_s=0.1, turnaround_s=0.05, late_s=0.2)


def master_of_unit_1() -> RtuMaster:
    master = RtuMaster("bus", 115200)
    master.configure(1, TIMING)
    master.connected(0.0)
    return master


def ask(master: RtuMaster, request: Request, now_s: float, reply: bytes | None) -> list[Outcome]:
    """One exchange: the reply after 10 ms, or the time-out."""
    heard: list[Outcome] = []
    master.submit(request, heard.append, Priority.FAST)
    assert master.to_send(now_s)
    if reply is not None:
        master.receive(reply, now_s + 0.01)
    else:
        master.tick(now_s + 0.15)
    return heard


def reply(*values: int) -> bytes:
    return sealed(bytes((1, 3, 2 * len(values))) + b"".join(value.to_bytes(2, "big") for value in values))


WHOLE = Read(1, 3, 0, 3)
IN_PARTS = Read(1, 3, 0, 3, ((1, 2),))


def test_a_second_copy_is_as_old_as_the_first() -> None:
    master = master_of_unit_1()
    assert ask(master, WHOLE, 1.0, reply(1, 2, 3)) == [ReadDone((1, 2, 3), 1.0)]
    assert ask(master, WHOLE, 1.05, reply(1, 2, 3)) == [ReadDone((1, 2, 3), 1.0)]
    # the request of 1.05 may get its own answer yet, which this would be
    assert ask(master, WHOLE, 1.1, reply(4, 5, 6)) == [ReadDone((4, 5, 6), 1.05)]
    assert ask(master, WHOLE, 1.5, reply(7, 8, 9)) == [ReadDone((7, 8, 9), 1.5)]


def test_values_that_stay_the_same_are_at_most_the_late_time_old() -> None:
    master = master_of_unit_1()
    now_s = 1.0
    for _ in range(100):
        (outcome,) = ask(master, WHOLE, now_s, reply(1, 2, 3))
        assert isinstance(outcome, ReadDone)
        assert now_s - outcome.at_s <= TIMING.late_s
        now_s += 0.025


def test_a_content_that_comes_back_has_no_date_the_first_time() -> None:
    master = master_of_unit_1()
    ask(master, WHOLE, 1.0, reply(1, 2, 3))
    ask(master, WHOLE, 1.5, reply(4, 5, 6))
    heard: list[Outcome] = []
    master.submit(WHOLE, heard.append, Priority.FAST)
    assert master.to_send(2.0)
    master.receive(reply(1, 2, 3), 2.01)
    assert heard == [], "asked once more"
    assert master.to_send(2.05) == encode(WHOLE)
    master.receive(reply(1, 2, 3), 2.06)
    assert heard == [ReadDone((1, 2, 3), 2.0)]


def test_after_a_lost_reply_the_registers_are_read_in_another_form() -> None:
    master = master_of_unit_1()
    (lost,) = ask(master, IN_PARTS, 1.0, None)
    assert isinstance(lost, Failed)
    heard: list[Outcome] = []
    master.submit(IN_PARTS, heard.append, Priority.FAST)
    assert master.to_send(1.5) == encode(WHOLE), "whether the device is there"
    master.receive(reply(1, 2, 3), 1.51)
    assert heard == [], "it may be the lost one"
    assert master.to_send(1.55) == encode(Read(1, 3, 0, 1))
    master.receive(reply(1), 1.56)
    assert master.to_send(1.6) == encode(Read(1, 3, 1, 2))
    master.receive(reply(2, 4), 1.61)
    assert heard == [ReadDone((1, 2, 4), 1.55)], "as old as its first part"
    assert ask(master, IN_PARTS, 1.0 + 0.2 + OWED_S, reply(5, 6, 7)) == [ReadDone((5, 6, 7), 1.2 + OWED_S)]


def test_without_another_form_there_is_no_value_while_a_reply_is_owed() -> None:
    master = master_of_unit_1()
    ask(master, WHOLE, 1.0, None)
    (undated,) = ask(master, WHOLE, 3.0, reply(1, 2, 3))
    assert isinstance(undated, Failed) and undated.kind is FailureKind.UNDATED
    assert ask(master, WHOLE, 1.2 + OWED_S, reply(4, 5, 6)) == [ReadDone((4, 5, 6), 1.2 + OWED_S)]


def test_a_late_reply_that_comes_while_nobody_is_asked_settles_it() -> None:
    master = master_of_unit_1()
    ask(master, WHOLE, 1.0, None)
    master.receive(reply(1, 2, 3), 1.4)
    assert master.health().late == 1
    assert ask(master, WHOLE, 1.5, reply(4, 5, 6)) == [ReadDone((4, 5, 6), 1.5)]


def test_the_same_content_at_another_address_has_no_date_the_first_time() -> None:
    master = master_of_unit_1()
    ask(master, WHOLE, 1.0, reply(0, 0, 0))
    heard: list[Outcome] = []
    master.submit(Read(1, 3, 50, 3), heard.append, Priority.FAST)
    master.to_send(1.05)
    master.receive(reply(0, 0, 0), 1.06)
    assert heard == []


def test_bytes_before_an_answer_can_be_there_are_discarded() -> None:
    master = master_of_unit_1()
    master.paced = True
    heard: list[Outcome] = []
    master.submit(WHOLE, heard.append, Priority.FAST)
    assert master.to_send(1.0)
    master.receive(reply(9, 9, 9), 1.0005)  # our eight bytes need 0.76 ms
    master.receive(reply(1, 2, 3), 1.01)
    assert heard == [ReadDone((1, 2, 3), 1.0)]
    assert master.health().late == 1


def test_two_different_answers_in_one_chunk_have_no_date() -> None:
    master = master_of_unit_1()
    heard: list[Outcome] = []
    master.submit(WHOLE, heard.append, Priority.FAST)
    assert master.to_send(1.0)
    master.receive(reply(9, 9, 9) + reply(1, 2, 3), 1.01)
    assert heard == []


def test_the_echo_of_a_lost_write_does_not_confirm_a_later_one() -> None:
    master = master_of_unit_1()
    five, three = WriteRegister(1, 9, 5), WriteRegister(1, 9, 3)
    ask(master, five, 1.0, None)
    assert isinstance(ask(master, three, 2.0, encode(three))[0], WriteDone)
    (undated,) = ask(master, five, 3.0, encode(five))
    assert isinstance(undated, Failed) and undated.kind is FailureKind.UNDATED
    assert isinstance(ask(master, five, 8.0, encode(five))[0], WriteDone)


def test_the_echo_of_a_repeated_write_confirms_it() -> None:
    master = master_of_unit_1()
    five = WriteRegister(1, 9, 5)
    ask(master, five, 1.0, None)
    assert isinstance(ask(master, five, 2.0, encode(five))[0], WriteDone)
