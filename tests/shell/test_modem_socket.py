"""The shell of SLAC with a socket of its own making: an interface that is away, frames that mean nothing, deadlines."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import random
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from chargepoint.app.clock import SystemClock
from chargepoint.model.data_link import DataLinkChanged, DataLinkEvent, DataLinkState
from chargepoint.model.ids import EvseId
from chargepoint.slac import modem_socket
from chargepoint.slac.evse_slac import EvseSlac, SlacOutput
from chargepoint.slac.frame_codec import pack, unpack
from chargepoint.slac.frames import CmSetKeyCnf, CmSetKeyReq, SlacFrame, UnreadableFrame
from chargepoint.slac.modem_socket import ModemSocket
from chargepoint.slac.vendor_frames import QualcommNetworkCnf, QualcommNetworkReq

HOST, MODEM = (b"\x02" + bytes(4) + bytes((number,)) for number in (1, 2))


class Wire:
    """What stands for the packet socket: a pair of local sockets. `missing`: why it cannot be opened."""

    def __init__(self) -> None:
        self.missing: OSError | None = None
        self.gone: OSError | None = None
        self.opened = 0
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self.ours, self.theirs):
            end.setblocking(False)

    def open(self, interface: str) -> OpenWire:
        self.opened += 1
        if self.missing is not None:
            raise self.missing
        return OpenWire(self)

    def frames(self) -> list[SlacFrame]:
        """What the station sent."""
        found: list[SlacFrame] = []
        while True:
            try:
                frame = unpack(self.theirs.recv(2000))
            except BlockingIOError:
                return found
            assert not isinstance(frame, UnreadableFrame)
            found.append(frame)


class OpenWire:
    mac = HOST

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def fileno(self) -> int:
        return self._wire.ours.fileno()

    def receive(self) -> list[bytes]:
        if self._wire.gone is not None:
            raise self._wire.gone
        try:
            return [self._wire.ours.recv(2000)]
        except BlockingIOError:
            return []

    def send(self, data: bytes) -> None:
        if self._wire.gone is not None:
            raise self._wire.gone
        self._wire.ours.send(data)

    def close(self) -> None:
        pass


class Modem:
    """The shell under test, and what it reported."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.events: list[DataLinkEvent] = []
        self.core = EvseSlac(EvseId(1), random.Random(1).randbytes, ac=False)
        self.shell = ModemSocket("eth9", self.core, self.events.append, SystemClock(), logging.getLogger("slac-test"))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5.0):
            while not condition():
                await asyncio.sleep(0.005)

    async def answer(self) -> None:
        """The modem takes its key."""
        nid = b""
        while self.core.state is not DataLinkState.READY:
            for frame in self.wire.frames():
                if isinstance(frame.message, CmSetKeyReq):
                    nid = frame.message.nid
                    self.wire.theirs.send(pack(SlacFrame(HOST, MODEM, CmSetKeyCnf(0))))
                elif isinstance(frame.message, QualcommNetworkReq):
                    self.wire.theirs.send(pack(SlacFrame(HOST, MODEM, QualcommNetworkCnf(nid))))
            await asyncio.sleep(0.005)

    def states(self) -> list[DataLinkState]:
        return [event.state for event in self.events if isinstance(event, DataLinkChanged)]


@pytest.fixture
async def modem(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Modem]:
    wire = Wire()
    monkeypatch.setattr(modem_socket, "PacketSocket", wire.open)
    monkeypatch.setattr(modem_socket, "INTERFACE_RETRY_S", 0.01)
    made = Modem(wire)
    yield made
    wire.ours.close()
    wire.theirs.close()


async def test_an_interface_that_is_away_is_logged_once_and_tried_again(
    modem: Modem, caplog: pytest.LogCaptureFixture
) -> None:
    modem.wire.missing = OSError(errno.ENODEV, "there is no interface eth9")
    task = asyncio.create_task(modem.shell.run())
    await modem.until(lambda: modem.wire.opened >= 5)
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == ["! SLAC on eth9: there is no interface eth9; trying again"]
    assert modem.states() == [DataLinkState.PREPARING]
    modem.wire.missing = None
    async with asyncio.timeout(5.0):
        await modem.answer()
    assert modem.core.state is DataLinkState.READY
    task.cancel()
    await asyncio.wait([task])


async def test_an_interface_that_goes_away_takes_the_key_with_it(modem: Modem) -> None:
    task = asyncio.create_task(modem.shell.run())
    async with asyncio.timeout(5.0):
        await modem.answer()
    modem.wire.gone = OSError(errno.ENETDOWN, os.strerror(errno.ENETDOWN))
    modem.wire.theirs.send(bytes(60))
    await modem.until(lambda: modem.core.state is DataLinkState.PREPARING)
    modem.wire.gone = None
    async with asyncio.timeout(5.0):
        await modem.answer()
    task.cancel()
    await asyncio.wait([task])


async def test_a_frame_that_means_nothing_is_logged_once(modem: Modem, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    task = asyncio.create_task(modem.shell.run())
    async with asyncio.timeout(5.0):
        await modem.answer()
    junk = HOST + MODEM + b"\x88\xe1\x01\x1c\x60" + bytes(43)
    for _ in range(3):
        modem.wire.theirs.send(junk)
    modem.wire.theirs.send(junk[:14] + b"\x01\xff\x7f" + bytes(43))
    await modem.until(lambda: sum("ignored" in record.getMessage() for record in caplog.records) >= 2)
    ignored = [record.getMessage() for record in caplog.records if "ignored" in record.getMessage()]
    assert ignored == [
        "= SLAC frame of 02:00:00:00:00:02 ignored: message type 0x601c is not used here",
        "= SLAC frame of 02:00:00:00:00:02 ignored: message type 0x7fff is not used here",
    ]
    task.cancel()
    await asyncio.wait([task])


async def test_deadlines_are_kept_and_end_with_the_shell(modem: Modem, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_time, kept = modem.core.keep_time, []

    def noted(now_s: float) -> list[SlacOutput]:
        kept.append(now_s)
        return keep_time(now_s)

    monkeypatch.setattr(modem.core, "keep_time", noted)
    task = asyncio.create_task(modem.shell.run())
    await modem.until(lambda: len(kept) >= 2)  # a key without an answer is sent again
    assert sum(isinstance(frame.message, CmSetKeyReq) for frame in modem.wire.frames()) >= 2
    task.cancel()
    await asyncio.wait([task])
    before = len(kept)
    await asyncio.sleep(0.7)  # longer than the modem is given for an answer
    assert len(kept) == before
