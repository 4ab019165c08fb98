"""What one EVSE bills: the last meter reading and the transaction book joined. Records and readings leave as effects.

A core. A reading counts only while it is fresh; the registers of an older one close a transaction where no other is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from chargepoint.control.effects import Effect, KeepLastSession, ReportReading, StoreRecord, WriteLine
from chargepoint.control.last_session import LastSession
from chargepoint.evse.events import BeginTransaction, EndTransaction, UpdateTransaction
from chargepoint.model.commands import ReportKind
from chargepoint.model.ids import EvseId
from chargepoint.model.image import MeterRegisters
from chargepoint.model.instant import Instant
from chargepoint.model.transactions import ChargingState, MeterSample, ReadingContext, TriggerReason
from chargepoint.transactions.book import BookOutput, Closing, ReadingTaken, RecordMade, TransactionBook
from chargepoint.transactions.ledger import LedgerState, RegisterFault
from chargepoint.transactions.sampling import SamplingIntervals


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a sample carries beside the registers. `meter_fresh`: the last reading may be billed as one of this moment.

    `setpoint_W`: the power that shall flow, positive into the car.
    """

    at: Instant
    meter_fresh: bool
    soc_percent: float | None
    setpoint_W: float


class Billing:
    """One EVSE's readings and records. `effects`: where they are put.

    `circumstances` gives those of this moment, or None before anything happened; `intervals` is read when needed.
    """

    def __init__(
        self,
        evse_id: EvseId,
        effects: list[Effect],
        circumstances: Callable[[], Circumstances | None],
        intervals: Callable[[], SamplingIntervals],
    ) -> None:
        self._evse_id = evse_id
        self._effects = effects
        self._circumstances = circumstances
        self._intervals = intervals
        self._meter: MeterRegisters | None = None
        self._book = TransactionBook(evse_id, self._sample)
        self.last_session: LastSession | None = None

    # -- for readers -------------------------------------------------------------------------------------------------

    @property
    def transaction(self) -> LedgerState | None:
        """The running transaction as billed so far."""
        return self._book.state

    @property
    def idle(self) -> bool:
        """No transaction runs, and none of the previous run waits to be closed."""
        return self._book.idle

    @property
    def energy_now_Wh(self) -> tuple[float, float]:
        """Import and export of the running transaction by the meter as last read; what is billed is in the records."""
        state, meter = self._book.state, self._meter
        if state is None or meter is None:
            return self._book.ledger.energy_Wh
        return meter.import_Wh - state.begin.import_Wh, meter.export_Wh - state.begin.export_Wh

    # -- what happens --------------------------------------------------------------------------------------------------

    def note_meter(self, meter: MeterRegisters | None) -> None:
        """The meter as just reported; None where it gave no reading, and the last one stays."""
        self._meter = meter or self._meter

    def begin(
        self, begin: BeginTransaction, at: Instant, charging_state: ChargingState = ChargingState.EV_CONNECTED
    ) -> bool:
        """Open the transaction. False where the meter gave no reading: without a record no power may flow."""
        return self._keep(
            self._book.begin(
                begin.transaction_id,
                begin.trigger,
                begin.token,
                begin.remote_start_id,
                self._intervals(),
                at,
                charging_state,
            )
        )

    def authorized(self, begin: BeginTransaction) -> bool:
        """The open transaction gets its token. False where the meter gave no reading."""
        return begin.token is not None and self._keep(
            self._book.authorize(begin.token, begin.trigger, begin.remote_start_id)
        )

    def permission_over(self, end: EndTransaction) -> None:
        """The open transaction goes on without power."""
        self._keep(self._book.permission_over(end.trigger, end.token))

    def update(self, update: UpdateTransaction) -> None:
        """The charging state changed."""
        self._keep(self._book.change_state(update.trigger, update.charging_state))

    def end(self, end: EndTransaction, at: Instant, *, plugged: bool) -> None:
        """End the running transaction."""
        self._keep(self._book.end(end.trigger, end.reason, end.token, plugged=plugged, detail=end.detail, at=at))

    def report(self, kind: ReportKind, trigger: TriggerReason) -> None:
        """Read the meter now and report it."""
        self._keep(self._book.report(trigger) if kind is ReportKind.TRANSACTION else self._book.report_reading())

    def keep_time(self, at: Instant) -> None:
        """Periodic samples, and the end of waiting for a reading."""
        self._keep(self._book.keep_time(self._intervals(), at))

    def power_is_off(self, at: Instant) -> None:
        """No power flows: a reading taken now is final for a transaction of the previous run."""
        self._keep(self._book.power_is_off(at))

    # -- what the previous run left ------------------------------------------------------------------------------------

    def resume(self, state: LedgerState, at: Instant) -> bool:
        """Go on with this transaction of the previous run. False while the meter gives no reading: call again."""
        return self._keep(self._book.resume(state, self._intervals(), at))

    def close_left_open(self, state: LedgerState, closing: Closing, at: Instant) -> None:
        """End this transaction of the previous run so, with the first fresh reading."""
        self._book.restore(state, closing, at.monotonic_s)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _keep(self, outputs: list[BookOutput]) -> bool:
        """Whether there was anything to keep."""
        for output in outputs:
            match output:
                case RecordMade(record, state, closed, detail):
                    self._effects.append(StoreRecord(self._evse_id, record, state))
                    if closed is not None:
                        self.last_session = LastSession.of(closed, record, detail)
                        self._effects.append(KeepLastSession(self._evse_id, self.last_session))
                case ReadingTaken(sample):
                    self._effects.append(ReportReading(self._evse_id, sample))
                case RegisterFault(_, register, before_Wh, after_Wh):
                    text = f"meter's {register} register went back from {before_Wh:.3f} to {after_Wh:.3f} Wh"
                    self._effects.append(WriteLine(self._evse_id, "!", f"{text}: reading refused"))
        return bool(outputs)

    def _sample(self, context: ReadingContext, *, however_old: bool = False) -> MeterSample | None:
        """See `Sampler`. The last reading outlives a power process that was started again and has read nothing yet."""
        meter, now = self._meter, self._circumstances()
        if meter is None or now is None or not (however_old or now.meter_fresh):
            return None
        return MeterSample(
            at_utc=now.at.utc - timedelta(seconds=max(0.0, now.at.monotonic_s - meter.taken_at_s)),
            context=context,
            import_Wh=meter.import_Wh,
            export_Wh=meter.export_Wh,
            power_W=meter.power_W,
            voltage_V=meter.voltage_V,
            current_A=meter.current_A,
            soc_percent=now.soc_percent,
            setpoint_W=now.setpoint_W,
        )
