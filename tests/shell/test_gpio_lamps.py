"""Lamps on GPIO lines over a chip that is made up, and what a wrong configuration of them is answered."""

from __future__ import annotations

import pytest

from chargepoint.config.schema import Config
from chargepoint.model.indicator import Lamp
from chargepoint.model.unusable import UnusableDevice
from chargepoint.ports import BusSpec, DeviceSpec
from chargepoint.power.wiring import devices_of, examine
from drivers.catalog import build_device
from drivers.gpio.bus import REREAD_S, GpioBus
from drivers.gpio.lamps import GpioLamps
from tests.shell.test_gpio_bus import Chip

Params = dict[str, float | int | str | bool]


def built(params: Params, chip: Chip) -> tuple[GpioLamps, GpioBus]:
    bus = GpioBus(BusSpec("chip", "gpio", "/dev/gpiochip0"), lambda: 10.0, chip.open)
    lamps = build_device(DeviceSpec("lamps1", "indicator", "gpio", "chip", 1, None, params), bus)
    assert isinstance(lamps, GpioLamps)
    return lamps, bus


def test_the_lamps_that_are_wanted_are_lit_and_no_others() -> None:
    chip = Chip()
    lamps, bus = built({"green": 5, "red": "13 low"}, chip)
    bus.pump(10.0)
    bus.pump(10.0 + 2 * REREAD_S)
    assert not chip.values[5] and not chip.values[13]
    lamps.show(frozenset({Lamp.GREEN, Lamp.BLUE}))
    assert chip.values[5] and not chip.values[13]
    assert [(point.name, point.value) for point in lamps.points()] == [("line_5.green", 1.0), ("line_13.red", 0.0)]
    lamps.show(frozenset({Lamp.RED}))
    assert not chip.values[5] and chip.values[13]
    bus.close()
    assert not chip.values[13]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "names no line"),
        ({"yellow": 5}, "known are green, blue, red"),
        ({"green": "x"}, "a line number"),
        ({"green": 5, "red": 5}, "used twice"),
    ],
)
def test_a_wrong_configuration_is_refused(params: Params, words: str) -> None:
    with pytest.raises(UnusableDevice, match=words):
        built(params, Chip())


def test_the_lamps_are_devices_of_their_evse_and_their_bus_must_be_a_chip() -> None:
    config = Config.model_validate(
        {
            "bus": {"fast": {"port": "/dev/ttyS1"}},
            "indicator": {"lamps1": {"driver": "gpio", "bus": "fast", "params": {"green": 5}}},
            "evse": {1: {"outlet": "ac", "indicator": "lamps1"}},
        }
    )
    assert ("indicator", "lamps1") in devices_of(config, config.evse[1])
    assert any("not a GPIO chip" in mistake.problem for mistake in examine(config))
