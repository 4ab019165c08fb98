"""Requests of the door: checked against the words, whatever comes in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.record.line import Json
from hil.simulators.line_socket import Refused
from hil.steering.request import DEPTH_MAX, SteerRequest, id_of, read_request, request_of
from hil.steering.words import DOOR_WORDS, EVSE
from hil.words import Argument, ArgumentType, Word

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_a_refusal_with_words(line: bytes) -> None:
    try:
        assert read_request(line).verb in DOOR_WORDS
    except Refused as error:
        assert len(str(error)) > 10
    id_of(line)


@given(st.sampled_from(sorted(DOOR_WORDS)), st.dictionaries(st.text(max_size=10), JSON_VALUES, max_size=5))
def test_any_fields_are_checked_against_the_word(verb: str, fields: dict[str, Any]) -> None:
    try:
        request = request_of({**fields, "do": verb})
    except Refused as error:
        assert str(error)
        return
    word = DOOR_WORDS[verb]
    known = {argument.name for argument in word.arguments}
    assert word.open_arguments or set(request.arguments) <= known
    assert {argument.name for argument in word.arguments if argument.required} <= set(request.arguments)


def good_value(argument: Argument) -> st.SearchStrategy[Any]:
    """Values that the argument takes."""
    if argument.choices:
        return st.sampled_from(argument.choices)
    least, most = argument.least, argument.most
    match argument.type:
        case ArgumentType.NUMBER:
            return st.floats(-1e6 if least is None else least, 1e6 if most is None else most)
        case ArgumentType.INTEGER:
            return st.integers(0 if least is None else int(least), 1000 if most is None else int(most))
        case ArgumentType.TEXT:
            return st.text(max_size=20)
        case ArgumentType.FLAG:
            return st.booleans()
        case ArgumentType.OBJECT:
            return st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=3)
        case ArgumentType.LIST:
            return st.lists(st.text(max_size=5), max_size=3)


def good_requests(word: Word) -> st.SearchStrategy[dict[str, Any]]:
    required = {argument.name: good_value(argument) for argument in word.arguments if argument.required}
    optional = {argument.name: good_value(argument) for argument in word.arguments if not argument.required}
    optional["evse"] = good_value(EVSE)
    return st.fixed_dictionaries({"do": st.just(word.name), **required}, optional=optional)


@given(
    st.sampled_from([word for word in DOOR_WORDS.values() if word.name not in ("inject", "heal")]).flatmap(
        good_requests
    )
)
def test_what_the_table_permits_is_taken_with_its_defaults(fields: dict[str, Any]) -> None:
    request = read_request(json.dumps(fields).encode())
    word = DOOR_WORDS[fields["do"]]
    for argument in word.arguments:
        given_value = fields.get(argument.name, argument.default)
        assert request.arguments.get(argument.name) == given_value
    assert request.evse == fields.get("evse", None if word.name in ("record", "subscribe") else 1)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"do":"setpoint","power_W":"much"}', ["power_W = 'much'", "number of W, -1e+06 to 1e+06"]),
        (b'{"do":"setpoint","power_W":2e6}', ["power_W = 2000000.0", "outside its bounds", "-1e+06 to 1e+06"]),
        (b'{"do":"setpoint"}', ["power_W", "setpoint requires it"]),
        (b'{"do":"setpont","power_W":5}', ["did you mean setpoint"]),
        (b'{"do":"plug","evse":0}', ["evse = 0", "outside its bounds"]),
        (b'{"do":"plug","evse":"1"}', ["evse = '1'", "no integer"]),
        (b'{"do":"kill","what":"cat"}', ["what = 'cat'", "daemon, power, plant, broker"]),
        (b'{"do":"wait","for":{"stage":"OFF"},"within_s":-1}', ["within_s = -1"]),
        (b'{"do":"inject","fault":"physics.insulaton"}', ["did you mean physics.insulation"]),
        (b'{"do":"inject","fault":"physics.insulation","vlue":5}', ["vlue", "did you mean value"]),
        (b'{"do":"inject","fault":"power.cut"}', ["virtual time"]),
        (b'{"do":"inject","fault":"process.kill"}', ["what", "requires it"]),
        (b'{"do":"plug","id":[1]}', ["id = [1]"]),
        (b'{"do":"plug","id":"' + b"x" * 65 + b'"}', ["at most 64 characters"]),
        (b'{"do":"setpoint","power_W":' + b"9" * 400 + b"}", ["too large"]),
        (b'{"do":"car_plan","plan":' + b'{"a":' * DEPTH_MAX + b"1" + b"}" * DEPTH_MAX + b"}", ["nested too deep"]),
        (b"[1]", ['like {"do": "plug"}']),
        (b"", ["no JSON"]),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_to_do(line: bytes, words: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        read_request(line)
    for word in words:
        assert word in str(refused.value)


def test_the_arguments_of_a_fault_stand_beside_it_with_their_defaults() -> None:
    request = read_request(b'{"do":"inject","fault":"csms.late","action":"Heartbeat","by_s":3,"id":"a","evse":2}')
    arguments: dict[str, Json] = {"fault": "csms.late", "action": "Heartbeat", "by_s": 3, "times": 1}
    assert request == SteerRequest("inject", arguments, 2, "a")
    assert read_request(b'{"do":"heal","fault":"csms.late"}').arguments == {"fault": "csms.late"}
