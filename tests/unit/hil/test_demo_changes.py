"""What a person hears about the station: each change once, with the reason and the remedy the daemon gives."""

from __future__ import annotations

from typing import Any

import pytest

from hil.demo.changes import StationView, changes, fault_sentences, view


def status(**changed: Any) -> dict[str, Any]:
    evse: dict[str, Any] = {
        "status": "Available",
        "permission": "none",
        "image": {"faults": {}},
        "transaction": None,
    }
    ocpp = {"connected": True, "boot_status": "Accepted", **changed.pop("ocpp", {})}
    return {"ocpp": ocpp, "evses": {"1": {**evse, **changed}}}


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


def test_a_refused_token_has_its_reason_each_time() -> None:
    first = {"token_hint": "04A2…", "reason": "Blocked, by the central system", "at_utc": "2026-11-21T14:00:00Z"}
    again = {**first, "at_utc": "2026-11-21T14:00:09Z"}
    refused = ["token 04A2… refused: Blocked, by the central system"]
    assert said(status(), status(permission="refused", refusal=first)) == refused
    assert said(status(permission="refused", refusal=first), status(permission="asked", refusal=first)) == []
    assert said(status(permission="asked", refusal=first), status(permission="refused", refusal=again)) == refused


def test_a_fault_comes_with_its_remedy_and_goes() -> None:
    faulted = status(
        image={"faults": {"EMERGENCY_STOP": "emergency stop"}},
        fault_remedies={"EMERGENCY_STOP": "release the button, then reset the station"},
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
    assert list(changes(None, StationView("Accepted", "Available", last_session="session of yesterday"))) == [
        "central system accepted the station"
    ]
