"""C15.FR.06, FR.07, E05.FR.02, FR.03: MaxEnergyOnInvalidId bounds the energy of a token that is refused afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chargepoint.model.commands import StopTransaction
from chargepoint.model.limits import ZERO

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

EVENT = {"idToken": {"idToken": "04A1B2C3", "type": "ISO14443"}, "transactionInfo": {"transactionId": "tx-1"}}


def refused(desk: Desk, charged_Wh: float | None, bound_Wh: int = 500, stops: bool = False) -> None:
    """The transaction has had this energy when the central system refuses its token."""
    desk.set("TxCtrlr", "StopTxOnInvalidId", str(stops).lower())
    desk.set("TxCtrlr", "MaxEnergyOnInvalidId", str(bound_Wh))
    desk.port.begin()
    desk.port.change(1, charged_Wh=charged_Wh)
    desk.answered("TransactionEvent", EVENT, {"idTokenInfo": {"status": "Invalid"}})


def withheld(desk: Desk) -> bool:
    """Whether the transaction may have no energy."""
    said = desk.contributions()
    return bool(said) and said[0].limits_W == ZERO


def charged(desk: Desk, charged_Wh: float | None) -> None:
    """A second later the car has had this energy."""
    desk.port.change(1, charged_Wh=charged_Wh)
    desk.due(desk.now_s + 1.0)


def test_energy_goes_on_up_to_the_bound(desk: Desk) -> None:
    refused(desk, 100.0)
    assert not withheld(desk)
    charged(desk, 499.0)
    assert not withheld(desk)
    charged(desk, 500.0)
    assert withheld(desk)
    assert not any(isinstance(command, StopTransaction) for command in desk.port.commands)
    assert desk.kept("energy-bounded") == {}


@pytest.mark.parametrize(("charged_Wh", "bound_Wh"), [(0.0, 0), (500.0, 500), (None, 500)])
def test_no_energy_without_a_bound_beyond_it_or_where_it_is_unknown(
    desk: Desk, charged_Wh: float | None, bound_Wh: int
) -> None:
    refused(desk, charged_Wh, bound_Wh)
    assert withheld(desk)


def test_an_energy_that_becomes_unknown_counts_as_too_much(desk: Desk) -> None:
    refused(desk, 100.0)
    charged(desk, None)
    assert withheld(desk)


def test_a_second_refusal_does_not_give_energy_again(desk: Desk) -> None:
    refused(desk, 500.0)
    desk.set("TxCtrlr", "MaxEnergyOnInvalidId", "1000")
    desk.answered("TransactionEvent", EVENT, {"idTokenInfo": {"status": "Invalid"}})
    assert withheld(desk)


def test_the_bound_outlives_a_restart(desk: Desk) -> None:
    refused(desk, 100.0)
    desk.restart()
    desk.accept()
    charged(desk, 600.0)
    assert withheld(desk)


def test_an_accepted_token_has_no_bound(desk: Desk) -> None:
    refused(desk, 100.0)
    desk.answered("TransactionEvent", EVENT, {"idTokenInfo": {"status": "Accepted"}})
    charged(desk, 600.0)
    assert not withheld(desk)


def test_the_next_transaction_has_no_bound(desk: Desk) -> None:
    refused(desk, 100.0)
    desk.port.end()
    desk.follow()
    assert desk.kept("energy-bounded") == {}


def test_stop_on_invalid_id_goes_before_the_bound(desk: Desk) -> None:
    """TC_C_18."""
    refused(desk, 0.0, stops=True)
    assert any(isinstance(command, StopTransaction) for command in desk.port.commands)
