"""A car pauses in the transfer, the daemon is killed and started again, and the car goes on in the same session.

Same SessionID, same transaction, in Scheduled mode the same schedule; TLS 1.3, real processes, both control modes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.system.conftest import Demo


def traced(folder: Path) -> list[dict[str, Any]]:
    """Every frame of every session of EVSE 1, in order."""
    files = sorted(folder.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines() if line]


def messages(folder: Path, name: str) -> list[dict[str, Any]]:
    """The decoded messages of this name."""
    return [entry["message"][name] for entry in traced(folder) if name in (entry.get("message") or {})]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["dynamic", "scheduled"])
def test_a_paused_car_goes_on_after_the_daemon_was_killed(
    new_demo: Callable[..., Demo], tmp_path: Path, mode: str
) -> None:
    trace = tmp_path / "trace"
    demo = new_demo("--control-mode", mode, "--trace", str(trace))
    demo.until("the first loops", lambda: demo.state()["car"]["loops"] > 20)
    assert demo.steer(do="setpoint", power_W=6000)["ok"]  # and the story stops
    # the set-point's profile outlives the restart, and a schedule offered before it would not hold any more
    clear = {"chargingProfileCriteria": {"evseId": 1}}
    assert demo.steer(do="ocpp", action="ClearChargingProfile", payload=clear)["ok"]
    before = demo.state()["central_system"]["transactions"]
    assert before
    assert demo.steer(**{"do": "ask_car", "for": "pause"})["ok"]
    demo.until("the pause", lambda: demo.state()["daemon"]["evses"]["1"]["paused"])
    assert demo.steer(do="kill", what="daemon")["ok"]
    demo.until("the daemon is back", lambda: demo.state()["processes"]["daemon"]["starts"] == 2)
    demo.until("power again", lambda: abs(demo.plant()["power_W"]) > 1000.0)
    setups = messages(trace, "SessionSetupRes")
    assert [s["ResponseCode"] for s in setups] == ["OK_NewSessionEstablished", "OK_OldSessionJoined"]
    assert setups[0]["Header"]["SessionID"] == setups[1]["Header"]["SessionID"]
    if mode == "scheduled":
        first, second = (
            s["Scheduled_SEResControlMode"]["ScheduleTuple"] for s in messages(trace, "ScheduleExchangeRes")
        )
        assert first == second
    transactions = demo.state()["central_system"]["transactions"]
    assert [t["id"] for t in transactions] == [t["id"] for t in before]
    assert not transactions[-1]["ended"]
    assert transactions[-1]["gaps"] == []
