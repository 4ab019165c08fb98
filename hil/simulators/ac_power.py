"""A stand-in for the power process with AC outlets: `python -m hil.simulators.ac_power --config FILE --dir DIR`.

Reads the controller's configuration and simulates every `[evse.N]` with `outlet = "ac"`. It listens on the power link of
the configuration ([station] runtime_dir) in place of `chargepoint power`, and takes requests at DIR/plant.sock. It prints
one JSON line {"ready": true, …} when everything is up. SIGTERM or SIGINT removes both sockets and ends with 0. A
configuration without an AC outlet ends with 2 and a line that says why.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from chargepoint.config.schema import Config
from chargepoint.model.demand import StageDemand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import AcSupply
from chargepoint.power.link_codec import MESSAGE_MAX_BYTES, LinkError, UpMessage, decode_down, encode_up
from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.station import CATCH_UP_MAX_S, STEP_S
from hil.simulators.ac_control import AcControl
from hil.simulators.requests import LONGEST_LINE, serve_lines
from hil.simulators.wired_plant import read_config

LINK_NAME = "power.sock"
"""The name of the power link's socket below [station] runtime_dir."""

STEP_EVERY_S = 0.005
IMAGE_EVERY_S = 0.02


def outlets_of(config: Config) -> dict[int, AcOutletPlant]:
    """One outlet for each EVSE with `outlet = "ac"`. Raises ValueError where there is none."""
    outlets = {
        number: AcOutletPlant(
            EvseId(number),
            AcSupply(section.ac_voltage_V, section.ac_frequency_Hz, section.ac_phases, section.current_max_A),
            section.charge_power_max_W,
            section.discharge_power_max_W,
        )
        for number, section in sorted(config.evse.items())
        if section.outlet == "ac"
    }
    if not outlets:
        raise ValueError('no [evse.N] has outlet = "ac": this process simulates AC outlets only')
    for number, outlet in outlets.items():
        outlet.grid.voltage_V = config.evse[number].ac_voltage_V
        outlet.grid.frequency_Hz = config.evse[number].ac_frequency_Hz
    return outlets


class AcStation:
    """All outlets on one clock. `advance_to` steps them, `send` takes what goes up the link."""

    def __init__(self, outlets: Mapping[int, AcOutletPlant], send: Callable[[UpMessage], None]) -> None:
        self.outlets = outlets
        self._send = send
        self._at_s: float | None = None
        self._image_due_s = 0.0

    def take(self, data: bytes) -> None:
        """One message of the daemon. Raises LinkError for one that cannot be obeyed."""
        message = decode_down(data)
        outlet = self.outlets.get(int(message.evse_id))
        if outlet is None:
            raise LinkError(f"EVSE {message.evse_id} is no AC outlet of this process")
        if isinstance(message, StageDemand):
            outlet.take_demand(message)
        else:
            outlet.reset(message.author)

    def daemon_lost(self) -> None:
        """The daemon went away: its orders end now."""
        for outlet in self.outlets.values():
            outlet.daemon_lost()

    def advance_to(self, now_s: float) -> None:
        """Step to `now_s` (monotonic seconds); events go up at once, images every 20 ms.

        A process that stalled lets the outlets' time jump forward without steps, as a plant does.
        """
        if self._at_s is None or now_s - self._at_s > CATCH_UP_MAX_S:
            self._at_s = now_s
            for outlet in self.outlets.values():
                outlet.now_s = now_s
        while self._at_s + STEP_S <= now_s:
            self._at_s += STEP_S
            for outlet in self.outlets.values():
                outlet.now_s = self._at_s - STEP_S  # no sum of many small steps: images carry the clock of the machine
                outlet.step(STEP_S)
        publish = now_s >= self._image_due_s
        if publish:
            self._image_due_s = now_s + IMAGE_EVERY_S
        for outlet in self.outlets.values():
            if publish or outlet.events:
                self._send(outlet.image())
            for event in outlet.events:
                self._send(event)
            outlet.events.clear()


class LinkEnd:
    """The power process's end of the link as a wire: one daemon at a time, a second one replaces the first."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.setblocking(False)
        self._listener.bind(str(path))
        self._listener.listen(2)
        self._peer: socket.socket | None = None

    def send(self, message: UpMessage) -> None:
        """Send, if a daemon is there and reads. Never waits."""
        if self._peer is not None:
            with contextlib.suppress(OSError):
                self._peer.send(encode_up(message))

    async def serve(self, station: AcStation) -> None:
        """Until cancelled: messages of the daemon to the station."""
        loop = asyncio.get_running_loop()
        reading: asyncio.Task[None] | None = None
        while True:
            peer, _ = await loop.sock_accept(self._listener)
            peer.setblocking(False)
            if reading is not None:
                reading.cancel()
            self._peer = peer
            reading = loop.create_task(self._read(loop, peer, station))

    async def _read(self, loop: asyncio.AbstractEventLoop, peer: socket.socket, station: AcStation) -> None:
        try:
            with contextlib.suppress(OSError):
                while data := await loop.sock_recv(peer, MESSAGE_MAX_BYTES + 1):
                    station.advance_to(time.monotonic())  # the lease counts from now
                    try:
                        station.take(data)
                    except LinkError as error:
                        sys.stderr.write(f"power link: {error}\n")
        finally:
            if self._peer is peer:
                self._peer = None
                station.daemon_lost()
            peer.close()

    def close(self) -> None:
        """Close both sockets and remove the path."""
        if self._peer is not None:
            self._peer.close()
        self._listener.close()
        self._path.unlink(missing_ok=True)


def main() -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="hil.simulators.ac_power", description="AC outlets in place of the power process."
    )
    parser.add_argument("--config", type=Path, required=True, help="the controller's configuration file")
    parser.add_argument("--dir", type=Path, required=True, help="where plant.sock is made")
    arguments = parser.parse_args()
    try:
        config = read_config(arguments.config)
        outlets = outlets_of(config)
        arguments.dir.mkdir(parents=True, exist_ok=True)
        path = arguments.dir / "plant.sock"
        path.unlink(missing_ok=True)
        try:
            return asyncio.run(_run(config, outlets, path))
        finally:
            path.unlink(missing_ok=True)
    except (OSError, tomllib.TOMLDecodeError, ValueError) as error:
        _print_line({"ready": False, "error": f"{arguments.config}: {error}"})
        return 2


async def _run(config: Config, outlets: Mapping[int, AcOutletPlant], path: Path) -> int:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    link = LinkEnd(config.station.runtime_dir / LINK_NAME)
    station = AcStation(outlets, link.send)
    control = AcControl(outlets, time.monotonic, lambda: station.advance_to(time.monotonic()))
    try:
        server = await asyncio.start_unix_server(
            lambda reader, writer: serve_lines(control.answer, reader, writer), path=path, limit=LONGEST_LINE
        )
        tasks = [loop.create_task(link.serve(station)), loop.create_task(_step(station))]
        _print_line({"ready": True, "pid": os.getpid(), "control": str(path), "evses": sorted(outlets)})
        await ended.wait()
        for task in tasks:
            task.cancel()
        server.close()
    finally:
        link.close()
    return 0


async def _step(station: AcStation) -> None:
    while True:
        station.advance_to(time.monotonic())
        await asyncio.sleep(STEP_EVERY_S)


def _print_line(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
