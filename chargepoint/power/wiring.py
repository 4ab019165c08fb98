"""The power process put together: from the configuration to buses, devices and stages. The only reach into drivers."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import cast

from chargepoint.config.schema import Config, DeviceSection, EvseSection, TokenReaderSection
from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId
from chargepoint.model.image import AcSupply
from chargepoint.model.io import SafetyInput
from chargepoint.model.limits import PowerLimits, rated
from chargepoint.model.unusable import Mistake, UnusableDevice
from chargepoint.ports import (
    Bus,
    BusSpec,
    Device,
    DeviceSpec,
    EnergyMeter,
    InsulationMonitor,
    IoDevice,
    LampPort,
    MatrixPort,
    PilotAbility,
    PowerModule,
    TokenReader,
)
from chargepoint.power.ac_outlet import AcOutlet, AcRatings
from chargepoint.power.dc_outlet import DcOutlet
from chargepoint.power.evse_io import IoWiring
from chargepoint.power.evse_stage import EvseHardware, EvseStage
from chargepoint.power.indicator import ConnectorLamps
from chargepoint.power.interlock_view import StageRatings
from chargepoint.power.latch_codec import KeptLatches
from chargepoint.power.outlet import PowerOutlet
from chargepoint.power.site_meter import SiteMeter
from chargepoint.power.stack_share import ModuleStack
from chargepoint.safety.envelope import Envelope
from chargepoint.safety.grid_window import GridWindow
from chargepoint.safety.temperature import HeatBounds
from chargepoint.safety.wear import AC_LOAD_OPENINGS_MAX, LOAD_OPENINGS_MAX, WearLimits
from drivers import catalog


@dataclass(frozen=True, slots=True)
class PowerStation:
    """Everything the cycle runs."""

    buses: tuple[Bus, ...]
    stages: dict[EvseId, EvseStage]
    buses_of: dict[EvseId, tuple[Bus, ...]]
    """The buses with devices of this EVSE, and of the stack it shares."""
    stacks: tuple[ModuleStack, ...] = ()
    lamps: Mapping[EvseId, ConnectorLamps] = field(default_factory=dict)
    """Of each EVSE that has lamps."""
    site_meter: SiteMeter | None = None
    """What the fuse guard works by, where that is a meter of ours."""


def examine(config: Config) -> Iterator[Mistake]:
    """What the drivers cannot use of this configuration, for `config.load`. Nothing is opened."""
    buses = {name: _bus(config, name) for name in config.bus}
    boards: dict[str, Device] = {}
    matrices: dict[str, MatrixPort] = {}
    for kind, sections in _devices(config).items():
        for name, section in sections.items():
            if section.bus not in config.bus:
                continue  # the cross-check said so
            try:
                device = catalog.build_device(_spec(kind, name, section), buses[section.bus])
                if kind == "pilot_board":
                    boards[name] = device
                if kind == "matrix":
                    matrices[name] = cast(MatrixPort, device)
            except UnusableDevice as error:
                yield from (replace(mistake, key=(kind, name, *mistake.key)) for mistake in error.mistakes)
    for number, evse in config.evse.items():
        unfit = _unfit_meter(config, number, evse)
        if unfit is not None:
            yield unfit
        elif evse.pilot is not None and _boards_of(evse) <= boards.keys():
            yield from _missing_ports(number, evse, boards)
    grid = config.grid.meter
    if grid is not None and grid in config.meter and not catalog.measures_ac(_spec("meter", grid, config.meter[grid])):
        yield Mistake(
            ("grid", "meter"),
            f"= {grid!r}: a meter of direct current: it shows no frequency",
            "name a meter of alternating current",
        )
    for name, stack in config.stack.items():
        if stack.matrix in matrices:
            yield from _missing_links(config, name, matrices[stack.matrix])


def _unfit_meter(config: Config, number: int, evse: EvseSection) -> Mistake | None:
    """The meter that cannot measure what this kind of outlet delivers."""
    if evse.meter is None or evse.meter not in config.meter:
        return None
    place, spec = ("evse", number, "meter"), _spec("meter", evse.meter, config.meter[evse.meter])
    if evse.outlet == "dc":
        problem = "a meter of alternating current at a DC outlet: its voltage is not that of the output"
        return (
            Mistake(place, f"= {evse.meter!r}: {problem}", "name a DC meter at the output")
            if catalog.measures_ac(spec)
            else None
        )
    if not catalog.measures_ac(spec):
        problem = "a meter of direct current at an AC outlet"
        return Mistake(
            place, f"= {evse.meter!r}: {problem}", "name a meter of alternating current, before the contactor"
        )
    phases = catalog.phases_measured(spec)
    if phases < evse.ac_phases:
        problem = f"it measures {phases} phase, and ac_phases = {evse.ac_phases}"
        return Mistake(place, f"= {evse.meter!r}: {problem}", "name a meter of all phases, or write ac_phases = 1")
    return None


def _missing_links(config: Config, name: str, matrix: MatrixPort) -> Iterator[Mistake]:
    """What the matrix of a stack cannot connect, and what it connects that is not there."""
    section = config.stack[name]
    sharing = {EvseId(number) for number, evse in config.evse.items() if evse.stack == name}
    for module, evse in sorted(matrix.links):
        if module not in section.modules or evse not in sharing:
            problem = f"= {section.matrix!r}: it connects {module} to EVSE {evse}, which are not both of this stack"
            remedy = f'name {module} in modules and write stack = "{name}" in [evse.{evse}], or remove the lines'
            yield Mistake(("stack", name, "matrix"), problem, remedy)
    for evse in sorted(sharing - {evse for _, evse in matrix.links}):
        problem = f"= {section.matrix!r}: it connects no module to EVSE {evse}"
        yield Mistake(("stack", name, "matrix"), problem, f"name the lines in [matrix.{section.matrix}]")
    for module in sorted(set(section.modules) - {module for module, _ in matrix.links}):
        problem = f"= {section.matrix!r}: it connects {module} to no EVSE"
        yield Mistake(("stack", name, "matrix"), problem, f"name the lines in [matrix.{section.matrix}]")


def _boards_of(evse: EvseSection) -> set[str]:
    named = (evse.pilot, evse.contactors, evse.lock, evse.discharge, *evse.safety_inputs)
    return {name for name in named if name is not None}


def _missing_ports(number: int, evse: EvseSection, boards: Mapping[str, Device]) -> Iterator[Mistake]:
    """Each part of an EVSE that is on no device: what `EvseIo` would refuse. An emergency stop must be watched by one of them."""
    io = _io(evse, lambda kind, name: boards[name])
    watched = {one for device in io.inputs if device.ports.inputs is not None for one in device.ports.inputs.watched}
    if watched and SafetyInput.EMERGENCY_CHAIN not in watched:
        remedy = "name the [pilot_board.…] that watches it, in safety_inputs"
        yield Mistake(("evse", number, "safety_inputs"), "nobody watches the emergency stop", remedy)
    for port, device in io.missing():
        key = "safety_inputs" if port == "inputs" else port
        problem = f"= {device.name!r}: this device has no {'safety inputs' if port == 'inputs' else port}"
        yield Mistake(("evse", number, key), problem, f"name the [pilot_board.…] that has, in [evse.{number}] {key}")
    yield from _missing_abilities(number, evse, io)


def _missing_abilities(number: int, evse: EvseSection, io: IoWiring) -> Iterator[Mistake]:
    """What the EVSE asks of its pilot and its sensors, and their device cannot do."""
    port = io.pilot.ports.pilot
    if port is None:
        return
    name, abilities = io.pilot.name, port.abilities
    if PilotAbility.SHOWS_5_PERCENT not in abilities:
        problem = f"= {name!r}: it cannot show the 5 % that ask for digital communication"
        if evse.outlet == "dc":
            yield Mistake(("evse", number, "pilot"), problem, "name a pilot/IO board: a DC outlet needs these 5 %")
        elif evse.interface is not None:
            remedy = "remove interface, so that cars charge by the duty cycle, or name a pilot/IO board"
            yield Mistake(("evse", number, "pilot"), problem, remedy)
    if PilotAbility.MEASURES_PROXIMITY not in abilities and (evse.proximity == "required" or _is_socket(evse)):
        why = "a socket needs the resistor of the plug" if _is_socket(evse) else 'proximity = "required"'
        problem = f"= {name!r}: it does not measure the proximity contact, and {why}"
        yield Mistake(("evse", number, "pilot"), problem, "name a device that does, or have a fixed cable without it")
    if io.temperatures is None and evse.temperature == "required":
        problem = f"= 'required', and {name!r} has no contact sensors"
        yield Mistake(("evse", number, "temperature"), problem, 'write temperature = "none", or name another pilot')


PILOT_WAIT_SHARE = 0.6
"""Of the age that a pilot's reading may have, how long another device may hold its bus: 150 ms for a pilot/IO board. Longer, and a silent
device makes the pilot's readings stale."""


BUS_SHARE_MAX = 0.6
"""Of a serial bus' time: more, and polls wait for each other (own rule)."""


def doubtful_devices(config: Config) -> Iterator[Mistake]:
    """Buses that are too full, and profiles whose sources leave something open: warnings for `config.load`."""
    for name, bus in config.bus.items():
        shares = _shares(config, name) if bus.kind == "serial" else {}
        if sum(shares.values()) > BUS_SHARE_MAX:
            each = ", ".join(f"{device} {share:.0%}" for device, share in shares.items())
            yield Mistake(
                ("bus", name, "baud"),
                f"= {bus.baud}: polling takes {sum(shares.values()):.0%} of this bus ({each}), at most {BUS_SHARE_MAX:.0%} are good",
                "raise the rate in every device of the bus, or give one a bus of its own",
            )
    guarding = config.fuse_guard.fuse_A is not None and config.fuse_guard.meter == "grid_meter"
    all_ac = bool(config.evse) and all(evse.outlet == "ac" for evse in config.evse.values())
    if config.grid.meter is not None and all_ac and not guarding:
        yield Mistake(
            ("grid", "meter"),
            f"= {config.grid.meter!r}: nothing reads it: an AC outlet takes frequency and voltages from its own meter",
            "remove it",
        )
    for kind, sections in _devices(config).items():
        for name, section in sections.items():
            for point in catalog.unverified(_spec(kind, name, section)):
                yield Mistake(
                    (kind, name, "profile"),
                    f"= {getattr(section, 'profile', '')!r}: not verified: {point}",
                    "compare with the manual and the device's display before you rely on it",
                )
    for name, board in config.pilot_board.items():
        for ability in catalog.pilot_not_measured(_spec("pilot_board", name, board)):
            yield Mistake(
                ("pilot_board", name, "driver"),
                f"= {board.driver!r}: nothing here {ability.value}",
                "see that the controller watches it by itself",
            )


def _shares(config: Config, bus: str) -> dict[str, float]:
    """Each device's share of a bus' time."""
    section = config.bus[bus]
    found = {}
    for kind, sections in _devices(config).items():
        for name, device in sections.items():
            share = catalog.bus_load(_spec(kind, name, device), section.baud, section.format)
            if device.bus == bus and share is not None:
                found[name] = share
    return found


def doubtful_buses(config: Config) -> Iterator[Mistake]:
    """Slow devices on the wire of a pilot board: warnings for `config.load`."""
    pilots = {
        section.bus: name
        for name, section in config.pilot_board.items()
        if any(evse.pilot == name for evse in config.evse.values())
    }
    for kind, sections in _devices(config).items():
        for name, section in sections.items():
            if section.bus not in pilots or (kind, name) == ("pilot_board", pilots[section.bus]):
                continue
            pilot = config.pilot_board[pilots[section.bus]]
            most_s = PILOT_WAIT_SHARE * catalog.io_max_age_s(_spec("pilot_board", pilots[section.bus], pilot))
            holds_s = catalog.holds_bus_s(_spec(kind, name, section))
            if holds_s is not None and holds_s > most_s:
                yield Mistake(
                    (kind, name, "bus"),
                    f"= {section.bus!r}: shared with [pilot_board.{pilots[section.bus]}], and a lost answer of this device "
                    f"holds the wire for {holds_s * 1000:.0f} ms, at most {most_s * 1000:.0f} ms are good",
                    "put it on a bus of its own",
                )


def drivers_reference() -> str:
    """Every driver and profile with its parameters, as Markdown, for the configuration's reference."""
    return catalog.reference()


def latch_folder(config: Config) -> Path:
    """Where the power process keeps its record of latched faults: [power] state_dir, else beside the daemon's own."""
    beside = config.station.state_dir
    return config.power.state_dir or beside.with_name(f"{beside.name}-power")


def wear_limits(section: EvseSection) -> WearLimits:
    """When this EVSE's contactor is reported as worn."""
    openings = section.contactor_load_openings
    if openings is None:
        openings = AC_LOAD_OPENINGS_MAX if section.outlet == "ac" else LOAD_OPENINGS_MAX
    return WearLimits(section.contactor_operations, openings)


def build(
    config: Config, kept: KeptLatches = MappingProxyType({}), clock: Callable[[], float] = time.monotonic
) -> PowerStation:
    """Make every bus and device; lines are opened when first pumped. Raises UnusableDevice where `examine` was not asked.

    `kept`: the faults each EVSE is to start with, because only a person may reset them.
    `clock`: monotonic seconds, for the buses.
    """
    buses = {name: _bus(config, name, clock) for name in config.bus}

    def device(kind: str, name: str) -> Device:
        section = _devices(config)[kind][name]
        return catalog.build_device(_spec(kind, name, section), buses[section.bus])

    meters: dict[EvseId, EnergyMeter] = {
        EvseId(number): cast(EnergyMeter, device("meter", section.meter))
        for number, section in config.evse.items()
        if section.meter is not None
    }
    grid = None if config.grid.meter is None else cast(EnergyMeter, device("meter", config.grid.meter))
    stacks = {name: _stack(config, name, device, meters) for name in config.stack}
    buses_of = {
        EvseId(number): tuple(buses[bus] for bus in dict.fromkeys((*_bus_names(config, section), *_grid_buses(config))))
        for number, section in config.evse.items()
    }
    stages = {
        evse_id: _stage(
            config, evse_id, config.evse[evse_id], device, wires, kept.get(evse_id, {}), meters, stacks, grid
        )
        for evse_id, wires in buses_of.items()
    }
    lamps = {
        EvseId(number): ConnectorLamps(cast(LampPort, device("indicator", section.indicator)))
        for number, section in config.evse.items()
        if section.indicator is not None
    }
    site_meter = None
    if grid is not None and config.fuse_guard.fuse_A is not None and config.fuse_guard.meter == "grid_meter":
        site_meter = SiteMeter(grid)
    return PowerStation(tuple(buses.values()), stages, buses_of, tuple(stacks.values()), lamps, site_meter)


@dataclass(frozen=True, slots=True)
class LooseDevices:
    """Buses and devices that nothing joins: for bring-up and self-test, which have no cycle and no EVSE's stage."""

    buses: dict[str, Bus]
    devices: dict[tuple[str, str], Device]
    """By kind and name."""


def build_devices(config: Config, wanted: Collection[tuple[str, str]]) -> LooseDevices:
    """Only these devices, by kind and name, and their buses. Raises UnusableDevice where `examine` was not asked."""
    sections = _devices(config)
    names = {sections[kind][name].bus for kind, name in wanted}
    buses = {name: _bus(config, name) for name in config.bus if name in names}
    made = {}
    for kind, name in dict.fromkeys(wanted):
        section = sections[kind][name]
        made[kind, name] = catalog.build_device(_spec(kind, name, section), buses[section.bus])
    return LooseDevices(buses, made)


def io_wiring(section: EvseSection, devices: Mapping[tuple[str, str], Device]) -> IoWiring:
    """Which of these devices has which port of the EVSE."""
    return _io(section, lambda kind, name: devices[kind, name])


def device_kinds(config: Config) -> dict[str, tuple[str, ...]]:
    """Of each kind of device the names that are configured."""
    return {kind: tuple(sections) for kind, sections in _devices(config).items()}


def bus_of(config: Config, kind: str, name: str) -> str:
    """The name of the bus that a device is on."""
    return _devices(config)[kind][name].bus


def round_trips(config: Config, kind: str, name: str, bus: Bus, count: int) -> Iterator[float | None]:
    """Seconds of each of `count` requests to the device, None for one without an answer; nothing where its bus has no requests."""
    return catalog.round_trips(_spec(kind, name, _devices(config)[kind][name]), bus, count)


def _stack(
    config: Config, name: str, device: Callable[[str, str], Device], meters: Mapping[EvseId, EnergyMeter]
) -> ModuleStack:
    section = config.stack[name]
    modules = [cast(PowerModule, device("power_module", module)) for module in section.modules]
    sharing = {evse: meter for evse, meter in meters.items() if config.evse[evse].stack == name}
    return ModuleStack(name, modules, cast(MatrixPort, device("matrix", section.matrix)), sharing, catalog.group)


def _bus_names(config: Config, section: EvseSection) -> Iterator[str]:
    devices = _devices(config)
    yield from (devices[kind][name].bus for kind, name in devices_of(config, section))


def devices_of(config: Config, section: EvseSection) -> Iterator[tuple[str, str]]:
    """Kind and name of every device that an EVSE needs; those of its stack too."""
    stack = None if section.stack is None else config.stack[section.stack]
    for kind, names in (
        (
            "pilot_board",
            (section.pilot, section.contactors, section.lock, section.discharge, *section.safety_inputs),
        ),
        ("matrix", () if stack is None else (stack.matrix,)),
        ("power_module", section.power_modules if stack is None else stack.modules),
        ("meter", (section.meter,)),
        ("insulation_monitor", (section.insulation,)),
        ("token_reader", (section.token_reader,)),
        ("indicator", (section.indicator,)),
    ):
        yield from ((kind, name) for name in names if name is not None)


def _grid(config: Config, section: EvseSection) -> GridWindow:
    nominal_V = section.ac_voltage_V if section.outlet == "ac" else config.grid.nominal_V if config.grid.meter else 0.0
    return GridWindow(
        nominal_V=nominal_V,
        voltage_low_V=nominal_V * config.grid.voltage_low_percent / 100,
        voltage_high_V=nominal_V * config.grid.voltage_high_percent / 100,
        frequency_low_Hz=config.grid.frequency_low_Hz,
        frequency_high_Hz=config.grid.frequency_high_Hz,
        phases=section.ac_phases if section.outlet == "ac" else 3,
    )


def _grid_buses(config: Config) -> Iterator[str]:
    if config.grid.meter is not None:
        yield config.meter[config.grid.meter].bus


def _wires_that_stop(config: Config, section: EvseSection) -> frozenset[str]:
    """The buses without which an EVSE has no power: not its card reader's, not its lamps'. What a stack does without a module is the stack's."""
    alone = section.model_copy(update={"stack": None, "token_reader": None, "indicator": None})
    return frozenset(_bus_names(config, alone))


def _devices(config: Config) -> dict[str, Mapping[str, DeviceSection | TokenReaderSection]]:
    return {
        "power_module": config.power_module,
        "meter": config.meter,
        "insulation_monitor": config.insulation_monitor,
        "pilot_board": config.pilot_board,
        "matrix": config.matrix,
        "token_reader": config.token_reader,
        "indicator": config.indicator,
    }


def _bus(config: Config, name: str, clock: Callable[[], float] = time.monotonic) -> Bus:
    section = config.bus[name]
    spec = BusSpec(name, section.kind, section.port, section.baud, section.format, section.gap_ms)
    return catalog.open_bus(spec, clock)


def _spec(kind: str, name: str, section: DeviceSection | TokenReaderSection) -> DeviceSpec:
    return DeviceSpec(
        name=name,
        kind=kind,
        driver=section.driver,
        bus=section.bus,
        unit=section.unit if isinstance(section, DeviceSection) else 1,
        profile=section.profile if isinstance(section, DeviceSection) else None,
        params=section.params,
    )


def _io(section: EvseSection, device: Callable[[str, str], Device]) -> IoWiring:
    """The boards and lines of one EVSE: what is not named is on the device of the pilot."""
    made: dict[str, IoDevice] = {}

    def board(name: str | None) -> IoDevice:
        wanted = name or section.pilot
        assert wanted is not None  # the cross-check of the configuration found it
        if wanted not in made:
            made[wanted] = cast(IoDevice, device("pilot_board", wanted))
        return made[wanted]

    whole = IoWiring.of_one(board(section.pilot))
    watching = [whole.pilot, *(board(name) for name in section.safety_inputs)]
    return replace(
        whole,
        contactors=board(section.contactors),
        lock=None
        if _has_fixed_cable(section) and section.lock is None and whole.pilot.ports.lock is None
        else board(section.lock),
        discharge=None
        if section.outlet == "ac"
        else board(section.discharge)
        if section.discharge is not None
        else whole.discharge,
        # a pilot without safety inputs leaves them to the others
        inputs=tuple(one for one in watching if one is not whole.pilot or one.ports.inputs is not None)
        or (whole.pilot,),
    )


def _stage(
    config: Config,
    evse_id: EvseId,
    section: EvseSection,
    device: Callable[[str, str], Device],
    wires: tuple[Bus, ...],
    kept: Mapping[FaultCode, str],
    meters: Mapping[EvseId, EnergyMeter],
    stacks: Mapping[str, ModuleStack],
    grid: EnergyMeter | None,
) -> EvseStage:
    assert section.pilot and section.meter  # the cross-check of the configuration found them
    ratings = _ratings(config, section)
    reader = section.token_reader
    hardware = EvseHardware(
        io=_io(section, device),
        outlet=_OUTLETS[section.outlet](evse_id, section, device, stacks, ratings),
        meter=meters[evse_id],
        token_reader=None if reader is None else cast(TokenReader, device("token_reader", reader)),
        grid_meter=meters[evse_id] if section.outlet == "ac" else grid,
        buses=tuple(bus for bus in wires if bus.name in _wires_that_stop(config, section)),
    )
    return EvseStage(evse_id, hardware, ratings, kept)


def _dc_outlet(
    evse_id: EvseId,
    section: EvseSection,
    device: Callable[[str, str], Device],
    stacks: Mapping[str, ModuleStack],
    ratings: StageRatings,
) -> PowerOutlet:
    assert section.insulation  # the cross-check of the configuration found it
    modules = [cast(PowerModule, device("power_module", name)) for name in section.power_modules]
    module = (
        catalog.combine(f"evse{evse_id}", modules) if section.stack is None else stacks[section.stack].shares[evse_id]
    )
    return DcOutlet(module, cast(InsulationMonitor, device("insulation_monitor", section.insulation)), ratings)


def _ac_outlet(
    evse_id: EvseId,
    section: EvseSection,
    device: Callable[[str, str], Device],
    stacks: Mapping[str, ModuleStack],
    ratings: StageRatings,
) -> PowerOutlet:
    supply = AcSupply(section.ac_voltage_V, section.ac_frequency_Hz, section.ac_phases, section.current_max_A)
    return AcOutlet(
        AcRatings(
            supply=supply,
            charge_power_max_W=section.charge_power_max_W,
            discharge_power_max_W=section.discharge_power_max_W,
            socket=_is_socket(section),
            ventilated=section.ventilated,
            over_share=section.ac_over_percent / 100,
        )
    )


_OUTLETS = {"dc": _dc_outlet, "ac": _ac_outlet}


def _has_fixed_cable(section: EvseSection) -> bool:
    """At an AC outlet such a cable needs no lock at the station; the car locks its own end."""
    return section.outlet == "ac" and not _is_socket(section)


def _is_socket(section: EvseSection) -> bool:
    """The driver brings the cable (OCPP names: s for a socket, c for a cable)."""
    return section.connector_type.startswith("s")


def _limits(section: EvseSection) -> PowerLimits:
    """The ratings in the configuration. At an AC outlet the voltage is that of a phase, and the current that of all phases."""
    ac = section.outlet == "ac"
    return rated(
        section.ac_voltage_V if ac else section.voltage_max_V,
        section.current_max_A * section.ac_phases if ac else section.current_max_A,
        voltage_min_V=0.0 if ac else section.voltage_min_V,
        charge_power_max_W=section.charge_power_max_W,
        discharge_power_max_W=section.discharge_power_max_W,
    )


def _ratings(config: Config, section: EvseSection) -> StageRatings:
    return StageRatings(
        envelope=Envelope(
            _limits(section),
            insulation_limit_ohm=config.power.insulation_limit_ohm,
            insulation_reaction_s=config.power.insulation_reaction_s,
        ),
        ramp_A_per_s=section.ramp_A_per_s,
        lease_s=config.power.lease_s,
        temperature_required=section.temperature == "required",
        proximity_required=section.proximity == "required" or _is_socket(section),
        heat=HeatBounds(
            module_derate_degC=config.power.module_derate_degC,
            module_stop_degC=config.power.module_stop_degC,
            cabinet_derate_degC=config.power.cabinet_derate_degC,
            cabinet_stop_degC=config.power.cabinet_stop_degC,
        ),
        grid=_grid(config, section),
    )
