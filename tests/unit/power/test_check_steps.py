"""The cable check takes what it knows already within one cycle."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Contactor
from chargepoint.model.limits import rated
from chargepoint.ports import InsulationState
from chargepoint.power.cable_check import CableCheck, CheckInputs
from chargepoint.safety.contactor_watch import SETTLE_S
from chargepoint.safety.envelope import Envelope

ENVELOPE = Envelope(rated(920.0, 40.0), insulation_reaction_s=0.05)


def inputs(now_s: float, voltage_V: float, resistance_ohm: float | None, passed: bool | None) -> CheckInputs:
    return CheckInputs(now_s, Contactor.CLOSED, voltage_V, InsulationState(resistance_ohm, True, passed, True))


def in_self_test() -> CableCheck:
    check = CableCheck(500.0, ENVELOPE, 0.0)
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


def test_what_the_monitor_measured_before_it_could_see_the_test_voltage_passes_nothing() -> None:
    """Insulation that falls with the voltage shows only after the monitor's own reaction time."""
    check = in_self_test()  # at the test voltage since 0.2 s
    old = replace(inputs(0.5, 500.0, 1e6, True), insulation_taken_at_s=0.24)
    assert check.step(old) is None
    assert not check.lowering
    new = replace(inputs(0.6, 500.0, 50_000.0, True), insulation_taken_at_s=0.55)
    failure = check.step(new)
    assert failure is not None and failure.code is FaultCode.INSULATION
