"""The last session of an EVSE: why the session ended and how much energy flowed. Readable until the next session ends."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from chargepoint.model.ids import IdTokenType
from chargepoint.model.transactions import StopReason, TransactionRecord
from chargepoint.transactions.ledger import LedgerState


@dataclass(frozen=True, slots=True)
class LastSession:
    """One ended transaction. Energies are register differences in Wh, >= 0. `detail`: one sentence with the cause."""

    transaction_id: str
    token: str | None
    started_utc: datetime
    ended_utc: datetime
    reason: StopReason
    detail: str
    import_Wh: float
    export_Wh: float

    @classmethod
    def of(cls, begun: LedgerState, ended: TransactionRecord, detail: str) -> LastSession:
        """From the transaction's state before its end and the Ended record with its first and last reading."""
        first, last, token = ended.samples[0], ended.samples[-1], begun.id_token
        return cls(
            transaction_id=str(begun.transaction_id),
            token=None if token is None or token.type is IdTokenType.KEY_CODE else token.value,  # C04.FR.04
            started_utc=begun.begin.at_utc,
            ended_utc=ended.at_utc,
            reason=ended.stopped_reason or StopReason.OTHER,
            detail=detail,
            import_Wh=last.import_Wh - first.import_Wh,
            export_Wh=last.export_Wh - first.export_Wh,
        )

    def to_json(self) -> str:
        """One line of JSON."""
        plain = {
            **asdict(self),
            "started_utc": self.started_utc.isoformat(),
            "ended_utc": self.ended_utc.isoformat(),
            "reason": self.reason.value,
        }
        return json.dumps(plain, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> LastSession:
        """The inverse of `to_json`. Raises ValueError on anything else."""
        try:
            plain = json.loads(text)
            return cls(
                **{
                    **plain,
                    "started_utc": datetime.fromisoformat(plain["started_utc"]),
                    "ended_utc": datetime.fromisoformat(plain["ended_utc"]),
                    "reason": StopReason(plain["reason"]),
                }
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a last session: {error}") from error

    @property
    def duration_s(self) -> float:
        """From the first record to the last, by the station's UTC."""
        return (self.ended_utc - self.started_utc).total_seconds()
