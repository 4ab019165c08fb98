"""The plant as a process: `python -m hil.simulators.plant --config FILE --dir DIR`.

Reads the controller's configuration, puts a pty at each bus's port, answers there from the physics in real time, and takes
requests at DIR/plant.sock. One JSON line {"ready": true, …} on standard output when everything is up; SIGTERM or SIGINT
removes links and socket and ends with 0. A configuration it cannot use ends with 2 and a line saying why.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import selectors
import signal
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

from chargepoint.config.schema import Config
from hil import priority
from hil.clock import now_s
from hil.plant.insulation import SELF_TEST_S
from hil.simulators.control import Control
from hil.simulators.requests import LONGEST_LINE, serve_lines
from hil.simulators.wire_choices import WireChoices
from hil.simulators.wired_plant import WiredPlant, build, read_config

STEP_EVERY_S = 0.005
VIRTUAL_STEP_S = 0.1
"""Whoever reads the plant brings it up to now before; steps without a reader only keep it from falling far behind."""


def main() -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="hil.simulators.plant", description="The other end of every wire.")
    parser.add_argument("--config", type=Path, required=True, help="the controller's configuration file")
    parser.add_argument("--dir", type=Path, required=True, help="where plant.sock is made")
    parser.add_argument("--self-test-s", type=float, default=SELF_TEST_S, help="duration of an insulation self-test")
    parser.add_argument("--without-waits", action="store_true", help="every duration of the hardware at its least")
    parser.add_argument(
        "--paced", action="store_true", help="wires take the time of their baud rates; replies come in pieces"
    )
    parser.add_argument(
        "--end",
        action="append",
        default=[],
        metavar="BUS=DEVICE",
        help="the bench's end of this bus: a serial device, …",
    )
    parser.add_argument("--outside", action="append", default=[], metavar="BUS", help="real devices are on this bus")
    parser.add_argument(
        "--process", action="append", default=[], metavar="MODULE", help="another process serves its registers"
    )
    parser.add_argument("--urgent", action="store_true", help="real-time priority, where the system permits it")
    arguments = parser.parse_args()
    logging.getLogger("pymodbus_internal").setLevel(logging.CRITICAL)
    try:
        config = read_config(arguments.config)
    except (OSError, tomllib.TOMLDecodeError, ValueError) as error:
        return _refuse(f"{arguments.config}: {error}")
    try:
        arguments.dir.mkdir(parents=True, exist_ok=True)
        path = arguments.dir / "plant.sock"
        path.unlink(missing_ok=True)
        try:
            with asyncio.Runner(loop_factory=_precise_loop) as runner:
                return runner.run(_run(config, path, arguments))
        finally:
            path.unlink(missing_ok=True)
    except (ValueError, KeyError, OSError) as error:
        return _refuse(f"{arguments.config}: {error}")


def _refuse(why: str) -> int:
    _print_line({"ready": False, "error": why})
    return 2


def _print_line(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _precise_loop() -> asyncio.AbstractEventLoop:
    """`epoll` waits whole milliseconds, which is longer than some replies take; `select` waits microseconds."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


async def _run(config: Config, path: Path, arguments: argparse.Namespace) -> int:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    wired = build(config, now_s, paced=arguments.paced, choices=_wire_choices(arguments))
    _set_waits(wired, None if arguments.without_waits else arguments.self_test_s)
    async with _served(wired, path):
        if arguments.urgent and not priority.raise_own():
            sys.stderr.write(f"plant: {priority.REFUSED}\n")
        ports = {name: str(wire.port) for name, wire in wired.wires.items()}
        ports |= {name: str(reader.port) for name, reader in wired.readers.items()}
        _print_line(
            {
                "ready": True,
                "pid": os.getpid(),
                "control": str(path),
                "evses": sorted([*wired.plant.evses, *wired.plant.outlets]),
                "ports": ports,
            }
        )
        await ended.wait()
    return 0


def _wire_choices(arguments: argparse.Namespace) -> WireChoices:
    """Raises ValueError for a pair without =."""
    devices: dict[str, str] = {}
    for pair in arguments.end:
        bus, equals, device = pair.partition("=")
        if not (bus and equals and device):
            raise ValueError(f"--end {pair}: BUS=DEVICE expected, like fast1=/dev/ttyUSB0")
        devices[bus] = device
    return WireChoices(devices, frozenset(arguments.outside), frozenset(arguments.process))


async def run_inside(config: Config, path: Path, self_test_s: float | None, ended: asyncio.Event) -> None:
    """The plant inside a bench in virtual time, until `ended`. `path`: where plant.sock is made.

    `self_test_s`: how long a self-test of the insulation monitor takes; None: every duration of the hardware at its least.
    """
    wired = build(config, now_s, paced=True, virtual=True)
    _set_waits(wired, self_test_s)
    async with _served(wired, path, VIRTUAL_STEP_S):
        await ended.wait()


def _set_waits(wired: WiredPlant, self_test_s: float | None) -> None:
    for evse in wired.plant.evses.values():
        if self_test_s is None:
            evse.without_waits()
        else:
            evse.insulation.self_test_s = self_test_s


@contextlib.asynccontextmanager
async def _served(wired: WiredPlant, path: Path, step_every_s: float = STEP_EVERY_S) -> AsyncIterator[None]:
    """Everything wired and answering, the physics under way."""
    control = Control(wired, now_s)
    try:
        await wired.start()
        server = await asyncio.start_unix_server(
            lambda reader, writer: serve_lines(control.answer, reader, writer), path=path, limit=LONGEST_LINE
        )
        stepping = asyncio.create_task(_step(wired, step_every_s))
        yield
        stepping.cancel()
        server.close()
    finally:
        await wired.stop()


async def _step(wired: WiredPlant, every_s: float) -> None:
    while True:
        wired.plant.advance_to(now_s())
        await asyncio.sleep(every_s)


if __name__ == "__main__":
    sys.exit(main())
