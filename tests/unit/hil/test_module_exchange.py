"""A module of the plant and the process that serves its registers."""

from __future__ import annotations

from typing import Any

import pytest

from hil.plant.module import ModulePlant
from hil.simulators.module_exchange import mirror, orders_of, shown, take_orders
from hil.simulators.requests import RequestRefused


def test_orders_reach_the_plant_and_what_it_shows_comes_back() -> None:
    plant, process = ModulePlant(), ModulePlant()
    process.set_remote(True)
    process.set_output(True)
    process.voltage_set_V, process.source_current_A = 400.0, 12.5
    take_orders(plant, orders_of(process))
    assert orders_of(plant) == orders_of(process)
    plant.terminal_V, plant.current_A = 398.0, 11.0
    plant.raise_alarm()
    mirror(process, shown(plant), keep_orders=False)
    assert (process.terminal_V, process.current_A, process.alarm, process.output_on) == (398.0, 11.0, True, False)


def test_what_was_written_meanwhile_is_kept() -> None:
    plant, process = ModulePlant(), ModulePlant()
    process.voltage_set_V = 500.0
    mirror(process, shown(plant), keep_orders=True)
    assert process.voltage_set_V == 500.0


def test_a_module_without_supply_takes_no_order() -> None:
    plant = ModulePlant()
    plant.restart(1.0)
    take_orders(plant, {"remote": True, "voltage_set_V": 400.0})
    assert (plant.remote, plant.voltage_set_V) == (False, 0.0)


@pytest.mark.parametrize(
    "orders",
    [5, {"current_A": 3.0}, {"remote": 1}, {"voltage_set_V": -1.0}, {"voltage_set_V": True}, {"output_on": "x"}],
)
def test_a_strange_order_changes_nothing(orders: Any) -> None:
    plant = ModulePlant()
    with pytest.raises(RequestRefused):
        take_orders(plant, orders)
    assert plant == ModulePlant()
