"""EA PSB 10000 from the device's side: docs/sources/hardware.md 1.2. Raw 0xCCCC is 100 % of the nominal value.

Functions 3, 5 and 6 only, as in the public material. State is a u32 at 505, high word first (unverified).
"""

from __future__ import annotations

from hil.plant.module import ModulePlant
from hil.simulators.registers.device_map import BUSY, ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, text, words

FULL = 0xCCCC
MOST = 53477


class EaPsb:
    """One unit on the bus."""

    coils = (402, 4)
    holding = (0, 9010)
    inputs = (0, 1)

    def __init__(self, unit: int, module: ModulePlant) -> None:
        self.unit = unit
        self._module = module
        self._frozen: dict[int, int] | None = None

    @property
    def silent(self) -> bool:
        return not self._module.answers

    def read(self, function: int, address: int, count: int) -> list[int] | None:
        module = self._module
        if function in (1, 5):
            states = {402: module.remote, 405: module.output_on}
            return [int(states.get(address + i, False)) for i in range(count)]
        if not module.frozen:
            self._frozen = None
        elif self._frozen is None:
            self._frozen = self._table()
        table = self._frozen or self._table()
        if any(address + i not in table for i in range(count)):
            return None
        return [table[address + i] for i in range(count)]

    def _table(self) -> dict[int, int]:
        m = self._module
        state = m.output_on << 4 | m.regulation << 9 | m.remote << 11 | m.alarm << 12 | (m.shown_A < 0) << 15
        table = dict(enumerate([39, *text("PSB 11000-40", 20)]))
        table |= dict(enumerate(text("2026110001", 20), start=151))
        table |= dict(enumerate([_raw(m.sink_power_W, m.nominal_W), _raw(m.sink_current_A, m.nominal_A)], start=498))
        table |= dict(
            enumerate(
                [
                    _raw(m.voltage_set_V, m.nominal_V),
                    _raw(m.source_current_A, m.nominal_A),
                    _raw(m.source_power_W, m.nominal_W),
                ],
                start=500,
            )
        )
        table |= dict(enumerate(words("I", state), start=505))
        volts = max(0.0, m.shown_V)
        actual = [_raw(volts, m.nominal_V), _raw(abs(m.shown_A), m.nominal_A)]
        table |= dict(enumerate([*actual, _raw(volts * abs(m.shown_A), m.nominal_W)], start=507))
        limits = (1.02, 0, 1.02, 0, 1.02, None, None, None, 1.02, 1.02)
        table |= {9000 + i: round(FULL * limit) for i, limit in enumerate(limits) if limit is not None}
        return table

    def write(self, function: int, address: int, values: list[int]) -> int:
        m = self._module
        if function == 5:
            return self._switch(address, bool(values[0]))
        if function != 6:
            return ILLEGAL_FUNCTION
        if address not in (498, 499, 500, 501, 502):
            return ILLEGAL_ADDRESS
        if not m.remote:
            return BUSY
        if values[0] > MOST:
            return ILLEGAL_VALUE
        share = values[0] / FULL
        match address:
            case 498:
                m.sink_power_W = share * m.nominal_W
            case 499:
                m.sink_current_A = share * m.nominal_A
            case 500:
                m.voltage_set_V = share * m.nominal_V
            case 501:
                m.source_current_A = share * m.nominal_A
            case _:
                m.source_power_W = share * m.nominal_W
        return 0

    def _switch(self, address: int, on: bool) -> int:
        if address == 402:
            self._module.set_remote(on)
            return 0
        if address == 405:
            return 0 if self._module.set_output(on) else BUSY
        return ILLEGAL_ADDRESS


def _raw(value: float, nominal: float) -> int:
    return min(0xFFFF, round(value / nominal * FULL))
