"""The families of CAN modules by the name of their driver, and the parameters the configuration may give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from chargepoint.model.unusable import Mistake, UnusableDevice
from chargepoint.ports import DeviceSpec
from drivers.can.bus import CanLine
from drivers.power_module import infypower, uugreenpower, winline
from drivers.power_module.can_dialect import Bounds, Dialect
from drivers.power_module.can_module import CanModule

Scalar = float | int | str | bool


@dataclass(frozen=True, slots=True)
class CanParam:
    """One number of the configuration: its bounds, and what it means. None as default: as the module reports."""

    name: str
    low: float
    high: float
    default: float | None
    meaning: str


PARAMS = (
    CanParam("voltage_max_V", 60, 2000, None, "highest output voltage, where less than the module reports"),
    CanParam("voltage_min_V", 0, 2000, None, "lowest output voltage, where more than the module reports"),
    CanParam(
        "charge_current_max_A", 0.1, 1000, None, "highest current into the car, where less than the module reports"
    ),
    CanParam(
        "discharge_current_max_A", 0, 1000, None, "highest current out of the car, where less than the module reports"
    ),
    CanParam(
        "power_max_W", 100, 1_000_000, None, "highest power in both directions, where less than the module reports"
    ),
    CanParam("ramp_A_per_s", 1, 10_000, 200.0, "how fast its current changes"),
    CanParam("comm_loss_s", 0.5, 600, None, "how long it goes on without a frame, where you measured it"),
)

_READ_BACK = "read_back"


@dataclass(frozen=True, slots=True)
class CanFamily:
    """One family of modules: its words for people, its addresses, and how its dialect is made."""

    meaning: str
    unit_max: int
    dialect: Callable[[int, bool], Dialect]
    may_read_back: bool


def _infypower(unit: int, read_back: bool) -> Dialect:
    return infypower.InfypowerBeg1k075g(unit, replace(infypower.MANNERS, reads_back=read_back))


FAMILIES = {
    "infypower_beg1k075g": CanFamily(
        "an Infypower BEG1K075G, both directions (unverified on a module)", infypower.UNIT_MAX, _infypower, True
    ),
    "winline": CanFamily(
        "a Winline or Maxwell module, charging only (unverified on a module)",
        winline.UNIT_MAX,
        lambda unit, read_back: winline.Winline(unit),
        False,
    ),
    "uugreenpower_ur1000": CanFamily(
        "a UUGreenPower UR1000, charging only (unverified on a module, the bits of its status above all)",
        uugreenpower.UNIT_MAX,
        lambda unit, read_back: uugreenpower.UuGreenPower(unit),
        False,
    ),
}


def build(spec: DeviceSpec, line: CanLine) -> CanModule:
    """The module of a configuration section. Raises UnusableDevice with every mistake in it."""
    family = FAMILIES[spec.driver]
    mistakes = list(_mistakes(spec, family))
    if mistakes:
        raise UnusableDevice(mistakes)
    numbers = {param.name: spec.params.get(param.name, param.default) for param in PARAMS}
    bounds = Bounds(**{name: float(value) for name, value in numbers.items() if value is not None})
    dialect = family.dialect(spec.unit, bool(spec.params.get(_READ_BACK, True)))
    return CanModule(spec.name, dialect, line, bounds)


def _mistakes(spec: DeviceSpec, family: CanFamily) -> list[Mistake]:
    found = []
    if spec.unit > family.unit_max:
        found.append(Mistake(("unit",), f"= {spec.unit}: at most {family.unit_max}", "set the address of the module"))
    if spec.profile is not None:
        found.append(Mistake(("profile",), f"= {spec.profile!r}: this driver takes none", "leave it out"))
    rows = {param.name: param for param in PARAMS}
    known = [*rows, _READ_BACK] if family.may_read_back else [*rows]
    for name, value in spec.params.items():
        if name not in known:
            remedy = f"known are {', '.join(known)}"
            found.append(Mistake(("params", name), "this driver knows no such parameter", remedy))
        elif name == _READ_BACK:
            if not isinstance(value, bool):
                found.append(Mistake(("params", name), f"= {value!r}: true or false", "correct it"))
        elif not _within(value, rows[name]):
            bounds = f"a number from {rows[name].low:g} to {rows[name].high:g}"
            found.append(Mistake(("params", name), f"= {value!r}: {bounds}", "correct it"))
    return found


def _within(value: Scalar, row: CanParam) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and row.low <= value <= row.high


def rows_for_people(family: CanFamily) -> tuple[Mapping[str, str], ...]:
    """Name, kind, default and meaning of each parameter, for the reference."""
    rows = [
        {
            "name": param.name,
            "kind": f"number, ≥ {param.low:g}, ≤ {param.high:g}",
            "default": "none" if param.default is None else f"`{param.default:g}`",
            "meaning": param.meaning,
        }
        for param in PARAMS
    ]
    if family.may_read_back:
        meaning = "set-points are read back; false for a firmware that shows measured values there"
        rows.append({"name": _READ_BACK, "kind": "true or false", "default": "true", "meaning": meaning})
    return tuple(rows)
