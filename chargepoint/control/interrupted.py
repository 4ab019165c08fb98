"""A transaction that the daemon's previous run left open, while it is not known whether its car goes on."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.transactions import StopReason
from chargepoint.transactions.ledger import LedgerState


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A transaction of the daemon's previous run whose car may go on. `until_s`: how long a clear pilot is waited for."""

    state: LedgerState
    reason: StopReason
    car_paused: bool
    until_s: float
