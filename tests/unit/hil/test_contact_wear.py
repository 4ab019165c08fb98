"""Wear of contacts: sums of arcs by hand, and the closing at which a worn pole welds."""

from __future__ import annotations

import pytest

from hil.plant.contactor import ContactorPole
from hil.plant.faults import inject
from hil.plant.station import STEP_S
from hil.plant.wear import ContactWear
from tests.unit.hil.test_plant_physics import Rig


def test_an_opening_under_current_leaves_its_arc() -> None:
    """200 A for 5 ms: 200 A²s."""
    wear = ContactWear()
    wear.opened(-200.0)
    assert (wear.arcs_A2s, wear.openings) == (pytest.approx(200.0), 1)


def test_a_closing_onto_a_current_leaves_less() -> None:
    wear = ContactWear()
    wear.closed(100.0)
    assert (wear.arcs_A2s, wear.openings) == (pytest.approx(10.0), 0)


def test_without_current_nothing_wears() -> None:
    wear = ContactWear()
    for _ in range(10_000):
        wear.opened(0.4)
        wear.closed(0.4)
    assert (wear.arcs_A2s, wear.openings) == (0.0, 0)


def test_the_resistance_doubles_after_half_a_million() -> None:
    assert ContactWear(arcs_A2s=500_000.0).resistance_ohm == pytest.approx(0.001)


def test_a_worn_pole_welds_at_its_next_closing_and_not_before() -> None:
    pole = ContactorPole()
    pole.wear.arcs_A2s = 999_999.0
    pole.closed = False
    pole.note_arc(30.0)  # opened: 4.5 A²s
    assert pole.wear.worn_out
    assert not pole.welded
    pole.closed = True
    pole.note_arc(0.0)
    assert pole.welded


def closed(rig: Rig) -> bool:
    return rig.evse.board.positive.closed and rig.evse.board.negative.closed


def test_opening_under_power_wears_both_poles_and_the_link_has_their_resistance() -> None:
    rig = Rig()
    rig.connect()
    new_ohm = rig.evse.link_ohm
    rig.regulate(450.0, 30.0, 0.0)
    rig.run(1.0)
    flowed_A = rig.evse.circuit.output_A
    before_A2s = rig.evse.board.positive.wear.arcs_A2s
    inject(rig.evse, "e_stop", True)
    while closed(rig):
        rig.run(STEP_S)
    for pole in (rig.evse.board.positive, rig.evse.board.negative):
        assert pole.wear.arcs_A2s - before_A2s == pytest.approx(flowed_A**2 * 0.005, rel=0.02)
    inject(rig.evse, "contactor_worn", True, 500_000.0)
    assert rig.evse.link_ohm - new_ohm == pytest.approx(0.001, rel=0.05)
    assert rig.evse.energy.violations == 0
