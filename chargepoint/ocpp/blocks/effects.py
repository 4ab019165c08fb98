"""Effects: what a block wants done, as data. `ocpp/performer.py` carries them out in order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chargepoint.model.commands import ExternalLimit, StationCommand
from chargepoint.model.faults import FaultCleared, InterlockTripped
from chargepoint.model.ids import EvseId, IdToken
from chargepoint.model.status import ConnectorStatusChanged
from chargepoint.model.transactions import MeterSample
from chargepoint.ocpp.blocks.jobs import Job
from chargepoint.ocpp.schemas import Payload
from chargepoint.store.rows import Keep

# -- events that blocks share ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadingToReport:
    """A reading outside a transaction, or one that was asked for."""

    evse_id: EvseId
    sample: MeterSample


@dataclass(frozen=True, slots=True)
class SecurityEventOccurred:
    """A security event (A04). `kind`: its type in the appendix's list, at most 50 characters; `text`: at most 255."""

    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class VariableSet:
    """The central system set a variable, and the value is on the disk. `key` as in `Variable.key`. `value` is empty where nobody may read it."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RemoteStartAccepted:
    """RequestStartTransaction was accepted for this EVSE and token, with or without a charging profile.

    `until_s` (monotonic): when nobody waits for the car any more.
    """

    evse_id: EvseId
    id_token: IdToken
    profile: Payload | None
    until_s: float


@dataclass(frozen=True, slots=True)
class ConnectionFailed:
    """An attempt to connect came to nothing. `kind`: the security event it is worth, else empty; `text`: for people."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class NetworkProfileChanged:
    """A connection was made by another network profile than the last one. `slot`: its configuration slot."""

    slot: int


@dataclass(frozen=True, slots=True)
class InvalidMessageReceived:
    """The central system sent something that is no message of OCPP. `kind`: what is wrong (`PeerFault.kind`); `text`: for people."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class IdTokenInfoReceived:
    """The central system described a token. `info`: IdTokenInfoType."""

    id_token: IdToken
    info: Payload


@dataclass(frozen=True, slots=True)
class TransactionAnswered:
    """The central system answered a TransactionEvent of this transaction. `response`: its whole payload."""

    transaction_id: str
    response: Payload


@dataclass(frozen=True, slots=True)
class HardWiredNotification:
    """Something the central system is notified of without having asked (NotifyEvent, eventNotificationType HardWiredNotification).

    `event`: the eventData without its ids and time. `severity`: 0 (danger) to 9 (debug).
    """

    evse_id: int
    severity: int
    event: Payload


@dataclass(frozen=True, slots=True)
class ExternalLimitChanged:
    """An outside party set a limit of the whole station, or released it (None)."""

    limit: ExternalLimit | None


SharedEvent = (
    ConnectorStatusChanged
    | ReadingToReport
    | SecurityEventOccurred
    | VariableSet
    | RemoteStartAccepted
    | ConnectionFailed
    | NetworkProfileChanged
    | InvalidMessageReceived
    | IdTokenInfoReceived
    | TransactionAnswered
    | InterlockTripped
    | FaultCleared
    | HardWiredNotification
    | ExternalLimitChanged
)

# -- effects ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Order:
    """Order this of the station. Where the answer rests on the outcome, use `CallAnswer.order`."""

    command: StationCommand


@dataclass(frozen=True, slots=True)
class Send:
    """A CALL of ours that is lost with the connection. `waits`: it may only go out once the station is accepted (B02.FR.02)."""

    action: str
    payload: Payload
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """A CALL of ours that is stored until the central system has answered it."""

    action: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class Share:
    """Let every block know of this event."""

    event: SharedEvent


@dataclass(frozen=True, slots=True)
class WriteJournal:
    """A line in the station's journal. `kind`: `=`, `!` or `*` of the log alphabet."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class LimitsChanged:
    """Charging limits may have changed: the arbiter is given them anew, before anything else happens."""


@dataclass(frozen=True, slots=True)
class StartJob:
    """Begin long work outside the blocks. Its events reach `FunctionalBlock.job_event` of every block, with `name`."""

    name: str
    job: Job


@dataclass(frozen=True, slots=True)
class CancelJob:
    """End this work; it has no further events."""

    name: str


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Close the connection in order and make a new one, with the settings of now. `why`: for the log."""

    why: str


@dataclass(frozen=True, slots=True)
class KeepFile:
    """This file of the station's secrets has this content, or is no more (None). Kept as `Keep` is, before anything else happens.

    For what other programs or libraries read as files, and for what must not lie in the database: passwords and certificates.
    """

    name: str
    content: str | None


Effect = Keep | KeepFile | Order | Send | Post | Share | WriteJournal | LimitsChanged | StartJob | CancelJob | Reconnect
Effects = tuple[Effect, ...]


# -- answers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """The answer to a CALL, and what follows from it.

    First every `Keep` of `effects` is committed. Where that fails, nothing else happens. Then the answer is the status `unstored`;
    where that is empty, the CALLERROR InternalError goes out.
    Then the station is given `order`. Where the station refuses, the commit is undone, `effects` and `then` fall away, and the
    answer is the status `otherwise` with the station's reason.
    Then come the other `effects`, the answer itself, and `then`.

    With `ahead` (and no `order`) the limits that follow from the `Keep` effects go to the arbiter while the disk writes. The answer
    still waits for the disk. Where the commit fails, the kept things and the limits are those of before again.
    """

    payload: Payload
    effects: Effects = ()
    order: StationCommand | None = None
    otherwise: str = "Rejected"
    then: Effects = ()
    unstored: str = ""
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class CallRefusal:
    """A CALLERROR instead of an answer."""

    code: str
    text: str


class Failure(Enum):
    """In what way a CALL of ours came to nothing."""

    REFUSED = "refused"
    """CALLERROR, or an answer that breaks its schema."""
    SILENCE = "silence"
    UNSENT = "unsent"
    """It broke its schema, or too much was waiting."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A CALL of ours has no answer to use. `code`: of the CALLERROR, else empty; `why`: for people."""

    failure: Failure
    why: str
    code: str = ""


def accepted_with(remarks: str) -> Payload:
    """Accepted, with what the station has to say besides."""
    return status("Accepted", "NoError", remarks) if remarks else status("Accepted")


def status(value: str, reason_code: str = "", text: str = "") -> Payload:
    """A response that is a status with its optional statusInfo (reasonCode 20, additionalInfo 512 characters)."""
    payload: Payload = {"status": value}
    if reason_code:
        payload["statusInfo"] = {"reasonCode": reason_code[:20]}
        if text:
            payload["statusInfo"]["additionalInfo"] = text[:512]
    return payload
