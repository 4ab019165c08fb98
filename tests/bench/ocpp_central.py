"""The lightest central system there is: each CALL is answered at once, with no validation and no memory.

`python -m tests.bench.ocpp_central` prints its port on standard output, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol


def answer_to(action: str) -> dict[str, Any]:
    """The payload that accepts a message of this action."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    match action:
        case "BootNotification":
            return {"status": "Accepted", "interval": 300, "currentTime": now}
        case "Heartbeat":
            return {"currentTime": now}
        case "Authorize":
            return {"idTokenInfo": {"status": "Accepted"}}
        case _:
            return {}


async def answer_all(socket: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for frame in socket:
            _, unique_id, action, _ = json.loads(frame)
            await socket.send(json.dumps([3, unique_id, answer_to(action)]))


async def main() -> None:
    async with serve(
        answer_all, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp2.0.1")], compression=None, ping_interval=None
    ) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
