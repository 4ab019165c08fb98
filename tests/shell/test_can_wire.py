"""Driver and simulated modules over a real socket: what the bus loses, and what the driver makes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from chargepoint.ports import BusSpec, PowerModuleCommand
from drivers.can.bus import CanBus
from drivers.power_module.can_module import CanModule
from drivers.power_module.infypower import InfypowerBeg1k075g
from hil.plant.module import ModulePlant
from hil.plant.station import Plant
from hil.simulators.can_modules import InfypowerModel
from hil.simulators.can_wire import CanWire


class Bench:
    def __init__(self, folder: Path) -> None:
        self.model = InfypowerModel(3, ModulePlant())
        self.wire = CanWire("can", folder / "can.sock", [self.model], Plant(), time.monotonic)
        self.bus = CanBus(BusSpec("can", "can", str(folder / "can.sock")))
        self.driver = CanModule("m1", InfypowerBeg1k075g(3), self.bus)

    async def until(self, condition: Callable[[], bool], patience_s: float = 20.0) -> None:
        end_s = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < end_s
            now_s = time.monotonic()
            self.driver.poll(now_s)
            self.bus.pump(now_s)
            await asyncio.sleep(0.002)

    @property
    def age_s(self) -> float:
        return 1e9 if self.driver.state is None else time.monotonic() - self.driver.state.taken_at_s

    @property
    def output_on(self) -> bool:
        return self.driver.state is not None and self.driver.state.value.output_on


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    await bench.wire.start()
    await bench.until(lambda: bench.driver.capabilities is not None and bench.age_s < 0.5)
    yield bench
    bench.bus.close()
    await bench.wire.stop()


async def test_on_and_off_over_the_socket(bench: Bench) -> None:
    bench.driver.command(PowerModuleCommand(True, 10.0, 450.0, 300.0))
    await bench.until(lambda: bench.output_on)
    assert (bench.model.current_A, bench.model.voltage_V) == (10.0, 450.0)
    bench.driver.command(PowerModuleCommand())
    await bench.until(lambda: not bench.output_on)
    assert bench.wire.requests > 10 and len(bench.wire.writes) > 3
    assert bench.bus.health().ok > 10


async def test_an_adapter_that_is_pulled_comes_back_and_nothing_switches_on_again(bench: Bench) -> None:
    bench.driver.command(PowerModuleCommand(True, 10.0, 450.0, 300.0))
    await bench.until(lambda: bench.output_on)
    bench.wire.fault("unplugged", 1, None)
    await bench.until(lambda: not bench.bus.health().connected and bench.age_s > 0.5)
    assert not bench.wire.plugged
    bench.model.on = False
    bench.model.orders.clear()
    bench.wire.fault("unplugged", 0, None)
    await bench.until(lambda: bench.bus.health().connected and bench.age_s < 0.3)
    assert bench.driver.state is not None
    await bench.until(lambda: bench.driver.state is not None and bench.driver.state.value.faults != ())
    assert bench.driver.state.value.faults == ("switched off by itself",)
    assert ("output", 1.0) not in bench.model.orders


async def test_bus_off_is_reported_and_over_when_frames_come_again(bench: Bench) -> None:
    troubles: set[str] = set()

    def seen() -> bool:
        troubles.add(bench.bus.health().trouble)
        return any("bus off" in trouble for trouble in troubles)

    bench.wire.fault("silence", 10_000, None)
    bench.wire.fault("bus_off", 1, None)
    await bench.until(seen)
    bench.wire.fault("silence", 0, None)
    assert bench.wire.pending_faults == {}
    await bench.until(lambda: bench.bus.health().trouble == "")


async def test_faults_of_one_module_go_to_its_model(bench: Bench) -> None:
    bench.wire.fault("rejects_writes", 1, 3.0)
    bench.driver.command(PowerModuleCommand(True, 10.0, 450.0, 300.0))
    await bench.until(lambda: bench.driver.state is not None and bench.driver.state.value.faults != ())
    assert bench.driver.state is not None
    assert any(fault.startswith("rejects ") for fault in bench.driver.state.value.faults)
    assert not bench.output_on
    bench.wire.fault("rejects_writes", 0, 3.0)
    assert bench.model.faults == set()
