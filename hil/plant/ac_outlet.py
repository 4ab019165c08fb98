"""One AC connector of the plant: grid, pilot/IO board, contactor, meter before it, and a car that converts with its own charger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hil.plant.ac_car import AcAutoCar, AcCar
from hil.plant.ac_controller import AcControllerPlant
from hil.plant.board import Board
from hil.plant.grid import Grid
from hil.plant.meter import MeterPlant
from hil.plant.pilot import Generator
from hil.plant.sensor_error import SensorError
from hil.plant.slopes import Slopes

LOCKED = 2


@dataclass(slots=True)
class AcOutletPlant:
    """Advance with `step`. `phases` are wired to the connector, 1 or 3, beginning with L1.

    `import_Wh` and `export_Wh` are the plant's own integrals of the power at the connector; the meter counts for itself.
    """

    number: int
    phases: int = 3
    car: AcCar = field(default_factory=AcCar)
    auto: AcAutoCar = field(default_factory=AcAutoCar)
    board: Board = field(default_factory=Board)
    meter: MeterPlant = field(default_factory=MeterPlant)
    grid: Grid = field(default_factory=Grid)
    controller: AcControllerPlant | None = None
    """A vendor's charge controller that drives the board; None: the station does."""
    import_Wh: float = 0.0
    export_Wh: float = 0.0
    now_s: float = 0.0
    plugged_at_s: float | None = None
    contactor_closed_at_s: float | None = None
    opened_under_A: float = 0.0
    """The largest current of a phase that the contactor ever had to break."""
    reversed_phase: int = 0
    """1 to 3: the meter's transformer of this phase is the wrong way round; 0: none."""
    forced_temperature_degC: float | None = None
    drifting: dict[str, tuple[SensorError, ...]] = field(default_factory=dict)
    """Sensors that show something else than the truth, by their name in `sensors`."""
    slopes: Slopes = field(default_factory=Slopes)
    faults: dict[str, float | bool | str] = field(default_factory=dict)
    _closed: bool = False

    def step(self, dt_s: float) -> None:
        """Advance by `dt_s` seconds (1 to 2 ms)."""
        self.now_s += dt_s
        car, board = self.car, self.board
        for errors in self.drifting.values():
            for error in errors:
                error.step(dt_s)
        if self.slopes.some:
            if self.slopes.contact_K_per_s:
                before_degC = 25.0 if self.forced_temperature_degC is None else self.forced_temperature_degC
                self.forced_temperature_degC = before_degC + self.slopes.contact_K_per_s * dt_s
            board.cabinet_degC += self.slopes.cabinet_K_per_s * dt_s
        board.temperature_degC = 25.0 if self.forced_temperature_degC is None else self.forced_temperature_degC
        if self.controller is not None:
            self.controller.step(board, dt_s)
        board.step(car.pilot_seen, car.diode, car.plugged, dt_s)
        self._note_contactor()
        live = self._closed and self.grid.voltage_V > 0.0
        power_W = car.step(live, dt_s)
        voltage_V = self.grid.voltage_V
        self.meter.step(voltage_V, power_W / voltage_V if live else 0.0, dt_s)
        if power_W >= 0.0:
            self.import_Wh += power_W * dt_s / 3600.0
        else:
            self.export_Wh -= power_W * dt_s / 3600.0
        self.auto.step(car, self.duty_percent, board.lock_state == LOCKED, live, dt_s)

    def _note_contactor(self) -> None:
        closed = self.board.positive.closed and self.board.negative.closed
        if closed == self._closed:
            return
        if closed:
            self.contactor_closed_at_s = self.now_s
        else:
            self.opened_under_A = max(self.opened_under_A, *map(abs, self.currents_A))
        self._closed = closed

    @property
    def contactor_closed(self) -> bool:
        """All contacts are closed."""
        return self._closed

    @property
    def currents_A(self) -> tuple[float, float, float]:
        """The current of each phase, positive into the car: the charger shares its power among the phases it has."""
        used = min(self.car.phases, self.phases)
        each_A = self.car.power_W / self.grid.voltage_V / used if self.grid.voltage_V > 0.0 else 0.0
        one, two, three = (each_A if number <= used else 0.0 for number in (1, 2, 3))
        return one, two, three

    @property
    def voltages_V(self) -> tuple[float, float, float]:
        """Of each wired phase, before the contactor."""
        one, two, three = (
            self.grid.voltage_V if number <= self.phases and number != self.grid.lost_phase else 0.0
            for number in (1, 2, 3)
        )
        return one, two, three

    @property
    def duty_percent(self) -> float | None:
        """What the car sees on its pilot; None: no PWM."""
        if self.board.generator is not Generator.PWM or self.car.pilot_wire_broken or not self.car.plugged:
            return None
        return self.board.duty_percent

    def plug(self) -> None:
        """The connector goes in; the car starts in B and orders nothing from its charger."""
        self.car.plugged, self.car.pilot, self.car.ordered_W = True, "B", 0.0
        self.plugged_at_s = self.now_s
        self.auto.restart()

    def unplug(self) -> None:
        """The connector comes out, whatever flows."""
        self.car.plugged, self.car.pilot, self.car.ordered_W = False, "B", 0.0
        self.plugged_at_s = None
        self.auto.restart()

    def snapshot(self) -> dict[str, Any]:
        """Everything a test or a person may want to know, as plain JSON values."""
        car, board = self.car, self.board
        return {
            "evse": self.number,
            "outlet": "ac",
            "now_s": self.now_s,
            "plant_import_Wh": self.import_Wh,
            "plant_export_Wh": self.export_Wh,
            "plugged": car.plugged,
            "pilot": board.pilot.name,
            "car_pilot": car.pilot_seen,
            "pilot_command": board.generator.name,
            "duty_percent": self.duty_percent,
            "proximity_ohm": board.proximity_ohm,
            "lock": board.lock_state,
            "contactor_closed": self._closed,
            "contactor_closed_at_s": self.contactor_closed_at_s,
            "opened_under_A": self.opened_under_A,
            "board_request": board.request,
            "board_outputs": board.outputs,
            "board_latched": board.latched,
            "board_refused_closings": board.refused_closings,
            "grid_voltage_V": self.grid.voltage_V,
            "grid_frequency_Hz": self.grid.frequency_Hz,
            "voltage_V": self.grid.voltage_V if self._closed else 0.0,
            "currents_A": list(self.currents_A),
            "current_A": sum(self.currents_A),
            "power_W": car.power_W,
            "ordered_W": car.ordered_W,
            "soc_percent": car.battery.soc_percent,
            "capacity_Wh": car.battery.capacity_Wh,
            "meter_import_Wh": self.meter.import_Wh,
            "meter_export_Wh": self.meter.export_Wh,
            "auto": self.auto.stage.value if self.auto.enabled else None,
            "faults": dict(self.faults),
        }
