"""The RPC layer of OCPP-J without a socket: text in, text and events out. OCPP 2.0.1 and 2.1 Part 4, chapter 4.

Owns the one outstanding CALL, its time-out, and the answer to everything that is not a proper message. It never raises
on a peer's bytes. Payloads stay as they are on the wire (camelCase dicts).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from chargepoint.ocpp.schemas import Payload, Schemas, Violation
from chargepoint.ocpp.version import CALL, CALLERROR, CALLRESULT, CALLRESULTERROR, SEND, OcppVersion

MAX_MESSAGE_CHARS = 256 * 1024
"""A longer message is refused unread. 1024 periods of a charging schedule take about 100 KiB."""

MAX_ID_CHARS = 36
_UNREADABLE_ID = "-1"
_NUMBER_BOUND = 1e18
"""No number of a message is this large: an integer has at most 18 digits."""


@dataclass(frozen=True, slots=True)
class CallReceived:
    """The peer asks; answer with `respond` or `refuse` under the same unique id. The payload fits its schema."""

    unique_id: str
    action: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class ResultReceived:
    """Our CALL was answered. `violation` is set where the answer does not fit its schema (it is an answer all the same)."""

    unique_id: str
    action: str
    payload: Payload
    violation: Violation | None = None


@dataclass(frozen=True, slots=True)
class CallFailed:
    """Our CALL was answered with CALLERROR."""

    unique_id: str
    action: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class CallTimedOut:
    """Our CALL was not answered in time. An answer that comes later is ignored."""

    unique_id: str
    action: str


@dataclass(frozen=True, slots=True)
class PeerFault:
    """The peer sent something that is no message or belongs to nothing; `answered` with a CALLERROR or dropped."""

    text: str
    answered: bool
    kind: str
    """What is wrong, in words that the peer does not choose: the log counts by it."""


@dataclass(frozen=True, slots=True)
class AnswerRefused:
    """The peer cannot use our answer to its CALL (CALLRESULTERROR, 2.1). Nothing may be sent for it."""

    unique_id: str
    code: str
    text: str


RpcEvent = CallReceived | ResultReceived | CallFailed | CallTimedOut | AnswerRefused | PeerFault


@dataclass(frozen=True, slots=True)
class _Outstanding:
    unique_id: str
    action: str
    deadline_s: float


class Rpc:
    """One connection's RPC state. Seconds are monotonic."""

    def __init__(self, version: OcppVersion, schemas: Schemas, supported: frozenset[str], timeout_s: float) -> None:
        self._version = version
        self._schemas = schemas
        self._supported = supported
        self._timeout_s = timeout_s
        self._outstanding: _Outstanding | None = None
        self._to_send: list[str] = []

    @property
    def busy(self) -> bool:
        """A CALL of ours waits for its answer; no other may be sent (4.1.1)."""
        return self._outstanding is not None

    @property
    def deadline_s(self) -> float | None:
        """When `tick` must be called."""
        return None if self._outstanding is None else self._outstanding.deadline_s

    def to_send(self) -> tuple[str, ...]:
        """Frames to send now, in order; each is given out once."""
        frames, self._to_send = tuple(self._to_send), []
        return frames

    # -- our side ----------------------------------------------------------------------------------------------------

    def call(self, unique_id: str, action: str, text: str, now_s: float) -> None:
        """Send a CALL whose whole text was rendered before (`call_text`). Raises RuntimeError while one is outstanding."""
        if self._outstanding is not None:
            raise RuntimeError(f"{action}: {self._outstanding.action} is not answered yet")
        self._outstanding = _Outstanding(unique_id, action, now_s + self._timeout_s)
        self._to_send.append(text)

    def send(self, unique_id: str, action: str, payload: Payload) -> Violation | None:
        """Send without expecting an answer (SEND, 2.1); also while a CALL is outstanding. Not sent where it breaks its schema.

        Raises ValueError for an action that the version does not send so.
        """
        if action not in self._version.unconfirmed:
            raise ValueError(f"{action} is no SEND of {self._version.subprotocol}")
        violation = self._schemas.check_unconfirmed(action, payload)
        if violation is None:
            self._to_send.append(_dump([SEND, unique_id, action, payload]))
        return violation

    def respond(self, call: CallReceived, payload: Payload) -> Violation | None:
        """Answer a CALL. A payload that does not fit its own schema is not sent: InternalError goes out instead."""
        violation = self._schemas.check_response(call.action, payload)
        if violation is None:
            self._to_send.append(_dump([CALLRESULT, call.unique_id, payload]))
        else:
            self.refuse(call.unique_id, "InternalError", "the station made an invalid answer")
        return violation

    def refuse(self, unique_id: str, code: str, text: str = "") -> None:
        """Answer a CALL with CALLERROR; `code` from Part 4, 4.3 table 8."""
        self._to_send.append(_dump([CALLERROR, unique_id, code, text[:255], {}]))

    def tick(self, now_s: float) -> tuple[RpcEvent, ...]:
        """Let time pass."""
        waiting = self._outstanding
        if waiting is None or now_s < waiting.deadline_s:
            return ()
        self._outstanding = None
        return (CallTimedOut(waiting.unique_id, waiting.action),)

    # -- the peer's side ---------------------------------------------------------------------------------------------

    def receive(self, text: str | bytes, now_s: float) -> tuple[RpcEvent, ...]:
        """Take one frame. `now_s` only to expire an outstanding CALL that this frame is too late for."""
        expired = self.tick(now_s)
        return (*expired, self._receive(text))

    def _receive(self, text: str | bytes) -> RpcEvent:
        if isinstance(text, bytes):
            return self._unreadable("binary frames are not OCPP-J")
        if len(text) > MAX_MESSAGE_CHARS:
            return self._unreadable(f"{len(text)} characters: at most {MAX_MESSAGE_CHARS}")
        try:
            message = _parse(text)
        except (ValueError, RecursionError) as error:
            return self._unreadable(f"not JSON: {error}")
        if not isinstance(message, list) or not message:
            return self._unreadable("not a JSON array with a message type")
        kind = message[0]
        unique_id = message[1] if len(message) > 1 else None
        readable = isinstance(unique_id, str) and 0 < len(unique_id) <= MAX_ID_CHARS
        if isinstance(kind, bool) or not isinstance(kind, int) or kind not in self._version.message_types:
            # 4.4: answer an unknown message type, so that the sender falls back to 2, 3 and 4.
            known = ", ".join(map(str, sorted(self._version.message_types)))
            self.refuse(
                str(unique_id) if readable else _UNREADABLE_ID, "MessageTypeNotSupported", f"message types: {known}"
            )
            return PeerFault("message type not supported", answered=True, kind="message type")
        if kind == CALL:
            if not readable:
                return self._unreadable(f"the message id is not a string of 1 to {MAX_ID_CHARS} characters")
            return self._call_received(str(unique_id), message)
        # 4.2.3: a CALLERROR answers a CALL and nothing else; a bad answer is dropped.
        if not readable:
            return PeerFault("an answer without a proper message id", answered=False, kind="message id")
        if kind == SEND:  # 4.2.4: nobody answers a SEND, and no central system has one for a station
            return PeerFault("a SEND, which no station takes", answered=False, kind="SEND")
        if kind == CALLRESULTERROR:
            return _answer_refused(str(unique_id), message)
        return self._answer_received(kind, str(unique_id), message)

    def _call_received(self, unique_id: str, message: list[Any]) -> RpcEvent:
        if len(message) != 4 or not isinstance(message[2], str):
            return self._refused(unique_id, Violation("RpcFrameworkError", "a CALL is [2, id, action, {payload}]"))
        action, payload = message[2], message[3]
        if action not in self._version.known_actions:
            return self._refused(unique_id, Violation("NotImplemented", f"{action[:50]} is not known"))
        if action not in self._supported:
            return self._refused(unique_id, Violation("NotSupported", f"{action} is not supported by this station"))
        violation = self._schemas.check_request(action, payload)
        if violation is not None:
            return self._refused(unique_id, violation)
        return CallReceived(unique_id, action, payload)

    def _answer_received(self, kind: int, unique_id: str, message: list[Any]) -> RpcEvent:
        waiting = self._outstanding
        if waiting is None or waiting.unique_id != unique_id:
            text = _one_line(f"an answer to nothing we wait for ({unique_id})")
            return PeerFault(text, answered=False, kind="answer to nothing")
        if kind == CALLRESULT:
            if len(message) != 3 or not isinstance(message[2], dict):
                return PeerFault("a CALLRESULT is [3, id, {payload}]", answered=False, kind="CALLRESULT")
            self._outstanding = None
            violation = self._schemas.check_answer(waiting.action, message[2])
            if violation is not None and CALLRESULTERROR in self._version.message_types:
                self._to_send.append(_dump([CALLRESULTERROR, unique_id, violation.code, violation.text[:255], {}]))
            return ResultReceived(unique_id, waiting.action, message[2], violation)
        if not 3 <= len(message) <= 5 or not isinstance(message[2], str):
            return PeerFault("a CALLERROR is [4, id, code, text, {details}]", answered=False, kind="CALLERROR")
        self._outstanding = None
        text = message[3] if len(message) > 3 and isinstance(message[3], str) else ""
        return CallFailed(unique_id, waiting.action, _one_line(message[2][:64]), _one_line(text[:255]))

    def _unreadable(self, why: str) -> PeerFault:
        """4.2.3: the id cannot be read, the answer carries "-1"."""
        return self._refused(_UNREADABLE_ID, Violation("RpcFrameworkError", why))

    def _refused(self, unique_id: str, violation: Violation) -> PeerFault:
        self.refuse(unique_id, violation.code, violation.text)
        return PeerFault(_one_line(f"{violation.code}: {violation.text}"), answered=True, kind=violation.code)


def _answer_refused(unique_id: str, message: list[Any]) -> RpcEvent:
    if not 3 <= len(message) <= 5 or not isinstance(message[2], str):
        return PeerFault("a CALLRESULTERROR is [5, id, code, text, {details}]", answered=False, kind="CALLRESULTERROR")
    text = message[3] if len(message) > 3 and isinstance(message[3], str) else ""
    return AnswerRefused(unique_id, _one_line(message[2][:64]), _one_line(text[:255]))


def call_text(unique_id: str, action: str, payload: Payload) -> str:
    """The text of a CALL, rendered once and sent as it is every time."""
    return _dump([CALL, unique_id, action, payload])


def _one_line(text: str) -> str:
    """A peer's words for our log: no line of its own making in it."""
    return "".join(c if c.isprintable() else " " for c in text)


def _dump(message: list[Any]) -> str:
    return json.dumps(message, separators=(",", ":"), allow_nan=False)


def _parse(text: str) -> Any:
    message = json.loads(text, parse_constant=_no_constant, parse_float=_finite, parse_int=_integer)
    if "\\ud" in text or "\\uD" in text:
        json.dumps(message, ensure_ascii=False).encode()  # a lone surrogate is no character: UnicodeEncodeError
    return message


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    """As JSON and its schemas see it: 1.0 and 1e0 are the integer 1. Larger than an integer may be, it is out of range."""
    number = float(digits)
    if not abs(number) < _NUMBER_BOUND:
        raise ValueError(f"{digits[:20]} is out of range")
    return int(number) if number.is_integer() else number


def _integer(digits: str) -> int:
    if len(digits) > 18:
        raise ValueError(f"{digits[:20]}… is out of range")
    return int(digits)
