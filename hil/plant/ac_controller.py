"""An AC charge controller in a wall box: it shows the pilot for the current that it is given, and closes its own relay for a car in C or D.

It stands in front of the outlet's board: the board is its pilot's circuit and the contactor, whose coil hangs in series on the relay here
and on a line of the station.
"""

from __future__ import annotations

from dataclasses import dataclass

from hil.plant.board import CONTACTOR, LOCK, Board
from hil.plant.pilot import Generator, PilotState

LEAST_A = 6.0
PWM_A_PER_PERCENT = 0.6
"""Up to 51 A; a wall box gives no more (IEC 61851-1 Table A.7: docs/sources/safety.md 2, grade B)."""
RELAY_S = 0.05
"""From the car's state to the relay."""


@dataclass(slots=True)
class AcControllerPlant:
    """`limit_A` below 6 A is no PWM. `line_closed`: the station's contact in series with the relay; True where there is none."""

    limit_A: float = 32.0
    """As many boxes start: with the current that is set in them."""
    allowed: bool = True
    line_closed: bool = False
    silent: bool = False
    """It does not answer, and goes on as ordered last: it has no watchdog."""
    keeps: bool = False
    """It takes no order any more, and answers."""
    relay_fails: bool = False
    """Its relay falls off although the car asks."""
    relay_closed: bool = False
    _asked_s: float = 0.0

    def order(self, *, limit_A: float | None = None, allowed: bool | None = None) -> None:
        """What was written."""
        if self.keeps:
            return
        self.limit_A = self.limit_A if limit_A is None else limit_A
        self.allowed = self.allowed if allowed is None else allowed

    def step(self, board: Board, dt_s: float) -> None:
        """Before the board's own step."""
        offers = self.allowed and self.limit_A >= LEAST_A
        board.generator = Generator.PWM if offers else Generator.X1
        board.duty_percent = min(self.limit_A, 51.0) / PWM_A_PER_PERCENT if offers else 0.0
        asked = offers and board.pilot in (PilotState.C, PilotState.D)
        self._asked_s = self._asked_s + dt_s if asked else 0.0
        self.relay_closed = self._asked_s >= RELAY_S and not self.relay_fails
        board.request = LOCK | CONTACTOR * (self.relay_closed and self.line_closed)
