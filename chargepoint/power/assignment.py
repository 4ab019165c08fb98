"""Which module of a stack serves which EVSE, so that the EVSE with the least has as much as it can. Pure. Own rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chargepoint.model.ids import EvseId


@dataclass(frozen=True, slots=True)
class StackModule:
    """One module that several EVSEs can use, one at a time.

    `serves` is the EVSE it belongs to now, None: nobody. `idle`: measured off, and nothing may flow through it. `reaches`: the EVSEs
    it is wired to. Only a module that is well belongs here.
    """

    name: str
    limit_A: float
    reaches: frozenset[EvseId]
    serves: EvseId | None = None
    idle: bool = True


@dataclass(frozen=True, slots=True)
class Assignment:
    """Whom each module serves from now on, and which modules are to be brought to zero for another EVSE or for nobody."""

    serves: Mapping[str, EvseId | None]
    release: frozenset[str]
    goal: Mapping[str, EvseId] = field(default_factory=dict, compare=False)
    """Whom each module would serve if every module were idle; a module that is not named is wanted by nobody."""


def assign(wishes_A: Mapping[EvseId, float], modules: Sequence[StackModule]) -> Assignment:
    """Share modules among EVSEs by what each wants, magnitudes in amperes.

    * A module serves one EVSE at most, and only one that it reaches.
    * A module moves only while it is idle; until then it stays, and is named in `release`.
    * Fair (max-min): the next module goes to the EVSE with the least, until it has what it wants.
    * Nobody's module moves without need: each EVSE keeps its own first.
    """
    goal = _goal(wishes_A, modules)
    serves: dict[str, EvseId | None] = {}
    release = set()
    for module in modules:
        wanted = goal.get(module.name)
        if module.serves is None or module.serves == wanted or module.idle:
            serves[module.name] = wanted
        else:
            serves[module.name] = module.serves
            release.add(module.name)
    return Assignment(serves, frozenset(release), goal)


def _goal(wishes_A: Mapping[EvseId, float], modules: Sequence[StackModule]) -> dict[str, EvseId]:
    goal: dict[str, EvseId] = {}
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


def _strangeness(module: StackModule, evse: EvseId) -> int:
    """An EVSE takes first its own modules, then free ones, then those of others."""
    return 0 if module.serves == evse else 1 if module.serves is None else 2


def _waste(module: StackModule, missing_A: float) -> tuple[bool, float]:
    """The smallest module that is enough comes first; where none is, the largest."""
    enough = module.limit_A >= missing_A
    return not enough, module.limit_A if enough else -module.limit_A
