"""What a session takes and what it gives back: closed unions."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.car import CarEvent, QuestionAsked
from chargepoint.model.car_questions import AuthorizeContract, ContractJudged
from chargepoint.model.commands import StartTransaction, StopTransaction
from chargepoint.model.data_link import DataLinkEvent
from chargepoint.model.faults import InterlockTripped
from chargepoint.model.ids import IdToken, TransactionId
from chargepoint.model.image import EvseImage, TokenPresented
from chargepoint.model.status import AuthorizationStatus, ConnectorStatus
from chargepoint.model.transactions import ChargingState, StopReason, TriggerReason


@dataclass(frozen=True, slots=True)
class AuthorizationAnswered:
    """The central system (or the local rule) answered for a token. The last three are those of `TokenVerdict`."""

    token: IdToken
    status: AuthorizationStatus
    why: str = ""
    may_stop: bool = False
    master_pass: bool = False


@dataclass(frozen=True, slots=True)
class ContractAnswered:
    """The central system (or the local rule) answered for a contract. `asked`: the car's question that is answered."""

    asked: QuestionAsked
    judged: ContractJudged


@dataclass(frozen=True, slots=True)
class PowerProcessLost:
    """No image has come for longer than a lease: nothing is known of the power stage."""


@dataclass(frozen=True, slots=True)
class AvailabilityChanged:
    """Operative or not, by the central system or a person."""

    operative: bool


@dataclass(frozen=True, slots=True)
class ReservationChanged:
    """Kept free for a token that was named to the central system, or not any more."""

    reserved: bool


@dataclass(frozen=True, slots=True)
class StorageChanged:
    """Records of transactions are not stored, for this reason; empty: they are again."""

    trouble: str


@dataclass(frozen=True, slots=True)
class StopOrdered:
    """An order to stop, for example because of a reset."""

    reason: StopReason
    trigger: TriggerReason


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Time passed; nothing else happened."""


SessionEvent = (
    EvseImage
    | CarEvent
    | DataLinkEvent
    | TokenPresented
    | StartTransaction
    | StopTransaction
    | InterlockTripped
    | AuthorizationAnswered
    | ContractAnswered
    | PowerProcessLost
    | AvailabilityChanged
    | ReservationChanged
    | StopOrdered
    | StorageChanged
    | TimePassed
)


@dataclass(frozen=True, slots=True)
class AskAuthorization:
    """Ask whether this token may charge; or, with `running`, whether it may stop the transaction of that token."""

    token: IdToken
    running: IdToken | None = None


@dataclass(frozen=True, slots=True)
class MasterPassShown:
    """A token of the master pass group was shown: every transaction of the station ends (C16.FR.02)."""

    token: IdToken


@dataclass(frozen=True, slots=True)
class AskAboutContract:
    """Ask whether a contract may charge; the car's question has the number `asked.number`."""

    asked: QuestionAsked
    contract: AuthorizeContract


@dataclass(frozen=True, slots=True)
class AnswerAboutContract:
    """Answer the car's question about its contract."""

    asked: QuestionAsked
    judged: ContractJudged


@dataclass(frozen=True, slots=True)
class BeginTransaction:
    """Plugged in and authorised: the power path may close. `token` None: nobody is authorised yet (see `TransactionSpan`)."""

    transaction_id: TransactionId
    trigger: TriggerReason
    token: IdToken | None
    remote_start_id: int | None


@dataclass(frozen=True, slots=True)
class UpdateTransaction:
    """The charging state changed."""

    trigger: TriggerReason
    charging_state: ChargingState


@dataclass(frozen=True, slots=True)
class EndTransaction:
    """Power is off (or was given up on); the transaction ends with the registers as last read.

    `detail`: one sentence that says what led to the reason.
    """

    trigger: TriggerReason
    reason: StopReason
    token: IdToken | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ReportStatus:
    """The connector's status changed."""

    status: ConnectorStatus


@dataclass(frozen=True, slots=True)
class WriteLog:
    """One line of the session's story, with its letter of the log alphabet (`=` state, `!` fault, `*` life cycle)."""

    letter: str
    text: str


SessionOutput = (
    AskAuthorization
    | MasterPassShown
    | AskAboutContract
    | AnswerAboutContract
    | BeginTransaction
    | UpdateTransaction
    | EndTransaction
    | ReportStatus
    | WriteLog
)
