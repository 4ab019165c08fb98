"""The input registers of the pilot/IO board as named values, for people at bring-up. Pure. docs/pilot-board.md has the map."""

from __future__ import annotations

from collections.abc import Iterator

from chargepoint.ports import DevicePoint

_ROWS: tuple[tuple[str, float, str], ...] = (
    ("map_version", 1.0, ""),
    ("abilities", 1.0, ""),
    ("firmware_version", 1.0, ""),
    ("uptime", 1.0, "s"),
    ("sequence_counter", 1.0, ""),
    ("pilot_state", 1.0, ""),
    ("pilot_high", 0.001, "V"),
    ("pilot_low", 0.001, "V"),
    ("pilot_duty", 0.01, "%"),
    ("proximity", 1.0, "ohm"),
    ("lock_state", 1.0, ""),
    ("outputs", 1.0, ""),
    ("feedback", 1.0, ""),
    ("safety_inputs", 1.0, ""),
    ("latched_faults", 1.0, ""),
    ("temperature_positive", 0.1, "degC"),
    ("temperature_negative", 0.1, "degC"),
    ("temperature_cable", 0.1, "degC"),
    ("temperature_cabinet", 0.1, "degC"),
    ("temperature_spare_1", 0.1, "degC"),
    ("temperature_spare_2", 0.1, "degC"),
    ("supply", 0.001, "V"),
    ("restart_reason", 1.0, ""),
    ("configuration_sum", 1.0, ""),
)
_TICKING = ("uptime", "sequence_counter")
_SIGNED_UNITS = ("V", "degC")
_ABSENT = {"degC": 0x7FFF, "ohm": 0xFFFF}
_ABSENT_WORDS = {"degC": "no sensor", "ohm": "open"}


def board_points(registers: tuple[int, ...], at_s: float | None, trouble: str) -> Iterator[DevicePoint]:
    """Each register with its value; `registers` empty: the board was not read yet."""
    for place, (name, scale, unit) in enumerate(_ROWS):
        if place >= len(registers):
            yield DevicePoint(name, None, unit, (), None, trouble or "not read yet")
            continue
        raw = registers[place]
        if _ABSENT.get(unit) == raw:
            yield DevicePoint(name, _ABSENT_WORDS[unit], "", (raw,), at_s)
            continue
        signed = raw - 0x10000 if raw & 0x8000 and unit in _SIGNED_UNITS and name != "supply" else raw
        yield DevicePoint(name, round(signed * scale, 3), unit, (raw,), at_s, ticks=name in _TICKING)
