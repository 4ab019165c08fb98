"""kill -9 of the daemon at an AC outlet in both directions, and in a session that a contract pays: one bill, with the plant's energy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.system.conftest import Demo

REGISTERS = {"import": "Energy.Active.Import.Register", "export": "Energy.Active.Export.Register"}


def last_transaction(demo: Demo) -> dict[str, Any]:
    found: dict[str, Any] = demo.state()["central_system"]["transactions"][-1]
    return found


def at_begin_Wh(transaction: dict[str, Any], direction: str) -> float:
    """The meter's register when the transaction began; the plant's integral began with the meter's."""
    for value in transaction["events"][0]["meterValue"][0]["sampledValue"]:
        if value["measurand"] == REGISTERS[direction]:
            return float(value["value"])
    raise AssertionError(f"no {REGISTERS[direction]} in the Started event")


def power_at(demo: Demo, power_W: float) -> None:
    demo.until("the first loop", lambda: demo.state()["car"]["loops"] > 0)
    assert demo.until("the set-point", lambda: demo.steer(do="setpoint", power_W=power_W)["ok"])
    demo.until_power(power_W)


def kill_the_daemon(demo: Demo) -> None:
    """Power goes away, and the daemon comes back."""
    assert demo.steer(do="kill", what="daemon")["ok"]
    demo.until("the contactor to open", lambda: not demo.plant()["contactor_closed"], pause_s=0.01)
    assert abs(demo.plant()["power_W"]) < 100.0
    demo.until("the daemon", lambda: demo.state()["processes"]["daemon"]["starts"] == 2)


def stop_and_check_the_bill(demo: Demo, number: str) -> dict[str, Any]:
    """One transaction, ended once by the central system, delivered without gaps, with the plant's energies."""
    demo.until("the stop to be taken", lambda: demo.steer(do="stop")["ok"])
    demo.until("the delivery", lambda: last_transaction(demo)["ended"])
    transaction, plant = last_transaction(demo), demo.plant()
    assert (transaction["id"], transaction["gaps"]) == (number, [])
    ended = [event for event in transaction["events"] if event["eventType"] == "Ended"]
    assert [(e["triggerReason"], e["transactionInfo"]["stoppedReason"]) for e in ended] == [("RemoteStop", "Remote")]
    for direction in REGISTERS:
        flowed_Wh = plant[f"plant_{direction}_Wh"] - at_begin_Wh(transaction, direction)
        assert transaction[f"{direction}_Wh"] == pytest.approx(flowed_Wh, rel=0.02, abs=0.5)
    assert demo.state()["central_system"]["violations"] == []
    return transaction


@pytest.mark.parametrize("power_W", [8000.0, -8000.0], ids=["charging", "discharging"])
def test_an_ac_transaction_over_a_kill_of_the_daemon(new_demo: Callable[..., Demo], power_W: float) -> None:
    demo = new_demo("--ac")
    power_at(demo, power_W)
    number = last_transaction(demo)["id"]
    kill_the_daemon(demo)
    transaction = stop_and_check_the_bill(demo, number)
    assert transaction["import_Wh" if power_W > 0 else "export_Wh"] > 0.0


def test_an_ac_car_goes_on_after_a_kill_of_the_daemon(new_demo: Callable[..., Demo]) -> None:
    demo = new_demo("--ac")
    power_at(demo, -8000.0)
    number = last_transaction(demo)["id"]
    kill_the_daemon(demo)
    demo.until("power again", lambda: demo.plant()["power_W"] < -1000.0)
    stop_and_check_the_bill(demo, number)


def test_a_transaction_of_a_contract_over_a_kill_of_the_daemon(new_demo: Callable[..., Demo]) -> None:
    demo = new_demo("--plan", '{"authorization": "PnC"}')
    power_at(demo, -8000.0)
    begun = last_transaction(demo)
    assert begun["events"][0]["idToken"]["type"] == "eMAID"
    kill_the_daemon(demo)
    demo.until("power again", lambda: abs(demo.plant()["power_W"]) > 1000.0)
    stop_and_check_the_bill(demo, begun["id"])
    assert len(demo.state()["central_system"]["transactions"]) == 1
