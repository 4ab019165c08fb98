"""A full battery and an opened contactor both end without current at the highest voltage; what came first tells them apart."""

from __future__ import annotations

from chargepoint.model.limits import rated
from chargepoint.safety.charge_end import ChargeEnd
from chargepoint.safety.envelope import Envelope

ENVELOPE = Envelope(rated(920.0, 40.0))


def told(*steps: tuple[float | None, float | None, float], car_V: float = 450.0) -> list[bool]:
    """Voltage, current, asked current of each cycle."""
    end = ChargeEnd()
    return [end.step(ENVELOPE, car_V, *step) for step in steps]


def test_a_current_that_fades_at_the_limit_is_the_end_of_a_charge() -> None:
    assert told((430.0, 25.0, 25.0), (446.0, 25.0, 25.0), (450.0, 4.0, 25.0), (450.0, 0.2, 25.0)) == [
        False,
        True,
        True,
        True,
    ]


def test_a_current_that_is_gone_before_the_voltage_rises_is_not() -> None:
    assert told((400.0, 25.0, 25.0), (400.0, 0.0, 25.0), (430.0, 0.0, 25.0), (450.0, 0.0, 25.0)) == [False] * 4


def test_a_full_battery_takes_nothing_from_the_first_moment() -> None:
    assert told((449.0, 0.0, 0.0), (450.0, 0.1, 25.0)) == [True, True]


def test_below_the_limit_it_is_forgotten_and_the_unknown_says_nothing() -> None:
    full = (450.0, 5.0, 25.0)
    assert told(full, (439.0, 0.0, 25.0), (450.0, 0.0, 25.0)) == [True, False, False]
    assert told(full, (None, 0.0, 25.0), (450.0, None, 25.0)) == [True, False, False]


def test_without_the_cars_maximum_the_evses_own_counts() -> None:
    assert told((450.0, 25.0, 25.0), (915.0, 25.0, 25.0), car_V=0.0) == [False, True]
