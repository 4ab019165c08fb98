"""BCB toggles of a car, as process images show them."""

from __future__ import annotations

import pytest

from chargepoint.model.image import ControlPilot
from chargepoint.slac.pilot_toggles import PilotToggles

A, B, C = ControlPilot.A, ControlPilot.B, ControlPilot.C
IMAGE_S = 0.05


def counts(*story: tuple[ControlPilot, float]) -> list[int]:
    """The counts that came with these states, each held so long and seen each 50 ms."""
    toggles, now_s, found = PilotToggles(), 10.0, []
    for pilot, lasts_s in story:
        for _ in range(round(lasts_s / IMAGE_S)):
            found.append(toggles.note(pilot, now_s))
            now_s += IMAGE_S
    return [count for count in found if count]


@pytest.mark.parametrize("half_s", [0.2, 0.3, 0.4])
def test_toggles_are_counted(half_s: float) -> None:
    assert counts((B, 1.0), (C, half_s), (B, half_s), (C, half_s), (B, half_s)) == [1, 2]


@pytest.mark.parametrize("held_s", [0.1, 0.5, 5.0])
def test_a_car_that_stays_in_c_for_another_time_toggles_not(held_s: float) -> None:
    assert counts((B, 1.0), (C, held_s), (B, 1.0)) == []


def test_old_toggles_are_forgotten() -> None:
    assert counts((B, 1.0), (C, 0.3), (B, 4.0), (C, 0.3), (B, 0.3)) == [1, 1]


def test_no_more_than_three_count() -> None:
    assert counts((B, 1.0), *((C, 0.2), (B, 0.2)) * 5) == [1, 2, 3, 3, 3]


def test_an_unplugging_ends_the_count() -> None:
    assert counts((B, 1.0), (C, 0.3), (B, 0.3), (A, 0.5), (B, 0.5), (C, 0.3), (B, 0.3)) == [1, 1]


def test_a_plug_in_that_begins_in_c_is_no_toggle() -> None:
    assert counts((A, 1.0), (C, 0.3), (B, 1.0)) == []
