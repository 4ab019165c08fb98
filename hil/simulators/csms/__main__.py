"""The bench central system on the command line: what it hears as JSON lines, orders to it as JSON lines.

An order is {"identity": …, "action": …, "payload": {…}} or {"identity": …, "setpoint_W": …, "evse": 1, "duration_s": …}.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any

from hil.simulators.csms import CallError, Csms, Heard


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m hil.simulators.csms", description="bench OCPP 2.0.1 central system"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000, help="0: any free one; the first line names it")
    parser.add_argument("--heartbeat", type=int, default=300, metavar="S")
    parser.add_argument("--block", action="append", default=[], metavar="TOKEN", help="answer Blocked to this token")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_serve(options))
    except KeyboardInterrupt:
        return


def _print(**fields: Any) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


async def _serve(options: argparse.Namespace) -> None:
    def heard(call: Heard) -> None:
        _print(heard=call.action, identity=call.identity, at_s=round(call.at_s, 3), payload=call.payload)

    csms = Csms(
        options.host,
        options.port,
        tokens=dict.fromkeys(options.block, "Blocked"),
        heartbeat_interval_s=options.heartbeat,
        on_heard=heard,
    )
    async with csms:
        _print(listening=csms.url, port=csms.port)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            try:
                _print(answer=await _order(csms, json.loads(line)))
            except (CallError, ConnectionError, TimeoutError, LookupError, ValueError, TypeError) as error:
                _print(error=f"{type(error).__name__}: {error}")
        await asyncio.Event().wait()  # standard input is closed: go on listening


async def _order(csms: Csms, order: dict[str, Any]) -> dict[str, Any]:
    if "setpoint_W" in order:
        return await csms.setpoint(
            order["identity"], order.get("evse", 1), float(order["setpoint_W"]), duration_s=order.get("duration_s")
        )
    return await csms.call(order["identity"], order["action"], order.get("payload", {}))


if __name__ == "__main__":
    main()
