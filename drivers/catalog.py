"""The catalogue: a name in the configuration -> a bus or a device. The only door into the drivers' house.

A new kind of bus (CAN) is a row in BUS_KINDS, a new device a row in DRIVERS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from chargepoint.ports import Bus, BusSpec, Device, DeviceSpec, PowerModule
from drivers.insulation.bender import BenderMonitor
from drivers.line_bus import LineBus
from drivers.meter.profiled import ProfiledMeter
from drivers.modbus.rtu import RtuMaster
from drivers.pilot.generic_io import WATCHDOG_MS, WATCHDOG_MS_BOUNDS, GenericIoBoard
from drivers.power_module.array import PowerModuleArray
from drivers.power_module.profiled import ProfiledModule
from drivers.profile.codec import Params, resolve_params
from drivers.profile.load import load, shipped
from drivers.profile.schema import Profile, ProfileError
from drivers.serial_bus import SerialBus
from drivers.token.line import DEFAULT_PATTERN, LineReader


class UnknownDriver(ValueError):
    """The configuration names something that is not here, or gives it what it cannot use. The text says what to write."""


def open_bus(spec: BusSpec) -> Bus:
    """A bus for a configuration section; the line itself is opened in its first `pump`. Raises UnknownDriver."""
    if spec.kind not in BUS_KINDS:
        raise UnknownDriver(f"[bus.{spec.name}] kind = {spec.kind!r}: not known; known are {', '.join(BUS_KINDS)}")
    return BUS_KINDS[spec.kind](spec)


def build_device(spec: DeviceSpec, bus: Bus) -> Device:
    """The device of a configuration section on its bus. Raises UnknownDriver."""
    known = sorted(driver for kind, driver in DRIVERS if kind == spec.kind)
    factory = DRIVERS.get((spec.kind, spec.driver))
    if factory is None:
        kinds = ", ".join(sorted({kind for kind, _ in DRIVERS}))
        bound = f"known for {spec.kind} are {', '.join(known)}" if known else f"known kinds are {kinds}"
        raise UnknownDriver(f"{spec.where}: [{spec.kind}.{spec.name}] driver = {spec.driver!r}: not known; {bound}")
    try:
        return factory(spec, bus)
    except ProfileError as error:
        raise UnknownDriver(f"{spec.where}: [{spec.kind}.{spec.name}]: {error}") from error


def combine(name: str, modules: Sequence[PowerModule]) -> PowerModule:
    """Several modules as one; a single one stays itself."""
    return modules[0] if len(modules) == 1 else PowerModuleArray(name, modules)


def _master(spec: DeviceSpec, bus: Bus) -> RtuMaster:
    master = getattr(bus, "master", None)
    if not isinstance(master, RtuMaster):
        raise UnknownDriver(
            f"{spec.where}: [{spec.kind}.{spec.name}] bus = {bus.name!r}: not a Modbus line; name a bus of kind serial"
        )
    return master


def _profile(spec: DeviceSpec, device_class: str) -> tuple[Profile, Params]:
    if spec.profile is None:
        raise ProfileError(
            "profile: required by this driver; name one of drivers/profiles, or give the path of a .toml file"
        )
    profile = load(Path(spec.profile)) if spec.profile.endswith(".toml") else shipped(spec.profile)
    if profile.device_class != device_class:
        raise ProfileError(f"profile = {spec.profile!r}: a {profile.device_class}, needed is a {device_class}")
    return profile, resolve_params(profile, spec.params, f"[{spec.kind}.{spec.name}]")


def _power_module(spec: DeviceSpec, bus: Bus) -> Device:
    profile, params = _profile(spec, "psu_dc")
    return ProfiledModule(spec.name, profile, params, spec.unit, _master(spec, bus))


def _meter(spec: DeviceSpec, bus: Bus) -> Device:
    profile, params = _profile(spec, "powermeter")
    return ProfiledMeter(spec.name, profile, params, spec.unit, _master(spec, bus))


def _bender(spec: DeviceSpec, bus: Bus) -> Device:
    profile, params = _profile(spec, "imd")
    return BenderMonitor(spec.name, profile, params, spec.unit, _master(spec, bus))


def _generic_io(spec: DeviceSpec, bus: Bus) -> Device:
    unknown = sorted(set(spec.params) - {"watchdog_ms"})
    if unknown:
        raise ProfileError(f"params.{unknown[0]}: not known; known is watchdog_ms")
    watchdog_ms, (low, high) = spec.params.get("watchdog_ms", WATCHDOG_MS), WATCHDOG_MS_BOUNDS
    if isinstance(watchdog_ms, bool) or not isinstance(watchdog_ms, int) or not low <= watchdog_ms <= high:
        raise ProfileError(f"params.watchdog_ms = {watchdog_ms!r}: {low} to {high}, whole milliseconds")
    return GenericIoBoard(spec.name, spec.unit, _master(spec, bus), watchdog_ms)


def _line_reader(spec: DeviceSpec, bus: Bus) -> Device:
    if not isinstance(bus, LineBus):
        raise ProfileError(f"bus = {bus.name!r}: not a line of text; name a bus of kind line")
    unknown = sorted(set(spec.params) - {"pattern", "repeat_s"})
    if unknown:
        raise ProfileError(f"params.{unknown[0]}: not known; known are pattern, repeat_s")
    pattern, repeat_s = spec.params.get("pattern", DEFAULT_PATTERN), spec.params.get("repeat_s", 2.0)
    if not isinstance(repeat_s, int | float) or not 0 <= repeat_s <= 60:
        raise ProfileError(f"params.repeat_s = {repeat_s!r}: 0 to 60 seconds")
    try:
        return LineReader(spec.name, bus, str(pattern), float(repeat_s))
    except re.error as error:
        raise ProfileError(f"params.pattern = {pattern!r}: {error}; correct the regular expression") from error


BUS_KINDS: dict[str, Callable[[BusSpec], Bus]] = {"serial": SerialBus, "line": LineBus}
DRIVERS: dict[tuple[str, str], Callable[[DeviceSpec, Bus], Device]] = {
    ("power_module", "profile"): _power_module,
    ("meter", "profile"): _meter,
    ("insulation_monitor", "bender"): _bender,
    ("pilot_board", "generic_io"): _generic_io,
    ("token_reader", "line"): _line_reader,
}
