"""Virtual time: it leaps only when nobody has anything left to do, and in no other way."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from hil.virtual.loop import BEGIN_S, TURNS_WITHOUT_TIME, VirtualDeadlock, VirtualLoop

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T], begin: datetime | None = None) -> T:
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(begin)) as runner:
        return runner.run(main)


def test_an_hour_of_sleep_passes_on_its_clock_and_not_on_ours() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(3600)
        return loop.time()

    before_s = time.monotonic()
    assert run(main()) == pytest.approx(BEGIN_S + 3600)
    assert time.monotonic() - before_s < 60


def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    async def main() -> list[tuple[float, str]]:
        loop, woken = asyncio.get_running_loop(), []

        async def sleeper(name: str, for_s: float) -> None:
            await asyncio.sleep(for_s)
            woken.append((round(loop.time() - BEGIN_S, 6), name))

        await asyncio.gather(sleeper("late", 2.0), sleeper("early", 0.5), sleeper("middle", 1.0))
        return woken

    assert run(main()) == [(0.5, "early"), (1.0, "middle"), (2.0, "late")]


def test_what_is_on_a_wire_arrives_before_time_moves_on() -> None:
    async def main() -> list[float]:
        loop, seen = asyncio.get_running_loop(), []
        here, there = socket.socketpair()
        here.setblocking(False)
        there.setblocking(False)

        async def echo() -> None:
            while data := await loop.sock_recv(there, 100):
                await loop.sock_sendall(there, data)

        echoing = asyncio.create_task(echo())
        for _ in range(50):
            await loop.sock_sendall(here, b"x")
            await loop.sock_recv(here, 100)
            seen.append(loop.time())
        here.close()
        await echoing
        there.close()
        return seen

    assert set(run(main())) == {BEGIN_S}


def test_a_deadline_nearer_than_rounding_is_reached() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        loop_time, turns = loop.time(), 0
        deadline_s = loop_time + 1e-13
        while loop.time() <= deadline_s and turns < 100:
            await asyncio.sleep(1e-13)
            turns += 1
        return turns

    assert run(main()) < 10


def test_who_waits_for_time_without_sleeping_gets_some() -> None:
    async def main() -> int:
        loop, turns = asyncio.get_running_loop(), 0
        until_s = loop.time() + 5e-6
        while loop.time() < until_s:
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert run(main()) <= 10 * TURNS_WITHOUT_TIME


def test_a_foreign_thread_makes_time_stand_still() -> None:
    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        go_on, working = threading.Event(), threading.Event()
        finished_s: list[float] = []

        def work() -> None:
            working.set()
            go_on.wait(10)
            loop.call_soon_threadsafe(lambda: finished_s.append(loop.time()))

        thread = threading.Thread(target=work)
        thread.start()
        working.wait(10)
        threading.Timer(0.02, go_on.set).start()
        await asyncio.sleep(1.0)
        thread.join()
        return finished_s[0], loop.time()

    finished_s, ended_s = run(main())
    assert finished_s == BEGIN_S
    assert ended_s == pytest.approx(BEGIN_S + 1.0)


def test_an_executor_takes_no_time_and_gives_its_error() -> None:
    async def main() -> tuple[float, int]:
        loop = asyncio.get_running_loop()
        value = await asyncio.to_thread(lambda: 42)
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(None, lambda: 1 // 0)
        return loop.time(), value

    assert run(main()) == (BEGIN_S, 42)


def test_everybody_who_waits_for_everybody_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.virtual.loop.DEADLOCK_S", 0.0)

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(VirtualDeadlock):
        run(main())


def test_utc_goes_with_its_clock() -> None:
    begin = datetime(2026, 3, 29, 0, 59, 30, tzinfo=UTC)

    async def main() -> datetime:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        await asyncio.sleep(60)
        return loop.utc()

    assert run(main(), begin) == datetime(2026, 3, 29, 1, 0, 30, tzinfo=UTC)
