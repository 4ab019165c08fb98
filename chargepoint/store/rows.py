"""Rows: what the store keeps, and the writes one database transaction is made of. Frozen words, no database in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class OutboxKind(Enum):
    """TRANSACTION is retried until the central system answers (OCPP 2.0.1 E04, E13); OTHER is finished once it is answered at all."""

    TRANSACTION = "transaction"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message to the central system: the exact text that goes on the wire, first time and every time again.

    `position` is given by the store (0: not stored yet); `attempts` counts refusals by the central system.
    `droppable` marks periodic updates that may be thinned out when the outbox is full (E04.FR.07, E04.FR.08).
    """

    message_id: str
    action: str
    text: str
    kind: OutboxKind
    transaction_id: str = ""
    droppable: bool = False
    attempts: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """An unfinished transaction as its ledger left it; at most one per EVSE."""

    evse_id: int
    transaction_id: str
    state_json: str


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A line of the station's life: `kind` is one of the log alphabet's signs `=`, `!`, `*`."""

    at_utc: datetime
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """A charging profile as it was accepted. `json` is the profile store's own document."""

    profile_id: int
    evse_id: int
    json: str


@dataclass(frozen=True, slots=True)
class CachedToken:
    """An entry of the authorisation cache. `key` names type and value; `expires_utc_s` None: never.

    `evse_ids`: the EVSEs an accepted token is good for; empty: all of them (C01.FR.19 to FR.21).
    """

    key: str
    status: str
    expires_utc_s: float | None
    evse_ids: tuple[int, ...] = ()


# -- writes: imperative, closed union --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SaveTransaction:
    """Keep this ledger state, replacing the EVSE's earlier one."""

    transaction: OpenTransaction


@dataclass(frozen=True, slots=True)
class CloseTransaction:
    """The EVSE's transaction has ended: forget its ledger state."""

    evse_id: int


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Append to the outbox."""

    row: OutboxRow


@dataclass(frozen=True, slots=True)
class Delivered:
    """The central system answered: delete the row."""

    position: int


@dataclass(frozen=True, slots=True)
class MarkRefused:
    """The central system answered with an error: remember how often."""

    position: int
    attempts: int


@dataclass(frozen=True, slots=True)
class MarkOffline:
    """Transaction messages behind the oldest get `"offline": true` (OCPP 2.0.1 E11.FR.07).

    Only the oldest can have been on the wire: messages go one by one. Its text stays, byte for byte.
    """


@dataclass(frozen=True, slots=True)
class SetVariable:
    """Keep a value under a key; None forgets it."""

    key: str
    value: str | None


@dataclass(frozen=True, slots=True)
class PutProfile:
    """Keep a charging profile, replacing one with the same id."""

    row: ProfileRow


@dataclass(frozen=True, slots=True)
class DeleteProfile:
    """Forget a charging profile."""

    profile_id: int


@dataclass(frozen=True, slots=True)
class SetAvailability:
    """Operative or not, as the central system ordered; EVSE 0 is the whole station."""

    evse_id: int
    operative: bool


@dataclass(frozen=True, slots=True)
class CacheToken:
    """Keep a token's authorisation, replacing an earlier one."""

    token: CachedToken


@dataclass(frozen=True, slots=True)
class ForgetTokens:
    """Empty the authorisation cache."""


@dataclass(frozen=True, slots=True)
class Journal:
    """Append to the journal."""

    entry: JournalEntry


Write = (
    SaveTransaction
    | CloseTransaction
    | Enqueue
    | Delivered
    | MarkRefused
    | MarkOffline
    | SetVariable
    | PutProfile
    | DeleteProfile
    | SetAvailability
    | CacheToken
    | ForgetTokens
    | Journal
)
