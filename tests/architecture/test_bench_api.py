"""docs/bench-api.json is made from the words of the door, and is the schema that `GET /schema` answers.

`python -m hil.steering.api > docs/bench-api.json`
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from hil.simulators.line_socket import Refused
from hil.steering.api import bench_api
from hil.steering.request import request_of
from hil.steering.words import DOOR_WORDS

ROOT = Path(__file__).resolve().parents[2]
API = json.loads(bench_api())
ONLY_ON_SOCKET = {"subscribe", "unsubscribe"}


def test_the_documented_description_is_made_from_the_words() -> None:
    assert (ROOT / "docs/bench-api.json").read_text() == bench_api(), "python -m hil.steering.api > docs/bench-api.json"


def test_every_verb_has_its_path_and_every_reference_leads_somewhere() -> None:
    assert {path for path in API["paths"] if path.startswith("/do/")} == {
        f"/do/{name}" for name in DOOR_WORDS.keys() - ONLY_ON_SOCKET
    }
    operations = [one["operationId"] for path in API["paths"].values() for one in path.values()]
    assert len(operations) == len(set(operations))
    for reference in references(API):
        place: Any = API
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def references(value: Any) -> list[str]:
    """All of them below this value."""
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [found for inner in value.values() for found in references(inner)]
    return [found for inner in value for found in references(inner)] if isinstance(value, list) else []


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "plug"},
        {"do": "plug", "evse": 2, "id": "a"},
        {"do": "setpoint", "power_W": -8000},
        {"do": "setpoint", "power_W": "much"},
        {"do": "setpoint"},
        {"do": "setpoint", "power_W": 5, "powr": 5},
        {"do": "reset", "to": "idle"},
        {"do": "reset", "to": "nowhere"},
        {"do": "inject", "fault": "physics.insulation", "value": 20000},
        {"do": "inject", "fault": "physics.nonsense"},
        {"do": "wait", "for": {"stage": "TRANSFER"}, "within_s": 5},
        {"do": "wait", "within_s": 5},
        {"do": "dance"},
        {"do": "kill", "what": "cat"},
    ],
    ids=str,
)
def test_schema_and_door_agree_on_plain_requests(request_: dict[str, Any]) -> None:
    schema = jsonschema_rs.validator_for(API["components"]["schemas"]["Request"])
    try:
        request_of(request_)
        taken = True
    except Refused:
        taken = False
    assert schema.is_valid(request_) == taken
