"""The arbiter: all contributions for one EVSE in, one setpoint with its explanation out.

Limits narrow in the order of `Source`: hardware, car, site, central system, driver. A limit that has nothing in common with
the limits before it becomes the nearest allowed point, and the explanation names it. The target comes from the strongest
source that has one: the parties outside by their configured rank, then the car, then the default. The setpoint is the target clamped into the limits. A car
that names its own target (Scheduled mode) never gets more than that target: docs/sources/safety.md 1.1, step 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chargepoint.model.demand import Contribution, FrequencyWattLaw, Setpoint, Source
from chargepoint.model.forecast import Plan
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import UNBOUNDED, ZERO, Interval

NOMINAL_FREQUENCY_HZ = 50.0

RANKING = (Source.CSMS, Source.SITE, Source.DRIVER)
"""Whose target counts first among the parties outside, unless the configuration ranks them otherwise."""

_AFTER_THEM = (Source.CAR, Source.DEFAULT, Source.HARDWARE)
_MUST_SPEAK = {
    Source.HARDWARE: "the station's hardware does not say what it can do",
    Source.CAR: "no car says what it can take",
}
"""No power flows without a valid limit from both sources. The texts explain which of them is missing."""

_NAMES = {
    Source.HARDWARE: "the station's hardware",
    Source.CAR: "the car",
    Source.SITE: "the site",
    Source.CSMS: "the central system",
    Source.DRIVER: "the driver",
    Source.DEFAULT: "the default",
}


class Arbiter:
    """Keeps the contributions of one EVSE, keyed by their owner; contributions expire by themselves.

    An owner is one party that contributes (`ocpp`, `mqtt/edge`, `car`). Several owners may share one `Source`; replacing or withdrawing
    the contributions of one owner never changes those of another.
    """

    def __init__(self, evse_id: EvseId, ranking: tuple[Source, ...] = RANKING) -> None:
        """`ranking`: the parties outside, the one whose target counts first at the head."""
        self._evse_id = evse_id
        self.ranking = ranking
        self._by_owner: dict[str, tuple[Contribution, ...]] = {}
        """Each owner's contributions, each key once."""
        self._plans: dict[str, Plan] = {}

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The plan of each owner that has one."""
        return self._plans

    @property
    def contributions(self) -> Mapping[tuple[str, str], Contribution]:
        """All contributions by owner and key, those that have expired too."""
        return {(owner, c.key): c for owner, said in self._by_owner.items() for c in said}

    def replace(self, owner: str, contributions: Iterable[Contribution], plan: Plan | None = None) -> None:
        """Replace all contributions of this owner, and its plan, by these. Raises ValueError for a contribution of another EVSE."""
        fresh = tuple({c.key: c for c in contributions}.values())
        planned = () if plan is None else (c for step in plan.steps for c in step.contributions)
        for contribution in (*fresh, *planned):
            if contribution.evse_id != self._evse_id:
                raise ValueError(f"{owner}: a contribution for EVSE {contribution.evse_id} at EVSE {self._evse_id}")
        self.withdraw(owner)
        if fresh:
            self._by_owner[owner] = fresh
        if plan is not None:
            self._plans[owner] = plan

    def withdraw(self, owner: str) -> None:
        """Remove all contributions of this owner, and its plan."""
        self._plans.pop(owner, None)
        self._by_owner.pop(owner, None)

    def valid(self, now_s: float) -> list[Contribution]:
        """The contributions that hold at `now_s`, in the order of narrowing."""
        return in_order(
            {(owner, c.key): c for owner, said in self._by_owner.items() for c in said if c.valid_until_s > now_s}
        )

    def target_owner(self, now_s: float) -> str | None:
        """The owner whose target decides now; None where nobody has one."""
        chosen = _target(self.valid(now_s), self.ranking)
        return next((owner for (owner, _), c in self.contributions.items() if c is chosen), None)

    def decide(self, now_s: float) -> Setpoint:
        """The setpoint that holds at `now_s`; zero where hardware or car have no valid limit."""
        return decide(self._evse_id, self.valid(now_s), now_s, ranking=self.ranking)

    def decide_without(self, owner: str, now_s: float, *, car_must_speak: bool = True) -> Setpoint:
        """The setpoint that would hold if this owner contributed nothing."""
        others = {
            (name, c.key): c
            for name, said in self._by_owner.items()
            if name != owner
            for c in said
            if c.valid_until_s > now_s
        }
        return decide(self._evse_id, in_order(others), now_s, car_must_speak=car_must_speak, ranking=self.ranking)


def in_order(contributions: Mapping[tuple[str, str], Contribution]) -> list[Contribution]:
    """Contributions by owner and key, in the order of narrowing."""
    ordered = sorted(contributions.items(), key=lambda item: (item[1].source.rank, item[1].key, item[0]))
    return [contribution for _, contribution in ordered]


def decide(
    evse_id: EvseId,
    contributions: list[Contribution],
    now_s: float,
    *,
    car_must_speak: bool = True,
    ranking: tuple[Source, ...] = RANKING,
) -> Setpoint:
    """The setpoint of these contributions, which are valid at `now_s` and in the order of narrowing.

    `car_must_speak` False: the setpoint for any car, which only a forecast asks for.
    """
    until_s = min((c.valid_until_s for c in contributions), default=now_s)
    speaking = {c.source for c in contributions if c.limits_W is not None}
    for source, silence in _MUST_SPEAK.items():
        if source not in speaking and (car_must_speak or source is not Source.CAR):
            return Setpoint(evse_id, 0.0, ZERO, Source.DEFAULT, source, f"0 W: {silence}", until_s)
    limits, cutters = _narrow(contributions)
    chosen = _target(contributions, ranking)
    wanted_W = _nominal_W(chosen)
    power_W = limits.clamp(wanted_W)
    limited_by: Contribution | None = None
    if power_W < wanted_W:
        limited_by = cutters[1]
    elif power_W > wanted_W:
        limited_by = cutters[0]
    asked = next((c for c in contributions if c.source is Source.CAR and c.target_W is not None), None)
    if asked is not None and asked is not chosen:
        asked_W = _nominal_W(asked)
        most_W = limits.clamp(Interval(min(asked_W, 0.0), max(asked_W, 0.0)).clamp(power_W))
        if most_W != power_W:
            power_W, limited_by = most_W, asked
    decided_by = chosen.source if chosen is not None else Source.DEFAULT
    return Setpoint(
        evse_id=evse_id,
        power_W=power_W,
        limits_W=limits,
        decided_by=decided_by,
        limited_by=None if limited_by is None else limited_by.source,
        explanation=_explain(power_W, wanted_W, chosen, limited_by, contributions, ranking),
        valid_until_s=until_s,
        law=chosen.target_W if chosen is not None and isinstance(chosen.target_W, FrequencyWattLaw) else None,
    )


def _narrow(contributions: list[Contribution]) -> tuple[Interval, tuple[Contribution | None, Contribution | None]]:
    """The limits narrowed in order, and the contributions that set the low and the high bound last."""
    limits = UNBOUNDED
    low_by: Contribution | None = None
    high_by: Contribution | None = None
    for c in contributions:
        if c.limits_W is None:
            continue
        low = limits.clamp(c.limits_W.low)
        high = limits.clamp(c.limits_W.high)
        if low > limits.low:
            low_by = c
        if high < limits.high:
            high_by = c
        limits = Interval(low, high)
    return limits, (low_by, high_by)


def _target(contributions: list[Contribution], ranking: tuple[Source, ...]) -> Contribution | None:
    for source in (*ranking, *_AFTER_THEM):
        for c in contributions:
            if c.source is source and c.target_W is not None:
                return c
    return None


def _nominal_W(chosen: Contribution | None) -> float:
    if chosen is None or chosen.target_W is None:
        return 0.0
    return chosen.target_W.baseline_W if isinstance(chosen.target_W, FrequencyWattLaw) else chosen.target_W


def _explain(
    power_W: float,
    wanted_W: float,
    chosen: Contribution | None,
    limited_by: Contribution | None,
    contributions: list[Contribution],
    ranking: tuple[Source, ...],
) -> str:
    text = _watts(power_W)
    if chosen is None:
        return f"{text}: nobody asks for power"
    if limited_by is None:
        text += f": asked by {_NAMES[chosen.source]} ({chosen.reason})"
    else:
        text += f": limited by {_NAMES[limited_by.source]} ({limited_by.reason})"
        text += f"; {_NAMES[chosen.source]} asked {_watts(wanted_W)} ({chosen.reason})"
    if chosen is not None and chosen.source in ranking:
        for lower in ranking[ranking.index(chosen.source) + 1 :]:
            outranked = next((c for c in contributions if c.source is lower and c.target_W is not None), None)
            if outranked is not None:
                text += (
                    f"; {_NAMES[lower]} asked {_watts(_nominal_W(outranked))} and ranks after {_NAMES[chosen.source]}"
                )
                break
    car = next((c.limits_W for c in contributions if c.source is Source.CAR and c.limits_W is not None), None)
    if car is not None:
        could_W = car.high if power_W >= 0 else car.low
        if abs(could_W) > abs(power_W) + 1:
            text += f"; car could {'take' if could_W >= 0 else 'give'} {_watts(abs(could_W))}"
    return text


def _watts(power_W: float) -> str:
    return f"{power_W / 1000:.3g} kW" if abs(power_W) >= 1000 else f"{round(power_W)} W"
