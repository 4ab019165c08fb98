"""While a contactor waits for its current to fall, its EVSE has a cycle each 3 ms, whatever the wires bring."""

from __future__ import annotations

import logging
from dataclasses import fields
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chargepoint.model.ids import EvseId
from chargepoint.model.image import EvseImage, Stage
from chargepoint.power.cycle import EARLY_CYCLE_S, Cycle
from chargepoint.power.cycle_time import CycleTime

EVSE = EvseId(1)
BEGAN_S = 100.0


class StageThatCounts:
    """An EVSE that counts its cycles."""

    evse_id, settled, has_news = EVSE, False, False
    identity_errors: tuple[tuple[str, str], ...] = ()

    def __init__(self, *, waits: bool) -> None:
        self.waits_for_current = waits
        self.cycles = 0

    def note_overrun(self, words: str) -> None: ...

    def cycle(self, now_s: float) -> Any:
        self.cycles += 1
        shown = dict.fromkeys(field.name for field in fields(EvseImage))
        return SimpleNamespace(**{**shown, "evse_id": EVSE, "stage": Stage.RAMP_DOWN, "taken_at_s": now_s})

    def poll(self, now_s: float) -> None: ...

    def events(self) -> list[Any]:
        return []


@pytest.mark.parametrize(("waits", "cycles"), [(True, 3), (False, 1)])
def test_cycles_follow_at_once_only_while_a_current_falls(waits: bool, cycles: int) -> None:
    stage = StageThatCounts(waits=waits)
    link: Any = SimpleNamespace(send=lambda message: None)
    stages: Any = {EVSE: stage}
    cycle = Cycle(stages, [], link, 0.02, lambda: None, logging.getLogger("test"))
    cycle.tick(BEGAN_S)
    cycle._act_early(BEGAN_S + 0.5 * EARLY_CYCLE_S)
    assert stage.cycles == 1
    cycle._act_early(BEGAN_S + 1.01 * EARLY_CYCLE_S)
    cycle._act_early(BEGAN_S + 2.02 * EARLY_CYCLE_S)
    assert stage.cycles == cycles


def test_a_demand_that_a_reply_brought_to_the_wires_makes_no_loop_turn_without_a_pause() -> None:
    """Seen in virtual time: the early cycle that was no longer needed was due in each turn until the next tick."""
    stage = StageThatCounts(waits=False)
    asked_s: list[float] = []
    clock = SimpleNamespace(now_s=BEGAN_S)

    def wait(descriptors: Any, at_most_s: float) -> tuple[int, ...]:
        asked_s.append(at_most_s)
        return ()

    message: Any = SimpleNamespace(evse_id=EVSE)
    link: Any = SimpleNamespace(send=lambda message: None, filenos=lambda: (), lost=False)
    stages: Any = {EVSE: stage}
    time = CycleTime(now=lambda: clock.now_s, stopwatch=lambda: clock.now_s, suspended=lambda: 0.0, wait=wait)
    cycle = Cycle(stages, [], link, 0.02, lambda: None, logging.getLogger("test"), time)
    stage.take_demand = lambda message, now_s: True  # type: ignore[attr-defined]
    cycle.tick(BEGAN_S)
    cycle._obey_one(message, clock.now_s + 0.001)
    clock.now_s += 0.002
    cycle._run([cast(Any, stage)], clock.now_s)  # a reply came first: the stage has had its cycle
    cycle._wait(min(clock.now_s + 0.02, cycle._early_s))
    assert asked_s == [pytest.approx(0.02)]
