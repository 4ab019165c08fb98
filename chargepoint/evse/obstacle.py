"""Why nothing can begin at this EVSE now, in words a driver understands."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.evse.unstored import UnstoredRecords
from chargepoint.model.faults import CATALOGUE, ResetRule
from chargepoint.model.image import EvseImage

PATIENCE_S = 5.0
"""A cause that may go by itself (a silent meter, a fault that clears itself) is waited for this long."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """`refuses_tokens`: a token shown now is refused. `stays`: only a person or an order removes the obstacle."""

    text: str
    refuses_tokens: bool
    stays: bool


def obstacle(image: EvseImage | None, *, operative: bool, meter_fresh: bool, unstored: str = "") -> Obstacle | None:
    """The strongest reason, or None where a transaction may begin. `unstored`: why records cannot be stored; empty: they can."""
    if not operative:
        return Obstacle("out of operation by order of the central system", refuses_tokens=True, stays=True)
    if image is None:
        return Obstacle("the power process does not answer", refuses_tokens=True, stays=False)
    if not image.permitted:
        kinds = [CATALOGUE[code] for code in sorted(image.faults)]
        text = "; ".join(f"{kind.title}: {kind.remedy}" for kind in kinds) or "power is not permitted"
        return Obstacle(text, refuses_tokens=True, stays=any(kind.reset is not ResetRule.AUTO for kind in kinds))
    if unstored:
        return Obstacle(f"records cannot be stored: {unstored}", refuses_tokens=True, stays=False)
    if not meter_fresh:
        return Obstacle("the meter gives no reading", refuses_tokens=False, stays=False)
    return None


class ObstacleWatch:
    """The present obstacle, and how long there has been one."""

    def __init__(self) -> None:
        self._since_s: float | None = None
        self.now: Obstacle | None = None
        self.unstored = UnstoredRecords()

    def find(self, image: EvseImage | None, *, operative: bool, meter_fresh: bool) -> Obstacle | None:
        """`obstacle`, with what is known of the records."""
        return obstacle(image, operative=operative, meter_fresh=meter_fresh, unstored=self.unstored.trouble)

    def note(self, found: Obstacle | None, now_s: float) -> None:
        """Take the obstacle found at `now_s`; None: there is none."""
        if found is None:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s
        self.now = found

    def lasting(self, now_s: float) -> Obstacle | None:
        """The obstacle, if it stays or lasts longer than `PATIENCE_S`. A car that waits for authorisation is then refused."""
        if self.now is None or self._since_s is None:
            return None
        return self.now if self.now.stays or now_s - self._since_s >= PATIENCE_S else None
