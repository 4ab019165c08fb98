"""A channel of the daemon: records on the disk in their order, whatever the disk, the power process or a crash does."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from chargepoint.app.snapshot import snapshot
from chargepoint.diagnostics.loop_lag import LoopLag
from chargepoint.model.car import CarConnected, CarSessionEnded, ControlMode, SessionEnd
from chargepoint.model.commands import ReportKind, StartTransaction
from chargepoint.model.demand import Contribution, Phase, PilotCommand, Source
from chargepoint.model.faults import FaultCleared, FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import ControlPilot, Stage, TokenPresented
from chargepoint.model.status import AuthorizationStatus, ConnectorStatus
from chargepoint.model.transactions import (
    ChargingState,
    MeterSample,
    ReadingContext,
    StopReason,
    TransactionEventType,
    TriggerReason,
)
from chargepoint.store.rows import Journal, OpenTransaction
from chargepoint.transactions.ledger import LedgerState

EVSE = EvseId(1)
NewBench = Callable[..., Any]
STARTED, UPDATED, ENDED = TransactionEventType.STARTED, TransactionEventType.UPDATED, TransactionEventType.ENDED


def left_open(import_Wh: float = 4000.0) -> LedgerState:
    at = datetime(2026, 3, 1, 11, 0, 0, tzinfo=UTC)
    begin = MeterSample(at, ReadingContext.TRANSACTION_BEGIN, import_Wh - 1000, 60.0)
    last = MeterSample(at + timedelta(minutes=5), ReadingContext.SAMPLE_PERIODIC, import_Wh, 60.0)
    token = IdToken("04A1B2C3", IdTokenType.ISO14443)
    return LedgerState(TransactionId("old"), EVSE, 1, 7, ChargingState.CHARGING, begin, last, token)


async def test_a_transaction_is_stored_in_order_without_gaps(new_bench: NewBench) -> None:
    bench = new_bench()
    await bench.begun()
    bench.channel.on_car_events([CarConnected(EVSE, "ISO 15118-20 DC", None, "fe80::1")])
    bench.asks(Phase.TRANSFER)
    await bench.live(0.5, stage=Stage.TRANSFER, target_W=4000.0, import_Wh=5001.0)
    for loop in range(700):
        bench.asks(Phase.TRANSFER)
        await bench.live(0.1, import_Wh=5001.0 + loop)
    bench.channel.on_power_event(TokenPresented(EVSE, "04A1B2C3", bench.time.t))
    await bench.live(0.3)
    await bench.live(0.3, stage=Stage.OFF, target_W=0.0)
    records = bench.records
    assert [r.seq_no for r in records] == list(range(len(records)))
    assert [r.type for r in records] == [STARTED, *[UPDATED] * (len(records) - 2), ENDED]
    assert TriggerReason.METER_VALUE_PERIODIC in [r.trigger for r in records]
    assert (records[-1].stopped_reason, records[-1].trigger) == (StopReason.LOCAL, TriggerReason.STOP_AUTHORIZED)
    assert [s.import_Wh for s in records[-1].samples] == [5000.0, 5700.0]
    assert records[1].samples[0].soc_percent == 55.0
    *before, last = [keep for keep, _ in bench.store.records]
    assert all(isinstance(keep, OpenTransaction) for keep in before)
    assert last == 1  # the EVSE's open transaction is forgotten in the same commit
    assert bench.csms.drains == len(records)
    assert bench.channel.idle
    assert bench.csms.ended == [EVSE]


async def test_a_failing_disk_delays_but_loses_and_reorders_nothing(new_bench: NewBench) -> None:
    bench = new_bench()
    await bench.live(0.1, pilot=ControlPilot.B)
    bench.store.failures = 5
    bench.channel.on_power_event(TokenPresented(EVSE, "04A1B2C3", bench.time.t))
    await bench.live(0.2)
    await bench.live(0.2, stage=Stage.TRANSFER, target_W=4000.0)
    assert bench.records == []
    assert not bench.channel.nothing_to_store
    await bench.live(10.0)
    assert [(r.type, r.seq_no) for r in bench.records] == [(STARTED, 0), (UPDATED, 1)]
    assert bench.channel.nothing_to_store
    assert not bench.channel.idle  # the transaction itself goes on


async def test_a_disk_full_for_long_costs_journal_lines_but_no_record(new_bench: NewBench) -> None:
    bench = new_bench()
    await bench.begun()
    bench.store.failures = 1_000_000
    bench.channel.report(ReportKind.TRANSACTION)
    for _ in range(1200):
        bench.channel.on_power_event(TokenPresented(EVSE, "nonsense", bench.time.t))
    for _ in range(3):
        bench.channel.report(ReportKind.TRANSACTION)
    await bench.live(1.0)
    bench.store.failures = 0
    await bench.live(3.0)
    assert [r.seq_no for r in bench.records] == [0, 1, 2, 3, 4]
    journal = [w for w in bench.store.writes if isinstance(w, Journal)]
    assert 0 < len(journal) <= 1000


async def test_a_refused_token_begins_nothing(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.csms.status = AuthorizationStatus.BLOCKED
    await bench.live(0.1, pilot=ControlPilot.B)
    bench.channel.on_power_event(TokenPresented(EVSE, "04A1B2C3", bench.time.t))
    await bench.live(0.2)
    assert bench.records == []
    assert bench.channel.secc_inputs().authorized is False


async def test_nothing_is_begun_without_a_reading(new_bench: NewBench) -> None:
    bench = new_bench()
    await bench.live(0.1, pilot=ControlPilot.B, meter_age_s=None)
    bench.channel.feed(StartTransaction(EVSE, IdToken("R", IdTokenType.CENTRAL), 1, False))
    bench.channel.on_car_events([CarConnected(EVSE, "ISO 15118-20 DC", None, "fe80::1")])
    bench.asks(Phase.TRANSFER)
    await bench.live(0.3)
    assert bench.records == []
    assert {d.phase for d in bench.link.demands} == {Phase.OFF}
    await bench.live(0.1, meter_age_s=0.5)
    assert [r.type for r in bench.records] == [STARTED]


# -- after a crash ----------------------------------------------------------------------------------------------------


async def test_a_transaction_left_open_ends_with_the_first_fresh_reading(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.channel.book.restore(left_open(), StopReason.POWER_LOSS)
    assert not bench.channel.idle
    await bench.live(0.3, stage=Stage.RAMP_DOWN, import_Wh=4200.0)
    assert bench.records == []  # the stage still counts
    await bench.live(0.3, stage=Stage.OFF, meter_age_s=None)
    assert bench.records == []
    await bench.live(2.0, meter_age_s=0.1, import_Wh=4250.0)
    (record,) = bench.records
    assert (record.type, record.seq_no, record.transaction_id) == (ENDED, 7, "old")
    assert record.stopped_reason is StopReason.POWER_LOSS
    assert record.samples[-1].import_Wh == 4250.0
    assert bench.store.records[0][0] == 1
    assert bench.channel.idle


async def test_a_transaction_left_open_ends_with_what_was_stored_when_the_meter_stays_silent(
    new_bench: NewBench,
) -> None:
    bench = new_bench()
    bench.channel.book.restore(left_open(), StopReason.REBOOT)
    await bench.live(9.5, meter_age_s=None)
    assert bench.records == []
    await bench.live(5.0)
    (record,) = bench.records
    assert (record.stopped_reason, record.samples[-1].import_Wh) == (StopReason.REBOOT, 4000.0)


async def test_a_transaction_left_open_ends_even_if_no_power_process_comes(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.channel.book.restore(left_open(), StopReason.REBOOT)
    await bench.time.advance(9.5)
    assert bench.records == []
    await bench.time.advance(5.0)
    assert [r.samples[-1].import_Wh for r in bench.records] == [4000.0]
    await bench.live(0.5, import_Wh=9999.0)
    assert len(bench.records) == 1
    assert bench.channel.idle


async def test_a_new_transaction_closes_the_one_left_open_first(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.channel.book.restore(left_open(), StopReason.REBOOT)
    await bench.live(0.1, stage=Stage.RAMP_DOWN, pilot=ControlPilot.B, import_Wh=4100.0)
    bench.channel.feed(StartTransaction(EVSE, IdToken("R", IdTokenType.CENTRAL), 1, False))
    await bench.live(0.5, stage=Stage.OFF)
    assert [(r.transaction_id == "old", r.type) for r in bench.records] == [(True, ENDED), (False, STARTED)]
    assert bench.records[0].samples[-1].import_Wh == 4100.0


async def test_a_register_below_the_stored_one_is_not_believed(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.channel.book.restore(left_open(), StopReason.REBOOT)
    await bench.live(0.2, import_Wh=12.0)
    assert [r.samples[-1].import_Wh for r in bench.records] == [4000.0]


# -- power process, faults, car ---------------------------------------------------------------------------------------


async def test_a_silent_power_process_is_noticed_after_a_lease(new_bench: NewBench) -> None:
    bench = new_bench()
    await bench.begun()
    changes = bench.car.changes
    await bench.time.advance(0.45)
    assert bench.channel.session.status is ConnectorStatus.OCCUPIED
    await bench.time.advance(0.3)
    assert bench.channel.session.status is ConnectorStatus.UNAVAILABLE
    assert bench.car.changes == changes + 1  # the car's held answer is due
    inputs = bench.channel.secc_inputs()
    assert (inputs.voltage_V, inputs.capabilities, inputs.permitted) == (None, None, False)
    assert inputs.stop_requested
    await bench.time.advance(9.0)
    await bench.time.settle()
    assert (bench.records[-1].type, bench.records[-1].stopped_reason) == (ENDED, StopReason.OTHER)


@pytest.mark.parametrize("comes_back", [True, False])
async def test_what_was_read_last_is_billed_when_nothing_can_be_read_at_the_end(
    new_bench: NewBench, comes_back: bool
) -> None:
    """Between two stored samples lies up to an hour: a power process that is gone must not make that free of charge."""
    bench = new_bench()
    await bench.begun()
    bench.asks(Phase.TRANSFER)
    await bench.live(0.5, stage=Stage.TRANSFER, target_W=4000.0)
    stored = len(bench.records)
    await bench.live(5.0, import_Wh=5123.0)
    read_at = bench.time.utc()
    assert len(bench.records) == stored
    await bench.time.advance(3.0)
    if comes_back:  # and its meter stays silent
        await bench.live(20.0, stage=Stage.OFF, target_W=0.0, meter_age_s=None)
    else:
        await bench.time.advance(20.0)
    ended = bench.records[-1]
    assert ended.type is ENDED
    assert ended.samples[-1].import_Wh == 5123.0
    assert ended.samples[-1].at_utc == read_at
    assert ended.samples[-1].context is ReadingContext.TRANSACTION_END


async def test_a_pulled_plug_ends_the_cars_connection_once(new_bench: NewBench) -> None:
    bench = new_bench()
    await bench.live(0.3, pilot=ControlPilot.B)
    await bench.live(0.3, pilot=ControlPilot.UNKNOWN)
    assert bench.car.pulled == 0
    await bench.live(0.3, pilot=ControlPilot.A)
    assert bench.car.pulled == 1
    await bench.live(0.3, pilot=ControlPilot.C)
    assert bench.car.pulled == 1


async def test_a_power_process_that_was_never_there_is_not_lost(new_bench: NewBench) -> None:
    bench = new_bench()
    await bench.time.advance(5.0)
    assert bench.store.writes == []


async def test_trips_are_journaled_and_cleared_ones_only_told(new_bench: NewBench) -> None:
    bench = new_bench()
    await bench.begun()
    bench.channel.on_power_event(InterlockTripped(EVSE, FaultCode.DOOR_OPEN, bench.time.t, "door"))
    bench.channel.on_power_event(FaultCleared(EVSE, FaultCode.DOOR_OPEN, bench.time.t))
    await bench.live(0.2)
    journal = [w.entry for w in bench.store.writes if isinstance(w, Journal)]
    assert [(e.kind, "door" in e.text) for e in journal] == [("!", True)]
    assert bench.records[-1].type is ENDED


async def test_a_failing_journal_stops_nothing(new_bench: NewBench) -> None:
    bench = new_bench()
    await bench.live(0.1)
    bench.store.failures = 1
    bench.channel.on_power_event(TokenPresented(EVSE, "nonsense", bench.time.t))
    await bench.begun()
    assert [r.type for r in bench.records] == [STARTED]


async def test_status_changes_are_told_in_order(new_bench: NewBench) -> None:
    bench = new_bench()
    await bench.live(0.1)
    await bench.live(0.1, pilot=ControlPilot.B)
    await bench.live(0.1, faults=frozenset({FaultCode.DOOR_OPEN}))
    await bench.live(0.1, faults=frozenset(), pilot=ControlPilot.A)
    assert [c.status.value for c in bench.csms.told] == ["Available", "Occupied", "Faulted", "Available"]
    assert {(c.evse_id, c.connector_id) for c in bench.csms.told} == {(1, 1)}


async def test_each_image_renews_the_demand(new_bench: NewBench) -> None:
    bench = new_bench()
    await bench.begun()
    bench.channel.on_car_events([CarConnected(EVSE, "ISO 15118-20 DC", None, "fe80::1")])
    bench.asks(Phase.TRANSFER)
    before, changes = len(bench.link.demands), bench.car.changes
    bench.see(stage=Stage.TRANSFER)
    assert len(bench.link.demands) == before + 1
    assert bench.car.changes == changes + 1
    order = bench.link.demands[-1]
    assert (order.phase, order.power_W, order.pilot) == (Phase.TRANSFER, 22_000.0, PilotCommand.PWM)
    assert (order.limits_W.low, order.limits_W.high) == (-18_000.0, 22_000.0)


async def test_a_silent_car_is_zero_with_the_next_image(new_bench: NewBench) -> None:
    bench = new_bench()
    await bench.begun()
    bench.channel.on_car_events([CarConnected(EVSE, "ISO 15118-20 DC", None, "fe80::1")])
    bench.asks(Phase.TRANSFER)
    await bench.live(0.4, stage=Stage.TRANSFER)
    assert bench.link.demands[-1].power_W > 0
    await bench.live(0.2)
    assert (bench.link.demands[-1].phase, bench.link.demands[-1].power_W) == (Phase.TRANSFER, 0.0)
    bench.channel.on_car_events([CarSessionEnded(EVSE, SessionEnd.TIMEOUT, "silent")])
    bench.see()
    assert bench.link.demands[-1].phase is Phase.OFF


@pytest.mark.parametrize(("ordered_W", "flows_W"), [(22_000.0, 4800.0), (-5000.0, 0.0), (1000.0, 1000.0)])
async def test_a_scheduled_car_is_never_given_more_than_it_asks(
    new_bench: NewBench, ordered_W: float, flows_W: float
) -> None:
    bench = new_bench()
    await bench.begun()
    bench.channel.on_car_events([CarConnected(EVSE, "ISO 15118-20 DC", None, "fe80::1")])
    bench.arbiter.contribute(Contribution(Source.CSMS, EVSE, 1e9, "profile", None, ordered_W))
    bench.asks(Phase.TRANSFER, ControlMode.SCHEDULED)
    bench.see(stage=Stage.TRANSFER)
    assert bench.link.demands[-1].power_W == 0.0  # it has not asked yet
    bench.asks(Phase.TRANSFER, ControlMode.SCHEDULED, target_current_A=12.0)
    bench.see()
    order = bench.link.demands[-1]
    assert (order.power_W, order.charge_current_limit_A, order.discharge_current_limit_A) == (flows_W, 12.0, 0.0)
    assert bench.channel.secc_inputs().limits_W.high == 22_000.0


async def test_the_drivers_reserve_forbids_discharge(new_bench: NewBench) -> None:
    bench = new_bench(minimum_soc_percent=60.0)
    await bench.begun()
    bench.channel.on_car_events([CarConnected(EVSE, "ISO 15118-20 DC", None, "fe80::1")])
    bench.arbiter.contribute(Contribution(Source.CSMS, EVSE, 1e9, "profile", None, -5000.0))
    bench.asks(Phase.TRANSFER)
    bench.see(stage=Stage.TRANSFER)
    assert bench.channel.setpoint.power_W == 0.0
    assert bench.channel.setpoint.limited_by is Source.DRIVER


# -- reports ----------------------------------------------------------------------------------------------------------


async def test_a_report_is_a_record_within_a_transaction_and_a_reading_without(new_bench: NewBench) -> None:
    bench = new_bench()
    await bench.live(0.1)
    bench.channel.report(ReportKind.TRANSACTION)
    await bench.time.settle()
    assert [s.context for s in bench.csms.values] == [ReadingContext.TRIGGER]
    await bench.begun()
    bench.channel.report(ReportKind.TRANSACTION)
    await bench.time.settle()
    assert bench.records[-1].trigger is TriggerReason.TRIGGER
    bench.channel.report(ReportKind.METER_VALUES)
    await bench.time.settle()
    assert len(bench.csms.values) == 2


async def test_clock_aligned_readings_while_idle_and_none_of_them_in_a_transaction(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.csms.aligned_s = 10
    await bench.live(35.0)
    assert [s.context for s in bench.csms.values] == [ReadingContext.SAMPLE_CLOCK] * 3
    await bench.begun()
    told = len(bench.csms.values)
    await bench.live(25.0)
    assert len(bench.csms.values) == told  # now they are records of the transaction
    aligned = [r for r in bench.records if r.trigger is TriggerReason.METER_VALUE_CLOCK]
    assert len(aligned) in (2, 3)


async def test_a_silent_meter_is_never_reported_as_a_number(new_bench: NewBench) -> None:
    bench = new_bench()
    await bench.live(0.1, meter_age_s=2.5)
    bench.channel.report(ReportKind.METER_VALUES)
    await bench.time.settle()
    assert bench.csms.values == []


@pytest.mark.parametrize("situation", ["nothing", "idle", "transfer"])
async def test_the_snapshot_is_json(new_bench: NewBench, situation: str) -> None:
    bench = new_bench()
    if situation != "nothing":
        await bench.begun()
    if situation == "transfer":
        bench.channel.on_car_events([CarConnected(EVSE, "ISO 15118-20 DC", "TLSv1.3", "fe80::1")])
        bench.asks(Phase.TRANSFER)
        bench.see(stage=Stage.TRANSFER, faults=frozenset({FaultCode.DOOR_OPEN}), voltage_V=None)
    daemon: Any = SimpleNamespace(
        loop_lag=LoopLag(),
        clock=bench.time,
        link=bench.link,
        ocpp=bench.csms,
        channels={EVSE: bench.channel},
        cars={EVSE: bench.car},
    )
    seen = json.loads(json.dumps(snapshot(daemon), allow_nan=False))
    evse = seen["evses"]["1"]
    assert seen["pid"] == os.getpid()
    assert (evse["image"] is None) is (situation == "nothing")
    assert (evse["transaction"] is None) is (situation == "nothing")
    assert (evse["car"] is not None) is (situation == "transfer")
    if situation == "transfer":
        assert evse["image"]["faults"] == {"DOOR_OPEN": "cabinet door open"}
        assert evse["stopping"] is not None


async def test_a_stopping_session_tells_no_setpoints(new_bench: NewBench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    bench = new_bench()
    await bench.begun()
    bench.asks(Phase.TRANSFER)
    await bench.live(0.1, stage=Stage.TRANSFER, target_W=4000.0)

    def told() -> list[str]:
        return [r.getMessage() for r in caplog.records if " W: " in r.getMessage() or " kW: " in r.getMessage()]

    before = told()
    assert len(before) == 1
    bench.channel.on_power_event(TokenPresented(EVSE, "04A1B2C3", bench.time.t))
    bench.channel.on_car_events([CarSessionEnded(EVSE, SessionEnd.TERMINATED, "stop")])
    await bench.live(0.3)
    assert bench.channel.setpoint.power_W == 0.0
    assert told() == before
