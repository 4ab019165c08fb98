"""Somebody at the power link who means no good: he writes no log full, and wakes nothing that is latched."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargepoint.model.ids import EvseId
from chargepoint.power.cycle import COMPLAINTS_MAX
from chargepoint.power.link_codec import ResetFaults, encode_down
from tests.shell.test_power_cycle import Daemon, Station


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Station]:
    made = Station(tmp_path / "run" / "power.sock")
    yield made
    made.link.close()


def bound(seconds: float) -> float:
    """Lines in so many seconds, with the line that counts the rest."""
    return (COMPLAINTS_MAX + 1) * (seconds + 1)


def test_resets_by_a_thousand_names_do_not_write_the_log_full(
    hostile: Station, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    peer = Daemon(hostile.path)
    asked = 0

    def flood(tick: int) -> None:
        nonlocal asked
        with contextlib.suppress(BlockingIOError):
            for _ in range(20):
                peer.socket.send(encode_down(ResetFaults(EvseId(1), f"nobody {asked}")))
                asked += 1

    began_s = hostile.clock.now_s
    hostile.run(200, flood)
    lines = [record.getMessage() for record in caplog.records if "asked by nobody" in record.getMessage()]
    assert asked > 1000
    assert 1 <= len(lines) <= bound(hostile.clock.now_s - began_s)
    peer.close()


def test_connections_that_come_and_go_do_not_write_the_log_full(
    hostile: Station, caplog: pytest.LogCaptureFixture
) -> None:
    def come_and_go(tick: int) -> None:
        Daemon(hostile.path).close()

    began_s = hostile.clock.now_s
    hostile.run(300, come_and_go)
    lines = [record.getMessage() for record in caplog.records if "daemon gone" in record.getMessage()]
    assert 1 <= len(lines) <= bound(hostile.clock.now_s - began_s)
