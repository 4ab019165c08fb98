"""Bounds of safety that contradict each other, or that no standard knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargepoint.config.doubts import doubts
from chargepoint.config.load import ConfigError, parse
from chargepoint.safety.temperature import HeatBounds

FILE = Path("site.toml")


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[power]\nmodule_derate_degC = 85.0\n", "module_derate_degC = 85: below module_stop_degC (85)"),
        ("[power]\nmodule_stop_degC = 60.0\n", "module_derate_degC = 70: below module_stop_degC (60)"),
        ("[power]\ncabinet_derate_degC = 70.0\n", "cabinet_derate_degC = 70: below cabinet_stop_degC (70)"),
        ("[grid]\nfrequency_low_Hz = 52.0\n", "frequency_low_Hz = 52: below frequency_high_Hz (52)"),
        (
            '[evse.1]\noutlet = "ac"\nconnector_type = "cType2"\ncurrent_max_A = 80.5\n',
            "current_max_A = 80.5 with outlet = 'ac': at most 80 A of each phase",
        ),
    ],
)
def test_bounds_that_contradict_are_mistakes(text: str, words: str) -> None:
    assert any(words in found for found in mistakes(text))


@pytest.mark.parametrize(("limit_ohm", "doubtful"), [(10_000, True), (99_999, True), (100_000, False)])
def test_an_insulation_limit_below_that_of_the_standard_is_doubtful(limit_ohm: int, doubtful: bool) -> None:
    config = parse(f"[power]\ninsulation_limit_ohm = {limit_ohm}\n", FILE)
    assert any("insulation_limit_ohm" in doubt.key for doubt in doubts(config)) is doubtful


@pytest.mark.parametrize("degC", [84.0, 85.0, 86.0, 200.0])
def test_bounds_without_a_span_are_no_division_by_zero(degC: float) -> None:
    bounds = HeatBounds(module_derate_degC=85.0, module_stop_degC=85.0)
    assert bounds.share(degC, None) == (1.0 if degC < 85.0 else 0.0)


def test_at_the_stop_nothing_flows_whatever_the_derating() -> None:
    bounds = HeatBounds(module_derate_degC=95.0, module_stop_degC=85.0)
    assert [bounds.share(degC, None) for degC in (84.0, 85.0, 96.0)] == [1.0, 0.0, 0.0]
