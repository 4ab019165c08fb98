"""The cable check takes what it knows already within one cycle."""

from __future__ import annotations

from chargepoint.model.image import Contactor
from chargepoint.ports import InsulationState
from chargepoint.power.cable_check import CableCheck, CheckInputs
from chargepoint.safety.contactor_watch import SETTLE_S


def inputs(now_s: float, voltage_V: float, resistance_ohm: float | None, passed: bool | None) -> CheckInputs:
    return CheckInputs(now_s, Contactor.CLOSED, voltage_V, InsulationState(resistance_ohm, True, passed, True))


def in_self_test() -> CableCheck:
    check = CableCheck(500.0, 100_000.0, 0.0)
    for now_s in (0.0, SETTLE_S):
        assert check.step(inputs(now_s, 0.0, None, None)) is None
    assert check.step(inputs(0.2, 500.0, None, None)) is None
    assert check.self_test_begins
    return check


def test_a_value_that_comes_with_the_end_of_the_self_test_counts_in_the_same_cycle() -> None:
    check = in_self_test()
    assert check.step(inputs(0.3, 500.0, 1e6, True)) is None
    assert check.lowering


def test_a_value_that_comes_with_it_and_is_too_low_fails_in_the_same_cycle() -> None:
    failure = in_self_test().step(inputs(0.3, 500.0, 50_000.0, True))
    assert failure is not None
    assert "50 kohm" in failure.detail


def test_without_a_value_the_check_goes_on_measuring() -> None:
    check = in_self_test()
    assert check.step(inputs(0.3, 500.0, None, True)) is None
    assert not check.lowering
