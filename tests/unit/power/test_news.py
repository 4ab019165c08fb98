"""When an EVSE has news: another value, not another age; and what raises is news for the cycle to find."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import MeterRegisters, Stage
from chargepoint.model.readings import Reading
from chargepoint.power.device_readings import is_news
from hil.plant.evse import EvsePlant
from tests.unit.power.conftest import PlantLoop

METER = MeterRegisters(10.0, 5.0, 400.0, 20.0, 8000.0, 1.0)


@pytest.mark.parametrize(
    ("now", "judged", "news"),
    [
        ((), (None,), True),
        ((None,), (None,), False),
        ((Reading(1.0, 2.0),), (None,), True),
        ((None,), (Reading(1.0, 2.0),), True),
        ((Reading(1.0, 2.0),), (Reading(1.0, 1.0),), False),
        ((Reading(1.5, 1.0),), (Reading(1.0, 1.0),), True),
        ((replace(METER, taken_at_s=2.0),), (METER,), False),
        ((replace(METER, current_A=20.1),), (METER,), True),
        ((METER,), (None,), True),
    ],
)
def test_another_value_is_news_and_another_age_is_not(
    now: tuple[object, ...], judged: tuple[object, ...], news: bool
) -> None:
    assert is_news(now, judged) is news


@pytest.mark.parametrize("change", ["door", "pilot", "module"])
def test_each_change_of_a_device_is_news_until_it_was_judged(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = PlantLoop()
    loop.reach(Stage.TRANSFER)
    loop.stage.cycle(loop.now_s)
    assert not loop.stage.has_news
    loop._tick_at_s = float("inf")  # only the wires move from here on
    monkeypatch.setattr(EvsePlant, "step", _only_board)
    if change == "door":
        loop.plant.board.inputs.door_closed = False
    elif change == "pilot":
        loop.plant.car.pilot = "B"
    else:
        loop.plant.modules["psu"].current_A += 5.0
    for _ in range(100):
        loop.step()
        loop.stage.poll(loop.now_s)
        if loop.stage.has_news:
            break
    assert loop.stage.has_news
    loop.stage.cycle(loop.now_s)
    assert not loop.stage.has_news


def _only_board(plant: EvsePlant, dt_s: float) -> None:
    """The board goes on; current and voltage of the plant keep their values, so that nothing else changes."""
    plant.board.step(plant.car.pilot_seen, True, True, dt_s)


def test_a_driver_that_raises_is_news() -> None:
    loop = PlantLoop()
    loop.reach(Stage.TRANSFER)

    class Broken:
        name = "broken"

        @property
        def registers(self) -> None:
            raise OverflowError("a defect")

    loop.stage._hw = replace(loop.stage._hw, meter=Broken())  # type: ignore[arg-type]
    assert loop.stage.has_news
    assert FaultCode.INTERNAL not in loop.tripped()
