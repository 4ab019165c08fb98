"""The two fields that every response has, filled for a refusal."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.messages.common_types import RationalNumber, ResponseCode
from chargepoint.iso15118.rational import rational

ZERO = rational(0)


def head(code: ResponseCode, session: Session, at: Situation) -> dict[str, Any]:
    """Header and ResponseCode, as keyword arguments of any response."""
    return {"Header": session.header(at.now), "ResponseCode": code}


def measured(value: float | None) -> RationalNumber:
    """A measured value is sent as measured: a car that closed its contactors decides by it. Not known: 0, with a FAILED code."""
    return ZERO if value is None else rational(value)
