"""ISO 15118-20 as the conversation needs it. One instance for each namespace that an outlet serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.protocol import OpenedRequest
from chargepoint.iso15118.conversation.row import Row
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.exi.codec import NS_AC, NS_CM, NS_DC
from chargepoint.iso15118.iso20 import memory, session_stop
from chargepoint.iso15118.iso20.rows import ROWS
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.steps.car_demand import car_demand
from chargepoint.iso15118.v2gtp import PayloadType
from chargepoint.model.car import CarDemand, CarSessionEnded
from chargepoint.model.ids import EvseId

_COMMON: dict[int, str] = {
    PayloadType.MAINSTREAM: NS_CM,
    PayloadType.SCHEDULE_RENEGOTIATION: NS_CM,
    PayloadType.METERING_CONFIRMATION: NS_CM,
    PayloadType.PARKING_STATUS: NS_CM,
    # after the handshake a known car still sends one request under the handshake's type (docs/sources/iso15118.md 1)
    PayloadType.EXI_SAP: NS_CM,
}
_DC_GRAMMARS: Mapping[int, str] = MappingProxyType({**_COMMON, PayloadType.DC_MAINSTREAM: NS_DC})
_AC_GRAMMARS: Mapping[int, str] = MappingProxyType({**_COMMON, PayloadType.AC_MAINSTREAM: NS_AC})


@dataclass(frozen=True, slots=True)
class Iso20:
    """One namespace of ISO 15118-20."""

    name: str
    namespace: str
    grammars: Mapping[int, str]
    version: tuple[int, int] = (1, 0)
    rows: Mapping[type, Row] = field(default_factory=lambda: ROWS)
    sequence_error: ResponseCode = ResponseCode.FAILED_SequenceError
    unknown_session: ResponseCode = ResponseCode.FAILED_UnknownSession
    paced: bool = False

    def carries(self, payload_type: int, row: Row) -> bool:
        """Its own type. A common message also comes under the handshake's type, and an exchange of schedules under its side stream."""
        if payload_type == row.payload_type:
            return True
        if row.payload_type is PayloadType.MAINSTREAM:
            return payload_type in (PayloadType.EXI_SAP, PayloadType.SCHEDULE_RENEGOTIATION)
        return row.side_stream and payload_type == PayloadType.MAINSTREAM

    def new_session(self) -> Session:
        """The session before SessionSetupReq."""
        return Session()

    def ended(self, session: Session) -> bool:
        """After SessionStop with Terminate or Pause."""
        return session.state is State.ENDED

    def needs_session_id(self, session: Session) -> bool:
        """Every request but SessionSetupReq (V2G20-460)."""
        return session.state is not State.SESSION_SETUP

    def is_session_id(self, session_id: bytes, session: Session) -> bool:
        """Byte for byte."""
        return session_id == session.session_id

    def open(self, message: Any) -> OpenedRequest | None:
        """Every request has a header of its own."""
        header = getattr(message, "Header", None)
        return None if header is None else OpenedRequest(header.SessionID, message)

    def close(self, body: Any, _session: Session, _at: Situation) -> Any:
        """A response is whole already."""
        return body

    def code_of(self, body: Any) -> str:
        """A relayed response (bytes) was judged by whom it came from."""
        code = getattr(body, "ResponseCode", None)
        return "OK" if code is None else str(code.value)

    def ends(self, code: ResponseCode) -> bool:
        """A FAILED code ends the session, a warning does not (ISO 15118-20 8.6)."""
        return code.value.startswith("FAILED")

    def ending(self, request: Any, evse_id: EvseId) -> CarSessionEnded:
        """See `session_stop.ending`."""
        return session_stop.ending(request, evse_id)

    def demand(self, session: Session, at: Situation) -> CarDemand | None:
        """From ChargeParameterDiscovery on."""
        if session.choice is None or session.limits is None:
            return None
        return car_demand(
            session.transfer,
            at,
            service=session.choice.service,
            control_mode=session.choice.control_mode,
            limits=session.limits,
            energy=session.energy,
            display=session.display,
            offered=session.offered,
            looping=session.state is State.CHARGE_LOOP,
            phase_powers_max_W=None if session.phase_limits is None else session.phase_limits.most_W,
            planned_power_W=session.planned_power_W(at.now.utc_s) if session.is_ac else None,
        )

    def remembered(self, session: Session) -> memory.Remembered:
        """See `memory.remembered`."""
        return memory.remembered(session)

    def keep(self, remembered: memory.Remembered, at: Situation, *, paused: bool) -> KeptSession | None:
        """See `memory.keep`."""
        return memory.keep(remembered, at, paused=paused)


DC = Iso20("ISO 15118-20 DC", NS_DC, _DC_GRAMMARS)
AC = Iso20("ISO 15118-20 AC", NS_AC, _AC_GRAMMARS)


def served(settings: SeccSettings) -> tuple[Iso20, ...]:
    """The namespaces of -20 that this outlet serves (V2G20-169)."""
    return (AC,) if settings.is_ac else (DC,)
