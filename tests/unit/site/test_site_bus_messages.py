"""Messages in and out of the site bus: what is answered, and where to."""

from __future__ import annotations

import json

import pytest

from chargepoint.model.ids import EvseId
from chargepoint.model.instant import Instant
from chargepoint.model.limits import Interval
from chargepoint.site.bus import Intervals, Message, SiteBus, SiteView
from chargepoint.site.desk import EvseAbility, SiteDesk, SiteRules
from chargepoint.site.topics import Topics
from tests.unit.site.conftest import EVERYTHING, T0, Desk, Station

TOPICS = Topics("site/cp1")
NOW = Instant(10.0, T0)
ORDER = {"id": "a", "do": "release", "evse": 1}


def bus() -> SiteBus:
    """A bus whose station is found by home automation."""
    abilities = {EvseId(1): EvseAbility(True, Interval(-20_000.0, 22_000.0), 1.0, "explained")}
    desk = SiteDesk(SiteRules(EVERYTHING, 3600.0, 20.0), Station(), lambda: abilities)
    view = SiteView({}, {}, (), "none", "1.2.3", {})
    device = Message("homeassistant/device/site_cp1/config", b"{}", retain=True)
    return SiteBus(TOPICS, desk, lambda: view, Intervals(1.0, 60.0), (device,))


def answered_to(response_topic: str | None) -> str:
    message = Message(TOPICS.order, json.dumps(ORDER).encode(), response_topic=response_topic, correlation=b"c")
    (answer,), _ = bus().take(message, NOW)
    assert answer.correlation == b"c"
    return answer.topic


@pytest.mark.parametrize("topic", ["edge/answers", "site/cp1/answer/edge", "site/cp10/answer"])
def test_an_answer_goes_where_its_sender_listens(topic: str) -> None:
    assert answered_to(topic) == topic


@pytest.mark.parametrize(
    "topic",
    [
        None,
        "",
        "site/cp1",
        "site/cp1/order",
        "site/cp1/meter",
        "site/cp1/availability",
        "a/+/b",
        "a/#",
        "homeassistant/device/x/config",
        "x" * 300,
    ],
)
def test_an_answer_goes_nowhere_where_it_would_be_believed(topic: str | None) -> None:
    assert answered_to(topic) == "site/cp1/answer"


def test_an_empty_message_clears_what_was_retained_and_is_no_order() -> None:
    one = bus()
    assert one.take(Message(TOPICS.order, b""), NOW) == ([], None)
    assert one.refused_orders == 0


def test_another_order_with_a_used_id_is_refused_and_does_nothing(desk: Desk) -> None:
    first = {"id": "a", "do": "setpoint", "evse": 1, "power_W": 1000, "lease_s": 9}
    assert desk.raw(json.dumps(first).encode()).accepted
    said = len(desk.station.taken)
    other = desk.raw(json.dumps({**first, "power_W": 2000}).encode())
    assert (other.accepted, other.code) == (False, "IdReused")
    assert desk.raw(json.dumps(first, indent=2).encode()).accepted
    assert len(desk.station.taken) == said


def test_a_missing_field_is_named_without_the_whole_message(desk: Desk) -> None:
    answer = desk.raw(b'{"id": "a", "do": "setpoint", "power_W": 1000}')
    assert answer.text == "lease_s is missing"
