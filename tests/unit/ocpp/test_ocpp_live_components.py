"""ConnectedEV and the equipment of an EVSE: what an aggregator reads, and what is unknown is refused (B06.FR.08, B07.FR.11)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.car import CarDemand, CarDisplay, CarEnergy, ControlMode, EnergyService
from chargepoint.model.demand import Phase
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor, ControlPilot, Lock
from chargepoint.model.limits import PowerLimits
from tests.unit.ocpp.conftest import measured_image

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

CAR = CarDemand(
    EvseId(1),
    at_s=0.0,
    phase=Phase.TRANSFER,
    service=EnergyService.DC_BPT,
    control_mode=ControlMode.DYNAMIC,
    limits=PowerLimits(
        280.0, 450.0, 125.0, 50.0, 50_000.0, 18_000.0, charge_power_min_W=600.0, discharge_power_min_W=500.0
    ),
    energy=CarEnergy(55.5, 80.0, 30.0, 30_000.0, 40_000.0, -2000.0, departure_at_s=3600.0),
    target_voltage_V=400.0,
    display=CarDisplay(maximum_soc_percent=95.0, capacity_Wh=60_000.0, to_maximum_soc_s=1234.6),
)


def read(
    desk: Desk, component: str, variable: str, attribute: str = "Actual", connector_id: int | None = None
) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "component": {
            "name": component,
            "evse": {"id": 1} if connector_id is None else {"id": 1, "connectorId": connector_id},
        },
        "variable": {"name": variable},
        "attributeType": attribute,
    }
    (result,) = desk.ask("GetVariables", {"getVariableData": [asked]})["getVariableResult"]
    return dict(result)


def value(desk: Desk, component: str, variable: str, attribute: str = "Actual", connector_id: int | None = None) -> str:
    result = read(desk, component, variable, attribute, connector_id)
    return str(result.get("attributeValue", result["attributeStatus"]))


def arrive(desk: Desk) -> None:
    desk.port.change(1, car=CAR, car_protocol="urn:iso:std:iso:15118:-20:DC", evcc_id="WMIV1234567890ABCDEX")


@pytest.mark.parametrize(
    ("variable", "attribute", "text"),
    [
        ("Available", "Actual", "true"),
        ("ProtocolAgreed", "Actual", "urn:iso:std:iso:15118:-20:DC"),
        ("VehicleID", "Actual", "WMIV1234567890ABCDEX"),
        ("EnergyTransferMode", "Actual", "DC_BPT"),
        ("ControlMode", "Actual", "dynamic"),
        ("Power", "MaxSet", "50000.0"),
        ("Power", "MinSet", "600.0"),
        ("DischargePower", "MaxSet", "18000.0"),
        ("DischargePower", "MinSet", "500.0"),
        ("DCCurrent", "MaxSet", "125.0"),
        ("DCVoltage", "Target", "400.0"),
        ("DCVoltage", "MinSet", "280.0"),
        ("DCVoltage", "MaxSet", "450.0"),
        ("EnergyImport", "Target", "30000.0"),
        ("EnergyImport", "MinSet", "-2000.0"),
        ("EnergyImport", "MaxSet", "40000.0"),
        ("BatteryCapacity", "Actual", "60000.0"),
        ("StateOfCharge", "Actual", "55.5"),
        ("StateOfCharge", "Target", "80.0"),
        ("StateOfCharge", "MinSet", "30.0"),
        ("StateOfCharge", "MaxSet", "95.0"),
        ("RemainingTimeFull", "Actual", "1235"),
        ("DCCurrent", "Target", ""),  # B06.FR.13: it is not known
        ("ChargingCompleteFull", "Actual", ""),
        ("DCCurrent", "MinSet", "NotSupportedAttributeType"),
        ("Power", "Actual", "NotSupportedAttributeType"),
        ("ACCurrent", "MaxSet", "UnknownVariable"),
    ],
)
def test_what_the_car_said_can_be_read(desk: Desk, variable: str, attribute: str, text: str) -> None:
    arrive(desk)
    assert value(desk, "ConnectedEV", variable, attribute) == text


def test_without_a_car_only_its_absence_is_known(desk: Desk) -> None:
    assert value(desk, "ConnectedEV", "Available") == "false"
    result = read(desk, "ConnectedEV", "StateOfCharge")
    assert (result["attributeStatus"], result["attributeStatusInfo"]["reasonCode"]) == ("Rejected", "NoValue")


def test_the_departure_is_a_moment_and_does_not_move(desk: Desk) -> None:
    arrive(desk)
    first = value(desk, "ConnectedEV", "DepartureTime")
    desk.now_s += 600.0
    assert value(desk, "ConnectedEV", "DepartureTime") == first
    assert first.endswith("Z")


def test_a_car_without_bpt_gives_nothing(desk: Desk) -> None:
    desk.port.change(1, car=replace(CAR, service=EnergyService.DC))
    assert value(desk, "ConnectedEV", "DischargePower", "MaxSet") == "0.0"


def test_a_report_has_every_attribute_of_a_variable_once(desk: Desk) -> None:
    arrive(desk)
    asked = {"component": {"name": "ConnectedEV", "evse": {"id": 1}}, "variable": {"name": "EnergyImport"}}
    answer = desk.answer("GetReport", {"requestId": 1, "componentVariable": [asked]})
    (row,) = [row for send in desk.sends(answer) for row in send.payload["reportData"]]
    found = {each["type"]: each["value"] for each in row["variableAttribute"]}
    assert found == {"Target": "30000.0", "MinSet": "-2000.0", "MaxSet": "40000.0"}


@pytest.mark.parametrize(
    ("component", "variable", "connector", "text"),
    [
        ("FiscalMetering", "EnergyImportRegister", None, "1000.0"),
        ("FiscalMetering", "EnergyExportRegister", None, "500.0"),
        ("FiscalMetering", "Power", None, "-8000.0"),
        ("FiscalMetering", "DCVoltage", None, "400.0"),
        ("FiscalMetering", "DCCurrent", None, "-20.0"),
        ("AcDcConverter", "DCVoltage", None, "400.0"),
        ("AcDcConverter", "DCCurrent", None, "-20.0"),
        ("AcDcConverter", "Temperature", None, "40.0"),
        ("AcDcConverter", "State", None, "TRANSFER"),
        ("GroundIsolationProtection", "Impedance", None, "1000000.0"),
        ("PowerContactor", "Active", None, "true"),
        ("PowerContactor", "State", None, "CLOSED"),
        ("ConnectorPlugRetentionLock", "Active", 1, "true"),
        ("CPPWMController", "State", 1, "C"),
    ],
)
def test_what_is_measured_can_be_read(
    desk: Desk, component: str, variable: str, connector: int | None, text: str
) -> None:
    assert read(desk, component, variable, connector_id=connector)["attributeStatus"] == "Rejected"
    desk.port.change(1, power_W=-8000.0)
    assert value(desk, component, variable, connector_id=connector) == text


def test_what_the_power_process_does_not_know_is_refused(desk: Desk) -> None:
    image = measured_image(
        1,
        0.0,
        meter=None,
        contactor=Contactor.UNKNOWN,
        lock=Lock.FAULT,
        pilot=ControlPilot.UNKNOWN,
        insulation_ohm=None,
        temperature_degC=None,
    )
    desk.port.change(1, image=image)
    for component, variable, connector in (
        ("FiscalMetering", "Power", None),
        ("PowerContactor", "Active", None),
        ("ConnectorPlugRetentionLock", "Active", 1),
        ("CPPWMController", "State", 1),
        ("GroundIsolationProtection", "Impedance", None),
        ("AcDcConverter", "Temperature", None),
    ):
        assert read(desk, component, variable, connector_id=connector)["attributeStatus"] == "Rejected", component


def test_a_welded_contactor_counts_as_active(desk: Desk) -> None:
    desk.port.change(1, image=measured_image(1, 0.0, contactor=Contactor.WELDED))
    assert value(desk, "PowerContactor", "Active") == "true"
