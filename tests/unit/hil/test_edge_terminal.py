"""The edge terminal's load curves and orders; the hour of the day is a number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chargepoint.site.orders import LimitOrder, SetpointOrder, read_meter, read_order
from hil.simulators.edge_terminal import EdgeTerminal, TerminalRules
from hil.simulators.load_curve import FOLDER, BadLoadCurve, LoadCurve, load_curve, read_load_curve, together_W

FLAT = LoadCurve("flat", (0.0, 24.0), (4000.0, 4000.0))
SUN = LoadCurve("sun", (0.0, 12.0, 24.0), (0.0, -9000.0, 0.0))


def test_between_two_points_is_a_straight_line_and_the_day_repeats() -> None:
    assert [SUN.at(hour) for hour in (0.0, 6.0, 12.0, 18.0, 24.0, 30.0)] == [
        0.0,
        -4500.0,
        -9000.0,
        -4500.0,
        0.0,
        -4500.0,
    ]
    assert together_W((FLAT, SUN), 12.0) == -5000.0


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: str(path.stem))
def test_every_shipped_curve_is_read_and_ends_as_it_begins(path: Path) -> None:
    curve = load_curve(path.stem)
    assert curve.at(0.0) == pytest.approx(curve.at(23.999), abs=100.0)
    assert max(curve.power_W) - min(curve.power_W) > 1000.0


@pytest.mark.parametrize(
    "text",
    [
        "title = 'a'\nat_h = [0, 12]\npower_W = [1, 2]",
        "title = 'a'\nat_h = [0, 24, 12]\npower_W = [1, 2, 3]",
        "title = 'a'\nat_h = [0, 24]\npower_W = [1, nan]",
        "title = 'a'\nat_h = [0, 24]\npower_W = [1]",
        "title = 'a'\nat_h = [0, 24]",
        "title = 'a'\nat_h = 3\npower_W = 4",
        "no toml",
    ],
)
def test_a_file_that_is_no_curve_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "curve.toml"
    file.write_text(text)
    with pytest.raises(BadLoadCurve, match=r"curve\.toml"):
        read_load_curve(file)


def terminal(*, balance: bool, most_W: float = 25_000.0) -> EdgeTerminal:
    return EdgeTerminal(TerminalRules(most_W, balance, 2.0), (FLAT, SUN), "t")


def test_the_meter_shows_building_and_station() -> None:
    edge = terminal(balance=False)
    edge.station_W = 1500.0
    assert read_meter(json.dumps(edge.meter(12.0)).encode()) == (-3500.0,)


def test_the_limit_is_what_the_transformer_leaves_beside_the_building() -> None:
    (sent,) = terminal(balance=False).orders(0.0)
    order = read_order(json.dumps(sent).encode())
    assert isinstance(order, LimitOrder)
    assert (order.import_max_W, order.export_max_W, order.lease_s) == (21_000.0, 29_000.0, 6.0)


def test_cars_take_what_the_sun_gives_and_give_what_the_building_takes() -> None:
    edge = terminal(balance=True)
    at_night, at_noon = (read_order(json.dumps(edge.orders(hour)[1]).encode()) for hour in (0.0, 12.0))
    assert isinstance(at_night, SetpointOrder)
    assert isinstance(at_noon, SetpointOrder)
    assert (at_night.power_W, at_noon.power_W) == (-4000.0, 5000.0)
    assert at_night.id != at_noon.id


def test_a_building_beyond_the_transformer_leaves_nothing_and_never_a_negative_limit() -> None:
    limit, setpoint = terminal(balance=True, most_W=3000.0).orders(0.0)
    assert (limit["import_max_W"], limit["export_max_W"]) == (0, 7000)
    assert setpoint["power_W"] == -4000
