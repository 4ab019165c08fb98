"""NotifyEVChargingNeeds and NotifyEVChargingSchedule in both versions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chargepoint.model.car import CarEnergy, ControlMode, EnergyService
from chargepoint.model.charging_needs import ChargingNeeds, PlannedPower
from chargepoint.model.commands import ScheduleArrived
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import PowerLimits
from chargepoint.ocpp.blocks.charging_needs import PERIODS_MAX, needs_request, plan_request, sends_schedule
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.schemas import Schemas
from chargepoint.ocpp.version import OCPP_2_0_1, OCPP_2_1, OcppVersion
from tests.unit.ocpp.conftest import Desk

NOW = Moment(0.0, 1_772_366_400.0)
LIMITS = PowerLimits(
    280.0, 450.0, 125.0, 50.0, 50_000.4, 18_000.0, charge_power_min_W=600.0, discharge_power_min_W=500.0
)
ENERGY = CarEnergy(soc_percent=55.4, target_Wh=30_000.6, min_Wh=-2000.0, max_Wh=40_000.0, departure_at_s=3600.0)
DC = ChargingNeeds(
    EvseId(1),
    EnergyService.DC_BPT,
    ControlMode.SCHEDULED,
    LIMITS,
    ENERGY,
    24,
    capacity_Wh=60_000.0,
    maximum_soc_percent=90.0,
)
SCHEMAS = {version.subprotocol: Schemas(version) for version in (OCPP_2_0_1, OCPP_2_1)}
VERSIONS = pytest.mark.parametrize("version", [OCPP_2_0_1, OCPP_2_1], ids=lambda v: v.subprotocol)


def needs(given: ChargingNeeds, version: OcppVersion) -> dict[str, Any]:
    send = needs_request(given, version, NOW)
    assert SCHEMAS[version.subprotocol].check_request(send.action, send.payload) is None
    return send.payload


@VERSIONS
def test_a_dc_car(version: OcppVersion) -> None:
    payload = needs(DC, version)
    found = payload["chargingNeeds"]
    assert (payload["evseId"], payload["maxScheduleTuples"]) == (1, 24)
    assert found["departureTime"] == "2026-03-01T13:00:00.000Z"
    assert found["dcChargingParameters"] == {
        "evMaxCurrent": 125,
        "evMaxVoltage": 450,
        "evMaxPower": 50_000,
        "energyAmount": 30_001,
        "stateOfCharge": 55,
        "evEnergyCapacity": 60_000,
        "fullSoC": 90,
    }
    more = found if version.native_v2x else found["customData"]
    assert (more["requestedEnergyTransfer"], more["controlMode"]) == ("DC_BPT", "ScheduledControl")
    assert more["v2xChargingParameters"]["maxDischargePower"] == -18_000.0
    assert version.native_v2x or found["requestedEnergyTransfer"] == "DC"


@VERSIONS
@pytest.mark.parametrize(("phases", "mode"), [(1, "AC_single_phase"), (3, "AC_three_phase")])
def test_an_ac_car(version: OcppVersion, phases: int, mode: str) -> None:
    given = replace(DC, service=EnergyService.AC, phases=phases, points=None, control_mode=ControlMode.DYNAMIC)
    payload = needs(given, version)
    found = payload["chargingNeeds"]
    assert found["requestedEnergyTransfer"] == mode
    assert set(found["acChargingParameters"]) == {"energyAmount", "evMinCurrent", "evMaxCurrent", "evMaxVoltage"}
    assert "dcChargingParameters" not in found
    assert "maxScheduleTuples" not in payload


@VERSIONS
def test_a_car_that_says_nothing(version: OcppVersion) -> None:
    for service in (EnergyService.DC, EnergyService.AC):
        payload = needs(
            replace(DC, service=service, energy=CarEnergy(), capacity_Wh=None, maximum_soc_percent=None), version
        )
        assert "departureTime" not in payload["chargingNeeds"]


@VERSIONS
def test_a_car_that_is_full_wants_nothing(version: OcppVersion) -> None:
    payload = needs(replace(DC, energy=CarEnergy(target_Wh=-5000.0)), version)
    assert payload["chargingNeeds"]["dcChargingParameters"]["energyAmount"] == 0


@pytest.mark.parametrize(("status", "waits"), [("Accepted", True), ("Processing", False), ("Rejected", False)])
def test_only_an_accepted_need_brings_a_schedule_now(status: str, waits: bool) -> None:
    assert sends_schedule({"status": status}) is waits


@VERSIONS
@pytest.mark.parametrize("by_car", [False, True])
def test_a_plan(version: OcppVersion, by_car: bool) -> None:
    plan = PlannedPower(EvseId(1), 3, 1_772_366_400, ((600, 9_000.04), (3000, -4_000.0)), by_car)
    send = plan_request(plan, version, NOW)
    assert SCHEMAS[version.subprotocol].check_request(send.action, send.payload) is None
    schedule = send.payload["chargingSchedule"]
    assert (send.payload["timeBase"], schedule["id"], schedule["duration"]) == ("2026-03-01T12:00:00.000Z", 3, 3600)
    first, second = schedule["chargingSchedulePeriod"]
    assert (first["startPeriod"], first["limit"]) == (0, 9000.0)
    assert (second["startPeriod"], second["limit"], second["customData"]["setpoint"]) == (600, 0.0, -4000.0)


@VERSIONS
def test_a_plan_of_a_thousand_pieces_fits(version: OcppVersion) -> None:
    plan = PlannedPower(EvseId(1), 1, 0, ((60.0, 1.0),) * (PERIODS_MAX + 10), by_car=True)
    send = plan_request(plan, version, NOW)
    assert SCHEMAS[version.subprotocol].check_request(send.action, send.payload) is None


@pytest.mark.parametrize("purpose", ["TxProfile", "TxDefaultProfile"])
def test_a_car_that_waits_is_let_go_by_its_own_profile(desk: Desk, purpose: str) -> None:
    """K16.FR.01."""
    desk.port.begin()
    profile = {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": [
            {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 5000.0}]}
        ],
        **({"transactionId": "tx-1"} if purpose == "TxProfile" else {}),
    }
    assert desk.ask("SetChargingProfile", {"evseId": 1, "chargingProfile": profile})["status"] == "Accepted"
    names = [type(command).__name__ for command in desk.port.commands]
    assert (ScheduleArrived(EvseId(1)) in desk.port.commands) is (purpose == "TxProfile")
    if purpose == "TxProfile":
        assert names.index("Contribute") < names.index("ScheduleArrived")  # the limits are there already
