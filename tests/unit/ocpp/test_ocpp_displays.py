"""Display messages: what is taken, what is shown when, and what leaves by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.status import ConnectorStatus
from chargepoint.ocpp.variables.display import MAX_MESSAGES

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk


def message(number: int = 1, text: str = "hello", priority: str = "NormalCycle", **more: Any) -> dict[str, Any]:
    content = {"format": more.pop("format", "UTF8"), "content": text, "language": more.pop("language", "en")}
    return {"id": number, "priority": priority, "message": content, **more}


def put(desk: Desk, *args: Any, **more: Any) -> str:
    return str(desk.ask("SetDisplayMessage", {"message": message(*args, **more)})["status"])


def shown(desk: Desk, evse: int = 1, language: str = "") -> list[str]:
    states = {int(e.evse_id): e for e in desk.now.evses}
    return [m["content"] for m in desk.station.displays.shown(states[evse], language, desk.now)]


def got(desk: Desk, **criteria: Any) -> list[int]:
    answer = desk.answer("GetDisplayMessages", {"requestId": 9, **criteria})
    sends = desk.sends(answer)
    assert answer.payload["status"] == ("Accepted" if sends else "Unknown")
    assert [s.payload["tbc"] for s in sends] == [True] * (len(sends) - 1) + [False] * bool(sends)
    assert all(s.payload["requestId"] == 9 for s in sends)
    return [info["id"] for s in sends for info in s.payload["messageInfo"]]


def test_a_message_is_shown_kept_replaced_and_cleared(desk: Desk) -> None:
    assert put(desk, 1, "one") == "Accepted"
    assert shown(desk) == ["one"]
    desk.restart()
    desk.accept()
    assert shown(desk) == ["one"]  # O01.FR.10
    assert put(desk, 1, "two") == "Accepted"  # O06
    assert (shown(desk), got(desk)) == (["two"], [1])
    assert desk.ask("ClearDisplayMessage", {"id": 1})["status"] == "Accepted"
    assert desk.ask("ClearDisplayMessage", {"id": 1})["status"] == "Unknown"
    assert (shown(desk), got(desk)) == ([], [])


def test_priorities(desk: Desk) -> None:
    put(desk, 1, "normal")
    assert shown(desk) == ["normal"]
    put(desk, 2, "front", "InFront")
    put(desk, 3, "front too", "InFront")
    assert shown(desk) == ["front", "front too"]  # O01.FR.14
    put(desk, 4, "always", "AlwaysFront")
    assert shown(desk) == ["always"]
    put(desk, 5, "always now", "AlwaysFront")
    assert (shown(desk), got(desk)) == (["always now"], [1, 2, 3, 5])  # O01.FR.16


def test_times(desk: Desk) -> None:
    put(desk, 1, "later", startDateTime="2026-03-01T12:01:00Z", endDateTime="2026-03-01T12:02:00Z")
    desk.due()
    assert shown(desk) == []
    assert desk.station.displays.deadline_s == pytest.approx(120.0)
    desk.due(60.0)
    assert shown(desk) == ["later"]
    desk.due(120.0)
    assert (shown(desk), got(desk), desk.station.displays.deadline_s) == ([], [], None)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"endDateTime": "2026-03-01T11:00:00Z"}, "Rejected"),
        ({"startDateTime": "2026-03-01T14:00:00Z", "endDateTime": "2026-03-01T13:00:00Z"}, "Rejected"),
        ({"transactionId": "nobody"}, "UnknownTransaction"),
        ({"format": "HTML"}, "NotSupportedMessageFormat"),
        ({"format": "URI"}, "NotSupportedMessageFormat"),
        ({"format": "ASCII", "text": "Grüße"}, "Rejected"),
        ({"display": {"name": "Other"}}, "Rejected"),
    ],
)
def test_refused(desk: Desk, more: dict[str, Any], status: str) -> None:
    assert put(desk, 1, **more) == status
    assert got(desk) == []


def test_a_message_of_a_transaction_leaves_with_it(desk: Desk) -> None:
    desk.port.begin()
    assert put(desk, 1, "yours", transactionId="tx-1") == "Accepted"
    assert shown(desk) == ["yours"]
    desk.restart()
    desk.accept()
    desk.port.change(1, heard=False)
    desk.port.end()
    desk.port.change(1, heard=False)
    desk.due(1.0)
    assert got(desk) == [1]  # the power process has not reported yet
    desk.port.change(1, heard=True)
    desk.due(2.0)
    assert got(desk) == []  # O02.FR.02


def test_states(desk: Desk) -> None:
    for number, state in enumerate(("Charging", "Faulted", "Idle", "Unavailable"), start=1):
        assert put(desk, number, state, state=state) == "Accepted"
    assert shown(desk) == ["Idle"]
    desk.port.begin()
    assert shown(desk) == ["Charging"]
    desk.port.end()
    for status, state in ((ConnectorStatus.FAULTED, "Faulted"), (ConnectorStatus.UNAVAILABLE, "Unavailable")):
        desk.port.change(1, status=status)
        assert shown(desk) == [state]


def test_which_are_reported(desk: Desk) -> None:
    put(desk, 1, state="Idle")
    put(desk, 2, state="Charging", priority="InFront")
    put(desk, 3)
    assert got(desk) == [1, 2, 3]
    assert got(desk, id=[2, 3, 4]) == [2, 3]
    assert got(desk, priority="InFront") == [2]
    assert got(desk, state="Idle") == [1]
    assert got(desk, id=[1], state="Charging") == []
    assert got(desk, id=[77]) == []


def test_one_more_than_there_is_room_for(desk: Desk) -> None:
    assert {put(desk, number) for number in range(MAX_MESSAGES)} == {"Accepted"}
    assert put(desk, MAX_MESSAGES) == "Rejected"
    assert put(desk, 0, "new") == "Accepted"
    assert len(got(desk)) == MAX_MESSAGES
    assert desk.station.model.text("DisplayMessageCtrlr/DisplayMessages") == str(MAX_MESSAGES)


def test_switched_off(desk: Desk) -> None:
    put(desk, 1)
    desk.set("DisplayMessageCtrlr", "Enabled", "false")
    assert (shown(desk), put(desk, 2)) == ([], "Rejected")


def test_the_driver_s_language(desk: Desk) -> None:
    if not desk.version.extra_messages:
        assert put(desk, 1, "hello", language="en-US") == "Accepted"
        assert shown(desk, language="de") == ["hello"]
        return
    extra = [{"format": "UTF8", "language": "de", "content": "hallo"}]
    assert put(desk, 1, "bonjour", language="fr", messageExtra=extra) == "Accepted"
    assert (shown(desk, language="de-AT"), shown(desk, language="nl")) == (["hallo"], ["bonjour"])
