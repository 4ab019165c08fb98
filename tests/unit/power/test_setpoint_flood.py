"""Set-points without end: the pilot/IO board on the same wire is heard all the same, and its emergency is not late."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage
from drivers.modbus.queue import ORDERS_IN_A_ROW, Queued, RequestQueue
from drivers.modbus.transaction import Priority, Read, WriteRegister
from hil.plant.faults import inject
from tests.unit.power.conftest import PlantLoop

BOARD_MAX_S = 0.1
"""A quarter of a second is the end of the board's reading; four rounds in that time is the least that is wanted."""


def flood(loop: PlantLoop, period_s: float) -> list[float]:
    """A demand for another power and direction each `period_s`, acted on at once; the board's age is noted each millisecond."""
    chance = random.Random(1)
    next_s = loop.now_s
    ages_s: list[float] = []

    def each_step() -> None:
        nonlocal next_s
        port = loop.stage._io._wiring.pilot.ports.pilot
        assert port is not None and port.state is not None
        ages_s.append(loop.now_s - port.state.taken_at_s)
        if loop.now_s < next_s:
            return
        next_s += period_s
        loop.order(Phase.TRANSFER, power_W=chance.uniform(-16_000.0, 16_000.0), voltage_target_V=0.0)
        assert loop.demand is not None
        loop.seq += 1
        loop.stage.take_demand(replace(loop.demand, seq=loop.seq), loop.now_s)
        loop.image = loop.stage.cycle(loop.now_s)
        loop.stage.poll(loop.now_s)
        loop.events += loop.stage.events()

    loop.watch = each_step
    return ages_s


@pytest.mark.parametrize("period_s", [0.003, 0.010])
def test_the_board_is_heard_while_set_points_flood_its_wire(plant_loop: PlantLoop, period_s: float) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    ages_s = flood(loop, period_s)
    loop.run(2.0)
    assert loop.tripped() == {} and loop.at(Stage.TRANSFER)
    assert max(ages_s) <= BOARD_MAX_S


def test_an_emergency_stop_is_obeyed_in_a_flood(plant_loop: PlantLoop) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    flood(loop, 0.003)
    loop.run(0.5)
    pressed_s = loop.now_s
    inject(loop.plant, "e_stop", True)
    loop.until(lambda: not loop.plant.board.request & 1)
    assert loop.now_s - pressed_s <= BOARD_MAX_S


def item(priority: Priority) -> Queued:
    request = Read(1, 4, 0, 1) if priority is Priority.FAST else WriteRegister(2, 1, 1)
    return Queued(request, lambda _: None, priority, None)


def test_a_read_has_its_turn_after_two_orders_and_a_stop_never_waits_for_it() -> None:
    queue = RequestQueue("fast", 32)
    for _ in range(8):
        queue.put(item(Priority.SETPOINT))
    queue.put(item(Priority.FAST))
    sent: list[Priority] = []
    for _ in range(ORDERS_IN_A_ROW):
        first = next(iter(queue))
        queue.remove(first)
        sent.append(first.priority)
    queue.put(item(Priority.STOP))
    while queue:
        first = next(iter(queue))
        queue.remove(first)
        sent.append(first.priority)
    before = [Priority.SETPOINT] * ORDERS_IN_A_ROW
    assert sent == [*before, Priority.STOP, Priority.FAST, *[Priority.SETPOINT] * (8 - ORDERS_IN_A_ROW)]
