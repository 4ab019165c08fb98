"""F05: UnlockConnector and what its answer says."""

from __future__ import annotations

import pytest

from chargepoint.model.commands import CommandResult, UnlockConnector
from chargepoint.model.ids import EvseId
from tests.unit.ocpp.conftest import Desk


def unlock(desk: Desk, evse_id: int = 1, connector_id: int = 1) -> str:
    desk.port.commands.clear()
    status: str = desk.ask("UnlockConnector", {"evseId": evse_id, "connectorId": connector_id})["status"]
    return status


@pytest.mark.parametrize("plugged", [False, True])
def test_the_result_of_the_attempt_is_the_answer(desk: Desk, plugged: bool) -> None:
    """F05.FR.01, FR.04, FR.05, FR.06: with a cable or without one."""
    desk.port.change(1, plugged=plugged)
    assert unlock(desk) == "Unlocked"
    assert desk.port.commands == [UnlockConnector(EvseId(1))]
    desk.port.result = CommandResult(False, "InternalError")
    assert unlock(desk) == "UnlockFailed"


def test_who_charges_stays_locked_in(desk: Desk) -> None:
    """F05.FR.02: nothing is tried. A transaction that nobody has authorised holds nobody."""
    desk.port.begin()
    assert unlock(desk) == "OngoingAuthorizedTransaction"
    assert desk.port.commands == []
    desk.port.change(1, id_token=None)
    assert unlock(desk) == "Unlocked"


@pytest.mark.parametrize(("evse_id", "connector_id"), [(2, 1), (1, 2), (0, 1)])
def test_a_connector_that_is_not_there(desk: Desk, evse_id: int, connector_id: int) -> None:
    """F05.FR.03."""
    assert unlock(desk, evse_id, connector_id) == "UnknownConnector"
    assert desk.port.commands == []
