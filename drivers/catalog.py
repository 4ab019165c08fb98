"""The catalogue: a name in the configuration -> a bus or a device. The only door into the drivers' house.

A new kind of bus is a row in BUS_KINDS, a new device a row in DRIVERS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from chargepoint.model.unusable import Mistake, UnusableDevice
from chargepoint.ports import Bus, BusSpec, Device, DeviceSpec, ModuleGroup, PowerModule
from drivers.byte_bus import ByteBus
from drivers.can.bus import CanBus
from drivers.gpio.bus import GpioBus
from drivers.gpio.io_lines import GpioIo
from drivers.gpio.matrix import GpioMatrix
from drivers.insulation.bender import BenderMonitor
from drivers.keyboard_bus import KeyboardBus
from drivers.line_bus import LineBus
from drivers.meter.profiled import ProfiledMeter
from drivers.modbus.rtu import RtuMaster
from drivers.pilot.generic_io import WATCHDOG_MS, WATCHDOG_MS_BOUNDS, GenericIoBoard
from drivers.power_module import can_family
from drivers.power_module.array import PowerModuleArray
from drivers.power_module.profiled import ProfiledModule
from drivers.profile.codec import Params, resolve_params
from drivers.profile.load import load, shipped
from drivers.profile.schema import DeviceProfile, ProfileError
from drivers.reference import markdown
from drivers.serial_bus import SerialBus
from drivers.token.line import DEFAULT_PATTERN, LineReader
from drivers.token.pn532 import Pn532Reader
from drivers.token.presentation import REPEAT_S


def open_bus(spec: BusSpec) -> Bus:
    """A bus for a configuration section; the line itself is opened in its first `pump`. Raises UnusableDevice."""
    if spec.kind not in BUS_KINDS:
        known = f"one of {', '.join(BUS_KINDS)}"
        raise UnusableDevice([Mistake(("kind",), f"= {spec.kind!r}: no such kind of bus", known)])
    return BUS_KINDS[spec.kind](spec)


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
    try:
        profile = None if spec.profile is None else _load(spec.profile)
    except ProfileError:
        return None  # `build_device` says so
    return None if profile is None else round(profile.timing.timeout_s + profile.timing.turnaround_s, 6)


def reference() -> str:
    """Every driver and every shipped profile with their parameters, as Markdown."""
    return markdown(sorted(DRIVERS))


def _load(name: str) -> DeviceProfile:
    return load(Path(name)) if name.endswith(".toml") else shipped(name)


def _master(spec: DeviceSpec, bus: Bus) -> RtuMaster:
    master = getattr(bus, "master", None)
    if not isinstance(master, RtuMaster):
        raise _refused(("bus",), f"= {bus.name!r}: not a Modbus line", "name a bus of kind serial")
    return master


def _refused(key: tuple[str, ...], problem: str, remedy: str) -> UnusableDevice:
    return UnusableDevice([Mistake(key, problem, remedy)])


def _refuse_unknown(params: Mapping[str, object], *known: str) -> None:
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise UnusableDevice(
            Mistake(("params", name), "this driver knows no such parameter", f"known are {', '.join(known)}")
            for name in unknown
        )


def _profile(spec: DeviceSpec, device_class: str) -> tuple[DeviceProfile, Params]:
    if spec.profile is None:
        raise _refused(("profile",), "required by this driver", "name one of drivers/profiles, or a .toml file's path")
    try:
        profile = _load(spec.profile)
    except ProfileError as error:
        lines = [line.rpartition("; ") for line in str(error).splitlines()]
        raise UnusableDevice(Mistake(("profile",), problem, remedy) for problem, _, remedy in lines) from error
    if profile.device_class != device_class:
        what = f"= {spec.profile!r}: the profile of a {profile.device_class}"
        raise _refused(("profile",), what, f"name one of a {device_class}")
    return profile, resolve_params(profile, spec.params)


def _power_module(spec: DeviceSpec, bus: Bus) -> Device:
    profile, params = _profile(spec, "psu_dc")
    return ProfiledModule(spec.name, profile, params, spec.unit, _master(spec, bus))


def _can_module(spec: DeviceSpec, bus: Bus) -> Device:
    if not isinstance(bus, CanBus):
        raise _refused(("bus",), f"= {bus.name!r}: not a CAN bus", "name a bus of kind can")
    return can_family.build(spec, bus)


def _meter(spec: DeviceSpec, bus: Bus) -> Device:
    profile, params = _profile(spec, "powermeter")
    return ProfiledMeter(spec.name, profile, params, spec.unit, _master(spec, bus))


def _bender(spec: DeviceSpec, bus: Bus) -> Device:
    profile, params = _profile(spec, "imd")
    return BenderMonitor(spec.name, profile, params, spec.unit, _master(spec, bus))


def _generic_io(spec: DeviceSpec, bus: Bus) -> Device:
    _refuse_unknown(spec.params, "watchdog_ms")
    watchdog_ms, (low, high) = spec.params.get("watchdog_ms", WATCHDOG_MS), WATCHDOG_MS_BOUNDS
    if isinstance(watchdog_ms, bool) or not isinstance(watchdog_ms, int) or not low <= watchdog_ms <= high:
        problem = f"= {watchdog_ms!r}: whole milliseconds from {low} to {high}"
        raise _refused(("params", "watchdog_ms"), problem, "correct it")
    return GenericIoBoard(spec.name, spec.unit, _master(spec, bus), watchdog_ms)


def _gpio_io(spec: DeviceSpec, bus: Bus) -> Device:
    if not isinstance(bus, GpioBus):
        raise _refused(("bus",), f"= {bus.name!r}: not a GPIO chip", "name a bus of kind gpio")
    return GpioIo(spec, bus)


def _gpio_matrix(spec: DeviceSpec, bus: Bus) -> Device:
    if not isinstance(bus, GpioBus):
        raise _refused(("bus",), f"= {bus.name!r}: not a GPIO chip", "name a bus of kind gpio")
    return GpioMatrix(spec, bus)


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


BUS_KINDS: dict[str, Callable[[BusSpec], Bus]] = {
    "serial": SerialBus,
    "line": LineBus,
    "bytes": ByteBus,
    "keyboard": KeyboardBus,
    "can": CanBus,
    "gpio": GpioBus,
}
DRIVERS: dict[tuple[str, str], Callable[[DeviceSpec, Bus], Device]] = {
    ("power_module", "profile"): _power_module,
    **{("power_module", family): _can_module for family in can_family.FAMILIES},
    ("meter", "profile"): _meter,
    ("insulation_monitor", "bender"): _bender,
    ("pilot_board", "generic_io"): _generic_io,
    ("pilot_board", "gpio"): _gpio_io,
    ("matrix", "gpio"): _gpio_matrix,
    ("token_reader", "line"): _line_reader,
    ("token_reader", "pn532"): _pn532,
}
