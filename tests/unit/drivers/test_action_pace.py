"""An action of a power module takes the time of its exchanges, not a polling period for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chargepoint.ports import PowerModuleCommand
from drivers.power_module.profiled import ProfiledModule
from drivers.profile.load import shipped
from hil.plant.module import ModulePlant
from hil.simulators.registers.ea_psb import EaPsb

if TYPE_CHECKING:
    from tests.unit.drivers.conftest import ScriptedBus

PARAMS = {
    "nominal_voltage_V": 1000.0,
    "nominal_current_A": 40.0,
    "nominal_power_W": 30_000.0,
    "full_scale_raw": 52428.0,
}
ON = PowerModuleCommand(output_on=True, current_A=2.0, voltage_max_V=450.0, voltage_min_V=0.0)


def seconds_until(bus: ScriptedBus, module: ProfiledModule, plant: ModulePlant, *, on: bool) -> float:
    """From the order until the module obeys: output switched, and while it is on the ordered current set."""
    began_s = bus.now_s
    module.command(ON if on else PowerModuleCommand())
    done = bus.run([module], 1.0, lambda: plant.output_on is on and (not on or plant.source_current_A > 0.0))
    assert done
    return bus.now_s - began_s


def test_a_start_and_a_stop_of_several_steps_take_few_polling_periods(scripted_bus: type[ScriptedBus]) -> None:
    plant = ModulePlant()
    bus = scripted_bus([EaPsb(11, plant)])
    module = ProfiledModule("m", shipped("ea_psb_10000"), PARAMS, 11, bus.master)
    bus.run([module], 0.5)
    seconds_until(bus, module, plant, on=True)  # the first start takes the module into remote mode
    assert seconds_until(bus, module, plant, on=False) <= 0.03
    bus.run([module], 0.5)
    assert seconds_until(bus, module, plant, on=True) <= 0.06, "six writes, an expectation, a set-point"


def test_a_write_that_fails_still_begins_the_action_anew(scripted_bus: type[ScriptedBus]) -> None:
    plant = ModulePlant()
    bus = scripted_bus([EaPsb(11, plant)])
    module = ProfiledModule("m", shipped("ea_psb_10000"), PARAMS, 11, bus.master)
    bus.run([module], 0.5)
    lost = [b"\x01\xf4"]  # the third write, of the voltage set-point, is lost once

    def spoil(request: bytes, reply: bytes | None) -> bytes | None:
        if lost and request[1] == 6 and request[2:4] == lost[0]:
            lost.clear()
            return None
        return reply

    bus.spoil = spoil
    assert seconds_until(bus, module, plant, on=True) > 0.25, "the action waits before it begins anew"
    assert not lost
    first = [frame[2:4] for _, frame in bus.sent if frame[1] == 6].count(b"\x01\xf5")
    assert first >= 2, "the first step is taken again"
