"""Charging profiles: how long they hold, for which EVSE, and that no connection is needed for it."""

from __future__ import annotations

import math
from typing import Any

from chargepoint.model.commands import Contribute
from chargepoint.ocpp.blocks.external_limits import EXTERNAL_PROFILE_ID
from tests.unit.ocpp.conftest import Desk
from tests.unit.ocpp.test_ocpp_charging_profiles import DEFAULT, high_at, install, profile
from tests.unit.ocpp.test_ocpp_external_limits import LIMIT, change, profiles

YEAR_S = 365 * 86_400.0


def start_of(profile_of_start: dict[str, Any]) -> dict[str, Any]:
    token = {"idToken": "04A1B2C3", "type": "ISO14443"}
    return {"idToken": token, "remoteStartId": 1, "evseId": 1, "chargingProfile": profile_of_start}


def test_a_profile_without_validity_holds_until_it_is_replaced(desk: Desk) -> None:
    """K01.FR.10."""
    assert install(desk, 0, profile((0, 5000), purpose=DEFAULT)) == "Accepted"
    assert high_at(desk, 0, YEAR_S, 10 * YEAR_S) == [5000, 5000, 5000]
    assert install(desk, 0, profile((0, 6000), purpose=DEFAULT)) == "Accepted"
    assert high_at(desk, 10 * YEAR_S) == [6000]


def test_a_new_profile_takes_effect_with_its_answer(desk: Desk) -> None:
    """K03.FR.03: the composite schedule is made anew with it, and the arbiter is given the result."""
    desk.port.begin()
    for limit_W in (9000.0, 4000.0):
        desk.port.commands.clear()
        assert install(desk, 1, profile((0, limit_W), tx="tx-1")) == "Accepted"
        (command,) = [command for command in desk.port.commands if isinstance(command, Contribute)]
        assert [c.limits_W.high for c in command.contributions if c.limits_W is not None] == [limit_W]
        composite = desk.ask("GetCompositeSchedule", {"evseId": 1, "duration": 60})["schedule"]
        assert composite["chargingSchedulePeriod"][0]["limit"] == limit_W


def test_what_is_cleared_takes_effect_with_the_answer(desk: Desk) -> None:
    """K10.FR.05: the profile below it holds again."""
    desk.port.begin()
    install(desk, 0, profile((0, 9000), id=2, purpose=DEFAULT))
    install(desk, 1, profile((0, 4000), tx="tx-1"))
    desk.port.commands.clear()
    assert desk.ask("ClearChargingProfile", {"chargingProfileId": 1})["status"] == "Accepted"
    (command,) = [command for command in desk.port.commands if isinstance(command, Contribute)]
    assert [c.limits_W.high for c in command.contributions if c.limits_W is not None] == [9000.0]


def test_each_evse_has_a_schedule_of_its_own(two_evses: Desk) -> None:
    """K04.FR.01."""
    desk = two_evses
    desk.port.begin(1, "tx-1")
    desk.port.begin(2, "tx-2")
    assert install(desk, 1, profile((0, 5000), id=1, tx="tx-1")) == "Accepted"
    assert install(desk, 2, profile((0, 9000), id=2, tx="tx-2")) == "Accepted"
    assert {int(c.evse_id): c.limits_W.high for c in desk.contributions()} == {1: 5000, 2: 9000}


def test_a_profile_of_the_transaction_holds_while_there_is_no_connection(desk: Desk) -> None:
    """K06.FR.01."""
    desk.port.begin()
    install(desk, 0, profile((0, 9000), id=2, purpose=DEFAULT))
    install(desk, 1, profile((0, 4000), tx="tx-1"))
    desk.perform(desk.station.disconnected(desk.moment))
    assert high_at(desk, 60, 86_400) == [4000, 4000]


def test_without_connection_and_profile_nothing_is_constrained(desk: Desk) -> None:
    """K06.FR.02."""
    desk.port.begin()
    desk.perform(desk.station.disconnected(desk.moment))
    assert desk.contributions() == []


def test_a_transaction_that_begins_without_connection_uses_the_profiles_that_are_there(desk: Desk) -> None:
    """K07.FR.01."""
    install(desk, 0, profile((0, 9000), id=2, purpose=DEFAULT))
    desk.perform(desk.station.disconnected(desk.moment))
    desk.port.begin()
    desk.follow()
    assert high_at(desk, 60) == [9000]


def test_an_invalid_profile_refuses_the_remote_start(desk: Desk) -> None:
    """K05.FR.05: and the same start with a valid one is accepted."""
    for bad in (profile((0, 1), purpose=DEFAULT), profile((3, 1)), profile((0, 1), kind="Relative")):
        answer = desk.ask("RequestStartTransaction", start_of(bad))
        assert answer["status"] == "Rejected"
        assert answer["statusInfo"]["reasonCode"] in ("InvalidProfile", "InvalidSchedule")
    assert desk.ask("RequestStartTransaction", start_of(profile((0, 1))))["status"] == "Accepted"


def test_criteria_do_not_reach_an_external_limit(desk: Desk) -> None:
    """K10.FR.08, FR.09: Unknown, where nothing but external constraints matches; and the limit stays."""
    change(desk, LIMIT)
    external = "ChargingStationExternalConstraints"
    for criteria in (
        {"chargingProfilePurpose": external},
        {"evseId": 0},
        {"stackLevel": 0},
        {"evseId": 0, "stackLevel": 0},
    ):
        assert desk.ask("ClearChargingProfile", {"chargingProfileCriteria": criteria})["status"] == "Unknown"
    assert desk.ask("ClearChargingProfile", {"chargingProfileId": EXTERNAL_PROFILE_ID})["status"] == "Unknown"
    assert len(profiles(desk, chargingLimitSource=["EMS"])) == 1
    assert desk.contributions()[0].limits_W.high < math.inf
