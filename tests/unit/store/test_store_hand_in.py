"""Writes that are handed in without waiting: a bound, an outcome, and no loop that must live for it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from chargepoint.store.database import _QUEUE_MAX, Store
from chargepoint.store.errors import StoreError
from chargepoint.store.rows import Keep, Write


def held_up(store: Store) -> threading.Event:
    """The writer thread waits before each write until the event is set, as on a disk that does not answer."""
    may_go_on, write = threading.Event(), store._write

    def wait_and_write(writes: tuple[Write, ...]) -> None:
        may_go_on.wait(10.0)
        write(writes)

    store._write = wait_and_write  # type: ignore[method-assign]
    return may_go_on


async def test_a_disk_that_does_not_keep_up_is_reported_and_what_was_taken_is_written(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")
    may_go_on = held_up(store)
    taken = [store.hand_in(Keep("s", "0", 0))]
    while store._jobs.qsize():  # the thread has the first one in its hands
        await asyncio.sleep(0.001)
    taken += [store.hand_in(Keep("s", str(number), number)) for number in range(1, _QUEUE_MAX + 1)]
    with pytest.raises(StoreError, match=f"{_QUEUE_MAX} writes are waiting"):
        store.hand_in(Keep("s", "one too many", 0))
    assert not any(done.done() for done in taken)
    may_go_on.set()
    await asyncio.gather(*taken)
    assert len(store.kept("s")) == _QUEUE_MAX + 1
    store.close()


def test_a_write_outlives_its_event_loop(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")
    may_go_on = held_up(store)

    async def leave_behind() -> None:
        store.hand_in(Keep("s", "k", "v"))

    asyncio.run(leave_behind())
    may_go_on.set()
    store.commit_now(Keep("s", "k2", "v"))
    assert store.kept("s") == {"k": "v", "k2": "v"}
    store.close()


async def test_a_write_that_fails_gives_its_error_to_the_one_who_handed_it_in(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db")
    bad, good = store.hand_in(Keep("s", "k", float("nan"))), store.hand_in(Keep("s", "k2", 1))
    with pytest.raises(StoreError):
        await bad
    await good
    assert store.kept("s") == {"k2": 1}
    store.close()
