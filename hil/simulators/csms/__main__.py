"""The bench central system on the command line: what it hears as JSON lines, orders to it as JSON lines.

An order is {"identity": …, "action": …, "payload": {…}} or {"identity": …, "setpoint_W": …, "evse": 1, "duration_s": …}.
{"lie": NAME} makes the answers lie (`lies.LIES`), {"lie": null} ends it; {"drop": IDENTITY} breaks the connection.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
from pathlib import Path
from typing import Any

from hil.simulators.csms import CallError, Csms, Heard
from hil.simulators.csms.lies import LIES
from hil.simulators.input_lines import lines_of


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m hil.simulators.csms", description="bench OCPP 2.0.1 central system"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000, help="0: any free one; the first line names it")
    parser.add_argument("--heartbeat", type=int, default=300, metavar="S")
    parser.add_argument("--block", action="append", default=[], metavar="TOKEN", help="answer Blocked to this token")
    parser.add_argument(
        "--tls", type=Path, metavar="KEYS", help="speak TLS with csms_chain.pem and csms.key of a folder of ./run certs"
    )
    parser.add_argument(
        "--identity",
        action="append",
        default=[],
        metavar="NAME=PASSWORD",
        help="only these stations may come, with Basic authentication; without it any may, without a password",
    )
    options = parser.parse_args(arguments)
    unclear = [pair for pair in options.identity if not all(pair.partition("="))]
    if unclear:
        parser.error(f"--identity {unclear[0]}: NAME=PASSWORD expected")
    try:
        asyncio.run(_serve(options))
    except (OSError, ssl.SSLError) as error:
        sys.stderr.write(f"csms: {error}\n")
        sys.exit(2)
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
        passwords=dict(pair.split("=", 1) for pair in options.identity) or None,
        ssl_context=None if options.tls is None else _tls(options.tls),
    )
    async with csms:
        _print(ready=True, listening=csms.url, port=csms.port)
        reader = await lines_of(sys.stdin)
        while line := await reader.readline():
            try:
                _print(answer=await _order(csms, json.loads(line)))
            except (CallError, ConnectionError, TimeoutError, LookupError, ValueError, TypeError) as error:
                _print(error=f"{type(error).__name__}: {error}")
        await asyncio.Event().wait()  # standard input is closed: go on listening


def _tls(keys: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(keys / "csms_chain.pem", keys / "csms.key")
    return context


async def _order(csms: Csms, order: dict[str, Any]) -> dict[str, Any]:
    if "lie" in order:
        if order["lie"] is not None and order["lie"] not in LIES:
            raise ValueError(f"lie = {order['lie']!r}: one of {', '.join(LIES)}, or null")
        csms.faults.lie = order["lie"]
        return {}
    if "drop" in order:
        await csms.drop(order["drop"])
        return {}
    if "setpoint_W" in order:
        return await csms.setpoint(
            order["identity"], order.get("evse", 1), float(order["setpoint_W"]), duration_s=order.get("duration_s")
        )
    return await csms.call(order["identity"], order["action"], order.get("payload", {}))


if __name__ == "__main__":
    main()
