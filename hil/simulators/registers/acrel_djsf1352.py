"""Acrel DJSF1352-RN DC meter from the device's side: docs/sources/hardware.md 2. Value times 10^(exponent - 3)."""

from __future__ import annotations

from hil.plant.meter import MeterPlant
from hil.simulators.registers.device_map import ILLEGAL_ADDRESS, signed_word, words


class AcrelDjsf1352:
    """Twenty registers from 0. Energy in Wh."""

    coils = (0, 1)
    inputs = (0, 1)
    holding = (0, 20)

    def __init__(self, unit: int, meter: MeterPlant) -> None:
        self.unit = unit
        self._meter = meter

    @property
    def silent(self) -> bool:
        return self._meter.silent

    def read(self, function: int, address: int, count: int) -> list[int] | None:
        if function != 3 or address + count > 20:
            return None
        m = self._meter
        registers = [
            *(max(0, round(m.voltage_V * 10)), 2),
            *(signed_word(m.current_A * 100), 1),
            *(0, 25, 0, 0),
            *(signed_word(m.power_W), 3),
            *(0, 0),
            *words("I", int(m.import_Wh)),
            *words("I", int(m.export_Wh)),
            *(1, 100, 0, 0),
        ]
        return registers[address : address + count]

    def write(self, function: int, address: int, values: list[int]) -> int:
        return ILLEGAL_ADDRESS
