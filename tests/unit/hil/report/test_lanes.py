"""Lanes of states and marks of moments."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hil.report.lanes import LANES, lanes_of, marks_of
from tests.unit.hil.report.report_samples import FAILING, record_of, short_session, value


def test_a_lane_covers_the_time_from_its_first_value_to_the_end() -> None:
    lanes = {lane.label: lane.spans for lane in lanes_of(short_session(), 1, LANES, 100)}
    assert [(span.from_s, span.to_s, span.word, span.tone) for span in lanes["stage"]] == [
        (0.0, 2.0, "OFF", "quiet"),
        (2.0, 8.5, "TRANSFER", "active"),
        (8.5, 9.9, "FAULTED", "bad"),
    ]
    assert lanes["set-point by"][0].title.endswith("11 kW: the central system wants it")
    assert [span.word for span in lanes["faults"]] == ["none", "INSULATION"]


@given(st.lists(st.floats(0, 100, allow_nan=False), min_size=2, max_size=300, unique=True), st.integers(4, 40))
def test_joined_spans_are_few_and_leave_no_hole(times_s: list[float], spans_max: int) -> None:
    record = record_of(*(value(at_s, "stage", f"S{index}") for index, at_s in enumerate(sorted(times_s))))
    (lane,) = lanes_of(record, 1, LANES[:1], spans_max)
    assert len(lane.spans) <= max(spans_max, 2 * spans_max + 2)
    assert lane.spans[0].from_s == min(times_s)
    assert all(one.to_s == next_one.from_s for one, next_one in zip(lane.spans, lane.spans[1:], strict=False))
    assert lane.spans[-1].to_s == record.ends_s


def test_marks_name_what_was_done_what_broke_and_what_was_reported() -> None:
    record = short_session()
    marks = marks_of(FAILING, record, record.entries, [1])
    assert [(mark.at_s, mark.kind, mark.text) for mark in marks] == [
        (0.0, "action", "plug"),
        (8.0, "fault", "physics.insulation (value 20000)"),
        (8.5, "trip", "INSULATION"),
        (8.5, "failed", "failed"),
        (9.0, "heal", "heal physics.insulation"),
    ]
