"""The schedule of the station on the wire: one SAScheduleTuple, with what the outlet can physically give as its bound.

The car's own limits do not cut it: a profile that equals the outlet's power to the watt must fit (docs/sources/iso15118-2-din.md 1.2).
What energy costs goes beside it: `sales_tariff`.
"""

from __future__ import annotations

from collections.abc import Iterator

from chargepoint.iso15118.iso2.physical import watts
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.messages.iso15118_2 import (
    ChargeParameterDiscoveryReq,
    PMaxSchedule,
    PMaxScheduleEntry,
    RelativeTimeInterval,
    SalesTariff,
    SAScheduleList,
    SAScheduleTuple,
)
from chargepoint.iso15118.steps.schedule import within
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.schedule_offer import ScheduleOffer

POINTS_UNSAID = 12
"""For a car that does not say how many entries it can read, or says 0: the least that a car was seen to read."""

POINTS_MAX = 1024
"""PMaxScheduleEntry of the schema."""

DURATION_MAX_S = 86_400
"""Of the schema, for the last entry. A schedule that ends earlier is allowed: the car then asks for the next one ([305])."""


def points_of(request: ChargeParameterDiscoveryReq) -> int:
    """How many entries the car's schedule may have."""
    return min(request.MaxEntriesSAScheduleTuple or POINTS_UNSAID, POINTS_MAX)


def possible(pieces: tuple[PowerPiece, ...], session: Iso2Session) -> tuple[PowerPiece, ...]:
    """The pieces within what the outlet can give; nothing flows out of a car without a service for that."""
    if session.offered is None:
        return within(pieces, 0.0, 0.0)
    out_W = 0.0 if session.sae is None else session.offered.discharge_power_max_W
    return within(pieces, session.offered.charge_power_max_W, out_W)


def sa_schedules(offer: ScheduleOffer, now_utc_s: int, tariff: SalesTariff | None = None) -> SAScheduleList:
    """From now on: of a schedule that began before a pause, the part that is left. `tariff`: what energy costs meanwhile."""
    entries = tuple(
        PMaxScheduleEntry(
            TimeInterval=RelativeTimeInterval(start=start_s, duration=duration_s), PMax=watts(piece.charge_W)
        )
        for start_s, duration_s, piece in _left(offer, now_utc_s)
    )
    bound = SAScheduleTuple(
        SAScheduleTupleID=offer.tuple_id, PMaxSchedule=PMaxSchedule(PMaxScheduleEntry=entries), SalesTariff=tariff
    )
    return SAScheduleList(SAScheduleTuple=(bound,))


def _left(offer: ScheduleOffer, now_utc_s: int) -> Iterator[tuple[int, int | None, PowerPiece]]:
    """Start, duration and piece of each entry; all but the last one last until the next. There is always one: the schema wants it."""
    spans = [(max(0, round(begin_s) - now_utc_s), round(end_s) - now_utc_s, p) for begin_s, end_s, p in offer.spans()]
    coming = [span for span in spans if span[1] > span[0]] or spans[-1:]
    for start_s, _, piece in coming[:-1]:
        yield start_s, None, piece
    for start_s, end_s, piece in coming[-1:]:
        yield start_s, min(max(end_s - start_s, 1), DURATION_MAX_S), piece
