"""An energy meter described by a register profile. Fulfils chargepoint.ports.EnergyMeter.

Both registers come from one read. What else it shows may come from other reads; then the oldest of them is the age of all. With the parameter `invert` the meter is wired the other way round: import and export
change places and current and power their sign. A register may go backwards, or forward by more than any charger could
have moved meanwhile. Such a value is used only when three readings in a row agree. A meter that was reset or exchanged passes this
test; a meter that was read while one word carried into the next does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chargepoint.model.image import AcReading, MeterRegisters
from chargepoint.ports import DevicePoint
from drivers.meter.alternating import inverted, mean_voltage_V, reading
from drivers.modbus.master import Master
from drivers.profile.codec import Params
from drivers.profile.polled import PolledProfile
from drivers.profile.schema import DeviceProfile

_PERSIST = 3
_MOST_W = 2e6
"""Twice the greatest power a connector can be configured for."""
_STEP_Wh = 20.0
"""Registers of up to 10 Wh, and what was counted and not shown yet."""


class ProfiledMeter:
    """`registers` is None before the first valid reading; afterwards the last valid one, whose age shows how long the meter is silent."""

    def __init__(self, name: str, profile: DeviceProfile, params: Params, unit: int, master: Master) -> None:
        self.name = name
        self._invert = bool(params.get("invert", False))
        self._names = {p.maps_to: p.name for p in profile.points.values() if p.maps_to is not None}
        self._alternating = profile.device_class == "powermeter_ac"
        self._block = profile.points[self._names["import_Wh"]].block
        self._blocks = frozenset(block for name in self._names.values() if (block := profile.points[name].block))
        self._seen_at_s: dict[str, float] = {}
        self._polled = PolledProfile(name, profile, params, unit, master, self._take)
        self._registers: MeterRegisters | None = None
        self._odd: list[MeterRegisters] = []

    def points(self) -> Iterator[DevicePoint]:
        """Every register of the profile, as read last."""
        return self._polled.points()

    def poll(self, now_s: float) -> None:
        """Queue the reads that are due."""
        self._polled.poll(now_s)

    @property
    def registers(self) -> MeterRegisters | None:
        """Last registers with their own age; None before the first."""
        return self._registers

    @property
    def identity_error(self) -> str:
        """Why the device is not taken for the one configured; empty if it is, or has not answered yet."""
        return self._polled.identity_error

    def _take(self, block: str, at_s: float) -> None:
        if block not in self._blocks or not self._polled.identified:
            return
        self._seen_at_s[block] = at_s
        if block != self._block or len(self._seen_at_s) < len(self._blocks):
            return
        now = self._reading({meaning: self._polled.number(name) for meaning, name in self._names.items()})
        if now is not None:
            self._follow(now)

    def _reading(self, found: Mapping[str, float | None]) -> MeterRegisters | None:
        """Everything the meter shows, as old as its oldest part; None while a part is missing."""
        import_Wh, export_Wh = found["import_Wh"], found["export_Wh"]
        ac: AcReading | None = None
        power_W, voltage_V, current_A = found.get("power_W"), found.get("voltage_V"), found.get("current_A")
        if self._alternating:
            phases = reading(found)
            if phases is None:
                return None
            ac, power_W = phases
            voltage_V, current_A = mean_voltage_V(ac), sum(ac.current_A)
        if voltage_V is None or current_A is None or power_W is None or import_Wh is None or export_Wh is None:
            return None
        if self._invert:
            current_A, power_W, import_Wh, export_Wh = -current_A, -power_W, export_Wh, import_Wh
            ac = None if ac is None else inverted(ac)
        return MeterRegisters(import_Wh, export_Wh, voltage_V, current_A, power_W, min(self._seen_at_s.values()), ac=ac)

    def _follow(self, now: MeterRegisters) -> None:
        """Take a reading that goes on from the last one; another one only when it stays."""
        if self._registers is not None and not _follows(now, self._registers):
            agreeing = bool(self._odd) and _follows(now, self._odd[-1])
            self._odd = [*self._odd, now] if agreeing else [now]
            if len(self._odd) < _PERSIST:
                return
        self._odd = []
        self._registers = now


def _follows(now: MeterRegisters, last: MeterRegisters) -> bool:
    most_Wh = _STEP_Wh + _MOST_W * max(0.0, now.taken_at_s - last.taken_at_s) / 3600
    return all(0 <= gain <= most_Wh for gain in (now.import_Wh - last.import_Wh, now.export_Wh - last.export_Wh))
