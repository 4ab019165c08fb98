"""One EVSE's decisions: records in their order, demands when they change, and what every loss leads to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from chargepoint.control.effects import Effect, KeepLastSession, NotifyReaders, SendDemand, StoreRecord
from chargepoint.control.last_session import LastSession
from chargepoint.model.car import CarSessionEnded, ControlMode, SessionEnd
from chargepoint.model.commands import Contribute, Report, ReportKind, StartTransaction
from chargepoint.model.demand import Contribution, Phase, PilotCommand, Source
from chargepoint.model.faults import FaultCleared, FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.station_view import Wish
from chargepoint.model.status import AuthorizationStatus, ConnectorStatus
from chargepoint.model.transactions import (
    ChargingState,
    MeterSample,
    ReadingContext,
    StopReason,
    TransactionEventType,
    TriggerReason,
)
from chargepoint.transactions.ledger import LedgerState
from chargepoint.transactions.sampling import SamplingIntervals

if TYPE_CHECKING:
    from tests.unit.control.conftest import Bench

EVSE = EvseId(1)
NewBench = Callable[..., "Bench"]
STARTED, UPDATED, ENDED = TransactionEventType.STARTED, TransactionEventType.UPDATED, TransactionEventType.ENDED


def ordered(source: Source, target_W: float | None, owner: str = "ocpp", key: str = "") -> Contribute:
    return Contribute(EVSE, owner, (Contribution(source, EVSE, 1e9, "profile", None, target_W, key),))


def left_open(import_Wh: float = 4000.0) -> LedgerState:
    at = datetime(2026, 3, 1, 11, 0, 0, tzinfo=UTC)
    begin = MeterSample(at, ReadingContext.TRANSACTION_BEGIN, import_Wh - 1000, 60.0)
    last = MeterSample(at + timedelta(minutes=5), ReadingContext.SAMPLE_PERIODIC, import_Wh, 60.0)
    token = IdToken("04A1B2C3", IdTokenType.ISO14443)
    return LedgerState(TransactionId("old"), EVSE, 1, 7, ChargingState.CHARGING, begin, last, token)


def test_a_transaction_is_stored_in_order_without_gaps(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.begun()
    bench.connect()
    bench.asks(Phase.TRANSFER)
    bench.live(0.5, stage=Stage.TRANSFER, target_W=4000.0, import_Wh=5001.0)
    for loop in range(700):
        bench.asks(Phase.TRANSFER)
        bench.live(0.1, import_Wh=5001.0 + loop)
    bench.present("04A1B2C3")
    bench.live(0.3)
    bench.live(0.3, stage=Stage.OFF, target_W=0.0)
    records = bench.records
    assert [r.seq_no for r in records] == list(range(len(records)))
    assert [r.type for r in records] == [STARTED, *[UPDATED] * (len(records) - 2), ENDED]
    assert TriggerReason.METER_VALUE_PERIODIC in [r.trigger for r in records]
    assert (records[-1].stopped_reason, records[-1].trigger) == (StopReason.LOCAL, TriggerReason.STOP_AUTHORIZED)
    assert [s.import_Wh for s in records[-1].samples] == [5000.0, 5700.0]
    assert records[1].samples[0].soc_percent == 55.0
    *before, last = [state for state, _ in bench.stored]
    assert all(state is not None and state.transaction_id == "tx-1" for state in before)
    assert last is None  # the EVSE's open transaction is forgotten in the same commit
    assert bench.evse.idle


def test_a_refused_token_begins_nothing(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.answer = AuthorizationStatus.BLOCKED
    bench.live(0.1, pilot=ControlPilot.B)
    bench.present("04A1B2C3")
    bench.live(0.2)
    assert bench.records == []
    assert bench.evse.station_view().authorized is False


def test_nothing_is_begun_without_a_reading(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.live(0.1, pilot=ControlPilot.B, meter_age_s=None)
    bench.feed(StartTransaction(EVSE, IdToken("R", IdTokenType.CENTRAL), 1, False))
    bench.connect()
    bench.asks(Phase.TRANSFER)
    bench.live(0.3)
    assert bench.records == []
    assert {d.phase for d in bench.demands} == {Phase.OFF}
    bench.live(0.1, meter_age_s=0.5)
    assert [r.type for r in bench.records] == [STARTED]


# -- after a crash ----------------------------------------------------------------------------------------------------


def test_a_transaction_left_open_ends_with_the_first_fresh_reading(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.perform(bench.evse.restore(left_open(), StopReason.POWER_LOSS, bench.now))
    assert not bench.evse.idle
    bench.live(0.3, stage=Stage.RAMP_DOWN, import_Wh=4200.0)
    assert bench.records == []  # the stage still counts
    bench.live(0.3, stage=Stage.OFF, meter_age_s=None)
    assert bench.records == []
    bench.live(2.0, meter_age_s=0.1, import_Wh=4250.0)
    (record,) = bench.records
    assert (record.type, record.seq_no, record.transaction_id) == (ENDED, 7, "old")
    assert record.stopped_reason is StopReason.POWER_LOSS
    assert record.samples[-1].import_Wh == 4250.0
    assert bench.stored[0][0] is None
    assert bench.evse.idle


def test_a_transaction_left_open_ends_with_what_was_stored_when_the_meter_stays_silent(
    new_bench: NewBench,
) -> None:
    bench = new_bench()
    bench.perform(bench.evse.restore(left_open(), StopReason.REBOOT, bench.now))
    bench.live(9.5, meter_age_s=None)
    assert bench.records == []
    bench.live(5.0)
    (record,) = bench.records
    assert (record.stopped_reason, record.samples[-1].import_Wh) == (StopReason.REBOOT, 4000.0)


def test_a_transaction_left_open_ends_even_if_no_power_process_comes(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.perform(bench.evse.restore(left_open(), StopReason.REBOOT, bench.now))
    bench.pass_time(9.5)
    assert bench.records == []
    bench.pass_time(5.0)
    assert [r.samples[-1].import_Wh for r in bench.records] == [4000.0]
    bench.live(0.5, import_Wh=9999.0)
    assert len(bench.records) == 1
    assert bench.evse.idle


def test_a_new_transaction_closes_the_one_left_open_first(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.perform(bench.evse.restore(left_open(), StopReason.REBOOT, bench.now))
    bench.live(0.1, stage=Stage.RAMP_DOWN, pilot=ControlPilot.B, import_Wh=4100.0)
    bench.feed(StartTransaction(EVSE, IdToken("R", IdTokenType.CENTRAL), 1, False))
    bench.live(0.5, stage=Stage.OFF)
    assert [(r.transaction_id == "old", r.type) for r in bench.records] == [(True, ENDED), (False, STARTED)]
    assert bench.records[0].samples[-1].import_Wh == 4100.0


def test_a_register_below_the_stored_one_is_not_believed(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.perform(bench.evse.restore(left_open(), StopReason.REBOOT, bench.now))
    bench.live(0.2, import_Wh=12.0)
    assert [r.samples[-1].import_Wh for r in bench.records] == [4000.0]


# -- power process, faults, car ---------------------------------------------------------------------------------------


def test_a_silent_power_process_is_noticed_after_a_lease(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.begun()
    changes = bench.car_notified
    bench.pass_time(0.45)
    assert bench.evse.view.status is ConnectorStatus.OCCUPIED
    bench.pass_time(0.3)
    assert bench.evse.view.status is ConnectorStatus.UNAVAILABLE
    assert bench.car_notified == changes + 1  # the car's held answer is due
    inputs = bench.evse.station_view()
    assert (inputs.voltage_V, inputs.capabilities, inputs.permitted) == (None, None, False)
    assert inputs.wish is not None and inputs.wish.wish is Wish.TERMINATE
    bench.pass_time(9.0)
    assert (bench.records[-1].type, bench.records[-1].stopped_reason) == (ENDED, StopReason.OTHER)


@pytest.mark.parametrize("comes_back", [True, False])
def test_what_was_read_last_is_billed_when_nothing_can_be_read_at_the_end(
    new_bench: NewBench, comes_back: bool
) -> None:
    """Between two stored samples lies up to an hour: a power process that is gone must not make that free of charge."""
    bench = new_bench()
    bench.begun()
    bench.asks(Phase.TRANSFER)
    bench.live(0.5, stage=Stage.TRANSFER, target_W=4000.0)
    stored = len(bench.records)
    bench.live(5.0, import_Wh=5123.0)
    read_at = bench.now.utc
    assert len(bench.records) == stored
    bench.pass_time(3.0)
    if comes_back:  # and its meter stays silent
        bench.live(20.0, stage=Stage.OFF, target_W=0.0, meter_age_s=None)
    else:
        bench.pass_time(20.0)
    ended = bench.records[-1]
    assert ended.type is ENDED
    assert ended.samples[-1].import_Wh == 5123.0
    assert ended.samples[-1].at_utc == read_at
    assert ended.samples[-1].context is ReadingContext.TRANSACTION_END


def test_a_pulled_plug_ends_the_cars_connection_once(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.live(0.3, pilot=ControlPilot.B)
    bench.live(0.3, pilot=ControlPilot.UNKNOWN)
    assert bench.car_dropped == 0
    bench.live(0.3, pilot=ControlPilot.A)
    assert bench.car_dropped == 1
    bench.live(0.3, pilot=ControlPilot.C)
    assert bench.car_dropped == 1


def test_a_power_process_that_was_never_there_is_not_lost(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.pass_time(5.0)
    assert bench.lines == []


def test_trips_are_journaled_and_cleared_ones_only_told(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.begun()
    bench.power(InterlockTripped(EVSE, FaultCode.DOOR_OPEN, bench.t, "door"))
    bench.power(FaultCleared(EVSE, FaultCode.DOOR_OPEN, bench.t))
    bench.live(0.2)
    assert [text for letter, text in bench.lines if letter == "!" and "door" in text] != []
    assert ("=", "cabinet door open: cleared") in bench.lines
    assert bench.records[-1].type is ENDED


def test_status_changes_are_reported_in_order(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.live(0.7)
    bench.live(0.1, pilot=ControlPilot.B)
    bench.live(0.1, faults=frozenset({FaultCode.DOOR_OPEN}))
    bench.live(0.7, faults=frozenset(), pilot=ControlPilot.A)
    assert [c.status.value for c in bench.statuses] == ["Available", "Occupied", "Faulted", "Available"]
    assert {(c.evse_id, c.connector_id) for c in bench.statuses} == {(1, 1)}


def test_an_image_renews_the_demand_and_notifies_the_car(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.begun()
    bench.connect()
    bench.asks(Phase.TRANSFER)
    bench.t += 0.11
    before, changes = len(bench.demands), bench.car_notified
    bench.see(stage=Stage.TRANSFER)
    assert len(bench.demands) == before + 1
    assert bench.car_notified == changes + 1
    order = bench.demands[-1]
    assert (order.phase, order.power_W, order.pilot) == (Phase.TRANSFER, 22_000.0, PilotCommand.PWM)
    assert (order.limits_W.low, order.limits_W.high) == (-18_000.0, 22_000.0)


def test_a_silent_car_is_zero_with_the_next_image(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.begun()
    bench.connect()
    bench.asks(Phase.TRANSFER)
    bench.live(0.4, stage=Stage.TRANSFER)
    assert bench.demands[-1].power_W > 0
    bench.live(0.2)
    assert (bench.demands[-1].phase, bench.demands[-1].power_W) == (Phase.TRANSFER, 0.0)
    bench.car(CarSessionEnded(EVSE, SessionEnd.TIMEOUT, "silent"))
    bench.see()
    assert bench.demands[-1].phase is Phase.OFF


@pytest.mark.parametrize(("ordered_W", "flows_W"), [(22_000.0, 4800.0), (-5000.0, 0.0), (1000.0, 1000.0)])
def test_a_scheduled_car_is_never_given_more_than_it_asks(
    new_bench: NewBench, ordered_W: float, flows_W: float
) -> None:
    bench = new_bench()
    bench.begun()
    bench.connect()
    bench.command(ordered(Source.CSMS, ordered_W))
    bench.asks(Phase.TRANSFER, ControlMode.SCHEDULED)
    bench.see(stage=Stage.TRANSFER)
    assert bench.demands[-1].power_W == 0.0  # it has not asked yet
    bench.asks(Phase.TRANSFER, ControlMode.SCHEDULED, target_current_A=12.0)
    bench.see()
    order = bench.demands[-1]
    assert (order.power_W, order.dc.limits.charge_current_max_A, order.dc.limits.discharge_current_max_A) == (
        flows_W,
        12.0,
        0.0,
    )
    assert bench.evse.station_view().limits_W.high == 22_000.0


def test_the_drivers_reserve_forbids_discharge(new_bench: NewBench) -> None:
    bench = new_bench(minimum_soc_percent=60.0)
    bench.begun()
    bench.connect()
    bench.command(ordered(Source.CSMS, -5000.0))
    bench.asks(Phase.TRANSFER)
    bench.see(stage=Stage.TRANSFER)
    assert bench.evse.setpoint.power_W == 0.0
    assert bench.evse.setpoint.limited_by is Source.DRIVER


# -- reports ----------------------------------------------------------------------------------------------------------


def test_a_report_is_a_record_within_a_transaction_and_a_reading_without(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.live(0.1)
    bench.command(Report(EVSE, ReportKind.TRANSACTION))
    assert [s.context for s in bench.readings] == [ReadingContext.TRIGGER]
    bench.begun()
    bench.command(Report(EVSE, ReportKind.TRANSACTION))
    assert bench.records[-1].trigger is TriggerReason.TRIGGER
    bench.command(Report(EVSE, ReportKind.METER_VALUES))
    assert len(bench.readings) == 2


def test_clock_aligned_readings_while_idle_and_none_of_them_in_a_transaction(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.variables = replace(bench.variables, sampling=SamplingIntervals(60.0, 10.0))
    bench.live(35.0)
    assert [s.context for s in bench.readings] == [ReadingContext.SAMPLE_CLOCK] * 3
    bench.begun()
    told = len(bench.readings)
    bench.live(25.0)
    assert len(bench.readings) == told  # now they are records of the transaction
    aligned = [r for r in bench.records if r.trigger is TriggerReason.METER_VALUE_CLOCK]
    assert len(aligned) in (2, 3)


def test_a_silent_meter_is_never_reported_as_a_number(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.live(0.1, meter_age_s=2.5)
    bench.command(Report(EVSE, ReportKind.METER_VALUES))
    assert bench.readings == []


def test_a_stopping_session_writes_no_setpoints(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.begun()
    bench.asks(Phase.TRANSFER)
    bench.live(0.1, stage=Stage.TRANSFER, target_W=4000.0)

    def written() -> list[str]:
        return [text for _, text in bench.lines if " W: " in text or " kW: " in text]

    before = written()
    assert len(before) == 1
    bench.present()
    bench.car(CarSessionEnded(EVSE, SessionEnd.TERMINATED, "stop"))
    bench.live(0.3)
    assert bench.evse.setpoint.power_W == 0.0
    assert written() == before


def test_a_car_that_flips_its_direction_each_loop_writes_one_line_a_second(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.begun()
    bench.connect()
    bench.see(stage=Stage.TRANSFER)
    for loop in range(200):
        bench.t += 0.05
        bench.see()
        bench.asks(Phase.TRANSFER, ControlMode.SCHEDULED, target_current_A=20.0 if loop % 2 else -20.0)
    assert 8 <= len([text for _, text in bench.lines if "kW" in text]) <= 12


# -- demands leave when they change -----------------------------------------------------------------------------------


def demands_of(effects: list[Effect]) -> list[float]:
    return [effect.demand.power_W for effect in effects if isinstance(effect, SendDemand)]


def test_a_cars_demand_leaves_in_the_same_call(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.transferring()
    effects = bench.asks(Phase.TRANSFER, ControlMode.SCHEDULED, target_current_A=12.0)
    assert demands_of(effects) == [4800.0]
    assert demands_of(bench.asks(Phase.TRANSFER, ControlMode.SCHEDULED, target_current_A=12.0)) == []  # nothing new


def test_a_central_systems_setpoint_leaves_in_the_same_call(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.transferring()
    before = len(bench.demands)
    assert bench.command(ordered(Source.CSMS, -5000.0)).accepted
    assert [d.power_W for d in bench.demands[before:]] == [-5000.0]


def test_an_unchanged_demand_is_renewed_five_times_a_lease(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.transferring()
    bench.demands.clear()
    for _ in range(100):  # two seconds of images
        bench.t += 0.02
        bench.asks(Phase.TRANSFER)
        bench.see()
    assert 15 <= len(bench.demands) <= 25
    bench.demands.clear()
    bench.pass_time(0.4)  # images are late, the lease is not lost yet
    assert len(bench.demands) >= 3


def test_a_lost_power_process_gets_no_demands(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.transferring()
    bench.pass_time(0.7)
    bench.demands.clear()
    bench.pass_time(5.0)
    assert bench.demands == []


@pytest.mark.parametrize(("timeout_s", "steady"), [(0.5, False), (1.0, True), (3.0, True)])
def test_a_slow_car_gets_steady_power_within_its_configured_time(
    new_bench: NewBench, timeout_s: float, steady: bool
) -> None:
    """Seen: a car at 0.55 s a loop was saw-toothed whatever `charge_loop_timeout_s` said."""
    bench = new_bench(loop_timeout_s=timeout_s)
    bench.begun()
    bench.connect()
    bench.see(stage=Stage.TRANSFER)
    powers: set[float] = set()
    for _ in range(20):
        bench.asks(Phase.TRANSFER)
        for _ in range(28):
            bench.t += 0.02
            bench.see()
            powers.add(bench.demands[-1].power_W)
    assert powers == ({22_000.0} if steady else {22_000.0, 0.0})


# -- contributions by owner --------------------------------------------------------------------------------------------


def test_an_image_wipes_no_other_owners_contribution(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.transferring()
    bench.command(ordered(Source.SITE, -3000.0, owner="mqtt/edge"))
    for _ in range(10):
        bench.asks(Phase.TRANSFER)
        bench.live(0.1)
    assert (bench.evse.setpoint.power_W, bench.evse.setpoint.decided_by) == (-3000.0, Source.SITE)


def test_two_owners_of_one_source_do_not_replace_each_other(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.transferring()
    bench.command(ordered(Source.CSMS, -3000.0, owner="ocpp"))
    bench.command(ordered(Source.CSMS, 4000.0, owner="page", key="z"))
    assert bench.evse.setpoint.power_W == -3000.0
    bench.command(Contribute(EVSE, "ocpp", ()))
    bench.t += 60.0
    bench.asks(Phase.TRANSFER)
    bench.see()
    assert bench.evse.setpoint.power_W == 4000.0


def test_no_owner_may_use_a_name_of_the_stations_own(new_bench: NewBench) -> None:
    bench = new_bench()
    with pytest.raises(ValueError, match="name of the station itself"):
        bench.command(ordered(Source.SITE, 1.0, owner="hardware"))


def test_clear_then_set_does_not_jump_to_the_default(new_bench: NewBench) -> None:
    """Seen: -10 kW, cleared and set again to -8 kW: 11 kW in between."""
    bench = new_bench(default_power_W=11_000.0)
    bench.transferring()
    bench.command(ordered(Source.CSMS, -10_000.0))
    bench.command(Contribute(EVSE, "ocpp", ()))
    seen = [bench.evse.setpoint.power_W]
    for _ in range(10):
        bench.t += 0.05
        bench.asks(Phase.TRANSFER)
        bench.see()
        seen.append(bench.evse.setpoint.power_W)
    assert seen[0] == -10_000.0
    assert max(seen) <= -9_400.0  # half a second at 1 kW/s
    assert "on its way from -10 kW" in bench.evse.setpoint.explanation
    bench.command(ordered(Source.CSMS, -8000.0))
    assert bench.evse.setpoint.power_W == -8000.0
    bench.command(Contribute(EVSE, "ocpp", ()))
    for _ in range(400):
        bench.t += 0.05
        bench.asks(Phase.TRANSFER)
        bench.see()
    assert (bench.evse.setpoint.power_W, bench.evse.setpoint.decided_by) == (11_000.0, Source.DEFAULT)
    assert "on its way" not in bench.evse.setpoint.explanation


def test_a_contribution_that_expires_begins_no_ramp(new_bench: NewBench) -> None:
    bench = new_bench(default_power_W=0.0)
    bench.transferring()
    until_s = bench.t + 1.0
    bench.command(Contribute(EVSE, "ocpp", (Contribution(Source.CSMS, EVSE, until_s, "profile", None, -9000.0),)))
    assert bench.evse.setpoint.power_W == -9000.0
    bench.t += 1.01
    bench.asks(Phase.TRANSFER)
    bench.see()
    assert bench.evse.setpoint.power_W == 0.0


def test_limits_hold_at_once_on_the_way(new_bench: NewBench) -> None:
    bench = new_bench(default_power_W=11_000.0)
    bench.transferring()
    bench.command(ordered(Source.CSMS, -10_000.0))
    bench.command(Contribute(EVSE, "ocpp", ()))
    bench.feed(replace(bench.image(), permitted=False, faults=frozenset({FaultCode.DOOR_OPEN})))
    assert bench.demands[-1].power_W == 0.0


# -- what stays readable -----------------------------------------------------------------------------------------------


def test_the_last_session_stays_readable_with_its_reason_and_energies(new_bench: NewBench) -> None:
    """Seen: `stage OFF faults {}`, and no reason anywhere."""
    bench = new_bench()
    bench.transferring()
    assert bench.evse.last_session is None
    bench.live(1.0, import_Wh=5321.0)
    bench.power(InterlockTripped(EVSE, FaultCode.DOOR_OPEN, bench.t, "door contact open"))
    bench.live(0.3, stage=Stage.OFF)
    last = bench.evse.last_session
    assert last is not None
    assert (last.reason, last.transaction_id, last.import_Wh) == (StopReason.OTHER, "tx-1", 321.0)
    assert "cabinet door open: door contact open" in last.detail
    bench.live(30.0, pilot=ControlPilot.A)
    assert bench.evse.last_session is last


def test_the_last_session_outlives_a_restart_as_json(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.transferring()
    bench.live(1.0, import_Wh=5321.0)
    bench.live(0.3, stage=Stage.OFF, pilot=ControlPilot.A)
    (kept,) = [e for e in bench.effects if isinstance(e, KeepLastSession)]
    assert LastSession.from_json(kept.last.to_json()) == bench.evse.last_session == kept.last
    for nonsense in ("", "{}", "[1]", '{"reason": 5}'):
        with pytest.raises(ValueError):
            LastSession.from_json(nonsense)


def test_a_transaction_left_open_becomes_the_last_session(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.perform(bench.evse.restore(left_open(), StopReason.POWER_LOSS, bench.now))
    bench.live(0.2, import_Wh=4100.0)
    last = bench.evse.last_session
    assert last is not None
    assert (last.transaction_id, last.reason, last.import_Wh) == ("old", StopReason.POWER_LOSS, 1100.0)
    assert last.detail == "open when the daemon ended"


def test_the_clock_of_a_record_is_that_of_its_reading(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.live(0.1, pilot=ControlPilot.B, meter_age_s=1.5)
    bench.present()
    (record,) = bench.records
    assert record.samples[0].at_utc == bench.now.utc - timedelta(seconds=1.5)


def test_readers_are_notified_when_a_transaction_begins_and_ends(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.live(0.1, pilot=ControlPilot.B)
    bench.effects.clear()
    bench.present()
    assert any(isinstance(e, NotifyReaders) for e in bench.effects)
    bench.effects.clear()
    bench.see(pilot=ControlPilot.A)
    kinds = [type(e) for e in bench.effects]
    assert kinds.index(StoreRecord) < kinds.index(NotifyReaders)
