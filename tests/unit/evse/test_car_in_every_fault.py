"""Every fault of the catalogue as the car's side sees it, and those that end no transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chargepoint.control.car_side import CarSide
from chargepoint.model.demand import Phase
from chargepoint.model.faults import CATALOGUE, FaultCode, InterlockTripped, Severity
from tests.unit.evse.conftest import EVSE, SETPOINT

MILD = [code for code in FaultCode if CATALOGUE[code].severity in (Severity.WARNING, Severity.DERATE)]


@pytest.mark.parametrize("code", list(FaultCode), ids=lambda code: code.name)
def test_the_car_sees_an_emergency_as_one_and_power_as_forbidden(station: Any, code: FaultCode) -> None:
    station.transferring()
    severity = CATALOGUE[code].severity
    permitted = severity not in (Severity.EMERGENCY, Severity.ERROR)
    station.feed(InterlockTripped(EVSE, code, station.t, "detail"))
    station.feed(replace(station.image(), faults=frozenset({code}), permitted=permitted))
    view = CarSide("meter", 10.0).view(station.session.view, SETPOINT, None, None, None)
    assert view.emergency is (severity is Severity.EMERGENCY)
    assert view.permitted is permitted
    assert station.session.view.stop_requested is (code not in MILD)


@pytest.mark.parametrize("code", MILD, ids=lambda code: code.name)
def test_less_current_or_a_warning_ends_no_transaction(station: Any, code: FaultCode) -> None:
    station.transferring()
    station.feed(InterlockTripped(EVSE, code, station.t, "detail"))
    for _ in range(20):
        station.t += 0.1
        station.feed(replace(station.image(), faults=frozenset({code}), permitted=True))
    assert station.ends() == [] and station.session.view.stop is None
    assert station.order().phase is Phase.TRANSFER
