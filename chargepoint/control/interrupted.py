"""A transaction that the daemon's previous run left open, while it is not known whether its car goes on."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.instant import Instant
from chargepoint.model.transactions import StopReason
from chargepoint.transactions.ledger import LedgerState


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A transaction of the daemon's previous run whose car may go on. `until_s`: how long a clear pilot is waited for.

    `started_s`: when the transaction began, in monotonic seconds of this run; charging profiles count from there.
    """

    state: LedgerState
    reason: StopReason
    car_paused: bool
    until_s: float
    started_s: float


def started_s(state: LedgerState, at: Instant) -> float:
    """When the transaction began on the present monotonic clock, from its first record; not after `at`."""
    return at.monotonic_s - max(0.0, (at.utc - state.begin.at_utc).total_seconds())
