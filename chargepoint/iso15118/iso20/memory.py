"""What of an ISO 15118-20 session is kept for a car that comes back, and the session made of it again.

Source: docs/sources/iso15118-20.md 3. Kept are selection, authorisation (of a contract: EMAID and certificate) and schedule; limits are asked anew.
The session is bound to the car's certificate (`security/resume_binding.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.contract_state import ContractState
from chargepoint.iso15118.iso20.services import ParameterChoice, choice_of
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.messages.common_messages import Authorization
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.schedule_offer import ScheduleOffer
from chargepoint.security.resume_binding import resume_binding

PROTOCOL = "iso15118-20"


@dataclass(frozen=True, slots=True)
class Remembered:
    """All that is kept of a session. While it stays equal, what `keep` made of it needs no renewal."""

    session_id: bytes
    evcc_id: str
    choice: ParameterChoice | None
    added_services: tuple[tuple[int, int], ...]
    authorized_with: Authorization | None
    emaid: str
    contract_leaf: bytes
    schedule_round: int
    schedule: ScheduleOffer | None


def remembered(session: Session) -> Remembered:
    """What `keep` keeps of this session."""
    return Remembered(
        session_id=session.session_id,
        evcc_id=session.evcc_id,
        choice=session.choice,
        added_services=session.added_services,
        authorized_with=session.authorized_with,
        emaid=session.emaid,
        contract_leaf=session.contract.leaf,
        schedule_round=session.schedule_round,
        schedule=session.schedule,
    )


def keep(session: Remembered, at: Situation, *, paused: bool) -> KeptSession | None:
    """None where nothing is agreed yet, where no transaction goes on, and without a certificate of the car.

    A car without a certificate cannot be recognised (V2G20-2545).
    """
    transaction_id = at.view.transaction_id
    if session.choice is None or session.authorized_with is None or at.peer.leaf is None or transaction_id is None:
        return None
    schedule = session.schedule
    return KeptSession(
        protocol=PROTOCOL,
        session_id=session.session_id,
        binding=resume_binding(session.session_id, at.peer.leaf),
        paused=paused,
        transaction_id=transaction_id,
        data={
            "evcc_id": session.evcc_id,
            "service_id": int(session.choice.service_id),
            "parameter_set_id": session.choice.parameter_set_id,
            "control_mode": session.choice.control_mode.value,
            "added_services": [list(pair) for pair in session.added_services],
            "authorized_with": session.authorized_with.value,
            "emaid": session.emaid,
            "contract_leaf": session.contract_leaf.hex(),
            "schedule_round": session.schedule_round,
            "schedule": None
            if schedule is None
            else {
                "tuple_id": schedule.tuple_id,
                "anchor_utc_s": schedule.anchor_utc_s,
                "pieces": [[p.duration_s, p.charge_W, p.discharge_W] for p in schedule.pieces],
            },
        },
    )


def recall(kept: KeptSession, at: Situation) -> Session | None:
    """The session to go on with; None where it is another protocol's, or what it agreed on is no longer offered."""
    if kept.protocol != PROTOCOL:
        return None
    try:
        return _recalled(kept.session_id, kept.data, at)
    except (KeyError, TypeError, ValueError):
        return None  # written by another version


def _recalled(session_id: bytes, data: dict[str, Any], at: Situation) -> Session | None:
    choice = choice_of(at.settings, data["service_id"], data["parameter_set_id"])
    if choice is None or choice.control_mode.value != data["control_mode"]:
        return None
    schedule = data["schedule"]
    return Session(
        session_id=session_id,
        evcc_id=str(data["evcc_id"]),
        authorized_with=Authorization(data["authorized_with"]),
        emaid=str(data["emaid"]),
        contract=ContractState(leaf=bytes.fromhex(data["contract_leaf"])),
        choice=choice,
        added_services=tuple((int(a), int(b)) for a, b in data["added_services"]),
        schedule_round=int(data["schedule_round"]) + 1,
        schedule=None
        if schedule is None
        else ScheduleOffer(
            int(schedule["tuple_id"]),
            int(schedule["anchor_utc_s"]),
            tuple(PowerPiece(float(d), float(c), float(b)) for d, c, b in schedule["pieces"]),
        ),
    )
