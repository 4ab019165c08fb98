"""One EVSE's transaction book: when a record is made, what the last run left open, and readings outside a transaction.

A core. Records go out as `RecordMade`, with the ledger's state to store in the same commit; time comes in as a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chargepoint.model.ids import EvseId, IdToken, TransactionId
from chargepoint.model.instant import Instant
from chargepoint.model.transactions import (
    ChargingState,
    MeterSample,
    ReadingContext,
    StopReason,
    TransactionRecord,
    TriggerReason,
)
from chargepoint.transactions.ledger import Ledger, LedgerState, RegisterFault
from chargepoint.transactions.sampling import Sampling, SamplingIntervals

CONNECTOR_ID = 1

RESTORE_PATIENCE_S = 10.0
"""After a restart the first fresh meter reading is waited for this long; then the last stored one is final."""


@dataclass(frozen=True, slots=True)
class RecordMade:
    """Store the record and `state` together; `state` None: the transaction is closed, forget it.

    `closed`: with the Ended record, the transaction as it stood before. `detail`: then also one sentence with the cause.
    """

    record: TransactionRecord
    state: LedgerState | None
    closed: LedgerState | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ReadingTaken:
    """A reading to report outside any transaction."""

    sample: MeterSample


BookOutput = RecordMade | ReadingTaken | RegisterFault


class Sampler(Protocol):
    """A source of meter readings."""

    def __call__(self, context: ReadingContext, *, however_old: bool = False) -> MeterSample | None:
        """The reading with the time it was taken, if it is fresh or `however_old` is set; never an invented number."""


@dataclass(frozen=True, slots=True)
class Closing:
    """How a transaction that the last run left open ends: what its Ended record says. `detail`: one sentence with the cause."""

    reason: StopReason
    trigger: TriggerReason = TriggerReason.ABNORMAL_CONDITION
    id_token: IdToken | None = None
    detail: str = "open when the daemon ended"


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """A transaction the last run left open, how it ends, and until when a reading is waited for."""

    state: LedgerState
    closing: Closing
    until_s: float


class TransactionBook:
    """Makes records. Every method returns what is to be stored or reported, in order."""

    def __init__(self, evse_id: EvseId, sample: Sampler) -> None:
        self.ledger = Ledger(evse_id, CONNECTOR_ID)
        self._sample = sample
        self._left_open: LeftOpen | None = None
        self._intervals: SamplingIntervals | None = None
        self._between: Sampling | None = None

    @property
    def state(self) -> LedgerState | None:
        """The running transaction."""
        return self.ledger.state

    @property
    def idle(self) -> bool:
        """No transaction runs, and none of the last run waits to be closed."""
        return self.ledger.state is None and self._left_open is None

    # -- a transaction's life --------------------------------------------------------------------------------------

    def begin(
        self,
        transaction_id: TransactionId,
        trigger: TriggerReason,
        id_token: IdToken | None,
        remote_start_id: int | None,
        intervals: SamplingIntervals,
        at: Instant,
        charging_state: ChargingState = ChargingState.EV_CONNECTED,
    ) -> list[BookOutput]:
        """Start a transaction. Empty where the meter gave no reading: without a record no power may flow."""
        sample = self._sample(ReadingContext.TRANSACTION_BEGIN)
        if sample is None:
            return []
        out = [] if self._left_open is None else self._close_left_open(sample, at)
        self._configure(intervals, at)
        record = self.ledger.start(
            transaction_id,
            sample,
            trigger,
            at.monotonic_s,
            charging_state,
            id_token=id_token,
            remote_start_id=remote_start_id,
        )
        return [*out, self._made(record)]

    def authorize(self, id_token: IdToken, trigger: TriggerReason, remote_start_id: int | None) -> list[BookOutput]:
        """The running transaction gets its token. Empty where the meter gave no reading."""
        sample = self._sample(ReadingContext.OTHER)
        if sample is None or self.ledger.state is None:
            return []
        return [self._made(self.ledger.authorized(id_token, sample, trigger, remote_start_id))]

    def permission_over(self, trigger: TriggerReason, id_token: IdToken | None) -> list[BookOutput]:
        """The running transaction goes on without power; nobody is authorised any more."""
        sample = self._sample(ReadingContext.OTHER, however_old=True)
        if sample is None or self.ledger.state is None:
            return []
        return [self._made(self.ledger.permission_over(trigger, sample, id_token))]

    def change_state(self, trigger: TriggerReason, charging_state: ChargingState) -> list[BookOutput]:
        """The charging state changed; without a reading no record is made, and the next sample carries the state."""
        sample = self._sample(ReadingContext.OTHER)
        if sample is None or self.ledger.state is None:
            return []
        record = self.ledger.state_changed(charging_state, sample, trigger)
        return [] if record is None else [self._made(record)]

    def end(
        self,
        trigger: TriggerReason,
        reason: StopReason,
        id_token: IdToken | None,
        *,
        plugged: bool,
        at: Instant,
        detail: str = "",
    ) -> list[BookOutput]:
        """End the running transaction with the registers of now, or else with those of the meter's last answer."""
        closed = self.ledger.state
        if closed is None:
            return []
        record = self.ledger.end(
            self._sample(ReadingContext.TRANSACTION_END, however_old=True),
            trigger,
            reason,
            at_utc=at.utc,
            charging_state=ChargingState.EV_CONNECTED if plugged else ChargingState.IDLE,
            id_token=id_token,
        )
        return [RecordMade(record, None, closed, detail)]

    def report(self, trigger: TriggerReason = TriggerReason.TRIGGER) -> list[BookOutput]:
        """Read the meter now, as a record where a transaction runs."""
        asked_for = trigger is TriggerReason.TRIGGER
        sample = self._sample(ReadingContext.TRIGGER if asked_for else ReadingContext.OTHER)
        if sample is None or self.ledger.state is None:
            return self.report_reading()
        return [self._made(self.ledger.event(trigger, sample))]

    def report_reading(self) -> list[BookOutput]:
        """Read the meter now, outside any transaction."""
        return _reading(self._sample(ReadingContext.TRIGGER))

    def keep_time(self, intervals: SamplingIntervals, at: Instant) -> list[BookOutput]:
        """The outputs that are due at this time: periodic samples, readings between transactions, the end of waiting for a reading."""
        out: list[BookOutput] = []
        if self._left_open is not None and at.monotonic_s >= self._left_open.until_s:
            out += self._close_left_open(None, at)  # no power process answers: what was stored is final
        if self.ledger.state is None:
            return out + self._between_transactions(intervals, at)
        self._between = None
        self._configure(intervals, at)
        for_the_end = self.ledger.due_for_the_end(at.monotonic_s, at.utc)
        sample = None if for_the_end is None else self._sample(for_the_end)
        if sample is not None:
            self.ledger.keep_for_the_end(sample)
        context = self.ledger.due(at.monotonic_s, at.utc)
        sample = None if context is None else self._sample(context)
        if sample is not None:
            out.append(self._made(self.ledger.sample(sample)))
        return [*out, *self.ledger.faults()]

    # -- what the last run left --------------------------------------------------------------------------------------

    def restore(self, state: LedgerState, closing: Closing, now_s: float) -> None:
        """A transaction the last run left open: it ends so with the first fresh reading."""
        self._left_open = LeftOpen(state, closing, now_s + RESTORE_PATIENCE_S)

    def resume(self, state: LedgerState, intervals: SamplingIntervals, at: Instant) -> list[BookOutput]:
        """Go on with a transaction the last run left open. Empty while the meter gives no reading: call again."""
        sample = self._sample(ReadingContext.OTHER)
        if sample is None:
            return []
        self._configure(intervals, at)
        return [self._made(self.ledger.resume(state, sample, at.monotonic_s))]

    def power_is_off(self, at: Instant) -> list[BookOutput]:
        """No power flows. A reading taken now is final for a transaction that a previous run left open."""
        if self._left_open is None:
            return []
        sample = self._sample(ReadingContext.TRANSACTION_END)
        return [] if sample is None else self._close_left_open(sample, at)

    def _close_left_open(self, sample: MeterSample | None, at: Instant) -> list[BookOutput]:
        assert self._left_open is not None
        left, self._left_open = self._left_open, None
        closing = left.closing
        record = self.ledger.restore(
            left.state, sample, at.utc, closing.reason, trigger=closing.trigger, id_token=closing.id_token
        )
        return [RecordMade(record, None, left.state, closing.detail)]

    # -- inside ----------------------------------------------------------------------------------------------------------

    def _made(self, record: TransactionRecord) -> RecordMade:
        return RecordMade(record, self.ledger.state)

    def _configure(self, intervals: SamplingIntervals, at: Instant) -> None:
        """The intervals may change while a transaction runs (SetVariables)."""
        if intervals != self._intervals:
            self._intervals = intervals
            self.ledger.configure(intervals, at.monotonic_s)

    def _between_transactions(self, intervals: SamplingIntervals, at: Instant) -> list[BookOutput]:
        """Clock-aligned readings while no transaction runs (J01.FR.14)."""
        aligned = SamplingIntervals(0.0, intervals.aligned_s)
        if self._between is None or self._between.intervals != aligned:
            self._between = Sampling(aligned)
            self._between.start(at.monotonic_s, at.utc)
        context = self._between.due(at.monotonic_s, at.utc)
        return _reading(None if context is None else self._sample(context))


def _reading(sample: MeterSample | None) -> list[BookOutput]:
    return [] if sample is None else [ReadingTaken(sample)]
