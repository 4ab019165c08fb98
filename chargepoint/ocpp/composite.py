"""The composite schedule: what all charging profiles together let one EVSE do, now and later, and why.

Pure functions of profiles, the EVSE's state and a moment. OCPP 2.0.1 Part 2, chapter K, K08.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chargepoint.model.demand import Contribution, Source
from chargepoint.model.forecast import Plan, PlanStep, TariffPiece
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import UNBOUNDED, Interval, bidirectional
from chargepoint.model.status import EvseState
from chargepoint.ocpp.charging_schedule import Period, Profile, Purpose
from chargepoint.ocpp.moment import Moment

NOMINAL_DC_V = 400.0
"""For amperes on the DC side as long as the EVSE has no voltage."""

NOMINAL_AC_V = 230.0
"""Line to neutral, for amperes of the grid connection (K01.FR.50, FR.51: per phase, the area's set voltage)."""

REFRESH_S = 60.0
"""A contribution is renewed at least this often."""

GRACE_S = 1.0
"""A contribution outlives its boundary by this, so that its successor is there before it goes."""

MAX_SEGMENTS = 1024

PLAN_S = 2 * 86_400.0
"""How far the plan for the arbiter's forecast reaches: a car's schedule covers a day and more."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A profile where it was set: EVSE 0 is the grid connection for station limits, every EVSE for TxDefaultProfile."""

    evse_id: int
    profile: Profile


@dataclass(frozen=True, slots=True)
class ProfileSituation:
    """One EVSE with what its profiles need to know. `sharing`: EVSEs with a transaction, this one counted.

    `discharge_permitted`: the central system has not forbidden it. `may_discharge`: the car has agreed too.
    """

    evse: EvseState
    discharge_permitted: bool
    sharing: int
    activated_utc_s: float

    @property
    def may_discharge(self) -> bool:
        """Both the central system and the car allow it."""
        return self.discharge_permitted and self.evse.discharge_negotiated

    @property
    def why_not(self) -> str:
        """Who does not let the car discharge, for explanations."""
        if not self.discharge_permitted:
            return "the central system allows this transaction to charge only"
        return "the car has not agreed to discharge"

    @property
    def obstacle_to_discharge(self) -> str:
        """Why no set-point of anybody could discharge this car now; "" where one could."""
        evse, car = self.evse, self.evse.car
        if evse.transaction_id is None or car is None:
            return "there is no car in a transaction"
        if evse.discharge_max_W <= 0:
            return "the EVSE cannot discharge"
        if not self.may_discharge:
            return self.why_not
        soc_percent, energy = car.energy.soc_percent, car.energy
        if soc_percent is not None and soc_percent <= evse.reserve_soc_percent:
            return f"state of charge {soc_percent:g} %: at or below the {evse.reserve_soc_percent:g} % that are kept"
        if energy.min_v2x_Wh is not None and energy.min_v2x_Wh > 0:
            return "the car is below its V2X window"
        return "" if car.limits.discharge_power_max_W > 0 else "the car gives no power now"

    @property
    def ratings_W(self) -> Interval:
        """What the EVSE can do at all."""
        return bidirectional(self.evse.charge_max_W, self.evse.discharge_max_W)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What holds from a moment until `until_s` (UTC; inf: for good). Watts, positive into the car.

    `limits_W` None: no profile has anything to say. `setpoint_W` lies inside the limits and the ratings.
    """

    limits_W: Interval | None
    setpoint_W: float | None
    reason: str
    until_s: float


def situation(evse: EvseState, evses: Sequence[EvseState], discharge_permitted: bool, now: Moment) -> ProfileSituation:
    """The EVSE as it is now. Without a transaction a Relative schedule starts now (K08.FR.06)."""
    others = sum(1 for e in evses if e.transaction_id is not None and e.evse_id != evse.evse_id)
    activated_utc_s = now.utc_s
    if evse.transaction_id is not None and evse.transaction_started_s is not None:
        activated_utc_s -= max(0.0, now.monotonic_s - evse.transaction_started_s)
    return ProfileSituation(evse, discharge_permitted, others + 1, activated_utc_s)


def watts_per_unit(profile: Profile, period: Period, evse: EvseState) -> float:
    """What one unit of the schedule is in watts at this EVSE."""
    if profile.unit == "W":
        return 1.0
    if profile.purpose.of_station:
        return NOMINAL_AC_V * period.phases
    return watts_per_ampere(evse, period.phases)


def watts_per_ampere(evse: EvseState, phases: int = 3) -> float:
    """What one ampere is at this EVSE: of each phase in use at an AC outlet (K01.FR.45, FR.51), of the car's side at a DC one."""
    if evse.outlet_is_ac:
        return NOMINAL_AC_V * min(phases, evse.ac_phases)
    return evse.voltage_V if evse.voltage_V is not None and evse.voltage_V > 0 else NOMINAL_DC_V


def evaluate(installed: Sequence[Installed], where: ProfileSituation, utc_s: float) -> Verdict:
    """Merge the profiles at one instant. K08.FR.04: never above any merged schedule's own limit."""
    return _merge(_layers(installed, where.evse), where, utc_s)


def _merge(layers: Sequence[Sequence[Profile]], where: ProfileSituation, utc_s: float) -> Verdict:
    evse = where.evse
    until_s, limits, reasons = math.inf, UNBOUNDED, list[str]()
    spoke = False
    setpoint: tuple[float, Profile] | None = None
    for candidates in layers:
        choice = None
        for profile in candidates:  # K01.FR.17: the highest stack level that has something to say
            period, change_s = profile.period_at(utc_s, where.activated_utc_s)
            until_s = min(until_s, change_s)
            if period is not None:
                choice = profile, period
                break
        if choice is None:
            expired = next((p for p in candidates if p.purpose is Purpose.TX and p.v2x), None)
            if expired is not None:
                # The watchdog of docs/sources/ocpp.md 7.3: a set-point that ran out leaves charging only.
                limits, spoke = _meet(limits, Interval(0.0, math.inf)), True
                reasons.append(f"set-point of {expired.name} is not in force: charging only")
            continue
        profile, period = choice
        spoke = True
        factor = watts_per_unit(profile, period, evse)
        share = where.sharing if profile.purpose.of_station else 1  # K04.FR.05: together never above the station's
        low, high = (bound * factor / share for bound in period.bounds(profile.purpose))
        limits = _meet(limits, Interval(low, high))
        if not profile.purpose.of_station and period.setpoint is not None:
            setpoint = period.setpoint * factor, profile
        reasons.append(
            f"{profile.name} allows {_range(low, high)}" + (f", 1/{share} of the station" if share > 1 else "")
        )
    if not where.discharge_permitted and not spoke:
        # Forbidden binds everybody who may ask for discharge, also where no profile speaks.
        return Verdict(Interval(0.0, math.inf), None, where.why_not, until_s)
    if not spoke:
        return Verdict(None, None, "no charging profile", until_s)
    if not where.may_discharge and limits.low < 0:
        limits = _meet(limits, Interval(0.0, math.inf))
        if not where.discharge_permitted or (setpoint is not None and setpoint[0] < 0):
            reasons.append(where.why_not)
    target = None
    if setpoint is not None:
        target = (_meet(limits, where.ratings_W)).clamp(setpoint[0])
        reasons.insert(
            0,
            f"{setpoint[1].name} sets {setpoint[0]:.0f} W"
            + ("" if target == setpoint[0] else f", cut to {target:.0f} W"),
        )
    return Verdict(limits, target, "; ".join(reasons), until_s)


def contribution(verdict: Verdict, evse_id: EvseId, now: Moment) -> Contribution | None:
    """The verdict as the arbiter takes it, valid until the next boundary (and a grace) or the next refresh."""
    if verdict.limits_W is None:
        return None
    holds_s = min(verdict.until_s - now.utc_s + GRACE_S, 2 * REFRESH_S)
    return Contribution(
        source=Source.CSMS,
        evse_id=evse_id,
        valid_until_s=now.monotonic_s + holds_s,
        reason=verdict.reason,
        limits_W=verdict.limits_W,
        target_W=verdict.setpoint_W,
        key="charging-profiles",
    )


def plan(installed: Sequence[Installed], where: ProfileSituation, now: Moment) -> Plan:
    """What the profiles will contribute to this EVSE over the next two days, or up to where MAX_SEGMENTS are full."""
    evse_id, later_s = where.evse.evse_id, now.monotonic_s - now.utc_s
    steps, end_s = [], now.utc_s + PLAN_S
    for start_s, verdict in segments(installed, where, now.utc_s, end_s):
        contributed = contribution(verdict, evse_id, now)
        steps.append(PlanStep(start_s + later_s, () if contributed is None else (contributed,)))
    if len(steps) == MAX_SEGMENTS:  # where the last one ends is not known
        end_s = steps.pop().from_s - later_s
    return Plan(tuple(steps), end_s + later_s, _prices(_layers(installed, where.evse)[-1], where, now))


def _prices(candidates: Sequence[Profile], where: ProfileSituation, now: Moment) -> tuple[TariffPiece, ...]:
    """The sales tariff of the transaction's profile that holds now, on the monotonic clock; empty where it has none."""
    later_s = now.monotonic_s - now.utc_s
    for profile in candidates:
        if profile.period_at(now.utc_s, where.activated_utc_s)[0] is not None:
            found = profile.prices_at(now.utc_s, where.activated_utc_s)
            return tuple(
                replace(piece, from_s=piece.from_s + later_s, until_s=piece.until_s + later_s) for piece in found
            )
    return ()


def unchanging(contributions: tuple[Contribution, ...], now: Moment) -> Plan:
    """A plan in which nothing changes."""
    return Plan((PlanStep(now.monotonic_s, contributions),), now.monotonic_s + PLAN_S)


def segments(
    installed: Sequence[Installed], where: ProfileSituation, from_s: float, to_s: float
) -> Iterator[tuple[float, Verdict]]:
    """The composite schedule from `from_s` up to `to_s` (UTC): (start, verdict), each until the next one's start."""
    at_s, layers = from_s, _layers(installed, where.evse)
    for _ in range(MAX_SEGMENTS):
        verdict = _merge(layers, where, at_s)
        yield at_s, verdict
        at_s = max(verdict.until_s, at_s + 1e-3)
        if at_s >= to_s:
            return


Step = tuple[float, Interval, float | None]
"""(start in UTC seconds, limits inside the ratings, set-point or None), in watts; holds until the next one."""


def planned(
    installed: Sequence[Installed], situations: Sequence[ProfileSituation], from_s: float, to_s: float
) -> tuple[list[Step], float]:
    """What these EVSEs together may do, and up to when this was worked out (`to_s`, or where MAX_SEGMENTS were full)."""
    schedules = [list(segments(installed, where, from_s, to_s)) for where in situations]
    end_s = min([to_s, *(schedule[-1][0] for schedule in schedules if len(schedule) == MAX_SEGMENTS)])
    starts = sorted({start for schedule in schedules for start, _ in schedule if start < end_s})
    if len(starts) > MAX_SEGMENTS:
        end_s, starts = starts[MAX_SEGMENTS], starts[:MAX_SEGMENTS]
    steps = [0] * len(schedules)
    plan: list[Step] = []
    for start in starts:
        low = high = total = 0.0
        has_setpoint = False
        for number, (where, schedule) in enumerate(zip(situations, schedules, strict=True)):
            if steps[number] + 1 < len(schedule) and schedule[steps[number] + 1][0] <= start:
                steps[number] += 1
            verdict = schedule[steps[number]][1]
            limits = where.ratings_W if verdict.limits_W is None else _meet(verdict.limits_W, where.ratings_W)
            if not where.may_discharge:
                limits = _meet(limits, Interval(0.0, math.inf))
            low, high = low + limits.low, high + limits.high
            if verdict.setpoint_W is not None:
                has_setpoint, total = True, total + verdict.setpoint_W
        # K08.FR.04: EVSEs without a transaction are counted as if each had the next one; together they stay within the station's limit.
        together = _meet(Interval(low, high), _of_station(installed, situations[0], start))
        plan.append((start, together, together.clamp(total) if has_setpoint else None))
    return [plan[0], *(later for earlier, later in itertools.pairwise(plan) if later[1:] != earlier[1:])], end_s


def _of_station(installed: Sequence[Installed], where: ProfileSituation, utc_s: float) -> Interval:
    """What the limits of the whole station allow all EVSEs together at this instant."""
    station = [i for i in installed if i.profile.purpose.of_station]
    return _merge(_layers(station, where.evse), replace(where, sharing=1), utc_s).limits_W or UNBOUNDED


def _layers(installed: Sequence[Installed], evse: EvseState) -> list[list[Profile]]:
    """Profiles that apply to this EVSE, highest stack level first, one list per purpose that is merged."""
    layers = [
        _stacked(i for i in installed if i.profile.purpose is purpose)
        for purpose in (Purpose.EXTERNAL, Purpose.STATION_MAX)
    ]
    own = _stacked(
        i
        for i in installed
        if i.profile.purpose is Purpose.TX
        and i.evse_id == evse.evse_id
        and evse.transaction_id is not None
        and i.profile.transaction_id == evse.transaction_id
    )
    # K02.FR.04: TxProfile before TxDefaultProfile; FR.08: back to the default when it has nothing to say.
    default = _stacked(
        i for i in installed if i.profile.purpose is Purpose.TX_DEFAULT and i.evse_id in (0, evse.evse_id)
    )
    return [*layers, own + default]


def _stacked(installed: Iterator[Installed]) -> list[Profile]:
    return [i.profile for i in sorted(installed, key=lambda i: (-i.profile.stack_level, -i.evse_id))]


def _meet(first: Interval, second: Interval) -> Interval:
    """The intersection; every limit here contains 0, so that there is one. Where rounding leaves no intersection, nothing may flow."""
    return first.intersect(second) or Interval(0.0, 0.0)


def _range(low: float, high: float) -> str:
    def text(bound: float) -> str:
        return "any" if math.isinf(bound) else f"{bound:.0f}"

    return f"{text(low)} to {text(high)} W"
