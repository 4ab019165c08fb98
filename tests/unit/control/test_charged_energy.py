"""The energy of the present transaction, as the central system's rules see it (MaxEnergyOnInvalidId)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chargepoint.model.transactions import StopReason
from tests.unit.control.conftest import Bench

NewBench = Callable[..., Bench]


def test_it_is_known_in_a_transaction_only(new_bench: NewBench) -> None:
    bench = new_bench()
    bench.live(1.0)
    assert bench.evse.evse_state(bench.t).charged_Wh is None
    bench.transferring()
    bench.live(1.0)
    assert bench.evse.evse_state(bench.t).charged_Wh == pytest.approx(bench.evse.energy_now_Wh[0])


def test_a_transaction_that_waits_for_its_car_keeps_it(new_bench: NewBench) -> None:
    before = new_bench()
    before.transferring()
    before.live(1.0)
    state = before.stored[-1][0]
    assert state is not None
    bench = new_bench()
    bench.perform(bench.evse.restore(state, StopReason.REBOOT, bench.now, car_paused=True))
    assert bench.evse.evse_state(bench.t).charged_Wh == state.last.import_Wh - state.begin.import_Wh
