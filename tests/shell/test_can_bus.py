"""The CAN bus over a Unix SEQPACKET socket with SocketCAN's frames: this machine's kernel has no CAN. Same code, other socket."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargepoint.ports import BusSpec
from drivers.can.bus import FRAMES_PER_READ, READ_PAUSE_S, CanBus
from drivers.can.frame import CanFilter, CanFrame, packed
from drivers.can.send_queue import PACE_S, Urgency


class Listener:
    def __init__(self) -> None:
        self.name = "m1"
        self.frames: list[CanFrame] = []
        self.dropped = 0
        self.unanswered = 0
        self.late = 0
        self.takes = True

    @property
    def filters(self) -> tuple[CanFilter, ...]:
        return (CanFilter(0x100, 0xFF00),)

    def receive(self, frame: CanFrame, now_s: float) -> bool:
        self.frames.append(frame)
        return self.takes

    def queue_dropped(self) -> None:
        self.dropped += 1


class Wire:
    """The bus and its far end, with the clock as a number."""

    def __init__(self, folder: Path) -> None:
        self.now_s = 1.0
        self.path = folder / "can.sock"
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.server.bind(str(self.path))
        self.server.listen()
        self.server.settimeout(5)
        self.bus = CanBus(BusSpec("can", "can", str(self.path)), lambda: self.now_s)
        self.listener = Listener()
        self.bus.listen(self.listener)
        self.far = self.accept()
        self.listener.dropped = 0  # opening counts too: nothing old may be queued then

    def accept(self) -> socket.socket:
        self.bus.pump(self.now_s)
        far, _ = self.server.accept()
        far.setblocking(False)
        return far

    def pump(self, after_s: float = 0.0) -> None:
        self.now_s += after_s
        self.bus.pump(self.now_s)

    def received(self) -> list[bytes]:
        frames = []
        with contextlib.suppress(BlockingIOError):
            while data := self.far.recv(64):
                frames.append(data)
        return frames


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path)
    yield wire
    wire.bus.close()
    wire.far.close()
    wire.server.close()


FRAME = CanFrame(0x0A0001, bytes.fromhex("1110000000000000"))


def test_frames_go_out_in_the_kernels_layout_and_at_the_pace(wire: Wire) -> None:
    for number in range(3):
        wire.bus.send(CanFrame(number, b"\1\2"), Urgency.READ, "m1", number)
    wire.pump()
    assert wire.received() == [struct.pack("=IB3x8s", 0x8000_0000, 2, b"\1\2")]
    wire.pump(PACE_S / 2)
    assert wire.received() == []
    assert wire.bus.deadline_s == pytest.approx(1.0 + PACE_S)
    wire.pump(PACE_S)
    assert wire.received() == [packed(CanFrame(1, b"\1\2"))]


def test_only_wanted_frames_reach_a_device_and_refused_ones_are_counted(wire: Wire) -> None:
    wire.far.send(packed(CanFrame(0x100, b"")))
    wire.far.send(packed(CanFrame(0x200, b"")))
    wire.far.send(b"short")
    wire.pump()
    assert [frame.can_id for frame in wire.listener.frames] == [0x100]
    wire.listener.takes = False
    wire.far.send(packed(CanFrame(0x101, b"")))
    wire.pump()
    health = wire.bus.health()
    assert (health.ok, health.mismatches, health.connected) == (1, 2, True)


def test_a_flood_is_read_in_portions_with_pauses(wire: Wire) -> None:
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < 3 * FRAMES_PER_READ:
            wire.far.send(packed(CanFrame(0x100, b"")))
            sent += 1
    wire.pump()
    assert len(wire.listener.frames) == FRAMES_PER_READ
    assert wire.bus.fileno() is None
    assert wire.bus.deadline_s == pytest.approx(1.0 + READ_PAUSE_S)
    wire.pump(READ_PAUSE_S / 2)
    assert len(wire.listener.frames) == FRAMES_PER_READ
    wire.pump(READ_PAUSE_S)
    assert len(wire.listener.frames) == 2 * FRAMES_PER_READ


def test_a_flood_does_not_keep_an_order_from_going_out(wire: Wire) -> None:
    with contextlib.suppress(BlockingIOError):
        for _ in range(2 * FRAMES_PER_READ):
            wire.far.send(packed(CanFrame(0x100, b"")))
    wire.bus.send(FRAME, Urgency.STOP, "m1", "output")
    wire.pump()
    assert wire.received() == [packed(FRAME)]


def test_a_full_transmit_queue_loses_no_stop_and_sends_it_first(wire: Wire) -> None:
    number = 0
    while True:  # until the far end's queue takes no more
        wire.bus.send(CanFrame(number, b""), Urgency.READ, "m1", number)
        wire.pump(PACE_S)
        number += 1
        if wire.bus.deadline_s is not None:
            break
        assert number < 5000
    wire.bus.send(CanFrame(0x1000, b""), Urgency.SET_POINT, "m1", "current")
    wire.bus.send(CanFrame(0x1001, b""), Urgency.SET_POINT, "m1", "current")
    wire.bus.send(FRAME, Urgency.STOP, "m1", "output")
    for _ in range(5):
        wire.pump(0.01)
    wire.received()
    wire.pump(0.01)
    assert wire.received() == [packed(FRAME)]
    wire.pump(0.01)
    assert wire.received() == [packed(CanFrame(0x1001, b""))]
    assert wire.bus.health().connected


def test_bus_off_is_reported_until_the_bus_is_back(wire: Wire) -> None:
    wire.far.send(struct.pack("=IB3x8s", 0x2000_0040, 8, b""))
    wire.pump()
    assert "bus off" in wire.bus.health().trouble and wire.bus.health().crc_errors == 1
    wire.far.send(struct.pack("=IB3x8s", 0x2000_0100, 8, b""))
    wire.pump()
    assert wire.bus.health().trouble == ""


def test_a_lost_adapter_is_reopened(wire: Wire) -> None:
    wire.bus.send(FRAME, Urgency.READ, "m1", "old")
    wire.far.close()
    wire.pump()
    assert not wire.bus.health().connected and wire.bus.fileno() is None and wire.listener.dropped == 1
    wire.pump(0.5)
    assert not wire.bus.health().connected
    wire.now_s += 1.0
    wire.far = wire.accept()
    assert wire.bus.health().connected and wire.bus.health().trouble == ""
    wire.pump(0.1)
    assert wire.received() == []  # nothing old


@pytest.mark.parametrize(("port", "word"), [("/nowhere/can.sock", "no such socket"), ("can0", "can0: ")])
def test_what_is_not_there_is_said_with_what_to_do(port: str, word: str) -> None:
    bus = CanBus(BusSpec("can", "can", port))
    bus.pump(1.0)
    health = bus.health()
    assert not health.connected and word in health.trouble
    assert bus.deadline_s == 2.0


def test_after_a_stall_nothing_queued_goes_out_and_nothing_old_comes_in(wire: Wire) -> None:
    wire.bus.send(FRAME, Urgency.SET_POINT, "m1", "current")
    wire.far.send(packed(CanFrame(0x100, b"")))
    wire.bus.drop_queued(wire.now_s)
    wire.pump(0.1)
    assert wire.received() == [] and wire.listener.frames == [] and wire.listener.dropped == 1


def test_a_frame_decided_before_the_process_was_stopped_is_not_written(wire: Wire) -> None:
    wire.bus.send(FRAME, Urgency.SET_POINT, "m1", "current")
    decided_s, wire.now_s = wire.now_s, wire.now_s + 0.3
    wire.bus.pump(decided_s)
    assert wire.received() == [] and wire.listener.dropped == 1


def test_closing_gives_the_descriptor_back(wire: Wire) -> None:
    fd = wire.bus.fileno()
    assert fd is not None
    wire.bus.close()
    assert wire.bus.fileno() is None
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    wire.pump(10.0)
    assert not wire.bus.health().connected
