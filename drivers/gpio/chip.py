"""What a GPIO chip must be able to do, and the chips of Linux by the library gpiod. gpiod is loaded when a chip is opened.

Source: docs/sources/hardware.md 6.1 (gpiod 2: a request has a descriptor for edges).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from drivers.gpio.line import EdgeSeen

CONSUMER = "chargepoint"
EVENTS_KEPT = 256


class Bias(Enum):
    """The resistor inside the chip."""

    AS_IS = "as-is"
    PULL_UP = "pull-up"
    PULL_DOWN = "pull-down"


@dataclass(frozen=True, slots=True)
class LineUse:
    """How one line is used. `active_low`: a low voltage is active."""

    offset: int
    output: bool
    active_low: bool = False
    bias: Bias = Bias.AS_IS
    open_drain: bool = False


class ChipUnusable(OSError):
    """The chip or one of its lines cannot be used; the text says why and what to do."""


class ChipLines(Protocol):
    """The lines of one chip that are ours until `release`. Every call returns at once; OSError when the chip is gone."""

    @property
    def fd(self) -> int:
        """Readable while there are edges."""

    def edges(self, most: int) -> Sequence[EdgeSeen]:
        """At most so many of the edges that are there; perhaps none."""

    def levels(self, offsets: Sequence[int]) -> Mapping[int, bool]:
        """Whether each line is active now."""

    def set(self, offset: int, active: bool) -> None:
        """Drive an output."""

    def release(self) -> None:
        """Give the lines back. Never raises."""


OpenChip = Callable[[str, Sequence[LineUse]], ChipLines]
"""Opens a chip at its path with these lines; every output is inactive then. Raises ChipUnusable."""


def open_gpiod(path: str, uses: Sequence[LineUse]) -> ChipLines:
    """The lines of a chip of Linux, by gpiod 2. Raises ChipUnusable."""
    try:
        gpiod: Any = importlib.import_module("gpiod")
        line: Any = importlib.import_module("gpiod.line")
    except ImportError as error:
        raise ChipUnusable(f"{path}: the Python package gpiod 2 is not installed ({error}); install it") from error
    biases = {Bias.AS_IS: line.Bias.AS_IS, Bias.PULL_UP: line.Bias.PULL_UP, Bias.PULL_DOWN: line.Bias.PULL_DOWN}
    settings = {}
    for use in uses:
        settings[use.offset] = gpiod.LineSettings(
            direction=line.Direction.OUTPUT if use.output else line.Direction.INPUT,
            edge_detection=line.Edge.NONE if use.output else line.Edge.BOTH,
            bias=biases[use.bias],
            drive=line.Drive.OPEN_DRAIN if use.open_drain else line.Drive.PUSH_PULL,
            active_low=use.active_low,
            event_clock=line.Clock.MONOTONIC,
            output_value=line.Value.INACTIVE,
        )
    try:
        request = gpiod.request_lines(path, consumer=CONSUMER, config=settings, event_buffer_size=EVENTS_KEPT)
    except (OSError, ValueError) as error:
        raise ChipUnusable(f"{path}: {_why(error)}") from error
    return _GpiodLines(request, line.Value.ACTIVE, line.Value.INACTIVE, gpiod.EdgeEvent.Type.RISING_EDGE)


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such chip; see `gpiodetect`, and the port of the bus"
    if isinstance(error, PermissionError):
        return "permission denied; the user of this process must be in the chip's group (gpio)"
    return f"{error}; see `gpioinfo` for lines that somebody else uses"


class _GpiodLines:
    """A request of gpiod 2."""

    def __init__(self, request: Any, active: Any, inactive: Any, rising: Any) -> None:
        self._request = request
        self._active = active
        self._inactive = inactive
        self._rising = rising
        self.fd: int = request.fd

    def edges(self, most: int) -> Sequence[EdgeSeen]:
        if not self._request.wait_edge_events(0):
            return ()
        return tuple(
            # an active-low line rises when it becomes active: the kernel turns it round
            EdgeSeen(event.line_offset, event.event_type == self._rising, event.timestamp_ns / 1e9, event.line_seqno)
            for event in self._request.read_edge_events(most)
        )

    def levels(self, offsets: Sequence[int]) -> Mapping[int, bool]:
        values = self._request.get_values(list(offsets))
        return {offset: value == self._active for offset, value in zip(offsets, values, strict=True)}

    def set(self, offset: int, active: bool) -> None:
        self._request.set_value(offset, self._active if active else self._inactive)

    def release(self) -> None:
        try:
            self._request.release()
        except (OSError, RuntimeError):
            return
