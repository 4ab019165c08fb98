"""The Modbus bus of the power process: one serial line, one RtuMaster, moved by `pump`.

Fulfils chargepoint.ports.Bus. Call `pump` when `fileno()` is readable and when `deadline_s` has come. A transaction needs
two calls: send and receive. The next request waits for t3.5 (1.75 ms). A 10 ms tick alone would make that wait longer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from chargepoint.model.image import BusHealth
from chargepoint.ports import BusSpec
from drivers.modbus.rtu import RtuMaster
from drivers.socket_line import open_line
from drivers.tty import REOPEN_S, Gone, Line

TURNAROUND_STEP_S, UNHURRIED_STEP_S = 0.00015, 0.00002
"""The estimate of a device's turnaround goes up by the first after a read that found no whole reply, and down by the same after one that
did. Half of all replies then wait for nothing. For a slow read it goes down by the second, so that seven of eight cost one wake-up."""
TURNAROUND_MAX_S = 0.0015
"""A reply is never left unread for longer than this beyond its time on the wire."""

SLOW_PATIENCE_S = 0.005
"""A slow read (priority SLOW) and its reply wait this long at most for a wake-up that comes anyway. Its values are seconds old at most
before they count as stale."""

STALE_S = 0.2
"""A frame whose decision is older than this is not written: as long as the cycle may be late before it counts as a stall."""


class SerialBus:
    """Opens in the first `pump`; reopens a lost adapter every second. Wire errors become outcomes, never exceptions."""

    def __init__(self, spec: BusSpec, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = spec.name
        self.master = RtuMaster(spec.name, spec.baud, spec.format, spec.gap_ms / 1000)
        self._spec = spec
        self._clock = clock
        self._now_s = 0.0
        self._line: Line | None = None
        self._open_at_s = -1e9
        self._look_at_s: float | None = None
        self._asked_unit = 0
        self._turnaround_s: dict[int, float] = {}
        self.last_error = ""
        """What the system said when the line was last lost or could not be opened."""

    def fileno(self) -> int | None:
        """Descriptor to poll for reading; None while the adapter is unplugged, and while only a part of a reply can be there:
        a UART hands its bytes out one by one, and each would wake the loop.

        No reply is complete before request and reply have had their time on the wire. To that the bus adds a little less
        than this device's usual turnaround, so that one look finds the whole reply.
        """
        if self._line is None or self._look_at_s is not None:
            return None
        complete_at_s = self.master.complete_at_s
        return None if complete_at_s is not None and self._clock() < complete_at_s else self._line.fd

    def pump(self, now_s: float, *, quiet: bool = False) -> bool:
        """Read what is there, hand replies out, send what is due, reopen a lost adapter when its time has come.

        `quiet`: the caller has just seen that there is nothing to read. True: a driver got the outcome of a request.
        """
        delivered = self.master.delivered
        self._move(now_s, quiet=quiet)
        return self.master.delivered != delivered

    def _move(self, now_s: float, *, quiet: bool) -> None:
        self._now_s = now_s
        if self._line is None and now_s >= self._open_at_s:
            self._open(now_s)
        if self._line is None:
            self.master.tick(now_s)
            return
        try:
            if self._look_at_s is None:
                if not quiet:
                    self.master.receive(self._line.read(), now_s)
            elif now_s >= self._look_at_s:
                self._first_look(self._line.read(), now_s)
            self.master.tick(now_s)
            frame = self.master.to_send(now_s)
            if frame and self._clock() - now_s > STALE_S:  # stopped between the decision and the write
                self.master.take_back(now_s)
                self.master.drop_queued(now_s)
            elif frame:
                self._line.write(frame)
                self._asked_unit = frame[0]
                self._look_at_s = self.master.reply_at_s + self._turnaround_s.get(self._asked_unit, 0.0)
        except Gone as gone:
            self._lose(str(gone), now_s)
        except Exception as error:  # a defect of the master: this wire begins anew, the others go on
            self._lose(f"{self._spec.port}: defect of its master: {type(error).__name__}: {error}", now_s)

    def drop_queued(self, now_s: float) -> None:
        """Forget what was queued or handed to the system and is not on the wire yet: it is older than a stall."""
        self.master.drop_queued(now_s)
        if self._line is not None:
            self._line.drop_output()

    @property
    def deadline_s(self) -> float | None:
        """When `pump` must be called even if nothing arrives."""
        if self._line is None:
            return self._open_at_s
        return self.master.deadline_s if self._look_at_s is None else self._look_at_s

    @property
    def patience_s(self) -> float:
        """Some milliseconds where the only request that is out or waits is one of the slow reads; else nothing."""
        return SLOW_PATIENCE_S if self.master.unhurried else 0.0

    def health(self) -> BusHealth:
        """Counters since start, and why the line is not there if it is not, or what a driver of it could not do."""
        trouble = self.last_error if self._line is None else self.master.defects(self._now_s)
        return replace(self.master.health(), trouble=trouble)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._line is not None:
            self._line.close()
            self._line = None
        self._open_at_s = float("inf")

    def _first_look(self, data: bytes, now_s: float) -> None:
        """The reply can be complete from now on. Whether it is corrects the estimate of the device's turnaround."""
        self._look_at_s = None
        down_s = UNHURRIED_STEP_S if self.master.unhurried else TURNAROUND_STEP_S
        answered = self.master.answered
        self.master.receive(data, now_s)
        usual_s = self._turnaround_s.get(self._asked_unit, 0.0)
        usual_s += -down_s if self.master.answered != answered else TURNAROUND_STEP_S
        self._turnaround_s[self._asked_unit] = min(max(usual_s, 0.0), TURNAROUND_MAX_S)

    def _open(self, now_s: float) -> None:
        try:
            self._line = open_line(self._spec.port, self._spec.baud, self._spec.format)
            self._line.read()
        except Gone as gone:
            self._lose(str(gone), now_s)
            return
        self.master.paced = not self._line.pseudo
        self.master.connected(now_s)

    def _lose(self, error: str, now_s: float) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        self.last_error = error
        self._look_at_s = None
        self._open_at_s = now_s + REOPEN_S
        self.master.disconnected(now_s, error)
