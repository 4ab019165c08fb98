"""Which register map stands before a module of the plant: one row for each driver's profile that has a map of its own.

An AC meter's registers are made from its profile, too. Every other `psu_dc` profile is simulated by `FollowingModule`, which is made from the profile. A module on another kind of bus
is a row here, with the wire that carries it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from chargepoint.config.schema import DeviceSection
from drivers.profile.codec import resolve_params
from drivers.profile.load import load, shipped
from drivers.profile.schema import DeviceProfile, ProfileError
from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.grid import GridConnection
from hil.plant.module import ModulePlant
from hil.simulators.registers.ac_meter import FollowingAcMeter
from hil.simulators.registers.device_map import DeviceMap
from hil.simulators.registers.ea_psb import EaPsb
from hil.simulators.registers.from_profile import FollowingModule

OWN_MAPS: Mapping[str, Callable[[int, ModulePlant], DeviceMap]] = {"ea_psb_10000": EaPsb}


def simulated_module(device: DeviceSection) -> tuple[ModulePlant, DeviceMap]:
    """The module of the plant and its registers. Raises ValueError for a device that no simulator knows."""
    try:
        profile = _profile(device.profile or "")
    except ProfileError as error:
        raise ValueError(f"power module profile {device.profile!r}: {error}") from error
    params = resolve_params(profile, device.params)

    def rated(name: str, default: float) -> float:
        rating = profile.capabilities.get(name, default)
        return float(params[rating] if isinstance(rating, str) else rating)

    plant = ModulePlant(
        nominal_V=rated("voltage_max_V", 1000.0),
        nominal_A=rated("charge_current_max_A", 40.0),
        nominal_W=rated("charge_power_max_W", 30_000.0),
    )
    own = OWN_MAPS.get(device.profile or "")
    return plant, FollowingModule(device.unit, profile, params, plant) if own is None else own(device.unit, plant)


def simulated_ac_meter(device: DeviceSection, outlet: AcOutletPlant | GridConnection) -> DeviceMap:
    """The registers of the meter of this outlet, or of the station's connection. Raises ValueError for a device that no simulator knows."""
    try:
        profile = _profile(device.profile or "", "powermeter_ac")
    except ProfileError as error:
        raise ValueError(f"meter profile {device.profile!r}: {error}") from error
    return FollowingAcMeter(device.unit, profile, resolve_params(profile, device.params), outlet)


def _profile(name: str, device_class: str = "psu_dc") -> DeviceProfile:
    profile = load(Path(name)) if name.endswith(".toml") else shipped(name)
    if profile.device_class != device_class:
        raise ProfileError(f"the profile of a {profile.device_class}; name one of a {device_class}")
    return profile
