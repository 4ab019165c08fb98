"""Which temperature sensors are believed, and how much current may flow without one."""

from __future__ import annotations

import pytest

from chargepoint.safety.temperature import AC_CONTACTS, SHARE_WITHOUT_ONE, Heat, judge


def test_with_both_contacts_the_hottest_sensor_counts_and_everything_may_flow() -> None:
    assert judge((40.0, 45.0, 50.0, None), required=True) == Heat(50.0)


@pytest.mark.parametrize("lost", [None, -40.1, -200.0, float("nan")])
def test_one_lost_contact_halves_the_current_and_is_named(lost: float | None) -> None:
    heat = judge((lost, 45.0, 30.0), required=True)
    assert (heat.hottest_degC, heat.share, heat.lost) == (45.0, SHARE_WITHOUT_ONE, "")
    assert heat.doubt.startswith("temperature sensors lost: DC+ contact")


@pytest.mark.parametrize("temperatures", [(), (None, None, 30.0), (-200.0, None), (-200.0, -200.0, -200.0)])
def test_without_both_contacts_nothing_may_flow(temperatures: tuple[float | None, ...]) -> None:
    heat = judge(temperatures, required=True)
    assert heat.share == 0.0
    assert "DC+ contact" in heat.lost and "DC- contact" in heat.lost


def test_a_sensor_that_reads_far_too_hot_is_never_lost() -> None:
    assert judge((850.0, 30.0), required=True) == Heat(850.0)


def test_a_charger_without_sensors_says_so_and_an_implausible_one_is_named_all_the_same() -> None:
    assert judge((None, None, None), required=False) == Heat()
    heat = judge((-200.0, None), required=False)
    assert (heat.share, heat.lost) == (1.0, "")
    assert heat.doubt


def test_at_an_ac_outlet_no_contact_is_one_of_direct_current() -> None:
    words = judge((None, 25.0), required=True, names=AC_CONTACTS).doubt
    assert "first contact absent" in words and "DC" not in words
