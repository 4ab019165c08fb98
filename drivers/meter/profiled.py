"""An energy meter described by a register profile. Fulfils chargepoint.ports.EnergyMeter.

Both registers come from one read. With the parameter `invert` the meter is wired the other way round: import and export
change places and current and power their sign. A register may go backwards, or forward by more than any charger could
have moved meanwhile. Such a value is used only when three readings in a row agree. A meter that was reset or exchanged passes this
test; a meter that was read while one word carried into the next does not.
"""

from __future__ import annotations

from chargepoint.model.image import MeterRegisters
from drivers.modbus.rtu import RtuMaster
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

    def __init__(self, name: str, profile: DeviceProfile, params: Params, unit: int, master: RtuMaster) -> None:
        self.name = name
        self._invert = bool(params.get("invert", False))
        self._names = {p.maps_to: p.name for p in profile.points.values() if p.maps_to is not None}
        self._block = profile.points[self._names["import_Wh"]].block
        self._polled = PolledProfile(name, profile, params, unit, master, self._take)
        self._registers: MeterRegisters | None = None
        self._odd: list[MeterRegisters] = []

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
        if block != self._block or not self._polled.identified:
            return
        found = {meaning: self._polled.number(name) for meaning, name in self._names.items()}
        voltage_V, current_A, power_W = found["voltage_V"], found["current_A"], found["power_W"]
        import_Wh, export_Wh = found["import_Wh"], found["export_Wh"]
        if voltage_V is None or current_A is None or power_W is None or import_Wh is None or export_Wh is None:
            return
        if self._invert:
            current_A, power_W, import_Wh, export_Wh = -current_A, -power_W, export_Wh, import_Wh
        now = MeterRegisters(import_Wh, export_Wh, voltage_V, current_A, power_W, at_s)
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
