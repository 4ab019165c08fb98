"""Orders of the site bus: done once, for their lease, and each answered."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.commands import (
    CommandResult,
    Contribute,
    ExternalLimit,
    LimitStation,
    NoteSiteMeter,
    StartTransaction,
    StopTransaction,
    WishForDriver,
)
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import ZERO, Interval
from chargepoint.site.orders import ORDER_MAX_BYTES

if TYPE_CHECKING:
    from tests.unit.site.conftest import Desk

ONE, TWO = EvseId(1), EvseId(2)


def last(desk: Desk) -> Any:
    return desk.station.taken[-1]


def test_a_setpoint_holds_for_its_lease_and_says_until_when(desk: Desk) -> None:
    answer = desk.order("setpoint", evse=1, power_W=-8000, lease_s=30)
    assert (answer.accepted, answer.text) == (True, "EVSE 1: explained")
    assert answer.until is not None
    assert answer.until.isoformat() == "2026-03-01T12:00:30+00:00"
    said = last(desk)
    assert isinstance(said, Contribute)
    (contribution,) = said.contributions
    assert (contribution.target_W, contribution.valid_until_s, contribution.reason) == (
        -8000.0,
        130.0,
        "set-point of site",
    )
    desk.pass_time(30.0)
    assert desk.targets() == {1: None}


def test_the_newest_order_holds_whoever_sent_it_and_says_whom_it_replaced(desk: Desk) -> None:
    desk.order("setpoint", evse=1, power_W=4000, lease_s=30, sender="edge")
    answer = desk.order("setpoint", evse=1, power_W=2000, lease_s=30, sender="evcc")
    assert "in place of the set-point of edge" in answer.text
    assert desk.targets() == {1: 2000.0}


def test_an_order_that_comes_again_gets_the_same_answer_and_does_nothing(desk: Desk) -> None:
    payload = json.dumps({"id": "x", "do": "setpoint", "evse": 1, "power_W": 1000, "lease_s": 5}).encode()
    first = desk.raw(payload)
    done = len(desk.station.taken)
    desk.pass_time(4.0)
    assert desk.raw(payload) == first
    assert len(desk.station.taken) == done
    desk.pass_time(1.0)
    assert desk.targets() == {1: None}  # the second delivery did not renew the lease


def test_an_order_without_an_id_is_done_each_time_it_comes(desk: Desk) -> None:
    payload = json.dumps({"do": "setpoint", "evse": 1, "power_W": 1000, "lease_s": 5}).encode()
    assert (desk.raw(payload).accepted, desk.raw(payload).id) == (True, "")
    desk.pass_time(4.0)
    desk.raw(payload)
    desk.pass_time(4.0)
    assert desk.targets() == {1: 1000.0}
    assert desk.raw(b'{"do": "stop", "evse": 1}').code == "Malformed"


@pytest.mark.parametrize(
    ("power_W", "shares"), [(20_000, (10_000.0, 10_000.0)), (-6_000, (-3_000.0, -3_000.0)), (0, (0.0, 0.0))]
)
def test_the_stations_setpoint_is_shared_fairly(desk: Desk, power_W: float, shares: tuple[float, float]) -> None:
    desk.order("setpoint", power_W=power_W, lease_s=30)
    assert desk.targets() == {1: shares[0], 2: shares[1]}


def test_a_car_that_can_take_less_leaves_the_rest_to_the_other(desk: Desk) -> None:
    desk.order("setpoint", power_W=20_000, lease_s=30)
    desk.abilities[ONE] = replace(desk.abilities[ONE], limits_W=Interval(0.0, 4_000.0))
    desk.pass_time(1.0)
    assert desk.targets() == {1: 4_000.0, 2: 16_000.0}
    desk.abilities[TWO] = replace(desk.abilities[TWO], at_work=False)
    desk.pass_time(1.0)
    assert desk.targets() == {1: 4_000.0, 2: None}


def test_an_evse_with_its_own_setpoint_counts_and_takes_no_part(desk: Desk) -> None:
    desk.order("setpoint", evse=1, power_W=-5_000, lease_s=60)
    desk.order("setpoint", power_W=10_000, lease_s=30)
    assert desk.targets() == {1: -5_000.0, 2: 15_000.0}


def test_a_pause_allows_nothing_until_it_ends(desk: Desk) -> None:
    desk.order("pause", evse=1, lease_s=60)
    assert last(desk).contributions[0].limits_W == ZERO
    assert desk.desk.paused(ONE)
    desk.order("resume", evse=1)
    assert last(desk).contributions == ()
    desk.order("pause", evse=1, lease_s=60)
    desk.pass_time(60.0)
    assert last(desk).contributions == ()


def test_a_limit_a_wish_a_start_and_a_stop_reach_the_station(desk: Desk) -> None:
    desk.order("limit", import_max_W=8000, export_max_W=0, lease_s=60)
    command = last(desk)
    assert isinstance(command, LimitStation)
    assert isinstance(command.limit, ExternalLimit)
    assert (command.limit.import_max_W, command.limit.until_s, command.owner) == (8000.0, 160.0, "site")
    desk.order("unlimit")
    assert last(desk).limit is None
    desk.order(
        "driver", evse=2, minimum_soc_percent=40, target_soc_percent=80, departure="2026-03-01T13:00:00Z", lease_s=60
    )
    command = last(desk)
    assert isinstance(command, WishForDriver)
    assert command.wish is not None
    assert (command.wish.minimum_soc_percent, command.wish.departure_at_s) == (40.0, 3700.0)
    assert desk.desk.departure_s(TWO, desk.t) == 3600.0
    desk.order("start", evse=1, token="ABCD")
    command = last(desk)
    assert isinstance(command, StartTransaction)
    assert command.authorize
    desk.order("stop", evse=1)
    assert last(desk) == StopTransaction("tx-1")  # type: ignore[arg-type]


def test_what_the_station_refuses_is_passed_on(desk: Desk) -> None:
    desk.station.refuse = CommandResult(False, "TxInProgress", "a transaction is running")
    answer = desk.order("start", evse=1, token="ABCD")
    assert (answer.accepted, answer.code, answer.text) == (False, "TxInProgress", "a transaction is running")
    desk.station.transaction = None
    assert desk.order("stop", evse=1).code == "TxNotFound"


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"do": "explode"}, "Malformed", "explode"),
        ({"evse": 9}, "UnknownEvse", "this station has 1, 2"),
        ({"evse": "1"}, "Malformed", "evse = '1'"),
        ({"evse": True}, "Malformed", "evse = True"),
        ({"power_W": "8000"}, "Malformed", "power_W = '8000'"),
        ({"power_W": 1e8}, "Malformed", "less than or equal to 10000000"),
        ({"power_W": None}, "Malformed", "power_W = None"),
        ({"lease_s": 4000}, "LeaseTooLong", "at most 3600"),
        ({"lease_s": 0}, "Malformed", "greater than or equal to 1"),
        ({"lease_s": None}, "Malformed", "lease_s"),
        ({"id": ""}, "Malformed", "id = ''"),
        ({"id": "a b"}, "Malformed", "id = 'a b'"),
        ({"power_kW": 8}, "Malformed", "power_kW = 8"),
        ({"not_after": "2026-03-01T11:59:00Z"}, "Expired", "60 s ago"),
        ({"not_after": "2026-03-01T11:59:00"}, "Malformed", "not_after"),
        ({"not_after": "yesterday"}, "Malformed", "not_after"),
    ],
)
def test_a_wrong_order_is_refused_with_a_sentence_and_does_nothing(
    desk: Desk, changes: dict[str, Any], code: str, text: str
) -> None:
    order = {"id": "w1", "do": "setpoint", "evse": 1, "power_W": 1000, "lease_s": 60, **changes}
    answer = desk.raw(json.dumps(order).encode())
    assert (answer.accepted, answer.code) == (False, code)
    assert text in answer.text
    assert answer.id == (order["id"] if order["id"] == "w1" else order["id"] if order["id"] == "a b" else "")
    assert desk.station.taken == []


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[]", b"12", b"{", b"\xff\xfe", b'{"id":"n","do":"setpoint","evse":1,"power_W":NaN,"lease_s":9}',
     b'{"id":"n","do":"setpoint","evse":1,"power_W":1e999,"lease_s":9}', b"[" * 2000 + b"]" * 2000],
)  # fmt: skip
def test_what_is_no_order_is_refused(desk: Desk, payload: bytes) -> None:
    answer = desk.raw(payload)
    assert not answer.accepted
    assert answer.text
    assert desk.station.taken == []


def test_a_large_message_is_not_read(desk: Desk) -> None:
    answer = desk.raw(b'{"id":"' + b"x" * 1_000_000)
    assert (answer.code, answer.text) == ("TooLarge", f"1000007 bytes: an order has at most {ORDER_MAX_BYTES}")


def test_a_retained_order_is_refused(desk: Desk) -> None:
    payload = b'{"id":"old","do":"setpoint","evse":1,"power_W":1000,"lease_s":60}'
    assert desk.raw(payload, retained=True).code == "Retained"
    assert desk.station.taken == []
    assert desk.raw(payload).accepted  # the same order, sent anew


def test_what_the_configuration_does_not_permit_is_refused() -> None:
    from tests.unit.site.conftest import Desk

    desk = Desk(orders=frozenset({"setpoint"}))
    answer = desk.order("stop", evse=1)
    assert (answer.code, "permits setpoint" in answer.text) == ("NotPermitted", True)


def test_a_flood_is_refused_and_what_comes_after_it_is_done(desk: Desk) -> None:
    answers = [desk.order("setpoint", evse=1, power_W=power, lease_s=60) for power in range(10_000)]
    assert sum(answer.accepted for answer in answers) == 200
    assert answers[-1].code == "TooMany"
    assert desk.desk.refused == 9_800
    desk.pass_time(1.0)
    assert desk.order("setpoint", evse=1, power_W=5, lease_s=60).accepted


def test_a_clock_that_jumps_moves_no_lease(desk: Desk) -> None:
    desk.order("setpoint", evse=1, power_W=1000, lease_s=30)
    said = len(desk.station.taken)
    jumped = replace(desk.now, utc=desk.now.utc.replace(year=2030))
    desk.desk.keep_time(jumped)
    assert len(desk.station.taken) == said
    assert desk.targets() == {1: 1000.0}


@pytest.mark.parametrize(
    ("payload", "phases_W"),
    [
        (b"1234.5", (1234.5,)),
        (b'{"power_W": -500}', (-500.0,)),
        (b'{"phases_W": [1, 2, 3], "voltage": 230}', (1.0, 2.0, 3.0)),
    ],
)
def test_a_meter_value_reaches_the_station(desk: Desk, payload: bytes, phases_W: tuple[float, ...]) -> None:
    assert desk.desk.meter(payload, desk.now) is None
    command = last(desk)
    assert isinstance(command, NoteSiteMeter)
    assert (command.reading.phases_W, command.reading.taken_at_s) == (phases_W, 100.0)


@pytest.mark.parametrize(
    "payload", [b"", b"NaN", b'"12"', b"1e99", b'{"phases_W": [1, 2]}', b"{}", b"true", b"unavailable"]
)
def test_a_wrong_meter_value_is_none(desk: Desk, payload: bytes) -> None:
    assert desk.desk.meter(payload, desk.now)
    assert desk.station.taken == []
    assert desk.desk.reading is None


@given(st.binary(max_size=200))
def test_no_message_raises(payload: bytes) -> None:
    from tests.unit.site.conftest import Desk

    desk = Desk()
    assert desk.raw(payload).text
    desk.desk.meter(payload, desk.now)
