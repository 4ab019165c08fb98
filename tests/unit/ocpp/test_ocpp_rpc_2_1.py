"""OCPP 2.1 Part 4: CALLRESULTERROR and SEND, and what 2.0.1 says to them."""

from __future__ import annotations

import json

import pytest

from chargepoint.ocpp.rpc import AnswerRefused, PeerFault, ResultReceived, Rpc, call_text
from chargepoint.ocpp.schemas import Schemas
from chargepoint.ocpp.version import OCPP_2_0_1, OCPP_2_1, VERSIONS, OcppVersion

SCHEMAS = {version.subprotocol: Schemas(version) for version in (OCPP_2_0_1, OCPP_2_1)}
STREAM = {"id": 3, "pending": 0, "basetime": "2026-03-01T12:00:00Z", "data": [{"t": 0.5, "v": "50.01"}]}


def rpc(version: OcppVersion = OCPP_2_1) -> Rpc:
    return Rpc(version, SCHEMAS[version.subprotocol], frozenset({"Reset"}), timeout_s=30.0)


def sent(core: Rpc) -> list[list[object]]:
    return [json.loads(frame) for frame in core.to_send()]


def test_every_action_of_a_version_has_its_schemas() -> None:
    for version in VERSIONS.values():
        schemas = SCHEMAS[version.subprotocol]
        for action in version.known_actions:
            schemas.check_request(action, {})
            schemas.check_response(action, {})
        for action in version.unconfirmed:
            schemas.check_unconfirmed(action, {})


def test_an_answer_that_breaks_its_schema_is_answered_with_callresulterror() -> None:
    core = rpc()
    core.call("7", "Heartbeat", call_text("7", "Heartbeat", {}), 0.0)
    core.to_send()
    (event,) = core.receive('[3,"7",{"currentTime":"yesterday"}]', 1.0)
    assert isinstance(event, ResultReceived) and event.violation is not None
    ((kind, unique_id, code, text, details),) = sent(core)
    assert (kind, unique_id, details) == (5, "7", {})
    assert code == event.violation.code and "currentTime" in str(text)


def test_2_0_1_keeps_such_an_answer_to_itself() -> None:
    core = rpc(OCPP_2_0_1)
    core.call("7", "Heartbeat", call_text("7", "Heartbeat", {}), 0.0)
    core.to_send()
    core.receive('[3,"7",{"currentTime":"yesterday"}]', 1.0)
    assert sent(core) == []


@pytest.mark.parametrize(
    ("frame", "code", "text"),
    [
        ('[5,"9","FormatViolation","no such field",{}]', "FormatViolation", "no such field"),
        ('[5,"9","FormatViolation"]', "FormatViolation", ""),
    ],
)
def test_a_central_system_that_cannot_use_our_answer(frame: str, code: str, text: str) -> None:
    core = rpc()
    assert core.receive(frame, 0.0) == (AnswerRefused("9", code, text),)
    assert sent(core) == []


@pytest.mark.parametrize(
    "frame", ['[5,"9"]', '[5,"9",7,"",{}]', '[5,"9","a","b",{},1]', '[6,"9","Reset",{}]', '[6,"9"]']
)
def test_nothing_is_answered_to_what_has_no_answer(frame: str) -> None:
    core = rpc()
    (event,) = core.receive(frame, 0.0)
    assert isinstance(event, PeerFault) and not event.answered
    assert sent(core) == []


@pytest.mark.parametrize("kind", [5, 6])
def test_2_0_1_does_not_know_the_new_types(kind: int) -> None:
    core = rpc(OCPP_2_0_1)
    core.receive(json.dumps([kind, "9", "Reset", {}]), 0.0)
    assert sent(core) == [[4, "9", "MessageTypeNotSupported", "message types: 2, 3, 4", {}]]


def test_a_send_needs_no_turn() -> None:
    core = rpc()
    core.call("7", "Heartbeat", call_text("7", "Heartbeat", {}), 0.0)
    core.to_send()
    assert core.send("8", "NotifyPeriodicEventStream", STREAM) is None
    assert sent(core) == [[6, "8", "NotifyPeriodicEventStream", STREAM]]
    assert core.busy


def test_a_send_that_breaks_its_schema_stays_here() -> None:
    core = rpc()
    assert core.send("8", "NotifyPeriodicEventStream", {"id": 3}) is not None
    assert sent(core) == []
    with pytest.raises(ValueError, match=r"no SEND of ocpp2\.1"):
        core.send("8", "Heartbeat", {})
