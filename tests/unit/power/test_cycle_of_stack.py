"""The cycle with a stack: every EVSE is judged before modules are allocated; a defect of the stack stays with its EVSEs."""

from __future__ import annotations

import logging
from typing import Any, cast

from chargepoint.model.ids import EvseId
from chargepoint.power.cycle import Cycle
from chargepoint.power.link_codec import ResetFaults
from chargepoint.power.stack_wish import StackWish
from tests.unit.power.test_stack_of_two import E1, E2, TwoSides


class SilentLink:
    """Nobody listens."""

    lost = False
    errors: list[str] = []  # noqa: RUF012

    def send(self, message: object) -> None:
        """Drop it."""


class RecordingStack:
    """Notes when it is asked; `error` is raised in the next step."""

    def __init__(self, done: list[str]) -> None:
        self.shares = {E1: None, E2: None}
        self.done = done
        self.error: Exception | None = None
        self.wishes: dict[EvseId, StackWish] = {}

    def step(self, now_s: float, wishes: dict[EvseId, StackWish]) -> None:
        self.done.append("allocated")
        self.wishes = wishes
        if self.error is not None:
            raise self.error

    def switch_off(self) -> None:
        self.done.append("modules off")

    def reset(self) -> None:
        self.done.append("reset")


class CycleBench:
    def __init__(self) -> None:
        self.two = TwoSides()
        self.done: list[str] = []
        self.stack = RecordingStack(self.done)
        stages = {evse: side.stage for evse, side in self.two.sides.items()}
        for evse, stage in stages.items():
            self._note(evse, stage)
        link = cast(Any, SilentLink())
        log = logging.Logger("cycle-of-stack")
        self.cycle = Cycle(stages, [], link, 0.01, lambda: None, log, stacks=[cast(Any, self.stack)])

    def _note(self, evse: EvseId, stage: Any) -> None:
        judge = stage.cycle

        def cycle(now_s: float) -> Any:
            self.done.append(f"judged {evse}")
            return judge(now_s)

        stage.cycle = cycle


def test_every_evse_is_judged_before_modules_are_allocated() -> None:
    bench = CycleBench()
    bench.cycle.tick(1.0)
    assert bench.done == ["judged 1", "judged 2", "allocated"]
    assert bench.stack.wishes == {E1: StackWish(), E2: StackWish()}


def test_a_defect_of_the_stack_switches_its_evses_off_and_the_process_goes_on() -> None:
    bench = CycleBench()
    bench.stack.error = RuntimeError("a defect")
    bench.cycle.tick(1.0)
    assert "modules off" in bench.done
    for side in bench.two.sides.values():
        assert {code.name for code in side.stage.operator_latches} >= {"INTERNAL"}
    bench.stack.error = None
    bench.cycle.tick(2.0)
    assert bench.done[-1] == "allocated"


def test_a_reset_of_one_evse_resets_the_matrix() -> None:
    bench = CycleBench()
    bench.cycle._obey_one(ResetFaults(E2, "a person"), 1.0)
    assert bench.done == ["reset"]
