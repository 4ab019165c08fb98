"""`[iso15118] discharge_on_iso2`, `discharge_on_din` and `sae_j2847_on_iso2`: off by default, doubtful when on, and impossible without a reserve."""

from __future__ import annotations

import pytest

from chargepoint.config.car_section import Iso15118Section
from chargepoint.config.check import cross_check
from chargepoint.config.doubts import doubts
from chargepoint.config.schema import Config, CsmsSection, EnergySection

KEYS = ("discharge_on_iso2", "discharge_on_din")


def config(key: str, switch: str | None, reserve_percent: float = 20.0) -> Config:
    section = Iso15118Section() if switch is None else Iso15118Section.model_validate({key: switch})
    energy = EnergySection(minimum_soc_percent=reserve_percent)
    return Config(csms=CsmsSection(enabled=False), iso15118=section, energy=energy)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(("switch", "doubtful"), [(None, False), ("off", False), ("tolerated", True)])
def test_it_is_outside_the_standard(key: str, switch: str | None, doubtful: bool) -> None:
    assert (("iso15118", key) in [mistake.key for mistake in doubts(config(key, switch))]) is doubtful


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("switch", "reserve_percent", "wrong"),
    [("tolerated", 10.0, False), ("tolerated", 9.0, True), ("tolerated", 0.0, True), ("off", 0.0, False)],
)
def test_a_car_that_names_no_reserve_needs_one(key: str, switch: str, reserve_percent: float, wrong: bool) -> None:
    found = [mistake.key for mistake in cross_check(config(key, switch, reserve_percent), {})]
    assert (("energy", "minimum_soc_percent") in found) is wrong


@pytest.mark.parametrize(("reserve_percent", "wrong"), [(10.0, False), (9.0, True)])
def test_services_outside_the_standard_are_doubtful_and_need_a_reserve(reserve_percent: float, wrong: bool) -> None:
    section = Iso15118Section.model_validate({"sae_j2847_on_iso2": ["V2G"]})
    energy = EnergySection(minimum_soc_percent=reserve_percent)
    found = Config(csms=CsmsSection(enabled=False), iso15118=section, energy=energy)
    (doubt,) = [mistake for mistake in doubts(found) if mistake.key == ("iso15118", "sae_j2847_on_iso2")]
    assert "ISO 15118-2 does not know" in doubt.problem and "['V2G']" in doubt.problem
    assert (("energy", "minimum_soc_percent") in [mistake.key for mistake in cross_check(found, {})]) is wrong
