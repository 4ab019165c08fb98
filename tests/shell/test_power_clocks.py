"""The clocks of the power process: no wall clock anywhere, and a suspended computer is a stall."""

from __future__ import annotations

import ast
import time
from pathlib import Path
from typing import Any

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.power.cycle import Cycle
from chargepoint.power.cycle_time import CycleTime
from chargepoint.power.evse_stage import NOT_HEARD_YET
from tests.shell.test_power_cycle import LOG, TICK_S, Daemon, Station

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("chargepoint/power", "chargepoint/safety", "drivers")
WALL_CLOCKS = {
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "datetime.now",
    "datetime.utcnow",
    "date.today",
}


@pytest.fixture
def station(tmp_path: Path) -> Any:
    made = Station(tmp_path / "run" / "power.sock")
    yield made
    made.link.close()


def test_nothing_of_the_process_names_a_wall_clock() -> None:
    """Log stamps are made by the logging library, outside these rooms."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node).removeprefix("datetime.") in WALL_CLOCKS
    ]
    assert found == []


@pytest.mark.parametrize("jump_s", [-1e9, 1e9])
def test_a_jump_of_the_wall_clock_changes_nothing(
    station: Station, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    daemon = Daemon(station.path)
    closed: list[bool] = []
    told: list[Any] = []
    honest = time.time

    def each(tick: int) -> None:
        daemon.demand(Phase.CABLE_CHECK)
        closed.append(station.board.board.contactor)
        if tick == 59:
            told.extend(daemon.told())
        if tick == 30:
            monkeypatch.setattr(time, "time", lambda: honest() + jump_s)

    station.run(60, each)
    assert closed[29] and closed[59]
    trips = [message.code for message in told if isinstance(message, InterlockTripped)]
    assert set(trips) <= NOT_HEARD_YET
    daemon.close()


def test_a_suspended_computer_is_a_stall(station: Station) -> None:
    """CLOCK_MONOTONIC stands still while the computer sleeps: to it no time has passed, to the contactor it has."""
    slept_s = 0.0
    station.cycle = Cycle(
        {EvseId(1): station.stage},
        [station.bus],
        station.link,
        TICK_S,
        station._beat,
        LOG,
        CycleTime(now=station.clock, suspended=lambda: slept_s),
    )
    daemon = Daemon(station.path)
    closed: list[bool] = []
    told: list[Any] = []

    def each(tick: int) -> None:
        nonlocal slept_s
        daemon.demand(Phase.CABLE_CHECK)
        told.extend(daemon.told())
        closed.append(station.board.board.contactor)
        if tick == 30:
            slept_s = 3600.0

    station.run(60, each)
    assert closed[29]
    assert not closed[-1]
    assert station.bus.dropped == 1
    trips = [message for message in told if isinstance(message, InterlockTripped) and message.code not in NOT_HEARD_YET]
    assert [trip.code for trip in trips] == [FaultCode.PROCESS_STALLED]
    assert "did not run for 3600" in trips[0].detail
    assert station.cycle.lateness.suspended_s == 3600.0
    daemon.close()
