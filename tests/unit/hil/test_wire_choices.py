"""What a bench may replace: whole EVSEs, single wires, a module's registers; nothing in between."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chargepoint.config.schema import Config
from hil.attach.cable import CarCable
from hil.bench.site import Choices, write
from hil.simulators.wire_choices import WireChoices
from hil.simulators.wired_plant import WiredPlant, build, read_config


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return read_config(write(Choices(tmp_path, cables=(CarCable("lo", "lo"), CarCable("lo", "lo"))), 1))


def built(config: Config, choices: WireChoices) -> WiredPlant:
    async def make() -> WiredPlant:
        return build(config, lambda: 0.0, choices=choices)

    return asyncio.run(make())


def test_a_real_evse_has_no_plant_and_no_wires(config: Config) -> None:
    wired = built(config, WireChoices(outside=frozenset({"fast2", "slow2", "reader2"})))
    assert sorted(wired.plant.evses) == [1]
    assert sorted([*wired.wires, *(str(reader.port.name) for reader in wired.readers.values())]) == [
        "fast1",
        "reader1",
        "slow1",
    ]


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        (WireChoices(outside=frozenset({"fast9"})), "[bus.fast9] is not in the controller's configuration"),
        (WireChoices(devices={"fast9": "/dev/x"}), "[bus.fast9] is not"),
        (WireChoices(processes=frozenset({"psu9"})), "[power_module.psu9] is not"),
        (WireChoices(processes=frozenset({"psu1"})), "needs a bus of its own: io1 is on fast1"),
        (WireChoices(outside=frozenset({"fast2"})), "[evse.2] is a real one, and its meter meter2 is on bus slow2"),
    ],
)
def test_half_a_real_evse_is_refused(config: Config, choices: WireChoices, expected: str) -> None:
    with pytest.raises(ValueError) as caught:
        built(config, choices)
    assert expected in str(caught.value)


def test_a_real_meter_beside_simulated_devices_is_possible(config: Config) -> None:
    wired = built(config, WireChoices(outside=frozenset({"slow2"})))
    assert sorted(wired.plant.evses) == [1, 2]
    assert "slow2" not in wired.wires
