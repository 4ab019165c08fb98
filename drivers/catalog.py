"""The catalogue: a name in the configuration -> a bus or a device. The only door into the drivers' house.

A new kind of bus is a row in BUS_KINDS, a new device a row in DRIVERS.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from chargepoint.model.unusable import Mistake, UnusableDevice
from chargepoint.ports import (
    EVERY_MEASUREMENT,
    IO_MAX_AGE_S,
    Bus,
    BusSpec,
    Device,
    DeviceSpec,
    ModuleGroup,
    PilotAbility,
    PowerModule,
)
from drivers import probe
from drivers.byte_bus import ByteBus
from drivers.can.bus import CanBus
from drivers.gpio.bus import GpioBus
from drivers.gpio.io_lines import GpioIo
from drivers.gpio.lamps import GpioLamps
from drivers.gpio.matrix import GpioMatrix
from drivers.insulation.bender import BenderMonitor
from drivers.insulation.dold import DoldMonitor
from drivers.keyboard_bus import KeyboardBus
from drivers.line_bus import LineBus
from drivers.meter.profiled import ProfiledMeter
from drivers.modbus.master import Master
from drivers.modbus.rtu import RtuMaster
from drivers.modbus.tcp import TcpMaster
from drivers.modbus.transaction import Read
from drivers.pilot.ac_controller import ABILITIES, AcController
from drivers.pilot.generic_io import CYCLE_S, WATCHDOG_MS, WATCHDOG_MS_BOUNDS, GenericIoBoard
from drivers.power_module import can_family
from drivers.power_module.array import PowerModuleArray
from drivers.power_module.profiled import ProfiledModule
from drivers.profile.bus_load import Exchange, exchanges_share, profile_share
from drivers.profile.codec import Params, resolve_params
from drivers.profile.load import load, shipped
from drivers.profile.schema import DeviceProfile, ProfileError
from drivers.reference import markdown
from drivers.serial_bus import SerialBus
from drivers.tcp_bus import TcpBus
from drivers.token.line import DEFAULT_PATTERN, LineReader
from drivers.token.pn532 import Pn532Reader
from drivers.token.presentation import REPEAT_S


def open_bus(spec: BusSpec, clock: Callable[[], float] = time.monotonic) -> Bus:
    """A bus for a configuration section; the line itself is opened in its first `pump`. Raises UnusableDevice.

    `clock`: monotonic seconds, the same clock as the caller's of `pump`.
    """
    if spec.kind not in BUS_KINDS:
        known = f"one of {', '.join(BUS_KINDS)}"
        raise UnusableDevice([Mistake(("kind",), f"= {spec.kind!r}: no such kind of bus", known)])
    return BUS_KINDS[spec.kind](spec, clock)


def build_device(spec: DeviceSpec, bus: Bus) -> Device:
    """The device of a configuration section on its bus. Raises UnusableDevice."""
    factory = DRIVERS.get((spec.kind, spec.driver))
    if factory is None:
        known = ", ".join(sorted(driver for kind, driver in DRIVERS if kind == spec.kind))
        raise UnusableDevice(
            [Mistake(("driver",), f"= {spec.driver!r}: no such driver", f"known for {spec.kind}: {known or 'none'}")]
        )
    return factory(spec, bus)


def combine(name: str, modules: Sequence[PowerModule]) -> PowerModule:
    """Several modules as one; a single one stays itself."""
    return modules[0] if len(modules) == 1 else PowerModuleArray(name, modules)


def group(name: str, modules: Sequence[PowerModule]) -> ModuleGroup:
    """Modules as one, of which some come and go."""
    return PowerModuleArray(name, modules)


def holds_bus_s(spec: DeviceSpec) -> float | None:
    """How long one unanswered request of this device keeps its bus busy; None where its driver has no profile."""
    profile = _known(spec)
    return None if profile is None else round(profile.timing.timeout_s + profile.timing.turnaround_s, 6)


def measures_ac(spec: DeviceSpec) -> bool:
    """It is a meter of alternating current: its values are not those of a DC output."""
    profile = _known(spec)
    return profile is not None and profile.device_class == "powermeter_ac"


def phases_measured(spec: DeviceSpec) -> int:
    """How many phases a meter of alternating current shows; 0 for any other device."""
    profile = _known(spec)
    if profile is None or profile.device_class != "powermeter_ac":
        return 0
    shown = {point.maps_to for point in profile.points.values()}
    return sum(f"voltage_L{number}_V" in shown for number in (1, 2, 3))


def io_max_age_s(spec: DeviceSpec) -> float:
    """How old the state of a pilot/IO device may be."""
    profile = _known(spec)
    return IO_MAX_AGE_S if profile is None or profile.controller is None else profile.controller.max_age_s


def pilot_not_measured(spec: DeviceSpec) -> tuple[PilotAbility, ...]:
    """What a pilot/IO device with a pilot cannot measure of it, in one order; empty for every other device."""
    if (spec.kind, spec.driver) != ("pilot_board", "ac_controller"):
        return ()
    return tuple(one for one in PilotAbility if one in EVERY_MEASUREMENT - ABILITIES)


def unverified(spec: DeviceSpec) -> tuple[str, ...]:
    """What the source of the device's profile does not settle, each in a few words."""
    profile = _known(spec)
    if profile is None:
        return ()
    stated = " ".join(profile.unverified)
    points = (p.name for p in profile.points.values() if p.unverified and p.name not in stated)
    return (*profile.unverified, *points)


def bus_load(spec: DeviceSpec, baud: int, format: str) -> float | None:
    """The share of a serial bus' time that polling this device takes; None where that is not known."""
    if (spec.kind, spec.driver) == ("pilot_board", "generic_io"):
        return exchanges_share(BOARD_EXCHANGES, baud, format)
    profile = _known(spec)
    return None if profile is None else profile_share(profile, baud, format)


def round_trips(spec: DeviceSpec, bus: Bus, count: int) -> Iterator[float | None]:
    """How long each of `count` reads of the device takes, s; None for one without an answer. Empty where its bus is no Modbus.

    The device's own polls must not run meanwhile.
    """
    if not isinstance(bus, SerialBus | TcpBus):
        return
    yield from probe.round_trips(bus, _presence(spec), count)


def _presence(spec: DeviceSpec) -> Read:
    """A read that the device answers: that of its identity."""
    profile = _known(spec)
    if profile is None:
        return Read(spec.unit, 4, 0, 24)
    block = profile.blocks[profile.points[profile.identity.point].block or ""]
    base = 0 if block.base is None else int(resolve_params(profile, spec.params)[block.base])
    return Read(spec.unit, block.function, base + block.start, block.count)


def reference() -> str:
    """Every driver and every shipped profile with their parameters, as Markdown."""
    return markdown(sorted(DRIVERS))


def _known(spec: DeviceSpec) -> DeviceProfile | None:
    """The device's profile; None without one, or with one that `build_device` refuses."""
    try:
        return None if spec.profile is None else _load(spec.profile)
    except ProfileError:
        return None


def _load(name: str) -> DeviceProfile:
    return load(Path(name)) if name.endswith(".toml") else shipped(name)


def _master(spec: DeviceSpec, bus: Bus, profile: DeviceProfile | None = None) -> Master:
    master = getattr(bus, "master", None)
    if not isinstance(master, RtuMaster | TcpMaster):
        raise _refused(("bus",), f"= {bus.name!r}: not a Modbus line", "name a bus of kind serial or tcp")
    kind = "serial" if isinstance(master, RtuMaster) else "tcp"
    if profile is not None and kind not in profile.transports:
        problem = f"= {bus.name!r}: a bus of kind {kind}, and profile {profile.id} is for {profile.transports[0]} only"
        raise _refused(("bus",), problem, f"name a bus of kind {profile.transports[0]}")
    return master


_WHY_NOT = {
    "grid_inverter": ", which sets no DC voltage and no DC current: it cannot pre-charge, nor obey a car",
    "powermeter_ac": ", which measures alternating current",
    "ac_controller": ", which shows the pilot of an AC outlet",
}
"""Said beside the class of a profile that does not fit."""


def _refused(key: tuple[str, ...], problem: str, remedy: str) -> UnusableDevice:
    return UnusableDevice([Mistake(key, problem, remedy)])


def _refuse_unknown(params: Mapping[str, object], *known: str) -> None:
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise UnusableDevice(
            Mistake(("params", name), "this driver knows no such parameter", f"known are {', '.join(known)}")
            for name in unknown
        )


def _profile(spec: DeviceSpec, *classes: str) -> tuple[DeviceProfile, Params]:
    if spec.profile is None:
        raise _refused(("profile",), "required by this driver", "name one of drivers/profiles, or a .toml file's path")
    try:
        profile = _load(spec.profile)
    except ProfileError as error:
        lines = [line.rpartition("; ") for line in str(error).splitlines()]
        raise UnusableDevice(Mistake(("profile",), problem, remedy) for problem, _, remedy in lines) from error
    if profile.device_class not in classes:
        what = f"= {spec.profile!r}: the profile of a {profile.device_class}{_WHY_NOT.get(profile.device_class, '')}"
        raise _refused(("profile",), what, f"name one of a {' or '.join(classes)}")
    return profile, resolve_params(profile, spec.params)


def _power_module(spec: DeviceSpec, bus: Bus) -> Device:
    profile, params = _profile(spec, "psu_dc")
    return ProfiledModule(spec.name, profile, params, spec.unit, _master(spec, bus, profile))


def _can_module(spec: DeviceSpec, bus: Bus) -> Device:
    if not isinstance(bus, CanBus):
        raise _refused(("bus",), f"= {bus.name!r}: not a CAN bus", "name a bus of kind can")
    return can_family.build(spec, bus)


def _meter(spec: DeviceSpec, bus: Bus) -> Device:
    profile, params = _profile(spec, "powermeter", "powermeter_ac")
    return ProfiledMeter(spec.name, profile, params, spec.unit, _master(spec, bus, profile))


def _bender(spec: DeviceSpec, bus: Bus) -> Device:
    profile, params = _profile(spec, "imd")
    if "counter_status" not in profile.points:
        raise _refused(("profile",), f"= {spec.profile!r}: not a Bender monitor's", "name another driver or profile")
    return BenderMonitor(spec.name, profile, params, spec.unit, _master(spec, bus, profile))


def _dold(spec: DeviceSpec, bus: Bus) -> Device:
    profile, params = _profile(spec, "imd")
    if "timeout_enabled" not in profile.points:
        raise _refused(("profile",), f"= {spec.profile!r}: not a Dold monitor's", "name another driver or profile")
    return DoldMonitor(spec.name, profile, params, spec.unit, _master(spec, bus, profile))


def _generic_io(spec: DeviceSpec, bus: Bus) -> Device:
    _refuse_unknown(spec.params, "watchdog_ms")
    watchdog_ms, (low, high) = spec.params.get("watchdog_ms", WATCHDOG_MS), WATCHDOG_MS_BOUNDS
    if isinstance(watchdog_ms, bool) or not isinstance(watchdog_ms, int) or not low <= watchdog_ms <= high:
        problem = f"= {watchdog_ms!r}: whole milliseconds from {low} to {high}"
        raise _refused(("params", "watchdog_ms"), problem, "correct it")
    return GenericIoBoard(spec.name, spec.unit, _master(spec, bus), watchdog_ms)


def _ac_controller(spec: DeviceSpec, bus: Bus) -> Device:
    profile, params = _profile(spec, "ac_controller")
    return AcController(spec.name, profile, params, spec.unit, _master(spec, bus, profile))


def _gpio_io(spec: DeviceSpec, bus: Bus) -> Device:
    if not isinstance(bus, GpioBus):
        raise _refused(("bus",), f"= {bus.name!r}: not a GPIO chip", "name a bus of kind gpio")
    return GpioIo(spec, bus)


def _gpio_matrix(spec: DeviceSpec, bus: Bus) -> Device:
    if not isinstance(bus, GpioBus):
        raise _refused(("bus",), f"= {bus.name!r}: not a GPIO chip", "name a bus of kind gpio")
    return GpioMatrix(spec, bus)


def _gpio_lamps(spec: DeviceSpec, bus: Bus) -> Device:
    if not isinstance(bus, GpioBus):
        raise _refused(("bus",), f"= {bus.name!r}: not a GPIO chip", "name a bus of kind gpio")
    return GpioLamps(spec, bus)


def _line_reader(spec: DeviceSpec, bus: Bus) -> Device:
    if not isinstance(bus, LineBus | KeyboardBus):
        raise _refused(("bus",), f"= {bus.name!r}: not a line of text", "name a bus of kind line or keyboard")
    _refuse_unknown(spec.params, "pattern", "repeat_s")
    pattern = spec.params.get("pattern", DEFAULT_PATTERN)
    try:
        return LineReader(spec.name, bus, str(pattern), _repeat_s(spec))
    except re.error as error:
        problem = f"= {pattern!r}: {error}"
        raise _refused(("params", "pattern"), problem, "correct the regular expression") from error


BOARD_EXCHANGES = (Exchange(8, 53, CYCLE_S, 0.001), Exchange(19, 8, CYCLE_S, 0.001))
"""The pilot/IO board's read of 24 registers and write of 5, as `drivers.pilot.generic_io` does them in each cycle."""


def _pn532(spec: DeviceSpec, bus: Bus) -> Device:
    if not isinstance(bus, ByteBus):
        raise _refused(("bus",), f"= {bus.name!r}: not a line of bytes", "name a bus of kind bytes")
    if bus.device is not None:
        raise _refused(("bus",), f"= {bus.name!r}: has a device already", "give each reader a bus of its own")
    _refuse_unknown(spec.params, "repeat_s")
    reader = Pn532Reader(spec.name, _repeat_s(spec))
    bus.device = reader
    return reader


def _repeat_s(spec: DeviceSpec) -> float:
    repeat_s = spec.params.get("repeat_s", REPEAT_S)
    if isinstance(repeat_s, bool) or not isinstance(repeat_s, int | float) or not 0 <= repeat_s <= 60:
        raise _refused(("params", "repeat_s"), f"= {repeat_s!r}: seconds from 0 to 60", "correct it")
    return float(repeat_s)


BUS_KINDS: dict[str, Callable[[BusSpec, Callable[[], float]], Bus]] = {
    "serial": SerialBus,
    "tcp": TcpBus,
    "line": lambda spec, _: LineBus(spec),
    "bytes": ByteBus,
    "keyboard": lambda spec, _: KeyboardBus(spec),
    "can": CanBus,
    "gpio": GpioBus,
}
DRIVERS: dict[tuple[str, str], Callable[[DeviceSpec, Bus], Device]] = {
    ("power_module", "profile"): _power_module,
    **{("power_module", family): _can_module for family in can_family.FAMILIES},
    ("meter", "profile"): _meter,
    ("insulation_monitor", "bender"): _bender,
    ("insulation_monitor", "dold"): _dold,
    ("pilot_board", "generic_io"): _generic_io,
    ("pilot_board", "ac_controller"): _ac_controller,
    ("pilot_board", "gpio"): _gpio_io,
    ("matrix", "gpio"): _gpio_matrix,
    ("indicator", "gpio"): _gpio_lamps,
    ("token_reader", "line"): _line_reader,
    ("token_reader", "pn532"): _pn532,
}
