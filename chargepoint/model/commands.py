"""Commands: what a central system, a page or a local bus asks of the station. Imperative, closed unions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chargepoint.model.demand import Contribution
from chargepoint.model.ids import EvseId, IdToken, TransactionId


@dataclass(frozen=True, slots=True)
class StartTransaction:
    """Begin for this token on this EVSE. The token counts as authorised unless `authorize` is set."""

    evse_id: EvseId
    id_token: IdToken
    remote_start_id: int | None
    authorize: bool


@dataclass(frozen=True, slots=True)
class StopTransaction:
    """End this transaction now, in good order (ramp down, then open)."""

    transaction_id: TransactionId


@dataclass(frozen=True, slots=True)
class Contribute:
    """Replace all contributions of one source for one EVSE by these (an empty tuple withdraws them)."""

    evse_id: EvseId
    contributions: tuple[Contribution, ...]


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
class UnlockConnector:
    """Unlock; refused by the station while a transaction runs."""

    evse_id: EvseId


@dataclass(frozen=True, slots=True)
class ChangeAvailability:
    """Operative or not; survives a restart."""

    evse_id: EvseId | None
    operative: bool


StationCommand = StartTransaction | StopTransaction | Contribute | Reset | UnlockConnector | ChangeAvailability
