"""The lamps of one connector on GPIO lines. Fulfils chargepoint.ports.LampPort.

Parameters name a line for each lamp, as those of `io_lines.py`: `green = 5`, `blue = "6 low"`, `red = "13 open-drain"`. A lamp without
a line stays dark.
"""

from __future__ import annotations

from collections.abc import Iterator

from chargepoint.model.indicator import Lamp
from chargepoint.model.unusable import Mistake, UnusableDevice
from chargepoint.ports import DevicePoint, DeviceSpec
from drivers.gpio.bus import GpioBus
from drivers.gpio.chip import LineUse
from drivers.gpio.io_lines import line_use


class GpioLamps:
    """Lamps that are lit while their line is active. All are dark at first, and after the end of the process."""

    def __init__(self, spec: DeviceSpec, bus: GpioBus) -> None:
        """Raises UnusableDevice with every mistake of the parameters."""
        self.name = spec.name
        self._bus = bus
        uses = _uses(spec)
        try:
            for use in uses.values():
                bus.add_output(use)
        except ValueError as error:
            raise UnusableDevice([Mistake(("params",), str(error), "give each use a line of its own")]) from error
        self._offsets = {lamp: use.offset for lamp, use in uses.items()}

    @property
    def identity_error(self) -> str:
        """Lines do not say what is behind them: always empty."""
        return ""

    def poll(self, now_s: float) -> None:
        """Nothing to ask."""

    def show(self, lit: frozenset[Lamp]) -> None:
        """Light these lamps, and no others."""
        for lamp, offset in self._offsets.items():
            self._bus.set(offset, lamp in lit)

    def points(self) -> Iterator[DevicePoint]:
        """Each lamp: 1 is lit."""
        at_s = self._bus.read_at_s
        for lamp, offset in self._offsets.items():
            trouble = "" if at_s is not None else "chip not open"
            yield DevicePoint(f"line_{offset}.{lamp.value}", float(self._bus.driven(offset)), "", (), at_s, trouble)


def _uses(spec: DeviceSpec) -> dict[Lamp, LineUse]:
    uses, mistakes = {}, []
    known = {lamp.value: lamp for lamp in Lamp}
    for name, value in spec.params.items():
        if name not in known:
            problem = "this driver knows no such parameter"
            mistakes.append(Mistake(("params", name), problem, f"known are {', '.join(known)}"))
            continue
        try:
            uses[known[name]] = line_use(value, output=True)
        except ValueError as error:
            mistakes.append(Mistake(("params", name), f"= {value!r}: {error}", "correct it"))
    if not spec.params:
        mistakes.append(Mistake(("params",), "names no line", f"known are {', '.join(known)}"))
    if mistakes:
        raise UnusableDevice(mistakes)
    return uses
