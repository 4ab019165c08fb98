"""A self-test of the insulation monitor that is shorter than the period of its status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.insulation.bender import SELF_TEST_BEGINS_S, BenderMonitor
from drivers.profile.load import shipped
from hil.plant.insulation import SHORTEST_SELF_TEST_S, InsulationPlant
from hil.simulators.registers.bender_isoev425 import BenderIsoEv425

if TYPE_CHECKING:
    from tests.unit.drivers.conftest import ScriptedBus


class Monitor:
    """Driver and simulated device on one bus."""

    def __init__(self, scripted_bus: type[ScriptedBus], self_test_s: float) -> None:
        self.plant = InsulationPlant(self_test_s=self_test_s)
        self.bus = scripted_bus([BenderIsoEv425(3, self.plant)], lambda dt_s: self.plant.step(1e6, 400.0, dt_s))
        self.driver = BenderMonitor("imd", shipped("bender_isoev425"), {}, 3, self.bus.master)

    def passed(self) -> bool | None:
        assert self.driver.state is not None
        return self.driver.state.value.self_test_passed

    def seconds_until_decided(self) -> float:
        began_s = self.bus.now_s
        assert self.bus.run([self.driver], 2 * SELF_TEST_BEGINS_S, lambda: self.passed() is not None)
        return self.bus.now_s - began_s


def test_a_self_test_shorter_than_the_status_period_is_seen_and_passes(scripted_bus: type[ScriptedBus]) -> None:
    monitor = Monitor(scripted_bus, SHORTEST_SELF_TEST_S)
    for _ in range(20):  # whatever the moment within the status period of 0.2 s
        monitor.bus.run([monitor.driver], 0.41)
        monitor.driver.start_self_test()
        assert monitor.seconds_until_decided() <= SHORTEST_SELF_TEST_S + 0.08
        assert monitor.passed() is True


def test_a_self_test_that_nobody_could_see_proves_nothing(scripted_bus: type[ScriptedBus]) -> None:
    monitor = Monitor(scripted_bus, 0.0)
    monitor.bus.run([monitor.driver], 1.0)
    monitor.driver.start_self_test()
    assert monitor.seconds_until_decided() > SELF_TEST_BEGINS_S
    assert monitor.passed() is False


def test_the_order_to_measure_does_not_hold_up_the_self_test(scripted_bus: type[ScriptedBus]) -> None:
    monitor = Monitor(scripted_bus, SHORTEST_SELF_TEST_S)
    monitor.bus.run([monitor.driver], 1.0)
    monitor.driver.enable(False)
    monitor.bus.run([monitor.driver], 1.0)
    monitor.driver.enable(True)
    monitor.bus.run([monitor.driver], 0.05)
    monitor.driver.start_self_test()
    assert monitor.seconds_until_decided() <= SHORTEST_SELF_TEST_S + 0.08
    assert monitor.passed() is True


def test_after_the_self_test_the_status_is_read_at_its_period_again(scripted_bus: type[ScriptedBus]) -> None:
    monitor = Monitor(scripted_bus, SHORTEST_SELF_TEST_S)
    monitor.bus.run([monitor.driver], 1.0)
    monitor.driver.start_self_test()
    monitor.seconds_until_decided()
    sent = len(monitor.bus.sent)
    monitor.bus.run([monitor.driver], 2.0)
    assert len(monitor.bus.sent) - sent <= 26, "two blocks each 0.2 s and one each 0.5 s"
