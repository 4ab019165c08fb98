"""The one type of limits: narrower in each pair, and what current it leaves at a voltage."""

from __future__ import annotations

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.limits import NOTHING, Interval, PowerLimits, rated

magnitudes = st.floats(0.0, 1e6)
limits = st.builds(PowerLimits, *[magnitudes] * 6, charge_power_min_W=magnitudes, discharge_power_min_W=magnitudes)


@given(limits, limits, limits)
def test_within_is_the_narrower_of_each_pair_in_any_order(a: PowerLimits, b: PowerLimits, c: PowerLimits) -> None:
    narrow = a.within(b, c)
    assert narrow == c.within(a).within(b) == narrow.within(a)
    for one in fields(PowerLimits):
        values = [getattr(limit, one.name) for limit in (a, b, c)]
        assert getattr(narrow, one.name) == (max(values) if "_min_" in one.name else min(values))


@given(limits, st.floats(1.0, 1500.0))
def test_the_current_keeps_both_the_current_and_the_power(one: PowerLimits, voltage_V: float) -> None:
    may = one.current_at(voltage_V)
    assert may.high <= one.charge_current_max_A
    assert may.high * voltage_V <= one.charge_power_max_W * (1 + 1e-9)
    assert -may.low <= one.discharge_current_max_A
    assert -may.low * voltage_V <= one.discharge_power_max_W * (1 + 1e-9)


def test_one_way_keeps_the_charge_and_nothing_else() -> None:
    one = PowerLimits(150.0, 920.0, 40.0, 30.0, 22_000.0, 11_000.0, discharge_power_min_W=500.0)
    assert one.one_way() == PowerLimits(150.0, 920.0, 40.0, 0.0, 22_000.0, 0.0)
    assert one.one_way().current_at(400.0) == Interval(0.0, 40.0)


def test_the_default_of_an_order_leaves_no_current() -> None:
    assert NOTHING.within(rated(1000.0, 100.0)).current_at(400.0) == Interval(0.0, 0.0)
