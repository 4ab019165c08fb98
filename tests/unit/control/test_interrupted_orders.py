"""A transaction that waits for its car after a restart of the daemon ends with the trigger and the reason of the order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chargepoint.model.commands import Reset, ResetKind, StopTransaction
from chargepoint.model.ids import IdToken, IdTokenType, TransactionId
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.transactions import StopReason, TransactionEventType, TriggerReason
from chargepoint.transactions.ledger import LedgerState
from tests.unit.control.conftest import EVSE, Bench

NewBench = Callable[..., Bench]
CARD = "04A1B2C3"


def waiting(new_bench: NewBench) -> tuple[Bench, LedgerState]:
    """A new daemon that has seen no image yet; the transaction began with `CARD`."""
    before = new_bench()
    before.transferring()
    before.live(1.0)
    state = before.stored[-1][0]
    assert state is not None and state.id_token is not None
    assert state.id_token.value == CARD
    bench = new_bench()
    bench.perform(bench.evse.restore(state, StopReason.REBOOT, bench.now, car_paused=False))
    return bench, state


@pytest.mark.parametrize(
    ("order", "trigger", "reason", "detail"),
    [
        (
            StopTransaction(TransactionId("tx-1")),
            TriggerReason.REMOTE_STOP,
            StopReason.REMOTE,
            "ordered by the central system",
        ),
        (
            StopTransaction(TransactionId("tx-1"), TriggerReason.DEAUTHORIZED, StopReason.DEAUTHORIZED),
            TriggerReason.DEAUTHORIZED,
            StopReason.DEAUTHORIZED,
            "ordered by the central system",
        ),
        (
            Reset(ResetKind.IMMEDIATE, EVSE),
            TriggerReason.RESET_COMMAND,
            StopReason.IMMEDIATE_RESET,
            "ordered by a reset",
        ),
    ],
    ids=["stop", "not authorised any more", "reset"],
)
def test_the_record_of_the_end_names_the_order(
    new_bench: NewBench, order: StopTransaction | Reset, trigger: TriggerReason, reason: StopReason, detail: str
) -> None:
    bench, state = waiting(new_bench)
    assert bench.command(order).accepted
    bench.live(1.0, pilot=ControlPilot.B, stage=Stage.OFF)
    (ended,) = bench.records
    assert (ended.type, ended.transaction_id) == (TransactionEventType.ENDED, state.transaction_id)
    assert (ended.trigger, ended.stopped_reason) == (trigger, reason)
    assert bench.evse.last_session is not None
    assert bench.evse.last_session.detail == detail


def test_the_card_it_began_with_stops_it_and_begins_no_other_one(new_bench: NewBench) -> None:
    bench, state = waiting(new_bench)
    bench.present(CARD)
    bench.live(2.0, pilot=ControlPilot.B, stage=Stage.OFF)
    (ended,) = bench.records
    assert (ended.type, ended.transaction_id) == (TransactionEventType.ENDED, state.transaction_id)
    assert (ended.trigger, ended.stopped_reason) == (TriggerReason.STOP_AUTHORIZED, StopReason.LOCAL)
    assert ended.id_token == state.id_token
    assert bench.evse.view.transaction_id is None


def test_another_card_does_not_stop_it(new_bench: NewBench) -> None:
    bench, state = waiting(new_bench)
    bench.present("04DDEEFF")
    bench.live(1.0, pilot=ControlPilot.B, stage=Stage.OFF)
    assert bench.evse.view.transaction_id == state.transaction_id
    assert all(record.type is TransactionEventType.UPDATED for record in bench.records)


def test_without_an_order_the_end_is_abnormal(new_bench: NewBench) -> None:
    bench, _ = waiting(new_bench)
    bench.live(1.0, pilot=ControlPilot.A, stage=Stage.OFF)
    (ended,) = bench.records
    assert (ended.trigger, ended.stopped_reason) == (TriggerReason.ABNORMAL_CONDITION, StopReason.REBOOT)
    assert bench.evse.last_session is not None
    assert bench.evse.last_session.detail == "open when the daemon ended"


def test_a_master_pass_stops_it(new_bench: NewBench) -> None:
    bench, state = waiting(new_bench)
    token = IdToken("0A0B0C0D", IdTokenType.ISO14443)
    bench.perform(bench.control.stop_all(token, bench.now))
    bench.live(1.0, pilot=ControlPilot.B, stage=Stage.OFF)
    (ended,) = bench.records
    assert (ended.type, ended.transaction_id) == (TransactionEventType.ENDED, state.transaction_id)
    assert (ended.trigger, ended.stopped_reason) == (TriggerReason.STOP_AUTHORIZED, StopReason.MASTER_PASS)
    assert ended.id_token == token
