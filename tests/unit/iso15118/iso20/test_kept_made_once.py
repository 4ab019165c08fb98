"""What is kept of a session is made when it changes, not with every message; and it is never older than the session."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chargepoint.iso15118.conversation.kept_session import KeptSession
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20 import memory
from chargepoint.iso15118.iso20.state import State
from chargepoint.model.car import ControlMode
from chargepoint.model.ids import TransactionId
from tests.unit.iso15118.iso20.conftest import ORDER, ScriptedCar

NewCar = Callable[..., ScriptedCar]
LEAF = b"the certificate of one car"


class Counting:
    """`memory.keep`, and how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0
        self._keep = memory.keep

    def __call__(self, remembered: memory.Remembered, at: Situation, *, paused: bool) -> KeptSession | None:
        self.calls += 1
        return self._keep(remembered, at, paused=paused)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    counting = Counting()
    monkeypatch.setattr(memory, "keep", counting)
    return counting


def fresh(car: ScriptedCar, transaction_id: str | None = "tx-1") -> KeptSession | None:
    """What would be kept if it were made now."""
    at = car.secc._situation(car.now)
    assert at.view.transaction_id == transaction_id
    return memory.keep(memory.remembered(car.secc.session), at, paused=False)


def test_charge_loops_do_not_make_it_anew(new_car: NewCar, counting: Counting) -> None:
    car = new_car(leaf=LEAF).reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop())
    before = counting.calls
    for soc in range(50):
        car.ask(car.charge_loop(soc=soc))
    assert counting.calls == before
    assert car.secc.kept is not None


@pytest.mark.parametrize("mode", list(ControlMode))
def test_it_is_as_new_after_each_message(new_car: NewCar, mode: ControlMode) -> None:
    car = new_car(mode, leaf=LEAF)
    car.agree()
    for state in ORDER[:11]:
        car.step(state)
        assert car.secc.kept == fresh(car), state
    assert car.secc.session.state is State.CHARGE_LOOP
    assert car.secc.kept is not None


def test_another_transaction_makes_it_anew(new_car: NewCar) -> None:
    car = new_car(leaf=LEAF).reach(State.CHARGE_LOOP)
    car.see(transaction_id=TransactionId("tx-2"))
    car.ask(car.charge_loop())
    assert car.secc.kept == fresh(car, "tx-2")
    assert car.secc.kept is not None
    assert car.secc.kept.transaction_id == "tx-2"
