"""What the devices say in one cycle, in words where they cannot be relied on."""

from dataclasses import replace

import pytest

from chargepoint.ports import InsulationState
from chargepoint.power.device_readings import NOTHING_READ


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (None, "no answer or no new measurement for 2 s"),
        (InsulationState(None, False, None, True), "reports a device error"),
        (InsulationState(1e6, False, False, True), "failed its self-test"),
        (InsulationState(1e6, True, True, True), ""),
        (InsulationState(None, True, None, False), ""),
    ],
)
def test_why_the_insulation_monitor_is_not_to_be_relied_on(state: InsulationState | None, words: str) -> None:
    assert replace(NOTHING_READ, insulation=state).insulation_trouble == words
