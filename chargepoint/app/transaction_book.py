"""One EVSE's transactions on their way from the ledger to the disk and the outbox, and what the last run left open."""

from __future__ import annotations

import asyncio
import logging
import uuid
from datetime import datetime
from typing import Protocol

from chargepoint.app.work_queue import WorkQueue
from chargepoint.evse.events import BeginTransaction, EndTransaction
from chargepoint.model.ids import EvseId, TransactionId
from chargepoint.model.transactions import (
    ChargingState,
    MeterSample,
    ReadingContext,
    StopReason,
    TransactionEventType,
    TransactionRecord,
    TriggerReason,
)
from chargepoint.ocpp.client import OcppClient
from chargepoint.ports import Clock
from chargepoint.store.database import Store
from chargepoint.store.errors import StoreError
from chargepoint.store.rows import OpenTransaction
from chargepoint.transactions.ledger import Ledger, LedgerState
from chargepoint.transactions.sampling import Sampling, SamplingIntervals

CONNECTOR_ID = 1
RESTORE_PATIENCE_S = 10.0
"""After a restart the first fresh meter reading is waited for this long; then the last stored one is final."""

STORE_RETRY_S = 1.0


class Sampler(Protocol):
    """Reads the meter."""

    def __call__(self, context: ReadingContext, *, however_old: bool = False) -> MeterSample | None:
        """The meter as last read, with the time of that, if it is fresh or `however_old` it is; never a number made up."""


class TransactionBook:
    """Writes records; each is committed with its message before it is told (`Store.commit_record`)."""

    def __init__(
        self,
        evse_id: EvseId,
        store: Store,
        ocpp: OcppClient,
        clock: Clock,
        work: WorkQueue,
        sample: Sampler,
        log: logging.Logger,
    ) -> None:
        self.evse_id = evse_id
        self.ledger = Ledger(evse_id, CONNECTOR_ID)
        self._store = store
        self._ocpp = ocpp
        self._clock = clock
        self._work = work
        self._sample = sample
        self._log = log
        self._left_open: tuple[LedgerState, StopReason, float] | None = None
        self._intervals: SamplingIntervals | None = None
        self._idle: Sampling | None = None

    @property
    def state(self) -> LedgerState | None:
        """The running transaction."""
        return self.ledger.state

    @property
    def idle(self) -> bool:
        """No transaction runs, and none of the last run waits to be closed."""
        return self.ledger.state is None and self._left_open is None

    # -- a transaction's life ------------------------------------------------------------------------------------

    def begin(self, begin: BeginTransaction, now_s: float) -> TransactionId | None:
        """Start one; None where the meter gave no reading: without a record nothing may flow."""
        sample = self._sample(ReadingContext.TRANSACTION_BEGIN)
        if sample is None:
            return None
        if self._left_open is not None:
            self._close_left_open(sample)
        transaction_id = TransactionId(str(uuid.uuid4()))
        self._configure_sampling(now_s)
        record = self.ledger.start(
            transaction_id,
            sample,
            begin.trigger,
            now_s,
            id_token=begin.token,
            remote_start_id=begin.remote_start_id,
        )
        self._log.info("= transaction %s started", transaction_id)
        self._commit(record)
        return transaction_id

    def change_state(self, trigger: TriggerReason, charging_state: ChargingState) -> None:
        """The charging state changed; unsaid where the meter is silent, the next sample tells it."""
        sample = self._sample(ReadingContext.OTHER)
        if sample is not None and self.ledger.state is not None:
            record = self.ledger.state_changed(charging_state, sample, trigger)
            if record is not None:
                self._commit(record)

    def end(self, end: EndTransaction, *, plugged: bool) -> None:
        """End the running one with the registers as they are now, or were when the meter was last heard."""
        if self.ledger.state is None:
            return
        record = self.ledger.end(
            self._sample(ReadingContext.TRANSACTION_END, however_old=True),
            end.trigger,
            end.reason,
            at_utc=self._clock.utc(),
            charging_state=ChargingState.EV_CONNECTED if plugged else ChargingState.IDLE,
            id_token=end.token,
        )
        self._log.info("= transaction ended: %s", end.reason.value)
        self._commit(record)

    def report(self) -> None:
        """Read the meter now and tell it, as a record where a transaction runs."""
        sample = self._sample(ReadingContext.TRIGGER)
        if sample is not None and self.ledger.state is not None:
            self._commit(self.ledger.event(TriggerReason.TRIGGER, sample))
        else:
            self.report_reading()

    def report_reading(self) -> None:
        """Read the meter now and tell it, outside any transaction."""
        self._tell_reading(self._sample(ReadingContext.TRIGGER))

    def keep_time(self, now_s: float, utc: datetime) -> None:
        """What is due by the clock: periodic samples, idle readings, the end of waiting for a reading."""
        if self._left_open is not None and now_s >= self._left_open[2]:
            self._close_left_open(None)  # no power process to ask: what was stored is final
        if self.ledger.state is None:
            self._tell_idle_reading(now_s, utc)
            return
        self._idle = None
        self._configure_sampling(now_s)
        context = self.ledger.due(now_s, utc)
        sample = None if context is None else self._sample(context)
        if sample is not None:
            self._commit(self.ledger.sample(sample))
        for fault in self.ledger.faults():
            self._log.error(
                "! meter's %s register went back from %.3f to %.3f Wh: reading refused",
                fault.register,
                fault.before_Wh,
                fault.after_Wh,
            )

    # -- what the last run left ------------------------------------------------------------------------------------

    def restore(self, state: LedgerState, reason: StopReason) -> None:
        """A transaction the last run left open: ends with the first fresh reading."""
        self._left_open = (state, reason, self._clock.monotonic_s() + RESTORE_PATIENCE_S)
        self._log.warning("* transaction %s was open when the daemon ended; closing it", state.transaction_id)

    def power_is_off(self) -> None:
        """Nothing flows: a reading taken now is final for what was left open."""
        if self._left_open is not None:
            sample = self._sample(ReadingContext.TRANSACTION_END)
            if sample is not None:
                self._close_left_open(sample)

    def _close_left_open(self, sample: MeterSample | None) -> None:
        assert self._left_open is not None
        state, reason, _ = self._left_open
        self._left_open = None
        self._commit(self.ledger.restore(state, sample, self._clock.utc(), reason))

    # -- inside ------------------------------------------------------------------------------------------------------

    def _commit(self, record: TransactionRecord) -> None:
        """Ledger state and message in one database transaction; tried until it is on the disk."""
        row = self._ocpp.outbox_row(record)
        state = self.ledger.state
        keep: OpenTransaction | int = int(self.evse_id)
        if record.type is not TransactionEventType.ENDED and state is not None:
            keep = OpenTransaction(int(self.evse_id), str(state.transaction_id), state.to_json())

        async def commit() -> None:
            while True:
                try:
                    await self._store.commit_record(keep, row)
                    break
                except StoreError as error:
                    self._log.error("! record %d of the transaction not stored, trying again: %s", record.seq_no, error)
                    await asyncio.sleep(STORE_RETRY_S)
            self._ocpp.outbox_changed()
            self._ocpp.states_changed()

        self._work.add_always(commit)

    def _configure_sampling(self, now_s: float) -> None:
        """The intervals may change while a transaction runs (SetVariables)."""
        intervals = SamplingIntervals(*self._ocpp.sampling_intervals())
        if intervals != self._intervals:
            self._intervals = intervals
            self.ledger.configure(intervals, now_s)

    def _tell_idle_reading(self, now_s: float, utc: datetime) -> None:
        """Clock-aligned readings while no transaction runs (J01.FR.14)."""
        intervals = SamplingIntervals(0.0, self._ocpp.sampling_intervals()[1])
        if self._idle is None or self._idle.intervals != intervals:
            self._idle = Sampling(intervals)
            self._idle.start(now_s, utc)
        context = self._idle.due(now_s, utc)
        self._tell_reading(None if context is None else self._sample(context))

    def _tell_reading(self, sample: MeterSample | None) -> None:
        if sample is not None:
            self._work.add(lambda: self._ocpp.meter_values(self.evse_id, sample))
