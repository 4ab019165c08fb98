"""A transaction goes on over a restart with the limits that the central system set for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chargepoint.model.image import ControlPilot
from chargepoint.model.transactions import StopReason
from tests.unit.control.conftest import Bench

NewBench = Callable[..., Bench]


def restored(new_bench: NewBench, *, ran_s: float = 600.0) -> Bench:
    """A new daemon, before its first image, with a transaction that began `ran_s` seconds ago."""
    before = new_bench()
    before.transferring()
    before.live(1.0)
    state = before.stored[-1][0]
    assert state is not None
    bench = new_bench()
    begin = replace(state.begin, at_utc=bench.now.utc - timedelta(seconds=ran_s))
    bench.perform(bench.evse.restore(replace(state, begin=begin), StopReason.REBOOT, bench.now, car_paused=True))
    return bench


def test_the_transaction_is_never_missing_from_what_the_central_system_sees(new_bench: NewBench) -> None:
    """A TxProfile leaves with its transaction: a gap of one instant let a car charge without its limit."""
    bench = restored(new_bench)
    first = bench.evse.evse_state(bench.t)
    assert (first.transaction_id, first.id_token is not None) == ("tx-1", True)
    for _ in range(10):
        bench.see(pilot=ControlPilot.B)
        assert bench.evse.evse_state(bench.t).transaction_id == "tx-1"
        bench.t += 0.1


def test_it_is_gone_once_its_car_is(new_bench: NewBench) -> None:
    bench = restored(new_bench)
    bench.live(1.0, pilot=ControlPilot.A)
    assert bench.evse.evse_state(bench.t).transaction_id is None


@pytest.mark.parametrize("ran_s", [0.0, 600.0])
def test_relative_profiles_count_from_the_start_of_the_transaction(new_bench: NewBench, ran_s: float) -> None:
    bench = restored(new_bench, ran_s=ran_s)
    assert bench.evse.evse_state(bench.t).transaction_started_s == pytest.approx(bench.t - ran_s)
    bench.see(pilot=ControlPilot.B)
    assert bench.evse.view.transaction_started_s == pytest.approx(bench.t - ran_s)


def test_a_clock_that_went_back_does_not_put_the_start_into_the_future(new_bench: NewBench) -> None:
    bench = restored(new_bench, ran_s=-3600.0)
    assert bench.evse.evse_state(bench.t).transaction_started_s == bench.t
