"""An arrival under an outside central system: no plug and no card before the station is accepted and available."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from hil.bench.bench import Bench
from hil.demo.arrival import Arrival
from hil.simulators.line_socket import Refused
from hil.steering.programme import Position, Programme, StoryFailed


class Station:
    """A bench whose station becomes ready in the given order of states; each state is seen a few times."""

    def __init__(self, *states: tuple[bool, str | None, str]) -> None:
        self._states = [state for state in states for _ in range(2)]
        self.done: list[str] = []
        self.notes: list[str] = []
        self.plugged = False
        self.status = self
        self.decided: list[dict[str, Any]] = [
            {"permission": "granted", "transaction": {"id": "tx-1"}, "last_session": None}
        ]

    def _now(self) -> tuple[bool, str | None, str]:
        return self._states[0]

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if len(self._states) > 1:
            self._states.pop(0)
        connected, boot, _ = self._now()
        return {"ocpp": {"connected": connected, "boot_status": boot}}

    async def evse(self) -> dict[str, Any]:
        decided: dict[str, Any] = {"permission": "none", "transaction": None, "last_session": None}
        if self.done and self.done[-1].startswith("token"):
            decided = self.decided[0] if len(self.decided) == 1 else self.decided.pop(0)
        return {"status": self._now()[2], "plugged": self.plugged, "image": {"faults": {}}, **decided}

    async def plant_state(self) -> dict[str, Any]:
        return {"plugged": self.plugged}

    async def plug(self) -> None:
        self.done.append(f"plug while {self._now()}")
        self.plugged = True

    async def unplug(self) -> None:
        self.done.append("unplug")
        self.plugged = False

    async def token(self) -> None:
        self.done.append(f"token while {self._now()}")

    def note(self, text: str) -> None:
        self.notes.append(text)


READY = (True, "Accepted", "Available")


@pytest.mark.parametrize(
    "before",
    [(False, None, "Unavailable"), (True, None, "Available"), (True, "Pending", "Available"), (True, "Accepted", "Unavailable")],
    ids=["offline", "not answered", "pending", "not available"],
)  # fmt: skip
async def test_nothing_happens_before_the_station_is_ready(before: tuple[bool, str | None, str]) -> None:
    station = Station(before, before, READY)
    arrival = Arrival(cast(Bench, station), "ws://host")
    await asyncio.wait_for(arrival.run(), 20.0)
    assert station.done == [f"plug while {READY}", f"token while {READY}"]
    assert [note.partition(":")[0] for note in station.notes] == ["step 1 of 3", "step 2 of 3", "step 3 of 3"]


async def test_a_second_arrival_begins_with_the_plug_out() -> None:
    station = Station(READY)
    station.plugged = True
    await asyncio.wait_for(Arrival(cast(Bench, station), "ws://host").run(), 20.0)
    assert [step.split()[0] for step in station.done] == ["unplug", "plug", "token"]


ASKED = {"permission": "asked", "transaction": None, "last_session": None}
REFUSAL = {"token_hint": "…E6F7", "reason": "the central system did not answer within 30 s"}


@pytest.mark.parametrize(
    ("decided", "why"),
    [
        ({**ASKED, "permission": "refused", "refusal": REFUSAL}, "E6F7 refused: the central system did not answer"),
        ({**ASKED, "permission": "none", "last_session": {"reason": "DeAuthorized"}}, "ended at once: DeAuthorized"),
    ],
    ids=["card refused", "transaction refused"],
)
async def test_an_arrival_ends_with_the_answer_about_the_card(decided: dict[str, Any], why: str) -> None:
    station = Station(READY)
    station.decided = [ASKED, ASKED, decided]
    with pytest.raises(StoryFailed, match=why):
        await asyncio.wait_for(Arrival(cast(Bench, station), "ws://host").run(), 20.0)
    assert station.decided == [decided]


class Playing:
    """Something to play that ends when the test says so, in the way the test says."""

    def __init__(self, error: Exception | None = None) -> None:
        self.outcome = "the story's end"
        self.position = Position(total=9, number=6, name="discharge 10 kW", next="+5 kW", next_at_s=None)
        self.end = asyncio.Event()
        self._error = error

    async def run(self) -> None:
        await self.end.wait()
        if self._error is not None:
            raise self._error


@pytest.mark.parametrize("error", [None, Refused("the car is locked")], ids=["to the end", "broken off"])
async def test_one_story_at_a_time_and_a_new_one_after_it(error: Exception | None) -> None:
    notes: list[str] = []
    made: list[Playing] = []

    def new() -> Playing:
        made.append(Playing(error))
        return made[-1]

    programme = Programme(new, notes.append)
    programme.start()
    with pytest.raises(Refused, match="step 6 of 9: discharge 10 kW"):
        programme.start()
    for _ in range(2):
        await asyncio.sleep(0)
        made[-1].end.set()
        async with asyncio.timeout(10.0):
            while "story" not in programme.words() or "step" in programme.words():
                await asyncio.sleep(0.01)
        programme.start()
    assert len(made) == 3
    assert ("the story breaks off: the car is locked" in notes) == (error is not None)
    await programme.stop()


def test_a_position_counts_down() -> None:
    position = Position(total=9, number=6, name="discharge 10 kW", next="+5 kW", next_at_s=112.0)
    assert position.words(100.0) == "step 6 of 9: discharge 10 kW; +5 kW in 12 s"
    assert position.words(120.0) == "step 6 of 9: discharge 10 kW; +5 kW in 0 s"


async def test_an_arrival_that_is_through_does_not_call_itself_an_end() -> None:
    """The car charges on; only a story ends with the car unplugged."""
    notes: list[str] = []
    programme = Programme(lambda: Arrival(cast(Bench, Station(READY)), "ws://host"), notes.append)
    programme.start()
    async with asyncio.timeout(20.0):
        while not notes:
            await asyncio.sleep(0.01)
    assert notes == [programme.words()]
    assert notes[0].startswith("the card was accepted")
    assert "the end" not in notes[0]
