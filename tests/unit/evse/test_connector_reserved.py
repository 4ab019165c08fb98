"""The status of a connector that is reserved: a car alone does not change it, the token of the reservation does."""

from __future__ import annotations

from typing import Any

from chargepoint.evse.events import ReservationChanged
from chargepoint.model.image import ControlPilot


def test_a_car_without_the_token_of_the_reservation_changes_nothing(station: Any) -> None:
    """G01.FR.09, G03.FR.09."""
    station.live(0.7)
    station.feed(ReservationChanged(True))
    station.see(pilot=ControlPilot.B)
    station.live(1.0)
    station.see(pilot=ControlPilot.A)
    station.live(1.0)
    assert station.statuses() == ["Available", "Reserved"]


def test_the_token_of_the_reservation_makes_it_occupied(station: Any) -> None:
    """G01.FR.06: before the car or after it. The token ends the reservation."""
    station.live(0.7)
    station.feed(ReservationChanged(True))
    station.see(pilot=ControlPilot.B)
    station.feed(ReservationChanged(False))
    assert station.statuses() == ["Available", "Reserved", "Occupied"]


def test_a_transaction_occupies_a_reserved_connector(station: Any) -> None:
    station.live(0.7)
    station.feed(ReservationChanged(True))
    station.see(pilot=ControlPilot.B)
    station.present()
    station.answer()
    assert station.session.view.transaction_id is not None
    station.see()
    assert station.statuses() == ["Available", "Reserved", "Occupied"]


def test_a_car_that_connects_and_leaves(station: Any) -> None:
    """G01.FR.03, FR.04."""
    station.live(0.7)
    station.see(pilot=ControlPilot.B)
    station.see(pilot=ControlPilot.A)
    assert station.statuses() == ["Available", "Occupied", "Available"]
