"""Two EVSEs on a stack of three modules in virtual time: real stages, drivers and physics; the matrix and the wires in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chargepoint.model.demand import Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import EvseImage, Stage
from chargepoint.model.limits import Interval, rated
from chargepoint.model.readings import Reading
from chargepoint.power.dc_outlet import DcOutlet
from chargepoint.power.evse_io import IoWiring
from chargepoint.power.evse_stage import EvseHardware, EvseStage
from chargepoint.power.interlock_view import StageRatings
from chargepoint.power.stack import MATCH_V, Link
from chargepoint.power.stack_share import ModuleStack
from chargepoint.safety.envelope import Envelope
from drivers.insulation.bender import BenderMonitor
from drivers.meter.profiled import ProfiledMeter
from drivers.pilot.generic_io import GenericIoBoard
from drivers.power_module.array import PowerModuleArray
from drivers.power_module.profiled import ProfiledModule
from drivers.profile.codec import resolve_params
from drivers.profile.load import shipped
from hil.plant.board import Board
from hil.plant.evse import EvsePlant
from hil.plant.module import ModulePlant
from hil.plant.stack import StackPlant
from hil.simulators.registers.bender_isoev425 import BenderIsoEv425
from hil.simulators.registers.ea_psb import EaPsb
from hil.simulators.registers.generic_io import GenericIo
from hil.simulators.registers.sunspec_714 import SunSpec714
from tests.joined.orders import changed, dc_order
from tests.unit.power.conftest import STEP_S, TICK_S, MemoryWire

E1, E2 = EvseId(1), EvseId(2)
NAMES = ("a", "b", "c")


class PlantMatrix:
    """The matrix of the plant behind its port."""

    name = "matrix"
    identity_error = ""

    def __init__(self, plant: StackPlant) -> None:
        self._plant = plant
        self.links: frozenset[Link] = frozenset((name, evse) for name in NAMES for evse in (E1, E2))
        self.state: Reading[frozenset[Link]] | None = None

    def poll(self, now_s: float) -> None:
        """Read the mirror contacts."""
        self.state = Reading(frozenset((name, EvseId(evse)) for name, evse in self._plant.closed), now_s)

    def request(self, closed: frozenset[Link]) -> None:
        """Drive the coils."""
        self._plant.requested = frozenset(closed)


class Side:
    """One EVSE with its car."""

    def __init__(self, evse_id: EvseId) -> None:
        self.evse_id = evse_id
        self.plant = EvsePlant(evse_id)
        self.slow = MemoryWire(
            "slow", 38400, [SunSpec714(21, self.plant.meter, 40070), BenderIsoEv425(3, self.plant.insulation)]
        )
        self.io = MemoryWire("io", 115200, [GenericIo(1, self.plant.board)])
        meter = shipped("sunspec_714_dc")
        self.meter = ProfiledMeter("meter", meter, resolve_params(meter, {"base_address": 40070}), 21, self.slow.master)
        self.demand: StageDemand | None = None
        self.image: EvseImage | None = None
        self.events: list[Any] = []
        self.stage: EvseStage

    def build(self, module: Any) -> None:
        monitor = shipped("bender_isoev425")
        insulation = BenderMonitor("imd", monitor, resolve_params(monitor, {}), 3, self.slow.master)
        limits = rated(920.0, 120.0, voltage_min_V=150.0, charge_power_max_W=60e3, discharge_power_max_W=20e3)
        ratings = StageRatings(Envelope(limits), 200.0, 0.5)
        io = IoWiring.of_one(GenericIoBoard("io", 1, self.io.master))
        hardware = EvseHardware(io, DcOutlet(module, insulation, ratings), self.meter)
        self.stage = EvseStage(self.evse_id, hardware, ratings)

    def order(self, phase: Phase, **changes: Any) -> None:
        """What the daemon would: never more than what the modules of now can do."""
        demand = StageDemand(
            self.evse_id, 0, 0.5, phase, PilotCommand.PWM, 5.0, True, 0.0,
            Interval(-1e6, 1e6), order=dc_order(450.0, 400.0, 300.0, 120.0, 120.0),
        )  # fmt: skip
        self.demand = changed(demand, **changes)

    def at(self, stage: Stage) -> bool:
        return self.image is not None and self.image.stage is stage

    @property
    def current_A(self) -> float:
        return self.plant.circuit.output_A

    def tripped(self) -> dict[FaultCode, str]:
        return {event.code: event.detail for event in self.events if isinstance(event, InterlockTripped)}


class TwoSides:
    """`run` advances everything together."""

    def __init__(self) -> None:
        self.now_s = self._tick_at_s = 1000.0
        self.seq = 0
        self.sides = {E1: Side(E1), E2: Side(E2)}
        self.modules = {name: ModulePlant() for name in NAMES}
        self.plant = StackPlant(self.modules, {evse: side.plant for evse, side in self.sides.items()})
        self.matrix = PlantMatrix(self.plant)
        psu = shipped("ea_psb_10000")
        nominal = {"nominal_voltage_V": 1000.0, "nominal_current_A": 40.0, "nominal_power_W": 30000.0}
        wires = {name: MemoryWire(name, 115200, [EaPsb(11, module)]) for name, module in self.modules.items()}
        modules = [ProfiledModule(name, psu, resolve_params(psu, nominal), 11, wires[name].master) for name in NAMES]
        meters = {evse: side.meter for evse, side in self.sides.items()}
        self.stack = ModuleStack("s", modules, self.matrix, meters, PowerModuleArray)
        for evse, side in self.sides.items():
            side.build(self.stack.shares[evse])
        self.wires = [*wires.values(), *(wire for side in self.sides.values() for wire in (side.io, side.slow))]
        for wire in self.wires:
            wire.master.connected(self.now_s)

    def step(self) -> None:
        self.now_s += STEP_S
        self.plant.step(STEP_S)
        for side in self.sides.values():
            side.plant.step(STEP_S)
        for wire in self.wires:
            wire.pump(self.now_s)
        if self.now_s < self._tick_at_s:
            return
        self._tick_at_s += TICK_S
        self.seq += 1
        for side in self.sides.values():
            if side.demand is not None:
                side.stage.take_demand(replace(side.demand, seq=self.seq), self.now_s)
            side.image = side.stage.cycle(self.now_s)
            side.stage.poll(self.now_s)
            side.events += side.stage.events()
        self.stack.step(self.now_s, {evse: side.stage.wish(self.now_s) for evse, side in self.sides.items()})

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.step()

    def until(self, condition: Any, within_s: float = 25.0) -> None:
        for _ in range(round(within_s / STEP_S)):
            self.step()
            if condition():
                return
        shown = {evse: (side.image, side.tripped()) for evse, side in self.sides.items()}
        raise AssertionError(f"not within {within_s} s: {shown} {self.stack.orders}")

    def transfer(self, evse: EvseId, power_W: float) -> None:
        """From unplugged to the transfer."""
        side = self.sides[evse]
        side.order(Phase.OFF)
        side.plant.plug()
        side.plant.car.battery.set_open_circuit_V(400.0)
        self.until(lambda: side.image is not None and side.image.pilot.plugged and side.image.permitted)
        side.plant.car.pilot = "C"
        self.until(lambda: side.image is not None and side.image.pilot.ready)
        side.order(Phase.CABLE_CHECK)
        self.until(lambda: side.at(Stage.CABLE_CHECKED))
        side.order(Phase.PRE_CHARGE)
        self.until(lambda: side.at(Stage.PRE_CHARGED))
        side.plant.car.contactors_wanted = True
        self.run(0.05)
        side.order(Phase.TRANSFER, power_W=power_W, voltage_target_V=0.0)
        self.until(lambda: side.at(Stage.TRANSFER))
        self.run(3.0)

    @property
    def shared(self) -> dict[EvseId, int]:
        return {evse: len(share.serving) for evse, share in self.stack.shares.items()}


def safe(two: TwoSides) -> bool:
    return two.plant.switched_A <= 1.0 and not two.plant.twice and two.plant.inrush_V <= MATCH_V + 5.0


@pytest.fixture
def two() -> TwoSides:
    return TwoSides()


def test_two_cars_share_three_modules_and_one_module_dies_under_both(two: TwoSides) -> None:
    two.transfer(E1, 48_000.0)
    assert two.shared == {E1: 3, E2: 0}
    assert two.sides[E1].current_A == pytest.approx(115.0, abs=8.0)
    two.transfer(E2, 48_000.0)
    assert two.shared == {E1: 2, E2: 1}
    assert two.sides[E1].current_A == pytest.approx(80.0, abs=2.0)
    assert two.sides[E2].current_A == pytest.approx(40.0, abs=2.0)
    (only,) = two.stack.shares[E1].serving - {max(two.stack.shares[E1].serving)}
    two.modules[only].raise_alarm()
    two.run(5.0)
    assert two.shared == {E1: 1, E2: 1}
    assert [side.current_A for side in two.sides.values()] == pytest.approx([40.0, 40.0], abs=2.0)
    assert all(side.at(Stage.TRANSFER) for side in two.sides.values())
    assert safe(two)


def test_an_emergency_stop_of_one_evse_does_not_disturb_the_other(two: TwoSides) -> None:
    two.transfer(E1, 30_000.0)
    two.transfer(E2, 14_000.0)
    before_A = two.sides[E1].current_A
    board: Board = two.sides[E2].plant.board
    board.inputs.emergency_chain = False
    for _ in range(60):
        two.run(0.05)
        assert two.sides[E1].current_A == pytest.approx(before_A, abs=2.0)
    assert two.sides[E2].current_A == pytest.approx(0.0, abs=0.1)
    assert FaultCode.EMERGENCY_STOP in two.sides[E2].tripped()
    assert two.sides[E1].at(Stage.TRANSFER) and two.plant.switched_A <= 1.0


def test_a_daemon_that_is_gone_leaves_everything_off_and_disconnected(two: TwoSides) -> None:
    two.transfer(E1, 30_000.0)
    two.sides[E1].demand = None
    two.run(8.0)
    assert two.sides[E1].image is not None and not two.sides[E1].plant.output_on
    assert two.plant.closed == frozenset() and safe(two)


def test_a_module_at_two_outputs_opens_both(two: TwoSides) -> None:
    two.transfer(E1, 30_000.0)
    name = min(two.stack.shares[E1].serving)
    two.plant.contactors[name, E2].welded = True
    two.run(0.2)
    for side in two.sides.values():
        assert FaultCode.MODULE_AT_TWO_OUTPUTS in side.tripped()
        assert not side.plant.board.positive.closed
