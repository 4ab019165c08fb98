"""Two DC EVSEs in one process, whose meters and monitors share a wire: a cause at one leaves current and contactor of the other alone."""

from __future__ import annotations

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Stage
from chargepoint.safety.interlocks.row import Interlock, Outlet
from chargepoint.safety.interlocks.table import table_of
from tests.joined.fault_matrix import INJECTIONS, MatrixLoop, Moment
from tests.unit.power.conftest import STEP_S, MemoryWire

SHARED = {FaultCode.PROCESS_STALLED, FaultCode.CYCLE_OVERRUN, FaultCode.LATCH_RECORD}
"""Causes of the whole process: each EVSE reacts to them by itself."""

REACTS_S = 3.0


class Neighbours:
    """Both transfer: EVSE 1 charges, EVSE 2 charges."""

    def __init__(self) -> None:
        self.slow = MemoryWire("slow", 38400, [])
        self.loops = [MatrixLoop(number=number, slow=self.slow) for number in (1, 2)]
        self.one, self.two = self.loops
        for loop in self.loops:
            loop.order(Phase.OFF)
            loop.plant.plug()
            loop.plant.car.battery.set_open_circuit_V(400.0)
        self.run(1.0)
        for loop in self.loops:
            loop.plant.car.pilot = "C"
        for phase, stage in ((Phase.CABLE_CHECK, Stage.CABLE_CHECKED), (Phase.PRE_CHARGE, Stage.PRE_CHARGED)):
            for loop in self.loops:
                loop.order(phase)
            self.until_both(stage)
        for loop in self.loops:
            loop.plant.car.contactors_wanted = True
        self.run(0.05)
        for loop in self.loops:
            loop.order(Phase.TRANSFER, power_W=11_000.0, voltage_target_V=0.0)
        self.until_both(Stage.TRANSFER)
        self.run(1.5)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            for loop in self.loops:
                loop.step_plant()
            self._pump()
            stepped = [loop.step_stage() for loop in self.loops]
            if any(stepped):
                self._pump()
            for loop in self.loops:
                loop.watch()

    def _pump(self) -> None:
        for wire in (self.one.fast, self.two.fast, self.slow):
            wire.pump(self.one.now_s)

    def until_both(self, stage: Stage, within_s: float = 15.0) -> None:
        for _ in range(round(within_s / 0.02)):
            self.run(0.02)
            if self.one.at(stage) and self.two.at(stage):
                return
        raise AssertionError(f"not both in {stage.name} within {within_s} s: {self.one.image} {self.two.image}")


@pytest.mark.slow
@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=f"{row.code.name}: {row.cause}")
        for row in table_of(Outlet.DC)
        if row.code not in SHARED and (row.code, row.cause) in INJECTIONS
    ],
)
def test_the_neighbour_goes_on(row: Interlock) -> None:
    pair, injection = Neighbours(), INJECTIONS[row.code, row.cause]
    before_A = pair.two.current_A
    pair.one.inject(injection)
    pair.two.events.clear()
    pair.two.contacts_open_s = pair.two.ordered_open_s = None
    for _ in range(round((row.delay_s + injection.within_s + REACTS_S) / 0.1)):
        pair.run(0.1)
        assert pair.two.current_A == pytest.approx(before_A, abs=1.0)
    if Moment.CHARGE in injection.trips:
        assert row.code in pair.one.trips
    assert (pair.two.contacts_open_s, pair.two.ordered_open_s) == (None, None)
    assert pair.two.trips == {} and pair.two.at(Stage.TRANSFER)
