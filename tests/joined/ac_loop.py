"""One AC outlet in virtual time: the real stage and drivers, the real register maps and physics, wires in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import cast

from chargepoint.model.demand import AcOrder, Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.image import AcSupply, BusHealth, EvseImage, PowerEvent, Stage
from chargepoint.model.limits import ZERO, Interval, rated
from chargepoint.ports import Bus, EnergyMeter
from chargepoint.power.ac_outlet import AcOutlet, AcRatings
from chargepoint.power.evse_io import IoWiring
from chargepoint.power.evse_stage import EvseHardware, EvseStage
from chargepoint.power.interlock_view import StageRatings
from chargepoint.safety.envelope import Envelope
from chargepoint.safety.grid_window import GridWindow
from drivers.meter.profiled import ProfiledMeter
from drivers.pilot.generic_io import GenericIoBoard
from drivers.profile.codec import resolve_params
from drivers.profile.load import shipped
from hil.plant.ac_outlet import AcOutletPlant
from hil.simulators.registers.ac_meter import FollowingAcMeter
from hil.simulators.registers.generic_io import GenericIo
from tests.unit.power.conftest import STEP_S, TICK_S, MemoryWire

RATINGS = AcRatings(AcSupply(230.0, 50.0, 3, 32.0), 22_000.0, 11_000.0)
CHARGE_W, DISCHARGE_W = 11_000.0, -9_000.0


class MemoryBus:
    """A wire in memory as the stage knows it."""

    def __init__(self, wire: MemoryWire) -> None:
        self.name = wire.master.name
        self._wire = wire

    def health(self) -> BusHealth:
        """Counters of the wire."""
        return self._wire.master.health()


class AcLoop:
    """`run` advances plant and stage together; `reach` leads a session to a stage; `watch` runs after each plant step."""

    def __init__(
        self,
        number: int = 1,
        ratings: AcRatings = RATINGS,
        *,
        proximity: bool = False,
        wires: tuple[MemoryWire, MemoryWire] | None = None,
        kept: Mapping[FaultCode, str] = MappingProxyType({}),
    ) -> None:
        """`kept`: faults that were latched before this process; `wires`: a fast and a slow one that another outlet shares; None: its own."""
        self.evse_id = EvseId(number)
        self.plant = AcOutletPlant(number, ratings.supply.phases)
        self.plant.board.plug_ohm = 220
        profile = shipped("eastron_sdm630")
        params = resolve_params(profile, {})
        self.wires = wires or (MemoryWire("fast", 115200, []), MemoryWire("slow", 38400, []))
        self.fast, self.slow = self.wires
        self.fast.maps[number] = GenericIo(number, self.plant.board)
        self.slow.maps[20 + number] = FollowingAcMeter(20 + number, profile, params, self.plant)
        self.board_driver = GenericIoBoard(f"io{number}", number, self.fast.master)
        self.meter_driver = ProfiledMeter(f"meter{number}", profile, params, 20 + number, self.slow.master)
        self.stage_ratings = StageRatings(
            Envelope(rated(230.0, 96.0, charge_power_max_W=22_000.0, discharge_power_max_W=11_000.0)),
            100.0,
            0.5,
            proximity_required=proximity,
            grid=GridWindow(230.0, 184.0, 264.5, 47.0, 52.0, ratings.supply.phases),
        )
        self.ratings = ratings
        self.stage = EvseStage(self.evse_id, self.hardware(), self.stage_ratings, kept)
        self.now_s = 1000.0
        self._tick_at_s = 1000.0
        self.demand: StageDemand | None = None
        self.seq = 0
        self.events: list[PowerEvent] = []
        self.image: EvseImage | None = None
        self.watch: Callable[[], None] = lambda: None
        for wire in self.wires:
            wire.master.connected(self.now_s)

    def hardware(self) -> EvseHardware:
        """The devices, as wiring joins them at an AC outlet."""
        io = replace(IoWiring.of_one(self.board_driver), discharge=None)
        meter, buses = self.meter(), tuple(cast(Bus, MemoryBus(wire)) for wire in self.wires)
        return EvseHardware(io, AcOutlet(self.ratings), meter, buses=buses, grid_meter=meter)

    def meter(self) -> EnergyMeter:
        """The meter as the stage sees it."""
        return self.meter_driver

    def step(self) -> None:
        """One step of the plant, and a cycle of the stage when its tick has come."""
        self.step_plant()
        for wire in self.wires:
            wire.pump(self.now_s)
        if self.step_stage():
            for wire in self.wires:
                wire.pump(self.now_s)
        self.watch()

    def step_plant(self) -> None:
        """One step of the plant alone."""
        self.now_s += STEP_S
        self.plant.step(STEP_S)

    def step_stage(self) -> bool:
        """A cycle of the stage, if its tick has come; whether it had."""
        if self.now_s < self._tick_at_s:
            return False
        self._tick_at_s += TICK_S
        if self.demand is not None:
            self.seq += 1
            self.stage.take_demand(replace(self.demand, seq=self.seq), self.now_s)
        self.image = self.stage.cycle(self.now_s)
        self.stage.poll(self.now_s)
        self.events += self.stage.events()
        return True

    def run(self, seconds: float) -> None:
        """Advance by so many seconds."""
        for _ in range(round(seconds / STEP_S)):
            self.step()

    def until(self, condition: Callable[[], bool], within_s: float = 20.0) -> None:
        """Advance until this is true. Raises AssertionError after `within_s`."""
        for _ in range(round(within_s / STEP_S)):
            self.step()
            if condition():
                return
        raise AssertionError(f"not within {within_s} s: {self.image}")

    def order(self, phase: Phase, power_W: float = CHARGE_W, limit_A: float = 16.0, phases: int = 3) -> None:
        """What the daemon would demand: the car is allowed both directions, unless the power is 0."""
        limits = ZERO if power_W == 0.0 else Interval(-11_000.0, 11_000.0)
        self.demand = StageDemand(
            self.evse_id,
            0,
            0.5,
            phase,
            PilotCommand.PWM,
            5.0,
            True,
            power_W,
            limits,
            order=AcOrder.even(phases, limit_A),
        )

    def at(self, stage: Stage) -> bool:
        """The image shows this stage."""
        return self.image is not None and self.image.stage is stage

    def plug(self) -> None:
        """A car is plugged in and locked; nothing is ordered."""
        self.order(Phase.OFF)
        self.plant.plug()
        self.until(lambda: self.image is not None and self.image.pilot.plugged and self.image.permitted)
        self.run(0.6)

    def transfer(self, power_W: float = CHARGE_W) -> None:
        """From unplugged to a transfer whose current is at its goal."""
        self.plug()
        self.order(Phase.TRANSFER, power_W)
        self.plant.car.pilot = "C"
        self.until(lambda: self.at(Stage.TRANSFER))
        self.plant.car.ordered_W = power_W
        self.run(2.0)

    @property
    def largest_A(self) -> float:
        """The largest current of a phase in the plant, a magnitude."""
        return max(map(abs, self.plant.currents_A))

    @property
    def trips(self) -> dict[FaultCode, float]:
        """When each fault was latched."""
        return {event.code: event.at_s for event in self.events if isinstance(event, InterlockTripped)}
