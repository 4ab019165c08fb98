"""The forecast: what the arbiter will decide for one EVSE if nothing changes.

It is the arbiter's own decision, taken at each instant at which a contribution begins or ends. Contributions that the station
renews by itself hold on. An owner with a plan contributes what the plan says. Any other contribution ends when it expires.
The fallback ramp between two set-points is left out: it moves a target for seconds, and never a limit.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chargepoint.energy.arbiter import RANKING, decide, in_order
from chargepoint.model.demand import Contribution, Source
from chargepoint.model.forecast import Forecast, ForecastPiece, Plan, TariffPiece
from chargepoint.model.ids import EvseId

_MILLISECOND = 1e-3

Owned = Mapping[tuple[str, str], Contribution]
"""Contributions by owner and key, as the arbiter keeps them."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a forecast is made of. `contributions` hold now; `renewed` owners renew theirs as long as nothing changes."""

    evse_id: EvseId
    contributions: Owned
    plans: Mapping[str, Plan]
    renewed: Collection[str]
    ranking: tuple[Source, ...] = RANKING


def foresee(outlook: Outlook, now_s: float, horizon_s: float, *, with_car: bool = True) -> Forecast:
    """The forecast from `now_s` over `horizon_s` > 0 seconds, or up to the end of the shortest plan.

    `with_car` False leaves the car out: what the station could give any car. Raises ValueError for a horizon of no length.
    """
    if not (horizon_s > 0 and math.isfinite(horizon_s)):
        raise ValueError(f"horizon_s = {horizon_s:g}: above 0")
    outlook = replace(
        outlook,
        contributions={key: c for key, c in outlook.contributions.items() if c.valid_until_s > now_s},
        plans={owner: plan for owner, plan in outlook.plans.items() if plan.until_s > now_s},
    )
    plans = outlook.plans.values()
    end_s = min([now_s + horizon_s, *(plan.until_s for plan in plans)])
    starts = [now_s, *_boundaries(outlook, now_s, end_s), end_s]
    pieces = []
    for start_s, until_s in itertools.pairwise(starts):
        holding = _holding(outlook, start_s, with_car=with_car)
        setpoint = decide(outlook.evse_id, holding, start_s, car_must_speak=with_car, ranking=outlook.ranking)
        limits = setpoint.limits_W
        pieces.append(
            ForecastPiece(
                start_s=start_s - now_s,
                duration_s=until_s - start_s,
                charge_max_W=max(limits.high, 0.0),
                discharge_max_W=max(-limits.low, 0.0),
                target_W=setpoint.power_W if any(c.target_W is not None for c in holding) else None,
                why=setpoint.explanation,
            )
        )
    tariff = next((plan.tariff for plan in plans if plan.tariff), ())
    return Forecast(now_s, tuple(joined(pieces)), _within(tariff, now_s, end_s))


def joined(pieces: Iterable[ForecastPiece]) -> list[ForecastPiece]:
    """Neighbours with equal numbers become one piece, which keeps the first sentence."""
    result: list[ForecastPiece] = []
    for piece in pieces:
        if result and _numbers(result[-1]) == _numbers(piece):
            result[-1] = replace(result[-1], duration_s=piece.end_s - result[-1].start_s)
        else:
            result.append(piece)
    return result


def at_most(forecast: Forecast, pieces_max: int) -> Forecast:
    """The same forecast in at most `pieces_max` >= 1 pieces. No instant promises more than before: the lower limit wins.

    Neighbours are merged first where least energy is lost. Source: docs/sources/iso15118-20.md 5 (MaximumSupportingPoints).
    """
    if pieces_max < 1:
        raise ValueError(f"pieces_max = {pieces_max}: at least 1")
    pieces = list(forecast.pieces)
    after = list(range(1, len(pieces) + 1))  # of each piece that is left: its follower
    before = list(range(-1, len(pieces) - 1))
    merges = [0] * len(pieces)  # how often each piece took its follower in; -1: it was taken in
    queue: list[tuple[float, int, int, int, int]] = []

    def offer(left: int) -> None:
        right = after[left]
        if right < len(pieces):
            cost_Wh = _loss_Wh(pieces[left], pieces[right])
            heapq.heappush(queue, (cost_Wh, left, merges[left], right, merges[right]))

    for number in range(len(pieces)):
        offer(number)
    for _ in range(len(pieces) - pieces_max):
        while True:
            _, left, left_merges, right, right_merges = heapq.heappop(queue)
            if (merges[left], merges[right]) == (left_merges, right_merges):
                break  # else one of the two changed meanwhile, and a newer entry is in the queue
        pieces[left] = _narrower(pieces[left], pieces[right])
        merges[left], merges[right] = merges[left] + 1, -1
        after[left] = after[right]
        if after[left] < len(pieces):
            before[after[left]] = left
        offer(left)
        if before[left] >= 0:
            offer(before[left])
    left_over = (piece for piece, count in zip(pieces, merges, strict=True) if count >= 0)
    return replace(forecast, pieces=tuple(joined(left_over)))


def in_whole_seconds(forecast: Forecast) -> Forecast:
    """The same forecast with every boundary at a whole second after its begin, and a whole number of seconds long.

    A second in which the limits change gets the lower ones. A boundary within a millisecond of a whole second counts as
    that second. What is left after the last whole second is cut off.
    """
    total = math.floor(forecast.duration_s + _MILLISECOND)
    pieces: list[ForecastPiece] = []
    for piece in forecast.pieces:
        first = math.floor(piece.start_s + _MILLISECOND)
        last = min(math.ceil(piece.end_s - _MILLISECOND), total)
        if pieces and pieces[-1].end_s > first:  # a second that both share
            shared = pieces.pop()
            if shared.start_s < first:
                pieces.append(replace(shared, duration_s=first - shared.start_s))
            one = replace(_narrower(shared, piece), start_s=float(first), duration_s=1.0)
            pieces.append(one)
            first += 1
        if first < last:
            pieces.append(replace(piece, start_s=float(first), duration_s=float(last - first)))
    return replace(forecast, pieces=tuple(joined(pieces)))


def _boundaries(outlook: Outlook, now_s: float, end_s: float) -> list[float]:
    """The instants between now and the end at which some contribution begins or ends."""
    instants = {step.from_s for plan in outlook.plans.values() for step in plan.steps}
    instants |= {c.valid_until_s for (owner, _), c in outlook.contributions.items() if owner not in outlook.renewed}
    return sorted(instant for instant in instants if now_s < instant < end_s)


def _holding(outlook: Outlook, at_s: float, *, with_car: bool) -> list[Contribution]:
    """The contributions that will hold at `at_s`, in the order of narrowing."""
    planned = {owner: _step(plan, at_s) for owner, plan in outlook.plans.items()}
    holding = {
        (owner, key): contribution
        for (owner, key), contribution in outlook.contributions.items()
        if planned.get(owner) is None and (owner in outlook.renewed or contribution.valid_until_s > at_s)
    }
    for owner, contributions in planned.items():
        holding |= {(owner, c.key): c for c in contributions or ()}
    return [c for c in in_order(holding) if with_car or c.source is not Source.CAR]


def _step(plan: Plan, at_s: float) -> tuple[Contribution, ...] | None:
    """What the plan says for this instant; None before its first step."""
    number = bisect.bisect_right(plan.steps, at_s, key=lambda step: step.from_s)
    return plan.steps[number - 1].contributions if number else None


def _within(tariff: Sequence[TariffPiece], begin_s: float, end_s: float) -> tuple[TariffPiece, ...]:
    """The pieces that count between the two instants: the one in force at the begin, and all that follow."""
    running = [piece for piece in tariff if piece.from_s <= begin_s][-1:]
    running = [piece for piece in running if piece.until_s > begin_s]
    return (*running, *(piece for piece in tariff if begin_s < piece.from_s < end_s))


def _numbers(piece: ForecastPiece) -> tuple[float, float, float | None]:
    return piece.charge_max_W, piece.discharge_max_W, piece.target_W


def _narrower(first: ForecastPiece, second: ForecastPiece) -> ForecastPiece:
    """Both pieces as one that never promises more than either; the sentence is that of the tighter one."""
    charge_W = min(first.charge_max_W, second.charge_max_W)
    discharge_W = min(first.discharge_max_W, second.discharge_max_W)
    target_W: float | None = None
    if first.target_W is not None and second.target_W is not None:
        same_way = first.target_W * second.target_W > 0
        target_W = min(first.target_W, second.target_W, key=abs) if same_way else 0.0
        target_W = min(max(target_W, -discharge_W), charge_W)
    tighter = first if first.charge_max_W <= second.charge_max_W else second
    return ForecastPiece(first.start_s, second.end_s - first.start_s, charge_W, discharge_W, target_W, tighter.why)


def _loss_Wh(first: ForecastPiece, second: ForecastPiece) -> float:
    """The energy that merging these two neighbours gives away, both directions together."""
    merged = _narrower(first, second)
    lost_Ws = sum(
        (piece.charge_max_W - merged.charge_max_W + piece.discharge_max_W - merged.discharge_max_W) * piece.duration_s
        for piece in (first, second)
    )
    return lost_Ws / 3600.0
