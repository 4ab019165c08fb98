"""`./run demo --csms URL` with a central system that takes its time, refuses a card and takes the next; the demo on a plain terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from hil.simulators.csms import Csms

ROOT = Path(__file__).resolve().parents[2]


async def test_no_card_is_shown_before_the_station_is_accepted(new_demo: Any) -> None:
    async with Csms() as system:
        system.boot_status = "Pending"
        demo = new_demo("--csms", system.url)
        await system.until(lambda: len(system.log("CP-DEMO").of("BootNotification")) >= 3, 60.0)
        assert system.log("CP-DEMO").of("Authorize") == []
        assert not (await asyncio.to_thread(demo.plant))["plugged"]
        notes = (await asyncio.to_thread(demo.state))["notes"]
        assert any("BootNotification Pending" in note for note in notes), notes
        system.boot_status = "Accepted"
        await asyncio.to_thread(demo.until, "the first loop", lambda: demo.state()["car"]["loops"] > 0)
        assert len(system.log("CP-DEMO").of("Authorize")) == 1
        assert (await asyncio.to_thread(demo.steer, do="story"))["ok"]
        await asyncio.to_thread(demo.until, "a second session", lambda: len(system.log("CP-DEMO").transactions) == 2)


async def test_a_refused_card_is_in_the_notes(new_demo: Any) -> None:
    async with Csms(tokens={"04A2B3C4D5E6F7": "Blocked"}) as system:
        demo = new_demo("--csms", system.url)

        await asyncio.to_thread(
            demo.until, "the refusal with its reason",
            lambda: any("E6F7 refused: Blocked" in note for note in demo.state()["notes"]),
        )  # fmt: skip
        await asyncio.to_thread(demo.until, "the car to wait", lambda: demo.state()["car"]["phase"] == "waiting")
        assert (await asyncio.to_thread(demo.state))["car"]["error"] == "authorisation refused"


async def test_the_right_card_after_a_wrong_one_charges(new_demo: Any) -> None:
    """The station calls the waiting car back with its pilot, and the car begins a new session."""
    async with Csms(tokens={"04A2B3C4D5E6F7": "Blocked"}) as system:
        demo = new_demo("--csms", system.url)
        await asyncio.to_thread(demo.until, "the car to wait", lambda: demo.state()["car"]["phase"] == "waiting")
        assert (await asyncio.to_thread(demo.steer, do="token", value="04B2B3C4D5E6F8"))["ok"]
        await asyncio.to_thread(demo.until, "the first loop", lambda: demo.state()["car"]["loops"] > 0)


def test_a_terminal_without_a_cursor_gets_lines(tmp_path: Path, sdp_port: int) -> None:
    """On a pseudo-terminal, for only there the live screen would be drawn."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "hil.demo", "--dir", str(tmp_path / "demo"), "--sdp-port", str(sdp_port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=slave, stderr=slave, env={**os.environ, "TERM": "dumb"})
    os.close(slave)
    seen, until_s = "", time.monotonic() + 60.0
    try:
        with contextlib.suppress(OSError):
            while "step 2 of 9" not in seen and time.monotonic() < until_s:
                seen += os.read(master, 4096).decode()
    finally:
        process.terminate()
        process.wait(20)
        os.close(master)
    assert "step 1 of 9: boot" in seen
    assert "step 2 of 9: plug in" in seen
    assert "\x1b[2J" not in seen
    assert "╭" not in seen
