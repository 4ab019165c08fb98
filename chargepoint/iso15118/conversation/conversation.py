"""The conversation on one connection: bytes in, bytes and events out, time as a number. No socket, no clock.

Frames are decoded, held against the order of messages, answered by the row's `respond`, encoded. A peer's bytes never raise:
what cannot be understood is answered as the protocol says, and the connection ends with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from chargepoint.iso15118.conversation.app_protocol import negotiate
from chargepoint.iso15118.conversation.exchanged import TRACE_DEPTH, Exchanged, ExchangedFrame
from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.protocol import CarProtocol, OpenedRequest
from chargepoint.iso15118.conversation.questions import OpenQuestions
from chargepoint.iso15118.conversation.row import Answer, Later, Refusal, Reply, Row
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer, Situation
from chargepoint.iso15118.conversation.timeouts import (
    V2G_EVCC_MSG_TIMEOUT_LONGEST_S,
    V2G_SECC_COMMUNICATION_SETUP_TIMEOUT_S,
    V2G_SECC_SEQUENCE_TIMEOUT_S,
    Silence,
)
from chargepoint.iso15118.exi.codec import NS_SAP, ExiError, decode, encode
from chargepoint.iso15118.messages.app_protocol import supportedAppProtocolReq
from chargepoint.iso15118.v2gtp import FrameReceived, Framing, FramingFailed, PayloadType, frame
from chargepoint.model.car import (
    CarConnected,
    CarDemandChanged,
    CarEvent,
    CarRemark,
    CarSessionEnded,
    SessionEnd,
)
from chargepoint.model.car_questions import AnswerToCar
from chargepoint.model.ids import EvseId
from chargepoint.model.station_view import StationView

FRAMES_AT_ONCE_MAX = 32
"""A car waits for each answer; one that sends more requests than this in one breath does not listen."""

CORRECTIONS_MAX = 10
"""A car may correct a refused request and go on, where its protocol says so. After this many the connection ends."""

FRAMES_KEPT_MAX = 256
"""Full frames wait at most this many for the wire trace to take them away."""


class _Held:
    """A request whose answer is held."""

    __slots__ = ("envelope", "raw", "row", "until_s")

    def __init__(self, row: Row, envelope: OpenedRequest, raw: bytes, until_s: float) -> None:
        self.row, self.envelope, self.raw, self.until_s = row, envelope, raw, until_s


class Conversation:
    """One connection of one car. `spoken`: the protocols of this outlet. `kept`: the session kept for a car that comes back.

    `random_bytes(n)` gives n bytes of a cryptographic random source. `keep_frames`: whole frames are collected for `frames()`.
    `unspoken`: why less is spoken here than the outlet serves, for the log.
    """

    def __init__(
        self,
        settings: SeccSettings,
        spoken: Sequence[CarProtocol],
        peer: Peer,
        random_bytes: Callable[[int], bytes],
        now: Now,
        *,
        kept: KeptSession | None = None,
        keep_frames: bool = False,
        unspoken: str = "",
    ) -> None:
        self._settings = settings
        self._evse_id = EvseId(settings.evse_id)
        self._spoken = spoken
        self._unspoken = unspoken
        self._peer = peer
        self._random_bytes = random_bytes
        self._kept = kept
        self._kept_from: Any = None
        """What `_kept` was made from in this conversation; None while it comes from an earlier one."""
        self._heard_s = now.monotonic_s
        self._framing = Framing()
        self._view = StationView()
        self._protocol: CarProtocol | None = None
        self._session: Any = None
        self._questions = OpenQuestions(self._evse_id)
        self._held: _Held | None = None
        self._deadline_s: float | None = now.monotonic_s + V2G_SECC_COMMUNICATION_SETUP_TIMEOUT_S
        self._deadline_name = "V2G_SECC_CommunicationSetup_Timeout"
        self._out = bytearray()
        self._paced: list[tuple[float, bytes]] = []
        """Frames that wait for the least answer time, with the instant (monotonic) at which they leave."""
        self._asked_s = now.monotonic_s
        self._events: list[CarEvent] = []
        self._ended = False
        self._corrections = 0
        self._frames: list[ExchangedFrame] | None = [] if keep_frames else None
        self.trace: list[Exchanged] = []

    # -- the core's shape -----------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: Now) -> None:
        """Bytes from the car."""
        self._heard_s = now.monotonic_s
        self._release(now)
        for count, event in enumerate(self._framing.receive(data), 1):
            if self._ended:
                return
            if count > FRAMES_AT_ONCE_MAX:
                reason = f"more than {FRAMES_AT_ONCE_MAX} requests without awaiting answers"
                self._end(SessionEnd.PROTOCOL_ERROR, reason)
                return
            match event:
                case FramingFailed(reason):
                    self._end(SessionEnd.PROTOCOL_ERROR, reason)
                case FrameReceived():
                    self._take(event, now)

    def update(self, view: StationView, now: Now) -> None:
        """A new process image or arbiter result: may release a held answer. A kept session ends with its transaction."""
        self._view = view
        self._release(now)
        if self._kept is not None and self._kept.transaction_id != view.transaction_id:
            self._kept = None
        self._retry(now)

    def answer(self, number: int, answer: AnswerToCar, now: Now) -> None:
        """The station's answer to the question of this number. An answer to no open question is ignored."""
        if self._questions.take(number, answer):
            self._retry(now)

    def tick(self, now: Now) -> None:
        """Time passed: paced and held answers, and timeouts."""
        self._release(now)
        self._retry(now)
        if self._deadline_s is not None and now.monotonic_s >= self._deadline_s and not self._ended:
            self._end(SessionEnd.TIMEOUT, f"{self._deadline_name} expired in state {self.state}")

    def given_up(self, peer: str, now: Now) -> bool:
        """Whether a new connection from `peer` shows that the car let go of this one without a packet saying so.

        A car has one session at a time. A car that sends nothing for a message time-out does not wait for an answer either.
        This is a rule of the project: the standard knows only V2G_SECC_Sequence_Timeout, 60 s in which the car could not return.
        """
        return peer == self._peer.address and now.monotonic_s - self._heard_s >= V2G_EVCC_MSG_TIMEOUT_LONGEST_S

    def peer_gone(self, detail: str) -> None:
        """The transport ended."""
        self._end(SessionEnd.CONNECTION_LOST, detail)

    def discard(self) -> None:
        """What is kept is kept no longer: the plug is out, or the transaction has ended."""
        self._kept = None

    def to_send(self) -> bytes:
        """Bytes for the car, taken away."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def events(self) -> list[CarEvent]:
        """What the rest of the station learns, taken away."""
        events, self._events = self._events, []
        return events

    def frames(self) -> list[ExchangedFrame]:
        """Whole frames since the last call, taken away; none where nobody asked to keep them."""
        if not self._frames:
            return []
        frames, self._frames = self._frames, []
        return frames

    @property
    def deadline_s(self) -> float | None:
        """When `tick` is due at the latest."""
        held = None if self._held is None else self._held.until_s
        paced = self._paced[0][0] if self._paced else None
        due = [d for d in (self._deadline_s, held, paced) if d is not None]
        return min(due) if due else None

    @property
    def ended(self) -> bool:
        """Nothing more will be sent after `to_send`: close."""
        return self._ended and not self._paced

    @property
    def kept(self) -> KeptSession | None:
        """What to keep for a car that comes back; None: nothing (any more)."""
        return self._kept

    @property
    def session(self) -> Any:
        """What is agreed so far, in the protocol's own form; None before a protocol is."""
        return self._session

    @property
    def state(self) -> str:
        """What the SECC waits for, in the protocol's word."""
        return "SupportedAppProtocol" if self._session is None else str(self._session.state.value)

    @property
    def evcc_id(self) -> str | None:
        """The car's name, once it said it."""
        return None if self._session is None or not self._session.evcc_id else str(self._session.evcc_id)

    # -- messages -------------------------------------------------------------------------------------------------

    def _take(self, event: FrameReceived, now: Now) -> None:
        self._asked_s = now.monotonic_s
        grammar = self._grammar(event.payload_type)
        if grammar is None:
            # an unknown payload type is ignored; the sequence timer goes on
            self._note(now, "<", f"payload type {event.payload_type:#06x} ignored")
            self._keep_frame(
                now, "<", event.payload_type, event.payload, None, "ignored: not a payload type of a request"
            )
            return
        try:
            request = decode(grammar, event.payload, zeros_may_follow=True)
        except ExiError as error:
            self._note(now, "!", "undecodable", str(error))
            self._keep_frame(now, "<", event.payload_type, event.payload, None, f"undecodable: {error}")
            self._take_undecodable(event, error, now)
            return
        self._keep_frame(now, "<", event.payload_type, event.payload, request)
        if isinstance(request, supportedAppProtocolReq):
            self._note(now, "<", type(request).__name__)
            self._negotiate(request, now)
        else:
            self._take_request(request, event, now)

    def _grammar(self, payload_type: int) -> str | None:
        if self._protocol is None:
            return NS_SAP if payload_type == PayloadType.EXI_SAP else None
        return self._protocol.grammars.get(payload_type)

    def _take_undecodable(self, event: FrameReceived, error: ExiError, now: Now) -> None:
        """A message under the payload type of another one is answered by its own response; else there is nothing to answer."""
        envelope = None if self._protocol is None else self._under_another_type(self._protocol, event.payload)
        row = None if envelope is None or self._protocol is None else self._protocol.rows.get(type(envelope.body))
        if row is None or envelope is None or self._protocol is None or self._session is None:
            self._end(SessionEnd.PROTOCOL_ERROR, f"undecodable EXI ({len(event.payload)} bytes): {error}")
            return
        why = _misplaced(type(envelope.body).__name__, event)
        self._refuse(row, envelope, Refusal(self._protocol.sequence_error, why), now)

    def _under_another_type(self, protocol: CarProtocol, payload: bytes) -> OpenedRequest | None:
        for grammar in dict.fromkeys(protocol.grammars.values()):
            try:
                return protocol.open(decode(grammar, payload, zeros_may_follow=True))
            except ExiError:
                continue
        return None

    def _negotiate(self, request: supportedAppProtocolReq, now: Now) -> None:
        if self._protocol is not None:
            self._end(SessionEnd.PROTOCOL_ERROR, "supportedAppProtocolReq after the protocol was agreed")
            return
        response, protocol = negotiate(request, self._spoken)
        self._send(PayloadType.EXI_SAP, response, type(response).__name__, "", now)
        if protocol is None:
            versions = ((p.ProtocolNamespace, p.VersionNumberMajor, p.VersionNumberMinor) for p in request.AppProtocol)
            offered = ", ".join(f"{namespace} {major}.{minor}" for namespace, major, minor in versions)[:200]
            ours = ", ".join(f"{p.namespace} {p.version[0]}.{p.version[1]}" for p in self._spoken) or "none"
            text = f"no common protocol; the car offers {offered!r}, this outlet speaks {ours}"
            self._end(SessionEnd.PROTOCOL_ERROR, f"{text}; {self._unspoken}" if self._unspoken else text)
            return
        self._protocol, self._session = protocol, protocol.new_session()
        self._events.append(CarConnected(self._evse_id, protocol.name, self._peer.tls, self._peer.address))

    def _take_request(self, message: Any, event: FrameReceived, now: Now) -> None:
        protocol, raw = self._agreed, event.payload
        envelope = protocol.open(message)
        name = type(message if envelope is None else envelope.body).__name__
        self._note(now, "<", name)
        row = None if envelope is None else protocol.rows.get(type(envelope.body))
        if envelope is None or row is None:
            self._end(SessionEnd.PROTOCOL_ERROR, f"{name} in state {self.state} has no place in this protocol")
        elif not protocol.carries(event.payload_type, row):
            self._refuse(row, envelope, Refusal(protocol.sequence_error, _misplaced(name, event)), now)
        elif not self._may_come(row) or self._is_too_early(row):
            self._refuse(row, envelope, Refusal(protocol.sequence_error), now)
        elif protocol.needs_session_id(self._session) and not protocol.is_session_id(
            envelope.session_id, self._session
        ):
            self._refuse(row, envelope, Refusal(protocol.unknown_session), now)
        else:
            if not row.side_stream:
                self._deadline_s = None
                self._leave_unanswered(name)
            at = self._situation(now, raw, envelope)
            self._conclude(row, envelope, raw, row.respond(envelope.body, self._session, at), at)

    def _may_come(self, row: Row) -> bool:
        return self._session.state in row.moves and row.applies(self._session)

    def _is_too_early(self, row: Row) -> bool:
        """Another answer is held, and this request neither runs beside it nor takes its place."""
        held = self._held
        return held is not None and not row.side_stream and (held.row is row or not row.supersedes)

    def _leave_unanswered(self, name: str) -> None:
        """The request whose answer is held was superseded: a car that ends its session waits for one answer alone."""
        held, self._held = self._held, None
        if held is not None:
            before = type(held.envelope.body).__name__
            self._events.append(CarRemark(self._evse_id, f"{before} is left unanswered: {name} came meanwhile"))

    def _conclude(self, row: Row, envelope: OpenedRequest, raw: bytes, reply: Reply[Any], at: Situation) -> None:
        match reply:
            case Answer(response, session, ask):
                if not row.side_stream:
                    self._held = None
                before, self._session = self._session, session
                self._respond(row, response, at)
                self._ask(ask, at)
                if not row.side_stream:
                    self._arm(row, at)
                self._events += row.learned(envelope.body, before, session, at)
                self._publish(at)
                if self._agreed.ended(session):
                    self._end_in_order(envelope.body, at)
            case Later(session, ask, hold_s):
                if self._held is None:
                    self._held = _Held(row, envelope, raw, at.now.monotonic_s + hold_s)
                before, self._session = self._session, session
                if session != before:
                    self._publish(at)
                self._ask(ask, at)  # a question about a schedule is asked with the limits that its message brought
            case Refusal():
                if not row.side_stream:
                    self._held = None
                self._refuse(row, envelope, reply, at.now)

    def _retry(self, now: Now) -> None:
        held = self._held
        if held is None or self._ended:
            return
        at = self._situation(now, held.raw, held.envelope, time_is_up=now.monotonic_s >= held.until_s)
        self._conclude(held.row, held.envelope, held.raw, held.row.respond(held.envelope.body, self._session, at), at)

    def _refuse(self, row: Row, envelope: OpenedRequest, refused: Refusal, now: Now) -> None:
        """The request's own response with the code. A code that ends the session ends the connection."""
        protocol, at = self._agreed, self._situation(now)
        state = self.state
        response = row.refuse(envelope.body, refused.code, self._session, at)
        self._respond(row, response, at)
        code = protocol.code_of(response)
        text = f"{type(envelope.body).__name__} in state {state} answered {code}"
        if refused.why:
            text += f": {refused.why}"
        if refused.over:
            self._kept = None
            self._finish(replace(protocol.ending(envelope.body, self._evse_id), detail=text))
            return
        if protocol.ends(refused.code):
            self._end(SessionEnd.STOPPED_BY_STATION if refused.ours else SessionEnd.PROTOCOL_ERROR, text)
            return
        self._corrections += 1
        if self._corrections > CORRECTIONS_MAX:
            self._end(SessionEnd.PROTOCOL_ERROR, f"{text}; more than {CORRECTIONS_MAX} requests were refused")
            return
        self._events.append(CarRemark(self._evse_id, text))
        self._arm(row, at)

    # -- what follows ------------------------------------------------------------------------------------------------

    def _publish(self, at: Situation) -> None:
        """What the car asks now, and what is kept of its session."""
        demand = self._agreed.demand(self._session, at)
        if demand is not None:
            self._events.append(CarDemandChanged(demand))
        remembered = self._agreed.remembered(self._session)
        if self._kept is None or remembered != self._kept_from:
            self._kept_from, self._kept = remembered, self._agreed.keep(remembered, at, paused=False)

    def _ask(self, question: Any, at: Situation) -> None:
        if question is not None and (asked := self._questions.ask(question, at.now.monotonic_s)) is not None:
            self._events.append(asked)

    def _arm(self, row: Row, at: Situation) -> None:
        silence = row.silence(self._session)
        self._deadline_s, self._deadline_name = at.now.monotonic_s + self._seconds(silence), silence.value

    def _seconds(self, silence: Silence) -> float:
        match silence:
            case Silence.SEQUENCE:
                return V2G_SECC_SEQUENCE_TIMEOUT_S
            case Silence.CHARGE_LOOP:
                return self._settings.charge_loop_timeout_s
            case Silence.ON_VOLTAGE:
                return self._settings.on_voltage_timeout_s

    def _situation(
        self, now: Now, raw: bytes = b"", envelope: OpenedRequest | None = None, *, time_is_up: bool = False
    ) -> Situation:
        return Situation(
            settings=self._settings,
            view=self._view,
            now=now,
            peer=self._peer,
            random_bytes=self._random_bytes,
            kept=self._kept,
            session_id=b"" if envelope is None else envelope.session_id,
            signature=None if envelope is None else envelope.signature,
            raw=raw,
            time_is_up=time_is_up,
            inquiries=self._questions.all,
        )

    @property
    def _agreed(self) -> CarProtocol:
        assert self._protocol is not None
        return self._protocol

    # -- out -----------------------------------------------------------------------------------------------------------

    def _respond(self, row: Row, body: Any, at: Situation) -> None:
        code = self._agreed.code_of(body)
        note = "" if code == "OK" else code
        if isinstance(body, bytes):  # relayed as another party encoded it
            self._send_bytes(row.payload_type, body, row.request.__name__.removesuffix("Req") + "Res", note, at.now)
            return
        message = self._agreed.close(body, self._session, at)
        self._send(row.payload_type, message, type(body).__name__, note, at.now)

    def _send(self, payload_type: PayloadType, message: Any, name: str, note: str, now: Now) -> None:
        self._send_bytes(payload_type, encode(message), name, note, now, message)

    def _send_bytes(
        self, payload_type: PayloadType, payload: bytes, name: str, note: str, now: Now, message: Any = None
    ) -> None:
        leaves_s = now.monotonic_s
        if self._protocol is not None and self._protocol.paced:
            leaves_s = max(leaves_s, self._asked_s + self._settings.least_answer_time_s)
        if self._paced or leaves_s > now.monotonic_s:
            self._paced.append((leaves_s, frame(payload_type, payload)))
        else:
            self._out += frame(payload_type, payload)
        self._note(now, ">", name, note)
        # a message shows its code itself: its note would make an ordinary answer look odd in the wire trace
        self._keep_frame(now, ">", payload_type, payload, message, note if message is None else "")

    def _release(self, now: Now) -> None:
        """Paced frames whose time has come."""
        while self._paced and self._paced[0][0] <= now.monotonic_s:
            self._out += self._paced.pop(0)[1]

    def _note(self, now: Now, direction: str, name: str, note: str = "") -> None:
        self.trace.append(Exchanged(now.monotonic_s, direction, name, note))
        del self.trace[:-TRACE_DEPTH]

    def _keep_frame(
        self, now: Now, direction: str, payload_type: int, payload: bytes, message: Any, note: str = ""
    ) -> None:
        if self._frames is not None and len(self._frames) < FRAMES_KEPT_MAX:
            self._frames.append(ExchangedFrame(now.monotonic_s, direction, payload_type, payload, message, note))

    # -- the end -------------------------------------------------------------------------------------------------------

    def _end_in_order(self, request: Any, at: Situation) -> None:
        """The car ended its session, for good or for a pause."""
        protocol = self._agreed
        ending = protocol.ending(request, self._evse_id)
        self._kept = None
        if ending.end is SessionEnd.PAUSED:
            self._kept = protocol.keep(protocol.remembered(self._session), at, paused=True)
        self._finish(replace(ending, resumable=self._kept is not None))

    def _end(self, end: SessionEnd, detail: str) -> None:
        """A car that was lost may come back to what is kept; every other end of this kind discards it."""
        if self._ended:
            return
        if end not in (SessionEnd.CONNECTION_LOST, SessionEnd.TIMEOUT):
            self._kept = None
        if end is SessionEnd.CONNECTION_LOST:
            self._paced.clear()
        self._finish(CarSessionEnded(self._evse_id, end, detail, resumable=self._kept is not None))

    def _finish(self, event: CarSessionEnded) -> None:
        self._ended, self._held, self._deadline_s = True, None, None
        self._events.append(event)


def _misplaced(name: str, event: FrameReceived) -> str:
    return f"{name} came under payload type {event.payload_type:#06x}"
