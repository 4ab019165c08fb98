"""Delivery: what to do with the head of the outbox after each attempt. Pure; the client sends and writes.

OCPP 2.0.1 Part 2, E13, is about a transaction message that the central system refuses, or alone leaves unanswered while it
answers others. The message is sent again after MessageAttemptInterval times the number of preceding transmissions. After
MessageAttempts transmissions it is discarded. Silence on everything is no refusal (E13, remark: «different from … Offline»):
the message is sent again for as long as it takes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from chargepoint.store.rows import OutboxKind, OutboxRow

OTHER_ATTEMPTS_MAX = 2
"""A central system that ignores a security event does not keep what is billed waiting behind it."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Keep the row (with its new count of refusals) and send it again at this monotonic second."""

    row: OutboxRow
    at_s: float


@dataclass(frozen=True, slots=True)
class Discard:
    """The central system has refused it for good: delete the row, and write that to log and journal."""

    row: OutboxRow
    reason: str


def after_refusal(row: OutboxRow, code: str, attempts_max: int, interval_s: float, now_s: float) -> RetryAt | Discard:
    """The central system answered with CALLERROR."""
    refused = replace(row, attempts=row.attempts + 1)
    if row.kind is OutboxKind.OTHER or refused.attempts >= attempts_max:  # E13.FR.04
        return Discard(refused, f"{code} after {refused.attempts} of {attempts_max} attempts")
    return RetryAt(refused, now_s + interval_s * refused.attempts)  # E13.FR.03


def after_silence(
    row: OutboxRow, answers_others: bool, attempts_max: int, interval_s: float, now_s: float
) -> RetryAt | Discard:
    """No answer in time. `answers_others`: the central system answered something else since, so it ignores this one."""
    if not answers_others:
        return RetryAt(row, now_s + interval_s)
    ignored = replace(row, attempts=row.attempts + 1)
    most = attempts_max if row.kind is OutboxKind.TRANSACTION else min(attempts_max, OTHER_ATTEMPTS_MAX)
    if ignored.attempts >= most:
        return Discard(ignored, f"not answered after {ignored.attempts} of {most} attempts")
    return RetryAt(ignored, now_s + interval_s * ignored.attempts)
