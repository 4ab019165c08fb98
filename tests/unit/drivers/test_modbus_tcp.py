"""The Modbus TCP master: the guards of the serial one where they have a meaning, and the transaction number."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.unusable import UnusableDevice
from chargepoint.ports import BusSpec
from drivers.catalog import open_bus
from drivers.modbus.tcp import DEAD_AFTER, TcpMaster
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
    WriteRegisters,
)
from drivers.tcp_bus import endpoint

TIMING = DeviceTiming(timeout_s=0.1, turnaround_s=0.05, failures_to_back_off=3, backoff_min_s=0.5, backoff_max_s=2.0)


def connected() -> TcpMaster:
    master = TcpMaster("tcp")
    master.configure(1, TIMING)
    master.configure(2, TIMING)
    master.connected()
    return master


def ask(master: TcpMaster, request: Request, priority: Priority = Priority.FAST) -> list[Outcome]:
    heard: list[Outcome] = []
    master.submit(request, heard.append, priority)
    return heard


def answer(frame: bytes, body: bytes, number: int | None = None, protocol: int = 0) -> bytes:
    own = struct.unpack(">H", frame[:2])[0]
    return struct.pack(">HHH", own if number is None else number, protocol, len(body)) + body


READ = Read(1, 3, 10, 2)
BODY = bytes((1, 3, 4, 0, 7, 0, 9))


def failure(heard: list[Outcome]) -> FailureKind:
    (outcome,) = heard
    assert isinstance(outcome, Failed)
    return outcome.kind


def test_a_reply_is_as_old_as_its_request() -> None:
    master = connected()
    heard = ask(master, READ)
    frame = master.to_send(1.0)
    assert frame == bytes((0, 1, 0, 0, 0, 6, 1, 3, 0, 10, 0, 2))
    reply = answer(frame, BODY)
    for i in range(len(reply)):  # in any chunks
        master.receive(reply[i : i + 1], 1.05)
    assert heard == [ReadDone((7, 9), 1.0)]


def test_a_reply_with_another_number_is_late_and_never_the_answer() -> None:
    master = connected()
    lost = ask(master, READ)
    first = master.to_send(1.0)
    master.tick(2.0)
    assert failure(lost) is FailureKind.TIMEOUT
    heard = ask(master, READ)
    second = master.to_send(2.0)
    master.receive(answer(first, BODY), 2.01)
    assert heard == []
    assert master.health().late == 1
    master.receive(answer(second, bytes((1, 3, 4, 0, 1, 0, 2))), 2.02)
    assert heard == [ReadDone((1, 2), 2.0)]
    master.receive(answer(second, BODY), 2.03)  # a second copy
    assert master.health().late == 2


@pytest.mark.parametrize(
    "body",
    [
        bytes((2, 3, 4, 0, 7, 0, 9)),  # another unit
        bytes((1, 4, 4, 0, 7, 0, 9)),  # another function
        bytes((1, 3, 2, 0, 7)),  # fewer registers
        bytes((1, 3, 4, 0, 7)),  # fewer bytes than it says
        bytes((1, 3, 4, 0, 7, 0, 9, 0)),  # more than it says
        bytes((1, 0x83)),  # an exception without a code
    ],
)
def test_what_does_not_fit_is_a_mismatch(body: bytes) -> None:
    master = connected()
    heard = ask(master, READ)
    master.receive(answer(master.to_send(1.0), body), 1.01)
    if len(body) < 3:
        assert master.broken
    else:
        assert failure(heard) is FailureKind.MISMATCH


def test_echoes_of_writes_are_compared() -> None:
    master = connected()
    for request, good in (
        (WriteRegister(1, 9, 5), bytes((1, 6, 0, 9, 0, 5))),
        (WriteRegisters(1, 9, (5, 6)), bytes((1, 16, 0, 9, 0, 2))),
    ):
        heard = ask(master, request)
        master.receive(answer(master.to_send(1.0), good), 1.01)
        assert heard == [WriteDone(1.01)]
        wrong = ask(master, request)
        master.receive(answer(master.to_send(2.0), good[:-1] + b"\x63"), 2.01)
        assert failure(wrong) is FailureKind.MISMATCH


def test_an_exception_is_an_answer() -> None:
    master = connected()
    heard = ask(master, READ)
    master.receive(answer(master.to_send(1.0), bytes((1, 0x83, 2))), 1.01)
    assert isinstance(heard[0], Failed) and heard[0].exception_code == 2


@pytest.mark.parametrize(("protocol", "length"), [(1, 7), (0, 2), (0, 255), (0, 65535)])
def test_a_header_that_is_none_breaks_the_connection(protocol: int, length: int) -> None:
    master = connected()
    ask(master, READ)
    master.to_send(1.0)
    master.receive(struct.pack(">HHH", 1, protocol, length) + bytes(12), 1.01)
    assert master.broken
    assert master.to_send(1.02) == b""


def test_a_stop_goes_first_and_a_silent_device_gives_way_to_the_others() -> None:
    master = connected()
    ask(master, Read(1, 3, 0, 1))
    ask(master, Read(2, 3, 0, 1))
    ask(master, WriteRegister(1, 9, 0), Priority.STOP)
    assert master.to_send(1.0)[6:8] == bytes((1, 6))
    master.tick(2.0)
    assert master.to_send(2.0)[6] == 2, "not the silent one again"


def test_a_silent_device_is_asked_less_and_less_and_a_dead_peer_ends_the_connection() -> None:
    master = connected()
    now_s, kinds = 1.0, []
    for _ in range(DEAD_AFTER):
        heard = ask(master, READ)
        assert master.to_send(now_s)
        now_s += 1.0
        master.tick(now_s)
        kinds.append(failure(heard))
    assert set(kinds) == {FailureKind.TIMEOUT}
    assert master.broken
    master.disconnected(now_s, "given up")
    master.connected()
    assert not master.broken


def test_disconnected_fails_everything() -> None:
    master = connected()
    out, queued = ask(master, READ), ask(master, READ)
    master.to_send(1.0)
    master.disconnected(1.1, "gone")
    assert failure(out) is failure(queued) is FailureKind.DISCONNECTED


def test_after_a_stall_what_was_not_sent_is_stale() -> None:
    master = connected()
    out, queued = ask(master, READ), ask(master, READ)
    master.to_send(1.0)
    master.take_back(1.5)
    master.drop_queued(1.5)
    assert failure(out) is failure(queued) is FailureKind.STALE


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_bytes_make_it_raise_or_answer_twice(chunks: list[bytes]) -> None:
    master = connected()
    heard = ask(master, READ)
    now_s = 1.0
    master.to_send(now_s)
    for chunk in chunks:
        now_s += 0.001
        master.receive(chunk, now_s)
        master.tick(now_s)
    master.tick(now_s + 1.0)
    assert len(heard) <= 1
    assert heard or master.broken


@pytest.mark.parametrize(
    ("port", "reason"),
    [
        ("charger.local:502", "looking up a name would block"),
        ("192.0.2.300:502", "no IP address"),
        ("192.0.2.1", "not of the form ADDRESS:PORT"),
        ("192.0.2.1:0", "a port from 1 to 65535"),
        ("192.0.2.1:70000", "a port from 1 to 65535"),
        ("/dev/ttyUSB0", "not of the form ADDRESS:PORT"),
    ],
)
def test_only_addresses_are_taken(port: str, reason: str) -> None:
    with pytest.raises(UnusableDevice, match=reason):
        open_bus(BusSpec("b", "tcp", port))


def test_both_kinds_of_addresses_are_taken() -> None:
    assert endpoint("192.0.2.1:502") == ("192.0.2.1", 502)
    assert endpoint("[2001:db8::1]:1502") == ("2001:db8::1", 1502)
