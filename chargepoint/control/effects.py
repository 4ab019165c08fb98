"""Effects: what the station's decisions ask the shell to do. A closed union; the shell performs them in order."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.control.last_session import LastSession
from chargepoint.model.car import QuestionAsked
from chargepoint.model.car_questions import AnswerToCar, AuthorizeContract, InstallCertificate
from chargepoint.model.charging_needs import ChargingNeeds, PlannedPower
from chargepoint.model.commands import ExternalLimit, ResetKind
from chargepoint.model.demand import StageDemand
from chargepoint.model.ids import EvseId, IdToken
from chargepoint.model.status import ConnectorStatusChanged
from chargepoint.model.transactions import MeterSample, TransactionRecord
from chargepoint.transactions.ledger import LedgerState


@dataclass(frozen=True, slots=True)
class SendDemand:
    """Send this order to the power process now."""

    demand: StageDemand


@dataclass(frozen=True, slots=True)
class ResetLatches:
    """Ask the power process to let latched faults go. `author`: who asked, for the journal."""

    evse_id: EvseId
    author: str


@dataclass(frozen=True, slots=True)
class StoreRecord:
    """Store the record with its message, and `state` with it, in one commit; `state` None: the transaction is closed."""

    evse_id: EvseId
    record: TransactionRecord
    state: LedgerState | None


@dataclass(frozen=True, slots=True)
class KeepLastSession:
    """Store the result of the last session, for readers after a restart."""

    evse_id: EvseId
    last: LastSession


@dataclass(frozen=True, slots=True)
class ReportReading:
    """Report a reading outside any transaction."""

    evse_id: EvseId
    sample: MeterSample


@dataclass(frozen=True, slots=True)
class ReportLimit:
    """Report the limit of an outside party to the central system; `limit` None: it was released. `line`: for the journal, if any."""

    limit: ExternalLimit | None
    line: str | None


@dataclass(frozen=True, slots=True)
class AskForToken:
    """Ask whether this token may charge at this EVSE; answer with `AuthorizationAnswered`.

    `running`: the token of the running transaction, where the question is whether `token` may stop it.
    """

    evse_id: EvseId
    token: IdToken
    running: IdToken | None = None


@dataclass(frozen=True, slots=True)
class ReportNeeds:
    """Notify the central system of a car's needs. `number`: of the car's question that waits; answer with `NeedsTaken`."""

    evse_id: EvseId
    number: int | None
    needs: ChargingNeeds


@dataclass(frozen=True, slots=True)
class ReportPlan:
    """Notify the central system of what a car plans."""

    plan: PlannedPower


@dataclass(frozen=True, slots=True)
class StopAll:
    """End every transaction of the station: this master pass was shown."""

    token: IdToken


@dataclass(frozen=True, slots=True)
class AskForContract:
    """Ask whether this contract may charge at this EVSE; answer with `ContractAnswered`, which repeats `asked`."""

    evse_id: EvseId
    asked: QuestionAsked
    contract: AuthorizeContract


@dataclass(frozen=True, slots=True)
class RelayInstallation:
    """Relay the car's request for a contract certificate to the central system; answer with `InstallationAnswered`."""

    evse_id: EvseId
    number: int
    question: InstallCertificate


@dataclass(frozen=True, slots=True)
class ReportConnector:
    """Report the connector's new status."""

    change: ConnectorStatusChanged


@dataclass(frozen=True, slots=True)
class WriteLine:
    """Write one line of the EVSE's story. `=` goes to the log only, `!` and `*` to the journal too."""

    evse_id: EvseId
    letter: str
    text: str


@dataclass(frozen=True, slots=True)
class NotifyCar:
    """Notify the SECC: the values behind its answers changed, so an answer that was held back may be due."""

    evse_id: EvseId


@dataclass(frozen=True, slots=True)
class AnswerCar:
    """Give the car's conversation the answer to its question of this number."""

    evse_id: EvseId
    number: int
    answer: AnswerToCar


@dataclass(frozen=True, slots=True)
class DropCar:
    """Close the car's connection: the plug is out, and no packet will report that."""

    evse_id: EvseId


@dataclass(frozen=True, slots=True)
class ForgetCarSession:
    """No car may go on with the session that this EVSE keeps: its transaction is over, or the car left."""

    evse_id: EvseId


@dataclass(frozen=True, slots=True)
class NotifyReaders:
    """Notify every reader of transactions or states: this EVSE changed."""

    evse_id: EvseId


@dataclass(frozen=True, slots=True)
class Restart:
    """End the program so that it starts anew: every transaction is over, or the waiting time is."""

    kind: ResetKind


Effect = (
    SendDemand
    | ResetLatches
    | StoreRecord
    | KeepLastSession
    | ReportReading
    | AskForToken
    | StopAll
    | ReportNeeds
    | ReportPlan
    | AskForContract
    | RelayInstallation
    | ReportConnector
    | WriteLine
    | NotifyCar
    | AnswerCar
    | DropCar
    | ForgetCarSession
    | NotifyReaders
    | ReportLimit
    | Restart
)
