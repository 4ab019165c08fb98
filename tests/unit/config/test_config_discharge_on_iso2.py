"""`[iso15118] discharge_on_iso2`: off by default, doubtful when on, and impossible without a reserve."""

from __future__ import annotations

import pytest

from chargepoint.config.car_section import Iso15118Section
from chargepoint.config.check import cross_check
from chargepoint.config.doubts import doubts
from chargepoint.config.schema import Config, CsmsSection, EnergySection

KEY = ("iso15118", "discharge_on_iso2")


def config(switch: str | None, reserve_percent: float = 20.0) -> Config:
    section = Iso15118Section() if switch is None else Iso15118Section.model_validate({"discharge_on_iso2": switch})
    energy = EnergySection(minimum_soc_percent=reserve_percent)
    return Config(csms=CsmsSection(enabled=False), iso15118=section, energy=energy)


@pytest.mark.parametrize(("switch", "doubtful"), [(None, False), ("off", False), ("tolerated", True)])
def test_it_is_outside_the_standard(switch: str | None, doubtful: bool) -> None:
    assert (KEY in [mistake.key for mistake in doubts(config(switch))]) is doubtful


@pytest.mark.parametrize(
    ("switch", "reserve_percent", "wrong"),
    [("tolerated", 10.0, False), ("tolerated", 9.0, True), ("tolerated", 0.0, True), ("off", 0.0, False)],
)
def test_a_car_that_names_no_reserve_needs_one(switch: str, reserve_percent: float, wrong: bool) -> None:
    found = [mistake.key for mistake in cross_check(config(switch, reserve_percent), {})]
    assert (("energy", "minimum_soc_percent") in found) is wrong
