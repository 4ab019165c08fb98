"""The lines of one GPIO chip as a bus. Fulfils chargepoint.ports.Bus. Moved by `pump`.

* Edges arrive with the kernel's time. Every 50 ms all inputs are read again, so that a lost edge costs no more than that, and so that
  a reading has an age.
* Outputs are inactive when the chip is opened, and are made inactive before the lines are given back. When the process dies, the
  kernel gives them back: what an output does then is decided by its resistor. So a contactor's line needs one that opens.
* A stopped process leaves its outputs as they are. Only a watchdog in hardware opens then (docs/hardware.md).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from chargepoint.model.image import BusHealth
from chargepoint.ports import BusSpec
from drivers.gpio.chip import ChipLines, ChipUnusable, LineUse, OpenChip, open_gpiod
from drivers.gpio.line import ACTIVE_S, INACTIVE_S, InputLine

REOPEN_S = 1.0
REREAD_S = 0.05
EDGES_PER_READ = 64
READ_PAUSE_S = 0.005
"""A full read is followed by this pause: a line that chatters must not take the processor."""


class GpioBus:
    """Opens in the first `pump`; reopens a lost chip every second. Errors of the chip are never exceptions."""

    def __init__(
        self, spec: BusSpec, clock: Callable[[], float] = time.monotonic, open_chip: OpenChip = open_gpiod
    ) -> None:
        self.name = spec.name
        self._port = spec.port
        self._clock = clock
        self._open_chip = open_chip
        self._uses: dict[int, LineUse] = {}
        self._inputs: dict[int, InputLine] = {}
        self._outputs: dict[int, bool] = {}
        """What each output is ordered."""
        self._driven: dict[int, bool] = {}
        """What each output was last set to."""
        self._lines: ChipLines | None = None
        self._open_at_s = -1e9
        self._reread_at_s = -1e9
        self._read_at_s = -1e9
        self._now_s = -1e9
        self._trouble = ""
        self._edges = self._lost = 0
        self.read_at_s: float | None = None
        """When the inputs were last read; None before the first."""
        self.first_read_at_s: float | None = None

    # -- for devices ------------------------------------------------------------------------------

    def add_input(self, use: LineUse, active_s: float = ACTIVE_S, inactive_s: float = INACTIVE_S) -> InputLine:
        """Watch this line. Raises ValueError where it is used already. Before the first `pump` only."""
        self._claim(use)
        self._inputs[use.offset] = InputLine(active_s, inactive_s)
        return self._inputs[use.offset]

    def add_output(self, use: LineUse) -> None:
        """Drive this line, inactive at first. Raises ValueError where it is used already. Before the first `pump` only."""
        self._claim(use)
        self._outputs[use.offset] = False

    def set(self, offset: int, active: bool) -> None:
        """Drive an output: at once where the chip is open. One that cannot be driven shows in `driven`."""
        self._outputs[offset] = active
        self._drive(self._now_s)

    def driven(self, offset: int) -> bool:
        """What the output was last set to; inactive while the chip is lost."""
        return self._lines is not None and self._driven.get(offset, False)

    def _claim(self, use: LineUse) -> None:
        if use.offset in self._uses:
            raise ValueError(f"line {use.offset} of {self.name} is used twice")
        self._uses[use.offset] = use

    # -- for the cycle ----------------------------------------------------------------------------

    def fileno(self) -> int | None:
        """Readable when a line changed; None while the chip is lost, and in the pause after a full read."""
        return None if self._lines is None or self._clock() < self._read_at_s else self._lines.fd

    def pump(self, now_s: float, *, quiet: bool = False) -> bool:
        """Take edges, read the inputs again when due, drive the outputs, reopen a lost chip when its time has come. Always True: what came was not looked at."""
        self._move(now_s)
        return True

    def _move(self, now_s: float) -> None:
        self._now_s = now_s
        if self._lines is None and now_s >= self._open_at_s:
            self._open(now_s)
        if self._lines is None:
            return
        try:
            lost = now_s >= self._read_at_s and self._take_edges(self._lines, now_s)
            if lost or now_s >= self._reread_at_s:
                self._reread(self._lines, now_s)
        except OSError as error:
            self._lose(f"{self._port}: {error}", now_s)
            return
        for line in self._inputs.values():
            line.step(now_s)
        self._drive(now_s)

    @property
    def patience_s(self) -> float:
        """None: what is due here is due now."""
        return 0.0

    def drop_queued(self, now_s: float) -> None:
        """Our own process stalled: an order that a lost chip did not take is forgotten. What is driven stays as it is."""
        for offset in self._outputs:
            self._outputs[offset] = self._driven.get(offset, False)

    @property
    def deadline_s(self) -> float | None:
        """When `pump` must be called even if nothing arrives."""
        if self._lines is None:
            return self._open_at_s
        times_s = [line.deadline_s for line in self._inputs.values()]
        return min([self._reread_at_s, *(at_s for at_s in times_s if at_s is not None)])

    def health(self) -> BusHealth:
        """Edges count as ok, lost edges as mismatches."""
        return BusHealth(
            name=self.name,
            ok=self._edges,
            timeouts=0,
            crc_errors=0,
            mismatches=sum(line.lost_edges for line in self._inputs.values()) + self._lost,
            late=0,
            connected=self._lines is not None,
            trouble="" if self._lines is not None else self._trouble,
        )

    def close(self) -> None:
        """Make every output inactive and give the lines back."""
        if self._lines is not None:
            for offset in self._outputs:
                with contextlib.suppress(OSError):
                    self._lines.set(offset, False)
            self._lines.release()
            self._lines = None
        self._driven.clear()
        self._open_at_s = float("inf")

    # -- the chip ---------------------------------------------------------------------------------

    def _open(self, now_s: float) -> None:
        try:
            self._lines = self._open_chip(self._port, tuple(self._uses.values()))
        except ChipUnusable as error:
            self._lose(str(error), now_s)
            return
        self._driven = dict.fromkeys(self._outputs, False)
        for offset in self._outputs:
            self._outputs[offset] = False  # an order from before the loss is old
        self._reread_at_s = self._read_at_s = now_s

    def _take_edges(self, lines: ChipLines, now_s: float) -> bool:
        """True: edges were lost."""
        lost = False
        edges = lines.edges(EDGES_PER_READ)
        for edge in edges:
            line = self._inputs.get(edge.offset)
            if line is None or edge.at_s > now_s + 1.0:
                self._lost += 1
                continue
            self._edges += 1
            lost = line.edge(edge) or lost
        if len(edges) >= EDGES_PER_READ:
            self._read_at_s = now_s + READ_PAUSE_S
            self._reread_at_s = min(self._reread_at_s, self._read_at_s)
        return lost

    def _reread(self, lines: ChipLines, now_s: float) -> None:
        levels = lines.levels(tuple(self._inputs)) if self._inputs else {}
        for offset, line in self._inputs.items():
            line.reread(levels[offset], now_s)
        self.read_at_s = now_s
        if self.first_read_at_s is None:
            self.first_read_at_s = now_s
        self._reread_at_s = now_s + REREAD_S

    def _drive(self, now_s: float) -> None:
        """Off goes first. A line that cannot be driven is a lost chip: the kernel lets all its lines go."""
        if self._lines is None:
            return
        for offset, active in sorted(self._outputs.items(), key=lambda item: item[1]):
            if self._driven.get(offset) == active:
                continue
            try:
                self._lines.set(offset, active)
            except OSError as error:
                self._lose(f"{self._port}: line {offset}: {error}", now_s)
                return
            self._driven[offset] = active

    def _lose(self, trouble: str, now_s: float) -> None:
        if self._lines is not None:
            self._lines.release()
            self._lines = None
        self._driven.clear()
        self._trouble = trouble
        self._open_at_s = now_s + REOPEN_S
