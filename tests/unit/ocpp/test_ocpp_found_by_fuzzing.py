"""What `./run bench fuzz-ocpp` found, each as the smallest message that did it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chargepoint.ocpp.rpc import CallReceived, PeerFault, Rpc
from chargepoint.ocpp.schemas import Schemas
from chargepoint.ocpp.version import OCPP_2_0_1, OCPP_2_1
from tests.unit.ocpp.conftest import SUPPORTED, Desk, FakePort


def profile(**fields: Any) -> dict[str, Any]:
    schedule = {
        "id": 1,
        "startSchedule": "2026-03-01T12:00:00Z",
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 5000}],
    }
    return {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule],
        **fields,
    }


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"chargingProfilePurpose": "PriorityCharging"}, "UnsupportedPurpose"),
        ({"chargingProfilePurpose": "LocalGeneration"}, "UnsupportedPurpose"),
        ({"chargingProfileKind": "Dynamic"}, "UnsupportedKind"),
        (
            {
                "chargingSchedule": [
                    {
                        "id": 1,
                        "startSchedule": "2026-03-01T12:00:00Z",
                        "chargingRateUnit": "W",
                        "chargingSchedulePeriod": [{"startPeriod": 0}],
                    }
                ]
            },
            "MissingParam",
        ),
    ],
    ids=["priority", "local generation", "dynamic", "no limit"],
)
def test_what_only_2_1_has_in_a_profile_is_rejected(fields: dict[str, Any], reason: str) -> None:
    """It was an InternalError."""
    desk = Desk(FakePort(), version=OCPP_2_1)
    answer = desk.answer("SetChargingProfile", {"evseId": 1, "chargingProfile": profile(**fields)})
    assert answer.payload["status"] == "Rejected"
    assert answer.payload["statusInfo"]["reasonCode"] == reason
    assert desk.profiles == {}


@pytest.mark.parametrize("number", ["3.0", "3e0", "0.3e1", "30e-1"])
def test_an_integer_may_be_written_as_a_decimal(number: str) -> None:
    """JSON Schema takes 3.0 as an integer; a job that counted its attempts with it ended by our mistake."""
    core = Rpc(OCPP_2_0_1, Schemas(OCPP_2_0_1), SUPPORTED, timeout_s=30.0)
    text = f'[2,"a","GetLog",{{"log":{{"remoteLocation":"http://h/"}},"logType":"SecurityLog","requestId":1,"retries":{number}}}]'
    (event,) = core.receive(text, 0.0)
    assert isinstance(event, CallReceived)
    assert (event.payload["retries"], type(event.payload["retries"])) == (3, int)


def test_a_decimal_stays_one() -> None:
    core = Rpc(OCPP_2_0_1, Schemas(OCPP_2_0_1), SUPPORTED, timeout_s=30.0)
    (event,) = core.receive(json.dumps([2, "a", "CostUpdated", {"totalCost": 2.5, "transactionId": "t"}]), 0.0)
    assert isinstance(event, CallReceived)
    assert event.payload["totalCost"] == 2.5


@pytest.mark.parametrize("number", ["1e18", "-1e300", "1e999", "1000000000000000000.0"])
def test_a_number_that_no_integer_could_be_is_refused(number: str) -> None:
    core = Rpc(OCPP_2_0_1, Schemas(OCPP_2_0_1), SUPPORTED, timeout_s=30.0)
    (event,) = core.receive(f'[2,"a","CostUpdated",{{"totalCost":{number},"transactionId":"t"}}]', 0.0)
    assert isinstance(event, PeerFault)
    assert event.answered
    assert json.loads(core.to_send()[0])[1:3] == ["-1", "RpcFrameworkError"]
