"""After a start no connector is reported before the power process was heard, or before a stated time has passed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chargepoint.model.status import ConnectorStatus
from chargepoint.ocpp.blocks.availability import UNHEARD_MAX_S

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk


def start(desk: Desk) -> None:
    """A start of the station with the power process silent: the state is a guess."""
    desk.port.change(1, status=ConnectorStatus.UNAVAILABLE, heard=False)
    desk.restart()
    desk.accept()


def test_a_guess_is_not_reported(desk: Desk) -> None:
    start(desk)
    assert desk.reported() == []


def test_the_settled_state_is_reported_once_the_power_process_was_heard(desk: Desk) -> None:
    start(desk)
    desk.port.change(1, heard=True)
    desk.change_status(1, ConnectorStatus.OCCUPIED)
    assert desk.reported() == ["Occupied"]


def test_a_silent_power_process_is_reported_after_the_bound(desk: Desk) -> None:
    start(desk)
    assert desk.reported(UNHEARD_MAX_S - 0.1) == []
    assert desk.station.availability.deadline_s == UNHEARD_MAX_S  # the client comes again by itself
    assert desk.reported(UNHEARD_MAX_S) == ["Unavailable"]


def test_afterwards_only_the_heartbeat_wakes_the_client(desk: Desk) -> None:
    start(desk)
    desk.reported(UNHEARD_MAX_S)
    desk.contribute()
    assert desk.station.availability.deadline_s is None
    assert desk.station.deadline_s == 300.0


def test_one_silent_evse_does_not_hold_back_the_other(two_evses: Desk) -> None:
    two_evses.port.evses[1] = replace(two_evses.port.evses[1], heard=False)
    two_evses.restart()
    two_evses.accept()
    two_evses.due()
    assert [s.payload["evseId"] for s in two_evses.sent if s.action == "StatusNotification"] == [1]
