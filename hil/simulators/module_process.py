"""One power module in a process of its own: `python -m hil.simulators.module_process --config FILE --module NAME --plant SOCKET`.

Its registers are served by pymodbus on a pty at the port of its bus. Its physics stay in the plant: orders go there as soon as
they are written, and what it shows comes back each `EXCHANGE_S`. While the plant is away the module answers nobody, as one without a
supply. SIGTERM or SIGINT ends it with 0; a configuration that it cannot use ends it with 2 and a line that says why.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import tomllib
from pathlib import Path

from chargepoint.config.schema import Config
from hil import priority
from hil.simulators.line_socket import LineSocket, Refused
from hil.simulators.modbus_server import serve
from hil.simulators.module_exchange import mirror, orders_of
from hil.simulators.module_maps import simulated_module
from hil.simulators.wire_ends import PtyEnd, raw_pty
from hil.simulators.wired_plant import read_config

EXCHANGE_S = 0.005


def main() -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="hil.simulators.module_process", description="One power module.")
    parser.add_argument("--config", type=Path, required=True, help="the controller's configuration file")
    parser.add_argument("--module", required=True, metavar="NAME", help="of [power_module.NAME]")
    parser.add_argument("--plant", type=Path, required=True, metavar="SOCKET", help="plant.sock")
    chosen = parser.parse_args()
    logging.getLogger("pymodbus_internal").setLevel(logging.CRITICAL)
    try:
        asyncio.run(_run(read_config(chosen.config), chosen.module, chosen.plant))
    except (OSError, tomllib.TOMLDecodeError, ValueError) as error:
        sys.stderr.write(f"module {chosen.module}: {chosen.config}: {error}\n")
        return 2
    return 0


async def _run(config: Config, name: str, plant: Path) -> None:
    if name not in config.power_module:
        raise ValueError(f"[power_module.{name}] is not there; it has {', '.join(config.power_module)}")
    device = config.power_module[name]
    evse = next(number for number, section in config.evse.items() if name in section.power_modules)
    module, registers = simulated_module(device)
    module.silent = True  # until the plant says what it is
    priority.raise_own()
    ended, written = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    end = PtyEnd(Path(config.bus[device.bus].port))
    inner, inner_slave = raw_pty()

    def request(data: bytes) -> None:
        if data[:1] == bytes((device.unit,)) and not registers.silent:  # the server would answer for everybody
            os.write(inner, data)

    def reply() -> None:
        end.write(os.read(inner, 4096))
        written.set()

    server = serve(os.ttyname(inner_slave), [registers], lambda: None)
    loop.add_reader(inner, reply)
    await server.serve_forever(background=True)
    end.listen(request)
    sys.stdout.write(f"module {name} as unit {device.unit} at {end.port}\n")
    sys.stdout.flush()
    socket = LineSocket(plant)
    sent: dict[str, float | bool] | None = None
    try:
        while not ended.is_set():
            orders = orders_of(module)
            changed = {} if sent is None else {key: value for key, value in orders.items() if sent[key] != value}
            try:
                answer = (await socket.ask({"do": "module", "evse": evse, "name": name, "orders": changed}))["shown"]
                untouched = orders_of(module) == orders
                mirror(module, answer, keep_orders=not untouched)
                sent = orders_of(module) if untouched else orders
            except Refused:
                module.silent, sent = True, None
            written.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(written.wait(), EXCHANGE_S)
    finally:
        end.close()
        await server.shutdown()  # type: ignore[no-untyped-call]
        await socket.close()


if __name__ == "__main__":
    sys.exit(main())
