"""After a start no connector is reported before the power process was heard, or before a stated time has passed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chargepoint.model.ids import EvseId
from chargepoint.model.status import ConnectorStatus, ConnectorStatusChanged
from chargepoint.ocpp.station import UNHEARD_MAX_S

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk


def due(desk: Desk) -> list[ConnectorStatus]:
    return [change.status for change in desk.station.connectors_due(desk.moment)]


def start(desk: Desk) -> None:
    """A start of the station with the power process silent: the state is a guess."""
    desk.port.change(1, status=ConnectorStatus.UNAVAILABLE, heard=False)
    desk.restart()
    desk.accept()


def test_a_guess_is_not_reported(desk: Desk) -> None:
    start(desk)
    assert due(desk) == []


def test_the_settled_state_is_reported_once_the_power_process_was_heard(desk: Desk) -> None:
    start(desk)
    desk.port.change(1, status=ConnectorStatus.OCCUPIED, heard=True)
    desk.station.board.changed(ConnectorStatusChanged(EvseId(1), 1, ConnectorStatus.OCCUPIED, desk.moment.utc))
    assert due(desk) == [ConnectorStatus.OCCUPIED]


def test_a_silent_power_process_is_reported_after_the_bound(desk: Desk) -> None:
    start(desk)
    desk.now_s = UNHEARD_MAX_S - 0.1
    assert due(desk) == []
    assert desk.station.deadline_s == UNHEARD_MAX_S  # the client comes again by itself
    desk.now_s = UNHEARD_MAX_S
    assert due(desk) == [ConnectorStatus.UNAVAILABLE]


def test_afterwards_only_the_heartbeat_wakes_the_client(desk: Desk) -> None:
    start(desk)
    desk.now_s = UNHEARD_MAX_S
    for change in desk.station.connectors_due(desk.moment):
        desk.station.board.reported(change)
    assert desk.station.deadline_s == 300.0


def test_one_silent_evse_does_not_hold_back_the_other(two_evses: Desk) -> None:
    two_evses.port.evses[1] = replace(two_evses.port.evses[1], heard=False)
    two_evses.restart()
    two_evses.accept()
    assert [change.evse_id for change in two_evses.station.connectors_due(two_evses.moment)] == [EvseId(1)]
