"""Security events whose cause lies outside the core: an invalid frame on the wire, and the memory of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chargepoint.app.clock import SystemClock
from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.ocpp.blocks.jobs import FreeMemory, JobDone, JobFailed, MeasureMemory
from chargepoint.ocpp.client import OcppClient
from chargepoint.store.database import Store
from tests.shell.test_ocpp_performer import runner
from tests.shell.test_ocpp_wire import Ear, Port


@pytest.fixture
async def ear(tmp_path: Path) -> AsyncIterator[Ear]:
    """A central system with a station that is connected and accepted."""
    ear = Ear()
    await ear.start()
    csms = CsmsSection(url=f"ws://127.0.0.1:{ear.port}", reconnect_min_s=0.05, call_timeout_s=1.0)
    store = Store.open(tmp_path / "s.db")
    client = OcppClient(
        csms, StationSection(state_dir=tmp_path), store, Port(), SystemClock(), logging.getLogger("test.security")
    )
    task = asyncio.create_task(client.run())
    await ear.until(lambda: len(ear.of("StatusNotification")) >= 2)
    yield ear
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    store.close()
    await ear.stop()


def kinds(ear: Ear) -> list[str]:
    return [payload["type"] for payload in ear.of("SecurityEventNotification")]


async def test_a_frame_that_is_no_message_is_answered_and_is_a_security_event(ear: Ear) -> None:
    await ear.send("this is no JSON")
    await ear.until(lambda: "InvalidMessages" in kinds(ear))
    assert ear.replies[-1][0] == 4
    await ear.send([2, "id", "GetVariables", {"getVariableData": "no list"}])
    await ear.until(lambda: ear.replies[-1][1] == "id")
    assert ear.replies[-1][0] == 4
    await ear.ask("GetVariables", {"getVariableData": [{"component": {"name": "X"}, "variable": {"name": "Y"}}]})
    assert kinds(ear).count("InvalidMessages") == 1


async def test_a_call_that_is_not_built_is_no_security_event(ear: Ear) -> None:
    assert (await ear.ask("NoSuchAction", {}))[:3:2] == [4, "NotImplemented"]
    await ear.ask("GetVariables", {"getVariableData": [{"component": {"name": "X"}, "variable": {"name": "Y"}}]})
    assert "InvalidMessages" not in kinds(ear)


async def test_disk_and_ram_of_this_machine_are_measured(tmp_path: Path) -> None:
    jobs, events = runner(tmp_path)
    jobs.start("memory", MeasureMemory())
    event = await events.get()
    assert isinstance(event, JobDone)
    disk, ram = FreeMemory.all_of(event.result)
    assert (disk.name, ram.name) == ("disk", "RAM")
    assert all(0 <= memory.free_bytes <= memory.total_bytes for memory in (disk, ram))
    assert ram.total_bytes > 2**26


async def test_a_folder_that_is_gone_cannot_be_measured(tmp_path: Path) -> None:
    jobs, events = runner(tmp_path / "gone")
    jobs.start("memory", MeasureMemory())
    assert isinstance(await events.get(), JobFailed)
