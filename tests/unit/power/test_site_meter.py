"""A meter of ours at the connection reaches the fuse guard: each reading once, over the link, by phases where it has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chargepoint.config.load import ConfigError, parse
from chargepoint.model.image import AcReading, MeterRegisters
from chargepoint.model.site_meter import SiteMeterReading
from chargepoint.power.link_codec import decode_up, encode_up
from chargepoint.power.site_meter import SiteMeter, phases_W

AC = AcReading((230.0, 231.0, 229.0), (10.0, 2.0, -3.0), (2_300.0, 460.0, -690.0), 50.0)
REGISTERS = MeterRegisters(1.0, 2.0, 230.0, 9.0, 2_070.0, 100.0, ac=AC)


class Meter:
    name = "grid"
    identity_error = ""

    def __init__(self) -> None:
        self.registers: MeterRegisters | None = None
        self.polled: list[float] = []
        self.broken = False

    def poll(self, now_s: float) -> None:
        self.polled.append(now_s)
        if self.broken:
            raise RuntimeError("a defect of this driver")


def test_each_reading_is_shown_once() -> None:
    meter: Any = Meter()
    watched = SiteMeter(meter)
    watched.poll(1.0)
    assert watched.news() is None
    meter.registers = REGISTERS
    assert watched.news() == SiteMeterReading(100.0, (2_300.0, 460.0, -690.0))
    assert watched.news() is None
    meter.registers = replace(REGISTERS, taken_at_s=101.0)
    assert watched.news() == SiteMeterReading(101.0, (2_300.0, 460.0, -690.0))


def test_a_driver_that_raises_shows_nothing_and_harms_nobody() -> None:
    meter: Any = Meter()
    watched, meter.registers, meter.broken = SiteMeter(meter), REGISTERS, True
    watched.poll(1.0)
    assert watched.news() is None


@pytest.mark.parametrize(
    ("ac", "phases"),
    [
        (AC, (2_300.0, 460.0, -690.0)),
        (replace(AC, power_W=()), (2_300.0, 462.0, -687.0)),
        (AcReading((230.0,), (9.0,), (2_070.0,), 50.0), (2_070.0,)),
        (None, (2_070.0,)),
    ],
)
def test_phases_where_the_meter_has_them(ac: AcReading | None, phases: tuple[float, ...]) -> None:
    assert phases_W(replace(REGISTERS, ac=ac)) == phases


@pytest.mark.parametrize("phases", [(1.5,), (1.0, -2.0, 3.0)])
def test_it_travels_over_the_link(phases: tuple[float, ...]) -> None:
    reading = SiteMeterReading(12.5, phases)
    assert decode_up(encode_up(reading)) == reading


def test_a_guard_by_our_meter_needs_one() -> None:
    with pytest.raises(ConfigError, match=r"there is no \[grid\] meter"):
        parse('[fuse_guard]\nfuse_A = 63\nmeter = "grid_meter"\n', Path("site.toml"))
