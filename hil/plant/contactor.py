"""A contactor pole with its coil delay, mirror contact and the two ways it fails."""

from __future__ import annotations

from dataclasses import dataclass, field

from hil.plant.wear import ContactWear

CLOSE_S = 0.020
OPEN_S = 0.010


@dataclass(slots=True)
class ContactorPole:
    """`closed` is the main contact; the mirror contact always shows the state of the main contact."""

    closed: bool = False
    welded: bool = False
    stuck_open: bool = False
    close_s: float = CLOSE_S
    """Seconds from the coil's current to the closed main contact; a bench may set another time."""
    open_s: float = OPEN_S
    """Seconds from the coil's end to the open main contact."""
    wear: ContactWear = field(default_factory=ContactWear)
    """Whoever knows the current through the pole notes its arcs there."""
    forced_open_s: float = 0.0
    """Seconds that the main contact still stands open, whatever the coil does: it bounces."""
    _coil: bool = False
    _since_s: float = 0.0

    def note_arc(self, current_A: float) -> None:
        """The circuit of this pole opened or closed under this current. A worn-out contact welds as it closes."""
        if not self.closed:
            self.wear.opened(current_A)
            return
        self.wear.closed(current_A)
        self.welded = self.welded or self.wear.worn_out

    def step(self, coil: bool, dt_s: float) -> bool:
        """Drive the coil for one step; returns the main contact."""
        if coil != self._coil:
            self._coil, self._since_s = coil, 0.0
        self._since_s += dt_s
        if self.welded:
            self.closed = True
        elif coil and self._since_s >= self.close_s:
            self.closed = not self.stuck_open
        elif not coil and self._since_s >= self.open_s:
            self.closed = False
        if self.forced_open_s > 0:
            self.forced_open_s = max(0.0, self.forced_open_s - dt_s)
            self.closed = False
        return self.closed
