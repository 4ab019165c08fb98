"""The SECC of one connection: bytes in, bytes and events out, time as a number. No socket, no clock, no random number.

Frames are decoded, held against the order of messages, answered by the message's own `respond`, encoded. A peer's bytes
never raise: what cannot be understood is answered as the protocol says, and the connection ends with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chargepoint.iso15118.exi.codec import NS_CM, NS_DC, NS_SAP, ExiError, decode, encode
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.app_protocol import supportedAppProtocolReq
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.secc import (
    authorization,
    dc_cable_check,
    dc_charge_loop,
    dc_charge_parameter_discovery,
    dc_pre_charge,
    ending,
    power_delivery,
    schedule_exchange,
    service_negotiation,
    session_setup,
)
from chargepoint.iso15118.secc.answer import Answer, Later
from chargepoint.iso15118.secc.app_protocol import negotiate
from chargepoint.iso15118.secc.refusal import refuse
from chargepoint.iso15118.secc.session import Now, SeccSettings, Session
from chargepoint.iso15118.secc.state import State, allowed
from chargepoint.iso15118.secc.timeouts import (
    V2G_EVCC_MSG_TIMEOUT_LONGEST_S,
    V2G_SECC_COMMUNICATION_SETUP_TIMEOUT_S,
    V2G_SECC_POWER_DELIVERY_PERFORMANCE_S,
    V2G_SECC_SEQUENCE_TIMEOUT_S,
)
from chargepoint.iso15118.v2gtp import FrameReceived, Framing, FramingFailed, PayloadType, frame
from chargepoint.model.car import (
    AuthorizationWanted,
    CarConnected,
    CarDemand,
    CarDemandChanged,
    CarEvent,
    CarIdentified,
    CarSessionEnded,
    SeccInputs,
    ServiceSelected,
    SessionEnd,
)
from chargepoint.model.ids import EvseId

_NAMESPACES = {PayloadType.EXI_SAP: NS_SAP, PayloadType.MAINSTREAM: NS_CM, PayloadType.DC_MAINSTREAM: NS_DC}
_ACCEPTED_LATE_TYPES = {PayloadType.EXI_SAP: NS_CM}
"""After negotiation a known car still sends one request under 0x8001 (docs/sources/iso15118.md 1): read as -20."""

_OUR_FAULT = (ResponseCode.FAILED, ResponseCode.FAILED_ContactorError, ResponseCode.FAILED_PowerDeliveryNotApplied)
"""Codes that concern the station, not the car's message."""

TRACE_DEPTH = 40

FRAMES_AT_ONCE_MAX = 32
"""A car waits for each answer; one that sends more requests than this in one breath does not listen."""


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One message as the trace keeps it."""

    at_s: float
    direction: str
    name: str
    note: str = ""


class Secc:
    """One connection of one car."""

    def __init__(self, settings: SeccSettings, fresh_session_id: bytes, peer: str, tls: str | None, now: Now) -> None:
        self._settings = settings
        self._evse_id = EvseId(settings.evse_id)
        self._fresh_session_id = fresh_session_id
        self._peer, self._tls = peer, tls
        self._heard_s = now.monotonic_s
        self._framing = Framing()
        self._session = Session()
        self._inputs = SeccInputs()
        self._negotiated = False
        self._waiting: tuple[Any, float] | None = None
        self._deadline_s: float | None = now.monotonic_s + V2G_SECC_COMMUNICATION_SETUP_TIMEOUT_S
        self._deadline_name = "V2G_SECC_CommunicationSetup_Timeout"
        self._out = bytearray()
        self._events: list[CarEvent] = []
        self._ended = False
        self.trace: list[Exchanged] = []

    # -- the core's shape -----------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: Now) -> None:
        """Bytes from the car."""
        self._heard_s = now.monotonic_s
        for count, event in enumerate(self._framing.receive(data), 1):
            if self._ended:
                return
            if count > FRAMES_AT_ONCE_MAX:
                self._end(
                    SessionEnd.PROTOCOL_ERROR, f"more than {FRAMES_AT_ONCE_MAX} requests without awaiting answers"
                )
                return
            match event:
                case FramingFailed(reason):
                    self._end(SessionEnd.PROTOCOL_ERROR, reason)
                case FrameReceived():
                    self._take(event, now)

    def update(self, inputs: SeccInputs, now: Now) -> None:
        """A new process image or arbiter result: may release a held answer."""
        self._inputs = inputs
        self._retry(now)

    def tick(self, now: Now) -> None:
        """Time passed: held answers and timeouts."""
        self._retry(now)
        if self._deadline_s is not None and now.monotonic_s >= self._deadline_s and not self._ended:
            self._end(SessionEnd.TIMEOUT, f"{self._deadline_name} expired in state {self._session.state.value}")

    def given_up(self, peer: str, now: Now) -> bool:
        """Whether a new connection from `peer` shows that the car let go of this one without a packet saying so.

        A car has one session at a time. A car that sends nothing for a message time-out does not wait for an answer either.
        This is a rule of the project: the standard knows only V2G_SECC_Sequence_Timeout, 60 s in which the car could not return.
        """
        return peer == self._peer and now.monotonic_s - self._heard_s >= V2G_EVCC_MSG_TIMEOUT_LONGEST_S

    def peer_gone(self, detail: str) -> None:
        """The transport ended."""
        self._end(SessionEnd.CONNECTION_LOST, detail)

    def to_send(self) -> bytes:
        """Bytes for the car, taken away."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def events(self) -> list[CarEvent]:
        """What the rest of the station learns, taken away."""
        events, self._events = self._events, []
        return events

    @property
    def deadline_s(self) -> float | None:
        """When `tick` is due at the latest."""
        held = None if self._waiting is None else self._waiting[1]
        due = [d for d in (self._deadline_s, held) if d is not None]
        return min(due) if due else None

    @property
    def ended(self) -> bool:
        """Nothing more will be sent after `to_send`: close."""
        return self._ended

    @property
    def session(self) -> Session:
        """What is agreed so far."""
        return self._session

    # -- messages -------------------------------------------------------------------------------------------------

    def _take(self, event: FrameReceived, now: Now) -> None:
        namespace = self._namespace(event.payload_type)
        if namespace is None:
            # an unknown payload type is ignored; the sequence timer goes on
            self._note(now, "<", f"payload type {event.payload_type:#06x} ignored")
            return
        try:
            request = decode(namespace, event.payload)
        except ExiError as error:
            self._note(now, "!", "undecodable", str(error))
            self._end(SessionEnd.PROTOCOL_ERROR, f"undecodable EXI ({len(event.payload)} bytes): {error}")
            return
        self._note(now, "<", type(request).__name__)
        if isinstance(request, supportedAppProtocolReq):
            self._negotiate(request, now)
        else:
            self._answer(request, now)

    def _namespace(self, payload_type: int) -> str | None:
        try:
            kind = PayloadType(payload_type)
        except ValueError:
            return None
        if self._negotiated and kind in _ACCEPTED_LATE_TYPES:
            return _ACCEPTED_LATE_TYPES[kind]
        if not self._negotiated and kind is not PayloadType.EXI_SAP:
            return None
        return _NAMESPACES.get(kind)

    def _negotiate(self, request: supportedAppProtocolReq, now: Now) -> None:
        response, protocol = negotiate(request)
        self._send(PayloadType.EXI_SAP, response, now)
        if protocol is None:
            offered = ", ".join(p.ProtocolNamespace for p in request.AppProtocol)[:200]
            self._end(SessionEnd.PROTOCOL_ERROR, f"no common protocol; the car offers {offered}")
            return
        self._negotiated = True
        self._events.append(CarConnected(self._evse_id, protocol.name, self._tls, self._peer))

    def _answer(self, request: Any, now: Now) -> None:
        if self._waiting is not None:
            self._refuse(request, ResponseCode.FAILED_SequenceError, now)
            return
        header = getattr(request, "Header", None)
        if header is None or not allowed(self._session.state, type(request)):
            self._refuse(request, ResponseCode.FAILED_SequenceError, now)
        elif self._session.state is not State.SESSION_SETUP and header.SessionID != self._session.session_id:
            self._refuse(request, ResponseCode.FAILED_UnknownSession, now)
        else:
            self._deadline_s = None
            self._conclude(request, self._respond(request, now, time_is_up=False), now)

    def _respond(self, request: Any, now: Now, *, time_is_up: bool) -> Answer | Later | ResponseCode | None:
        session, settings, inputs = self._session, self._settings, self._inputs
        match request:
            case cm.SessionSetupReq():
                return session_setup.respond(request, session, settings, self._fresh_session_id, now)
            case cm.AuthorizationSetupReq():
                return authorization.respond_setup(request, session, now)
            case cm.AuthorizationReq():
                return authorization.respond(request, session, inputs, now)
            case cm.ServiceDiscoveryReq():
                return service_negotiation.respond_discovery(request, session, settings, now)
            case cm.ServiceDetailReq():
                answer = service_negotiation.respond_detail(request, session, settings, now)
                return ResponseCode.FAILED_ServiceIDInvalid if answer is None else answer
            case cm.ServiceSelectionReq():
                return service_negotiation.respond_selection(request, session, settings, now)
            case dc.DC_ChargeParameterDiscoveryReq():
                return dc_charge_parameter_discovery.respond(request, session, inputs, now)
            case cm.ScheduleExchangeReq():
                return schedule_exchange.respond(request, session, inputs, now)
            case dc.DC_CableCheckReq():
                return dc_cable_check.respond(request, session, inputs, now)
            case dc.DC_PreChargeReq():
                return dc_pre_charge.respond(request, session, inputs, now)
            case cm.PowerDeliveryReq():
                return power_delivery.respond(request, session, inputs, now, time_is_up=time_is_up)
            case dc.DC_ChargeLoopReq():
                return dc_charge_loop.respond(request, session, inputs, now)
            case dc.DC_WeldingDetectionReq():
                return ending.respond_welding(request, session, inputs, now)
            case cm.SessionStopReq():
                return ending.respond_stop(request, session, now)
        return None

    def _conclude(self, request: Any, reply: Answer | Later | ResponseCode | None, now: Now) -> None:
        match reply:
            case Answer(response, session):
                self._waiting = None
                before, self._session = self._session, session
                self._send(_payload_type(response), response, now)
                self._arm(now)
                self._tell(request, before, now)
                if session.state is State.ENDED:
                    self._end(SessionEnd.TERMINATED, ending.why_stopped(request))
            case Later(session):
                if self._waiting is None:
                    self._waiting = (request, now.monotonic_s + V2G_SECC_POWER_DELIVERY_PERFORMANCE_S)
                before, self._session = self._session, session
                if session.phase is not before.phase:
                    self._tell(request, before, now)
            case ResponseCode():
                self._waiting = None
                self._refuse(request, reply, now)
            case None:
                self._refuse(request, ResponseCode.FAILED_SequenceError, now)

    def _retry(self, now: Now) -> None:
        if self._waiting is None or self._ended:
            return
        request, until_s = self._waiting
        reply = self._respond(request, now, time_is_up=now.monotonic_s >= until_s)
        self._conclude(request, reply, now)

    def _refuse(self, request: Any, code: ResponseCode, now: Now) -> None:
        """The request's own response with the code, then the end of the connection (a FAILED code ends a session)."""
        name = type(request).__name__
        state = self._session.state.value
        response = refuse(request, code, self._session.header(now), self._settings, self._inputs)
        if response is not None:
            self._send(_payload_type(response), response, now)
        end = SessionEnd.STOPPED_BY_STATION if code in _OUR_FAULT else SessionEnd.PROTOCOL_ERROR
        self._end(end, f"{name} in state {state} answered {code.value}")

    def _tell(self, request: Any, before: Session, now: Now) -> None:
        session = self._session
        match request:
            case cm.SessionSetupReq():
                self._events.append(CarIdentified(self._evse_id, session.evcc_id, session.session_id))
            case cm.AuthorizationSetupReq():
                self._events.append(AuthorizationWanted(self._evse_id))
            case cm.ServiceSelectionReq() if session.choice is not None:
                choice = session.choice
                self._events.append(ServiceSelected(self._evse_id, choice.service, choice.control_mode))
        if session.choice is not None and session.limits is not None:
            self._events.append(
                CarDemandChanged(
                    CarDemand(
                        evse_id=self._evse_id,
                        at_s=now.monotonic_s,
                        phase=session.phase,
                        service=session.choice.service,
                        control_mode=session.choice.control_mode,
                        limits=session.limits,
                        energy=session.energy,
                        target_voltage_V=session.target_voltage_V,
                        target_current_A=session.target_current_A,
                        present_voltage_V=session.present_voltage_V,
                    )
                )
            )

    def _arm(self, now: Now) -> None:
        if self._session.state is State.CHARGE_LOOP and self.trace and self.trace[-1].name == "DC_ChargeLoopRes":
            self._deadline_s = now.monotonic_s + self._settings.charge_loop_timeout_s
            self._deadline_name = "V2G_SECC_Sequence_Timeout (charge loop)"
        else:
            self._deadline_s = now.monotonic_s + V2G_SECC_SEQUENCE_TIMEOUT_S
            self._deadline_name = "V2G_SECC_Sequence_Timeout"

    def _send(self, payload_type: PayloadType, response: Any, now: Now) -> None:
        self._out += frame(payload_type, encode(response))
        code = getattr(response, "ResponseCode", None)
        note = "" if code is None or code.value == "OK" else str(code.value)
        self._note(now, ">", type(response).__name__, note)

    def _note(self, now: Now, direction: str, name: str, note: str = "") -> None:
        self.trace.append(Exchanged(now.monotonic_s, direction, name, note))
        del self.trace[:-TRACE_DEPTH]

    def _end(self, end: SessionEnd, detail: str) -> None:
        if self._ended:
            return
        self._ended, self._waiting, self._deadline_s = True, None, None
        self._session = replace(self._session, state=State.ENDED)
        self._events.append(CarSessionEnded(self._evse_id, end, detail))


def _payload_type(response: Any) -> PayloadType:
    return PayloadType.DC_MAINSTREAM if type(response).__module__ == dc.__name__ else PayloadType.MAINSTREAM
