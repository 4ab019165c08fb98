"""What a message's `respond` may know beside request and session: the station, the instant, the connection, answers to questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.messages.xmldsig import Signature
from chargepoint.model.car_questions import AnswerToCar, Question
from chargepoint.model.station_view import StationView

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of the connection. `tls`: «TLSv1.3», or None for plain TCP. `leaf`: the car's certificate in DER."""

    address: str
    tls: str | None = None
    leaf: bytes | None = None


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question of this conversation: asked at `asked_s`, answered or not."""

    number: int
    question: Question
    asked_s: float
    answer: AnswerToCar | None = None


_NO_INQUIRIES: Mapping[type, Inquiry] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything around one request, at one instant.

    `time_is_up`: the answer must not be held any longer. `kept`: the session that this EVSE keeps for a car that will come
    back. `random_bytes(n)`: n bytes of a cryptographic random source.
    """

    settings: SeccSettings
    view: StationView
    now: Now
    peer: Peer
    random_bytes: Callable[[int], bytes]
    kept: KeptSession | None = None
    session_id: bytes = b""
    """Of the request's header."""
    signature: Signature | None = None
    """Of the header, where the protocol has one header for all messages (-2, DIN)."""
    raw: bytes = b""
    """The request as the car encoded it (EXI, without V2GTP header)."""
    time_is_up: bool = False
    inquiries: Mapping[type, Inquiry] = field(default_factory=lambda: _NO_INQUIRIES)

    def asked(self, question: Question) -> Inquiry | None:
        """The inquiry of exactly this question, if this conversation asked it."""
        inquiry = self.inquiries.get(type(question))
        return inquiry if inquiry is not None and inquiry.question == question else None

    def answer_to(self, question: Question, kind: type[A]) -> A | None:
        """The answer to exactly this question; None while there is none."""
        inquiry = self.asked(question)
        return inquiry.answer if inquiry is not None and isinstance(inquiry.answer, kind) else None

    def waited_s(self, question: Question) -> float:
        """For how long the answer to this question is awaited, in seconds; 0 where it was not asked."""
        inquiry = self.asked(question)
        return 0.0 if inquiry is None else self.now.monotonic_s - inquiry.asked_s
