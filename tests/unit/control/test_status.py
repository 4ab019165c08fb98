"""One EVSE's status is typed, JSON-able, and keeps what the last session came to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

from chargepoint.control.status import evse_status
from chargepoint.diagnostics.status_schema import status_schema
from chargepoint.model.faults import FaultCode
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.station_status import StationStatus
from chargepoint.model.status import AuthorizationStatus

if TYPE_CHECKING:
    from tests.unit.control.conftest import Bench

SCHEMA = jsonschema_rs.validator_for(json.loads(status_schema()))


def status_json(bench: Bench) -> dict[str, object]:
    """Through JSON and the documented schema, as a reader gets it."""
    evse = evse_status(bench.evse, None, bench.t)
    whole = StationStatus(bench.t, 1, 70.5, {"probes": 0}, True, {"connected": False}, {}, {"1": evse})
    text = json.loads(json.dumps(asdict(whole), allow_nan=False))
    SCHEMA.validate(text)
    seen: dict[str, object] = text["evses"]["1"]
    return seen


@pytest.mark.parametrize("situation", ["nothing", "idle", "transfer"])
def test_the_status_is_json_in_every_situation(new_bench: Callable[..., Bench], situation: str) -> None:
    bench = new_bench()
    if situation == "idle":
        bench.begun()
    if situation == "transfer":
        bench.transferring()
        bench.see(faults=frozenset({FaultCode.DOOR_OPEN}), voltage_V=None)
    seen = status_json(bench)
    assert (seen["image"] is None) is (situation == "nothing")
    assert (seen["transaction"] is None) is (situation == "nothing")
    assert (seen["car"] is not None) is (situation == "transfer")
    if situation == "transfer":
        image = seen["image"]
        assert isinstance(image, dict)
        assert image["faults"] == {"DOOR_OPEN": "cabinet door open"}
        assert image["fault_remedies"] == {"DOOR_OPEN": "close the door"}
        assert seen["stopping"] is not None


def test_the_last_session_is_shown_without_the_whole_token(bench: Bench) -> None:
    bench.transferring()
    bench.live(2.0, import_Wh=5100.0)
    bench.present()
    bench.live(0.5, stage=Stage.OFF, pilot=ControlPilot.A)
    last = status_json(bench)["last_session"]
    assert isinstance(last, dict)
    assert (last["reason"], last["import_Wh"], last["export_Wh"], last["token"]) == ("Local", 100.0, 0.0, "…B2C3")
    assert last["detail"] == "the token it began with was shown again"
    assert 2.0 <= last["duration_s"] <= 3.0


def test_a_refused_token_is_shown_with_its_reason(bench: Bench) -> None:
    bench.answer = AuthorizationStatus.NO_CREDIT
    bench.live(0.5, pilot=ControlPilot.B)
    bench.present()
    refusal = status_json(bench)["refusal"]
    assert refusal == {"token_hint": "…B2C3", "reason": "NoCredit: this token has no credit", "age_s": 0.0}
