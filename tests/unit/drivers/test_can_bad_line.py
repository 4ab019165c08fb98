"""A CAN module behind a line that loses and damages frames: it never does what was not ordered, and ends where it should."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.ports import PowerModuleCommand
from drivers.can.frame import CanFrame
from drivers.power_module.can_module import CanModule
from drivers.power_module.infypower import InfypowerBeg1k075g
from hil.plant.module import ModulePlant
from hil.simulators.can_modules import InfypowerModel
from tests.unit.drivers.can_line import MemoryLine

OFF = PowerModuleCommand()
BATTERY_V, BATTERY_OHM = 400.0, 0.1
AMPERES = st.sampled_from([0.0, 0.0, 2.0, 10.0, 25.0, -5.0, -25.0])


class DamagingModel(InfypowerModel):
    """Some answers lose bytes, come twice, or have a wrong item."""

    chance = random.Random(7)
    part = 0.0

    def receive(self, frame: bytes, now_s: float) -> list[bytes]:
        answers = super().receive(frame, now_s)
        if self.chance.random() >= self.part or not answers:
            return answers
        spoilt = bytearray(answers[0])
        match self.chance.randrange(4):
            case 0:
                return []
            case 1:
                return answers * 2
            case 2:
                spoilt[4] = self.chance.randrange(8)
            case _:
                spoilt[8 + self.chance.randrange(2)] ^= 1 << self.chance.randrange(8)
        return [bytes(spoilt)]


@given(st.integers(0, 2**32), st.floats(0.0, 0.5), st.lists(st.tuples(AMPERES, st.floats(0.02, 2.0)), max_size=6))
def test_on_a_bad_line_nothing_happens_that_was_not_ordered(
    seed: int, part: float, script: list[tuple[float, float]]
) -> None:
    chance = random.Random(seed)
    model = DamagingModel(3, ModulePlant())

    def flow(dt_s: float) -> None:
        plant = model.plant
        plant.current_A = plant.wanted((plant.voltage_set_V - BATTERY_V) / BATTERY_OHM, dt_s)
        plant.terminal_V = BATTERY_V + BATTERY_OHM * plant.current_A

    line = MemoryLine([model], flow)
    driver = CanModule("m1", InfypowerBeg1k075g(3), line)
    line.run([driver], 1.0)

    def lost(frame: CanFrame) -> bool:
        return chance.random() < part

    line.lost, DamagingModel.part = lost, part
    allowed = {(True, 0.0), (False, 0.0)}
    ordered_on = False
    for current_A, seconds in script:
        command = PowerModuleCommand(True, current_A, 450.0, 300.0) if current_A else OFF
        ordered_on = ordered_on or command.output_on
        allowed.add((current_A < 0, abs(current_A)))
        driver.command(command)
        for _ in range(round(seconds / 0.01)):
            line.run([driver], 0.01)
            assert not model.on or ordered_on
            assert not model.on or model.current_A in {amount for _, amount in allowed}
            assert not model.on or (model.inverter, model.current_A) in allowed or model.current_A == 0.0
    DamagingModel.part = 0.0
    line.lost = lambda frame: False
    driver.command(OFF)
    line.run([driver], 3.0)
    assert not model.on and model.current_A == 0.0
    driver.command(PowerModuleCommand(True, 7.0, 450.0, 300.0))
    line.run([driver], 3.0)
    assert driver.state is not None and driver.state.value.faults == ()
    assert model.plant.current_A == pytest.approx(7.0, abs=0.1)
