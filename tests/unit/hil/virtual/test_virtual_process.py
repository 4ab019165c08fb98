"""A virtual process: killed, stopped and continued as by signals; and a program that waits by itself in it."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
from collections.abc import Callable

import pytest

from hil.virtual.child import RESTART_S, VirtualChild
from hil.virtual.loop import BEGIN_S, VirtualLoop
from hil.virtual.process import VirtualProcess
from hil.virtual.stepped import SteppedProgram


@pytest.fixture
def runner() -> asyncio.Runner:
    return asyncio.Runner(loop_factory=VirtualLoop)


def loop_now() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


class Ticking:
    """Ticks each second, in a task of its own; tidies up when it may."""

    def __init__(self) -> None:
        self.ticks: list[float] = []
        self.tidied = False

    async def main(self) -> None:
        await asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        try:
            while True:
                await asyncio.sleep(1.0)
                self.ticks.append(asyncio.get_running_loop().time() - BEGIN_S)
        finally:
            self.tidied = True


def test_a_killed_process_runs_no_line_more_and_its_peer_sees_the_end(runner: asyncio.Runner) -> None:
    ticking = Ticking()

    async def main() -> bytes:
        loop = loop_now()
        listener = socket.create_server(("127.0.0.1", 0))
        process = VirtualProcess("p", loop)

        async def talk() -> None:
            await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
            await ticking.main()

        process.start(talk())
        await asyncio.sleep(2.5)
        peer, _ = listener.accept()
        peer.setblocking(False)
        process.kill()
        process.kill()
        await asyncio.sleep(5.0)
        listener.close()
        ended = await loop.sock_recv(peer, 10)
        peer.close()
        return ended

    with runner:
        assert runner.run(main()) == b""
        assert ticking.ticks == pytest.approx([1.0, 2.0])
        assert not ticking.tidied


def test_a_stopped_process_is_silent_and_goes_on_where_it_was(runner: asyncio.Runner) -> None:
    ticking = Ticking()

    async def main() -> None:
        process = VirtualProcess("p", loop_now())
        process.start(ticking.main())
        await asyncio.sleep(1.5)
        process.stop()
        await asyncio.sleep(10.0)
        assert len(ticking.ticks) == 1
        process.go_on()
        await asyncio.sleep(2.0)
        process.kill()

    with runner:
        runner.run(main())
        assert ticking.ticks == pytest.approx([1.0, 11.5, 12.5], abs=1e-3)


def test_what_is_sent_to_a_stopped_process_waits_for_it(runner: asyncio.Runner) -> None:
    heard: list[tuple[float, bytes]] = []

    async def main() -> None:
        loop = loop_now()
        here, there = socket.socketpair()
        here.setblocking(False)
        there.setblocking(False)
        process = VirtualProcess("p", loop)

        async def hear() -> None:
            while data := await loop.sock_recv(there, 100):
                heard.append((loop.time() - BEGIN_S, data))

        process.start(hear())
        await asyncio.sleep(0.1)
        process.stop()
        await loop.sock_sendall(here, b"old")
        await asyncio.sleep(3.0)
        assert heard == []
        process.go_on()
        await asyncio.sleep(0.1)
        process.kill()
        here.close()
        there.close()

    with runner:
        runner.run(main())
        assert [data for _, data in heard] == [b"old"]
        assert heard[0][0] >= 3.1


def test_a_stopped_process_can_be_killed(runner: asyncio.Runner) -> None:
    ticking = Ticking()

    async def main() -> None:
        process = VirtualProcess("p", loop_now())
        process.start(ticking.main())
        await asyncio.sleep(0.5)
        process.stop()
        process.kill()
        process.go_on()
        await asyncio.sleep(5.0)

    with runner:
        runner.run(main())
        assert ticking.ticks == []


def test_others_do_not_notice_a_kill(runner: asyncio.Runner) -> None:
    mine, yours = Ticking(), Ticking()

    async def main() -> None:
        loop = loop_now()
        killed, spared = VirtualProcess("killed", loop), VirtualProcess("spared", loop)
        killed.start(mine.main())
        spared.start(yours.main())
        own = asyncio.create_task(asyncio.sleep(3.5))
        await asyncio.sleep(1.5)
        killed.kill()
        await own
        spared.kill()

    with runner:
        runner.run(main())
        assert len(mine.ticks) == 1
        assert len(yours.ticks) == 3


class Program:
    """A plain loop on `select`, as the power process is one: reads a pipe, and notes when it woke."""

    def __init__(self, fd: int, wait: Callable[..., object], now: Callable[[], float]) -> None:
        self._fd, self._wait, self._now = fd, wait, now
        self.woken: list[tuple[float, bytes]] = []

    def run(self) -> None:
        while True:
            ready = self._wait([self._fd], 1.0)
            data = os.read(self._fd, 10) if self._fd in ready else b""  # type: ignore[operator]
            self.woken.append((round(self._now() - BEGIN_S, 3), data))
            if data == b"end":
                return
            if data == b"fail":
                raise OSError("as asked")


async def play(*lines: tuple[float, bytes]) -> list[tuple[float, bytes]]:
    loop = loop_now()
    reading, writing = os.pipe()
    stepped = SteppedProgram(loop)
    program = Program(reading, stepped.wait, loop.time)
    running = asyncio.create_task(stepped.run(program.run))
    try:
        for at_s, data in lines:
            await asyncio.sleep(max(0.0, at_s - (loop.time() - BEGIN_S)))
            os.write(writing, data)
        await running
    finally:
        os.close(reading)
        os.close(writing)
    return program.woken


def test_a_program_wakes_for_bytes_and_for_time(runner: asyncio.Runner) -> None:
    with runner:
        woken = runner.run(play((0.5, b"one"), (2.75, b"end")))
    assert woken == [(0.5, b"one"), (1.5, b""), (2.5, b""), (2.75, b"end")]


def test_what_a_program_opens_is_closed_when_its_process_is_killed(runner: asyncio.Runner) -> None:
    async def main() -> bytes:
        loop = loop_now()
        stepped = SteppedProgram(loop)
        peers: list[int] = []

        def program() -> None:
            here, there = socket.socketpair()
            peers.append(os.dup(there.fileno()))
            there.close()
            while True:
                stepped.wait([here.fileno()], 1.0)

        process = VirtualProcess("p", loop)
        process.start(stepped.run(program))
        await asyncio.sleep(2.0)
        process.kill()
        with socket.socket(fileno=peers[0]) as peer:
            peer.setblocking(False)
            return peer.recv(10)

    with runner:
        assert runner.run(main()) == b""


def test_what_a_program_raises_is_raised(runner: asyncio.Runner) -> None:
    with runner, pytest.raises(OSError, match="as asked"):
        runner.run(play((0.5, b"fail")))


def test_a_program_may_close_a_descriptor_and_get_its_number_again(runner: asyncio.Runner) -> None:
    async def main() -> list[bytes]:
        loop = loop_now()
        stepped = SteppedProgram(loop)
        here, there = socket.socketpair()
        got: list[bytes] = []
        number = here.fileno()

        def program() -> None:
            assert number in stepped.wait([number], 5.0)
            got.append(here.recv(10))
            here.close()
            fresh, far = socket.socketpair()
            assert fresh.fileno() == number
            far.send(b"second")
            assert select.select([number], (), (), 0)[0]
            assert number in stepped.wait([number], 5.0)
            got.append(fresh.recv(10))
            fresh.close()
            far.close()

        running = asyncio.create_task(stepped.run(program))
        await asyncio.sleep(0.1)
        there.send(b"first")
        await running
        there.close()
        return got

    with runner:
        assert runner.run(main()) == [b"first", b"second"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_that_ends_starts_again(runner: asyncio.Runner, number: signal.Signals) -> None:
    began: list[float] = []
    notes: list[str] = []

    async def main() -> None:
        loop = loop_now()

        async def life(take_stop: Callable[[Callable[[], None]], None]) -> None:
            began.append(loop.time() - BEGIN_S)
            ended = asyncio.Event()
            take_stop(ended.set)
            await ended.wait()

        child = VirtualChild("one", life, loop, notes.append)
        running = asyncio.create_task(child.run())
        await asyncio.sleep(1.0)
        child.kill(number)
        await asyncio.sleep(1.0)
        assert child.pid == child.starts == 2
        child.down_for(30.0)
        await asyncio.sleep(20.0)
        assert child.pid is None
        await asyncio.sleep(20.0)
        await child.stop()
        await running

    with runner:
        runner.run(main())
    assert began == pytest.approx([0.0, 1.0 + RESTART_S, 32.0], abs=1e-3)
    assert len(notes) == 2
