"""The electrical envelope: IEC 61851-23 Table 103, the cable-check voltage, derating by temperature."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.safety.envelope import cable_check_voltage_V, emergency_over_voltage_V, temperature_factor


@pytest.mark.parametrize(
    ("negotiated_V", "trip_V"),
    [
        (200, 550),
        (500, 550),
        (500.1, 825),
        (750, 825),
        (750.1, 935),
        (850, 935),
        (850.1, 1100),
        (1000, 1100),
        (1000.1, 1375),
        (1250, 1375),
    ],
)
def test_table_103(negotiated_V: float, trip_V: float) -> None:
    assert emergency_over_voltage_V(negotiated_V) == trip_V


@given(st.floats(1, 1249), st.floats(0, 1))
def test_the_emergency_bound_never_falls_when_the_voltage_rises(low_V: float, more_V: float) -> None:
    assert low_V < emergency_over_voltage_V(low_V) <= emergency_over_voltage_V(low_V + more_V)


@pytest.mark.parametrize(
    ("car_V", "evse_V", "test_V"),
    [
        (400, 1000, 450),
        (450, 1000, 500),
        (470, 1000, 500),
        (500, 1000, 500),
        (480, 475, 475),
        (501, 1000, 551.1),
        (800, 1000, 880),
        (900, 1000, 990),
        (950, 1000, 1000),
        (800, 850, 850),
    ],
)
def test_cable_check_voltage_cc1(car_V: float, evse_V: float, test_V: float) -> None:
    assert cable_check_voltage_V(car_V, evse_V) == pytest.approx(test_V)


@given(st.floats(60, 1250), st.floats(200, 1250))
def test_cable_check_never_goes_beyond_the_evse_and_stays_clear_of_its_emergency_bound(
    car_V: float, evse_V: float
) -> None:
    test_V = cable_check_voltage_V(car_V, evse_V)
    assert 0 < test_V <= evse_V
    assert test_V <= 0.999 * emergency_over_voltage_V(evse_V)


@pytest.mark.parametrize(
    ("degC", "factor"), [(None, 1.0), (-20, 1.0), (80, 1.0), (85, 0.5), (89, 0.1), (90, 0.0), (200, 0.0)]
)
def test_derating_from_80_to_90_degrees(degC: float | None, factor: float) -> None:
    assert temperature_factor(degC) == pytest.approx(factor)


@given(st.floats(-50, 200), st.floats(0, 50))
def test_hotter_is_never_more(degC: float, more: float) -> None:
    assert 0.0 <= temperature_factor(degC + more) <= temperature_factor(degC) <= 1.0
