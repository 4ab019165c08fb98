"""After a restart of the daemon: the transaction left open pays for the same car only, and no second one begins beside it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chargepoint.control.effects import ForgetCarSession
from chargepoint.model.car import AuthorizationWanted, CarIdentified
from chargepoint.model.commands import Reset, ResetKind, StopTransaction
from chargepoint.model.demand import Phase
from chargepoint.model.ids import TransactionId
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.transactions import StopReason, TransactionEventType
from chargepoint.transactions.ledger import LedgerState
from tests.unit.control.conftest import EVSE, Bench

NewBench = Callable[..., Bench]


def restored(new_bench: NewBench, *, paused: bool = True, **energy: object) -> tuple[Bench, LedgerState]:
    """A transaction left open in the transfer, in the hands of a new daemon that has seen no image yet."""
    before = new_bench()
    before.transferring()
    before.live(1.0)
    state = before.stored[-1][0]
    assert state is not None
    bench = new_bench(**energy)
    bench.import_Wh = 5600.0
    bench.perform(bench.evse.restore(state, StopReason.REBOOT, bench.now, car_paused=paused))
    return bench, state


def identifies(bench: Bench, *, joined: bool = False, known: bool = False) -> None:
    bench.connect()
    bench.car(CarIdentified(EVSE, "EVCC1", b"12345678", joined, known))


@pytest.mark.parametrize(("joined", "known"), [(True, True), (False, True)], ids=["joined", "known, new session"])
def test_the_same_car_goes_on(new_bench: NewBench, joined: bool, known: bool) -> None:
    bench, state = restored(new_bench)
    bench.live(0.5, pilot=ControlPilot.B)
    identifies(bench, joined=joined, known=known)
    bench.live(1.0)
    assert bench.evse.view.transaction_id == state.transaction_id
    assert bench.evse.view.authorized


def test_another_car_does_not_charge_on_the_transaction_of_before(new_bench: NewBench) -> None:
    """The plug may have moved to another car while no daemon watched."""
    bench, state = restored(new_bench)
    bench.live(0.5, pilot=ControlPilot.B)
    identifies(bench)
    bench.car(AuthorizationWanted(EVSE))
    assert bench.evse.view.authorized is None
    bench.asks(Phase.TRANSFER)
    assert bench.demands[-1].power_W == 0.0
    bench.live(1.0)
    ended = bench.records[-1]
    assert (ended.type, ended.transaction_id) == (TransactionEventType.ENDED, state.transaction_id)
    assert bench.evse.view.transaction_id is None
    assert any(isinstance(effect, ForgetCarSession) for effect in bench.effects)
    assert bench.demands[-1].phase is Phase.OFF


def test_a_second_session_of_the_proven_car_goes_on_without_a_certificate(new_bench: NewBench) -> None:
    """Once the car is proven the plug is watched again."""
    bench, state = restored(new_bench)
    bench.live(0.5, pilot=ControlPilot.B)
    identifies(bench, joined=True, known=True)
    identifies(bench)
    bench.live(1.0)
    assert bench.evse.view.transaction_id == state.transaction_id


def test_a_car_that_came_before_the_first_image_is_not_taken_for_absent(new_bench: NewBench) -> None:
    bench, state = restored(new_bench, paused=False)
    identifies(bench, joined=True, known=True)
    bench.live(40.0, pilot=ControlPilot.B)
    assert bench.evse.view.transaction_id == state.transaction_id
    assert bench.evse.view.stop is None


def test_another_car_that_came_before_the_first_image_ends_it(new_bench: NewBench) -> None:
    bench, _ = restored(new_bench)
    identifies(bench)
    bench.live(1.0, pilot=ControlPilot.B)
    assert bench.evse.view.transaction_id is None
    assert bench.records[-1].type is TransactionEventType.ENDED


def test_the_view_names_the_transaction_before_the_first_image(new_bench: NewBench) -> None:
    bench, state = restored(new_bench)
    assert bench.evse.station_view().transaction_id == state.transaction_id
    bench.live(0.5, pilot=ControlPilot.B)
    assert bench.evse.station_view().transaction_id == state.transaction_id
    bench.evse.stop_for_reset(bench.now)
    assert bench.evse.station_view().transaction_id is None


def test_no_second_transaction_begins_while_the_first_waits_for_its_meter(new_bench: NewBench) -> None:
    """A free outlet: the car asks for authorisation before the meter answers. One ledger holds one transaction."""
    bench, state = restored(new_bench, authorization="none")
    bench.live(1.0, pilot=ControlPilot.B, meter_age_s=None, stage=Stage.OFF)
    bench.connect()
    bench.car(AuthorizationWanted(EVSE))
    bench.present("04DDEEFF")
    bench.live(1.0, meter_age_s=0.0)
    started = [r for r in bench.records if r.type is TransactionEventType.STARTED]
    assert started == []
    assert bench.evse.view.transaction_id == state.transaction_id


def test_a_transaction_begins_after_the_first_one_was_closed(new_bench: NewBench) -> None:
    bench, _ = restored(new_bench)
    bench.live(0.5, pilot=ControlPilot.A)
    bench.live(0.5, pilot=ControlPilot.B)
    bench.present()
    bench.live(0.5)
    assert [r.type for r in bench.records] == [TransactionEventType.ENDED, TransactionEventType.STARTED]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (StopTransaction(TransactionId("tx-1")), StopReason.REMOTE),
        (Reset(ResetKind.IMMEDIATE, EVSE), StopReason.IMMEDIATE_RESET),
    ],
    ids=["stop", "reset"],
)
def test_the_central_system_stops_a_transaction_that_waits_for_its_car(
    new_bench: NewBench, order: StopTransaction | Reset, reason: StopReason
) -> None:
    bench, state = restored(new_bench)
    assert state.transaction_id == "tx-1"
    assert bench.command(order).accepted
    bench.live(1.0, pilot=ControlPilot.B)
    (ended,) = bench.records
    assert (ended.type, ended.stopped_reason) == (TransactionEventType.ENDED, reason)
    assert bench.evse.view.transaction_id is None
    assert bench.evse.idle
    assert any(isinstance(effect, ForgetCarSession) for effect in bench.effects)
