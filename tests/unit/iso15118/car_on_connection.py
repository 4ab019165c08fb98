"""A car on one connection, of any protocol: bytes in and out of the conversation, time as a number, the station as a view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from chargepoint.iso15118.conversation.conversation import Conversation
from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.protocol import CarProtocol
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.iso15118.exi.codec import NS_SAP, decode, encode
from chargepoint.iso15118.messages.app_protocol import AppProtocol, supportedAppProtocolReq
from chargepoint.iso15118.messages.xmldsig import Signature
from chargepoint.iso15118.v2gtp import FrameReceived, Framing, PayloadType, frame
from chargepoint.model.car import CarDemand, CarDemandChanged, QuestionAsked
from chargepoint.model.car_questions import ForeseePower, PowerForeseen, PowerPiece, PricePiece
from chargepoint.model.ids import TransactionId
from chargepoint.model.image import ControlPilot, MeterRegisters, StageCapabilities
from chargepoint.model.limits import Interval
from chargepoint.model.station_view import StationView, Wish, WishForCar

SESSION_ID = bytes.fromhex("0102030405060708")
UTC_S = 1_800_000_000
CAPABILITIES = StageCapabilities(
    voltage_min_V=150.0,
    voltage_max_V=1000.0,
    charge_current_max_A=32.0,
    discharge_current_max_A=30.0,
    charge_power_max_W=22_000.0,
    discharge_power_max_W=20_000.0,
)
READY = StationView(
    authorized=True,
    may_energise=True,
    transaction_id=TransactionId("tx-1"),
    pilot=ControlPilot.C,
    permitted=True,
    voltage_V=1.0,
    current_A=0.0,
    capabilities=CAPABILITIES,
    limits_W=Interval(-20_000.0, 22_000.0),
    meter=MeterRegisters(5000.4, 700.6, 400.0, 10.0, 4000.0, 0.0),
)


class CarOnConnection:
    """One car on one connection. `ask` sends a request and gives its one response."""

    def __init__(
        self,
        settings: SeccSettings,
        spoken: Sequence[CarProtocol],
        peer: Peer,
        random_bytes: Callable[[int], bytes],
        kept: KeptSession | None = None,
    ) -> None:
        self.t = 1000.0
        self.settings = settings
        self.peer = peer
        self.secc = Conversation(settings, spoken, peer, random_bytes, self.now, kept=kept)
        self.inputs = READY
        self.foreseen: tuple[PowerPiece, ...] | None = None
        """What the station answers when it is asked for its forecast; None: its capabilities, for ever."""
        self.capabilities = CAPABILITIES
        self.prices: tuple[PricePiece, ...] = ()
        """And what it says of prices."""
        self.answers_questions = True
        self.session_id = bytes(8)
        self.events: list[Any] = []
        self._framing = Framing()
        self.secc.update(self.inputs, self.now)

    @property
    def now(self) -> Now:
        return Now(self.t, UTC_S + int(self.t))

    def grammar_of(self, payload_type: int) -> str:
        """The namespace by which an answer under this payload type is read; each protocol says which."""
        raise AssertionError(f"no grammar for {payload_type}")

    def frame_of(self, message: Any) -> bytes:
        """The message as it goes over the wire; each protocol says how."""
        raise AssertionError(f"no protocol for {message}")

    def send_bytes(self, data: bytes) -> list[Any]:
        self.secc.receive(data, self.now)
        return self.answers()

    def ask(self, message: Any) -> Any:
        answers = self.send_bytes(self.frame_of(message)) or self.await_answer(2.0)
        assert len(answers) == 1, f"{type(message).__name__} answered with {answers}"
        return answers[0]

    def answers(self) -> list[Any]:
        self._take_events()
        found = []
        for event in self._framing.receive(self.secc.to_send()):
            assert isinstance(event, FrameReceived)
            found.append(decode(self.grammar_of(event.payload_type), event.payload))
        return found

    def _take_events(self) -> None:
        events = self.secc.events()
        self.events += events
        for event in events:
            if isinstance(event, QuestionAsked) and self.answers_questions:
                self.answer(event)
                self._take_events()

    def answer(self, asked: QuestionAsked) -> None:
        """The station's answer to a question."""
        match asked.question:
            case ForeseePower(_, horizon_s, _):
                can = self.capabilities
                whole = (PowerPiece(horizon_s, can.charge_power_max_W, can.discharge_power_max_W),)
                self.secc.answer(asked.number, PowerForeseen(self.foreseen or whole, self.prices), self.now)

    def wish(self, wish: Wish | None, delay_s: float = 0.0) -> list[Any]:
        """The station asks the car for something."""
        return self.see(wish=None if wish is None else WishForCar(wish, self.t + delay_s))

    def see(self, **changes: Any) -> list[Any]:
        """The inputs change; what is answered because of it."""
        self.inputs = replace(self.inputs, **changes)
        self.secc.update(self.inputs, self.now)
        return self.answers()

    def wait(self, seconds: float) -> list[Any]:
        """Time passes, as a shell would let it: tick at each deadline, then at the end."""
        end_s, found = self.t + seconds, []
        while (due_s := self.secc.deadline_s) is not None and due_s <= end_s:
            self.t = max(self.t, due_s)
            self.secc.tick(self.now)
            found += self.answers()
        self.t = end_s
        self.secc.tick(self.now)
        return found + self.answers()

    def learned(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def demands(self) -> list[CarDemand]:
        return [event.demand for event in self.learned(CarDemandChanged)]

    def await_answer(self, patience_s: float) -> list[Any]:
        """Time passes until an answer comes."""
        until_s = self.t + patience_s
        while self.t < until_s:
            if found := self.wait(0.05):
                return found
        return []


class CarWithBodies(CarOnConnection):
    """A car of DIN or -2: a message is a body in a V2G_Message with the session's id. `words`: the protocol's messages.

    `ask` sends the body of a request and gives the body of its response.
    """

    words: Any
    namespace: str
    patience_s = 2.0

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.agreed = False
        self.session_id = b"\0"
        self.heard_id = b""
        """The session's id in the last response."""

    def grammar_of(self, payload_type: int) -> str:
        assert payload_type == PayloadType.EXI_SAP
        return self.namespace if self.agreed else NS_SAP

    def message(self, body: Any, session_id: bytes | None = None, signature: Signature | None = None) -> Any:
        own = self.session_id if session_id is None else session_id
        header = self.words.MessageHeader(SessionID=own, Signature=signature)
        return self.words.V2G_Message(Header=header, Body=self.words.Body(BodyElement=body))

    def frame_of(self, message: Any, session_id: bytes | None = None, signature: Signature | None = None) -> bytes:
        if not isinstance(message, supportedAppProtocolReq):
            message = self.message(message, session_id, signature)
        return frame(PayloadType.EXI_SAP, encode(message))

    def answers(self) -> list[Any]:
        found = []
        for message in super().answers():
            if isinstance(message, self.words.V2G_Message):
                self.heard_id = message.Header.SessionID
                found.append(message.Body.BodyElement)
            else:
                found.append(message)
        return found

    def send(self, body: Any, session_id: bytes | None = None, signature: Signature | None = None) -> list[Any]:
        return self.send_bytes(self.frame_of(body, session_id, signature))

    def ask(self, message: Any, session_id: bytes | None = None, signature: Signature | None = None) -> Any:
        answers = self.send(message, session_id, signature) or self.await_answer(self.patience_s)
        assert len(answers) == 1, f"{type(message).__name__} answered with {answers}"
        return answers[0]

    def offer(self, *offered: tuple[str, int, int]) -> supportedAppProtocolReq:
        """Namespace, SchemaID and priority of each protocol."""
        return supportedAppProtocolReq(
            AppProtocol=tuple(
                AppProtocol(
                    ProtocolNamespace=namespace,
                    VersionNumberMajor=2,
                    VersionNumberMinor=0,
                    SchemaID=schema,
                    Priority=priority,
                )
                for namespace, schema, priority in (offered or ((self.namespace, 1, 1),))
            )
        )

    def agree(self) -> Any:
        """The protocol; its response."""
        answer = self.ask(self.offer())
        self.agreed = True
        return answer
