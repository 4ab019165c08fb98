"""Delivery: what to do with the head of the outbox after each attempt. Pure; the client sends and writes.

OCPP 2.0.1 Part 2, E13: a refused transaction message is sent again after MessageAttemptInterval times the number of
preceding transmissions, MessageAttempts times at most, then discarded. No answer at all is no refusal: it is sent again
for as long as it takes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from chargepoint.store.rows import OutboxKind, OutboxRow


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Keep the row (with its new count of refusals) and send it again at this monotonic second."""

    row: OutboxRow
    at_s: float


@dataclass(frozen=True, slots=True)
class Discard:
    """The central system has refused it for good: delete the row, and tell it in log and journal."""

    row: OutboxRow
    reason: str


def after_refusal(row: OutboxRow, code: str, attempts_max: int, interval_s: float, now_s: float) -> RetryAt | Discard:
    """The central system answered with CALLERROR."""
    refused = replace(row, attempts=row.attempts + 1)
    if row.kind is OutboxKind.OTHER or refused.attempts >= attempts_max:  # E13.FR.04
        return Discard(refused, f"{code} after {refused.attempts} of {attempts_max} attempts")
    return RetryAt(refused, now_s + interval_s * refused.attempts)  # E13.FR.03


def after_silence(row: OutboxRow, interval_s: float, now_s: float) -> RetryAt:
    """No answer in time: the same message again, not counted."""
    return RetryAt(row, now_s + interval_s)
