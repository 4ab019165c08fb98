"""Tariff and cost: what the driver is to be shown before, during and after a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chargepoint.model.ids import EvseId
from chargepoint.ocpp.blocks.authorization import token_on_wire
from chargepoint.ocpp.blocks.effects import WriteJournal
from tests.unit.ocpp.conftest import TOKEN

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk


def shown(desk: Desk) -> dict[str, Any]:
    return desk.station.costs.shown(EvseId(1), desk.now)


def begin(desk: Desk) -> None:
    desk.port.begin()
    desk.follow()


def event_answered(desk: Desk, response: dict[str, Any], kind: str = "Updated") -> None:
    request = {"eventType": kind, "transactionInfo": {"transactionId": "tx-1"}}
    desk.answered("TransactionEvent", request, response)


def text(content: str) -> dict[str, str]:
    return {"format": "UTF8", "content": content}


def test_the_tariff_of_the_driver_or_the_fallback(desk: Desk) -> None:
    desk.set("TariffCostCtrlr", "TariffFallbackMessage", "0.50 EUR/kWh")
    assert shown(desk)["tariff"] == "0.50 EUR/kWh"  # I04.FR.01
    info = {"status": "Accepted", "personalMessage": text("0.30 EUR/kWh for you"), "language1": "de"}
    desk.answered("Authorize", {"idToken": token_on_wire(TOKEN)}, {"idTokenInfo": info})
    begin(desk)
    assert shown(desk)["tariff"] == "0.30 EUR/kWh for you"  # I01.FR.03
    assert desk.station.costs.language(EvseId(1), desk.now) == "de"
    event_answered(desk, {"updatedPersonalMessage": text("0.35 EUR/kWh from now on")})
    assert shown(desk)["tariff"] == "0.35 EUR/kWh from now on"  # I06.FR.03


def test_the_running_cost_by_both_ways(desk: Desk) -> None:
    """I02.FR.03, FR.04."""
    begin(desk)
    assert (shown(desk)["total_cost"], shown(desk)["currency"]) == (None, "EUR")
    assert desk.ask("CostUpdated", {"totalCost": 1.25, "transactionId": "tx-1"}) == {}
    assert (shown(desk)["total_cost"], shown(desk)["final"]) == (1.25, False)
    event_answered(desk, {"totalCost": 2.5})
    assert shown(desk)["total_cost"] == 2.5


def test_the_final_cost_until_the_car_leaves(desk: Desk) -> None:
    begin(desk)
    desk.port.change(1, transaction_id=None)
    desk.follow()
    event_answered(desk, {"totalCost": 0.0}, "Ended")
    assert (shown(desk)["total_cost"], shown(desk)["final"]) == (0.0, True)  # I03.FR.04: free
    desk.port.end()
    desk.follow()
    assert "total_cost" not in shown(desk)


def test_an_end_without_connection_shows_the_fallback(desk: Desk) -> None:
    desk.set("TariffCostCtrlr", "TotalCostFallbackMessage", "see your invoice")
    begin(desk)
    desk.ask("CostUpdated", {"totalCost": 1.25, "transactionId": "tx-1"})
    desk.perform(desk.station.disconnected(desk.moment))
    desk.port.change(1, transaction_id=None)
    desk.follow()
    assert (shown(desk)["total_cost"], shown(desk)["cost_message"]) == (None, "see your invoice")  # I05.FR.02


def test_a_cost_of_nobody_is_written_down(desk: Desk) -> None:
    desk.effects.clear()
    assert desk.ask("CostUpdated", {"totalCost": 1.25, "transactionId": "tx-9"}) == {}
    assert any(isinstance(e, WriteJournal) and "tx-9" in e.text for e in desk.effects)
    assert "total_cost" not in shown(desk)


def test_switched_off(desk: Desk) -> None:
    begin(desk)
    for instance in ("Tariff", "Cost"):
        assert desk.set("TariffCostCtrlr", "Enabled", "false", instance) == "Accepted"
    assert shown(desk) == {}


def test_the_status_has_all_of_it(desk: Desk) -> None:
    begin(desk)
    desk.ask("CostUpdated", {"totalCost": 1.25, "transactionId": "tx-1"})
    content = {"format": "UTF8", "content": "hi"}
    desk.ask("SetDisplayMessage", {"message": {"id": 1, "priority": "InFront", "message": content}})
    display: Any = desk.station.displayed(desk.moment)["1"]
    assert (display["total_cost"], display["messages"][0]["content"]) == (1.25, "hi")
