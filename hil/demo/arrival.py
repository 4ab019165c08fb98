"""A car arrives at the demo's station while an outside central system decides: wait for the station, plug in, show a card.

Nothing is shown to the station before the central system has accepted it and the connector is available: a token that is
read earlier is answered without the central system, and the session is lost.
"""

from __future__ import annotations

import asyncio

from hil.bench.bench import Bench
from hil.bench.changes import central_system, ending, fault_sentences, refusal, registration
from hil.clock import now_s
from hil.simulators.line_socket import Refused
from hil.steering.programme import Position, StoryFailed

LOOK_S = 0.1
REMINDER_S = 10.0
ANSWER_PATIENCE_S = 120.0
"""The station itself waits at most `call_timeout_s` for the answer about a token; after this no answer is awaited."""


class Arrival:
    """One arrival: `run` waits as long as the central system needs, and reports what it waits for."""

    def __init__(self, bench: Bench, url: str) -> None:
        self._bench = bench
        self._url = url
        self.position = Position(total=3)
        self.outcome = "the card was accepted: your central system decides what flows"

    async def run(self) -> None:
        """Until a transaction runs. Raises StoryFailed where the central system refuses the card, or its transaction."""
        self._begin(f"wait for {self._url} to accept the station")
        await self._until_ready()
        if (await self._bench.plant_state())["plugged"]:
            await self._bench.unplug()
            await self._until_ready()
        self._begin("plug in")
        await self._bench.plug()
        await self._until_plugged()
        self._begin("show the card; the central system decides")
        before = (await self._bench.evse())["last_session"]
        await self._bench.token()
        await self._until_decided(before)

    async def _until_ready(self) -> None:
        reminded_s = now_s()
        while (missing := await self._missing()) is not None:
            self.position.name = missing
            if now_s() - reminded_s >= REMINDER_S:
                reminded_s = now_s()
                self._bench.note(f"still {missing}")
            await asyncio.sleep(LOOK_S)

    async def _missing(self) -> str | None:
        """What the station waits for before a car may come; None when it is ready."""
        try:
            daemon = await self._bench.status.ask({"do": "status"})
            evse = await self._bench.evse()
        except Refused:
            return "waiting for the daemon"
        state = central_system(daemon["ocpp"])
        if state == "offline":
            return f"waiting for the central system at {self._url}: no connection"
        if state != "Accepted":
            return f"waiting for the central system at {self._url}: {registration(daemon['ocpp'])}"
        if faults := fault_sentences(evse):
            return f"waiting for the end of a fault: {'; '.join(faults.values())}"
        if evse["status"] != "Available" and not evse["plugged"]:
            return f"waiting for the connector to be Available: it is {evse['status']}"
        return None

    async def _until_plugged(self) -> None:
        while not (await self._bench.evse())["plugged"]:
            await asyncio.sleep(LOOK_S)

    async def _until_decided(self, session_before: object) -> None:
        until_s = now_s() + ANSWER_PATIENCE_S
        while (evse := await self._bench.evse())["transaction"] is None:
            if evse["permission"] == "refused":
                raise StoryFailed(refusal(evse))
            if evse["last_session"] not in (None, session_before):
                raise StoryFailed(f"the transaction ended at once: {ending(evse)}")
            if now_s() > until_s:
                raise StoryFailed(f"waited {ANSWER_PATIENCE_S:.0f} s for the transaction to start")
            await asyncio.sleep(LOOK_S)

    def _begin(self, name: str) -> None:
        self.position.number, self.position.name = self.position.number + 1, name
        self._bench.note(self.position.words(now_s()))
