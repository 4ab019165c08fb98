"""A car that is plugged in, has a transaction, and does not talk: it paused, or its connection was lost and it may come back."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.evse.transaction_life import Stop

RETURN_S = 30.0
"""A car whose connection was lost may come back within this time; then its transaction ends. A rule of the project."""

AWAKE_S = 60.0
"""After the car moved its pilot (B-C-B) the station shows 5 % this long, so that it can connect (docs/sources/iso15118-20.md 3)."""


@dataclass(slots=True)
class Absence:
    """`paused`: the car said that it will come back, so there is no time limit. `stop`: how the transaction ends otherwise.

    `called`: the station wants the car back.
    """

    paused: bool
    since_s: float
    stop: Stop
    called: bool = False
    awake_until_s: float | None = None
    rested: bool = False
    """The pilot was in B since the car left: C from now on is a call of the car."""

    def over(self, now_s: float) -> bool:
        """The car did not come back in time."""
        return not self.paused and now_s - self.since_s >= RETURN_S

    def asleep(self, now_s: float) -> bool:
        """The pilot may show X1: nobody wants to talk now."""
        if not self.paused or self.called:
            return False
        return self.awake_until_s is None or now_s >= self.awake_until_s

    def note_pilot(self, *, ready: bool, now_s: float) -> None:
        """The pilot as seen now. `ready`: C or D. A car that goes from B to C asks for the attention of the station."""
        if not ready:
            self.rested = True
        elif self.rested:
            self.wake(now_s)

    def wake(self, now_s: float) -> None:
        """Show 5 % for a while: the car may have called."""
        self.awake_until_s = now_s + AWAKE_S
