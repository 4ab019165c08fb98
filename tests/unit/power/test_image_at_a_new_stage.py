"""An image goes up the link when the stage changes, without waiting for the image period."""

from __future__ import annotations

import logging
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

from chargepoint.model.ids import EvseId
from chargepoint.model.image import EvseImage, Stage
from chargepoint.model.process_health import ProcessHealth
from chargepoint.power.cycle import IMAGE_PERIOD_S, Cycle

EVSE = EvseId(1)


class StageOfNumbers:
    """An EVSE whose stage a test sets."""

    def note_overrun(self, words: str) -> None: ...

    def __init__(self) -> None:
        self.evse_id, self.settled, self.waits_for_current = EVSE, False, False
        self.stage = Stage.CABLE_CHECK
        self.identity_errors: tuple[tuple[str, str], ...] = ()

    def cycle(self, now_s: float) -> Any:
        shown = dict.fromkeys(field.name for field in fields(EvseImage))
        return SimpleNamespace(**{**shown, "evse_id": EVSE, "stage": self.stage, "taken_at_s": now_s})

    def poll(self, now_s: float) -> None: ...

    def events(self) -> list[Any]:
        return []


def test_a_new_stage_is_reported_in_its_own_tick_and_an_old_one_at_the_period() -> None:
    stage, sent = StageOfNumbers(), []

    def send(message: Any) -> None:
        if not isinstance(message, ProcessHealth):
            sent.append((message.stage, message.taken_at_s))

    link: Any = SimpleNamespace(send=send)
    stages: Any = {EVSE: stage}
    cycle = Cycle(stages, [], link, 0.005, lambda: None, logging.getLogger("test"))
    began_s = 100.0
    for tick in range(3):
        stage.stage = Stage.CABLE_CHECKED if tick else Stage.CABLE_CHECK
        cycle.tick(began_s + 0.01 * tick)  # an EVSE that is not off has a cycle at least each second tick of 5 ms
    assert sent == [(Stage.CABLE_CHECK, began_s), (Stage.CABLE_CHECKED, began_s + 0.01)]
    cycle.tick(began_s + 0.011 + IMAGE_PERIOD_S)
    assert len(sent) == 3
