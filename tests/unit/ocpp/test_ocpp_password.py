"""A01: the central system sets a password. It lies in a file, is shown at the next connection, and is written to no log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from chargepoint.ocpp.blocks.effects import ConnectionFailed, Post, Reconnect, WriteJournal

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

NEW = "New*Password-of_16=chars"
NEWER = "A.Still:Newer+Pass|word@1"


def password_shown(desk: Desk) -> str | None:
    """What the next attempt shows; None: the password of the configuration."""
    name = desk.station.network.target(desk.now.utc_s).password_name
    return None if name is None else desk.files[name]


def refuse(desk: Desk) -> None:
    """The central system refuses the password."""
    desk.perform(desk.station.informed(ConnectionFailed("FailedToAuthenticateAtCsms", "401"), desk.moment))


def connect(desk: Desk) -> None:
    desk.perform(desk.station.connected(desk.version, 1.0, desk.moment))


def test_a_new_password_is_shown_at_the_next_connection(desk: Desk) -> None:
    assert password_shown(desk) is None
    assert desk.set("SecurityCtrlr", "BasicAuthPassword", NEW) == "Accepted"
    assert any(isinstance(effect, Reconnect) for effect in desk.effects)
    assert password_shown(desk) == NEW
    connect(desk)
    assert desk.files == {"password": NEW}
    desk.restart()
    assert password_shown(desk) == NEW


def test_a_new_password_is_a_security_event_and_its_value_is_written_nowhere(desk: Desk) -> None:
    desk.set("SecurityCtrlr", "BasicAuthPassword", NEW)
    events = [effect.payload for effect in desk.effects if isinstance(effect, Post)]
    assert events[-1]["type"] == "ReconfigurationOfSecurityParameters"  # A01.FR.11
    said = [effect.text for effect in desk.effects if isinstance(effect, WriteJournal)]
    assert any("new password" in line for line in said)
    assert NEW not in re.sub(r"KeepFile\([^)]*\)", "", repr(desk.effects))  # A01.FR.12
    assert NEW not in repr(desk.stored)


@pytest.mark.parametrize("value", ["", "x" * 15, "x" * 41, "x" * 15 + " ", "x" * 15 + "ü", "x" * 16 + "\n"])
def test_a_password_out_of_its_bounds_changes_nothing(desk: Desk, value: str) -> None:
    """TC_A_10."""
    assert desk.set("SecurityCtrlr", "BasicAuthPassword", value) == "Rejected"
    assert desk.files == {}
    assert password_shown(desk) is None


def test_the_old_password_is_tried_where_the_new_one_is_refused_and_stays_if_it_works(desk: Desk) -> None:
    desk.set("SecurityCtrlr", "BasicAuthPassword", NEW)
    assert password_shown(desk) == NEW
    connect(desk)
    desk.set("SecurityCtrlr", "BasicAuthPassword", NEWER)
    for password in (NEWER, NEW, NEWER):
        assert password_shown(desk) == password
        refuse(desk)
    assert password_shown(desk) == NEW
    connect(desk)
    assert desk.files == {"password": NEW}


def test_a_second_new_password_before_the_first_has_worked_keeps_the_good_one(desk: Desk) -> None:
    desk.set("SecurityCtrlr", "BasicAuthPassword", NEW)
    desk.set("SecurityCtrlr", "BasicAuthPassword", NEWER)
    refuse(desk)
    assert password_shown(desk) is None  # the configuration's, the last that worked
    connect(desk)
    assert desk.files == {}


def test_a_change_of_the_configuration_file_replaces_the_password(desk: Desk) -> None:
    desk.set("SecurityCtrlr", "BasicAuthPassword", NEW)
    desk.restart()
    assert password_shown(desk) == NEW
    desk.csms_mark = "another file"
    desk.restart()
    assert desk.files == {}
    assert password_shown(desk) is None


def test_a_monitor_on_the_password_notifies_without_its_value(desk: Desk) -> None:
    """TC_N_48_CS, N07.FR.10: the event is stored before the connection is made anew."""
    place = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    data = {"value": 1, "type": "Delta", "severity": 5, **place}
    (result,) = desk.ask("SetVariableMonitoring", {"setMonitoringData": [data]})["setMonitoringResult"]
    desk.effects.clear()
    assert desk.set("SecurityCtrlr", "BasicAuthPassword", NEW) == "Accepted"
    posts = [e.payload for e in desk.effects if isinstance(e, Post) and e.action == "NotifyEvent"]
    (event,) = [event for post in posts for event in post["eventData"]]
    assert (event["variableMonitoringId"], event["trigger"], event["actualValue"]) == (result["id"], "Delta", "")
    assert desk.set("SecurityCtrlr", "BasicAuthPassword", "too-short") == "Rejected"
    assert len([e for e in desk.effects if isinstance(e, Post) and e.action == "NotifyEvent"]) == 1
