"""A disk that takes no records: nothing begins, what flows ends after a minute, and everything is as before once it takes them again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.evse.events import StorageChanged
from chargepoint.evse.obstacle import obstacle
from chargepoint.evse.unstored import UNSTORED_MAX_S, UnstoredRecords
from chargepoint.model.image import ControlPilot
from chargepoint.model.transactions import StopReason, TriggerReason

FULL = StorageChanged("the disk is full")
WELL = StorageChanged("")


def test_nothing_begins_and_the_driver_reads_why(station: Any) -> None:
    station.see(pilot=ControlPilot.B)
    station.feed(FULL)
    station.present()
    assert station.begins() == []
    assert "records cannot be stored: the disk is full" in station.session.view.obstacle
    assert "the disk is full" in station.session.view.refusal.reason
    station.feed(WELL)
    station.present()
    station.answer()
    assert len(station.begins()) == 1
    assert station.session.view.obstacle is None


def test_what_flows_ends_after_a_minute_with_its_reason(station: Any) -> None:
    station.transferring()
    station.feed(FULL)
    station.live(UNSTORED_MAX_S - 2)
    assert station.session.view.stop is None
    station.live(4)
    stop: Any = station.session.view.stop
    assert (stop.reason, stop.trigger) == (StopReason.OTHER, TriggerReason.ABNORMAL_CONDITION)
    assert "the disk is full" in stop.detail


def test_what_flows_goes_on_where_the_disk_has_room_again_in_time(station: Any) -> None:
    station.transferring()
    for _ in range(3):
        station.feed(FULL)
        station.live(UNSTORED_MAX_S - 2)
        station.feed(WELL)
    assert station.session.view.stop is None


def test_a_missing_power_process_is_the_stronger_reason() -> None:
    found = obstacle(None, operative=True, meter_fresh=True, unstored="disk full")
    assert found is not None and "power process" in found.text


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 50.0)), max_size=20))
def test_only_an_unbroken_minute_is_too_long(seen: list[tuple[bool, float]]) -> None:
    records, now_s, since_s = UnstoredRecords(), 0.0, None
    for well, after_s in seen:
        now_s += after_s
        records.note("" if well else "full", now_s)
        since_s = None if well else now_s if since_s is None else since_s
        assert records.too_long(now_s) == (since_s is not None and now_s - since_s >= UNSTORED_MAX_S)


@pytest.mark.parametrize("trouble", ["disk full", "too many writes are waiting"])
def test_another_trouble_does_not_begin_the_minute_anew(trouble: str) -> None:
    records = UnstoredRecords()
    records.note("disk full", 0.0)
    records.note(trouble, UNSTORED_MAX_S - 1)
    assert records.too_long(UNSTORED_MAX_S)
