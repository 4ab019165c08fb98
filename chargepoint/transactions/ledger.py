"""The ledger: one EVSE's transaction, numbered record by record, and the energy it stands for.

Owns seqNo, the charging state and the registers of the open transaction. Pure: time and samples come in as values, the
whole state goes out as a frozen, JSON-able `LedgerState` for the store. OCPP 2.0.1 Part 2, E01 to E06, J02.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum
from typing import Any

from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.transactions import (
    ChargingState,
    MeterSample,
    ReadingContext,
    StopReason,
    TransactionEventType,
    TransactionRecord,
    TriggerReason,
)
from chargepoint.transactions.sampling import Sampling, SamplingIntervals

END_SAMPLES_MAX = 240
"""Readings between the first and the last in one Ended record: about 130 KB of message with every measurand."""


class LedgerError(Exception):
    """The caller asked for what cannot be in this state (a second start, a sample without transaction)."""


@dataclass(frozen=True, slots=True)
class RegisterFault:
    """An energy register went backwards: the reading was refused and the last good one kept (J02.FR.16).

    Reported once per episode; the episode ends when the register is back at or above the last good value.
    """

    evse_id: EvseId
    register: str
    before_Wh: float
    after_Wh: float


@dataclass(frozen=True, slots=True)
class LedgerState:
    """Everything an open transaction is, after its last record."""

    transaction_id: TransactionId
    evse_id: EvseId
    connector_id: int
    next_seq_no: int
    charging_state: ChargingState
    begin: MeterSample
    last: MeterSample
    id_token: IdToken | None = None
    remote_start_id: int | None = None

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(_plain(self), default=_plain, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> LedgerState:
        """The inverse of `to_json`. Raises ValueError on anything else."""
        try:
            d = json.loads(text)
            token = d["id_token"]
            return cls(
                transaction_id=TransactionId(d["transaction_id"]),
                evse_id=EvseId(d["evse_id"]),
                connector_id=d["connector_id"],
                next_seq_no=d["next_seq_no"],
                charging_state=ChargingState(d["charging_state"]),
                begin=_sample(d["begin"]),
                last=_sample(d["last"]),
                id_token=None if token is None else IdToken(token["value"], IdTokenType(token["type"])),
                remote_start_id=d["remote_start_id"],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a ledger state: {error}") from error


class Ledger:
    """One EVSE's transaction. Every method that makes a record also moves `state`; store both in one commit.

    A record exists once it is returned: seqNo runs from 0 without gaps and never repeats (E04.FR.04, «Sequence Number
    Generation»). Registers are taken as the meter gave them and never re-based (J02.FR.17).
    """

    def __init__(self, evse_id: EvseId, connector_id: int = 1, intervals: SamplingIntervals | None = None) -> None:
        self._evse_id = evse_id
        self._connector_id = connector_id
        intervals = intervals or SamplingIntervals()
        self._sampling = Sampling(intervals.in_transaction)
        self._for_the_end = Sampling(intervals.for_the_end)
        self._end_samples: list[MeterSample] = []
        self._state: LedgerState | None = None
        self._faults: list[RegisterFault] = []
        self._backwards: set[str] = set()

    @property
    def state(self) -> LedgerState | None:
        """The open transaction, or None."""
        return self._state

    @property
    def energy_Wh(self) -> tuple[float, float]:
        """Import and export of the open transaction, each a register difference >= 0; (0, 0) without one."""
        if self._state is None:
            return 0.0, 0.0
        s = self._state
        return s.last.import_Wh - s.begin.import_Wh, s.last.export_Wh - s.begin.export_Wh

    def faults(self) -> tuple[RegisterFault, ...]:
        """Faults since the last call."""
        faults, self._faults = tuple(self._faults), []
        return faults

    def configure(self, intervals: SamplingIntervals, now_s: float) -> None:
        """New sampling intervals, also for the open transaction."""
        self._sampling.configure(intervals.in_transaction, now_s)
        self._for_the_end.configure(intervals.for_the_end, now_s)

    def due(self, now_s: float, at_utc: datetime) -> ReadingContext | None:
        """The sample that is due now, once per beat: read the meter and hand it to `sample`."""
        return self._sampling.due(now_s, at_utc)

    def due_for_the_end(self, now_s: float, at_utc: datetime) -> ReadingContext | None:
        """The sample that is due now for the Ended record: read the meter and hand it to `keep_for_the_end`."""
        return self._for_the_end.due(now_s, at_utc)

    def keep_for_the_end(self, sample: MeterSample) -> None:
        """A reading that the Ended record carries (J01.FR.15, J02.FR.10). It is lost with the process; what is billed is not.

        Above END_SAMPLES_MAX every second one is dropped (E06.FR.12).
        """
        self._end_samples.append(self._take(sample))
        if len(self._end_samples) > END_SAMPLES_MAX:
            self._end_samples = self._end_samples[1::2]

    def deadline_s(self, now_s: float, at_utc: datetime) -> float | None:
        """The monotonic second at which `due` can next return a sample; None: never."""
        return self._sampling.deadline_s(now_s, at_utc)

    # -- a transaction's life ----------------------------------------------------------------------------------------

    def start(
        self,
        transaction_id: TransactionId,
        sample: MeterSample,
        trigger: TriggerReason,
        now_s: float,
        charging_state: ChargingState = ChargingState.EV_CONNECTED,
        id_token: IdToken | None = None,
        remote_start_id: int | None = None,
    ) -> TransactionRecord:
        """Open a transaction; the record is Started with seqNo 0. Raises LedgerError if one is open."""
        if self._state is not None:
            raise LedgerError(f"EVSE {self._evse_id}: transaction {self._state.transaction_id} is still open")
        begin = replace(sample, context=ReadingContext.TRANSACTION_BEGIN)
        self._backwards.clear()
        self._state = LedgerState(
            transaction_id=transaction_id,
            evse_id=self._evse_id,
            connector_id=self._connector_id,
            next_seq_no=0,
            charging_state=charging_state,
            begin=begin,
            last=begin,
            id_token=id_token,
            remote_start_id=remote_start_id,
        )
        self._start_sampling(now_s, sample)
        return self._record(
            TransactionEventType.STARTED,
            trigger,
            sample.at_utc,
            (begin,),
            id_token=id_token,
            remote_start_id=remote_start_id,
        )

    def sample(self, sample: MeterSample, trigger: TriggerReason | None = None) -> TransactionRecord:
        """A meter reading as an Updated record. Without `trigger` it follows from the sample's context."""
        reading = self._take(sample)
        if trigger is None:
            trigger = _TRIGGERS.get(sample.context, TriggerReason.METER_VALUE_PERIODIC)
        return self._record(TransactionEventType.UPDATED, trigger, sample.at_utc, (reading,))

    def state_changed(
        self,
        charging_state: ChargingState,
        sample: MeterSample,
        trigger: TriggerReason = TriggerReason.CHARGING_STATE_CHANGED,
    ) -> TransactionRecord | None:
        """A change of the charging state as an Updated record; None where it did not change."""
        state = self._open()
        if state.charging_state is charging_state:
            self._take(sample)
            return None
        reading = self._take(sample)
        self._state = replace(self._open(), charging_state=charging_state)
        return self._record(TransactionEventType.UPDATED, trigger, sample.at_utc, (reading,))

    def authorized(
        self,
        id_token: IdToken,
        sample: MeterSample,
        trigger: TriggerReason = TriggerReason.AUTHORIZED,
        remote_start_id: int | None = None,
    ) -> TransactionRecord:
        """The open transaction gets its token (E03, F02.FR.21): an Updated record that names it once."""
        reading = self._take(sample)
        self._state = replace(self._open(), id_token=id_token, remote_start_id=remote_start_id)
        return self._record(
            TransactionEventType.UPDATED,
            trigger,
            sample.at_utc,
            (reading,),
            id_token=id_token,
            remote_start_id=remote_start_id,
        )

    def permission_over(
        self, trigger: TriggerReason, sample: MeterSample, id_token: IdToken | None = None
    ) -> TransactionRecord:
        """The open transaction goes on without a token and without power: an Updated record, EVConnected."""
        reading = self._take(sample)
        self._state = replace(
            self._open(), id_token=None, remote_start_id=None, charging_state=ChargingState.EV_CONNECTED
        )
        return self._record(TransactionEventType.UPDATED, trigger, sample.at_utc, (reading,), id_token=id_token)

    def event(self, trigger: TriggerReason, sample: MeterSample, id_token: IdToken | None = None) -> TransactionRecord:
        """An Updated record for another trigger (Deauthorized, RemoteStop, EVDeparted, StopAuthorized with its token …)."""
        return self._record(
            TransactionEventType.UPDATED, trigger, sample.at_utc, (self._take(sample),), id_token=id_token
        )

    def end(
        self,
        sample: MeterSample | None,
        trigger: TriggerReason,
        stopped_reason: StopReason,
        at_utc: datetime | None = None,
        charging_state: ChargingState | None = None,
        id_token: IdToken | None = None,
    ) -> TransactionRecord:
        """Close the transaction; the record is Ended and carries the first and the last reading, and those kept for the end.

        Without a sample (meter silent) the last good reading is the final one. `at_utc` defaults to the sample's.
        """
        state = self._open()
        final = replace(state.last if sample is None else self._take(sample), context=ReadingContext.TRANSACTION_END)
        state = self._open()
        if charging_state is not None:
            self._state = state = replace(state, charging_state=charging_state)
        when = at_utc or (sample.at_utc if sample is not None else final.at_utc)
        record = self._record(
            TransactionEventType.ENDED,
            trigger,
            when,
            (state.begin, *self._end_samples, final),
            id_token=id_token,
            stopped_reason=stopped_reason,
        )
        self._state = None
        self._sampling.stop()
        self._for_the_end.stop()
        self._end_samples = []
        return record

    def restore(
        self,
        state: LedgerState,
        sample: MeterSample | None,
        at_utc: datetime,
        stopped_reason: StopReason,
        *,
        trigger: TriggerReason = TriggerReason.ABNORMAL_CONDITION,
        id_token: IdToken | None = None,
    ) -> TransactionRecord:
        """An open transaction found at start ends here, exactly once: commit the record and the closing together.

        The final reading is the first fresh one, if its registers do not lie below the stored ones; else the last
        stored. `stopped_reason` is PowerLoss or Reboot as the caller knows, or that of an order to stop. Raises LedgerError if
        one is open.
        """
        if self._state is not None:
            raise LedgerError(f"EVSE {self._evse_id}: transaction {self._state.transaction_id} is still open")
        if state.evse_id != self._evse_id:
            raise LedgerError(f"EVSE {self._evse_id}: the stored transaction is of EVSE {state.evse_id}")
        self._state = state
        self._backwards.clear()
        return self.end(
            sample, trigger, stopped_reason, at_utc=at_utc, charging_state=ChargingState.IDLE, id_token=id_token
        )

    def resume(self, state: LedgerState, sample: MeterSample, now_s: float) -> TransactionRecord:
        """An open transaction found at start goes on: an Updated record with the first fresh reading.

        Raises LedgerError if one is open, or for the transaction of another EVSE.
        """
        if self._state is not None:
            raise LedgerError(f"EVSE {self._evse_id}: transaction {self._state.transaction_id} is still open")
        if state.evse_id != self._evse_id:
            raise LedgerError(f"EVSE {self._evse_id}: the stored transaction is of EVSE {state.evse_id}")
        self._state = replace(state, charging_state=ChargingState.SUSPENDED_EV)
        self._backwards.clear()
        self._start_sampling(now_s, sample)
        return self.event(TriggerReason.CHARGING_STATE_CHANGED, sample)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _start_sampling(self, now_s: float, sample: MeterSample) -> None:
        self._end_samples = []
        self._sampling.start(now_s, sample.at_utc)
        self._for_the_end.start(now_s, sample.at_utc)

    def _open(self) -> LedgerState:
        if self._state is None:
            raise LedgerError(f"EVSE {self._evse_id}: no transaction is open")
        return self._state

    def _take(self, sample: MeterSample) -> MeterSample:
        """The sample with registers that never run backwards: a lower register is refused as a fault, and the last one kept."""
        state = self._open()
        import_Wh = self._register("import", state.last.import_Wh, sample.import_Wh)
        export_Wh = self._register("export", state.last.export_Wh, sample.export_Wh)
        taken = replace(sample, import_Wh=import_Wh, export_Wh=export_Wh)
        self._state = replace(state, last=taken)
        return taken

    def _register(self, name: str, before_Wh: float, after_Wh: float) -> float:
        if after_Wh >= before_Wh:
            self._backwards.discard(name)
            return after_Wh
        if name not in self._backwards:  # also where after_Wh is not a number
            self._backwards.add(name)
            self._faults.append(RegisterFault(self._evse_id, name, before_Wh, after_Wh))
        return before_Wh

    def _record(
        self,
        kind: TransactionEventType,
        trigger: TriggerReason,
        at_utc: datetime,
        samples: tuple[MeterSample, ...],
        id_token: IdToken | None = None,
        remote_start_id: int | None = None,
        stopped_reason: StopReason | None = None,
    ) -> TransactionRecord:
        state = self._open()
        self._state = replace(state, next_seq_no=state.next_seq_no + 1)
        return TransactionRecord(
            transaction_id=state.transaction_id,
            evse_id=state.evse_id,
            connector_id=state.connector_id,
            type=kind,
            seq_no=state.next_seq_no,
            trigger=trigger,
            at_utc=at_utc,
            charging_state=state.charging_state,
            id_token=id_token,
            remote_start_id=remote_start_id,
            stopped_reason=stopped_reason,
            samples=samples,
        )


_TRIGGERS = {
    ReadingContext.SAMPLE_PERIODIC: TriggerReason.METER_VALUE_PERIODIC,
    ReadingContext.SAMPLE_CLOCK: TriggerReason.METER_VALUE_CLOCK,
    ReadingContext.TRIGGER: TriggerReason.TRIGGER,
}


def _plain(value: object) -> object:
    """One step towards JSON: what is inside is left as it is. `dataclasses.asdict` would copy all of it for each record."""
    if isinstance(value, LedgerState | MeterSample | IdToken):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _sample(stored: dict[str, Any]) -> MeterSample:
    at_utc, context = datetime.fromisoformat(stored["at_utc"]), ReadingContext(stored["context"])
    return MeterSample(**{**stored, "at_utc": at_utc, "context": context})
