"""The RTU master: every guard of docs/sources/hardware.md 6.3, time as a number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.frame import encode, sealed
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

TIMING = DeviceTiming(
    timeout_s=0.1, turnaround_s=0.05, late_s=0.0, failures_to_back_off=3, backoff_min_s=0.5, backoff_max_s=2.0
)


def _master(**arguments: float) -> RtuMaster:
    master = RtuMaster("bus", 115200, **arguments)  # type: ignore[arg-type]
    if not arguments:
        master.configure(1, TIMING)
    master.connected(0.0)
    return master


def _ask(
    master: RtuMaster, request: Request, priority: Priority = Priority.FAST, key: str | None = None
) -> list[Outcome]:
    heard: list[Outcome] = []
    master.submit(request, heard.append, priority, key)
    return heard


def _reply(value: int, unit: int = 1) -> bytes:
    return sealed(bytes((unit, 3, 2)) + value.to_bytes(2, "big"))


def _kind(heard: list[Outcome]) -> FailureKind:
    assert len(heard) == 1
    assert isinstance(heard[0], Failed)
    return heard[0].kind


def test_silence_before_each_request() -> None:
    master = _master()
    _ask(master, Read(1, 3, 0, 1))
    assert master.to_send(0.0017) == b""
    assert master.deadline_s == pytest.approx(0.00175)
    assert master.to_send(0.0018) != b""


def test_bus_gap_and_device_gap_add_up() -> None:
    master = _master(gap_s=0.010)
    master.configure(1, DeviceTiming(gap_s=0.020))
    _ask(master, Read(1, 3, 0, 1))
    assert master.to_send(0.031) == b""
    assert master.to_send(0.032) != b""


def test_slow_lines_wait_three_and_a_half_characters() -> None:
    master = RtuMaster("slow", 9600)
    master.connected(0.0)
    _ask(master, Read(1, 3, 0, 1))
    assert master.to_send(0.0040) == b""
    assert master.to_send(3.5 * 11 / 9600 + 1e-6) != b""


def test_one_outstanding_transaction_and_priorities() -> None:
    master = _master()
    order: list[int] = []
    for address, priority in (
        (1, Priority.SLOW),
        (2, Priority.FAST),
        (3, Priority.FAST),
        (4, Priority.STOP),
        (5, Priority.SETPOINT),
    ):
        master.submit(Read(1, 3, address, 1), lambda _, a=address: order.append(a), priority)  # type: ignore[misc]
    now = 1.0
    for _ in range(5):
        frame = master.to_send(now)
        assert frame
        assert master.to_send(now) == b""
        master.receive(_reply(len(order)), now + 0.005)
        now += 0.02
    assert order == [4, 5, 2, 3, 1]


def test_a_late_reply_is_counted_and_never_the_next_answer() -> None:
    master = _master()
    first = _ask(master, Read(1, 3, 100, 1))
    master.to_send(1.0)
    master.tick(1.2)
    assert _kind(first) is FailureKind.TIMEOUT
    second = _ask(master, Read(1, 3, 200, 1))
    assert master.to_send(1.21) == b""  # quarantine: turnaround plus the longest reply
    master.receive(_reply(100), 1.22)
    assert master.health().late == 1
    assert second == []
    assert master.to_send(1.30) != b""
    master.receive(_reply(200), 1.31)
    assert second == [ReadDone((200,), 1.30)]  # as old as its request


def test_a_failed_device_is_left_in_peace_longer_than_the_bus() -> None:
    master = _master()
    master.configure(1, DeviceTiming(timeout_s=0.1, turnaround_s=0.05, late_s=0.5))
    master.configure(2, TIMING)
    lost = _ask(master, Read(1, 3, 100, 1))
    master.to_send(1.0)
    master.tick(1.2)
    assert _kind(lost) is FailureKind.TIMEOUT
    same, other = _ask(master, Read(1, 3, 200, 1)), _ask(master, Read(2, 3, 0, 1))
    assert master.to_send(1.3) == encode(Read(2, 3, 0, 1))
    assert _kind(same) is FailureKind.BACKED_OFF
    master.receive(
        _reply(100), 1.31
    )  # far too late, in the middle of another's turn: never a value, and no harm to the other
    assert other == []
    master.receive(_reply(7, unit=2), 1.32)
    assert other == [ReadDone((7,), 1.3)]
    stop = _ask(master, WriteRegister(1, 9, 0), Priority.STOP)
    assert master.to_send(1.4) == encode(WriteRegister(1, 9, 0))
    assert stop == []


def test_silence_is_a_timeout_at_its_deadline() -> None:
    master = _master()
    heard = _ask(master, Read(1, 3, 0, 1))
    master.to_send(1.0)
    deadline = master.deadline_s
    assert deadline is not None
    assert deadline == pytest.approx(1.1, abs=0.01)
    master.tick(deadline - 0.001)
    assert heard == []
    master.tick(deadline)
    assert _kind(heard) is FailureKind.TIMEOUT
    assert master.health().timeouts == 1


def test_a_reply_read_late_by_us_still_counts_and_is_as_old_as_its_request() -> None:
    master = _master()
    heard = _ask(master, Read(1, 3, 0, 1))
    master.to_send(1.0)
    due = master.deadline_s
    assert due is not None and due < 1.2
    master.receive(_reply(5), 3.0)  # the process stalled; the bytes were there
    master.tick(3.0)
    assert heard == [ReadDone((5,), 1.0)]


@pytest.mark.parametrize(
    "reply",
    [
        sealed(bytes((1, 4, 2, 0, 9))),  # wrong function
        sealed(bytes((1, 3, 4, 0, 9, 0, 9))),  # too many registers
        sealed(bytes((1, 6, 0, 0, 0, 9))),  # an answer to something else
    ],
)
def test_intact_but_not_ours_is_a_mismatch_at_once(reply: bytes) -> None:
    master = _master()
    heard = _ask(master, Read(1, 3, 0, 1))
    master.to_send(1.0)
    master.receive(reply, 1.01)
    assert _kind(heard) is FailureKind.MISMATCH
    assert master.health().mismatches == 1
    assert _ask(master, Read(1, 3, 0, 1)) == []
    assert master.to_send(1.02) == b""  # quarantined


def test_a_frame_of_another_unit_is_skipped_and_the_answer_still_counts() -> None:
    for answered in (True, False):
        master = _master()
        heard = _ask(master, Read(1, 3, 0, 1))
        master.to_send(1.0)
        master.receive(sealed(bytes((2, 3, 2, 0, 9))), 1.01)
        assert heard == []
        if answered:
            master.receive(_reply(5), 1.02)
            assert heard == [ReadDone((5,), 1.0)]
        else:
            master.tick(1.2)
            assert _kind(heard) is FailureKind.MISMATCH
        assert master.health().mismatches == 1


def test_wrong_crc_and_short_replies() -> None:
    for spoiled in (_reply(7)[:-1], _reply(7)[:-1] + b"\x00", b"\xff\x00\x12"):
        master = _master()
        heard = _ask(master, Read(1, 3, 0, 1))
        master.to_send(1.0)
        master.receive(spoiled, 1.01)
        master.tick(1.2)
        assert _kind(heard) is FailureKind.CRC
        assert master.health().crc_errors == 1


def test_exception_replies_are_answers() -> None:
    master = _master()
    heard = _ask(master, WriteRegister(1, 500, 1))
    master.to_send(1.0)
    master.receive(sealed(bytes((1, 0x86, 6))), 1.01)
    assert isinstance(heard[0], Failed)
    assert (heard[0].kind, heard[0].exception_code) == (FailureKind.EXCEPTION, 6)
    assert master.health().ok == 1


def test_a_write_is_never_repeated_by_the_master() -> None:
    master = _master()
    heard = _ask(master, WriteRegister(1, 500, 1), Priority.STOP)
    master.to_send(1.0)
    master.tick(1.3)
    assert _kind(heard) is FailureKind.TIMEOUT
    assert master.to_send(2.0) == b""


def test_a_dead_device_is_asked_less_and_less_but_a_stop_always_goes() -> None:
    master = _master()
    sent, now = [], 1.0
    while now < 12.0:
        heard = _ask(master, Read(1, 3, 0, 1), key="poll")
        if master.to_send(now):
            sent.append(now)
        now += 0.01
        master.tick(now)
        del heard
    assert len(sent) < 12
    assert sent[-1] - sent[-2] >= 2.0
    heard = _ask(master, WriteRegister(1, 9, 0), Priority.STOP)
    assert master.to_send(now + 1) == encode(WriteRegister(1, 9, 0))
    master.receive(encode(WriteRegister(1, 9, 0)), now + 1.01)
    assert isinstance(heard[0], WriteDone)
    _ask(master, Read(1, 3, 0, 1))
    assert master.to_send(now + 1.05)  # it answered: no back-off any more


def test_a_noisy_device_is_not_taken_for_a_dead_one() -> None:
    """Garbage never backs it off; it only has its share of the wire: a failure of 0.25 s in each 0.75 s."""
    master = _master()
    now = 1.0
    for _ in range(10):
        heard = _ask(master, Read(1, 3, 0, 1))
        assert master.to_send(now)
        master.receive(_reply(7)[:-1] + b"\x00", now + 0.01)
        master.tick(now + 0.2)
        assert _kind(heard) is FailureKind.CRC
        now += 0.8


def _fail_once(master: RtuMaster, now: float, unit: int = 1) -> float:
    """One read of this unit that nobody answers; the time when it was given up."""
    _ask(master, Read(unit, 3, 0, 1))
    assert master.to_send(now) == encode(Read(unit, 3, 0, 1))
    given_up = master.deadline_s
    assert given_up is not None
    master.tick(given_up)
    return given_up


def test_after_a_failure_somebody_else_has_the_next_turn_even_before_a_stop() -> None:
    master = _master()
    master.configure(2, TIMING)
    master.configure(3, DeviceTiming(timeout_s=0.03))
    now = _fail_once(master, 1.0) + 0.1
    _ask(master, WriteRegister(1, 9, 0), Priority.STOP)
    _ask(master, Read(2, 3, 0, 1))
    _ask(master, Read(3, 3, 0, 1))
    assert master.to_send(now) == encode(Read(3, 3, 0, 1))  # who would cost least, should it fail too
    master.receive(_reply(1, unit=3), now + 0.005)
    assert master.to_send(now + 0.01) == encode(WriteRegister(1, 9, 0))


def test_stops_to_devices_that_died_together_leave_gaps_between_them() -> None:
    """The emergency stop may take the modules' supply, and every one of them is ordered off at that moment."""
    master = _master()
    for unit in (2, 3):
        master.configure(unit, TIMING)
    master.configure(9, DeviceTiming(timeout_s=0.03))
    now, order = 1.0, []
    for unit in (1, 2, 3):
        _ask(master, WriteRegister(unit, 9, 0), Priority.STOP)
    for _ in range(6):
        _ask(master, Read(9, 3, 0, 1), Priority.FAST, "board")
        frame = master.to_send(now)
        order.append(frame[0])
        if frame[0] == 9:
            master.receive(_reply(1, unit=9), now + 0.005)
        master.tick(now + 0.2)
        now += 0.3
    assert order == [1, 9, 2, 9, 3, 9]


def test_the_first_stop_goes_at_once_and_those_after_it_keep_to_the_share() -> None:
    master = _master()
    now = _fail_once(master, 1.0)
    now = _fail_once(master, now + 0.1)
    now = _fail_once(master, now + 0.6)  # paced and backed off
    first = _ask(master, WriteRegister(1, 9, 1), Priority.STOP, "stop")
    now += 0.06
    assert master.to_send(now) == encode(WriteRegister(1, 9, 1))
    given_up = master.deadline_s
    assert given_up is not None
    master.tick(given_up)
    assert _kind(first) is FailureKind.TIMEOUT
    older = _ask(master, WriteRegister(1, 9, 2), Priority.STOP, "stop")
    newest = _ask(master, WriteRegister(1, 9, 3), Priority.STOP, "stop")
    due = master.deadline_s
    assert due is not None
    assert due - now == pytest.approx(3 * (given_up - now + 0.05), abs=0.01)
    assert master.to_send(due - 0.001) == b""
    assert master.to_send(due) == encode(WriteRegister(1, 9, 3))
    assert older == newest == []


def test_all_that_fail_together_have_a_third_of_the_wire_and_nobody_else_waits_longer_than_for_one_failure() -> None:
    """Three dead devices that are stopped and read all the time; each is heard again soon after it is back."""
    master = RtuMaster("bus", 115200)
    for unit in (1, 2, 3):
        master.configure(unit, DeviceTiming(timeout_s=0.06, turnaround_s=0.04, late_s=0.15))
    master.configure(9, DeviceTiming(timeout_s=0.03, turnaround_s=0.02))
    master.connected(0.0)
    now, heard_at, sent_to_dead, gaps = 1.0, 1.0, 0, []
    back: dict[int, float] = {}
    while now < 61.0:
        for unit in (1, 2, 3):
            _ask(master, Read(unit, 3, 0, 1), Priority.FAST, f"read {unit}")
            _ask(master, WriteRegister(unit, 9, 0), Priority.STOP, f"stop {unit}")
        _ask(master, Read(9, 3, 0, 1), Priority.FAST, "alive")
        frame = master.to_send(now)
        if frame and frame[0] == 9:
            now += 0.004
            master.receive(_reply(1, unit=9), now)
            gaps.append(now - heard_at)
            heard_at = now
        elif frame and now > 50.0:
            now += 0.004
            master.receive(_reply(1, unit=frame[0]) if frame[1] == 3 else frame, now)
            back.setdefault(frame[0], now)
        elif frame:
            sent_to_dead += 1
        now += 0.001
        master.tick(now)
    assert max(gaps) < 0.12
    assert sent_to_dead * 0.1 < 49.0 * 0.35
    assert set(back) == {1, 2, 3}
    assert max(back.values()) < 53.0


def test_a_dead_device_does_not_hold_up_the_others() -> None:
    master = _master()
    master.configure(2, TIMING)
    now, answered = 1.0, 0
    for _ in range(1000):
        _ask(master, Read(1, 3, 0, 1), key="dead")
        alive = _ask(master, Read(2, 3, 0, 1), key="alive")
        frame = master.to_send(now)
        if frame and frame[0] == 2:
            master.receive(_reply(1, unit=2), now + 0.002)
            answered += len(alive)
        now += 0.01
        master.tick(now)
    assert answered > 800


def test_stale_input_is_discarded_before_sending() -> None:
    master = _master()
    master.receive(_reply(66), 0.5)  # nobody asked
    heard = _ask(master, Read(1, 3, 0, 1))
    assert master.to_send(1.0)
    master.tick(1.2)
    assert _kind(heard) is FailureKind.TIMEOUT


def test_a_babbling_wire_does_not_keep_a_stop_from_going() -> None:
    master = _master()
    _ask(master, WriteRegister(1, 9, 0), Priority.STOP)
    now, sent_at = 1.0, None
    while sent_at is None and now < 3.0:
        master.receive(b"\x55", now)
        if master.to_send(now):
            sent_at = now
        now += 0.001
    assert sent_at is not None
    assert sent_at < 1.2


def test_coalescing_newest_payload_wins_and_reads_are_not_queued_twice() -> None:
    master = _master()
    dropped = _ask(master, WriteRegister(1, 500, 1), Priority.SETPOINT, key="v")
    kept = _ask(master, WriteRegister(1, 500, 2), Priority.SETPOINT, key="v")
    _ask(master, Read(1, 3, 0, 1), key="poll")
    _ask(master, Read(1, 3, 0, 1), key="poll")
    assert master.to_send(1.0) == encode(WriteRegister(1, 500, 2))
    master.receive(encode(WriteRegister(1, 500, 2)), 1.01)
    assert dropped == []
    assert isinstance(kept[0], WriteDone)
    assert master.to_send(1.1)
    master.receive(_reply(1), 1.11)
    assert master.to_send(1.2) == b""


def test_coalescing_moves_to_the_more_urgent_priority() -> None:
    master = _master()
    _ask(master, Read(1, 3, 7, 1), Priority.SETPOINT)
    _ask(master, WriteRegister(1, 500, 9), Priority.SETPOINT, key="i")
    _ask(master, WriteRegister(1, 500, 0), Priority.STOP, key="i")
    assert master.to_send(1.0) == encode(WriteRegister(1, 500, 0))


def test_a_full_queue_gives_way_to_the_urgent() -> None:
    master = RtuMaster("bus", 115200, capacity=2)
    master.connected(0.0)
    old = _ask(master, Read(1, 3, 0, 1), Priority.SLOW)
    young = _ask(master, Read(1, 3, 1, 1), Priority.SLOW)
    stop = _ask(master, WriteRegister(1, 9, 0), Priority.STOP)
    refused = _ask(master, Read(1, 3, 2, 1), Priority.SLOW)
    assert master.deadline_s is not None
    master.tick(1.0)
    assert _kind(young) is FailureKind.OVERFLOW
    assert _kind(refused) is FailureKind.OVERFLOW
    assert old == stop == []
    assert master.to_send(1.0) == encode(WriteRegister(1, 9, 0))


def test_disconnected_fails_everything_and_connected_starts_afresh() -> None:
    master = _master()
    out, queued = _ask(master, Read(1, 3, 0, 1)), _ask(master, Read(1, 3, 1, 1))
    master.to_send(1.0)
    master.disconnected(1.01, "unplugged")
    assert _kind(out) is _kind(queued) is FailureKind.DISCONNECTED
    later = _ask(master, Read(1, 3, 2, 1))
    master.tick(1.5)
    assert _kind(later) is FailureKind.DISCONNECTED
    assert not master.health().connected
    master.connected(2.0)
    again = _ask(master, Read(1, 3, 0, 1))
    master.to_send(2.1)
    master.receive(_reply(3), 2.11)
    assert again == [ReadDone((3,), 2.1)]


def test_callbacks_may_submit() -> None:
    master = _master()
    seen: list[Outcome] = []

    def again(outcome: Outcome) -> None:
        seen.append(outcome)
        if len(seen) < 3:
            master.submit(Read(1, 3, 0, 1), again, Priority.FAST)

    master.submit(Read(1, 3, 0, 1), again, Priority.FAST)
    for i in range(3):
        assert master.to_send(1.0 + i)
        master.receive(_reply(i), 1.01 + i)
    assert [o.registers for o in seen if isinstance(o, ReadDone)] == [(0,), (1,), (2,)]


@given(st.lists(st.integers(1, 9), max_size=20), st.integers(0, 0xFFFF), st.binary(max_size=6))
def test_any_chunking_gives_the_same_answer(cuts: list[int], value: int, noise: bytes) -> None:
    master = _master()
    heard = _ask(master, Read(1, 3, 0, 1))
    master.to_send(1.0)
    data, now = noise.replace(b"\x01", b"\x00") + _reply(value), 1.01
    for cut in [*cuts, len(data)]:
        master.receive(data[:cut], now)
        data, now = data[cut:], now + 0.0001
    master.tick(1.5)
    assert len(heard) == 1
    assert isinstance(heard[0], ReadDone)
    assert heard[0].registers == (value,)


@given(st.lists(st.tuples(st.binary(max_size=30), st.floats(0.0, 0.1)), max_size=30))
def test_no_bytes_make_it_raise_or_answer_twice(arrivals: list[tuple[bytes, float]]) -> None:
    master = _master()
    heard = _ask(master, Read(1, 3, 0, 2))
    now = 1.0
    for data, pause in arrivals:
        master.to_send(now)
        master.receive(data, now)
        master.tick(now)
        now += pause
    master.to_send(now + 0.2)
    master.tick(now + 1.0)
    assert len(heard) == 1
