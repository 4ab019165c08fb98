"""However many images wait at the power link: cars and central system have their turn between them."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

from chargepoint.model.faults import FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import PowerEvent
from chargepoint.power.link_client import LinkClient
from chargepoint.power.link_server import LinkServer

WAITING = 60
BUSY_S = 0.001


async def test_others_have_their_turn_between_waiting_messages(tmp_path: Path) -> None:
    taken: list[int] = []
    turns = 0

    def take(event: PowerEvent) -> None:
        until_s = time.monotonic() + BUSY_S
        while time.monotonic() < until_s:
            pass
        taken.append(turns)

    path = tmp_path / "power.sock"
    server = LinkServer(path)
    client = LinkClient(path, lambda image: None, take, lambda here: None, logging.getLogger("t"))
    task = asyncio.create_task(client.run())
    async with asyncio.timeout(10.0):
        while not client.connected:
            await asyncio.sleep(0.001)
        server.receive()  # the server takes the connection
        for _ in range(WAITING):
            server.send(InterlockTripped(EvseId(1), FaultCode.RCD, 5.0, "trip"))
        while len(taken) < WAITING:
            turns += 1
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    server.close()
    # 1 ms each, 2 ms a turn: at least one turn for the others after each third message
    assert taken[-1] - taken[0] >= WAITING // 3 - 1
