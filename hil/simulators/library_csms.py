"""A central system made with mobilityhouse's `ocpp` library: other people's parsing and validation at the station's far end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from ocpp.routing import on
from ocpp.v201 import ChargePoint, call_result
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol


class LibraryCsms(ChargePoint):
    """Accepts everything one station says; keeps its transaction events and reports. Orders: the library's own `call`."""

    def __init__(self, identity: str, socket: ServerConnection) -> None:
        super().__init__(identity, socket)
        self.events: list[dict[str, Any]] = []
        self.reports: list[dict[str, Any]] = []
        self.booted = asyncio.Event()

    @on("BootNotification")
    def on_boot(self, **_: Any) -> Any:
        """Accepted, a heartbeat each 300 s."""
        self.booted.set()
        return call_result.BootNotification(datetime.now(UTC).isoformat(), 300, "Accepted")

    @on("Heartbeat")
    def on_heartbeat(self) -> Any:
        """The time."""
        return call_result.Heartbeat(datetime.now(UTC).isoformat())

    @on("StatusNotification")
    def on_status(self, **_: Any) -> Any:
        """Heard."""
        return call_result.StatusNotification()

    @on("SecurityEventNotification")
    def on_security_event(self, **_: Any) -> Any:
        """Heard."""
        return call_result.SecurityEventNotification()

    @on("Authorize")
    def on_authorize(self, **_: Any) -> Any:
        """Everybody may."""
        return call_result.Authorize({"status": "Accepted"})

    @on("TransactionEvent")
    def on_event(self, **fields: Any) -> Any:
        """Kept, as the library hands it over: in snake case."""
        self.events.append(fields)
        return call_result.TransactionEvent(id_token_info={"status": "Accepted"})

    @on("NotifyReport")
    def on_report(self, **fields: Any) -> Any:
        """Kept."""
        self.reports.append(fields)
        return call_result.NotifyReport()


@contextlib.asynccontextmanager
async def library_csms(identity: str) -> AsyncIterator[tuple[str, asyncio.Future[LibraryCsms]]]:
    """Listens on a free port of 127.0.0.1 while entered: its URL, and the central system once the station has connected."""
    connected: asyncio.Future[LibraryCsms] = asyncio.get_running_loop().create_future()

    async def serve_one(socket: ServerConnection) -> None:
        system = LibraryCsms(identity, socket)
        connected.set_result(system)
        with contextlib.suppress(Exception):
            await system.start()

    async with serve(serve_one, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp2.0.1")]) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", connected
