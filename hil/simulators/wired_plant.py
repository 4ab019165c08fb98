"""From the configuration file, the same one the controller reads, to a plant and everything that is wired to it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from chargepoint.config.schema import Config, DeviceSection, EvseSection
from hil.plant.ac_faults import inject_ac
from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.evse import EvsePlant
from hil.plant.faults import inject
from hil.plant.module import ModulePlant
from hil.plant.station import Plant
from hil.simulators.can_modules import MODELS, CanModuleModel
from hil.simulators.can_wire import CanWire
from hil.simulators.module_maps import simulated_ac_meter, simulated_module
from hil.simulators.pn532 import Pn532Wire
from hil.simulators.registers.acrel_djsf1352 import AcrelDjsf1352
from hil.simulators.registers.bender_isoev425 import BenderIsoEv425
from hil.simulators.registers.device_map import DeviceMap
from hil.simulators.registers.generic_io import GenericIo
from hil.simulators.registers.sunspec_714 import SunSpec714
from hil.simulators.tcp_wire import TcpWire
from hil.simulators.trip_watch import TripWatch
from hil.simulators.wire import BusWire, TokenWire

CABLE_OHM = 220
"""The resistor in the plug of a simulated cable: 32 A (IEC 61851-1 Annex B, grade D)."""

BITS_PER_BYTE = {"8N1": 10, "8E1": 11, "8O1": 11, "8N2": 11}


@dataclass(slots=True)
class WiredPlant:
    """The plant and everything that is wired to it, by the names of the configuration."""

    plant: Plant
    wires: dict[str, BusWire | TcpWire | CanWire] = field(default_factory=dict)
    readers: dict[str, TokenWire | Pn532Wire] = field(default_factory=dict)
    reader_of: dict[int, str] = field(default_factory=dict)
    trips: dict[int, TripWatch] = field(default_factory=dict)
    """Of each EVSE, on the wire of its pilot/IO board."""

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


def build(config: Config, now: Callable[[], float], *, paced: bool = False, virtual: bool = False) -> WiredPlant:
    """Wires for every bus and a plant for every EVSE. Raises ValueError for a device that no simulator knows.

    `paced`: every wire takes the time of its baud rate, and a reply comes in pieces. `virtual`: see `BusWire`.
    """
    plant = Plant()
    maps: dict[str, list[DeviceMap]] = {name: [] for name in config.bus}
    can_models: dict[str, list[CanModuleModel]] = {name: [] for name in config.bus}
    wired = WiredPlant(plant)
    for number, section in sorted(config.evse.items()):
        if section.token_reader is not None:
            wired.reader_of[number] = section.token_reader
        if section.outlet == "ac":
            _add_ac_outlet(config, number, section, plant, maps)
            continue
        if not (section.meter and section.insulation and section.pilot):
            raise ValueError(f"[evse.{number}] has not all devices of a DC outlet: pilot, meter, insulation")
        evse = EvsePlant(number)
        plant.evses[number] = evse
        for name in section.power_modules:
            device = config.power_module[name]
            if device.driver in MODELS:
                evse.modules[name] = ModulePlant()  # a CAN module reports its ratings: those of the plant's own module
                can_models[device.bus].append(MODELS[device.driver](device.unit, evse.modules[name]))
            else:
                evse.modules[name], registers = simulated_module(device)
                maps[device.bus].append(registers)
        meter = config.meter[section.meter]
        maps[meter.bus].append(_meter(meter, evse))
        monitor = config.insulation_monitor[section.insulation]
        maps[monitor.bus].append(BenderIsoEv425(monitor.unit, evse.insulation))
        pilot = config.pilot_board[section.pilot]
        maps[pilot.bus].append(GenericIo(pilot.unit, evse.board))
    plant.join()
    if config.grid.meter is not None:
        meter = config.meter[config.grid.meter]
        maps[meter.bus].append(simulated_ac_meter(meter, plant.connection))
    for name, devices in maps.items():
        units = [device.unit for device in devices]
        twice = sorted({unit for unit in units if units.count(unit) > 1})
        if twice:
            raise ValueError(f"[bus.{name}] unit {twice[0]} is there twice; give each device its own")
    for name, bus in config.bus.items():
        readers = [reader for reader, section in config.token_reader.items() if section.bus == name]
        if bus.kind == "can":
            wired.wires[name] = CanWire(name, Path(bus.port), can_models[name], plant, now)
        elif readers:
            kind = Pn532Wire if bus.kind == "bytes" else TokenWire
            wired.readers[readers[0]] = kind(readers[0], Path(bus.port), virtual=virtual)
        elif bus.kind == "tcp":
            wired.wires[name] = TcpWire(name, bus.port, maps[name], plant, now)
        else:
            byte_s = BITS_PER_BYTE[bus.format] / bus.baud if paced else 0.0
            wired.wires[name] = BusWire(name, Path(bus.port), maps[name], plant, now, byte_s, virtual=virtual)
    _watch_trips(config, wired, now)
    return wired


def _add_ac_outlet(
    config: Config, number: int, section: EvseSection, plant: Plant, maps: dict[str, list[DeviceMap]]
) -> None:
    """The connector, and the registers of its board and its meter. Raises ValueError for one without both."""
    if not (section.meter and section.pilot):
        raise ValueError(f"[evse.{number}] has not both devices of an AC outlet: pilot, meter")
    if (driver := config.pilot_board[section.pilot].driver) != "generic_io":
        raise ValueError(
            f"[pilot_board.{section.pilot}] driver {driver!r}: a simulated station knows generic_io; "
            "for one device see `./run device simulate`"
        )
    outlet = AcOutletPlant(number, section.ac_phases)
    plant.grid.voltage_V = plant.grid.nominal_V = section.ac_voltage_V
    plant.grid.frequency_Hz = section.ac_frequency_Hz
    outlet.board.plug_ohm = CABLE_OHM
    plant.outlets[number] = outlet
    pilot, meter = config.pilot_board[section.pilot], config.meter[section.meter]
    maps[pilot.bus].append(GenericIo(pilot.unit, outlet.board))
    maps[meter.bus].append(simulated_ac_meter(meter, outlet))


def _watch_trips(config: Config, wired: WiredPlant, now: Callable[[], float]) -> None:
    for number, section in config.evse.items():
        assert section.pilot
        pilot, plant = config.pilot_board[section.pilot], wired.plant
        if number in plant.outlets:
            open_door = partial(inject_ac, plant.outlets[number], "door_open", True)
        else:
            open_door = partial(inject, plant.evses[number], "door_open", True)
        wire = wired.wires[pilot.bus]
        if isinstance(wire, BusWire) and wire.observer is None:  # one board on a wire is watched
            wire.observer = wired.trips[number] = TripWatch(pilot.unit, open_door, now)


def _meter(device: DeviceSection, evse: EvsePlant) -> DeviceMap:
    match device.profile:
        case "sunspec_714_dc":
            return SunSpec714(device.unit, evse.meter, int(_number(device, "base_address", 40_070)))
        case "acrel_djsf1352":
            return AcrelDjsf1352(device.unit, evse.meter)
    raise ValueError(f"meter profile {device.profile!r}: the simulator knows sunspec_714_dc and acrel_djsf1352")


def _number(device: DeviceSection, name: str, default: float) -> float:
    return float(device.params.get(name, default))
