"""One message of a protocol as data: when it may come, who answers it, how it is refused, what the station learns of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.conversation.timeouts import V2G_SECC_MSG_PERFORMANCE_S, Silence
from chargepoint.iso15118.v2gtp import PayloadType
from chargepoint.model.car import CarEvent
from chargepoint.model.car_questions import Question

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Answer(Generic[S]):
    """A response to send now, with the session as it is after it. `ask`: a question that the station answers meanwhile."""

    response: Any
    session: S
    ask: Question | None = None


@dataclass(frozen=True, slots=True)
class Later(Generic[S]):
    """Not yet: `respond` is called again when the station's view changes or a question is answered.

    After `hold_s` at the latest `respond` is called with `time_is_up`; then it has to answer. `session` is already what the
    rest of the station must see, for example the phase wanted.
    """

    session: S
    ask: Question | None = None
    hold_s: float = V2G_SECC_MSG_PERFORMANCE_S


@dataclass(frozen=True, slots=True)
class Refusal:
    """The request is answered with this code and nothing of it holds. `code`: a ResponseCode of the protocol.

    `ours`: the cause is the station, not the car's message. `why`: one sentence for the log, where the code does not say it.
    `over`: the car ends its session with this request, whatever the answer is.
    """

    code: Any
    why: str = ""
    ours: bool = False
    over: bool = False


Reply = Answer[S] | Later[S] | Refusal
"""What `respond` gives back."""


def learned_nothing(_request: Any, _before: Any, _after: Any, _at: Situation) -> tuple[CarEvent, ...]:
    """For messages after which nobody but the conversation has to know anything."""
    return ()


def sequence_timer(_session: Any) -> Silence:
    """The timer after most responses."""
    return Silence.SEQUENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Everything the conversation needs to know about one request. All functions are pure.

    `moves`: each state in which the request may come, with the states that a good answer may lead to, beside staying.
    `applies`: whether the request belongs to what this session agreed on (an AC message in a DC session does not).
    `silence`: the bound on the car's silence after the response. `side_stream`: runs beside the main order of messages, so it
    neither waits for a held answer nor touches the timer. `supersedes`: it may come while another answer is held, and that one is
    never sent.
    """

    request: type
    moves: Mapping[Any, frozenset[Any]]
    respond: Callable[[Any, Any, Situation], Reply[Any]]
    refuse: Callable[[Any, Any, Any, Situation], Any]
    payload_type: PayloadType
    learned: Callable[[Any, Any, Any, Situation], tuple[CarEvent, ...]] = learned_nothing
    applies: Callable[[Any], bool] = bool
    silence: Callable[[Any], Silence] = sequence_timer
    side_stream: bool = False
    supersedes: bool = False
