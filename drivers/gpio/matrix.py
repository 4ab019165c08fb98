"""The matrix of a stack on GPIO lines: for each link of a module with an EVSE one contactor and its feedback. Fulfils MatrixPort.

Parameters name the link and its lines, as those of `io_lines.py`: `psu1_to_2 = 17` is the output that connects psu1 to EVSE 2, and
`psu1_to_2_feedback = "18 pull-up"` is the contactor's mirror contact, active while the contactor is closed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from chargepoint.model.ids import EvseId
from chargepoint.model.readings import Reading
from chargepoint.model.unusable import Mistake, UnusableDevice
from chargepoint.ports import DeviceSpec
from drivers.gpio.bus import GpioBus
from drivers.gpio.chip import LineUse
from drivers.gpio.io_lines import Scalar, line_use
from drivers.gpio.line import InputLine

_PARAM = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,31})_to_([1-9][0-9]?)(_feedback)?")

Link = tuple[str, EvseId]


class GpioMatrix:
    """Contactors that connect modules to EVSEs."""

    def __init__(self, spec: DeviceSpec, bus: GpioBus) -> None:
        """Raises UnusableDevice with every mistake of the parameters."""
        self.name = spec.name
        self._bus = bus
        self._outputs: dict[Link, int] = {}
        self._feedbacks: dict[Link, InputLine] = {}
        outputs, feedbacks = _uses(spec.params)
        try:
            for link, use in outputs.items():
                bus.add_output(use)
                self._outputs[link] = use.offset
                self._feedbacks[link] = bus.add_input(feedbacks[link])
        except ValueError as error:
            raise UnusableDevice([Mistake(("params",), str(error), "give each use a line of its own")]) from error

    @property
    def identity_error(self) -> str:
        """Lines do not say what is behind them: always empty."""
        return ""

    @property
    def links(self) -> frozenset[Link]:
        """All that can be connected."""
        return frozenset(self._outputs)

    def poll(self, now_s: float) -> None:
        """Nothing to ask: the bus reads its lines by itself."""

    def request(self, closed: frozenset[Link]) -> None:
        """Open first, then close. A module that is named with two EVSEs is connected to neither."""
        count = Counter(module for module, _ in closed)
        wanted = {link for link in closed if count[link[0]] == 1}
        for active in (False, True):
            for link, offset in self._outputs.items():
                if (link in wanted) is active:
                    self._bus.set(offset, active)

    @property
    def state(self) -> Reading[frozenset[Link]] | None:
        """The contactors whose feedback is active; as old as the last reading of the chip."""
        at_s = self._bus.read_at_s
        if at_s is None or any(line.active is None for line in self._feedbacks.values()):
            return None
        return Reading(frozenset(link for link, line in self._feedbacks.items() if line.active), at_s)


def _uses(params: Mapping[str, Scalar]) -> tuple[dict[Link, LineUse], dict[Link, LineUse]]:
    outputs: dict[Link, LineUse] = {}
    feedbacks: dict[Link, LineUse] = {}
    mistakes = []
    for name, value in params.items():
        found = _PARAM.fullmatch(name)
        if found is None:
            problem = "this driver knows no such parameter"
            mistakes.append(Mistake(("params", name), problem, "write MODULE_to_EVSE and MODULE_to_EVSE_feedback"))
            continue
        link, feedback = (found[1], EvseId(int(found[2]))), found[3] is not None
        try:
            (feedbacks if feedback else outputs)[link] = line_use(value, output=not feedback)
        except ValueError as error:
            mistakes.append(Mistake(("params", name), f"= {value!r}: {error}", "correct it"))
    if not mistakes:
        mistakes = list(_missing(outputs, feedbacks))
    if mistakes:
        raise UnusableDevice(mistakes)
    return outputs, feedbacks


def _missing(outputs: Mapping[Link, LineUse], feedbacks: Mapping[Link, LineUse]) -> Iterator[Mistake]:
    for module, evse in sorted(outputs.keys() ^ feedbacks.keys()):
        name = f"{module}_to_{evse}" + ("" if (module, evse) in feedbacks else "_feedback")
        yield Mistake(("params", name), "missing", "name the line of each contactor and of its feedback")
    if not outputs and not feedbacks:
        yield Mistake(("params",), "names no line", "write MODULE_to_EVSE and MODULE_to_EVSE_feedback")
