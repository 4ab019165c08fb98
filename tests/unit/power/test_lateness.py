"""What the loop reports about its own punctuality, and when that is worth a line."""

from __future__ import annotations

from chargepoint.model.process_health import LATE_BOUNDS_MS
from chargepoint.power.lateness import Lateness
from chargepoint.power.link_codec import decode_up, encode_up


def test_each_wakeup_is_in_one_group_and_the_worst_is_kept() -> None:
    lateness = Lateness(0.01)
    for late_s in (0.00005, 0.0003, 0.006, 0.3):
        lateness.note(late_s)
    health = lateness.health(realtime=True)
    assert sum(health.late_counts) == health.wakeups == 4
    assert health.late_counts[0] == health.late_counts[2] == health.late_counts[-1] == 1
    assert len(health.late_counts) == len(LATE_BOUNDS_MS) + 1
    assert health.over_5_ms == 2
    assert health.worst_ms == health.worst_lately_ms == 300.0


def test_a_new_second_begins_with_each_report() -> None:
    lateness = Lateness(0.01)
    lateness.note(0.02)
    lateness.turn(0.03)
    first = lateness.health(realtime=False)
    second = lateness.health(realtime=False)
    assert (first.worst_lately_ms, first.overrun_lately_ms, first.overruns) == (20.0, 30.0, 1)
    assert (second.worst_lately_ms, second.overrun_lately_ms) == (0.0, 0.0)
    assert (second.worst_ms, second.overruns) == (20.0, 1)


def test_a_line_is_written_only_when_it_gets_much_worse() -> None:
    lateness = Lateness(0.01)
    lines = []
    for late_s in (0.004, 0.025, 0.03, 0.049, 0.06, 0.06):
        lateness.note(late_s)
        lines.append(bool(lateness.worse()))
        lateness.health(realtime=False)
    assert lines == [False, True, False, False, True, False]


def test_the_report_goes_through_the_link() -> None:
    lateness = Lateness(0.01)
    lateness.note(0.007)
    lateness.turn(0.5)
    lateness.suspended_s = 12.5
    health = lateness.health(realtime=True)
    assert decode_up(encode_up(health)) == health
