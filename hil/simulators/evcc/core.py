"""The simulated car without I/O: bytes, body readings and time as a number come in; bytes and orders go out.

A session runs along the rows of the car's language (`language.py`). `receive` takes answers, `tick` does what is due. A request is sent by
`tick` alone, so that it is made of a body reading taken just before. Misbehaviours of the plan act where a request leaves.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from chargepoint.iso15118.exi.codec import ExiError, decode, encode
from chargepoint.iso15118.messages.app_protocol import supportedAppProtocolReq
from chargepoint.iso15118.v2gtp import FrameReceived, Framing, FramingFailed, frame
from hil.simulators.evcc.body import NOTHING_MEASURED, Inlet, is_digital
from hil.simulators.evcc.exchange_log import ExchangeLog, LoggedMessage
from hil.simulators.evcc.languages import language_of
from hil.simulators.evcc.memory import Credentials
from hil.simulators.evcc.misbehaviour import CHANGES, Misbehaviour, damaged, damages
from hil.simulators.evcc.orders import (
    CarOrder,
    OrderCharger,
    OrderConnection,
    OrderContactors,
    OrderDisconnection,
    OrderPilot,
)
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.evcc.progress import Progress
from hil.simulators.evcc.row import BEFORE_PATIENCE_S, CarMessageRow
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.evcc.steps import LOOPS, Next, SessionAbandoned, SessionStep

BODY_LOOK_S = 0.02
WAKE_UP_PULSE_S = 0.2
SILENCE_PATIENCE_S = 120.0
"""How long a car that misbehaves by silence waits for the station to close; beyond every timer of the station."""


@dataclass(frozen=True, slots=True)
class AwaitedAnswer:
    """A request that has left, and until when its answer must be there."""

    row: CarMessageRow
    request: Any
    sent_s: float
    until_s: float
    out_of_order: bool = False
    """On purpose: only a FAILED code is right."""


class CarCore:
    """One session, with all its connections. `progress`, `log` and `violations` may be read at any time."""

    def __init__(
        self,
        spec: CarSpec,
        plan: CarPlan,
        now_s: float,
        utc_s: float,
        credentials: Credentials | None = None,
    ) -> None:
        """`now_s` is monotonic; `utc_s` is the same moment as Unix seconds."""
        self._language = language_of(plan)
        self.memory: Any = self._language.new_memory(spec, plan, credentials, now_s, utc_s)
        """What the session knows: a `SessionMemory`, and what its protocol adds to it."""
        self.log = ExchangeLog()
        self._examiner = self._language.new_examiner()
        self._utc_offset_s = utc_s - now_s
        self._framing = Framing()
        self._step = SessionStep.WAIT_PILOT
        self._entered_s = now_s
        self._due_s: float | None = now_s
        self._awaited: AwaitedAnswer | None = None
        self._surplus = 0
        """Answers still to come to requests that were not awaited, on purpose."""
        self._counts: Counter[str] = Counter()
        self._outgoing: list[tuple[float, bytes]] = []
        self._connected = False
        self._pulses = 0
        self._ended = False
        self.memory.mark("wait_pwm")

    # -- what the shell asks ---------------------------------------------------------------------------------------

    @property
    def progress(self) -> Progress:
        """What the session has come to."""
        progress: Progress = self.memory.progress
        return progress

    @property
    def violations(self) -> list[str]:
        """What the station did against the standard, in words; each once."""
        return self._examiner.violations

    @property
    def step(self) -> SessionStep:
        """What the car does now."""
        return self._step

    @property
    def ended(self) -> bool:
        """Nothing more happens; pending orders and bytes may still be there."""
        return self._ended

    @property
    def deadline_s(self) -> float | None:
        """When `tick` or `to_send` is due; None once the session has ended."""
        if self._ended:
            return None
        due = [] if self._due_s is None else [self._due_s]
        due += [at_s for at_s, _ in self._outgoing[:1]]
        if self._awaited is not None:
            due.append(self._awaited.until_s)
        return min(due, default=None)

    def to_send(self, now_s: float) -> bytes:
        """Bytes for the station that are due, taken away."""
        due = [data for at_s, data in self._outgoing if at_s <= now_s]
        self._outgoing = self._outgoing[len(due) :]
        return b"".join(due)

    def orders(self) -> list[CarOrder]:
        """Orders to body and connection, taken away; to be performed before `to_send`'s bytes leave."""
        orders: list[CarOrder] = self.memory.orders
        self.memory.orders = []
        return orders

    # -- what happens to the car -----------------------------------------------------------------------------------

    def measured(self, inlet: Inlet) -> None:
        """A fresh reading of the body."""
        self.memory.inlet = inlet

    def stop(self, now_s: float) -> None:
        """The driver wants to leave: the session ends after its present step."""
        self.memory.stop_wanted = True
        if self._step in (*LOOPS, SessionStep.WAIT_PILOT, SessionStep.AWAY) and self._awaited is None:
            self._due_s = now_s

    def connected(self, tls: str | None, now_s: float) -> None:
        """The connection is there."""
        self._time(now_s)
        self._connected, self._framing = True, Framing()
        self.progress.tls = tls
        self._enter(Next(SessionStep.APP_PROTOCOL), now_s)

    def connection_failed(self, reason: str, now_s: float) -> None:
        """Discovery, TCP or TLS failed."""
        self._time(now_s)
        self._end(reason)

    def connection_lost(self, reason: str, now_s: float) -> None:
        """The station closed the connection, or it broke."""
        self._time(now_s)
        self._connected = False
        if self._ended or self._step in (SessionStep.AWAY, SessionStep.WAIT_PILOT, SessionStep.WAKE_UP):
            return
        self._note("connection closed", reason)
        if self._step is SessionStep.LISTEN:
            self._end(self.memory.ending.error)
        elif self._step is SessionStep.SILENT:
            self._end(f"as planned: {self.memory.ending.error}; the station closed the connection")
        else:
            after = "" if self._awaited is None else f" after {type(self._awaited.request).__name__}"
            self._end(f"connection lost{after}: {reason}" if reason else f"connection lost{after}")

    def receive(self, data: bytes, now_s: float) -> None:
        """Bytes from the station."""
        self._time(now_s)
        for event in self._framing.receive(data):
            if self._ended:
                return
            match event:
                case FramingFailed(reason):
                    self._examiner.found(reason)
                    self._end(reason)
                case FrameReceived(payload_type, payload):
                    self._take(payload_type, payload)

    def tick(self, now_s: float) -> None:
        """Time passed: give up what came too late, do what is due."""
        self._time(now_s)
        if self._ended:
            return
        if (awaited := self._awaited) is not None:
            if now_s >= awaited.until_s:
                name, wait_s = type(awaited.request).__name__, awaited.until_s - awaited.sent_s
                self._examiner.found(f"{name}: no answer within {wait_s:g} s")
                self._end(f"no answer to {name} within {wait_s:g} s")
        elif self._due_s is not None and now_s >= self._due_s:
            self._do()

    # -- steps -----------------------------------------------------------------------------------------------------

    def _time(self, now_s: float) -> None:
        self.memory.now_s = now_s
        self.memory.utc_s = now_s + self._utc_offset_s

    def _enter(self, following: Next, now_s: float) -> None:
        if following.step is not self._step:
            self._entered_s = now_s
        if following.step is SessionStep.AWAY:
            self._leave_station()
        self._step, self._due_s = following.step, now_s + following.after_s

    def _do(self) -> None:
        memory, now_s = self.memory, self.memory.now_s
        match self._step:
            case SessionStep.WAIT_PILOT:
                self._wait_pilot()
            case SessionStep.CONNECT:
                self._due_s = None
                memory.mark("connect")
                memory.orders.append(OrderConnection())
            case SessionStep.AWAY:
                if memory.stop_wanted:
                    self._end(None)
                    return
                self._pulses = 2 * memory.plan.wake_up_pulses
                self._enter(Next(SessionStep.WAKE_UP if self._pulses else SessionStep.WAIT_PILOT), now_s)
            case SessionStep.WAKE_UP:
                memory.orders.append(OrderPilot("B" if self._pulses % 2 else "C"))
                self._pulses -= 1
                again = Next(SessionStep.WAKE_UP, WAKE_UP_PULSE_S)
                self._enter(again if self._pulses else Next(SessionStep.WAIT_PILOT), now_s)
            case SessionStep.SILENT:
                self._end(f"as planned: {memory.ending.error}; the station did not close the connection")
            case SessionStep.LISTEN:
                self._end(memory.ending.error)
            case _:
                self._send_request()

    def _wait_pilot(self) -> None:
        memory, now_s = self.memory, self.memory.now_s
        if is_digital(memory.inlet):
            self._enter(Next(SessionStep.CONNECT), now_s)
        elif memory.stop_wanted or now_s > self._entered_s + memory.spec.ongoing_timeout_s:
            self._end("no 5 % PWM on the pilot")
        else:
            self._due_s = now_s + BODY_LOOK_S

    def _leave_station(self) -> None:
        """Away from the station for a while: contactors open, charger and pilot at rest."""
        memory = self.memory
        memory.inlet = NOTHING_MEASURED  # so that the pilot of before calls nobody
        for order in (OrderContactors(closed=False), OrderPilot("B")):
            memory.orders.append(order)
        if memory.is_ac:
            memory.orders.append(OrderCharger(0.0))
        self._connected, self._awaited, self._outgoing = False, None, []
        memory.mark("away")

    def _send_request(self) -> None:
        memory, now_s = self.memory, self.memory.now_s
        if self._step in LOOPS and memory.stop_wanted:
            self._enter(Next(SessionStep.POWER_STOP), now_s)
        row = self._language.row(memory, self._step)
        if row.before is not None and not row.before(memory):
            if now_s > self._entered_s + BEFORE_PATIENCE_S:
                self._end(row.before_complaint)
            self._due_s = now_s + BODY_LOOK_S
            return
        request = row.request(memory)
        name = type(request).__name__
        self._counts[name] += 1
        memory.sent_s = now_s
        acting = [m for m in memory.plan.misbehaviours if m.hits(name, self._counts[name])]
        message = self._language.enclosed(memory, request)
        payload_type: int = row.payload_type
        out_of_order = False
        if self._step is SessionStep.CERTIFICATE_INSTALLATION:
            payload_type = memory.plan.installation_payload_type
        for misbehaviour in acting:
            if misbehaviour.what in CHANGES:
                message = self._language.changed(message, misbehaviour.what, self._counts[name])
                request = self._language.opened(message)
            elif misbehaviour.what in ("other_request", "late_app_protocol"):
                row = self._language.row_named(memory, str(misbehaviour.value or supportedAppProtocolReq.__name__))
                request, payload_type, out_of_order = self._instead(row), row.payload_type, True
                message = self._language.enclosed(memory, request)
        self._log(">", request, note=", ".join(m.what for m in acting))
        pieces = self._pieces(payload_type, encode(message), acting, self._counts[name])
        if any(m.what in ("silence", "tcp_reset", "fin") for m in acting):
            self._misconduct(next(m for m in acting if m.what in ("silence", "tcp_reset", "fin")), name)
            return
        at_s = now_s
        for delay_s, data in pieces:
            at_s += delay_s
            self._outgoing.append((at_s, data))
        unawaited = next((m for m in acting if m.what == "not_awaiting"), None)
        if unawaited is not None:
            self._surplus += 1
            self._due_s = now_s + unawaited.number(0.001)
        elif any(m.what == "half_frame" for m in acting):
            self._fall_silent(f"half_frame at {name}")
        else:
            self._surplus += sum(1 for m in acting if m.what == "repeated") * (len(pieces) - 1)
            patience_s = row.patience_s(memory.spec)
            self._due_s = None
            self._awaited = AwaitedAnswer(row, request, at_s, at_s + patience_s, out_of_order)

    def _instead(self, row: CarMessageRow) -> Any:
        """Another request, without the orders to the body that come with it."""
        orders = list(self.memory.orders)
        request = row.request(self.memory)
        self.memory.orders = orders
        return request

    def _pieces(
        self, payload_type: int, payload: bytes, acting: list[Misbehaviour], count: int
    ) -> list[tuple[float, bytes]]:
        """What goes on the wire, with delays; the first misbehaviour of bytes acts."""
        for misbehaviour in acting:
            if damages(misbehaviour):
                return damaged(payload_type, payload, misbehaviour, count)
        return [(0.0, frame(payload_type, payload))]

    def _misconduct(self, misbehaviour: Misbehaviour, name: str) -> None:
        if misbehaviour.what == "silence":
            self._fall_silent(f"silence at {name}")
            return
        self.memory.orders.append(OrderDisconnection(reset=misbehaviour.what == "tcp_reset"))
        self._connected = False
        self._end(f"as planned: {misbehaviour.what} at {name}")

    def _fall_silent(self, why: str) -> None:
        self.memory.ending.error = why
        self._enter(Next(SessionStep.SILENT, SILENCE_PATIENCE_S), self.memory.now_s)

    # -- answers ---------------------------------------------------------------------------------------------------

    def _take(self, payload_type: int, payload: bytes) -> None:
        namespace = self._language.grammar(self.memory, payload_type)
        asked = "nothing" if self._awaited is None else type(self._awaited.request).__name__
        if namespace is None:
            self._broken(f"{asked} answered under payload type {payload_type:#06x}")
            return
        try:
            message = decode(namespace, payload)
        except ExiError as error:
            self._broken(f"{asked} answered with what is no message: {error}")
            return
        answer = self._language.opened(message)
        awaited, now_s = self._awaited, self.memory.now_s
        took_s = None if awaited is None else now_s - awaited.sent_s
        self._log("<", answer, took_s)
        if awaited is None:
            self._take_unasked(answer)
            return
        if self._surplus and not isinstance(answer, awaited.row.answer):
            self._take_unasked(answer)
            return
        assert took_s is not None
        self._examiner.answer(awaited.request, message, took_s, payload_type, self.memory, awaited.row)
        if not isinstance(answer, awaited.row.answer):
            self._end(f"{asked} answered with {type(answer).__name__}")
            return
        self._awaited = None
        if code_of(answer).startswith("FAILED"):
            self._end_listening(f"{type(answer).__name__}: {code_of(answer)}")
            return
        if awaited.out_of_order:
            accepted = f"{asked} answered with {code_of(answer)} out of its order"
            self._examiner.found(accepted)
            self._end_listening(accepted)
            return
        self._go_on(awaited.row, answer)

    def _go_on(self, row: CarMessageRow, answer: Any) -> None:
        memory, now_s = self.memory, self.memory.now_s
        try:
            following = row.answered(memory, answer)
        except SessionAbandoned as error:
            self._end_listening(str(error))
            return
        if following.step is SessionStep.LISTEN:
            self._end_listening(None)
            return
        limit_s = None if row.repeats_s is None else row.repeats_s(memory.spec)
        if following.step is self._step and limit_s is not None and now_s > self._entered_s + limit_s:
            self._end(f"{type(answer).__name__} Ongoing for {limit_s:g} s")
            return
        self._enter(following, now_s)

    def _take_unasked(self, answer: Any) -> None:
        """An answer to a request that was not awaited, or to none at all."""
        if self._step is SessionStep.LISTEN:
            self._examiner.found(f"{type(answer).__name__} after the session's last answer")
        elif self._surplus:
            self._surplus -= 1
            if code_of(answer).startswith("FAILED"):
                self._end_listening(f"{type(answer).__name__}: {code_of(answer)}")
        elif self._step is not SessionStep.SILENT:
            self._examiner.found(f"{type(answer).__name__} without a request")

    def _broken(self, what: str) -> None:
        self._note("broken answer", what)
        self._examiner.found(what)
        self._end(what)

    # -- end -------------------------------------------------------------------------------------------------------

    def _end_listening(self, error: str | None) -> None:
        """The last answer is there: end at once, or keep the connection for a while as the plan says."""
        self.memory.ending.error = error
        self._awaited = None
        if self.memory.plan.listens_after_end_s <= 0:
            self._end(error)
            return
        for order in self._rest_orders():
            self.memory.orders.append(order)
        self._enter(Next(SessionStep.LISTEN, self.memory.plan.listens_after_end_s), self.memory.now_s)

    def _rest_orders(self) -> list[CarOrder]:
        charger: list[CarOrder] = [OrderCharger(0.0)] if self.memory.is_ac else []
        return [*charger, OrderContactors(closed=False), OrderPilot("B")]

    def _end(self, error: str | None) -> None:
        """Whatever happened: charger at rest, contactors open, pilot in B, connection closed."""
        self.progress.error = error
        self._ended, self._awaited, self._due_s = True, None, None
        self.memory.orders += self._rest_orders()
        if self._connected:
            self.memory.orders.append(OrderDisconnection())
        if error is not None:
            self._note("ended", error)
        self.memory.mark("ended")

    # -- log -------------------------------------------------------------------------------------------------------

    def _log(self, direction: str, message: Any, took_s: float | None = None, note: str = "") -> None:
        took_ms = None if took_s is None else took_s * 1000.0
        name, code = type(message).__name__, code_of(message)
        self.log.add(LoggedMessage(self.memory.now_s, direction, name, code, took_ms, note, message))

    def _note(self, name: str, note: str) -> None:
        self.log.add(LoggedMessage(self.memory.now_s, "!", name, note=note))


def code_of(message: Any) -> str:
    """The response code of an answer; empty for a request."""
    code = getattr(message, "ResponseCode", None)
    return "" if code is None else str(code.value)
