"""Commands: what a central system, a page or a local bus asks of the station. Imperative, closed unions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from chargepoint.model.demand import Contribution
from chargepoint.model.forecast import Plan
from chargepoint.model.ids import EvseId, IdToken, TransactionId
from chargepoint.model.site_meter import SiteMeterReading
from chargepoint.model.station_view import Wish
from chargepoint.model.transactions import StopReason, TriggerReason


@dataclass(frozen=True, slots=True)
class StartTransaction:
    """Begin for this token on this EVSE. The token counts as authorised unless `authorize` is set."""

    evse_id: EvseId
    id_token: IdToken
    remote_start_id: int | None
    authorize: bool


@dataclass(frozen=True, slots=True)
class StopTransaction:
    """End this transaction now, in good order (ramp down, then open). Trigger and reason go into its Ended record."""

    transaction_id: TransactionId
    trigger: TriggerReason = TriggerReason.REMOTE_STOP
    stopped_reason: StopReason = StopReason.REMOTE
    id_token: IdToken | None = None
    """Of the person who stops it, where a token was shown."""


@dataclass(frozen=True, slots=True)
class Contribute:
    """Replace all contributions of one owner for one EVSE by these (an empty tuple withdraws them).

    `owner` names the party (`ocpp`, `mqtt/edge`, `page`). Two owners may speak for the same source: neither touches
    what the other said. `plan` is what the same owner will contribute later if nothing changes; a forecast uses it.
    """

    evse_id: EvseId
    owner: str
    contributions: tuple[Contribution, ...]
    plan: Plan | None = None


class ResetKind(Enum):
    """OCPP 2.0.1 ResetEnumType."""

    IMMEDIATE = "Immediate"
    ON_IDLE = "OnIdle"


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the station, or one EVSE: transactions end in order first; hardware faults may then clear."""

    kind: ResetKind
    evse_id: EvseId | None


@dataclass(frozen=True, slots=True)
class ResetFaults:
    """Let latched faults go whose cause is gone: of one EVSE, or of all (None). Refused while a transaction runs.

    `author` names who asks; the journal keeps the name with the reset.
    """

    evse_id: EvseId | None
    author: str


@dataclass(frozen=True, slots=True)
class UnlockConnector:
    """Unlock; refused by the station while a transaction runs."""

    evse_id: EvseId


@dataclass(frozen=True, slots=True)
class ChangeAvailability:
    """Operative or not; survives a restart."""

    evse_id: EvseId
    operative: bool


@dataclass(frozen=True, slots=True)
class ReserveEvse:
    """Keep this EVSE free for somebody, or give it to everybody again. Who may use it is the sender's to know."""

    evse_id: EvseId
    reserved: bool


@dataclass(frozen=True, slots=True)
class ScheduleArrived:
    """The central system's schedule for the car at this EVSE is in force: a car that waits for it gets its schedule now."""

    evse_id: EvseId


@dataclass(frozen=True, slots=True)
class AskCar:
    """Ask the connected car for this. `wish` None: for nothing any more, and a car that paused is called back."""

    evse_id: EvseId
    wish: Wish | None


class ReportKind(Enum):
    """What a reading is asked for."""

    METER_VALUES = "MeterValues"
    TRANSACTION = "TransactionEvent"


@dataclass(frozen=True, slots=True)
class Report:
    """Read the meter now (context Trigger) and send it: as MeterValues, or as an Updated record of the transaction."""

    evse_id: EvseId
    kind: ReportKind
    trigger: TriggerReason = TriggerReason.TRIGGER
    """Of the record in a transaction."""


class LimitSource(Enum):
    """ChargingLimitSourceEnumType of OCPP 2.0.1, without the central system itself."""

    EMS = "EMS"
    """Energy management of the site."""
    OTHER = "Other"
    SO = "SO"
    """System operator: the grid."""


@dataclass(frozen=True, slots=True)
class ExternalLimit:
    """What the whole station may take from the grid and give to it, by the word of an outside party.

    Magnitudes in W, >= 0. After `until_s` (monotonic) the limit is as if never set. Raises ValueError for another number.
    """

    source: LimitSource
    import_max_W: float
    export_max_W: float
    until_s: float

    def __post_init__(self) -> None:
        for name, power_W in (("import_max_W", self.import_max_W), ("export_max_W", self.export_max_W)):
            if not 0.0 <= power_W < math.inf:
                raise ValueError(f"{name} = {power_W}: 0 or more")

    @property
    def text(self) -> str:
        """For the journal."""
        return f"limit of {self.source.value}: at most {self.import_max_W:.0f} W from the grid, {self.export_max_W:.0f} W to it"


@dataclass(frozen=True, slots=True)
class LimitStation:
    """Set the limit of one outside party in place of its limit before; None releases it.

    `owner` names the party: of several parties' limits the narrowest holds. `author` names who asks.
    """

    limit: ExternalLimit | None
    author: str
    owner: str = "local"


@dataclass(frozen=True, slots=True)
class NoteSiteMeter:
    """The newest value of the meter at the station's connection to the grid."""

    reading: SiteMeterReading


@dataclass(frozen=True, slots=True)
class DriverWish:
    """What somebody asks for the car of one EVSE, in its driver's name. None: no word about it.

    `minimum_soc_percent` 0 to 100: no discharge at or below it. The car's own reserve holds beside it.
    `target_soc_percent` 0 to 100 shall be reached by `departure_at_s` (monotonic); one without the other has no effect.
    After `until_s` (monotonic) the wish is as if never made. Raises ValueError for another number.
    """

    until_s: float
    minimum_soc_percent: float | None = None
    target_soc_percent: float | None = None
    departure_at_s: float | None = None

    def __post_init__(self) -> None:
        for name, soc_percent in (
            ("minimum_soc_percent", self.minimum_soc_percent),
            ("target_soc_percent", self.target_soc_percent),
        ):
            if soc_percent is not None and not 0.0 <= soc_percent <= 100.0:
                raise ValueError(f"{name} = {soc_percent}: 0 to 100")


@dataclass(frozen=True, slots=True)
class WishForDriver:
    """Set the wish of one outside party for the car of this EVSE in place of the one before; None withdraws it.

    It holds for the present car or the next: it ends with the transaction, or by itself.
    """

    evse_id: EvseId
    wish: DriverWish | None
    author: str


StationCommand = (
    StartTransaction
    | StopTransaction
    | Contribute
    | LimitStation
    | NoteSiteMeter
    | WishForDriver
    | Reset
    | ResetFaults
    | UnlockConnector
    | ChangeAvailability
    | ReserveEvse
    | ScheduleArrived
    | AskCar
    | Report
)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The outcome of a command. `reason_code` from OCPP's reason codes (TxInProgress, UnknownEvse …), `text` for people."""

    accepted: bool
    reason_code: str = ""
    text: str = ""
