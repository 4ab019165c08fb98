"""Charging profiles at an AC outlet: amperes are those of each phase, and a number of phases is taken only where it is kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.ocpp.conftest import Desk
from tests.unit.ocpp.test_ocpp_charging_profiles import DEFAULT, MAX, install, profile


def outlet(desk: Desk, phases: int) -> None:
    """EVSE 1 is an AC outlet with so many phases, and a transaction runs there."""
    desk.port.begin()
    desk.port.change(1, outlet_is_ac=True, ac_phases=phases, voltage_V=231.0)


def highest_W(desk: Desk) -> float:
    (found,) = desk.contributions()
    assert found.limits_W is not None
    return float(found.limits_W.high)


def period(**more: Any) -> dict[str, Any]:
    return {"startPeriod": 0, "limit": 10.0, **more}


@pytest.mark.parametrize(("phases", "watts"), [(3, 6900.0), (1, 2300.0)])
def test_amperes_are_those_of_each_phase(desk: Desk, phases: int, watts: float) -> None:
    """K01.FR.51, FR.49 and FR.45: without numberPhases the profile means three, and an outlet with one phase uses one."""
    outlet(desk, phases)
    assert install(desk, 1, profile((0, 10), tx="tx-1", unit="A")) == "Accepted"
    assert highest_W(desk) == pytest.approx(watts)
    composite = desk.ask("GetCompositeSchedule", {"evseId": 1, "duration": 60, "chargingRateUnit": "A"})["schedule"]
    assert composite["chargingSchedulePeriod"][0]["limit"] == 10.0


@pytest.mark.parametrize("purpose", [DEFAULT, MAX])
def test_fewer_phases_than_the_outlet_has_are_refused(desk: Desk, purpose: str) -> None:
    """K01.FR.43: nothing keeps a car at a three-phase outlet to one phase."""
    outlet(desk, 3)
    for phases, answer in ((1, "UnsupportedParam"), (2, "UnsupportedParam"), (3, "Accepted")):
        assert install(desk, 0, profile(period(numberPhases=phases), purpose=purpose, unit="A")) == answer
    start = {"idToken": {"idToken": "04A1B2C3", "type": "ISO14443"}, "remoteStartId": 1, "evseId": 1}
    desk.port.end()
    desk.port.change(1, outlet_is_ac=True)
    raw = profile(period(numberPhases=1), kind="Relative", start=None, unit="A")
    refused = desk.ask("RequestStartTransaction", {**start, "chargingProfile": raw})
    assert (refused["status"], refused["statusInfo"]["reasonCode"]) == ("Rejected", "UnsupportedParam")


def test_one_phase_at_an_outlet_that_has_one(desk: Desk) -> None:
    """K01.FR.47: without phaseToUse the outlet's own phase is used. K01.FR.48: a phase that is named cannot be switched to."""
    outlet(desk, 1)
    assert install(desk, 1, profile(period(numberPhases=1), tx="tx-1", unit="A")) == "Accepted"
    assert highest_W(desk) == pytest.approx(2300.0)
    assert desk.station.model.text("SmartChargingCtrlr/ACPhaseSwitchingSupported") == "false"
    raw = profile(period(numberPhases=1, phaseToUse=2), tx="tx-1", unit="A")
    assert install(desk, 1, raw) == "UnsupportedParam"


def test_a_dc_outlet_ignores_phases(desk: Desk) -> None:
    """K01.FR.44."""
    desk.port.begin()
    raw = profile(period(numberPhases=1, phaseToUse=2), tx="tx-1", unit="A")
    assert install(desk, 1, raw) == "Accepted"
    assert highest_W(desk) == pytest.approx(4000.0)


def test_watts_at_an_ac_outlet_are_those_of_all_phases_together(desk: Desk) -> None:
    """K01.FR.50: the same watts on three phases are the current P / (3 x 230 V), at the set voltage and not at the measured one."""
    outlet(desk, 3)
    assert install(desk, 1, profile((0, 6900), tx="tx-1")) == "Accepted"
    assert highest_W(desk) == pytest.approx(6900.0)
    composite = desk.ask("GetCompositeSchedule", {"evseId": 1, "duration": 60, "chargingRateUnit": "A"})["schedule"]
    assert composite["chargingSchedulePeriod"][0]["limit"] == 10.0
