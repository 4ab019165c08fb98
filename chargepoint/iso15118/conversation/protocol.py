"""What the conversation asks of a car protocol. ISO 15118-20 is one; ISO 15118-2 and DIN 70121 fit the same frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.row import Row
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.messages.xmldsig import Signature
from chargepoint.model.car import CarDemand, CarSessionEnded
from chargepoint.model.ids import EvseId


@dataclass(frozen=True, slots=True)
class OpenedRequest:
    """A decoded request, opened. `body` is an instance of a row's `request`. For -2 and DIN it lies inside a V2G_Message."""

    session_id: bytes
    body: Any
    signature: Signature | None = None
    """Of the header of a V2G_Message. In -20 each message has its own."""


class SessionOf(Protocol):
    """What every protocol's session knows; frozen, replaced by each message."""

    @property
    def state(self) -> Enum:
        """What the SECC waits for; its value goes to log and page."""

    @property
    def session_id(self) -> bytes:
        """As the station gave it; zeros before."""

    @property
    def evcc_id(self) -> str:
        """As the car named itself; empty before."""


class CarProtocol(Protocol):
    """One protocol of one outlet. All methods are pure and never raise on what a car sent."""

    @property
    def name(self) -> str:
        """For log and page: «ISO 15118-20 DC»."""

    @property
    def namespace(self) -> str:
        """As the car offers it in supportedAppProtocolReq."""

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor."""

    @property
    def grammars(self) -> Mapping[int, str]:
        """For each payload type that carries requests: the namespace of its grammar."""

    def carries(self, payload_type: int, row: Row) -> bool:
        """Whether this message may come under this payload type; quirks of known cars included."""

    @property
    def rows(self) -> Mapping[type, Row]:
        """Every message, by the class of its body."""

    @property
    def sequence_error(self) -> Any:
        """The code for a message that may not come now."""

    @property
    def unknown_session(self) -> Any:
        """The code for a foreign SessionID."""

    def new_session(self) -> Any:
        """The session before its first message (`SessionOf`)."""

    def ended(self, session: Any) -> bool:
        """Nothing more may come."""

    def needs_session_id(self, session: Any) -> bool:
        """Whether requests in this state must carry the session's id."""

    def is_session_id(self, session_id: bytes, session: Any) -> bool:
        """Whether this is the session's id, as the protocol compares ids."""

    @property
    def paced(self) -> bool:
        """Answers leave `SeccSettings.least_answer_time_s` after their request at the earliest."""

    def open(self, message: Any) -> OpenedRequest | None:
        """Header and body of a decoded message; None for what is no message of the protocol."""

    def close(self, body: Any, session: Any, at: Situation) -> Any:
        """The message around a response's body."""

    def code_of(self, body: Any) -> str:
        """The response code of a body as text; «OK» where all is well."""

    def ends(self, code: Any) -> bool:
        """A response with this code ends the session."""

    def ending(self, request: Any, evse_id: EvseId) -> CarSessionEnded:
        """How and why the car ended the session with this request."""

    def demand(self, session: Any, at: Situation) -> CarDemand | None:
        """What the car asks of the power stage; None before limits are known."""

    def remembered(self, session: Any) -> Any:
        """All of this session that `keep` keeps, comparable with `==`."""

    def keep(self, remembered: Any, at: Situation, *, paused: bool) -> KeptSession | None:
        """What is kept for a car that comes back; None where there is nothing to come back to.

        It depends on `remembered`, the car's certificate, the transaction and `paused` alone.
        """
