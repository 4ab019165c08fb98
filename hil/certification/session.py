"""What a case has done at one EVSE so far: the situation the reusable states of Part 6 build on."""

from __future__ import annotations

from dataclasses import dataclass, field

from hil.certification.pics import Token


@dataclass(slots=True)
class ChargingSession:
    """One visit of a car. The reusable states set these facts; cases read them."""

    evse_id: int
    plugged: bool = False
    plugged_first: bool = False
    """The car came before the authorisation."""
    authorized: bool = False
    charging: bool = False
    stop_authorized: bool = False
    remote: bool = False
    """The central system authorised it."""
    remote_start_id: int | None = None
    token: Token | None = None
    transaction_id: str | None = None
    """From the first TransactionEvent that was taken."""
    ended: bool = False
    start_points: frozenset[str] = field(default=frozenset())
    """TxStartPoint of the station, read when the first state needs it."""
    stop_points: frozenset[str] = field(default=frozenset())

    @property
    def started(self) -> bool:
        """Whether a transaction is under way."""
        return self.transaction_id is not None and not self.ended
