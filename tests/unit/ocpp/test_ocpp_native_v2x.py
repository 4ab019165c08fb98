"""OCPP 2.1 has set-points in its own fields: they are followed, and what is not built is refused, never ignored."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.ocpp.version import OCPP_2_1
from tests.unit.ocpp.conftest import Desk, FakePort


@pytest.fixture
def desk() -> Desk:
    found = Desk(FakePort(), version=OCPP_2_1)
    found.port.begin()
    return found


def asked(desk: Desk, *, profile: Any = (), schedule: Any = (), period: Any = ()) -> dict[str, Any]:
    given = {
        "id": 7,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Absolute",
        "transactionId": "tx-1",
        "chargingSchedule": [
            {
                "id": 7,
                "chargingRateUnit": "W",
                "startSchedule": "2026-03-01T12:00:00Z",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11_000.0, **dict(period)}],
                **dict(schedule),
            }
        ],
        **dict(profile),
    }
    return desk.ask("SetChargingProfile", {"evseId": 1, "chargingProfile": given})


def test_a_set_point_in_the_fields_of_2_1_is_followed(desk: Desk) -> None:
    fields = {"operationMode": "CentralSetpoint", "setpoint": -5000.0, "dischargeLimit": -11_000.0}
    assert asked(desk, period=fields) == {"status": "Accepted"}
    [contribution] = desk.contributions()
    assert contribution.target_W == -5000.0


@pytest.mark.parametrize(
    "fields",
    [
        {"period": {"operationMode": "LocalFrequency"}},
        {"period": {"setpoint_L2": 100.0}},
        {"period": {"evseSleep": True}},
        {"period": {"v2xBaseline": 1000.0}},
        {"schedule": {"limitAtSoC": {"soc": 80, "limit": 0.0}}},
        {"schedule": {"useLocalTime": True}},
        {"schedule": {"randomizedDelay": 30}},
        {"profile": {"maxOfflineDuration": 60}},
        {"profile": {"dynUpdateInterval": 60}},
    ],
)
def test_a_field_that_is_not_built_is_refused_by_its_name(desk: Desk, fields: dict[str, Any]) -> None:
    answer = asked(desk, **fields)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "UnsupportedParam")
    [value] = fields.values()
    assert next(iter(value)) in answer["statusInfo"]["additionalInfo"]
    assert desk.profiles == {}
