"""H01 to H04: reservations made, kept, used, ended; which EVSEs they keep free, and for whom."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoint.model.commands import CommandResult, ReserveEvse, StartTransaction
from chargepoint.model.ids import EvseId, IdToken, IdTokenType
from chargepoint.model.status import ConnectorStatus
from chargepoint.ocpp.blocks.authorization import token_on_wire
from chargepoint.ocpp.blocks.effects import Post
from tests.unit.ocpp.conftest import UTC0_S, Desk

MINE = IdToken("04A1B2C3", IdTokenType.ISO14443)
OTHER = IdToken("04FFFFFF", IdTokenType.ISO14443)
ONE, TWO = EvseId(1), EvseId(2)


@pytest.fixture
def desk(two_evses: Desk) -> Desk:
    two_evses.port.commands.clear()
    return two_evses


def at(seconds: float) -> str:
    return datetime.fromtimestamp(UTC0_S + seconds, UTC).isoformat().replace("+00:00", "Z")


def reserve(desk: Desk, number: int = 7, seconds: float = 60.0, **more: Any) -> str:
    request = {"id": number, "expiryDateTime": at(seconds), "idToken": token_on_wire(MINE), **more}
    status: str = desk.ask("ReserveNow", request)["status"]
    desk.due()
    return status


def ordered(desk: Desk) -> dict[int, bool]:
    """How each EVSE was ordered last, as the station then shows it."""
    found = {int(c.evse_id): c.reserved for c in desk.port.commands if isinstance(c, ReserveEvse)}
    for number, reserved in found.items():
        if desk.port.evses[number - 1].status in (ConnectorStatus.AVAILABLE, ConnectorStatus.RESERVED):
            desk.port.change(number, status=ConnectorStatus.RESERVED if reserved else ConnectorStatus.AVAILABLE)
    return found


def updates(desk: Desk) -> list[tuple[int, str]]:
    return [
        (e.payload["reservationId"], e.payload["reservationUpdateStatus"])
        for e in desk.effects
        if isinstance(e, Post) and e.action == "ReservationStatusUpdate"
    ]


def may(desk: Desk, token: IdToken, evse_id: EvseId) -> bool:
    return desk.station.reservations.refuses(token, evse_id, desk.now) == ""


def test_an_evse_is_kept_for_its_token(desk: Desk) -> None:
    """H01.FR.03."""
    assert reserve(desk, evseId=1) == "Accepted"
    assert ordered(desk) == {1: True}
    assert [may(desk, token, evse) for token in (MINE, OTHER) for evse in (ONE, TWO)] == [True, True, False, True]
    assert "reserved for another token" in desk.station.reservations.refuses(OTHER, ONE, desk.now)


def test_using_it_ends_it(desk: Desk) -> None:
    reserve(desk, evseId=1)
    ordered(desk)
    desk.perform(desk.station.reservations.used(OTHER, TWO, desk.now))
    assert list(desk.kept("reservations")) == ["7"]
    desk.perform(desk.station.reservations.used(MINE, ONE, desk.now))
    desk.due()
    assert (desk.kept("reservations"), ordered(desk)) == ({}, {1: False})
    assert updates(desk) == []  # the transaction's first record says it (H01.FR.15)


def test_it_expires_and_says_so(desk: Desk) -> None:
    reserve(desk, evseId=1)
    ordered(desk)
    assert desk.station.reservations.deadline_s == 60.0
    desk.due(59.9)
    assert updates(desk) == []
    desk.due(60.0)
    assert (updates(desk), ordered(desk), desk.kept("reservations")) == ([(7, "Expired")], {1: False}, {})


def test_it_can_be_cancelled_once(desk: Desk) -> None:
    reserve(desk, evseId=1)
    assert desk.ask("CancelReservation", {"reservationId": 7})["status"] == "Accepted"
    desk.due()
    assert ordered(desk) == {1: False}
    assert desk.ask("CancelReservation", {"reservationId": 7})["status"] == "Rejected"
    assert updates(desk) == []


def test_the_same_id_replaces(desk: Desk) -> None:
    """H01.FR.02, also onto the EVSE it holds already."""
    assert [reserve(desk, evseId=number) for number in (1, 1, 2)] == ["Accepted"] * 3
    assert ordered(desk) == {1: False, 2: True}
    assert len(desk.kept("reservations")) == 1


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (ConnectorStatus.FAULTED, "Faulted"),
        (ConnectorStatus.UNAVAILABLE, "Unavailable"),
        (ConnectorStatus.OCCUPIED, "Occupied"),
    ],
)
def test_what_is_not_free_is_not_reserved(desk: Desk, status: ConnectorStatus, answer: str) -> None:
    """H01.FR.12."""
    desk.port.change(1, status=status)
    assert reserve(desk, evseId=1) == answer
    assert desk.kept("reservations") == {}


def test_what_is_reserved_is_occupied_for_others(desk: Desk) -> None:
    reserve(desk, 7, evseId=1)
    ordered(desk)
    assert reserve(desk, 8, evseId=1) == "Occupied"  # H01.FR.11


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"evseId": 9}, "UnknownEvse"),
        ({"expiryDateTime": at(-1)}, "ValueOutOfRange"),
        ({"expiryDateTime": at(0)}, "ValueOutOfRange"),
        ({"expiryDateTime": "9999-12-31T00:00:00Z"}, "ValueOutOfRange"),
        ({"connectorType": "cTesla"}, "UnknownConnectorType"),
        ({"idToken": {"idToken": "zz", "type": "ISO14443"}}, "InvalidIdToken"),
    ],
)
def test_refusals_with_their_reason(desk: Desk, more: dict[str, Any], reason: str) -> None:
    request = {"id": 7, "expiryDateTime": at(60), "idToken": token_on_wire(MINE), **more}
    answer = desk.ask("ReserveNow", request)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", reason)
    assert answer["statusInfo"]["additionalInfo"]


def test_switched_off(desk: Desk) -> None:
    desk.set("ReservationCtrlr", "NonEvseSpecific", "false")
    assert [reserve(desk), reserve(desk, evseId=1)] == ["Rejected", "Accepted"]  # H01.FR.19
    desk.set("ReservationCtrlr", "Enabled", "false")
    assert reserve(desk, 8, evseId=2) == "Rejected"


def test_an_open_reservation_keeps_the_last_free_evse(desk: Desk) -> None:
    """H01.FR.07, FR.20. H01.FR.18."""
    assert reserve(desk) == "Accepted"
    assert ordered(desk) == {}
    assert may(desk, OTHER, ONE)
    desk.port.begin(1)
    desk.follow()
    desk.due()
    assert ordered(desk) == {2: True}
    assert (may(desk, OTHER, TWO), may(desk, MINE, TWO)) == (False, True)
    desk.port.end(1)
    desk.follow()
    desk.due()
    assert ordered(desk) == {2: False}


def test_as_many_open_reservations_as_evses(desk: Desk) -> None:
    assert [reserve(desk, number) for number in (1, 2, 3)] == ["Accepted", "Accepted", "Occupied"]
    assert ordered(desk) == {1: True, 2: True}


def test_a_connector_type_is_kept(desk: Desk) -> None:
    """H01.FR.24."""
    desk.port.change(2, connector_type="cMCS")
    desk.restart()
    desk.accept()
    assert reserve(desk, connectorType="cCCS2") == "Accepted"
    assert ordered(desk) == {1: True}
    assert may(desk, OTHER, TWO)


@pytest.mark.parametrize("status", [ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE])
def test_a_broken_evse_keeps_nothing_free(desk: Desk, status: ConnectorStatus) -> None:
    reserve(desk, 7, evseId=1)
    reserve(desk, 8)
    ordered(desk)
    desk.port.change(1, status=status)
    desk.follow()
    assert updates(desk) == [(7, "Removed")]  # H01.FR.16, FR.17
    assert list(desk.kept("reservations")) == ["8"]  # EVSE 2 is there still


def test_a_power_process_not_heard_yet_removes_nothing(desk: Desk) -> None:
    reserve(desk, 7, evseId=1)
    desk.port.change(1, status=ConnectorStatus.UNAVAILABLE, heard=False)
    desk.restart()
    desk.follow()
    assert updates(desk) == []


def test_it_persists_a_reset(desk: Desk) -> None:
    """TC_B_24. B01.FR.13."""
    reserve(desk, evseId=1)
    desk.port.change(1, status=ConnectorStatus.AVAILABLE)
    desk.port.commands.clear()
    desk.restart()
    desk.due()
    assert ordered(desk) == {1: True}
    assert not may(desk, OTHER, ONE)


def test_a_group_may_use_it(desk: Desk) -> None:
    """H03.FR.07: the group comes from the authorization cache."""
    reserve(desk, evseId=1, groupIdToken={"idToken": "Family", "type": "Central"})
    info = {"status": "Accepted", "groupIdToken": {"idToken": "family", "type": "Central"}}
    assert not may(desk, OTHER, ONE)
    desk.answered("Authorize", {"idToken": token_on_wire(OTHER)}, {"idTokenInfo": info})
    assert may(desk, OTHER, ONE)  # H03.FR.04, FR.08


def test_a_remote_start_uses_its_own_and_no_other(desk: Desk) -> None:
    """F01.FR.21."""
    reserve(desk, evseId=1)
    ordered(desk)

    def start(token: IdToken) -> Any:
        return desk.ask("RequestStartTransaction", {"idToken": token_on_wire(token), "remoteStartId": 1, "evseId": 1})

    assert start(OTHER)["statusInfo"]["reasonCode"] == "Reserved"
    desk.port.result = CommandResult(False, "InternalError", "no")
    assert start(MINE)["status"] == "Rejected"
    assert list(desk.kept("reservations")) == ["7"]  # refused: not used
    desk.port.result = CommandResult(True)
    assert start(MINE)["status"] == "Accepted"
    assert isinstance(desk.port.commands[-1], StartTransaction)
    assert desk.kept("reservations") == {}


# -- the end of a reservation, and a car that was not meant --------------------------------------------------------------


def states_reported(desk: Desk) -> list[tuple[int, str]]:
    """The EVSEs change their status as ordered; what is then sent."""
    before = [evse.status for evse in desk.port.evses]
    ordered(desk)
    desk.port.commands.clear()
    for number, (earlier, evse) in enumerate(zip(before, desk.port.evses, strict=True), start=1):
        if evse.status is not earlier:
            desk.change_status(number, evse.status)
    sent = len(desk.sent)
    desk.reported()
    found = [send.payload for send in desk.sent[sent:] if send.action == "StatusNotification"]
    return [(payload["evseId"], payload["connectorStatus"]) for payload in found]


def test_a_reserved_evse_is_reported_and_so_is_the_end(desk: Desk) -> None:
    """H01.FR.23; H02.FR.03, FR.04: after the cancellation the EVSE is Available, for any driver."""
    desk.reported()
    assert reserve(desk, evseId=1) == "Accepted"
    assert states_reported(desk) == [(1, "Reserved")]
    assert not may(desk, OTHER, ONE)
    assert desk.ask("CancelReservation", {"reservationId": 7})["status"] == "Accepted"
    desk.due()
    assert states_reported(desk) == [(1, "Available")]
    assert may(desk, OTHER, ONE)


def test_an_open_reservation_that_is_cancelled_frees_all_it_held(desk: Desk) -> None:
    """H02.FR.05, FR.06: all EVSEs but those that are reserved by themselves."""
    desk.reported()
    assert [reserve(desk, 1), reserve(desk, 2, evseId=2)] == ["Accepted", "Accepted"]
    assert states_reported(desk) == [(1, "Reserved"), (2, "Reserved")]
    desk.ask("CancelReservation", {"reservationId": 1})
    desk.due()
    assert states_reported(desk) == [(1, "Available")]
    assert (may(desk, OTHER, ONE), may(desk, OTHER, TWO)) == (True, False)


def test_a_connector_type_is_reported_reserved(desk: Desk) -> None:
    """H01.FR.24: once as many are reserved as are free, all EVSEs with that connector are Reserved."""
    desk.reported()
    assert reserve(desk, 1, connectorType="cCCS2") == "Accepted"
    assert states_reported(desk) == []
    assert reserve(desk, 2, connectorType="cCCS2") == "Accepted"
    assert states_reported(desk) == [(1, "Reserved"), (2, "Reserved")]


def test_a_group_may_use_a_connector_type(desk: Desk) -> None:
    """H03.FR.05."""
    desk.port.change(2, connector_type="cMCS")
    reserve(desk, connectorType="cCCS2", groupIdToken={"idToken": "Family", "type": "Central"})
    assert (may(desk, MINE, ONE), may(desk, OTHER, ONE)) == (True, False)
    info = {"status": "Accepted", "groupIdToken": {"idToken": "family", "type": "Central"}}
    desk.answered("Authorize", {"idToken": token_on_wire(OTHER)}, {"idTokenInfo": info})
    assert may(desk, OTHER, ONE)


def test_a_car_that_was_not_meant_takes_nothing_from_an_open_reservation(desk: Desk) -> None:
    """G01.FR.09, H01.FR.07: both EVSEs are kept; a car that is plugged in at one of them first does not make it free for its driver."""
    assert [reserve(desk, number) for number in (1, 2)] == ["Accepted", "Accepted"]
    ordered(desk)
    desk.port.commands.clear()
    desk.port.change(1, plugged=True)  # its connector stays Reserved
    desk.follow()
    desk.due()
    assert ordered(desk) == {}
    assert (may(desk, OTHER, ONE), may(desk, MINE, ONE)) == (False, True)


@pytest.mark.parametrize("evse_id", [1, 2])
def test_an_available_evse_can_be_reserved_beside_an_open_reservation(desk: Desk, evse_id: int) -> None:
    """H01.FR.23: the open reservation has the other EVSE. A third finds no EVSE."""
    assert [reserve(desk, 1), reserve(desk, 2, evseId=evse_id)] == ["Accepted", "Accepted"]
    assert [reserve(desk, 3), reserve(desk, 3, evseId=1), reserve(desk, 3, evseId=2)] == ["Occupied"] * 3


def test_an_open_reservation_does_not_take_the_only_evse_of_a_kind(desk: Desk) -> None:
    """One reservation for each of two kinds, and none beside them."""
    desk.port.change(2, connector_type="cCCS1")
    assert [reserve(desk, 1, connectorType="cCCS1"), reserve(desk, 2)] == ["Accepted", "Accepted"]
    assert reserve(desk, 3, connectorType="cCCS2") == "Occupied"
