"""How the amperes of one order are shared among the power modules of one EVSE. Pure. Own rules, except where a source is named.

Which module serves which EVSE of a stack is another question: `chargepoint/power/assignment.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sharer:
    """One module in the direction of the order. Magnitudes, amperes.

    `limit_A` is the most it may be ordered now; 0: it takes no part.

    `may_flow_A` is the most that may flow through it, whatever is ordered now. It is its last order until a measurement shows that
    it follows a smaller one. For a silent module it is its last order until its own time-out.
    """

    name: str
    limit_A: float
    may_flow_A: float = 0.0


def shares(total_A: float, sharers: Sequence[Sharer]) -> dict[str, float]:
    """The share of each module by its name; `total_A` is the magnitude of the order.

    * No share is above the module's limit, and all shares together are not above `total_A`.
    * Counted with what may still flow, the sum is not above `total_A`. Where what may flow is already more than that, no share adds to it.
    * Fair: all who take part get the same part of their limit, as soon as what may flow permits it.
    * Monotone: more `total_A` lowers no share; more that may flow elsewhere raises none.
    """
    taking_part = [sharer for sharer in sharers if sharer.limit_A > 0.0]
    elsewhere_A = sum(sharer.may_flow_A for sharer in sharers if sharer.limit_A <= 0.0)
    result = {sharer.name: 0.0 for sharer in sharers}
    limits_A = sum(sharer.limit_A for sharer in taking_part)
    if limits_A <= 0.0:
        return result
    goal = min(1.0, max(0.0, total_A - elsewhere_A) / limits_A)
    level = min(goal, _level(max(0.0, total_A) - elsewhere_A, taking_part))
    for sharer in taking_part:
        result[sharer.name] = min(goal * sharer.limit_A, max(sharer.may_flow_A, level * sharer.limit_A))
    return result


def _level(room_A: float, sharers: Iterable[Sharer]) -> float:
    """The largest part of all limits at which the sum of max(part of the limit, what may flow) fits into `room_A`."""
    rising = sorted(sharers, key=lambda sharer: sharer.may_flow_A / sharer.limit_A)
    standing_A = sum(sharer.may_flow_A for sharer in rising)
    level = limits_A = 0.0
    for sharer in rising:
        reached = sharer.may_flow_A / sharer.limit_A
        if limits_A and standing_A + (reached - level) * limits_A > room_A:
            break
        standing_A += (reached - level) * limits_A
        level, limits_A = reached, limits_A + sharer.limit_A
    return max(0.0, level + (room_A - standing_A) / limits_A) if standing_A <= room_A else 0.0
