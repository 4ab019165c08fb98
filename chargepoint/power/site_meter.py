"""The meter at the station's connection, for the fuse guard: each new reading once. Its exceptions stay its own."""

from __future__ import annotations

from chargepoint.model.image import MeterRegisters
from chargepoint.model.site_meter import SiteMeterReading
from chargepoint.ports import EnergyMeter
from chargepoint.power.device_guard import DeviceGuard


class SiteMeter:
    """Polls the meter, and shows what is new."""

    def __init__(self, meter: EnergyMeter) -> None:
        self._meter = meter
        self._guard = DeviceGuard()
        self._shown_s = float("-inf")

    def poll(self, now_s: float) -> None:
        """Let the meter queue what is due. An EVSE that reads the same meter may have done so already."""
        self._guard.begin(now_s)
        self._guard.poll(self._meter, now_s)

    def news(self) -> SiteMeterReading | None:
        """A reading that was not shown yet; None: nothing new."""
        registers = self._guard.read(self._meter, lambda: self._meter.registers)
        if registers is None or registers.taken_at_s <= self._shown_s:
            return None
        self._shown_s = registers.taken_at_s
        return SiteMeterReading(registers.taken_at_s, phases_W(registers))


def phases_W(registers: MeterRegisters) -> tuple[float, ...]:
    """Active power of each of three phases, where the meter shows them; else the sum alone."""
    ac = registers.ac
    if ac is not None and len(ac.power_W) == 3:
        return ac.power_W
    if ac is not None and len(ac.voltage_V) == len(ac.current_A) == 3:
        return tuple(voltage_V * current_A for voltage_V, current_A in zip(ac.voltage_V, ac.current_A, strict=True))
    return (registers.power_W,)
