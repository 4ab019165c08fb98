"""How orders are shared among power modules: amperes among the modules of one EVSE, and modules among EVSEs. Pure.

Two questions, two functions. `shares`: how much each module of one EVSE is ordered, so that what may flow together is never more
than what was ordered. `assign`: which module serves which EVSE, so that the EVSE with the least has as much as it can.
Own rules, except where a source is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class StackModule:
    """One module that several EVSEs can use, one at a time.

    `serves` is the EVSE it belongs to now, None: nobody. `idle`: measured off, and nothing may flow through it. `reaches`: the EVSEs
    it is wired to. Only a module that is well belongs here.
    """

    name: str
    limit_A: float
    reaches: frozenset[int]
    serves: int | None = None
    idle: bool = True


@dataclass(frozen=True, slots=True)
class Assignment:
    """Whom each module serves from now on, and which modules are to be brought to zero for another EVSE or for nobody."""

    serves: Mapping[str, int | None]
    release: frozenset[str]


def assign(wishes_A: Mapping[int, float], modules: Sequence[StackModule]) -> Assignment:
    """Share modules among EVSEs by what each wants, magnitudes in amperes.

    * A module serves one EVSE at most, and only one that it reaches.
    * A module moves only while it is idle; until then it stays, and is named in `release`.
    * Fair (max-min): the next module goes to the EVSE with the least, until it has what it wants.
    * Nobody's module moves without need: each EVSE keeps its own first.
    """
    goal = _goal(wishes_A, modules)
    serves: dict[str, int | None] = {}
    release = set()
    for module in modules:
        wanted = goal.get(module.name)
        if module.serves is None or module.serves == wanted or module.idle:
            serves[module.name] = wanted
        else:
            serves[module.name] = module.serves
            release.add(module.name)
    return Assignment(serves, frozenset(release))


def _goal(wishes_A: Mapping[int, float], modules: Sequence[StackModule]) -> dict[str, int]:
    goal: dict[str, int] = {}
    has_A = dict.fromkeys(wishes_A, 0.0)
    while True:
        choices = [
            (has_A[evse], _strangeness(module, evse), evse, _waste(module, wishes_A[evse] - has_A[evse]), module.name)
            for evse in wishes_A
            if has_A[evse] < wishes_A[evse]
            for module in modules
            if module.name not in goal and evse in module.reaches and module.limit_A > 0.0
        ]
        if not choices:
            return goal
        *_, evse, _, name = min(choices)
        goal[name] = evse
        has_A[evse] += next(module.limit_A for module in modules if module.name == name)


def _strangeness(module: StackModule, evse: int) -> int:
    """An EVSE takes first its own modules, then free ones, then those of others."""
    return 0 if module.serves == evse else 1 if module.serves is None else 2


def _waste(module: StackModule, missing_A: float) -> tuple[bool, float]:
    """The smallest module that is enough comes first; where none is, the largest."""
    enough = module.limit_A >= missing_A
    return not enough, module.limit_A if enough else -module.limit_A
