"""What a black-box examiner found, each as the smallest case of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.car import CarEnergy
from chargepoint.model.commands import ExternalLimit, LimitSource
from chargepoint.model.ids import IdToken, IdTokenType
from chargepoint.ocpp.blocks.effects import ExternalLimitChanged, Post, Send
from chargepoint.ocpp.blocks.external_limits import EXTERNAL_PROFILE_ID
from chargepoint.ocpp.charging_schedule import VENDOR_ID
from chargepoint.ocpp.timestamps import to_wire, utc_from_s
from tests.unit.ocpp.conftest import BPT_CAR, idle_evse

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk


def setpoint(desk: Desk, power_W: float, ahead_s: float = 0.0, profile_id: int = 7, **more: Any) -> dict[str, Any]:
    """A set-point whose start is so far ahead of the station's clock."""
    custom = {"vendorId": VENDOR_ID, "operationMode": "CentralSetpoint", "setpoint": power_W}
    schedule = {
        "id": 7,
        "chargingRateUnit": "W",
        "startSchedule": to_wire(utc_from_s(desk.moment.utc_s + ahead_s)),
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11_000.0, "customData": custom}],
        **more,
    }
    profile = {
        "id": profile_id,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Absolute",
        "transactionId": "tx-1",
        "chargingSchedule": [schedule],
    }
    return desk.ask("SetChargingProfile", {"evseId": 1, "chargingProfile": profile})


@pytest.mark.parametrize("ahead_s", [0.0, 0.9, 4.9])
def test_a_set_point_of_a_clock_that_is_a_little_ahead_holds_at_once(desk: Desk, ahead_s: float) -> None:
    """The car charged at full power until its start, again and again where set-points came often."""
    desk.port.begin()
    assert setpoint(desk, -5000.0) == {"status": "Accepted"}
    assert setpoint(desk, -7000.0, ahead_s) == {"status": "Accepted"}
    [contribution] = desk.contributions()
    assert contribution.target_W == -7000.0
    desk.restart()
    [contribution] = desk.contributions()
    assert contribution.target_W == -7000.0


def test_a_set_point_of_the_future_waits_and_says_so(desk: Desk) -> None:
    desk.port.begin()
    answer = setpoint(desk, -5000.0, ahead_s=3600.0)
    assert answer["statusInfo"]["additionalInfo"].startswith("it begins in 3600 s: it is 2026-03-01T12:00:00")
    assert [contribution.target_W for contribution in desk.contributions()] == [None]


def test_a_set_point_that_the_reserve_stops_says_so(desk: Desk) -> None:
    desk.port.begin()
    desk.port.change(1, car=replace(BPT_CAR, energy=CarEnergy(soc_percent=19.9)), reserve_soc_percent=20.0)
    text = setpoint(desk, -3000.0)["statusInfo"]["additionalInfo"]
    assert text == "EVSE 1 does not discharge now: state of charge 19.9 %: at or below the 20 % that are kept"
    assert setpoint(desk, 3000.0) == {"status": "Accepted"}


def test_events_of_monitors_do_not_stand_before_what_is_billed(desk: Desk) -> None:
    """While connected they are sent once, and are not stored in one line with TransactionEvent. Offline they are stored."""
    power = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}
    data = {"type": "Periodic", "value": 1, "severity": 5, **power}
    desk.ask("SetVariableMonitoring", {"setMonitoringData": [data]})
    desk.port.change(1, power_W=5.0)

    def notified(kind: type[Post] | type[Send]) -> int:
        found = [e for e in desk.effects if isinstance(e, kind) and e.action == "NotifyEvent"]
        desk.effects.clear()
        return len(found)

    desk.due(desk.now_s + 1.0)
    notified(Post)
    desk.due(desk.now_s + 5.0)
    assert notified(Send) == 1
    desk.perform(desk.station.disconnected(desk.moment))
    notified(Send)
    desk.due(desk.now_s + 5.0)
    assert notified(Post) == 1


def test_the_composite_schedule_of_the_station_stays_within_its_limit(desk: Desk) -> None:
    """K08.FR.04: with one transaction and one idle EVSE it promised half as much again."""
    desk.port.evses.append(idle_evse(2))
    desk.restart()
    desk.accept()
    desk.port.begin()
    profile = {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "ChargingStationMaxProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": "W",
                "startSchedule": "2026-03-01T00:00:00Z",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 3000.0}],
            }
        ],
    }
    assert desk.ask("SetChargingProfile", {"evseId": 0, "chargingProfile": profile})["status"] == "Accepted"
    answer = desk.ask("GetCompositeSchedule", {"evseId": 0, "duration": 60})
    assert [period["limit"] for period in answer["schedule"]["chargingSchedulePeriod"]] == [3000.0]


def test_an_evse_whose_token_waits_for_its_car_cannot_be_reserved(desk: Desk) -> None:
    desk.port.change(1, id_token=IdToken("DEADBEEF", IdTokenType.ISO14443))
    request = {
        "id": 1,
        "expiryDateTime": "2026-03-01T13:00:00Z",
        "idToken": {"idToken": "AABBCC02", "type": "ISO14443"},
        "evseId": 1,
    }
    assert desk.ask("ReserveNow", request)["status"] == "Occupied"


def test_an_update_is_read_back(desk: Desk) -> None:
    """K28.FR.06 of OCPP 2.1."""
    desk.port.begin()
    setpoint(desk, -3000.0)
    data = {"chargingProfileId": 7, "scheduleUpdate": {"setpoint": -8000}}
    request = {"vendorId": VENDOR_ID, "messageId": "UpdateDynamicSchedule", "data": data}
    assert desk.ask("DataTransfer", request)["status"] == "Accepted"
    answer = desk.answer("GetChargingProfiles", {"requestId": 1, "chargingProfile": {"chargingProfileId": [7]}})
    [send] = desk.sends(answer)
    [period] = send.payload["chargingProfile"][0]["chargingSchedule"][0]["chargingSchedulePeriod"]
    assert period["customData"]["setpoint"] == -8000


def test_the_limit_of_an_outside_party_cannot_be_replaced(desk: Desk) -> None:
    """K01.FR.05."""
    limit = ExternalLimit(LimitSource.EMS, 8_000.0, 0.0, 900.0)
    desk.perform(desk.station.informed(ExternalLimitChanged(limit), desk.moment))
    desk.port.begin()
    answer = setpoint(desk, 1000.0, profile_id=EXTERNAL_PROFILE_ID)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidProfile")
