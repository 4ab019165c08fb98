"""The live values of a device with what was seen of each: smallest, largest, changes, age, good or bad. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chargepoint.commissioning.outlet import OutletReadings
from chargepoint.ports import DevicePoint

OLD_AFTER_S = 3.0
"""A value that is older is bad, unless its device is read more seldom."""


@dataclass(slots=True)
class LivePoint:
    """One value of a device, and what it was since bring-up began."""

    last: DevicePoint
    lowest: float = math.inf
    highest: float = -math.inf
    changes: int = 0

    def take(self, point: DevicePoint) -> bool:
        """The newest value. True if the value or its verdict is another one, and that is news."""
        changed = (point.value, point.trouble) != (self.last.value, self.last.trouble)
        self.changes += changed
        self.last = point
        if isinstance(point.value, float):
            self.lowest, self.highest = min(self.lowest, point.value), max(self.highest, point.value)
        return changed and not (point.ticks and not point.trouble)

    def bad(self, now_s: float) -> str:
        """Why the value is not good; empty: it is."""
        if self.last.trouble:
            return self.last.trouble
        if self.last.taken_at_s is None:
            return "not read yet"
        age_s = now_s - self.last.taken_at_s
        return f"old: {age_s:.0f} s" if age_s > max(OLD_AFTER_S, 3 * self.last.every_s) else ""


class LiveTable:
    """Every point by its name, in the order of the device."""

    def __init__(self) -> None:
        self.rows: dict[str, LivePoint] = {}

    def take(self, points: Iterable[DevicePoint]) -> list[LivePoint]:
        """The newest values; the rows that are new or changed."""
        changed = []
        for point in points:
            row = self.rows.get(point.name)
            if row is None:
                row = self.rows[point.name] = LivePoint(point)
                row.take(point)
                changed.append(row)
            elif row.take(point):
                changed.append(row)
        return changed


def outlet_points(kind: str, name: str, seen: OutletReadings) -> Iterator[DevicePoint]:
    """What the device shows of itself through its ports, in the units of this software."""
    match kind:
        case "pilot_board":
            yield from _board(seen)
        case "power_module":
            yield from _module(name, seen)
        case "insulation_monitor":
            state = seen.insulation
            ohm = None if state is None or state.resistance_ohm is None else state.resistance_ohm / 1000
            yield _now("port.resistance", ohm, "kohm", seen)
            yield _now("port.healthy", None if state is None else float(state.healthy), "", seen)
            yield _now("port.measuring", None if state is None else float(state.measuring), "", seen)
        case "meter":
            meter = seen.meter
            for field, unit in (("voltage", "V"), ("current", "A"), ("power", "W"), ("import", "Wh"), ("export", "Wh")):
                yield _now(f"port.{field}", None if meter is None else getattr(meter, f"{field}_{unit}"), unit, seen)
        case "matrix":
            closed = (
                None if seen.links is None else ", ".join(f"{module} to {evse}" for module, evse in sorted(seen.links))
            )
            yield _now("port.closed", closed, "", seen)


def _board(seen: OutletReadings) -> Iterator[DevicePoint]:
    pilot, contactor = seen.pilot, seen.contactor
    if pilot is not None:
        yield _now("port.pilot", pilot.pilot.name, "", seen)
        measured = (
            ("pilot_high", pilot.high_V, "V"),
            ("pilot_low", pilot.low_V, "V"),
            ("duty", pilot.duty_percent, "%"),
        )
        for label, value, unit in measured:
            if value is not None:  # what the device does not measure has no line
                yield _now(f"port.{label}", value, unit, seen)
        ohm = "open" if pilot.proximity_ohm is None else pilot.proximity_ohm
        yield _now("port.proximity", ohm, "" if isinstance(ohm, str) else "ohm", seen)
    if contactor is not None:
        yield _now("port.contactor_positive", float(contactor.positive_closed), "", seen)
        yield _now("port.contactor_negative", float(contactor.negative_closed), "", seen)
        yield _now("port.contactor_coil", float(contactor.coil_on), "", seen)
    if seen.lock is not None:
        yield _now("port.lock", seen.lock.name.lower(), "", seen)
    if seen.discharge_closed is not None:
        yield _now("port.discharge", float(seen.discharge_closed), "", seen)
    for label, words in (("open_inputs", seen.open_inputs), ("latched", seen.latched)):
        if words is not None:
            text = ", ".join(sorted(word.value for word in words))
            yield _now(f"port.{label}", text or "none", "", seen, f"{label.replace('_', ' ')}: {text}" if text else "")
    for number, degrees in enumerate(seen.temperatures_degC or ()):
        yield _now(f"port.temperature_{number + 1}", "absent" if degrees is None else degrees, "degC", seen)


def _module(name: str, seen: OutletReadings) -> Iterator[DevicePoint]:
    state = seen.modules.get(name)
    yield _now("port.voltage", None if state is None else state.voltage_V, "V", seen)
    yield _now("port.current", None if state is None else state.current_A, "A", seen)
    yield _now("port.output", None if state is None else float(state.output_on), "", seen)
    faults = None if state is None else ", ".join(state.faults) or "none"
    yield _now(
        "port.faults", faults, "", seen, f"module faults: {faults}" if state is not None and state.faults else ""
    )
    if state is not None and state.temperature_degC is not None:
        yield _now("port.temperature", state.temperature_degC, "degC", seen)


def _now(name: str, value: float | str | None, unit: str, seen: OutletReadings, trouble: str = "") -> DevicePoint:
    if value is None:
        return DevicePoint(name, None, unit, (), None, "the device is silent, or its value is too old")
    return DevicePoint(name, value, unit, (), seen.now_s, trouble)
