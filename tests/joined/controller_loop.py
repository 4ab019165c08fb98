"""An AC outlet whose pilot is on a vendor's charge controller, and whose contactor and emergency stop are on GPIO lines, in virtual time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from chargepoint.evse.pwm_car import PwmCar
from chargepoint.model.demand import Setpoint, Source
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Stage
from chargepoint.model.limits import Interval
from chargepoint.ports import BusSpec, DeviceSpec
from chargepoint.power.ac_outlet import AcOutlet
from chargepoint.power.evse_io import IoWiring
from chargepoint.power.evse_stage import EvseHardware
from drivers.catalog import build_device
from drivers.gpio.bus import GpioBus
from drivers.gpio.chip import LineUse
from drivers.gpio.io_lines import GpioIo
from drivers.gpio.line import EdgeSeen
from drivers.pilot.ac_controller import AcController
from drivers.profile.codec import resolve_params
from drivers.profile.load import shipped
from hil.plant.ac_controller import AcControllerPlant
from hil.plant.ac_outlet import AcOutletPlant
from hil.simulators.registers.ac_controller import FollowingAcController
from tests.joined.ac_loop import AcLoop
from tests.unit.power.conftest import MemoryWire

UNIT = 7
COIL, POSITIVE, NEGATIVE, STOP = 23, 24, 25, 17
LINES: dict[str, float | int | str | bool] = {
    "contactor": COIL,
    "contactor_positive_feedback": POSITIVE,
    "contactor_negative_feedback": NEGATIVE,
    "emergency_chain": STOP,
}


class PlantChip:
    """A GPIO chip whose lines are wired to an AC outlet of the plant."""

    def __init__(self, outlet: AcOutletPlant, box: AcControllerPlant) -> None:
        self._outlet, self._box = outlet, box
        self._seen: dict[int, bool] = {}
        self._numbers: dict[int, int] = {}
        self.now_s = 0.0
        self.fd = os.open(os.devnull, os.O_RDONLY)

    def open(self, path: str, uses: Sequence[LineUse]) -> PlantChip:
        """As the kernel would."""
        return self

    def levels(self, offsets: Sequence[int]) -> Mapping[int, bool]:
        """The inputs now."""
        board = self._outlet.board
        shown = {POSITIVE: board.positive.closed, NEGATIVE: board.negative.closed, STOP: board.inputs.emergency_chain}
        return {offset: shown[offset] for offset in offsets}

    def edges(self, most: int) -> Sequence[EdgeSeen]:
        """What changed since the last call."""
        found = []
        for offset, active in self.levels((POSITIVE, NEGATIVE, STOP)).items():
            if self._seen.setdefault(offset, active) != active:
                self._seen[offset] = active
                self._numbers[offset] = self._numbers.get(offset, 0) + 1
                found.append(EdgeSeen(offset, active, self.now_s, self._numbers[offset]))
        return found

    def set(self, offset: int, active: bool) -> None:
        """The line in series with the coil."""
        assert offset == COIL
        self._box.line_closed = active

    def release(self) -> None:
        """Nothing holds it."""


class ControllerLoop(AcLoop):
    """An `AcLoop` with a controller of this profile on a wire of 9600 baud."""

    def __init__(self, profile: str) -> None:
        self.profile = shipped(profile)
        self.set_point_A = 0.0
        self.daemon = PwmCar(EvseId(1), 0.5)
        super().__init__(wires=(MemoryWire("box", 9600, []), MemoryWire("slow", 38400, [])))

    def hardware(self) -> EvseHardware:
        """The devices, as wiring joins them."""
        self.box = AcControllerPlant()
        self.plant.controller = self.box
        params = resolve_params(self.profile, {})
        self.fast.maps = {UNIT: FollowingAcController(UNIT, self.profile, params, self.box, self.plant.board)}
        self.controller = AcController("box", self.profile, params, UNIT, self.fast.master)
        self.chip = PlantChip(self.plant, self.box)
        self.lines_bus = GpioBus(BusSpec("chip", "gpio", "/dev/gpiochip0"), lambda: self.chip.now_s, self.chip.open)
        lines = build_device(DeviceSpec("lines", "pilot_board", "gpio", "chip", 1, None, LINES), self.lines_bus)
        assert isinstance(lines, GpioIo)
        io = IoWiring(self.controller, lines, None, (lines,))
        self.stage_ratings = replace(self.stage_ratings, temperature_required=False)
        return EvseHardware(io, AcOutlet(self.ratings), self.meter_driver, grid_meter=self.meter_driver)

    def step_plant(self) -> None:
        """One step of the plant, and of the GPIO chip."""
        super().step_plant()
        self.chip.now_s = self.now_s
        self.lines_bus.pump(self.now_s)

    def step_stage(self) -> bool:
        """A cycle of the stage; before it the daemon's own order for a car without a protocol."""
        if self.image is not None:
            power_W = 3 * 230.0 * self.set_point_A
            set_point = Setpoint(self.evse_id, power_W, Interval(0.0, power_W), Source.SITE, None, "", 1e9)
            self.demand = self.daemon.order(self.image, set_point, self.now_s, permitted=self.set_point_A > 0.0)
        return super().step_stage()

    def offer(self, current_A: float) -> None:
        """A set-point of so much in each phase, while a transaction runs."""
        self.set_point_A = current_A

    def stop(self) -> None:
        """The transaction ends: no PWM."""
        self.set_point_A = 0.0

    def charge(self, current_A: float) -> None:
        """From nothing to a car that draws what it is offered."""
        self.stop()
        self.plant.plug()
        self.until(lambda: self.image is not None and self.image.pilot.plugged and self.image.permitted)
        self.offer(current_A)
        self.until(lambda: self.plant.duty_percent is not None)
        self.run(1.0)
        self.plant.car.pilot = "C"
        self.until(lambda: self.at(Stage.TRANSFER))
        self.follow_pilot()
        self.run(3.0)

    def follow_pilot(self) -> None:
        """The car draws what the duty names."""
        duty = self.plant.duty_percent
        self.plant.car.ordered_W = 0.0 if duty is None else 3 * 230.0 * duty * 0.6
