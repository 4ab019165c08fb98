"""Whatever fits a schema gets an answer that fits its schema: requests made from the schemas themselves."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepoint.ocpp.blocks.effects import CallAnswer, Send
from chargepoint.ocpp.rpc import CallReceived
from tests.unit.ocpp.conftest import SUPPORTED, Desk

pytestmark = pytest.mark.slow


TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            "tx-1",
            "org.openchargepoint",
            "UpdateDynamicSchedule",
            "EVSE",
            "Power",
            "OCPPCommCtrlr",
            "HeartbeatInterval",
            "-5",
            "",
        ]
    ),
)
TIMES = st.sampled_from(
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00.5+02:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-02-28T00:00:00Z",
    ]
)
NUMBERS = st.one_of(st.integers(-3, 5), st.sampled_from([10**17, -(10**17), 86_400, 64]))
CUSTOM = st.fixed_dictionaries(
    {"vendorId": st.sampled_from(["org.openchargepoint", "x"])},
    optional={
        "operationMode": st.one_of(
            st.sampled_from(["CentralSetpoint", "ChargingOnly", "Idle", "Dream"]), st.none(), st.lists(st.integers())
        ),
        "setpoint": st.one_of(st.floats(-2e4, 2e4), st.text(max_size=2), st.booleans()),
        "dischargeLimit": st.one_of(st.floats(-2e4, 2e4), st.none()),
    },
)
DATA = st.one_of(
    st.text(max_size=5),
    st.integers(),
    st.fixed_dictionaries(
        {},
        optional={
            "chargingProfileId": st.one_of(st.integers(-1, 3), st.text(max_size=2)),
            "scheduleUpdate": st.dictionaries(
                st.sampled_from(["setpoint", "limit", "x"]), st.one_of(st.integers(-9, 9), st.none())
            ),
            "transactionId": st.sampled_from(["tx-1", 5]),
            "allowedEnergyTransfer": st.one_of(st.lists(st.sampled_from(["DC", "DC_BPT", 4])), st.none()),
        },
    ),
)


def made_from(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return CUSTOM if name == "CustomDataType" else made_from(root["definitions"][name], root)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object":
            required = schema.get("required", [])
            parts = {k: made_from(v, root) for k, v in schema.get("properties", {}).items()}
            optional = {k: v for k, v in parts.items() if k not in required}
            return st.fixed_dictionaries({k: parts[k] for k in required}, optional=optional)
        case "array":
            most = min(schema.get("maxItems", 3), 3)
            return st.lists(made_from(schema["items"], root), min_size=schema.get("minItems", 0), max_size=most)
        case "integer":
            return NUMBERS
        case "number":
            return st.one_of(NUMBERS, st.floats(-1e6, 1e6))
        case "boolean":
            return st.booleans()
        case "string" if schema.get("format") == "date-time":
            return TIMES
        case "string":
            return TEXTS.filter(lambda text: len(text) <= schema.get("maxLength", 99))
        case _:
            return DATA


def requests(action: str) -> st.SearchStrategy[Any]:
    file = importlib.resources.files("ocpp.v201") / "schemas" / f"{action}Request.json"
    root = json.loads(file.read_text("utf-8-sig"))
    return made_from(root, root)


@pytest.mark.parametrize("action", sorted(SUPPORTED))
@pytest.mark.parametrize("charging", [False, True])
@settings(suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_an_answer_for_everything(desk: Desk, action: str, charging: bool, data: st.DataObject) -> None:
    if charging:
        desk.port.begin()
    for _ in range(2):
        payload = data.draw(requests(action))
        if desk.schemas.check_request(action, payload) is not None:
            return
        answer = desk.station.handle(CallReceived("id", action, payload), desk.moment)
        if not isinstance(answer, CallAnswer):
            continue
        assert desk.schemas.check_response(action, answer.payload) is None
        desk.perform(answer.effects)
        for effect in answer.then:
            assert not isinstance(effect, Send) or desk.schemas.check_request(effect.action, effect.payload) is None
        json.dumps(answer.payload, allow_nan=False)
    desk.contributions()
    composite = desk.ask("GetCompositeSchedule", {"evseId": 0, "duration": 86_400})
    assert composite["status"] == "Accepted"
