"""From the configuration file, the same one the controller reads, to a plant and everything that is wired to it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chargepoint.config.schema import Config, DeviceSection
from hil.plant.evse import EvsePlant
from hil.plant.station import Plant
from hil.simulators.module_maps import simulated_module
from hil.simulators.registers.acrel_djsf1352 import AcrelDjsf1352
from hil.simulators.registers.bender_isoev425 import BenderIsoEv425
from hil.simulators.registers.device_map import DeviceMap
from hil.simulators.registers.generic_io import GenericIo
from hil.simulators.registers.sunspec_714 import SunSpec714
from hil.simulators.tcp_wire import TcpWire
from hil.simulators.wire import BusWire, TokenWire


@dataclass(slots=True)
class WiredPlant:
    """The plant and everything that is wired to it, by the names of the configuration."""

    plant: Plant
    wires: dict[str, BusWire | TcpWire] = field(default_factory=dict)
    readers: dict[str, TokenWire] = field(default_factory=dict)
    reader_of: dict[int, str] = field(default_factory=dict)

    async def start(self) -> None:
        """Open every wire."""
        for wire in self.wires.values():
            await wire.start()
        for reader in self.readers.values():
            reader.start()

    async def stop(self) -> None:
        """Close every wire that was opened."""
        for wire in self.wires.values():
            await wire.stop()
        for reader in self.readers.values():
            reader.stop()


def read_config(path: Path) -> Config:
    """The validated configuration. Raises OSError, tomllib.TOMLDecodeError or pydantic.ValidationError."""
    with path.open("rb") as file:
        return Config.model_validate(tomllib.load(file))


def build(config: Config, now: Callable[[], float]) -> WiredPlant:
    """Wires for every bus and a plant for every EVSE. Raises ValueError for a device that no simulator knows."""
    plant = Plant()
    maps: dict[str, list[DeviceMap]] = {name: [] for name in config.bus}
    wired = WiredPlant(plant)
    for number, section in sorted(config.evse.items()):
        if not (section.meter and section.insulation and section.pilot):
            raise ValueError(f"[evse.{number}] is no DC outlet with all its devices: AC is for hil.simulators.ac_power")
        evse = EvsePlant(number)
        plant.evses[number] = evse
        for name in section.power_modules:
            device = config.power_module[name]
            evse.modules[name], registers = simulated_module(device)
            maps[device.bus].append(registers)
        meter = config.meter[section.meter]
        maps[meter.bus].append(_meter(meter, evse))
        monitor = config.insulation_monitor[section.insulation]
        maps[monitor.bus].append(BenderIsoEv425(monitor.unit, evse.insulation))
        pilot = config.pilot_board[section.pilot]
        maps[pilot.bus].append(GenericIo(pilot.unit, evse.board))
        if section.token_reader is not None:
            wired.reader_of[number] = section.token_reader
    for name, devices in maps.items():
        units = [device.unit for device in devices]
        twice = sorted({unit for unit in units if units.count(unit) > 1})
        if twice:
            raise ValueError(f"[bus.{name}] unit {twice[0]} is there twice; give each device its own")
    for name, bus in config.bus.items():
        readers = [reader for reader, section in config.token_reader.items() if section.bus == name]
        if readers:
            wired.readers[readers[0]] = TokenWire(readers[0], Path(bus.port))
        elif bus.kind == "tcp":
            wired.wires[name] = TcpWire(name, bus.port, maps[name], plant, now)
        else:
            wired.wires[name] = BusWire(name, Path(bus.port), maps[name], plant, now)
    return wired


def _meter(device: DeviceSection, evse: EvsePlant) -> DeviceMap:
    match device.profile:
        case "sunspec_714_dc":
            return SunSpec714(device.unit, evse.meter, int(_number(device, "base_address", 40_070)))
        case "acrel_djsf1352":
            return AcrelDjsf1352(device.unit, evse.meter)
    raise ValueError(f"meter profile {device.profile!r}: the simulator knows sunspec_714_dc and acrel_djsf1352")


def _number(device: DeviceSection, name: str, default: float) -> float:
    return float(device.params.get(name, default))
