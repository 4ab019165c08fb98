"""The ledger: gapless numbers, registers that never run backwards, one end per transaction."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.transactions import (
    ChargingState,
    MeterSample,
    ReadingContext,
    StopReason,
    TransactionEventType,
    TriggerReason,
)
from chargepoint.transactions.ledger import Ledger, LedgerError, LedgerState
from chargepoint.transactions.sampling import SamplingIntervals

T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
TOKEN = IdToken("04A1B2C3", IdTokenType.ISO14443)


def reading(
    at_s: float, import_Wh: float, export_Wh: float = 0.0, context: ReadingContext = ReadingContext.SAMPLE_PERIODIC
) -> MeterSample:
    return MeterSample(T0 + timedelta(seconds=at_s), context, import_Wh, export_Wh, power_W=1000.0)


def started(ledger: Ledger, import_Wh: float = 5000.0, export_Wh: float = 700.0) -> None:
    ledger.start(
        TransactionId("tx-1"), reading(0, import_Wh, export_Wh), TriggerReason.AUTHORIZED, now_s=100.0, id_token=TOKEN
    )


def test_a_transaction_from_begin_to_end() -> None:
    ledger = Ledger(EvseId(1))
    first = ledger.start(
        TransactionId("tx-1"),
        reading(0, 5000, 700),
        TriggerReason.REMOTE_START,
        100.0,
        id_token=TOKEN,
        remote_start_id=9,
    )
    assert (first.type, first.seq_no, first.remote_start_id) == (TransactionEventType.STARTED, 0, 9)
    assert first.samples[0].context is ReadingContext.TRANSACTION_BEGIN
    changed = ledger.state_changed(ChargingState.CHARGING, reading(5, 5001, 700))
    assert changed is not None
    assert (changed.seq_no, changed.charging_state) == (1, ChargingState.CHARGING)
    assert ledger.state_changed(ChargingState.CHARGING, reading(6, 5001, 700)) is None
    sampled = ledger.sample(reading(60, 5300, 700, ReadingContext.SAMPLE_CLOCK))
    assert (sampled.seq_no, sampled.trigger) == (2, TriggerReason.METER_VALUE_CLOCK)
    ledger.sample(reading(90, 5300, 950))
    assert ledger.energy_Wh == (300, 250)
    end = ledger.end(reading(120, 5300, 980), TriggerReason.STOP_AUTHORIZED, StopReason.LOCAL, id_token=TOKEN)
    assert (end.type, end.seq_no, end.stopped_reason) == (TransactionEventType.ENDED, 4, StopReason.LOCAL)
    assert [s.context for s in end.samples] == [ReadingContext.TRANSACTION_BEGIN, ReadingContext.TRANSACTION_END]
    assert end.samples[1].import_Wh - end.samples[0].import_Wh == 300
    assert ledger.state is None
    with pytest.raises(LedgerError):
        ledger.end(None, TriggerReason.ABNORMAL_CONDITION, StopReason.OTHER)


def test_a_register_that_goes_backwards_is_a_fault_and_never_negative_energy() -> None:
    """J02.FR.16."""
    ledger = Ledger(EvseId(1))
    started(ledger)
    ledger.sample(reading(10, 5100))
    faults = ledger.faults()
    assert [f.register for f in faults] == ["export"]  # 700 -> 0
    record = ledger.sample(reading(20, 4000, 700))
    assert record.samples[0].import_Wh == 5100
    assert [(f.register, f.before_Wh, f.after_Wh) for f in ledger.faults()] == [("import", 5100, 4000)]
    ledger.sample(reading(30, 4100, 700))
    assert ledger.faults() == ()  # one fault per episode
    ledger.sample(reading(40, 5200, 700))
    ledger.sample(reading(50, float("nan"), 700))
    assert len(ledger.faults()) == 1
    assert ledger.energy_Wh == (200, 0)


def test_a_silent_meter_at_the_end_uses_the_last_good_reading() -> None:
    ledger = Ledger(EvseId(1))
    started(ledger)
    ledger.sample(reading(10, 5100, 700))
    end = ledger.end(None, TriggerReason.ABNORMAL_CONDITION, StopReason.OTHER, at_utc=T0 + timedelta(seconds=99))
    assert end.samples[-1].import_Wh == 5100
    assert end.at_utc == T0 + timedelta(seconds=99)
    assert end.samples[-1].at_utc == T0 + timedelta(seconds=10)


@pytest.mark.parametrize(("fresh", "final"), [(None, 5100.0), (5140.0, 5140.0), (12.0, 5100.0)])
def test_restored_after_a_power_cut_it_ends_once(fresh: float | None, final: float) -> None:
    before = Ledger(EvseId(1))
    started(before)
    before.sample(reading(10, 5100, 700))
    assert before.state is not None
    state = LedgerState.from_json(before.state.to_json())
    assert state == before.state
    after = Ledger(EvseId(1))
    sample = None if fresh is None else reading(500, fresh, 700)
    end = after.restore(state, sample, T0 + timedelta(seconds=500), StopReason.POWER_LOSS)
    assert (end.type, end.seq_no, end.trigger) == (TransactionEventType.ENDED, 2, TriggerReason.ABNORMAL_CONDITION)
    assert end.stopped_reason is StopReason.POWER_LOSS
    assert end.samples[-1].import_Wh == final
    assert after.state is None
    with pytest.raises(LedgerError):
        Ledger(EvseId(2)).restore(state, None, T0, StopReason.REBOOT)


def test_authorized_later_names_the_token_once() -> None:
    ledger = Ledger(EvseId(1))
    ledger.start(TransactionId("tx-1"), reading(0, 1), TriggerReason.CABLE_PLUGGED_IN, 0.0)
    record = ledger.authorized(TOKEN, reading(3, 1), TriggerReason.REMOTE_START, remote_start_id=4)
    assert (record.id_token, record.remote_start_id, record.seq_no) == (TOKEN, 4, 1)
    assert ledger.sample(reading(9, 1)).id_token is None
    assert ledger.state is not None
    assert ledger.state.id_token == TOKEN


def test_periodic_and_aligned_beats_come_once_each() -> None:
    ledger = Ledger(EvseId(1), intervals=SamplingIntervals(periodic_s=30, aligned_s=60))
    start = T0 + timedelta(seconds=50)
    assert ledger.due(0.0, start) is None
    ledger.start(TransactionId("tx"), MeterSample(start, ReadingContext.OTHER, 0, 0), TriggerReason.AUTHORIZED, 0.0)
    seen = []
    for second in range(121):
        while (context := ledger.due(float(second), start + timedelta(seconds=second))) is not None:
            seen.append((second, context))
    clock, periodic = ReadingContext.SAMPLE_CLOCK, ReadingContext.SAMPLE_PERIODIC
    assert seen == [(10, clock), (30, periodic), (60, periodic), (70, clock), (90, periodic), (120, periodic)]
    assert ledger.deadline_s(121.0, start + timedelta(seconds=121)) == 130.0
    ledger.configure(SamplingIntervals(periodic_s=0, aligned_s=0), 121.0)
    assert ledger.deadline_s(121.0, start) is None


_step = st.tuples(
    st.sampled_from(["sample", "state", "event", "authorize"]),
    st.floats(min_value=-500, max_value=500, allow_nan=False),
    st.floats(min_value=-500, max_value=500, allow_nan=False),
    st.sampled_from(list(ChargingState)),
)


@given(st.lists(_step, max_size=30), st.booleans())
def test_whatever_happens_numbers_are_gapless_and_energy_only_grows(
    steps: list[tuple[str, float, float, ChargingState]], crash: bool
) -> None:
    ledger = Ledger(EvseId(1))
    records = [
        ledger.start(TransactionId("tx"), reading(0, 10_000, 10_000), TriggerReason.AUTHORIZED, 0.0, id_token=TOKEN)
    ]
    energies = [ledger.energy_Wh]
    import_Wh = export_Wh = 10_000.0
    for second, (what, import_step, export_step, charging_state) in enumerate(steps, start=1):
        import_Wh, export_Wh = max(0.0, import_Wh + import_step), max(0.0, export_Wh + export_step)
        sample = reading(second, import_Wh, export_Wh)
        match what:
            case "sample":
                records.append(ledger.sample(sample))
            case "state":
                changed = ledger.state_changed(charging_state, sample)
                records.extend([] if changed is None else [changed])
            case "event":
                records.append(ledger.event(TriggerReason.EV_DEPARTED, sample))
            case _:
                records.append(ledger.authorized(TOKEN, sample))
        energies.append(ledger.energy_Wh)
    if crash:
        assert ledger.state is not None
        state = LedgerState.from_json(ledger.state.to_json())
        records.append(Ledger(EvseId(1)).restore(state, None, T0 + timedelta(days=1), StopReason.REBOOT))
    else:
        records.append(ledger.end(None, TriggerReason.STOP_AUTHORIZED, StopReason.LOCAL))
    assert [r.seq_no for r in records] == list(range(len(records)))
    assert [r.type for r in records].count(TransactionEventType.ENDED) == 1
    for earlier, later in itertools.pairwise(energies):
        assert later[0] >= earlier[0] >= 0
        assert later[1] >= earlier[1] >= 0
    registers = [s.import_Wh for r in records[:-1] for s in r.samples]
    assert registers == sorted(registers)
