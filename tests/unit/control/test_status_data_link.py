"""The data link is in the status, by the documented schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chargepoint.model.data_link import DataLinkChanged, DataLinkState
from chargepoint.model.ids import EvseId
from tests.unit.control.test_status import status_json

if TYPE_CHECKING:
    from tests.unit.control.conftest import Bench


def test_without_slac_there_is_none(bench: Bench) -> None:
    assert status_json(bench)["data_link"] is None


@pytest.mark.parametrize("state", list(DataLinkState))
def test_what_slac_reported_last_is_shown(bench: Bench, state: DataLinkState) -> None:
    bench.feed(DataLinkChanged(EvseId(1), state, "why", "02:00:00:00:00:01", 7.5, "Qualcomm MAC-QCA7000"))
    assert status_json(bench)["data_link"] == {
        "state": state.value,
        "detail": "why",
        "car_mac": "02:00:00:00:00:01",
        "attenuation_dB": 7.5,
        "modem": "Qualcomm MAC-QCA7000",
    }
