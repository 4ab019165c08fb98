"""How a power is spread over the phases of a car."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.iso15118.iso20.ac_phases import PhaseLimits, fields, phases_of, spread
from chargepoint.iso15118.rational import number
from chargepoint.model.image import AcSupply
from tests.unit.iso15118.iso20.ac_situation import choice

LIMITS = PhaseLimits((7_000.0, 3_000.0, 1_000.0), (1_400.0,) * 3, (2_000.0, 2_000.0, 0.0), (0.0,) * 3)
POWERS = st.floats(0, 20_000)
PHASE_POWERS = st.tuples(POWERS, POWERS, POWERS)


@pytest.mark.parametrize(
    ("power_W", "parts"),
    [
        (11_000.0, (7_000, 3_000, 1_000)),
        (20_000.0, (7_000, 3_000, 1_000)),
        (9_000.0, (5_000, 3_000, 1_000)),
        (6_000.0, (2_500, 2_500, 1_000)),
        (4_100.0, (4_100, 0, 0)),  # below the least power of three phases: one phase
        (0.0, (0, 0, 0)),
        (-3_000.0, (-1_500, -1_500, 0)),
        (-9_000.0, (-2_000, -2_000, 0)),
    ],
)
def test_as_evenly_as_the_car_allows(power_W: float, parts: tuple[float, float, float]) -> None:
    assert spread(power_W, LIMITS) == pytest.approx(parts)


@given(st.floats(-50_000, 50_000), PHASE_POWERS, PHASE_POWERS)
def test_no_phase_exceeds_its_limit_and_the_sum_never_exceeds_the_power(
    power_W: float, charge_W: tuple[float, float, float], discharge_W: tuple[float, float, float]
) -> None:
    most_W = charge_W if power_W >= 0 else discharge_W
    parts = spread(power_W, PhaseLimits(charge_W, (0.0,) * 3, discharge_W))
    assert all(abs(part) <= most + 1e-6 for part, most in zip(parts, most_W, strict=True))
    assert all(part * power_W >= 0 for part in parts)
    assert abs(sum(parts)) == pytest.approx(min(abs(power_W), sum(most_W)), abs=1e-6)


def test_a_field_is_a_sum_or_three_parts() -> None:
    assert {n: number(v) for n, v in fields("Power", 9_000.0, None).items()} == {"Power": 9_000}
    parts = {n: number(v) for n, v in fields("Power", 9_000.0, LIMITS).items()}
    assert parts == {"Power": 5_000, "Power_L2": 3_000, "Power_L3": 1_000}


@pytest.mark.parametrize(("chosen", "wired", "used"), [(3, 3, 3), (1, 3, 1), (3, 1, 1), (1, 1, 1)])
def test_the_phases_are_those_chosen_and_wired(chosen: int, wired: int, used: int) -> None:
    assert phases_of(choice(phases=chosen), AcSupply(230.0, 50.0, wired, 16.0)) == used
