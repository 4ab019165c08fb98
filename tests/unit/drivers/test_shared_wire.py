"""Several devices on one wire in virtual time, as the demo's fast bus has them: one that dies costs the others next to nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from chargepoint.ports import IoCommand, PowerModuleCommand
from drivers.pilot.generic_io import GenericIoBoard
from drivers.power_module.array import PowerModuleArray
from drivers.power_module.profiled import ProfiledModule
from drivers.profile.load import shipped
from hil.plant.evse import EvsePlant
from hil.plant.module import ModulePlant
from hil.simulators.registers.ea_psb import EaPsb
from hil.simulators.registers.generic_io import GenericIo

if TYPE_CHECKING:
    from tests.unit.drivers.conftest import ScriptedBus


PARAMS = {
    "nominal_voltage_V": 1000.0,
    "nominal_current_A": 40.0,
    "nominal_power_W": 30_000.0,
    "full_scale_raw": 52428.0,
}
ORDERS = (16, 23)
"""Functions that carry the board's orders: alone, or together with a round's read."""
PILOT_MAX_AGE_S = 0.25
"""`chargepoint.power.evse_stage`: an older word of the board opens everything."""


class Shared:
    """Board and modules on one wire; the modules charge a car."""

    def __init__(self, scripted_bus: type[ScriptedBus], modules: int) -> None:
        self.evse = EvsePlant(1, {f"m{i}": ModulePlant() for i in range(modules)})
        self.plants = list(self.evse.modules.values())
        maps = [GenericIo(1, self.evse.board), *(EaPsb(11 + i, plant) for i, plant in enumerate(self.plants))]
        self.bus = scripted_bus(maps, self.step)
        profile = shipped("ea_psb_10000")
        drivers = [ProfiledModule(f"m{i}", profile, PARAMS, 11 + i, self.bus.master) for i in range(modules)]
        self.module = PowerModuleArray("array", drivers)
        self.board = GenericIoBoard("io", 1, self.bus.master)
        self.evse.plug()
        self.evse.car.contactors_wanted = True
        self.oldest_s = 0.0

    def step(self, dt_s: float) -> None:
        for _ in range(5):
            self.evse.step(dt_s / 5)

    def run(self, seconds: float, current_A: float = 20.0) -> None:
        """Orders change with each tick, as on a ramp."""
        for _ in range(round(seconds / 0.01)):
            current_A = max(0.0, current_A - 0.1)
            self.module.command(PowerModuleCommand(True, current_A, 450.0, 300.0))
            self.bus.run([self.board, self.module], 0.01)
            if self.board.state is not None:
                self.oldest_s = max(self.oldest_s, self.board.state.age_s(self.bus.now_s))

    def stop(self, seconds: float) -> None:
        self.module.command(PowerModuleCommand())
        for _ in range(round(seconds / 0.01)):
            self.bus.run([self.board, self.module], 0.01)
            assert self.board.state is not None
            self.oldest_s = max(self.oldest_s, self.board.state.age_s(self.bus.now_s))


@pytest.mark.parametrize("modules", [1, 2, 3])
@pytest.mark.parametrize("after_s", [1.0, 1.004, 1.013, 1.021])
def test_modules_that_fall_silent_leave_the_board_its_rate(
    scripted_bus: type[ScriptedBus], modules: int, after_s: float
) -> None:
    shared = Shared(scripted_bus, modules)
    shared.board.order(IoCommand(contactor=False, lock=True))
    shared.run(1.0)
    shared.bus.now_s += after_s - 1.0
    shared.oldest_s = 0.0
    for plant in shared.plants:
        plant.silent = True
    shared.run(2.5)
    shared.stop(10.0)
    assert shared.oldest_s < 0.6 * PILOT_MAX_AGE_S
    for plant in shared.plants:
        plant.silent = False
    shared.stop(8.0)
    assert not any(plant.output_on for plant in shared.plants)


def test_the_stop_of_the_board_goes_next_whatever_is_silent(scripted_bus: type[ScriptedBus]) -> None:
    shared = Shared(scripted_bus, 2)
    shared.run(1.0)
    for plant in shared.plants:
        plant.silent = True
    shared.run(1.0)
    shared.board.order(IoCommand(contactor=True, lock=True))
    shared.run(0.2)
    shared.board.order(IoCommand(lock=True))
    sent = len(shared.bus.sent)
    shared.run(0.2)
    assert shared.bus.sent[sent][1][0] == 1
    assert shared.bus.sent[sent][1][1] in ORDERS


def test_a_board_with_a_silent_module_is_still_kicked_in_time(scripted_bus: type[ScriptedBus]) -> None:
    """Its watchdog opens after half a second; it is kicked at least twice in that time."""
    shared = Shared(scripted_bus, 2)
    shared.run(1.0)
    for plant in shared.plants:
        plant.silent = True
    sent = len(shared.bus.sent)
    shared.run(5.0)
    kicks = [at_s for at_s, frame in shared.bus.sent[sent:] if frame[0] == 1 and frame[1] in ORDERS]
    assert max(b - a for a, b in pairwise(kicks)) < 0.26
    assert shared.evse.board.latched == 0
