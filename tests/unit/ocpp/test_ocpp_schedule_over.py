"""A schedule that is already over is refused and says so; accepted it would do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

HOUR_S = 3600.0


def profile(kind: str, purpose: str = "TxProfile", start: str | None = None, **more: Any) -> dict[str, Any]:
    schedule: dict[str, Any] = {
        "id": 7,
        "chargingRateUnit": "W",
        "duration": 900,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 5000}],
    }
    if start is not None:
        schedule["startSchedule"] = start
    transaction = {"transactionId": "tx-1"} if purpose == "TxProfile" else {}
    return {
        "id": 7,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [schedule],
        **transaction,
        **more,
    }


def install(desk: Desk, raw: dict[str, Any]) -> dict[str, Any]:
    return desk.ask("SetChargingProfile", {"evseId": 1, "chargingProfile": raw})


def test_a_relative_profile_sent_late_is_refused_with_its_end(desk: Desk) -> None:
    """The transaction began at 12:00; 900 s from then are over at 13:00."""
    desk.port.begin()
    desk.now_s = HOUR_S
    answer = install(desk, profile("Relative"))
    assert answer["status"] == "Rejected"
    assert answer["statusInfo"]["reasonCode"] == "InvalidSchedule"
    text = answer["statusInfo"]["additionalInfo"]
    assert "over since 2026-03-01T12:15:00" in text
    assert "counted from the start of the transaction" in text
    assert desk.profiles == {}


@pytest.mark.parametrize(
    "raw",
    [
        profile("Absolute", start="2026-03-01T12:00:00Z"),
        profile("Absolute", purpose="TxDefaultProfile", start="2026-03-01T12:00:00Z"),
        profile(
            "Relative", purpose="TxDefaultProfile", validTo="2026-03-01T12:30:00Z", validFrom="2026-03-01T12:00:00Z"
        ),
    ],
    ids=["transaction", "default", "validity"],
)
def test_an_absolute_end_in_the_past_is_refused(desk: Desk, raw: dict[str, Any]) -> None:
    desk.port.begin()
    desk.now_s = HOUR_S
    assert install(desk, raw)["statusInfo"]["reasonCode"] == "InvalidSchedule"


@pytest.mark.parametrize(
    "raw",
    [
        profile("Absolute", start="2026-03-01T12:50:00Z"),
        profile("Absolute", start="2026-03-01T14:00:00Z"),
        profile("Relative", purpose="TxDefaultProfile"),
        profile("Recurring", purpose="TxDefaultProfile", start="2026-02-01T12:00:00Z", recurrencyKind="Daily"),
    ],
    ids=["running", "later", "next transaction", "every day"],
)
def test_a_schedule_that_still_says_something_is_taken(desk: Desk, raw: dict[str, Any]) -> None:
    desk.port.begin()
    desk.now_s = HOUR_S
    assert install(desk, raw)["status"] == "Accepted"


def test_a_relative_profile_in_its_time_is_taken(desk: Desk) -> None:
    desk.port.begin()
    desk.now_s = 600.0
    assert install(desk, profile("Relative"))["status"] == "Accepted"


def test_a_remote_start_with_a_schedule_that_is_over_is_refused(desk: Desk) -> None:
    desk.now_s = HOUR_S
    raw = profile("Absolute", start="2026-03-01T12:00:00Z")
    del raw["transactionId"]
    token = {"idToken": "04A1B2C3", "type": "ISO14443"}
    request = {"remoteStartId": 1, "idToken": token, "evseId": 1, "chargingProfile": raw}
    answer = desk.ask("RequestStartTransaction", request)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidSchedule")
