"""A redirect on the way to the central system is not followed: the station talks to the configured address or to nobody."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from chargepoint.app.clock import SystemClock
from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.ocpp.client import OcppClient
from chargepoint.store.database import Store
from hil.simulators.csms import Csms
from tests.joined.no_station import NoStation


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_told_and_not_followed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    async with Csms() as elsewhere:
        asked: list[str] = []

        def redirect(connection: ServerConnection, request: Request) -> Response:
            asked.append(request.path)
            return Response(status, "Moved", Headers({"Location": f"{elsewhere.url}/CP1", "Content-Length": "0"}), b"")

        async def nobody(_: ServerConnection) -> None:
            return

        async with serve(nobody, "127.0.0.1", 0, process_request=redirect) as server:
            port = server.sockets[0].getsockname()[1]
            section = CsmsSection(url=f"ws://127.0.0.1:{port}", reconnect_min_s=0.05)
            store = Store.open(tmp_path / "s.db")
            client = OcppClient(section, StationSection(), store, NoStation(), SystemClock(), logging.getLogger("ocpp"))
            task = asyncio.create_task(client.run())
            try:
                async with asyncio.timeout(10.0):
                    while len(asked) < 2:
                        await asyncio.sleep(0.01)
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                store.close()
        assert elsewhere.stations == {}
        assert f"redirect to '{elsewhere.url}/CP1', which is not followed" in caplog.text
