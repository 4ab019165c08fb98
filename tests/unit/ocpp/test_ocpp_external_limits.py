"""K11 to K13: the limit of an outside party is reported, merged into schedules, and released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.commands import ExternalLimit, LimitSource, Report, ReportKind
from chargepoint.model.ids import EvseId
from chargepoint.model.transactions import TriggerReason
from chargepoint.ocpp.blocks.effects import ExternalLimitChanged
from chargepoint.ocpp.blocks.external_limits import EXTERNAL_PROFILE_ID

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

LIMIT = ExternalLimit(LimitSource.EMS, 8_000.0, 2_000.0, 900.0)


def change(desk: Desk, limit: ExternalLimit | None) -> list[tuple[str, dict[str, Any]]]:
    """What is sent because of it."""
    before = len(desk.sent)
    desk.perform(desk.station.informed(ExternalLimitChanged(limit), desk.moment))
    return [(send.action, send.payload) for send in desk.sent[before:]]


def reports(desk: Desk) -> list[Report]:
    return [command for command in desk.port.commands if isinstance(command, Report)]


def composite(desk: Desk) -> dict[str, Any]:
    answer = desk.ask("GetCompositeSchedule", {"evseId": 0, "duration": 1800})
    return dict(answer["schedule"])


def profiles(desk: Desk, **criterion: Any) -> list[dict[str, Any]]:
    answer = desk.answer("GetChargingProfiles", {"requestId": 5, "chargingProfile": criterion})
    return [send.payload for send in desk.sends(answer)]


def test_a_limit_and_its_end_are_reported(desk: Desk) -> None:
    """K11.FR.02, K11.FR.05, K12.FR.02, K12.FR.04, K13.FR.02."""
    assert change(desk, LIMIT) == [("NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "EMS"}})]
    assert change(desk, None) == [("ClearedChargingLimit", {"chargingLimitSource": "EMS"})]
    assert change(desk, None) == []


def test_the_schedule_is_in_it_where_that_is_wanted(desk: Desk) -> None:
    """K11.FR.03, K12.FR.03."""
    assert desk.set("SmartChargingCtrlr", "NotifyChargingLimitWithSchedules", "true") == "Accepted"
    [(_, payload)] = change(desk, LIMIT)
    [schedule] = payload["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 8000.0}]


@pytest.mark.parametrize(("import_W", "sends"), [(7_500.0, 0), (7_100.0, 1)])
def test_a_small_change_is_not_reported(desk: Desk, import_W: float, sends: int) -> None:
    """K11.FR.02: LimitChangeSignificance, here 10 %."""
    desk.set("SmartChargingCtrlr", "LimitChangeSignificance", "10")
    change(desk, LIMIT)
    assert len(change(desk, ExternalLimit(LimitSource.EMS, import_W, 2_000.0, 900.0))) == sends


def test_a_running_transaction_reports_the_changed_rate(desk: Desk) -> None:
    """K11.FR.04, K13.FR.03. Without a transaction nothing is reported."""
    change(desk, LIMIT)
    assert reports(desk) == []
    desk.port.begin()
    change(desk, None)
    expected = Report(EvseId(1), ReportKind.TRANSACTION, TriggerReason.CHARGING_RATE_CHANGED)
    assert reports(desk) == [expected]


def test_the_limit_is_in_the_composite_schedule_until_it_ends(desk: Desk) -> None:
    """K12.FR.01, K13.FR.01."""
    free = composite(desk)["chargingSchedulePeriod"][0]["limit"]
    change(desk, LIMIT)
    first, then = composite(desk)["chargingSchedulePeriod"]
    assert (first["limit"], then["startPeriod"], then["limit"]) == (8000.0, 900, free)
    change(desk, None)
    assert composite(desk)["chargingSchedulePeriod"][0]["limit"] == free


def test_it_is_reported_as_a_profile_of_its_source(desk: Desk) -> None:
    """K11.FR.06, K12.FR.05."""
    change(desk, LIMIT)
    for criterion in (
        {"chargingLimitSource": ["EMS"]},
        {"chargingProfilePurpose": "ChargingStationExternalConstraints"},
        {"chargingProfileId": [EXTERNAL_PROFILE_ID]},
    ):
        [report] = profiles(desk, **criterion)
        assert (report["chargingLimitSource"], report["evseId"], report["tbc"]) == ("EMS", 0, False)
        [profile] = report["chargingProfile"]
        assert profile["chargingProfilePurpose"] == "ChargingStationExternalConstraints"
    assert profiles(desk, chargingLimitSource=["CSO"]) == []
    assert profiles(desk, chargingProfileId=[7]) == []


def test_the_central_system_cannot_clear_it(desk: Desk) -> None:
    """K10.FR.04. K10.FR.09."""
    change(desk, LIMIT)
    assert desk.ask("ClearChargingProfile", {"chargingProfileId": EXTERNAL_PROFILE_ID})["status"] == "Unknown"
    assert len(profiles(desk, chargingLimitSource=["EMS"])) == 1


def test_what_changed_while_there_was_no_connection_is_reported_after_it(desk: Desk) -> None:
    desk.perform(desk.station.disconnected(desk.moment))
    assert change(desk, LIMIT) == []
    desk.perform(desk.station.connected(desk.version, 60.0, desk.moment))
    assert [send.action for send in desk.sent].count("NotifyChargingLimit") == 1


def test_a_limit_that_ended_with_the_process_is_cleared_after_the_start(desk: Desk) -> None:
    change(desk, LIMIT)
    desk.restart()
    desk.accept()
    assert [send.payload for send in desk.sent if send.action == "ClearedChargingLimit"] == [
        {"chargingLimitSource": "EMS"}
    ]
    assert profiles(desk, chargingLimitSource=["EMS"]) == []


def test_a_limit_of_the_grid_binds_both_directions(desk: Desk) -> None:
    desk.port.begin()
    change(desk, LIMIT)
    [contribution] = desk.contributions()
    assert contribution.limits_W is not None
    assert (contribution.limits_W.low, contribution.limits_W.high) == (-2_000.0, 8_000.0)
