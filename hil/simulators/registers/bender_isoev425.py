"""Bender isoEV425 / isoCHA425HV from the device's side: docs/sources/hardware.md 3. Function 3 reads, function 16 writes."""

from __future__ import annotations

from hil.plant.insulation import InsulationPlant
from hil.simulators.registers.device_map import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, text, words

OHM, VOLT = 2, 4
TRUE, BIGGER, INVALID = 0, 2, 3
MOST_OHM = 5_000_000.0


class BenderIsoEv425:
    """Channels of four registers at 1000, set-up at 3000, commands at 8003, name at 9800."""

    coils = (0, 1)
    inputs = (0, 1)
    holding = (1000, 8826)

    def __init__(self, unit: int, monitor: InsulationPlant) -> None:
        self.unit = unit
        self._monitor = monitor

    @property
    def silent(self) -> bool:
        return self._monitor.silent

    def read(self, function: int, address: int, count: int) -> list[int] | None:
        if function != 3:
            return None
        table = self._table()
        if any(address + i not in table for i in range(count)):
            return None
        return [table[address + i] for i in range(count)]

    def _table(self) -> dict[int, int]:
        m = self._monitor
        test = 2 if m.self_testing else 0
        error = 2 if m.device_error else 0
        ohm, alarm, range_ = m.measured_ohm, error, TRUE
        if ohm is None or m.blind:
            ohm, range_ = 0.0, INVALID
        elif ohm > MOST_OHM:
            ohm, range_ = MOST_OHM, BIGGER
        elif ohm < m.alarm_below_ohm:
            alarm = error or 5
        elif ohm < m.prealarm_below_ohm:
            alarm = error or 1

        def channel(value: float, alarm: int, range_: int, unit: int, description: int) -> list[int]:
            return [*words("f", value), test << 14 | alarm << 8 | range_ << 6 | unit, description]

        half_V = m.voltage_V / 2
        channels = [
            *channel(ohm, alarm, range_, OHM, 102 if error else 71),
            *channel(0.0, 0, INVALID, 1, 0),
            *channel(m.voltage_V, error, TRUE, VOLT, 101 if error else 76),
            *channel(0.0, 0, INVALID, 1, 82),
            *channel(half_V + m.earth_shift_V, 0, TRUE, VOLT, 78),
            *channel(m.earth_shift_V - half_V, 0, TRUE, VOLT, 78),
            *channel(0.0, 0, INVALID, 1, 0),
            *channel(ohm, alarm, range_, OHM, 71),
            *channel(float(m.counter), error, TRUE, 1, 115),
        ]
        table = dict(enumerate(channels, start=1000))
        table |= dict(enumerate([0] * 29, start=3000))
        table |= {3005: round(m.prealarm_below_ohm / 1000), 3007: round(m.alarm_below_ohm / 1000)}
        table |= {3016: 8, 3017: 2, 3021: 0, 3025: 1, 3026: int(m.running)}
        table |= dict(enumerate([*text("isoEV425-D4W", 10), *[0] * 10, 511, 501, 2026, 11, 1, 100], start=9800))
        return table

    def write(self, function: int, address: int, values: list[int]) -> int:
        if function != 16:
            return ILLEGAL_FUNCTION
        m, value = self._monitor, values[0]
        match address:
            case 3026 if value in (0, 1):
                m.running = bool(value)
            case 3005:
                m.prealarm_below_ohm = 1000.0 * value
            case 3007:
                m.alarm_below_ohm = 1000.0 * value
            case 8005 if value == 0x5445:
                m.start_self_test()
            case 3021 | 3025 | 8006:
                pass
            case 3026 | 8005:
                return ILLEGAL_VALUE
            case _:
                return ILLEGAL_ADDRESS
        return 0
