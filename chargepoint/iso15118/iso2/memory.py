"""What of an ISO 15118-2 session is kept for a car that paused, and the session made of it again.

Kept are the id, the payment option, the contract's EMAID and the chosen schedule ([740], [741]); everything else is asked anew.
The standard proves nothing but the id ([753], [754]). A rule of the project: the transaction must be the same.
Source: docs/sources/iso15118-2-din.md 1.2 («Resume»).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.session_id import same_by_value
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.messages.iso15118_2 import PaymentOption
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.schedule_offer import ScheduleOffer

PROTOCOL = "iso15118-2"


@dataclass(frozen=True, slots=True)
class PausedIso2:
    """All that is kept of a session. While it stays equal, what `keep` made of it needs no renewal."""

    session_id: bytes
    payment: PaymentOption | None
    emaid: str
    schedule_round: int
    schedule: ScheduleOffer | None


def remembered(session: Iso2Session) -> PausedIso2:
    """What `keep` keeps of this session."""
    return PausedIso2(session.session_id, session.payment, session.emaid, session.schedule_round, session.schedule)


def keep(session: PausedIso2, at: Situation, *, paused: bool) -> KeptSession | None:
    """None where no schedule was agreed, where no transaction goes on, and for a car that was lost instead of pausing."""
    transaction_id, schedule = at.view.transaction_id, session.schedule
    if not paused or session.payment is None or schedule is None or transaction_id is None:
        return None
    return KeptSession(
        protocol=PROTOCOL,
        session_id=session.session_id,
        binding=session.session_id,
        paused=True,
        transaction_id=transaction_id,
        data={
            "payment": session.payment.value,
            "emaid": session.emaid,
            "schedule_round": session.schedule_round,
            "schedule": {
                "tuple_id": schedule.tuple_id,
                "anchor_utc_s": schedule.anchor_utc_s,
                "pieces": [[p.duration_s, p.charge_W, p.discharge_W] for p in schedule.pieces],
            },
        },
    )


def recall(at: Situation) -> Iso2Session | None:
    """The session to go on with, where the request's id is that of the kept session; else None."""
    kept = at.kept
    if kept is None or kept.protocol != PROTOCOL or kept.transaction_id != at.view.transaction_id:
        return None
    if not same_by_value(at.session_id, kept.session_id):
        return None
    try:
        return _recalled(kept.session_id, kept.data)
    except (KeyError, TypeError, ValueError):
        return None  # written by another version


def _recalled(session_id: bytes, data: dict[str, Any]) -> Iso2Session:
    schedule = data["schedule"]
    return Iso2Session(
        session_id=session_id,
        payment=PaymentOption(data["payment"]),
        emaid=str(data["emaid"]),
        schedule_round=int(data["schedule_round"]) + 1,
        schedule=ScheduleOffer(
            int(schedule["tuple_id"]),
            int(schedule["anchor_utc_s"]),
            tuple(PowerPiece(float(d), float(c), float(b)) for d, c, b in schedule["pieces"]),
        ),
    )
