"""The schedule that a car gets: what the station foresees, within what car and station announced to each other."""

from __future__ import annotations

from collections.abc import Iterable

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.model.car_questions import ForeseePower, PowerForeseen, PowerPiece, PricePiece
from chargepoint.model.schedule_offer import ScheduleOffer

SCHEDULE_TUPLE_ID = 1
DAY_S = 86_400
HORIZON_MAX_S = 7 * DAY_S
"""A car that leaves later gets a schedule of one week."""


def question(schedule_round: int, departure_at_s: float | None, points: int, at: Situation) -> ForeseePower:
    """This round's question. A request that repeats asks it again as it was, though the departure has come nearer."""
    inquiry = at.inquiries.get(ForeseePower)
    before = None if inquiry is None else inquiry.question
    if isinstance(before, ForeseePower) and before.round == schedule_round:
        return before
    return ForeseePower(schedule_round, horizon_s(departure_at_s, at.now.monotonic_s), points)


def foreseen(asked: ForeseePower, at: Situation) -> tuple[PowerPiece, ...] | None:
    """The station's answer; None while there is none."""
    answer = at.answer_to(asked, PowerForeseen)
    return None if answer is None else answer.pieces


def prices(asked: ForeseePower, at: Situation) -> tuple[PricePiece, ...]:
    """What the station knows of prices; empty: nothing."""
    answer = at.answer_to(asked, PowerForeseen)
    return () if answer is None else answer.prices


def horizon_s(departure_at_s: float | None, now_s: float) -> int:
    """Until the car leaves, at least 1 s; a whole day where it does not say when (V2G20-1563, V2G2-303)."""
    if departure_at_s is None or departure_at_s <= now_s:
        return DAY_S
    return max(1, round(min(departure_at_s - now_s, HORIZON_MAX_S)))


def within(pieces: Iterable[PowerPiece], charge_W: float, discharge_W: float) -> tuple[PowerPiece, ...]:
    """The pieces cut to these powers, magnitudes in W."""
    return tuple(PowerPiece(p.duration_s, min(p.charge_W, charge_W), min(p.discharge_W, discharge_W)) for p in pieces)


def offered(
    before: ScheduleOffer | None, pieces: tuple[PowerPiece, ...], at: Situation, *, joined: bool
) -> ScheduleOffer:
    """The schedule of before the pause where it still holds; else a new one. `joined`: the car goes on after a pause."""
    if joined and before is not None and before.allowed_by(pieces, at.now.utc_s):
        return before
    return ScheduleOffer(SCHEDULE_TUPLE_ID, at.now.utc_s, pieces)
