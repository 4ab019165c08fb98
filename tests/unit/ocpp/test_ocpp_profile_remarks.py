"""A set-point is followed, refused, or explained: statusInfo names what was cut, what was ignored and what was read in."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.car import CarEnergy
from chargepoint.ocpp.charging_schedule import VENDOR_ID
from tests.unit.ocpp.conftest import BPT_CAR

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

CENTRAL = {"vendorId": VENDOR_ID, "operationMode": "CentralSetpoint"}


def profile(*periods: dict[str, Any], purpose: str = "TxProfile", **more: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        **({"transactionId": "tx-1"} if purpose == "TxProfile" else {}),
        "chargingSchedule": [
            {
                "id": 7,
                "chargingRateUnit": "W",
                "startSchedule": "2026-03-01T12:00:00Z",
                "chargingSchedulePeriod": [{"startPeriod": 60 * number, **each} for number, each in enumerate(periods)],
            }
        ],
        **more,
    }


def info(desk: Desk, given: dict[str, Any], evse_id: int = 1) -> dict[str, Any] | None:
    answer = desk.ask("SetChargingProfile", {"evseId": evse_id, "chargingProfile": given})
    assert answer["status"] == "Accepted"
    return answer.get("statusInfo")


def text(desk: Desk, given: dict[str, Any]) -> str:
    found = info(desk, given)
    assert found is not None
    assert found["reasonCode"] == "NoError"
    return str(found["additionalInfo"])


def setpoint(power_W: float) -> dict[str, Any]:
    return {"limit": max(power_W, 0.0), "customData": {**CENTRAL, "setpoint": power_W}}


def test_a_set_point_that_can_be_followed_has_no_remark(desk: Desk) -> None:
    desk.port.begin()
    assert info(desk, profile(setpoint(-10_000.0))) is None


def test_a_set_point_beyond_the_rating_says_what_is_given(desk: Desk) -> None:
    """Seen from outside: -60 kW was accepted and -20 kW given, without a word."""
    desk.port.begin()
    expected = "period 0: set-point -60000 W is cut to -11000 W, the rating of EVSE 1"
    assert text(desk, profile(setpoint(-60_000.0))) == expected


def test_a_set_point_beyond_the_cars_limit_says_so(desk: Desk) -> None:
    desk.port.begin()
    desk.port.change(1, car=replace(BPT_CAR, limits=replace(BPT_CAR.limits, discharge_power_max_W=6_000.0)))
    assert text(desk, profile(setpoint(-8_000.0))).endswith("cut to -6000 W, the limit of the car at present of EVSE 1")


def test_the_last_remarks_are_counted(desk: Desk) -> None:
    desk.port.begin()
    found = text(desk, profile(*(setpoint(-20_000.0 - number) for number in range(9))))
    assert found.count("is cut to") == 4
    assert found.endswith("; and 5 more")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("period", "period 0: customData is ignored: this station reads vendorId org.openchargepoint, not com.other"),
        ("schedule", "customData of chargingSchedule is ignored"),
        ("profile", "customData of chargingProfile is ignored"),
    ],
)
def test_customData_of_somebody_else_is_named(desk: Desk, place: str, said: str) -> None:
    desk.port.begin()
    custom = {"vendorId": "com.other", "setpoint": -5000}
    given = profile({"limit": 11_000.0, **({"customData": custom} if place == "period" else {})})
    if place == "schedule":
        given["chargingSchedule"][0]["customData"] = custom
    if place == "profile":
        given["customData"] = custom
    assert said in text(desk, given)


@pytest.mark.parametrize(
    ("meaning", "said"),
    [("Setpoint", "limit -5000 is read as a set-point"), ("DischargeLimit", "limit -5000 is read as a dischargeLimit")],
)
def test_a_negative_limit_says_how_it_was_read(desk: Desk, meaning: str, said: str) -> None:
    variable = {"component": {"name": "V2XChargingCtrlr"}, "variable": {"name": "NegativeLimitMeaning"}}
    desk.ask("SetVariables", {"setVariableData": [{**variable, "attributeValue": meaning}]})
    desk.port.begin()
    assert said in text(desk, profile({"limit": -5000.0}))


def test_an_update_says_what_is_cut(desk: Desk) -> None:
    desk.port.begin()
    assert info(desk, profile(setpoint(-1000.0))) is None
    data = {"chargingProfileId": 7, "scheduleUpdate": {"setpoint": -30_000}}
    request = {"vendorId": VENDOR_ID, "messageId": "UpdateDynamicSchedule", "data": json.dumps(data)}
    answer = desk.ask("DataTransfer", request)
    assert answer["status"] == "Accepted"
    assert "cut to -11000 W" in answer["statusInfo"]["additionalInfo"]


def test_a_remote_start_with_a_profile_says_what_is_cut(desk: Desk) -> None:
    given = profile(setpoint(-60_000.0))
    del given["transactionId"]
    request = {
        "evseId": 1,
        "remoteStartId": 1,
        "idToken": {"idToken": "04A1B2C3", "type": "ISO14443"},
        "chargingProfile": given,
    }
    answer = desk.ask("RequestStartTransaction", request)
    assert answer["status"] == "Accepted"
    assert "cut to -11000 W" in answer["statusInfo"]["additionalInfo"]


# -- discharging becomes possible, and ends ------------------------------------------------------------------------------


def events(desk: Desk) -> list[tuple[str, str]]:
    """(actualValue, techInfo) of every NotifyEvent about DischargePossible since the last look."""
    found = [
        event
        for effect in desk.effects
        if getattr(effect, "action", "") == "NotifyEvent"
        for event in effect.payload["eventData"]  # type: ignore[union-attr]
        if event["variable"]["name"] == "DischargePossible"
    ]
    desk.effects.clear()
    return [(event["actualValue"], event["techInfo"]) for event in found]


def possible(desk: Desk) -> str:
    asked = {
        "component": {"name": "V2XChargingCtrlr", "evse": {"id": 1}},
        "variable": {"name": "DischargePossible"},
    }
    (result,) = desk.ask("GetVariables", {"getVariableData": [asked]})["getVariableResult"]
    return str(result["attributeValue"])


def test_the_central_system_learns_when_discharging_is_possible_and_when_it_ends(desk: Desk) -> None:
    desk.follow()
    assert (events(desk), possible(desk)) == ([], "false")
    desk.port.begin()
    desk.port.change(1, car=BPT_CAR)
    desk.follow()
    assert events(desk) == [("true", "a set-point can discharge the car now")]
    assert possible(desk) == "true"
    desk.follow()
    assert events(desk) == []
    desk.port.change(1, car=replace(BPT_CAR, energy=CarEnergy(soc_percent=30.0)), reserve_soc_percent=30.0)
    desk.follow()
    assert events(desk) == [("false", "state of charge 30 %: at or below the 30 % that are kept")]
    assert possible(desk) == "false"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"transaction_id": None}, "there is no car in a transaction"),
        ({"car": None}, "there is no car in a transaction"),
        ({"discharge_max_W": 0.0}, "the EVSE cannot discharge"),
        ({"discharge_negotiated": False}, "the car has not agreed to discharge"),
        (
            {"car": replace(BPT_CAR, limits=replace(BPT_CAR.limits, discharge_power_max_W=0.0))},
            "the car gives no power now",
        ),
        ({"car": replace(BPT_CAR, energy=CarEnergy(min_v2x_Wh=100.0))}, "the car is below its V2X window"),
    ],
)
def test_every_end_has_its_reason(desk: Desk, change: dict[str, Any], why: str) -> None:
    desk.port.begin()
    desk.port.change(1, car=BPT_CAR)
    desk.follow()
    events(desk)
    desk.port.change(1, **change)
    desk.follow()
    assert events(desk) == [("false", why)]


def test_the_central_systems_own_ban_ends_it_too(desk: Desk) -> None:
    desk.port.begin()
    desk.port.change(1, car=BPT_CAR)
    desk.follow()
    events(desk)
    data = {"transactionId": "tx-1", "allowedEnergyTransfer": ["DC"]}
    desk.ask(
        "DataTransfer", {"vendorId": VENDOR_ID, "messageId": "NotifyAllowedEnergyTransfer", "data": json.dumps(data)}
    )
    assert events(desk) == [("false", "the central system allows this transaction to charge only")]
