"""The central system's frames count in their order: what an answer means holds for the very next CALL."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from chargepoint.app.clock import SystemClock
from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.ocpp.client import OcppClient
from chargepoint.store.database import Store
from tests.shell.test_ocpp_versions import Port

REPORT = {"requestId": 1, "reportBase": "SummaryInventory"}


@pytest.mark.parametrize(
    ("status", "answer"), [("Rejected", "SecurityError"), ("Accepted", "Accepted"), ("Pending", "Accepted")]
)
async def test_a_call_right_behind_the_answer_to_the_boot(tmp_path: Path, status: str, answer: str) -> None:
    """B03.FR.08: the answer and the CALL may arrive in one segment."""
    answers: asyncio.Queue[Any] = asyncio.Queue()

    async def talk(socket: ServerConnection) -> None:
        async for text in socket:
            message = json.loads(text)
            if message[0] == 2 and message[2] == "BootNotification":
                now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
                boot = [3, message[1], {"status": status, "interval": 300, "currentTime": now}]
                calls = [[2, f"q{number}", "GetBaseReport", {**REPORT, "requestId": number}] for number in range(5)]
                await asyncio.gather(*(socket.send(json.dumps(frame)) for frame in (boot, *calls)))
            elif message[0] == 2:
                await socket.send(json.dumps([3, message[1], {}]))
            else:
                await answers.put(message)

    store = Store.open(tmp_path / "s.db")
    async with serve(talk, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp2.0.1")]) as listening:
        port = listening.sockets[0].getsockname()[1]
        section = CsmsSection(url=f"ws://127.0.0.1:{port}/ocpp", identity="CP1", call_timeout_s=2.0)
        client = OcppClient(section, StationSection(), store, Port(), SystemClock(), logging.getLogger("test"))
        task = asyncio.create_task(client.run())
        try:
            async with asyncio.timeout(20):
                found = [await answers.get() for _ in range(5)]
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            store.close()
    assert [message[2] if message[0] == 4 else message[2]["status"] for message in found] == [answer] * 5
