"""Live values: what counts as a change, smallest and largest, when a value is bad; and how they look on a phone."""

from __future__ import annotations

import json

import pytest

from chargepoint.commissioning import live_text
from chargepoint.commissioning.points import OLD_AFTER_S, LiveTable
from chargepoint.ports import DevicePoint
from drivers.pilot.board_points import board_points


def volts(value: float | None, at_s: float | None = 10.0, trouble: str = "", every_s: float = 0.0) -> DevicePoint:
    return DevicePoint("voltage", value, "V", () if value is None else (int(value),), at_s, trouble, every_s)


def test_a_change_is_reported_once_with_its_extremes() -> None:
    live = LiveTable()
    changes = [len(live.take([volts(value)])) for value in (5.0, 5.0, 7.0, 3.0, 3.0)]
    assert changes == [1, 0, 1, 1, 0]
    row = live.rows["voltage"]
    assert (row.lowest, row.highest, row.changes) == (3.0, 7.0, 2)


def test_a_counter_that_ticks_is_no_news() -> None:
    live = LiveTable()
    counted = [len(live.take(board_points((1, 63, 1, uptime, 2 * uptime), 1.0, ""))) for uptime in (1, 2, 3)]
    assert counted == [24, 0, 0]
    assert live.rows["uptime"].last.value == 3.0


@pytest.mark.parametrize(
    ("point", "now_s", "words"),
    [
        (volts(5.0), 10.0 + OLD_AFTER_S, ""),
        (volts(5.0), 10.1 + OLD_AFTER_S, "old: 3 s"),
        (volts(5.0, every_s=60.0), 100.0, ""),
        (volts(5.0, every_s=float("inf")), 1e6, ""),
        (volts(None, at_s=None), 10.0, "not read yet"),
        (volts(None, trouble="no value"), 10.0, "no value"),
    ],
)
def test_a_value_is_bad_with_its_reason(point: DevicePoint, now_s: float, words: str) -> None:
    live = LiveTable()
    live.take([point])
    assert live.rows["voltage"].bad(now_s) == words


@pytest.mark.parametrize("width", [40, 60, 99, 100, 200])
def test_a_row_fits_its_terminal(width: int) -> None:
    live = LiveTable()
    live.take([volts(12.0, trouble="something long " * 20)])
    line = live_text.row(live.rows["voltage"], 10.5, width)
    assert len(line) <= width
    assert line.startswith("voltage")
    assert ("000C" in line) is (width >= live_text.WIDE)


def test_a_small_window_shows_the_bad_ones_first_and_says_what_is_missing() -> None:
    live = LiveTable()
    good = [DevicePoint(f"good{number}", 1.0, "", (), 10.0) for number in range(20)]
    live.take([*good, volts(None, trouble="no value")])
    lines = live_text.table(live, 10.0, 60, 5)
    assert len(lines) == 5
    assert "BAD no value" in lines[0]
    assert lines[-1].startswith("... 17 more")
    assert len(live_text.table(live, 10.0, 60, 40)) == 21


def test_a_value_as_json_has_no_infinity() -> None:
    live = LiveTable()
    live.take([DevicePoint("state", "idle", "", (2,), 10.0)])
    found = json.loads(live_text.as_json("psu1", live.rows["state"], 10.5, 10.0))
    assert (found["value"], found["age_s"], found["lowest"], found["good"]) == ("idle", 0.5, None, True)


def test_the_registers_of_a_board_have_values_with_units() -> None:
    registers = (
        1,
        63,
        0x0100,
        5,
        9,
        1,
        12_000,
        0xD120,
        500,
        0xFFFF,
        1,
        0,
        0,
        191,
        0,
        250,
        0xFFF6,
        *[0x7FFF] * 4,
        12_000,
        1,
        2,
    )
    points = {point.name: point for point in board_points(registers, 1.0, "")}
    assert len(points) == 24
    assert (points["pilot_high"].value, points["pilot_low"].value, points["pilot_duty"].value) == (12.0, -12.0, 5.0)
    assert (points["temperature_positive"].value, points["temperature_negative"].value) == (25.0, -1.0)
    assert points["temperature_cable"].value == "no sensor"
    assert points["proximity"].value == "open"
    assert points["supply"].value == 12.0
    assert all(point.value is None and point.trouble for point in board_points((), None, "no answer"))
