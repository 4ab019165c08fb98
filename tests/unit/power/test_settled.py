"""When a stage is settled: power flows as asked, nothing changes, and no delay runs. Only then its cycles may be rarer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage
from tests.unit.power.conftest import PlantLoop


def test_a_transfer_at_its_goal_is_settled() -> None:
    loop = PlantLoop()
    loop.reach(Stage.TRANSFER)
    loop.run(0.1)
    assert loop.stage.settled


def test_nothing_before_the_transfer_is_settled() -> None:
    loop = PlantLoop()
    seen: list[bool] = []
    loop.watch = lambda: seen.append(loop.stage.settled)
    loop.reach(Stage.PRE_CHARGED)
    assert not any(seen)


def _less_power(loop: PlantLoop) -> None:
    loop.order(Phase.TRANSFER, power_W=2_000.0, voltage_target_V=0.0)


def _turned(loop: PlantLoop) -> None:
    loop.order(Phase.TRANSFER, power_W=-5_000.0, voltage_target_V=0.0)


def _stopped(loop: PlantLoop) -> None:
    loop.order(Phase.OFF)


def _door(loop: PlantLoop) -> None:
    loop.plant.board.inputs.door_closed = False


def _silence(loop: PlantLoop) -> None:
    loop.fast.maps.pop(1)


@pytest.mark.parametrize("change", [_less_power, _turned, _stopped, _door, _silence])
def test_it_is_not_settled_while_something_changes(change: Callable[[PlantLoop], None]) -> None:
    loop = PlantLoop()
    loop.reach(Stage.TRANSFER)
    loop.run(0.1)
    change(loop)
    loop.until(lambda: not loop.stage.settled, within_s=0.5)


def test_a_turn_through_zero_is_not_settled_before_its_end() -> None:
    loop = PlantLoop()
    loop.reach(Stage.TRANSFER)
    _turned(loop)
    loop.until(lambda: not loop.stage.settled, within_s=0.1)
    loop.until(lambda: loop.stage.settled, within_s=5.0)
    assert loop.image is not None and loop.image.current_A is not None
    assert loop.image.current_A < -5.0


def test_a_delay_that_runs_is_not_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = PlantLoop()
    loop.reach(Stage.TRANSFER)
    loop.run(0.1)
    monkeypatch.setattr(type(loop.stage._interlocks), "pending", True)
    loop.run(0.05)
    assert not loop.stage.settled
