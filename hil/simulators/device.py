"""`./run device simulate PROFILE --pty LINK | --tcp ADDRESS:PORT`: a device made from a register profile, by pymodbus.

Every point shows a plausible value. A power module follows its orders: it drives a simulated car, so voltage and current rise and fall
as they do behind a real one. An AC charge controller has a car that asks for power while it is offered a current. Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer

from chargepoint.model.unusable import UnusableDevice
from drivers.profile.codec import resolve_params
from drivers.profile.load import load, shipped
from drivers.profile.schema import DeviceProfile, ProfileError
from hil.plant.ac_controller import AcControllerPlant
from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.evse import EvsePlant
from hil.plant.module import ModulePlant
from hil.plant.pilot import Generator
from hil.plant.station import Plant
from hil.simulators.modbus_server import devices_of, port_of, serve
from hil.simulators.registers.ac_controller import FollowingAcController
from hil.simulators.registers.from_profile import FollowingModule, ProfileDevice, simulated_params
from hil.simulators.wire_ends import PtyEnd, raw_pty

STEP_S = 0.005


def main(arguments: Sequence[str] | None = None) -> int:
    """2: the profile or the address is of no use; else it runs until it is ended."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser(prog="./run device simulate", description="a device made from a register profile")
    parser.add_argument("profile", help="one of drivers/profiles, or the path of a .toml file")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--pty", type=Path, metavar="LINK", help="a serial line: a link to a pseudo-terminal is made here"
    )
    where.add_argument("--tcp", metavar="ADDRESS:PORT", help="Modbus TCP; port 0 takes a free one")
    parser.add_argument("--unit", type=int, default=1, choices=range(1, 248), metavar="1..247")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    chosen = parser.parse_args(arguments)
    try:
        profile = load(Path(chosen.profile)) if chosen.profile.endswith(".toml") else shipped(chosen.profile)
        given = {name: float(value) for name, _, value in (text.partition("=") for text in chosen.param)}
        params = resolve_params(profile, simulated_params(profile) | given)
        plant, device = made(profile, params, chosen.unit)
        asyncio.run(_serve(plant, device, chosen.pty, chosen.tcp))
    except (ProfileError, UnusableDevice, ValueError, FileExistsError) as error:
        sys.stderr.write(f"device: {error}\n")
        return 2
    except KeyboardInterrupt:
        pass
    return 0


def made(profile: DeviceProfile, params: dict[str, float | bool], unit: int) -> tuple[Plant, ProfileDevice]:
    """The device, and the plant that it is a part of if it is a power module or an AC charge controller."""
    plant = Plant()
    if profile.device_class == "ac_controller":
        box = AcControllerPlant(line_closed=True)
        outlet = AcOutletPlant(1, controller=box)
        outlet.plug()
        outlet.car.pilot, outlet.car.ordered_W = "C", 3_600.0
        plant.outlets[1] = outlet
        return plant, FollowingAcController(unit, profile, params, box, outlet.board)
    if profile.device_class != "psu_dc":
        return plant, ProfileDevice(unit, profile, params)
    module = ModulePlant()
    evse = EvsePlant(1, {"module": module})
    evse.plug()
    evse.car.contactors_wanted = True
    evse.board.request, evse.board.generator = 1, Generator.PWM
    plant.evses[1] = evse
    return plant, FollowingModule(unit, profile, params, module)


async def _serve(plant: Plant, device: ProfileDevice, link: Path | None, address: str | None) -> None:
    def before() -> None:
        plant.advance_to(time.monotonic())

    end: PtyEnd | None = None
    if link is not None:
        end = PtyEnd(link)
        end.open()
        inner, inner_slave = raw_pty()
        line, loop = end, asyncio.get_running_loop()

        def forward() -> None:
            data = os.read(line.master, 4096)
            if data[:1] == bytes((device.unit,)):  # the server would answer for everybody
                os.write(inner, data)

        loop.add_reader(line.master, forward)
        loop.add_reader(inner, lambda: line.write(os.read(inner, 4096)))
        await serve(os.ttyname(inner_slave), [device], before).serve_forever(background=True)
        there = str(link)
    else:
        host, _, port = (address or "").rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"--tcp {address!r}: not of the form ADDRESS:PORT; write it like 127.0.0.1:5020")
        server = ModbusTcpServer(devices_of([device], before), framer=FramerType.SOCKET, address=(host, int(port)))
        await server.serve_forever(background=True)
        there = f"{host}:{port_of(server)}"
    sys.stdout.write(f"{device.profile.id} as unit {device.unit} at {there}; Ctrl-C ends it\n")
    sys.stdout.flush()
    try:
        while True:
            before()
            await asyncio.sleep(STEP_S)
    finally:
        if end is not None:
            end.close()


if __name__ == "__main__":
    sys.exit(main())
