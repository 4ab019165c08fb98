"""kill -9 in the middle of a transfer: power is off within lease and ramp, and the bill is delivered once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.system.conftest import Demo


LEASE_S = 0.5
RAMP_S = 0.5
"""From the demo's currents at the error ramp and the normal one, with room for a busy machine."""

MACHINE_S = 1.0


def safe(plant: dict[str, Any]) -> bool:
    return abs(plant["output_A"]) < 1.0 and not plant["contactor_closed"]


@pytest.mark.parametrize(
    ("what", "reason", "trigger"),
    [
        # the transaction goes on until it is stopped: with the car back, or still waited for
        ("daemon", "Remote", "RemoteStop"),
        ("power", "Other", "AbnormalCondition"),
    ],
)
def test_kill_9_in_the_middle_of_a_transfer(discharging: Demo, what: str, reason: str, trigger: str) -> None:
    demo = discharging
    before = demo.plant()
    assert before["contactor_closed"]
    assert demo.steer(do="kill", what=what)["ok"]
    killed_s = time.monotonic()
    demo.until("current zero and contactor open", lambda: safe(demo.plant()), pause_s=0.01)
    assert time.monotonic() - killed_s < LEASE_S + RAMP_S + MACHINE_S
    if what == "daemon":
        stop_after_its_return(demo)

    def delivered() -> Any:
        transactions = demo.state()["central_system"]["transactions"]
        return transactions if transactions[0]["ended"] else None

    (transaction,) = demo.until("the transaction to be delivered", delivered)
    assert transaction["gaps"] == []
    ended = [e for e in transaction["events"] if e["eventType"] == "Ended"]
    assert len(ended) == 1
    assert ended[0]["transactionInfo"]["stoppedReason"] == reason
    assert ended[0]["triggerReason"] == trigger
    plant = demo.plant()
    assert transaction["export_Wh"] == pytest.approx(plant["plant_export_Wh"] - before_export(transaction), rel=0.02)
    state = demo.state()
    assert state["processes"][what]["starts"] == 2
    assert state["central_system"]["violations"] == []
    assert safe(plant)


def stop_after_its_return(demo: Demo) -> None:
    """The transaction goes on with the daemon's next run; the central system stops it then."""
    demo.until("restart", lambda: demo.state()["processes"]["daemon"]["starts"] == 2)
    demo.until("the stop to be taken", lambda: demo.steer(do="stop")["ok"])


def before_export(transaction: dict[str, Any]) -> float:
    """The meter's export register when the transaction began; the plant's integral began with the meter's."""
    for value in transaction["events"][0]["meterValue"][0]["sampledValue"]:
        if value["measurand"] == "Energy.Active.Export.Register":
            return float(value["value"])
    raise AssertionError("no export register in the Started event")


def test_a_new_session_after_the_daemon_came_back(discharging: Demo) -> None:
    demo = discharging
    demo.steer(do="kill", what="daemon")
    stop_after_its_return(demo)
    demo.until("delivery", lambda: demo.state()["central_system"]["transactions"][0]["ended"])
    assert demo.until("unplug", lambda: demo.steer(do="unplug")["ok"])
    demo.until("available", lambda: demo.state()["central_system"]["connectors"]["1.1"] == "Available")
    assert demo.until("plug", lambda: demo.steer(do="plug")["ok"])
    assert demo.until("token", lambda: demo.steer(do="token")["ok"])
    demo.until("power", lambda: demo.plant()["power_W"] > 5000)


def test_both_processes_killed_at_once(discharging: Demo) -> None:
    """Nobody is left to ramp: the pilot/IO board opens by itself, and the bill is still delivered once."""
    demo = discharging
    for what in ("daemon", "power"):
        assert demo.steer(do="kill", what=what)["ok"]
    demo.until("current zero and contactor open", lambda: safe(demo.plant()), pause_s=0.01)
    stop_after_its_return(demo)

    def delivered() -> Any:
        transactions = demo.state()["central_system"]["transactions"]
        return transactions if transactions[0]["ended"] else None

    (transaction,) = demo.until("the transaction to be delivered", delivered)
    assert transaction["gaps"] == []
    assert sum(e["eventType"] == "Ended" for e in transaction["events"]) == 1
    plant = demo.plant()
    assert transaction["export_Wh"] == pytest.approx(plant["plant_export_Wh"] - before_export(transaction), rel=0.02)
    demo.until("the station to recover", lambda: demo.state()["central_system"]["connectors"]["1.1"] == "Occupied")
