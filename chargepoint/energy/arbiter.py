"""The arbiter: all contributions for one EVSE in, one setpoint with its explanation out.

The rule. Limits narrow in the order of `Source`: hardware, car, site, central system, driver; one that
leaves nothing in common with those before it is cut to the nearest allowed point and named. The target is that of the
strongest source that has one (central system before site before driver before car before default). The result is the
target clamped into the limits, and says who decided and who cut. A car that names its own target (Scheduled mode) never gets
more than that, whoever decides: docs/sources/safety.md 1.1 step 10, «never above».
"""

from __future__ import annotations

from collections.abc import Iterable

from chargepoint.model.demand import Contribution, FrequencyWattLaw, Setpoint, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import UNBOUNDED, ZERO, Interval

NOMINAL_FREQUENCY_HZ = 50.0

_TARGET_ORDER = (Source.CSMS, Source.SITE, Source.DRIVER, Source.CAR, Source.DEFAULT, Source.HARDWARE)
_MUST_SPEAK = {
    Source.HARDWARE: "the station's hardware does not say what it can do",
    Source.CAR: "no car says what it can take",
}
"""Without a valid limit from both of these nothing flows; the words for their silence."""

_NAMES = {
    Source.HARDWARE: "the station's hardware",
    Source.CAR: "the car",
    Source.SITE: "the site",
    Source.CSMS: "the central system",
    Source.DRIVER: "the driver",
    Source.DEFAULT: "the default",
}


class Arbiter:
    """Keeps the contributions of every EVSE; they expire by themselves."""

    def __init__(self) -> None:
        self._contributions: dict[tuple[EvseId, Source, str], Contribution] = {}

    def contribute(self, contribution: Contribution) -> None:
        """Add it, or replace the same source's with the same key."""
        self._contributions[(contribution.evse_id, contribution.source, contribution.key)] = contribution

    def replace(self, evse_id: EvseId, source: Source, contributions: Iterable[Contribution]) -> None:
        """All of one source for one EVSE become these."""
        self.withdraw(evse_id, source)
        for contribution in contributions:
            self.contribute(contribution)

    def withdraw(self, evse_id: EvseId, source: Source) -> None:
        """Forget one source's contributions for one EVSE."""
        for key in [k for k in self._contributions if k[0] == evse_id and k[1] is source]:
            del self._contributions[key]

    def valid(self, evse_id: EvseId, now_s: float) -> list[Contribution]:
        """What holds now, in the order of narrowing; expired ones are forgotten."""
        for key in [k for k, c in self._contributions.items() if c.valid_until_s <= now_s]:
            del self._contributions[key]
        mine = [c for c in self._contributions.values() if c.evse_id == evse_id]
        return sorted(mine, key=lambda c: (c.source.rank, c.key))

    def decide(self, evse_id: EvseId, now_s: float) -> Setpoint:
        """The setpoint that holds at `now_s`; zero where hardware or car have no valid limit."""
        contributions = self.valid(evse_id, now_s)
        return decide(evse_id, contributions, now_s)


def decide(evse_id: EvseId, contributions: list[Contribution], now_s: float) -> Setpoint:
    """Pure heart of the arbiter; `contributions` valid and sorted by rank."""
    until_s = min((c.valid_until_s for c in contributions), default=now_s)
    speaking = {c.source for c in contributions if c.limits_W is not None}
    for source, silence in _MUST_SPEAK.items():
        if source not in speaking:
            return Setpoint(evse_id, 0.0, ZERO, Source.DEFAULT, source, f"0 W: {silence}", until_s)
    limits, cutters = _narrow(contributions)
    chosen = _target(contributions)
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
        explanation=_explain(power_W, wanted_W, chosen, limited_by, contributions),
        valid_until_s=until_s,
        law=chosen.target_W if chosen is not None and isinstance(chosen.target_W, FrequencyWattLaw) else None,
    )


def _narrow(contributions: list[Contribution]) -> tuple[Interval, tuple[Contribution | None, Contribution | None]]:
    """Limits narrowed in order, and who set the low and the high bound last."""
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


def _target(contributions: list[Contribution]) -> Contribution | None:
    for source in _TARGET_ORDER:
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
) -> str:
    text = _watts(power_W)
    if chosen is None:
        return f"{text}: nobody asks for power"
    if limited_by is None:
        text += f": asked by {_NAMES[chosen.source]} ({chosen.reason})"
    else:
        text += f": limited by {_NAMES[limited_by.source]} ({limited_by.reason})"
        text += f"; {_NAMES[chosen.source]} asked {_watts(wanted_W)} ({chosen.reason})"
    car = next((c.limits_W for c in contributions if c.source is Source.CAR and c.limits_W is not None), None)
    if car is not None:
        could_W = car.high if power_W >= 0 else car.low
        if abs(could_W) > abs(power_W) + 1:
            text += f"; car could {'take' if could_W >= 0 else 'give'} {_watts(abs(could_W))}"
    return text


def _watts(power_W: float) -> str:
    return f"{power_W / 1000:.3g} kW" if abs(power_W) >= 1000 else f"{round(power_W)} W"
