"""The RPC core: whatever a peer sends, there is one proper answer or none; time-outs and late answers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.ocpp.rpc import (
    MAX_MESSAGE_CHARS,
    CallFailed,
    CallReceived,
    CallTimedOut,
    PeerFault,
    ResultReceived,
    Rpc,
    call_text,
)
from chargepoint.ocpp.schemas import Schemas
from chargepoint.ocpp.version import OCPP_2_0_1
from tests.unit.ocpp.conftest import SUPPORTED

SCHEMAS = Schemas(OCPP_2_0_1)


def rpc() -> Rpc:
    return Rpc(OCPP_2_0_1, SCHEMAS, SUPPORTED, timeout_s=30.0)


def refusal(text: str | bytes) -> tuple[str, str]:
    core = rpc()
    events = core.receive(text, 0.0)
    assert len(events) == 1
    assert isinstance(events[0], PeerFault)
    assert events[0].answered
    (frame,) = core.to_send()
    kind, unique_id, code, description, details = json.loads(frame)
    assert kind == 4
    assert len(description) <= 255
    assert details == {}
    return unique_id, code


@pytest.mark.parametrize(
    ("text", "unique_id", "code"),
    [
        ("", "-1", "RpcFrameworkError"),
        ("nonsense", "-1", "RpcFrameworkError"),
        ("null", "-1", "RpcFrameworkError"),
        ("{}", "-1", "RpcFrameworkError"),
        ("[]", "-1", "RpcFrameworkError"),
        ("[2]", "-1", "RpcFrameworkError"),
        ('[2, 17, "Reset", {}]', "-1", "RpcFrameworkError"),
        ('[2, "", "Reset", {}]', "-1", "RpcFrameworkError"),
        (f'[2, "{"x" * 37}", "Reset", {{}}]', "-1", "RpcFrameworkError"),
        ('[2, "a", "Reset"]', "a", "RpcFrameworkError"),
        ('[2, "a", 5, {}]', "a", "RpcFrameworkError"),
        ('[2, "a", "Reset", {}, {}]', "a", "RpcFrameworkError"),
        ('[2, "a", "Nothing", {}]', "a", "NotImplemented"),
        ('[2, "a", "UnpublishFirmware", {}]', "a", "NotSupported"),
        ('[2, "a", "BootNotification", {}]', "a", "NotSupported"),
        ('[5, "a", {}]', "a", "MessageTypeNotSupported"),
        ('["2", "a", "Reset", {}]', "a", "MessageTypeNotSupported"),
        ('[[], "a", "Reset", {}]', "a", "MessageTypeNotSupported"),
        ('[true, "a", "Reset", {}]', "a", "MessageTypeNotSupported"),
        ("[7]", "-1", "MessageTypeNotSupported"),
        ('[2, "a", "Reset", null]', "a", "FormatViolation"),
        ('[2, "a", "Reset", []]', "a", "FormatViolation"),
        ('[2, "a", "Reset", {}]', "a", "OccurrenceConstraintViolation"),
        ('[2, "a", "Reset", {"type": 1}]', "a", "TypeConstraintViolation"),
        ('[2, "a", "Reset", {"type": "Later"}]', "a", "PropertyConstraintViolation"),
        ('[2, "a", "Reset", {"type": "OnIdle", "x": 1}]', "a", "FormatViolation"),
        ('[2, "a", "GetVariables", {"getVariableData": []}]', "a", "OccurrenceConstraintViolation"),
        (
            '[2, "a", "RequestStopTransaction", {"transactionId": "%s"}]' % ("t" * 37),
            "a",
            "PropertyConstraintViolation",
        ),
        ('[2, "a", "GetCompositeSchedule", {"duration": NaN, "evseId": 1}]', "-1", "RpcFrameworkError"),
        ('[2, "a", "GetCompositeSchedule", {"duration": 1e999, "evseId": 1}]', "-1", "RpcFrameworkError"),
        ('[2, "a", "GetCompositeSchedule", {"duration": %s, "evseId": 1}]' % ("9" * 5000), "-1", "RpcFrameworkError"),
        ('[2, "a", "RequestStopTransaction", {"transactionId": "\\ud800"}]', "-1", "RpcFrameworkError"),
        ("[" * 20_000, "-1", "RpcFrameworkError"),
        (b"[2]", "-1", "RpcFrameworkError"),
        (" " * (MAX_MESSAGE_CHARS + 1), "-1", "RpcFrameworkError"),
    ],
)
def test_every_bad_message_has_its_error(text: str | bytes, unique_id: str, code: str) -> None:
    assert refusal(text) == (unique_id, code)


def test_a_bad_timestamp_is_refused() -> None:
    profile = {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "validFrom": "yesterday",
        "chargingSchedule": [
            {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1}]}
        ],
    }
    text = json.dumps([2, "a", "SetChargingProfile", {"evseId": 0, "chargingProfile": profile}])
    assert refusal(text) == ("a", "PropertyConstraintViolation")


def test_a_good_call_comes_through_as_it_was_and_is_answered() -> None:
    core = rpc()
    payload = {"type": "OnIdle", "customData": {"vendorId": "x", "powerW": -1, "Max_L1": 2}}
    (call,) = core.receive(json.dumps([2, "a", "Reset", payload]), 0.0)
    assert call == CallReceived("a", "Reset", payload)
    assert isinstance(call, CallReceived)
    assert core.respond(call, {"status": "Accepted"}) is None
    assert core.to_send() == ('[3,"a",{"status":"Accepted"}]',)
    assert core.to_send() == ()
    violation = core.respond(call, {"status": "Perhaps"})
    assert violation is not None
    assert json.loads(core.to_send()[0])[2] == "InternalError"


def test_one_call_at_a_time_and_its_outcomes() -> None:
    core = rpc()
    text = call_text("id-1", "Heartbeat", {})
    core.call("id-1", "Heartbeat", text, now_s=100.0)
    assert core.busy
    assert core.to_send() == ('[2,"id-1","Heartbeat",{}]',)
    assert core.deadline_s == 130.0
    with pytest.raises(RuntimeError):
        core.call("id-2", "Heartbeat", text, 101.0)
    response = {"currentTime": "2026-03-01T12:00:00Z"}
    assert core.receive(json.dumps([3, "id-1", response]), 102.0) == (ResultReceived("id-1", "Heartbeat", response),)
    assert not core.busy

    core.call("id-3", "Heartbeat", text, 200.0)
    (failed,) = core.receive('[4, "id-3", "InternalError", "so it is", {}]', 201.0)
    assert failed == CallFailed("id-3", "Heartbeat", "InternalError", "so it is")

    core.call("id-4", "Heartbeat", text, 300.0)
    (odd,) = core.receive('[3, "id-4", {"currentTime": 5}]', 301.0)
    assert isinstance(odd, ResultReceived)
    assert odd.violation is not None
    assert odd.violation.code == "TypeConstraintViolation"


def test_a_peers_words_make_no_line_in_our_log() -> None:
    core = rpc()
    core.call("a", "Heartbeat", call_text("a", "Heartbeat", {}), 0.0)
    (failed,) = core.receive('[4, "a", "Bad\\nCode", "x\\r\\n= transaction ended\\u2028", {}]', 0.0)
    assert failed == CallFailed("a", "Heartbeat", "Bad Code", "x  = transaction ended ")
    (fault,) = core.receive('[2, "b", "Fly\\nhome", {}]', 0.0)
    assert isinstance(fault, PeerFault)
    assert "\n" not in fault.text


@pytest.mark.parametrize(
    "frame",
    [
        '[2, "b", "WORD", {}]',
        '[2, "b", "Reset", {"WORD": 1}]',
        '[3, "WORD", {}]',
        '[4, "WORD", "WORD", "WORD", {}]',
        "WORD",
    ],
)
def test_the_kind_of_a_peers_fault_has_none_of_its_words(frame: str) -> None:
    kinds = set()
    for word in ("sesame", "open-up"):
        (fault,) = rpc().receive(frame.replace("WORD", word), 0.0)
        assert isinstance(fault, PeerFault)
        kinds.add(fault.kind)
    assert len(kinds) == 1
    assert "sesame" not in kinds.pop()


def test_a_late_answer_belongs_to_nothing_and_gets_no_error() -> None:
    core = rpc()
    core.call("id-1", "Heartbeat", call_text("id-1", "Heartbeat", {}), 0.0)
    core.to_send()
    assert core.tick(29.9) == ()
    late = '[3, "id-1", {"currentTime": "2026-03-01T12:00:00Z"}]'
    timed_out, fault = core.receive(late, 30.0)
    assert timed_out == CallTimedOut("id-1", "Heartbeat")
    assert isinstance(fault, PeerFault)
    assert not fault.answered
    core.call("id-2", "Heartbeat", call_text("id-2", "Heartbeat", {}), 31.0)
    core.to_send()
    (fault,) = core.receive(late, 32.0)
    assert isinstance(fault, PeerFault)
    assert core.busy
    for text in ('[3, "id-2"]', "[3]", '[4, "id-2"]', '[4, 7, "x", "", {}]', '[3, "id-2", 5]'):
        (fault,) = core.receive(text, 33.0)
        assert isinstance(fault, PeerFault)
    assert core.to_send() == ()  # 4.2.3: CALLERROR to a CALL only
    assert core.busy


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.lists(
        st.one_of(
            st.text(max_size=60),
            st.binary(max_size=20),
            _json.map(json.dumps),
            st.tuples(
                st.sampled_from([2, 3, 4, 5]),
                st.sampled_from(["id", "", 3]),
                st.sampled_from(sorted(SUPPORTED)),
                _json,
            ).map(json.dumps),
        ),
        max_size=4,
    )
)
def test_no_bytes_of_a_peer_raise_and_every_answer_is_a_message(frames: list[str | bytes]) -> None:
    core = rpc()
    for frame in frames:
        core.receive(frame, 0.0)
    for answer in core.to_send():
        kind, unique_id, code, text, details = json.loads(answer)
        assert (kind, details) == (4, {})
        assert isinstance(unique_id, str)
        assert isinstance(code, str)
        assert len(text) <= 255
