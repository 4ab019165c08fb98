"""One connector of the plant: car, circuit, modules, meter, insulation monitor, IO board, and the faults by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hil.plant import circuit as parts
from hil.plant.board import Board
from hil.plant.cable import ChargingCable
from hil.plant.car import AutoCar, Car
from hil.plant.circuit import Circuit
from hil.plant.energy_check import EnergyCheck
from hil.plant.grid import Grid
from hil.plant.insulation import SHORTEST_SELF_TEST_S, InsulationPlant
from hil.plant.meter import MeterPlant
from hil.plant.module import ModulePlant
from hil.plant.pilot import Generator
from hil.plant.sensor_error import SensorError
from hil.plant.slopes import Slopes

DRY_OHM = 10_000_000.0
HEAT_EVERY_S = 0.02
SMALL_MODULE_F = 3e-6
"""Charged to 500 V with 2 A within a millisecond."""


@dataclass(slots=True)
class EvsePlant:
    """Advance with `step`. `import_Wh` and `export_Wh` are the plant's own integrals of the power at the car inlet."""

    number: int
    modules: dict[str, ModulePlant] = field(default_factory=dict)
    board: Board = field(default_factory=Board)
    meter: MeterPlant = field(default_factory=MeterPlant)
    insulation: InsulationPlant = field(default_factory=InsulationPlant)
    car: Car = field(default_factory=Car)
    auto: AutoCar = field(default_factory=AutoCar)
    circuit: Circuit = field(default_factory=Circuit)
    insulation_ohm: float = DRY_OHM
    import_Wh: float = 0.0
    export_Wh: float = 0.0
    now_s: float = 0.0
    plugged_at_s: float | None = None
    contactor_changed_at_s: float | None = None
    opened_under_A: float = 0.0
    """Largest current the output contactor ever had to break."""
    highest_V: float = 0.0
    faults: dict[str, float | bool | str] = field(default_factory=dict)
    forced_temperature_degC: float | None = None
    drifting: dict[str, tuple[SensorError, ...]] = field(default_factory=dict)
    """Sensors that show something else than the truth, by their name in `sensors`."""
    slopes: Slopes = field(default_factory=Slopes)
    grid: Grid = field(default_factory=Grid)
    """What feeds the modules; the same one for all connectors of a plant."""
    energy: EnergyCheck = field(default_factory=EnergyCheck)
    cable: ChargingCable = field(default_factory=ChargingCable)
    _closed: bool = False
    _link_S: float = 0.0
    """Of closed poles and cable, as of the last step of their heat."""
    _heat_A2s: float = 0.0
    _heat_s: float = 0.0

    def __post_init__(self) -> None:
        self._link_S = 1.0 / self.link_ohm

    def step(self, dt_s: float) -> None:
        """Advance everything by one step (1 to 2 ms)."""
        self.now_s += dt_s
        car, board = self.car, self.board
        for errors in self.drifting.values():
            for error in errors:
                error.step(dt_s)
        if self.slopes.some:
            self._slide(dt_s)
        board.inputs.insulation_relay = self.insulation.relay_ok
        forced_degC = self.forced_temperature_degC
        board.temperature_degC = self.cable.sensor_degC if forced_degC is None else forced_degC
        board.step(car.pilot_seen, car.diode, car.plugged, dt_s)
        inlet_closed = car.contactors.step(car.contactors_wanted and car.plugged, dt_s)
        self._flow(inlet_closed, dt_s)
        duty = board.duty_percent if board.generator is Generator.PWM and not car.pilot_wire_broken else None
        charging = [m.voltage_set_V for m in self.modules.values() if m.output_on and m.sink_current_A == 0.0]
        charge_V = min(charging, default=None)
        self.auto.step(car, duty, self.circuit.inlet_V, self.circuit.battery_A, self.output_on, dt_s, charge_V)
        self.insulation.step(self.insulation_ohm, self.circuit.inlet_V, dt_s)
        self._warm_cable(dt_s)

    def _warm_cable(self, dt_s: float) -> None:
        """Heat is slow: it is stepped each `HEAT_EVERY_S`, with the current's mean square of that time."""
        self._heat_A2s += self.circuit.output_A**2 * dt_s
        self._heat_s += dt_s
        if self._heat_s >= HEAT_EVERY_S:
            self.cable.step((self._heat_A2s / self._heat_s) ** 0.5, self._heat_s)
            self._heat_A2s = self._heat_s = 0.0
            self._link_S = 1.0 / self.link_ohm

    @property
    def link_ohm(self) -> float:
        """From the modules to the inlet, through both closed poles and the cable."""
        poles_ohm = self.board.positive.wear.resistance_ohm + self.board.negative.wear.resistance_ohm
        return poles_ohm + self.cable.resistance_ohm

    def _flow(self, inlet_closed: bool, dt_s: float) -> None:
        board, circuit, battery = self.board, self.circuit, self.car.battery
        closed = board.positive.closed and board.negative.closed
        changed = False
        if closed != self._closed:
            self._closed, self.contactor_changed_at_s = closed, self.now_s
            changed = True
            if not closed:
                self.opened_under_A = max(self.opened_under_A, abs(circuit.output_A))
                self._note_arcs()
        link_S = self._link_S if closed else 0.0
        if board.precharge.closed and board.negative.closed:
            link_S += 1 / parts.PRECHARGE_OHM
        joined = inlet_closed and self.car.plugged
        battery_S = 1 / (battery.resistance_ohm + parts.CAR_CONTACTOR_OHM) if joined else 0.0
        battery_V, discharging = battery.open_circuit_V, board.discharge.closed
        module_A, regulating = 0.0, [m for m in self.modules.values() if m.output_on]
        for module in self.modules.values():
            module.terminal_V = circuit.module_V
            module.starting_s = max(0.0, module.starting_s - dt_s)
            if not module.output_on:
                module.current_A = 0.0
                continue
            needed_A = circuit.needed_A(
                module.effective_voltage_V, link_S, discharging, battery_V, battery_S, dt_s
            ) / len(regulating)
            module.current_A = module.wanted(needed_A, dt_s)
            module_A += module.current_A
        circuit.step(module_A, link_S, discharging, battery_V, battery_S, dt_s)
        if changed and closed:
            self._note_arcs()
        grid_live = self.grid.live
        for module in self.modules.values():
            module.terminal_V = circuit.module_V
            module.convert(dt_s, grid_live=grid_live)
        self.energy.step(circuit.module_V * module_A, circuit.taken_W)
        battery.warm(circuit.battery_A, dt_s)
        inlet_W = circuit.inlet_V * circuit.battery_A
        if inlet_W >= 0:
            self.import_Wh += inlet_W * dt_s / 3600.0
        else:
            self.export_Wh -= inlet_W * dt_s / 3600.0
        battery.take_Wh(battery_V * circuit.battery_A * dt_s / 3600.0)
        self.meter.step(circuit.inlet_V, circuit.output_A, dt_s)
        self.highest_V = max(self.highest_V, circuit.inlet_V)

    def _note_arcs(self) -> None:
        for pole in (self.board.positive, self.board.negative):
            pole.note_arc(self.circuit.output_A)
        self._link_S = 1.0 / self.link_ohm

    def _slide(self, dt_s: float) -> None:
        """What falls or rises by itself, without an end but that of physics."""
        slopes = self.slopes
        self.insulation_ohm = max(0.0, self.insulation_ohm - slopes.insulation_ohm_per_s * dt_s)
        if slopes.contact_K_per_s:
            before_degC = (
                self.cable.sensor_degC if self.forced_temperature_degC is None else self.forced_temperature_degC
            )
            self.forced_temperature_degC = before_degC + slopes.contact_K_per_s * dt_s
        self.board.cabinet_degC += slopes.cabinet_K_per_s * dt_s

    @property
    def grid_W(self) -> float:
        """What the modules take from the grid, losses included; negative: they give."""
        return sum(module.conversion.grid_W for module in self.modules.values())

    @property
    def grid_var(self) -> float:
        """Reactive power of the modules at the grid, positive inductive."""
        return sum(module.conversion.grid_var for module in self.modules.values())

    @property
    def output_on(self) -> bool:
        """Some module drives its terminals."""
        return any(module.output_on for module in self.modules.values())

    def without_waits(self) -> None:
        """Every duration of the hardware at its least, for benches that measure the controller alone.

        Contactors and lock move within a step, the output holds almost no charge, and the insulation monitor measures a hundred
        times a second. What the station has to see, it still has to see: the self-test lasts `SHORTEST_SELF_TEST_S`.
        """
        for pole in (self.board.positive, self.board.negative, self.board.precharge, self.board.discharge):
            pole.close_s = pole.open_s = 0.0
        self.car.contactors.close_s = self.car.contactors.open_s = 0.0
        self.board.lock_s = self.board.debounce_s = 0.0
        self.circuit.module_F = SMALL_MODULE_F
        self.insulation.period_s, self.insulation.settle_s = 0.01, 0.0
        self.insulation.self_test_s = SHORTEST_SELF_TEST_S

    def plug(self) -> None:
        """The connector goes in; the car starts in B with open contactors."""
        self.car.plugged, self.car.pilot, self.car.contactors_wanted = True, "B", False
        self.plugged_at_s = self.now_s
        self.auto.restart()

    def unplug(self) -> None:
        """The connector comes out, whatever flows."""
        self.car.plugged, self.car.pilot, self.car.contactors_wanted = False, "B", False
        self.plugged_at_s = None
        self.auto.restart()

    def snapshot(self) -> dict[str, Any]:
        """Everything a test wants to know, as plain JSON values."""
        board, circuit, car, battery = self.board, self.circuit, self.car, self.car.battery
        return {
            "evse": self.number,
            "now_s": self.now_s,
            "plant_import_Wh": self.import_Wh,
            "plant_export_Wh": self.export_Wh,
            "module_V": circuit.module_V,
            "inlet_V": circuit.inlet_V,
            "output_A": circuit.output_A,
            "battery_A": circuit.battery_A,
            "power_W": circuit.inlet_V * circuit.battery_A,
            "highest_V": self.highest_V,
            "opened_under_A": self.opened_under_A,
            "contactor_closed": board.positive.closed and board.negative.closed,
            "contactor_positive_closed": board.positive.closed,
            "contactor_negative_closed": board.negative.closed,
            "precharge_closed": board.precharge.closed,
            "discharge_closed": board.discharge.closed,
            "contactor_age_s": None
            if self.contactor_changed_at_s is None
            else self.now_s - self.contactor_changed_at_s,
            "plugged": car.plugged,
            "plugged_for_s": None if self.plugged_at_s is None else self.now_s - self.plugged_at_s,
            "pilot": board.pilot.name,
            "car_pilot": car.pilot_seen,
            "pilot_command": board.generator.name,
            "duty_percent": board.duty_percent,
            "pilot_high_V": board.high_V,
            "pilot_low_V": board.low_V,
            "lock": board.lock_state,
            "board_request": board.request,
            "board_outputs": board.outputs,
            "board_latched": board.latched,
            "board_ignored_writes": board.ignored_writes,
            "board_refused_closings": board.refused_closings,
            "emergency_chain_closed": board.inputs.emergency_chain,
            "door_closed": board.inputs.door_closed,
            "rcd_ok": board.inputs.rcd,
            "temperature_degC": board.temperature_degC,
            "pins_degC": self.cable.pins.temperature_degC,
            "cable_degC": self.cable.copper.temperature_degC,
            "contact_ohm": board.positive.wear.resistance_ohm + board.negative.wear.resistance_ohm,
            "arcs_A2s": max(board.positive.wear.arcs_A2s, board.negative.wear.arcs_A2s),
            "insulation_ohm": self.insulation_ohm,
            "insulation_measured_ohm": self.insulation.measured_ohm,
            "insulation_running": self.insulation.running,
            "insulation_self_testing": self.insulation.self_testing,
            "meter_import_Wh": self.meter.import_Wh,
            "meter_export_Wh": self.meter.export_Wh,
            "car_contactors_closed": car.contactors.closed,
            "auto": self.auto.stage.value if self.auto.enabled else None,
            "soc_percent": battery.soc_percent,
            "battery_V": battery.open_circuit_V,
            "capacity_Wh": battery.capacity_Wh,
            "battery_degC": battery.heat.temperature_degC,
            "grid_W": self.grid_W,
            "grid_voltage_V": self.grid.voltage_V,
            "grid_frequency_Hz": self.grid.frequency_Hz,
            "energy_violations": self.energy.violations,
            "car_voltage_max_V": battery.voltage_max_V,
            "car_voltage_min_V": battery.voltage_min_V,
            "modules": {
                name: {
                    "remote": module.remote,
                    "output_on": module.output_on,
                    "alarm": module.alarm,
                    "voltage_set_V": module.voltage_set_V,
                    "source_current_A": module.source_current_A,
                    "sink_current_A": module.sink_current_A,
                    "source_power_W": module.source_power_W,
                    "sink_power_W": module.sink_power_W,
                    "current_A": module.current_A,
                    "grid_W": module.conversion.grid_W,
                    "loss_W": module.conversion.loss_W,
                    "sink_degC": module.conversion.sink.temperature_degC,
                }
                for name, module in self.modules.items()
            },
            "faults": dict(self.faults),
        }
