"""CAN buses and modules from the configuration: what is built, and what is refused with which words."""

from __future__ import annotations

import pytest

from chargepoint.model.unusable import UnusableDevice
from chargepoint.ports import BusSpec, DeviceSpec
from drivers.can.bus import CanBus
from drivers.catalog import build_device, open_bus
from drivers.power_module.can_family import FAMILIES
from drivers.power_module.can_module import CanModule

BUS = open_bus(BusSpec("c", "can", "can0"))


def spec(driver: str, unit: int = 1, **params: float | int | str | bool) -> DeviceSpec:
    return DeviceSpec("m1", "power_module", driver, "c", unit, None, params)


@pytest.mark.parametrize("driver", sorted(FAMILIES))
def test_each_family_is_a_driver(driver: str) -> None:
    assert isinstance(BUS, CanBus)
    assert isinstance(build_device(spec(driver, ramp_A_per_s=50.0), BUS), CanModule)


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(UnusableDevice) as refused:
        build_device(spec("infypower_beg1k075g", 99, ramp_A_per_s="fast", read_back=1, gain=2), BUS)
    mistakes = {".".join(str(part) for part in mistake.key): mistake.problem for mistake in refused.value.mistakes}
    assert mistakes == {
        "unit": "= 99: at most 62",
        "params.ramp_A_per_s": "= 'fast': a number from 1 to 10000",
        "params.read_back": "= 1: true or false",
        "params.gain": "this driver knows no such parameter",
    }


def test_a_can_module_needs_a_can_bus() -> None:
    with pytest.raises(UnusableDevice) as refused:
        build_device(spec("winline"), open_bus(BusSpec("s", "serial", "/dev/ttyS9")))
    assert [mistake.problem for mistake in refused.value.mistakes] == ["= 's': not a CAN bus"]
