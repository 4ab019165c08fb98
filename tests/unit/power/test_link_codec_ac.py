"""The power link carries what an AC outlet is, and the frequency of the grid."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.demand import Phase
from chargepoint.model.ids import EvseId
from chargepoint.model.image import AcSupply, Contactor, ControlPilot, EvseImage, Lock, Stage, StageCapabilities
from chargepoint.power.link_codec import LinkError, decode_up, encode_up

CAN = StageCapabilities(230.0, 230.0, 96.0, 48.0, 22e3, 11e3)
IMAGE = EvseImage(
    EvseId(1), 1, 1.0, 1, Phase.OFF, Stage.OFF, ControlPilot.B, 5.0, Contactor.OPEN, Lock.LOCKED,
    0.0, 0.0, 0.0, 0.0, "", None, None, 30.0, CAN, frozenset(), True,
)  # fmt: skip

supplies = st.builds(
    AcSupply, st.floats(1.0, 500.0), st.floats(40.0, 70.0), st.sampled_from([1, 3]), st.floats(0.0, 500.0)
)


@given(st.none() | supplies, st.none() | st.floats(40.0, 70.0))
def test_supply_and_frequency_come_through(supply: AcSupply | None, frequency_Hz: float | None) -> None:
    image = replace(IMAGE, capabilities=replace(CAN, ac=supply), frequency_Hz=frequency_Hz)
    assert decode_up(encode_up(image)) == image


def test_without_capabilities_there_is_no_supply() -> None:
    image = replace(IMAGE, capabilities=None, frequency_Hz=50.0)
    assert decode_up(encode_up(image)) == image


@pytest.mark.parametrize(
    "bad",
    [
        {"phases": 2},
        {"phases": 2.5},
        {"nominal_voltage_V": 0.0},
        {"current_max_A": float("nan")},
        {"nominal_frequency_Hz": -50.0},
    ],
    ids=str,
)
def test_an_impossible_supply_is_refused(bad: dict[str, float]) -> None:
    supply = AcSupply(230.0, 50.0, 3, 32.0)
    for name, value in bad.items():
        object.__setattr__(supply, name, value)  # as a sender of another build would
    with pytest.raises(LinkError):
        decode_up(encode_up(replace(IMAGE, capabilities=replace(CAN, ac=supply))))


def test_two_supplies_narrow_to_what_both_offer() -> None:
    wide = replace(CAN, ac=AcSupply(230.0, 50.0, 3, 32.0))
    narrow = replace(CAN, ac=AcSupply(230.0, 50.0, 1, 16.0))
    assert wide.within(narrow).ac == AcSupply(230.0, 50.0, 1, 16.0)
    assert wide.within(CAN).ac == wide.ac
    assert CAN.within(wide).ac is None
    assert AcSupply(230.0, 50.0, 3, 32.0).power_max_W == 3 * 230.0 * 32.0
