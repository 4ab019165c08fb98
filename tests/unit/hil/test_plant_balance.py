"""The energy balance holds whatever happens to a connector: random sequences of plug, orders, faults and time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.plant.evse import EvsePlant
from hil.plant.faults import FAULTS, inject
from hil.plant.module import ModulePlant
from hil.plant.pilot import Generator
from hil.plant.station import STEP_S, Plant

Act = Callable[[EvsePlant], None]

WITH_OWN_VALUES = ("board_map", "temperature_sensor")
"""Values of their own kind, which are no part of the circuit."""


def order(voltage_V: float, source_A: float, sink_A: float, on: bool) -> Act:
    def act(evse: EvsePlant) -> None:
        for module in evse.modules.values():
            module.set_remote(True)
            module.voltage_set_V, module.source_current_A, module.sink_current_A = voltage_V, source_A, sink_A
            module.set_output(on)

    return act


def request(bits: int) -> Act:
    def act(evse: EvsePlant) -> None:
        evse.board.request = bits

    return act


def plug(plugged: bool, contactors: bool) -> Act:
    def act(evse: EvsePlant) -> None:
        if plugged and not evse.car.plugged:
            evse.plug()
        if not plugged:
            evse.unplug()
        evse.car.contactors_wanted = contactors

    return act


def fault(name: str, on: bool) -> Act:
    return lambda evse: inject(evse, name, on)


def supply(voltage_V: float) -> Act:
    def act(evse: EvsePlant) -> None:
        evse.grid.voltage_V = voltage_V

    return act


acts: st.SearchStrategy[Act] = st.one_of(
    st.builds(order, st.floats(0, 950), st.floats(0, 40), st.floats(0, 40), st.booleans()),
    st.builds(request, st.integers(0, 15)),
    st.builds(plug, st.booleans(), st.booleans()),
    st.builds(fault, st.sampled_from(sorted(set(FAULTS) - set(WITH_OWN_VALUES))), st.booleans()),
    st.builds(supply, st.sampled_from([0.0, 100.0, 230.0])),
)


@given(
    sequence=st.lists(st.tuples(acts, st.floats(0.0, 0.2)), min_size=1, max_size=20),
    battery_V=st.floats(250, 800),
    resistance_ohm=st.floats(0.02, 0.5),
)
def test_no_step_makes_or_loses_energy(
    sequence: list[tuple[Act, float]], battery_V: float, resistance_ohm: float
) -> None:
    evse = EvsePlant(1, {name: ModulePlant(source_power_W=3e4, sink_power_W=3e4) for name in ("one", "two")})
    plant = Plant(evses={1: evse})
    plant.join()
    plant.advance_to(0.0)
    evse.car.battery.set_open_circuit_V(battery_V)
    evse.car.battery.resistance_ohm = resistance_ohm
    evse.board.generator = Generator.PWM
    now_s = joined_J = 0.0
    for act, for_s in sequence:
        act(evse)
        for _ in range(round(for_s / STEP_S)):
            now_s += STEP_S
            plant.advance_to(now_s + 1e-9)
            joined_J += evse.circuit.inlet_V * evse.circuit.battery_A * STEP_S
    assert evse.energy.violations == 0, evse.energy.worst_W
    assert (evse.import_Wh - evse.export_Wh) * 3600.0 == pytest.approx(joined_J, rel=1e-6, abs=1e-3)
    assert evse.cable.loss_W >= 0.0
