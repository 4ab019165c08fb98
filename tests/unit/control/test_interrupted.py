"""A transaction that was open when the daemon ended goes on where its car's session is kept and the car is still plugged in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chargepoint.control.effects import ForgetCarSession
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.transactions import ChargingState, StopReason, TransactionEventType, TriggerReason
from chargepoint.transactions.ledger import LedgerState
from tests.unit.control.conftest import Bench

NewBench = Callable[..., Bench]


def left_open(new_bench: NewBench) -> LedgerState:
    """What the store holds after a kill in the transfer."""
    before = new_bench()
    before.transferring()
    before.live(1.0)
    state = before.stored[-1][0]
    assert state is not None
    return state


def restored(new_bench: NewBench, *, paused: bool | None) -> tuple[Bench, LedgerState]:
    state = left_open(new_bench)
    bench = new_bench()
    bench.import_Wh = 5600.0
    bench.perform(bench.evse.restore(state, StopReason.REBOOT, bench.now, car_paused=paused))
    return bench, state


@pytest.mark.parametrize("paused", [True, False])
def test_it_goes_on_with_its_number_and_its_registers(new_bench: NewBench, paused: bool) -> None:
    bench, state = restored(new_bench, paused=paused)
    assert not bench.evse.idle
    bench.live(0.5, pilot=ControlPilot.B)
    assert bench.evse.view.transaction_id == state.transaction_id
    (resumed,) = bench.records
    assert (resumed.type, resumed.seq_no) == (TransactionEventType.UPDATED, state.next_seq_no)
    assert resumed.trigger is TriggerReason.CHARGING_STATE_CHANGED
    assert resumed.charging_state is ChargingState.SUSPENDED_EV
    assert resumed.samples[0].import_Wh == 5600.0
    bench.see(pilot=ControlPilot.A)
    bench.live(1.0)
    ended = bench.records[-1]
    assert (ended.type, ended.stopped_reason) == (TransactionEventType.ENDED, StopReason.EV_DISCONNECTED)
    assert ended.seq_no == state.next_seq_no + 1
    assert ended.samples[0] == state.begin


def test_without_a_kept_session_it_is_closed_as_before(new_bench: NewBench) -> None:
    bench, _ = restored(new_bench, paused=None)
    bench.live(0.5, pilot=ControlPilot.B)
    (ended,) = bench.records
    assert (ended.type, ended.stopped_reason) == (TransactionEventType.ENDED, StopReason.REBOOT)


@pytest.mark.parametrize("pilot", [ControlPilot.A, ControlPilot.UNKNOWN])
def test_a_car_that_left_meanwhile_ends_it_and_its_session_is_forgotten(
    new_bench: NewBench, pilot: ControlPilot
) -> None:
    bench, _ = restored(new_bench, paused=True)
    bench.live(12.0, pilot=pilot, stage=Stage.OFF)
    (ended,) = bench.records
    assert (ended.type, ended.stopped_reason) == (TransactionEventType.ENDED, StopReason.REBOOT)
    assert any(isinstance(effect, ForgetCarSession) for effect in bench.effects)
    assert bench.evse.idle


def test_a_power_process_that_does_not_come_leaves_it_to_the_stored_registers(new_bench: NewBench) -> None:
    bench, state = restored(new_bench, paused=True)
    bench.pass_time(25.0)
    (ended,) = bench.records
    assert ended.type is TransactionEventType.ENDED
    assert ended.samples[-1].import_Wh == state.last.import_Wh


def test_a_silent_meter_is_waited_for(new_bench: NewBench) -> None:
    bench, state = restored(new_bench, paused=True)
    bench.live(2.0, pilot=ControlPilot.B, meter_age_s=None)
    assert bench.records == []
    bench.live(0.5, meter_age_s=0.0)
    assert bench.evse.view.transaction_id == state.transaction_id
