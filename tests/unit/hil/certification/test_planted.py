"""Planted faults: what the interceptor does to frames, and that each fault names cases that exist."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hil.certification.planted import COPY, FAULTS, Interceptor, PlantedFault
from hil.certification.registry import written

BY_NAME = {fault.name: fault for fault in FAULTS}
OCCUPIED = {"timestamp": "2026-03-01T12:00:00.000Z", "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1}


def planted(name: str) -> Interceptor:
    interceptor = Interceptor()
    interceptor.plant(BY_NAME[name])
    return interceptor


def call(action: str, payload: dict[str, Any], unique_id: str = "id-1") -> str:
    return json.dumps([2, unique_id, action, payload])


def test_without_a_fault_every_frame_passes_as_it_is() -> None:
    interceptor, text = Interceptor(), call("StatusNotification", OCCUPIED)
    assert interceptor.from_station(text).onward == (text,)
    assert interceptor.to_station("anything")


def test_a_value_is_altered_in_the_frames_it_concerns_only() -> None:
    interceptor = planted("seq_no_gap")
    for kind, number in (("Started", 0), ("Updated", 2)):
        event = {"eventType": kind, "seqNo": 0 if kind == "Started" else 1}
        (text,) = interceptor.from_station(call("TransactionEvent", event)).onward
        assert json.loads(text)[3] == {"eventType": kind, "seqNo": number}
    assert interceptor.altered == 1


def test_a_lost_call_is_answered_in_the_place_of_the_suite() -> None:
    passage = planted("status_missing").from_station(call("StatusNotification", OCCUPIED))
    assert passage.onward == ()
    assert passage.returned is not None
    assert json.loads(passage.returned) == [3, "id-1", {}]


def test_a_doubled_call_has_an_id_of_its_own_and_its_answer_stays_away_from_the_station() -> None:
    interceptor = planted("status_doubled")
    first, second = map(json.loads, interceptor.from_station(call("StatusNotification", OCCUPIED, "i" * 36)).onward)
    assert first[1] == "i" * 36
    assert second[1].startswith(COPY)
    assert len(second[1]) <= 36
    assert interceptor.to_station(json.dumps([3, first[1], {}]))
    assert not interceptor.to_station(json.dumps([3, second[1], {}]))


def test_an_answer_is_altered_by_the_action_of_its_call() -> None:
    interceptor = planted("answer_turned")
    interceptor.to_station(json.dumps([2, "a", "ChangeAvailability", {}]))
    interceptor.to_station(json.dumps([2, "b", "Reset", {}]))
    accepted = {"status": "Accepted"}
    (turned,) = interceptor.from_station(json.dumps([3, "a", accepted])).onward
    (other,) = interceptor.from_station(json.dumps([3, "b", accepted])).onward
    assert (json.loads(turned)[2], json.loads(other)[2]) == ({"status": "Rejected"}, accepted)


def test_names_are_unique_and_there_are_twenty_or_more() -> None:
    assert len(BY_NAME) == len(FAULTS) >= 20


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_names_written_cases(fault: PlantedFault) -> None:
    assert fault.cases
    for name in fault.cases:
        assert f"TC_{name}_CS" in written()
