"""What may flow through one module now, whatever it is ordered: its orders on their way, and what it shows. Pure.

An order counts until the module shows that it follows a later, smaller one. The last order of a module that is lost counts until
the module is measured off or its own time-out has passed. Source: docs/sources/hardware.md 1.4 (one family goes on for 10 s
without a frame). That it counts until then is an own rule.
"""

from __future__ import annotations

from collections import deque

from chargepoint.model.readings import Reading
from chargepoint.ports import PowerModuleCommand, PowerModuleState

SETTLE_S = 0.25
"""A measurement shows the effect of an order when it was taken this long after it: time on the bus, and of the module."""

COMM_LOSS_MARGIN_S = 0.5
"""Added to a module's own time-out: it counts from the last frame it heard, and we know only what we sent."""

SMALL_A = 1.0


def tolerance_A(ordered_A: float) -> float:
    """How far a module's current may be from its order: regulation to 1.5 A up to 50 A, 3 % above (docs/sources/safety.md 1.2)."""
    return max(1.5, 0.03 * abs(ordered_A))


class MayFlow:
    """The bookkeeping of one module. Call `ordered` with each command, `see` with each state."""

    def __init__(self) -> None:
        self._now_A = 0.0
        self._earlier: deque[tuple[float, float]] = deque()
        """Orders that may still act, each with the time it was replaced at."""
        self._shown_A = 0.0
        self._lost_since_s: float | None = None
        self._answers = False

    @property
    def order_A(self) -> float:
        """The present order, signed."""
        return self._now_A

    def ordered(self, command: PowerModuleCommand, now_s: float) -> None:
        """The module has been given this command."""
        wanted_A = command.current_A if command.output_on else 0.0
        if wanted_A == self._now_A:
            return
        before_A, self._now_A = self._now_A, wanted_A
        if before_A == 0.0 or (before_A * wanted_A > 0.0 and abs(wanted_A) >= abs(before_A)):
            return  # the new order is as much or more in the same direction
        while self._earlier and 0.0 < self._earlier[-1][0] / before_A <= 1.0:
            self._earlier.pop()  # less, and replaced sooner: it adds nothing
        self._earlier.append((before_A, now_s))

    def lost(self, now_s: float) -> None:
        """The module does not answer, or does not do as it is ordered, since now; it has been ordered off."""
        if self._lost_since_s is None:
            self._lost_since_s = now_s

    def found(self) -> None:
        """The module is well again."""
        self._lost_since_s = None

    def see(self, reading: Reading[PowerModuleState] | None, now_s: float, max_age_s: float) -> None:
        """What the module shows; a reading older than `max_age_s` proves nothing."""
        self._answers = reading is not None and reading.age_s(now_s) <= max_age_s
        if reading is None or not self._answers:
            return
        self._shown_A = reading.value.current_A
        while self._earlier and self._outlived(self._earlier[0], reading):
            self._earlier.popleft()

    def _outlived(self, earlier: tuple[float, float], reading: Reading[PowerModuleState]) -> bool:
        order_A, replaced_s = earlier
        if reading.taken_at_s < replaced_s + SETTLE_S:
            return False
        direction = 1 if order_A > 0 else -1
        follows_A = max(0.0, self._now_A * direction)
        return max(0.0, self._shown_A * direction) <= follows_A + tolerance_A(follows_A)

    def may_flow_A(self, direction: int, now_s: float, comm_loss_s: float | None) -> float:
        """The most that may flow in that direction (1 into the car, -1 out of it), a magnitude.

        `comm_loss_s`: the module's own time-out, None: it has none.
        """
        lost_s = 0.0 if self._lost_since_s is None else now_s - self._lost_since_s
        if not self._answers and comm_loss_s is not None and lost_s > comm_loss_s + COMM_LOSS_MARGIN_S:
            self._earlier.clear()
            self._shown_A = 0.0
        ordered_A = max(0.0, self._now_A * direction)
        before_A = max((order_A * direction for order_A, _ in self._earlier), default=0.0)
        shown_A = max(0.0, self._shown_A * direction)
        exceeding_A = shown_A if shown_A > ordered_A + tolerance_A(ordered_A) else 0.0
        return max(ordered_A, before_A, exceeding_A)
