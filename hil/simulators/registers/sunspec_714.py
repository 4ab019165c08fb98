"""A DC meter that answers as SunSpec model 714 with one port, from the device's side (model JSON of sunspec/models).

Power and current are positive into the car; DCWhAbs counts what the car absorbs, DCWhInj what it injects. Energy in mWh.
"""

from __future__ import annotations

from hil.plant.meter import MeterPlant
from hil.simulators.registers.device_map import ILLEGAL_ADDRESS, signed_word, text, words

LENGTH = 43


class SunSpec714:
    """Model 714 at `base` (the address of its ID)."""

    coils = (0, 1)
    inputs = (0, 1)

    def __init__(self, unit: int, meter: MeterPlant, base: int) -> None:
        self.unit = unit
        self.holding = (base, LENGTH + 2)
        self._meter = meter
        self._base = base
        self._frozen: list[int] | None = None

    @property
    def silent(self) -> bool:
        return self._meter.silent

    def read(self, function: int, address: int, count: int) -> list[int] | None:
        start = address - self._base
        if function != 3 or start < 0 or start + count > LENGTH + 2:
            return None
        if not self._meter.frozen:
            self._frozen = None
        elif self._frozen is None:
            self._frozen = self._block()
        return (self._frozen or self._block())[start : start + count]

    def _block(self) -> list[int]:
        m = self._meter
        amperes, watts = signed_word(m.current_A * 100), signed_word(m.power_W)
        injected, absorbed = words("Q", int(m.export_Wh * 1000)), words("Q", int(m.import_Wh * 1000))
        volts = max(0, min(65534, round(m.voltage_V * 10)))
        scales = [signed_word(sf) for sf in (-2, -1, 0, -3, -1)]
        port = [2, 1, *text("EV", 8), amperes, volts, watts, *injected, *absorbed, signed_word(250), 1, 0, 0]
        return [714, LENGTH, 0, 0, 1, amperes, watts, *injected, *absorbed, *scales, *port]

    def write(self, function: int, address: int, values: list[int]) -> int:
        return ILLEGAL_ADDRESS
