"""ISO 15118-2 as the conversation needs it."""

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
from chargepoint.iso15118.exi.codec import NS_ISO2
from chargepoint.iso15118.iso2 import memory, session_stop
from chargepoint.iso15118.iso2.offers import discharges
from chargepoint.iso15118.iso2.rows import ROWS
from chargepoint.iso15118.iso2.sae_discharge import with_sae
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import Body, MessageHeader, ResponseCode, V2G_Message
from chargepoint.iso15118.steps.car_demand import car_demand
from chargepoint.iso15118.steps.tolerated_discharge import with_discharge
from chargepoint.iso15118.v2gtp import PayloadType
from chargepoint.model.car import CarDemand, CarSessionEnded, ControlMode, EnergyService
from chargepoint.model.ids import EvseId

_GRAMMARS: Mapping[int, str] = MappingProxyType({PayloadType.EXI_SAP: NS_ISO2})

CORRECTABLE = frozenset(
    {
        ResponseCode.FAILED_ServiceIDInvalid,
        ResponseCode.FAILED_PaymentSelectionInvalid,
        ResponseCode.FAILED_ServiceSelectionInvalid,
        ResponseCode.FAILED_NoChargeServiceSelected,
        ResponseCode.FAILED_WrongEnergyTransferMode,
        ResponseCode.FAILED_WrongChargeParameter,
        ResponseCode.FAILED_TariffSelectionInvalid,
        ResponseCode.FAILED_ChargingProfileInvalid,
    }
)
"""The car chose something that it may choose again: the session goes on ([734] to [736])."""


@dataclass(frozen=True, slots=True)
class Iso2:
    """The one namespace of ISO 15118-2, for AC and DC."""

    name: str = "ISO 15118-2"
    namespace: str = NS_ISO2
    grammars: Mapping[int, str] = field(default_factory=lambda: _GRAMMARS)
    version: tuple[int, int] = (2, 0)
    rows: Mapping[type, Row] = field(default_factory=lambda: ROWS)
    sequence_error: ResponseCode = ResponseCode.FAILED_SequenceError
    unknown_session: ResponseCode = ResponseCode.FAILED_UnknownSession
    paced: bool = True

    def carries(self, payload_type: int, row: Row) -> bool:
        """All messages have one type."""
        return payload_type == row.payload_type

    def new_session(self) -> Iso2Session:
        """The session before SessionSetupReq."""
        return Iso2Session()

    def ended(self, session: Iso2Session) -> bool:
        """After SessionStop with Terminate or Pause."""
        return session.state is Iso2State.ENDED

    def needs_session_id(self, session: Iso2Session) -> bool:
        """Every request but SessionSetupReq ([460])."""
        return session.state is not Iso2State.SESSION_SETUP

    def is_session_id(self, session_id: bytes, session: Iso2Session) -> bool:
        """By value."""
        return same_by_value(session_id, session.session_id)

    def open(self, message: Any) -> OpenedRequest | None:
        """The body of a V2G_Message, and the signature of its header."""
        if not isinstance(message, V2G_Message) or message.Body.BodyElement is None:
            return None
        return OpenedRequest(message.Header.SessionID, message.Body.BodyElement, message.Header.Signature)

    def close(self, body: Any, session: Iso2Session, _at: Situation) -> V2G_Message:
        """In a V2G_Message with the session's id."""
        return V2G_Message(Header=MessageHeader(SessionID=session.session_id), Body=Body(BodyElement=body))

    def code_of(self, body: Any) -> str:
        """A relayed response (bytes) was judged by whom it came from."""
        code = getattr(body, "ResponseCode", None)
        return "OK" if code is None else str(code.value)

    def ends(self, code: ResponseCode) -> bool:
        """A FAILED code that the car cannot correct. What concerns power, order or identity ends the session."""
        return code.value.startswith("FAILED") and code not in CORRECTABLE

    def ending(self, request: Any, evse_id: EvseId) -> CarSessionEnded:
        """See `session_stop.ending`."""
        return session_stop.ending(request, evse_id)

    def demand(self, session: Iso2Session, at: Situation) -> CarDemand | None:
        """From ChargeParameterDiscovery on.

        A DC car names its own current, as a car in Scheduled mode does, in a loop faster than 0.25 s. An AC car takes what it may get,
        and asks at its own pace; so its demand is good for as long as it may be silent.
        """
        if session.service is None or session.limits is None:
            return None
        demand = car_demand(
            session.transfer,
            at,
            service=session.service,
            control_mode=ControlMode.SCHEDULED,
            limits=session.limits,
            energy=session.energy,
            display=session.display,
            offered=session.offered,
            looping=session.is_dc and session.state is Iso2State.CHARGE_LOOP,
        )
        if session.sae is not None:
            return with_sae(demand)
        return with_discharge(demand) if session.is_dc and discharges(at.settings) else demand

    def remembered(self, session: Iso2Session) -> memory.PausedIso2:
        """See `memory.remembered`."""
        return memory.remembered(session)

    def keep(self, remembered: memory.PausedIso2, at: Situation, *, paused: bool) -> KeptSession | None:
        """See `memory.keep`."""
        return memory.keep(remembered, at, paused=paused)


ISO2 = Iso2()

_SERVICES = (EnergyService.AC, EnergyService.AC_BPT, EnergyService.DC, EnergyService.DC_BPT)
"""ISO 15118-2 knows no megawatt charging."""


def served(settings: SeccSettings) -> tuple[Iso2, ...]:
    """At outlets of alternating and of direct current."""
    return (ISO2,) if any(service in _SERVICES for service in settings.services) else ()
