"""What a connector reports when it is ordered out of service or reserved, with and without a driver at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chargepoint.model.commands import ChangeAvailability, ReserveEvse
from chargepoint.model.ids import EvseId
from chargepoint.model.image import ControlPilot, Stage

if TYPE_CHECKING:
    from tests.unit.control.conftest import Bench


EVSE = EvseId(1)


def reported(bench: Bench) -> list[str]:
    """Since the last question."""
    found = [change.status.value for change in bench.statuses]
    bench.statuses.clear()
    return found


def test_an_order_that_changes_the_status_is_reported(bench: Bench) -> None:
    """G01.FR.07."""
    bench.live(0.7)
    assert reported(bench) == ["Available"]
    bench.command(ChangeAvailability(EVSE, operative=False))
    assert reported(bench) == ["Unavailable"]
    bench.command(ChangeAvailability(EVSE, operative=True))
    bench.live(0.7)
    assert reported(bench) == ["Available"]


def test_an_order_during_a_transaction_takes_effect_when_the_car_has_gone(bench: Bench) -> None:
    """G01.FR.05: never Available in between."""
    bench.live(0.7)
    bench.begun()
    assert reported(bench) == ["Available", "Occupied"]
    bench.command(ChangeAvailability(EVSE, operative=False))
    bench.live(1.0)
    assert reported(bench) == []
    bench.live(2.0, pilot=ControlPilot.A, stage=Stage.OFF)
    assert reported(bench) == ["Unavailable"]


def test_a_reservation_and_its_end_are_reported(bench: Bench) -> None:
    """H01.FR.23, H02.FR.04."""
    bench.live(0.7)
    reported(bench)
    bench.command(ReserveEvse(EVSE, reserved=True))
    assert reported(bench) == ["Reserved"]
    bench.command(ReserveEvse(EVSE, reserved=False))
    assert reported(bench) == ["Available"]
