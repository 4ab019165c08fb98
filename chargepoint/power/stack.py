"""A stack: power modules that several EVSEs use, one at a time, through a matrix of contactors. The decisions, without I/O.

Who gets what: max-min fair (`assignment.py`). A car alone gets every module. When a second car comes, it gets the next module, and the
first keeps the rest while the first needs the rest.
A module that nobody else wants stays where it is. A module moves for fairness each 10 s at most; for an EVSE without any it moves at once.

How a module moves: ordered off, seen off below 1 A, disconnected, seen disconnected, brought near the output's voltage, off again, connected,
seen connected, and only then ordered on. So no contactor of the matrix switches a current.

What is wrong with the matrix stays wrong until a person resets it: a contactor that does not close, does not open, opens or
closes by itself. A module at two outputs is an emergency for both EVSEs. Own rules and figures, except where a source is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from chargepoint.model.ids import EvseId
from chargepoint.power.assignment import StackModule, assign
from chargepoint.power.stack_wish import StackWish

Link = tuple[str, EvseId]
"""A module, by its name, at the output of an EVSE."""

MOVE_PERIOD_S = 10.0
"""A module is taken from one EVSE for another not more often than this, so that modules do not wander."""

CONTACTOR_S = 0.5
"""A contactor of the matrix closes or opens within this; a slower one is a fault (own figure, grade D)."""

MATCH_V = 20.0
"""A module is connected within this of the output's voltage, as in pre-charge (docs/sources/safety.md 1.1)."""

MATCH_S = 10.0
"""So long a module may take to reach the output's voltage, by charging or by discharging its own capacitors."""

RETRY_S = 10.0
"""A module that failed, or did not reach the voltage, is not tried again before (own figure)."""


@dataclass(frozen=True, slots=True)
class ModuleView:
    """What the stack sees of a module. `limit_A`: the most it may be ordered, a magnitude. `well`: it answers and has no fault.

    `off`: measured off, with less than 1 A. A silent module counts as off after its own time-out only.
    """

    name: str
    limit_A: float
    well: bool
    off: bool
    voltage_V: float | None = None


class Step(Enum):
    """Where a module is on its way."""

    FREE = "free"
    MATCHING = "matching the voltage"
    CONNECTING = "connecting"
    SERVING = "serving"
    RELEASING = "released"
    DISCONNECTING = "disconnecting"


@dataclass(frozen=True, slots=True)
class StackOrders:
    """What shall be. Modules that are in neither mapping are ordered off, unless `releasing` says that their EVSE still has them."""

    requests: frozenset[Link]
    """The contactors of the matrix that shall be closed."""
    serving: Mapping[str, EvseId]
    """Modules that their EVSE may order on: seen connected to it, and to nobody else."""
    releasing: frozenset[str]
    """Modules that their EVSE must order off, and keep in its sum until they are seen off."""
    matching_V: Mapping[str, float]
    """Modules, connected to nobody, that shall charge their own output to this voltage."""
    doubly: frozenset[EvseId]
    """EVSEs that a module joins: everything there off and open at once."""
    troubles: tuple[str, ...]
    """What is wrong, in words, for people."""


@dataclass(slots=True)
class _Place:
    """One module on its way."""

    step: Step = Step.FREE
    evse: EvseId | None = None
    since_s: float = 0.0
    retry_s: float = 0.0
    """It is not brought to an output again before."""

    def go(self, step: Step, now_s: float, evse: EvseId | None) -> None:
        self.step, self.evse, self.since_s = step, evse, now_s


@dataclass(slots=True)
class Stack:
    """The decisions of one stack. Call `step` in each cycle, after every EVSE was judged."""

    modules: tuple[str, ...]
    evses: tuple[EvseId, ...]
    links: frozenset[Link]
    """What the matrix can connect."""
    _places: dict[str, _Place] = field(default_factory=dict)
    _barred: dict[str, str] = field(default_factory=dict)
    """Modules that serve nobody until a reset, with the reason."""
    _barred_links: dict[Link, str] = field(default_factory=dict)
    _doubly: frozenset[EvseId] = frozenset()
    _moved_s: float = -1e9

    def __post_init__(self) -> None:
        self._places = {name: _Place() for name in self.modules}

    def reset(self) -> None:
        """A person has looked: try again what was barred. What is still wrong is barred again."""
        self._barred.clear()
        self._barred_links.clear()
        self._doubly = frozenset()

    def step(
        self,
        now_s: float,
        wishes: Mapping[EvseId, StackWish],
        views: Sequence[ModuleView],
        closed: frozenset[Link] | None,
        outputs_V: Mapping[EvseId, float | None],
    ) -> StackOrders:
        """One cycle. `closed`: the contactors seen closed, None: the matrix is silent. `outputs_V`: at the module side of each output."""
        seen = {view.name: view for view in views}
        if closed is not None:
            self._judge(closed, now_s)
        goal = self._goal(now_s, wishes, views)
        matching_V: dict[str, float] = {}
        for name, place in self._places.items():
            self._advance(name, place, seen[name], now_s, goal.get(name), closed)
            if place.step is Step.MATCHING and place.evse is not None:
                voltage_V = self._match(place, seen[name], outputs_V.get(place.evse), now_s)
                if voltage_V is not None:
                    matching_V[name] = voltage_V
        asked = (Step.CONNECTING, Step.SERVING, Step.RELEASING)
        return StackOrders(
            requests=frozenset(
                (name, place.evse)
                for name, place in self._places.items()
                if place.step in asked and place.evse is not None
            ),
            serving={
                name: place.evse
                for name, place in self._places.items()
                if place.step is Step.SERVING and place.evse is not None
            },
            releasing=frozenset(
                name
                for name, place in self._places.items()
                if place.step is Step.RELEASING or (place.step is Step.DISCONNECTING and not seen[name].off)
            ),
            matching_V=matching_V,
            doubly=self._doubly,
            troubles=(*self._barred.values(), *self._barred_links.values()),
        )

    def _judge(self, closed: frozenset[Link], now_s: float) -> None:
        """What the contactors show that was not ordered, or is not to be."""
        for name, place in self._places.items():
            at = sorted(evse for module, evse in closed if module == name)
            if len(at) > 1:
                where = " and ".join(f"EVSE {evse}" for evse in at)
                self._bar(name, f"module {name}: connected to {where} at once; look at the contactors of the matrix")
                self._doubly |= frozenset(at)
                if place.step in (Step.CONNECTING, Step.SERVING):
                    place.go(Step.RELEASING, now_s, place.evse)  # the outputs open; the matrix, when the module is off
                continue
            strange = [evse for evse in at if evse != place.evse or place.step in (Step.FREE, Step.MATCHING)]
            if strange:
                words = f"module {name}: its contactor to EVSE {strange[0]} is closed and was not ordered"
                self._bar(name, f"{words}; look whether the contactor is welded")

    def _bar(self, name: str, words: str) -> None:
        self._barred.setdefault(name, words)

    def _goal(
        self, now_s: float, wishes: Mapping[EvseId, StackWish], views: Iterable[ModuleView]
    ) -> Mapping[str, EvseId]:
        """Whom each module shall serve; modules that nobody may have are left out."""
        active = {evse: wish for evse, wish in wishes.items() if wish.active}
        useful = [
            StackModule(view.name, view.limit_A, self._reaches(view.name), self._at(view.name), view.off)
            for view in views
            if view.well and view.name not in self._barred and self._places[view.name].retry_s <= now_s
        ]
        least_A = min((module.limit_A for module in useful), default=1.0)
        wanted = assign({evse: max(wish.current_A, least_A) for evse, wish in active.items()}, useful).goal
        goal: dict[str, EvseId] = {}
        for module in useful:
            here, there = module.serves, wanted.get(module.name)
            stays = here is not None and here in active and here in module.reaches
            if here is None or not stays:
                if there is not None:
                    goal[module.name] = there
            elif there is None or there == here or not self._may_move(now_s, there):
                goal[module.name] = here
            else:
                goal[module.name] = there
        return goal

    def _reaches(self, name: str) -> frozenset[EvseId]:
        free = self.links - self._barred_links.keys()
        return frozenset(evse for evse in self.evses if (name, evse) in free)

    def _at(self, name: str) -> EvseId | None:
        return self._places[name].evse

    def _may_move(self, now_s: float, taker: EvseId) -> bool:
        """Now, if the taker has no module; else when the last move is long enough ago."""
        has_one = any(place.evse == taker for place in self._places.values())
        return not has_one or now_s - self._moved_s >= MOVE_PERIOD_S

    def _advance(
        self,
        name: str,
        place: _Place,
        view: ModuleView,
        now_s: float,
        wanted: EvseId | None,
        closed: frozenset[Link] | None,
    ) -> None:
        """At most one step on the way."""
        evse, waited_s = place.evse, now_s - place.since_s
        link = None if evse is None else (name, evse)
        match place.step:
            case Step.FREE:
                if wanted is not None and closed is not None:
                    place.go(Step.MATCHING, now_s, wanted)
            case Step.MATCHING:
                if wanted != evse or closed is None or not view.well:
                    place.go(Step.FREE, now_s, None)
            case Step.CONNECTING if link is not None:
                if wanted != evse or closed is None:
                    place.go(Step.DISCONNECTING, now_s, evse)
                elif link in closed:
                    place.go(Step.SERVING, now_s, evse)
                elif waited_s > CONTACTOR_S:
                    self._bar_link(link, "does not close")
                    place.go(Step.DISCONNECTING, now_s, evse)
            case Step.SERVING if link is not None:
                if closed is None:
                    place.go(Step.RELEASING, now_s, evse)
                elif link not in closed:
                    self._bar_link(link, "opened by itself")
                    place.go(Step.DISCONNECTING, now_s, evse)  # the request goes off before anything else
                elif wanted != evse:
                    if wanted is not None:
                        self._moved_s = now_s
                    if not view.well:
                        place.retry_s = now_s + RETRY_S
                    place.go(Step.RELEASING, now_s, evse)
            case Step.RELEASING:
                if view.off:
                    place.go(Step.DISCONNECTING, now_s, evse)
            case Step.DISCONNECTING:
                if closed is not None and not any(module == name for module, _ in closed):
                    place.go(Step.FREE, now_s, None)
                elif closed is not None and waited_s > CONTACTOR_S:
                    self._bar(name, f"module {name}: its contactor to EVSE {evse} does not open; replace the contactor")

    def _bar_link(self, link: Link, what: str) -> None:
        name, evse = link
        words = (
            f"module {name}: its contactor to EVSE {evse} {what}; look at the contactor and its feedback, then reset"
        )
        self._barred_links.setdefault(link, words)

    @staticmethod
    def _match(place: _Place, view: ModuleView, output_V: float | None, now_s: float) -> float | None:
        """The voltage to charge the module's own output to; None while it is to be off. Connects when both are close."""
        if now_s - place.since_s > MATCH_S:
            place.go(Step.FREE, now_s, None)
            place.retry_s = now_s + RETRY_S
            return None
        if output_V is None or view.voltage_V is None:
            return None
        if abs(view.voltage_V - output_V) > MATCH_V:
            return output_V if view.voltage_V < output_V else None
        if view.off:
            place.go(Step.CONNECTING, now_s, place.evse)
        return None
