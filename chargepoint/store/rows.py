"""Rows: what the store keeps, and the writes one database transaction is made of. Frozen words, no database in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

Json = Any
"""Anything that JSON can say: dict, list, str, int, float, bool, None."""


class OutboxKind(Enum):
    """TRANSACTION is retried until the central system answers (OCPP 2.0.1 E04, E13); OTHER is finished once it is answered at all."""

    TRANSACTION = "transaction"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message to the central system: its text is the sender's, and opaque here.

    `position` is given by the store (0: not stored yet); `attempts` counts refusals by the central system. `late`: the message was
    stored before a connection that has been lost since, and was never sent.
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
    late: bool = False


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A line of the station's life: `kind` is one of the log alphabet's signs `=`, `!`, `*`."""

    at_utc: datetime
    kind: str
    text: str


# -- writes: imperative, closed union --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep this value under a key of a space, replacing an earlier one; None forgets it. A replaced entry becomes the youngest.

    `space` names the owner of the entry, `value` is anything that JSON can say. The store never reads it.
    """

    space: str
    key: str
    value: Json


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
class MarkLate:
    """The connection was lost: every message behind this position is late (`OutboxRow.late`), as none of them was sent."""

    after: int


@dataclass(frozen=True, slots=True)
class Journal:
    """Append to the journal."""

    entry: JournalEntry


Write = Keep | Enqueue | Delivered | MarkRefused | MarkLate | Journal
