"""Readings and records of one EVSE: what is stored, what is reported, and which reading may close a transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from chargepoint.control.billing import Billing, Circumstances
from chargepoint.control.effects import Effect, KeepLastSession, ReportReading, StoreRecord, WriteLine
from chargepoint.evse.events import BeginTransaction, EndTransaction, UpdateTransaction
from chargepoint.model.commands import ReportKind
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import MeterRegisters
from chargepoint.model.instant import Instant
from chargepoint.model.transactions import (
    ChargingState,
    StopReason,
    TransactionEventType,
    TransactionRecord,
    TriggerReason,
)
from chargepoint.transactions.book import RESTORE_PATIENCE_S, Closing
from chargepoint.transactions.ledger import LedgerState
from chargepoint.transactions.sampling import SamplingIntervals

EVSE = EvseId(1)
T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
BEGIN = BeginTransaction(
    TransactionId("tx-1"), TriggerReason.AUTHORIZED, IdToken("04A1B2C3", IdTokenType.ISO14443), None
)
END = EndTransaction(TriggerReason.REMOTE_STOP, StopReason.REMOTE, None, "ordered by the central system")


@dataclass
class Desk:
    """A billing whose clock, meter and circumstances the test sets."""

    fresh: bool = True
    heard: bool = True
    intervals: SamplingIntervals = field(default_factory=lambda: SamplingIntervals(60.0, 0.0))
    now_s: float = 100.0
    effects: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.billing = Billing(EVSE, self.effects, self._circumstances, lambda: self.intervals)

    def _circumstances(self) -> Circumstances | None:
        return Circumstances(self.at, self.fresh, 55.0, -8000.0) if self.heard else None

    @property
    def at(self) -> Instant:
        return Instant(self.now_s, T0 + timedelta(seconds=self.now_s))

    def read(self, import_Wh: float, export_Wh: float = 700.0) -> None:
        self.billing.note_meter(MeterRegisters(import_Wh, export_Wh, 400.0, 20.0, 8000.0, self.now_s))

    @property
    def records(self) -> list[TransactionRecord]:
        return [effect.record for effect in self.effects if isinstance(effect, StoreRecord)]

    def left_open(self) -> LedgerState:
        """The state that a run stored before it ended."""
        self.read(5000.0)
        assert self.billing.begin(BEGIN, self.at)
        (stored,) = [effect.state for effect in self.effects if isinstance(effect, StoreRecord)]
        assert stored is not None
        return stored


def test_a_transaction_from_begin_to_end() -> None:
    desk = Desk()
    desk.read(5000.0)
    assert desk.billing.begin(BEGIN, desk.at)
    desk.billing.update(UpdateTransaction(TriggerReason.CHARGING_STATE_CHANGED, ChargingState.CHARGING))
    desk.now_s += 60.0
    desk.read(5200.0, 800.0)
    assert desk.billing.energy_now_Wh == (200.0, 100.0)
    desk.billing.keep_time(desk.at)
    desk.billing.end(END, desk.at, plugged=True)
    types = [record.type.value for record in desk.records]
    assert types == ["Started", "Updated", "Updated", "Ended"]
    assert desk.records[-1].samples[-1].setpoint_W == -8000.0
    assert desk.records[-1].samples[-1].soc_percent == 55.0
    (kept,) = [effect for effect in desk.effects if isinstance(effect, KeepLastSession)]
    assert kept.last is desk.billing.last_session
    assert (kept.last.import_Wh, kept.last.export_Wh, kept.last.detail) == (200.0, 100.0, END.detail)
    assert desk.billing.idle


@pytest.mark.parametrize("broken", ["no reading", "stale", "nothing happened"])
def test_without_a_fresh_reading_no_transaction_begins(broken: str) -> None:
    desk = Desk(fresh=broken != "stale", heard=broken != "nothing happened")
    if broken != "no reading":
        desk.read(5000.0)
    assert not desk.billing.begin(BEGIN, desk.at)
    assert desk.effects == []
    assert desk.billing.idle


def test_a_stale_reading_closes_a_transaction_and_is_no_sample() -> None:
    desk = Desk()
    desk.left_open()
    desk.now_s += 60.0
    desk.fresh = False
    desk.billing.keep_time(desk.at)
    assert len(desk.records) == 1
    desk.billing.end(END, desk.at, plugged=False)
    ended = desk.records[-1]
    assert ended.samples[-1].import_Wh == 5000.0
    assert ended.samples[-1].at_utc == T0 + timedelta(seconds=100.0)


def test_a_reading_that_is_missing_leaves_the_last_one() -> None:
    desk = Desk()
    desk.read(5000.0)
    desk.billing.note_meter(None)
    assert desk.billing.begin(BEGIN, desk.at)


def test_a_register_that_runs_backwards_is_a_line_and_no_energy() -> None:
    desk = Desk()
    desk.left_open()
    desk.now_s += 60.0
    desk.read(4000.0)
    desk.billing.keep_time(desk.at)
    (line,) = [effect.text for effect in desk.effects if isinstance(effect, WriteLine)]
    assert line == "meter's import register went back from 5000.000 to 4000.000 Wh: reading refused"
    assert desk.records[-1].samples[-1].import_Wh == 5000.0


@pytest.mark.parametrize("kind", list(ReportKind))
def test_a_report_is_a_record_only_while_a_transaction_runs(kind: ReportKind) -> None:
    desk = Desk()
    desk.read(5000.0)
    desk.billing.report(kind, TriggerReason.TRIGGER)
    assert [type(effect) for effect in desk.effects] == [ReportReading]
    desk.billing.begin(BEGIN, desk.at)
    desk.effects.clear()
    desk.billing.report(kind, TriggerReason.TRIGGER)
    wanted = StoreRecord if kind is ReportKind.TRANSACTION else ReportReading
    assert [type(effect) for effect in desk.effects] == [wanted]


def test_a_transaction_of_the_previous_run_goes_on_or_waits_for_the_meter() -> None:
    state = Desk().left_open()
    desk = Desk()
    assert not desk.billing.resume(state, desk.at)
    desk.read(5600.0)
    assert desk.billing.resume(state, desk.at)
    assert desk.billing.transaction is not None
    assert [record.type for record in desk.records] == [TransactionEventType.UPDATED]


def test_a_transaction_of_the_previous_run_is_closed_as_ordered() -> None:
    state = Desk().left_open()
    desk = Desk()
    closing = Closing(StopReason.LOCAL, TriggerReason.STOP_AUTHORIZED, state.id_token, "shown again")
    desk.billing.close_left_open(state, closing, desk.at)
    assert not desk.billing.idle
    desk.billing.power_is_off(desk.at)
    assert desk.records == []
    desk.read(5600.0)
    desk.billing.power_is_off(desk.at)
    (ended,) = desk.records
    assert (ended.trigger, ended.stopped_reason, ended.id_token) == (closing.trigger, closing.reason, state.id_token)
    assert desk.billing.last_session is not None
    assert (desk.billing.last_session.detail, desk.billing.last_session.import_Wh) == ("shown again", 600.0)


def test_a_meter_that_stays_silent_leaves_the_previous_run_to_its_stored_registers() -> None:
    state = Desk().left_open()
    desk = Desk()
    desk.billing.close_left_open(state, Closing(StopReason.POWER_LOSS), desk.at)
    desk.now_s += RESTORE_PATIENCE_S
    desk.billing.keep_time(desk.at)
    (ended,) = desk.records
    assert ended.samples[-1].import_Wh == 5000.0
    assert ended.trigger is TriggerReason.ABNORMAL_CONDITION
