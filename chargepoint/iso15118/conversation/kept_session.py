"""A car's session that outlives its connection: what is kept for a car that comes back, in a form that goes to disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from chargepoint.model.ids import TransactionId


@dataclass(frozen=True, slots=True)
class KeptSession:
    """One kept session. `protocol` says whose `data` it is; only that protocol reads the data.

    `binding`: proof that the same car comes back, as the protocol defines it; empty: the session cannot be joined.
    `paused`: the car said that it will come back; otherwise its connection was lost. `transaction_id`: the transaction of which
    the session is a part; with its end the session cannot be joined any more.
    """

    protocol: str
    session_id: bytes
    binding: bytes
    paused: bool
    transaction_id: TransactionId
    data: dict[str, Any]

    def to_json(self) -> str:
        """One line."""
        return json.dumps(
            {
                "protocol": self.protocol,
                "session_id": self.session_id.hex(),
                "binding": self.binding.hex(),
                "paused": self.paused,
                "transaction_id": self.transaction_id,
                "data": self.data,
            },
            separators=(",", ":"),
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> KeptSession:
        """Raises ValueError for anything that `to_json` did not write."""
        try:
            found = json.loads(text)
            kept = cls(
                protocol=found["protocol"],
                session_id=bytes.fromhex(found["session_id"]),
                binding=bytes.fromhex(found["binding"]),
                paused=found["paused"],
                transaction_id=TransactionId(found["transaction_id"]),
                data=found["data"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"kept car session: {error!r}") from error
        if not isinstance(found["transaction_id"], str):
            raise ValueError("kept car session: transaction_id is not a text")
        if not isinstance(kept.protocol, str) or not isinstance(kept.paused, bool) or not isinstance(kept.data, dict):
            raise ValueError("kept car session: a field has the wrong type")
        return kept
