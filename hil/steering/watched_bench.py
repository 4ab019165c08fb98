"""A bench that many look at: one look serves all who wait, its record is numbered, pushed to subscribers, and does not grow for ever."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

from hil.bench.observed_bench import ObservedBench
from hil.record.line import Json
from hil.record.record import BenchRecord
from hil.steering.subscription import LineFilter, Subscription

LOOK_EVERY_S = 0.1
"""So often the bench is looked at while nobody waits for anything."""
KEEP_S = 1800.0
"""So much of the record is kept, while no scenario is played."""
KEEP_LINES = 300_000
"""And no more than so many lines: a connector under power has some 150 a second."""
FORGET_EVERY_S = 60.0


class WatchedBench:
    """Fulfils `hil.bench.port.BenchPort`. It begins to look by itself at the first `watch`, and ends with `close`."""

    def __init__(self, observed: ObservedBench) -> None:
        self._observed = observed
        self._under_way: asyncio.Task[None] | None = None
        self._begun = 0
        self._watching: asyncio.Task[None] | None = None
        self._subscriptions: dict[Subscription, asyncio.Event] = {}
        self._pushed = 0
        self._forgot_s = 0.0
        self.keeps_all = False
        """While true nothing of the record is forgotten."""

    @property
    def record(self) -> BenchRecord:
        return self._observed.record

    @property
    def evses(self) -> tuple[int, ...]:
        return self._observed.evses

    @property
    def facts(self) -> Mapping[str, Json]:
        return self._observed.facts

    def now_s(self) -> float:
        return self._observed.now_s()

    async def look(self) -> None:
        """Bring the record up to now. Everybody who comes before the next look begins shares that one."""
        wanted = self._begun + 1  # one that is under way may have passed what just happened
        while True:
            if self._under_way is None:
                self._begun += 1
                self._under_way = asyncio.create_task(self._look(), name="look")
            number, task = self._begun, self._under_way
            if number >= wanted:
                await asyncio.shield(task)  # who leaves does not end the look of the others
                return
            await asyncio.wait([task])

    async def sleep(self, for_s: float) -> None:
        await asyncio.sleep(for_s)

    async def do(self, verb: str, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        return await self._observed.do(verb, arguments)

    async def inject(self, fault: str, arguments: Mapping[str, Json]) -> None:
        await self._observed.inject(fault, arguments)

    async def heal(self, fault: str, arguments: Mapping[str, Json]) -> None:
        await self._observed.heal(fault, arguments)

    # -- watching ----------------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Look again and again from now on, so that the record has no gaps."""
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="watch")

    async def close(self) -> None:
        """Look no more."""
        for task in (self._watching, self._under_way):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task
        self._watching = self._under_way = None

    @contextlib.asynccontextmanager
    async def subscribed(
        self, filter: LineFilter, after: int | None = None, queue_max: int | None = None
    ) -> AsyncIterator[tuple[Subscription, asyncio.Event]]:
        """A subscription as long as the block, and what is set when something waits in it. `after`: None: new lines only."""
        self.watch()
        subscription = Subscription(filter) if queue_max is None else Subscription(filter, queue_max)
        stirred = asyncio.Event()
        record = self.record
        if after is not None and after < self._pushed:
            kept = record.after(after)
            first = record.count - len(kept) + 1
            subscription.lose(max(0, first - 1 - after))
            if subscription.offer(first, kept[: max(0, self._pushed - first + 1)]):
                stirred.set()
        self._subscriptions[subscription] = stirred
        try:
            yield subscription, stirred
        finally:
            del self._subscriptions[subscription]

    async def _look(self) -> None:
        try:
            await self._observed.look()
            self._push()
            self._forget()
        finally:
            self._under_way = None

    def _push(self) -> None:
        record = self.record
        fresh = record.after(self._pushed)
        first = record.count - len(fresh) + 1
        self._pushed = record.count
        for subscription, stirred in self._subscriptions.items():
            if fresh and subscription.offer(first, fresh):
                stirred.set()

    def _forget(self) -> None:
        at_s = self.now_s()
        if not self.keeps_all and at_s - self._forgot_s >= FORGET_EVERY_S:
            self._forgot_s = at_s
            record, oldest_s = self.record, at_s - KEEP_S
            newest = record.after(record.count - KEEP_LINES)
            record.forget_before(max(oldest_s, newest[0].at_s) if len(newest) == KEEP_LINES else oldest_s)

    async def _watch(self) -> None:
        broken = ""
        while True:
            try:
                await self.look()
                broken = ""
            except Exception as error:  # the door stays open, whatever a source does
                why = f"{type(error).__name__}: {error}"
                if why != broken:
                    self._observed.bench.note(f"the bench could not be looked at: {why}")
                broken = why
            await asyncio.sleep(LOOK_EVERY_S)
