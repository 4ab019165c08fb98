"""While a contactor waits for its current to fall, its EVSE has a cycle each 3 ms, whatever the wires bring."""

from __future__ import annotations

import logging
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest

from chargepoint.model.ids import EvseId
from chargepoint.model.image import EvseImage, Stage
from chargepoint.power.cycle import EARLY_CYCLE_S, Cycle

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
