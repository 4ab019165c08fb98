"""The cable check's short-circuit test: a current without its voltage ends the check, whatever the module does."""

from __future__ import annotations

import pytest

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Contactor
from chargepoint.model.limits import rated
from chargepoint.power.cable_check import SHORT_CIRCUIT_S, CableCheck, CheckFailure, CheckInputs
from chargepoint.safety.contactor_watch import SETTLE_S
from chargepoint.safety.envelope import Envelope


def raised(voltage_V: float | None, current_A: float | None, seconds: float) -> CheckFailure | None:
    """The check's answer after so long in its raising of the voltage."""
    check = CableCheck(500.0, Envelope(rated(920.0, 40.0)), 0.0)
    found: CheckFailure | None = None
    ticks = round((SETTLE_S + 0.02 + seconds) / 0.01)
    for tick in range(ticks + 1):
        found = check.step(CheckInputs(tick * 0.01, Contactor.CLOSED, voltage_V, None, current_A))
        if found is not None:
            break
    return found


@pytest.mark.parametrize(("voltage_V", "current_A"), [(0.0, 2.0), (5.0, 1.9), (219.0, 2.0), (54.0, 0.5)])
def test_a_short_circuit_is_found_within_the_second_of_the_standard(voltage_V: float, current_A: float) -> None:
    assert raised(voltage_V, current_A, SHORT_CIRCUIT_S - 0.05) is None
    found = raised(voltage_V, current_A, SHORT_CIRCUIT_S + 0.05)
    assert found is not None
    assert found.code is FaultCode.SHORT_CIRCUIT
    assert "at least 110 ohm" in found.detail


@pytest.mark.parametrize(("voltage_V", "current_A"), [(300.0, 2.0), (0.0, 0.0), (100.0, 0.4), (None, 2.0), (5.0, None)])
def test_a_slow_or_an_unknown_rise_is_no_short_circuit(voltage_V: float | None, current_A: float | None) -> None:
    assert raised(voltage_V, current_A, 5.0) is None
