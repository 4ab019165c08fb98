"""Numbers no charger reaches are no readings, whatever type they come in."""

from __future__ import annotations

import math
import struct

import pytest

from drivers.profile.codec import PointCodec, defaults
from drivers.profile.load import shipped

METER = shipped("sunspec_714_dc")
MONITOR = shipped("bender_isoev425")


def f32(value: float) -> tuple[int, ...]:
    return struct.unpack(">2H", struct.pack(">f", value))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 3e38])
def test_a_float_that_is_no_number_is_no_resistance(value: float) -> None:
    codec = PointCodec(MONITOR.points["resistance_ohm"], defaults(MONITOR))
    assert codec.decode(f32(value)) is None


@pytest.mark.parametrize("exponent", [400.0, -400.0, 11.0, math.nan, math.inf])
@pytest.mark.parametrize("maps_to", ["voltage_V", "current_A", "import_Wh"])
def test_an_absurd_exponent_gives_no_value(maps_to: str, exponent: float) -> None:
    point = next(point for point in METER.points.values() if point.maps_to == maps_to)
    assert PointCodec(point, defaults(METER)).decode((1,) * point.length, exponent) is None


def test_the_greatest_counter_is_no_energy() -> None:
    point = next(point for point in METER.points.values() if point.maps_to == "import_Wh")
    assert PointCodec(point, defaults(METER)).decode((0xFFFE, 0xFFFF, 0xFFFF, 0xFFFF), 0.0) is None
