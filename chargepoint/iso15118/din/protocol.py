"""DIN 70121 as the conversation needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.protocol import OpenedRequest
from chargepoint.iso15118.conversation.row import Row
from chargepoint.iso15118.conversation.session_id import same_by_value
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.din import session_stop
from chargepoint.iso15118.din.offers import discharges
from chargepoint.iso15118.din.rows import ROWS
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.exi.codec import NS_DIN
from chargepoint.iso15118.messages.din70121 import Body, MessageHeader, ResponseCode, V2G_Message
from chargepoint.iso15118.steps.car_demand import car_demand
from chargepoint.iso15118.steps.tolerated_discharge import with_discharge
from chargepoint.iso15118.v2gtp import PayloadType
from chargepoint.model.car import CarDemand, CarSessionEnded, ControlMode, EnergyService
from chargepoint.model.ids import EvseId

_GRAMMARS: Mapping[int, str] = MappingProxyType({PayloadType.EXI_SAP: NS_DIN})


@dataclass(frozen=True, slots=True)
class Din:
    """The one protocol of DIN 70121: direct current, external payment."""

    name: str = "DIN 70121"
    namespace: str = NS_DIN
    grammars: Mapping[int, str] = field(default_factory=lambda: _GRAMMARS)
    version: tuple[int, int] = (2, 0)
    rows: Mapping[type, Row] = field(default_factory=lambda: ROWS)
    sequence_error: ResponseCode = ResponseCode.FAILED_SequenceError
    unknown_session: ResponseCode = ResponseCode.FAILED_UnknownSession
    paced: bool = True

    def carries(self, payload_type: int, row: Row) -> bool:
        """All messages have one type."""
        return payload_type == row.payload_type

    def new_session(self) -> DinSession:
        """The session before SessionSetupReq."""
        return DinSession()

    def ended(self, session: DinSession) -> bool:
        """After SessionStop."""
        return session.state is DinState.ENDED

    def needs_session_id(self, session: DinSession) -> bool:
        """Every request but SessionSetupReq (V2G-DC-391)."""
        return session.state is not DinState.SESSION_SETUP

    def is_session_id(self, session_id: bytes, session: DinSession) -> bool:
        """By value."""
        return same_by_value(session_id, session.session_id)

    def open(self, message: Any) -> OpenedRequest | None:
        """The body of a V2G_Message. DIN has no signatures."""
        if not isinstance(message, V2G_Message) or message.Body.BodyElement is None:
            return None
        return OpenedRequest(message.Header.SessionID, message.Body.BodyElement)

    def close(self, body: Any, session: DinSession, _at: Situation) -> V2G_Message:
        """In a V2G_Message with the session's id."""
        return V2G_Message(Header=MessageHeader(SessionID=session.session_id), Body=Body(BodyElement=body))

    def code_of(self, body: Any) -> str:
        """Every response has one."""
        return str(body.ResponseCode.value)

    def ends(self, code: ResponseCode) -> bool:
        """Each FAILED code ends the session: the car has no other way on (V2G-DC-390, 665)."""
        return code.value.startswith("FAILED")

    def ending(self, _request: Any, evse_id: EvseId) -> CarSessionEnded:
        """See `session_stop.ending`."""
        return session_stop.ending(evse_id)

    def demand(self, session: DinSession, at: Situation) -> CarDemand | None:
        """From ChargeParameterDiscovery on. A car of DIN names its own current, as a car in Scheduled mode does."""
        if session.limits is None:
            return None
        demand = car_demand(
            session.transfer,
            at,
            service=EnergyService.DC,
            control_mode=ControlMode.SCHEDULED,
            limits=session.limits,
            energy=session.energy,
            display=session.display,
            looping=session.state is DinState.CURRENT_DEMAND,
        )
        return with_discharge(demand) if discharges(at.settings) else demand

    def remembered(self, _session: DinSession) -> None:
        """Nothing: DIN knows no pause."""

    def keep(self, _remembered: None, _at: Situation, *, paused: bool) -> KeptSession | None:
        """Nothing."""
        del paused
        return None


DIN = Din()


def served(settings: SeccSettings) -> tuple[Din, ...]:
    """At an outlet of direct current; never at AC, where a car of DIN only fails (docs/sources/iso15118-2-din.md 3)."""
    dc = EnergyService.DC in settings.services or EnergyService.DC_BPT in settings.services
    return (DIN,) if dc and not settings.is_ac else ()
