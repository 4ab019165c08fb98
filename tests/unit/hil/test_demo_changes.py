"""What a person hears about the station: each change once, with the reason and the remedy the daemon gives."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from hil.bench.bench import Bench
from hil.bench.changes import WatchedStation, changes, ending, fault_sentences, registration, view
from hil.demo.story import Story
from hil.steering.programme import StoryFailed


def status(**changed: Any) -> dict[str, Any]:
    evse: dict[str, Any] = {
        "status": "Available",
        "permission": "none",
        "image": {"faults": {}},
        "transaction": None,
    }
    ocpp = {"connected": True, "boot_status": "Accepted", **changed.pop("ocpp", {})}
    return {"monotonic_s": 100.0, "ocpp": ocpp, "evses": {"1": {**evse, **changed}}}


def said(before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    return list(changes(None if before is None else view(before, 1), view(after, 1)))


def test_nothing_new_is_not_said() -> None:
    assert said(status(), status()) == []


@pytest.mark.parametrize(
    ("ocpp", "sentence"),
    [
        ({"connected": False}, "no connection"),
        ({"boot_status": None}, "waiting for the answer to BootNotification"),
        ({"boot_status": "Pending"}, "BootNotification Pending"),
        ({"boot_status": "Rejected"}, "BootNotification Rejected"),
    ],
)
def test_the_way_to_the_central_system_is_said(ocpp: dict[str, Any], sentence: str) -> None:
    assert sentence in said(None, status(ocpp=ocpp))[0]
    assert said(status(ocpp=ocpp), status()) == ["central system accepted the station"]


def test_a_connection_that_was_there_is_lost() -> None:
    assert said(status(), status(ocpp={"connected": False})) == ["central system: connection lost"]


def test_a_boot_notification_that_came_to_nothing_is_said_once_with_its_reason() -> None:
    waiting = status(ocpp={"boot_status": None})
    failed = status(ocpp={"boot_status": None, "boot_trouble": "error: InternalError", "boot_again_in_s": 59.7})
    assert said(waiting, failed) == ["BootNotification came to nothing: error: InternalError"]
    assert said(failed, failed) == []
    assert registration(failed["ocpp"]) == "BootNotification came to nothing: error: InternalError; sent again in 60 s"
    assert registration(waiting["ocpp"]) == "BootNotification not answered yet"
    pending = status(ocpp={"boot_status": "Pending", "boot_again_in_s": 20.0})
    assert registration(pending["ocpp"]) == "BootNotification Pending; sent again in 20 s"


def test_a_refused_token_has_its_reason_each_time() -> None:
    first = {"token_hint": "…E5F6", "reason": "the central system answered Blocked", "age_s": 3.0}
    refused = ["token …E5F6 refused: the central system answered Blocked"]
    before = status(permission="refused", refusal=first)
    later = {**status(permission="asked", refusal={**first, "age_s": 12.5000001}), "monotonic_s": 109.5}
    assert said(status(), before) == refused
    assert said(before, later) == []
    assert said(later, {**status(refusal={**first, "age_s": 0.1}), "monotonic_s": 109.5}) == refused


def test_what_hinders_a_beginning_is_said_once() -> None:
    hindered = status(obstacle="the meter does not answer")
    assert said(status(), hindered) == ["nothing can begin now: the meter does not answer"]
    assert said(hindered, hindered) == []


def test_a_fault_comes_with_its_remedy_and_goes() -> None:
    faulted = status(
        image={
            "faults": {"EMERGENCY_STOP": "emergency stop"},
            "fault_remedies": {"EMERGENCY_STOP": "release the button, then reset the station"},
        }
    )
    assert said(status(), faulted) == ["fault: emergency stop: release the button, then reset the station"]
    assert said(faulted, status()) == ["fault is gone: emergency stop"]
    assert fault_sentences({"image": None}) == {}


def test_a_session_is_told_with_its_end_and_its_energies() -> None:
    running = status(transaction={"id": "ab7302e7-long"})
    assert said(status(), running) == ["transaction ab7302e7… started"]
    last = {
        "transaction_id": "ab7302e7-long", "reason": "EmergencyStop", "detail": "emergency stop",
        "import_Wh": 61.6, "export_Wh": 7.5, "duration_s": 42.0,
    }  # fmt: skip
    assert said(running, status(last_session=last)) == [
        "session ab7302e7… ended: EmergencyStop (emergency stop); 61.6 Wh into the car and 7.5 Wh out of the car, 42 s"
    ]
    assert said(running, status()) == ["transaction ab7302e7… ended"]
    assert said(status(last_session=last), status(last_session=last)) == []


def test_what_was_before_the_demo_looked_is_no_change() -> None:
    assert list(changes(None, WatchedStation("Accepted", "Available", last_session="session of yesterday"))) == [
        "central system accepted the station"
    ]


def test_why_nothing_flows_any_more_is_the_fault_else_the_last_ending() -> None:
    silent = {"faults": {"B": "board silent"}, "fault_remedies": {"B": "check its bus"}}
    session = {"reason": "Other", "detail": "board silent"}
    assert ending({"image": silent, "transaction": {"id": "tx-1"}}) == "board silent: check its bus"
    assert ending({"image": None, "transaction": None, "last_session": session}) == "Other (board silent)"
    assert ending({"image": None, "transaction": {"id": "tx-1"}, "last_session": session}) == ""


async def test_a_story_whose_car_gave_up_says_what_the_station_says() -> None:
    async def evse() -> dict[str, Any]:
        return {"image": {"faults": {"B": "board silent"}}, "transaction": None}

    progress = SimpleNamespace(error="DC_CableCheckRes: FAILED", loops=0)
    bench = SimpleNamespace(
        choices=SimpleNamespace(ac=False, control_mode="dynamic", car=None),
        evse=evse,
        progress=progress,
        note=lambda text: None,
        started_s=0.0,
    )
    with pytest.raises(StoryFailed, match="DC_CableCheckRes: FAILED; the station: board silent"):
        await Story(cast(Bench, bench), 0.0)._car_phases()
