"""EVSE.Power carries the present power with its sign; a value nobody knows is refused instead of sent as an empty text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.ocpp.device_model import Mutability

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

POWER = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}


def asked(desk: Desk) -> dict[str, Any]:
    (result,) = desk.ask("GetVariables", {"getVariableData": [POWER]})["getVariableResult"]
    return dict(result)


def reported(desk: Desk) -> dict[str, Any]:
    """The NotifyReport row of EVSE.Power."""
    answer = desk.answer("GetReport", {"requestId": 1, "componentVariable": [POWER]})
    (row,) = [row for send in desk.sends(answer) for row in send.payload["reportData"]]
    return dict(row)


@pytest.mark.parametrize(("power_W", "text"), [(11_000.0, "11000.0"), (-10_000.0, "-10000.0"), (0.0, "0.0")])
def test_the_present_power_is_positive_into_the_car(desk: Desk, power_W: float, text: str) -> None:
    desk.port.begin()
    desk.port.change(1, power_W=power_W)
    assert (asked(desk)["attributeStatus"], asked(desk)["attributeValue"]) == ("Accepted", text)
    assert reported(desk)["variableAttribute"][0]["value"] == text


def test_an_unknown_power_is_refused_with_a_reason_and_left_out_of_reports(desk: Desk) -> None:
    result = asked(desk)
    assert result["attributeStatus"] == "Rejected"
    assert result["attributeValue"] == ""  # B06.FR.13
    assert result["attributeStatusInfo"] == {"reasonCode": "NoValue", "additionalInfo": "Power is unknown now"}
    assert "value" not in reported(desk)["variableAttribute"][0]


def test_the_range_of_the_power_includes_discharging(desk: Desk) -> None:
    characteristics = reported(desk)["variableCharacteristics"]
    assert (characteristics["minLimit"], characteristics["maxLimit"]) == (-11_000.0, 22_000.0)


def test_every_variable_that_can_be_read_has_a_value(desk: Desk) -> None:
    """With an image nothing is left that answers without a value, except a car that is not there."""
    desk.port.change(1, power_W=0.0)
    rows = desk.station.model.report(
        lambda row: row.mutability is not Mutability.WRITE_ONLY and row.component != "ConnectedEV"
    )
    without = [(row["component"], row["variable"]) for row in rows if "value" not in row["variableAttribute"][0]]
    assert without == []
