"""Authorisation by external means (EIM): the driver's card, or a start order."""

from __future__ import annotations

from enum import Enum

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import EXTERNAL_MEANS_WAIT_S


class Decision(Enum):
    """What the station answers a car that waits for authorisation by external means."""

    GRANTED = "granted"
    REFUSED = "refused"
    WAITING = "waiting"
    TOO_LATE = f"no card and no start order within {EXTERNAL_MEANS_WAIT_S:.0f} s"


def decided(since_s: float | None, at: Situation) -> Decision:
    """`since_s`: when (monotonic) the car first asked; None: it asks now. After EXTERNAL_MEANS_WAIT_S each request is refused, until
    a card or an order comes."""
    if at.view.authorized is not None:
        return Decision.GRANTED if at.view.authorized else Decision.REFUSED
    waited_s = 0.0 if since_s is None else at.now.monotonic_s - since_s
    return Decision.TOO_LATE if waited_s >= EXTERNAL_MEANS_WAIT_S else Decision.WAITING
