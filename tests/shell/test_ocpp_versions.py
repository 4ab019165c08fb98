"""The version is that of the handshake: what the central system chose among those offered, for each connection anew."""

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
from chargepoint.model.commands import CommandResult, StationCommand
from chargepoint.model.ids import EvseId
from chargepoint.model.status import ConnectorStatus, EvseState
from chargepoint.ocpp.client import OcppClient
from chargepoint.store.database import Store

EVSE = EvseState(EvseId(1), ConnectorStatus.AVAILABLE, False, None, None, False, 22_000.0, 11_000.0, None, None, True)
QUESTION = [2, "q", "GetTariffs", {"evseId": 0}]


class Port:
    def evse_states(self) -> tuple[EvseState, ...]:
        return (EVSE,)

    def command(self, command: StationCommand) -> CommandResult:
        return CommandResult(True)

    def firmware_version(self) -> str:
        return "1"


class Server:
    """Speaks the versions it is given; asks each station one question after its BootNotification."""

    def __init__(self, *versions: str) -> None:
        self.versions = versions
        self.offered: list[list[str]] = []
        self.answers: asyncio.Queue[Any] = asyncio.Queue()

    def choose(self, connection: ServerConnection, offered: Any) -> Subprotocol | None:
        self.offered.append([str(name) for name in offered])
        return next((Subprotocol(name) for name in self.versions if name in offered), None)

    async def talk(self, socket: ServerConnection) -> None:
        async for text in socket:
            message = json.loads(text)
            if message[0] == 2:
                answer: dict[str, Any] = {}
                if message[2] == "BootNotification":
                    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
                    answer = {"status": "Accepted", "interval": 300, "currentTime": now}
                await socket.send(json.dumps([3, message[1], answer]))
                if message[2] == "BootNotification":
                    await socket.send(json.dumps(QUESTION))
            else:
                await self.answers.put(message)


async def answer_of(tmp_path: Path, server: Server, versions: tuple[Any, ...]) -> tuple[Any, object]:
    """The station's answer to the question, and the version it names."""
    store = Store.open(tmp_path / "s.db")
    async with serve(server.talk, "127.0.0.1", 0, select_subprotocol=server.choose) as listening:
        port = listening.sockets[0].getsockname()[1]
        section = CsmsSection(
            url=f"ws://127.0.0.1:{port}/ocpp",
            identity="CP1",
            reconnect_min_s=0.05,
            versions=versions,
            call_timeout_s=2.0,
        )
        client = OcppClient(section, StationSection(), store, Port(), SystemClock(), logging.getLogger("test"))
        task = asyncio.create_task(client.run())
        try:
            async with asyncio.timeout(20):
                return await server.answers.get(), client.snapshot()["version"]
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            store.close()


@pytest.mark.parametrize(
    ("spoken", "chosen", "code"),
    [
        (("ocpp2.1", "ocpp2.0.1"), "ocpp2.1", "NotSupported"),
        (("ocpp2.0.1",), "ocpp2.0.1", "NotImplemented"),
    ],
)
async def test_the_central_system_chooses(tmp_path: Path, spoken: tuple[str, ...], chosen: str, code: str) -> None:
    """GetTariffs is a word of 2.1 only."""
    server = Server(*spoken)
    answer, version = await answer_of(tmp_path, server, ("ocpp2.1", "ocpp2.0.1"))
    assert server.offered[0] == ["ocpp2.1", "ocpp2.0.1"]
    assert answer[:3] == [4, "q", code]
    assert version == chosen
