"""A start at a reserved EVSE: who may, and which records carry the reservation's number."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.status import ConnectorStatus
from chargepoint.model.transactions import ChargingState, TransactionEventType, TransactionRecord, TriggerReason
from chargepoint.ocpp.blocks import transactions
from chargepoint.ocpp.blocks.authorization import token_on_wire
from tests.unit.ocpp.conftest import UTC0_S, Desk

MINE = IdToken("04A1B2C3", IdTokenType.ISO14443)
OTHER = IdToken("04FFFFFF", IdTokenType.ISO14443)
STARTED, UPDATED = TransactionEventType.STARTED, TransactionEventType.UPDATED


def reserve(desk: Desk, group: str = "") -> None:
    """Number 7, for EVSE 1."""
    request: dict[str, Any] = {
        "id": 7,
        "expiryDateTime": datetime.fromtimestamp(UTC0_S + 600.0, UTC).isoformat().replace("+00:00", "Z"),
        "idToken": token_on_wire(MINE),
        "evseId": 1,
    }
    if group:
        request["groupIdToken"] = {"idToken": group, "type": "Central"}
    assert desk.ask("ReserveNow", request)["status"] == "Accepted"
    desk.due()


def number(desk: Desk, kind: TransactionEventType, trigger: TriggerReason, token: IdToken | None) -> int | None:
    """The reservationId of this record, as it goes on the wire."""
    record = TransactionRecord(
        TransactionId("tx-1"), EvseId(1), 1, kind, 0, trigger, desk.moment.utc, ChargingState.EV_CONNECTED, token
    )
    reservation_id = desk.station.reservations.of(record)
    payload = transactions.event_payload(record, desk.station.model, False, reservation_id)
    assert desk.schemas.check_request("TransactionEvent", payload) is None
    found: int | None = payload.get("reservationId")
    return found


def use(desk: Desk, token: IdToken) -> None:
    """The token is shown at EVSE 1, and accepted."""
    desk.perform(desk.station.reservations.used(token, EvseId(1), desk.now))


def test_the_record_with_the_token_names_the_reservation(desk: Desk) -> None:
    """E01.FR.13, E02.FR.03, E03.FR.03, F02.FR.06: also where the transaction began at the plug, before its token."""
    reserve(desk)
    use(desk, MINE)
    assert number(desk, STARTED, TriggerReason.CABLE_PLUGGED_IN, MINE) == 7
    assert number(desk, STARTED, TriggerReason.CABLE_PLUGGED_IN, None) is None
    assert number(desk, UPDATED, TriggerReason.AUTHORIZED, MINE) == 7
    assert number(desk, UPDATED, TriggerReason.REMOTE_START, MINE) == 7
    assert number(desk, UPDATED, TriggerReason.STOP_AUTHORIZED, MINE) is None
    assert number(desk, STARTED, TriggerReason.AUTHORIZED, OTHER) is None


def test_the_next_transaction_of_the_token_has_no_reservation(desk: Desk) -> None:
    """E01.FR.13: the number belongs to the transaction that ended the reservation, and to no later one."""
    reserve(desk)
    use(desk, MINE)
    assert number(desk, STARTED, TriggerReason.AUTHORIZED, MINE) == 7
    use(desk, MINE)
    assert number(desk, STARTED, TriggerReason.AUTHORIZED, MINE) is None


@pytest.mark.parametrize(("group", "status"), [("others", "Rejected"), ("", "Rejected"), ("family", "Accepted")])
def test_a_remote_start_for_another_group(desk: Desk, group: str, status: str) -> None:
    """F02.FR.24."""
    reserve(desk, "Family")
    request: dict[str, Any] = {"idToken": token_on_wire(OTHER), "remoteStartId": 1, "evseId": 1}
    if group:
        request["groupIdToken"] = {"idToken": group, "type": "Central"}
    assert desk.ask("RequestStartTransaction", request)["status"] == status


@pytest.mark.parametrize("state", [ConnectorStatus.UNAVAILABLE, ConnectorStatus.FAULTED])
def test_a_remote_start_where_nothing_can_start(desk: Desk, state: ConnectorStatus) -> None:
    """F01.FR.23."""
    desk.port.change(1, status=state)
    request = {"idToken": token_on_wire(MINE), "remoteStartId": 1, "evseId": 1}
    assert desk.ask("RequestStartTransaction", request)["status"] == "Rejected"


def test_a_triggered_status_is_that_of_now(desk: Desk) -> None:
    """F06.FR.09: not what was reported last."""
    desk.now_s = 33.0
    desk.port.change(1, status=ConnectorStatus.FAULTED)
    place = {"evse": {"id": 1, "connectorId": 1}}
    answer = desk.answer("TriggerMessage", {"requestedMessage": "StatusNotification", **place})
    [sent] = desk.sends(answer)
    assert (sent.payload["connectorStatus"], sent.payload["timestamp"]) == ("Faulted", desk.moment.wire)
