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
from hil.simulators.wire_choices import ALL_SIMULATED, WireChoices
from hil.simulators.wire_ends import SerialEnd

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


def build(
    config: Config,
    now: Callable[[], float],
    *,
    paced: bool = False,
    virtual: bool = False,
    choices: WireChoices = ALL_SIMULATED,
) -> WiredPlant:
    """Wires for every bus and a plant for every EVSE. Raises ValueError for a device that no simulator knows, and for
    choices that cannot be.

    `paced`: every wire takes the time of its baud rate, and a reply comes in pieces. `virtual`: see `BusWire`. An EVSE whose
    pilot board is real has no plant.
    """
    check(config, choices)
    plant = Plant()
    maps: dict[str, list[DeviceMap]] = {name: [] for name in config.bus}
    can_models: dict[str, list[CanModuleModel]] = {name: [] for name in config.bus}
    wired = WiredPlant(plant)
    for number, section in sorted(config.evse.items()):
        if section.token_reader is not None:
            wired.reader_of[number] = section.token_reader
        if pilot_is_outside(config, section, choices):
            continue
        if section.outlet == "ac":
            _add_ac_outlet(config, number, section, plant, maps)
            continue
        if not (section.meter and section.insulation and section.pilot):
            raise ValueError(f"[evse.{number}] has not all devices of a DC outlet: pilot, meter, insulation")
        evse = EvsePlant(number)
        plant.evses[number] = evse
        for name in section.power_modules:
            device = config.power_module[name]
            if name in choices.processes:
                evse.modules[name], _ = simulated_module(device)
            elif device.driver in MODELS:
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
    served = {config.power_module[name].bus for name in choices.processes}
    for name, bus in config.bus.items():
        if name in choices.outside or name in served:
            continue
        readers = [reader for reader, section in config.token_reader.items() if section.bus == name]
        device_at = choices.devices.get(name)
        port = Path(bus.port)
        if bus.kind == "can":
            wired.wires[name] = CanWire(name, port, can_models[name], plant, now, device_at)
            continue
        if bus.kind == "tcp":
            wired.wires[name] = TcpWire(name, device_at or bus.port, maps[name], plant, now)
            continue
        end = None if device_at is None else SerialEnd(device_at, bus.baud, bus.format)
        if readers:
            kind = Pn532Wire if bus.kind == "bytes" else TokenWire
            wired.readers[readers[0]] = kind(readers[0], port, virtual=virtual, end=end)
        else:
            byte_s = BITS_PER_BYTE[bus.format] / bus.baud if paced and end is None else 0.0
            wired.wires[name] = BusWire(name, port, maps[name], plant, now, byte_s, virtual=virtual, end=end)
    _watch_trips(config, wired, now)
    return wired


def pilot_is_outside(config: Config, section: EvseSection, choices: WireChoices) -> bool:
    """The EVSE is a real one."""
    return section.pilot is not None and config.pilot_board[section.pilot].bus in choices.outside


def check(config: Config, choices: WireChoices) -> None:
    """Raises ValueError for a bus or module that the configuration does not have, and for an EVSE that would be half a real one."""
    for what, names, known in (
        ("bus", {*choices.devices, *choices.outside}, config.bus),
        ("power_module", choices.processes, config.power_module),
    ):
        for name in sorted(names - known.keys()):
            raise ValueError(f"[{what}.{name}] is not in the controller's configuration: it has {', '.join(known)}")
    for name in sorted(choices.processes):
        bus = config.power_module[name].bus
        others = [other for other, section in config.power_module.items() if section.bus == bus and other != name]
        others += [
            other
            for table in (config.pilot_board, config.meter, config.insulation_monitor)
            for other, section in table.items()
            if section.bus == bus
        ]
        if others:
            raise ValueError(
                f"[power_module.{name}] in a process needs a bus of its own: {', '.join(others)} is on {bus}"
            )
    for number, section in config.evse.items():
        real = pilot_is_outside(config, section, choices)
        for name in section.power_modules:
            if (config.power_module[name].bus in choices.outside) is not real:
                raise ValueError(
                    f"[evse.{number}] pilot board {section.pilot} and power module {name}: one is real and one is simulated; "
                    "attach both, or neither (a real module's current would flow through simulated contactors)"
                )
        on_bus = {
            f"meter {section.meter}": config.meter[section.meter].bus if section.meter else None,
            f"insulation monitor {section.insulation}": (
                config.insulation_monitor[section.insulation].bus if section.insulation else None
            ),
        }
        for device, of_bus in on_bus.items():
            if real and of_bus is not None and of_bus not in choices.outside:
                raise ValueError(
                    f"[evse.{number}] is a real one, and its {device} is on bus {of_bus}, which is simulated: "
                    f"add [bus.{of_bus}] outside = true"
                )


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
        if (number not in plant.outlets and number not in plant.evses) or pilot.bus not in wired.wires:
            continue
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
