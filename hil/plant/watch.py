"""What a connector of the plant went through: each change of what is either so or not at its very step, measured values now and then."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.board import LOCK_WORDS
from hil.plant.evse import EvsePlant
from hil.plant.pilot import PilotState

SAMPLE_EVERY_S = 0.05
KEPT = 100_000
NO_DUTY = -1.0

Value = float | bool | str
Connector = EvsePlant | AcOutletPlant


@dataclass(frozen=True, slots=True)
class Seen:
    """The signal has this value since `at_s`; `number` counts all that the watch ever saw."""

    number: int
    at_s: float
    evse: int
    name: str
    value: Value


@dataclass(slots=True)
class Watch:
    """Call `step` after each step of the connector."""

    connector: Connector
    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=KEPT))
    _count: int = 0
    _states: tuple[bool | int, ...] = ()
    _values: dict[str, Value] = field(default_factory=dict)
    _sample_at_s: float = -1e9

    def step(self) -> None:
        """Look at the connector."""
        connector = self.connector
        states = _states_of(connector)
        if states != self._states:
            self._note_all(_in_words(states))
            self._states = states
        if connector.now_s >= self._sample_at_s:
            self._sample_at_s = connector.now_s + SAMPLE_EVERY_S
            self._note_all(_measured(connector))

    def since(self, number: int) -> list[Seen]:
        """Everything with a higher number; what was dropped is missing. A number that never was is one of another life of the plant: all."""
        fresh = min(self._count - number if number <= self._count else self._count, len(self.seen))
        return [self.seen[place] for place in range(-fresh, 0)]

    def _note_all(self, values: dict[str, Value]) -> None:
        for name, value in values.items():
            if self._values.get(name) != value:
                self._values[name] = value
                self._count += 1
                self.seen.append(Seen(self._count, self.connector.now_s, self.connector.number, name, value))


_STATE_NAMES = ("contactor", "precharge", "discharge", "car_contactor", "pilot", "lock", "plugged", "module_on")
_CONTACTS = _STATE_NAMES[:4]


def _states_of(connector: Connector) -> tuple[bool | int, ...]:
    """In the order of `_STATE_NAMES`. Words are made of them only where something changed: this is asked at each step."""
    board = connector.board
    if isinstance(connector, EvsePlant):
        car_closed, on = connector.car.contactors.closed, connector.output_on
    else:
        car_closed = on = connector.contactor_closed
    return (
        board.positive.closed and board.negative.closed,
        board.precharge.closed,
        board.discharge.closed,
        car_closed,
        board.pilot,
        board.lock_state,
        connector.car.plugged,
        on,
    )


def _in_words(states: tuple[bool | int, ...]) -> dict[str, Value]:
    named: dict[str, Value] = dict(zip(_STATE_NAMES, states, strict=True))
    words: dict[str, Value] = {name: "closed" if named[name] else "open" for name in _CONTACTS}
    words["pilot"] = PilotState(int(named["pilot"])).name
    words["lock"] = LOCK_WORDS.get(int(named["lock"]), "unknown")
    return named | words


def _measured(connector: Connector) -> dict[str, Value]:
    common: dict[str, Value] = {
        "soc_percent": connector.car.battery.soc_percent,
        "import_Wh": connector.import_Wh,
        "export_Wh": connector.export_Wh,
        "meter_import_Wh": connector.meter.import_Wh,
        "meter_export_Wh": connector.meter.export_Wh,
        "opened_under_A": connector.opened_under_A,
        "temperature_degC": round(connector.board.temperature_degC, 2),
        "grid_V": connector.grid.voltage_V,
    }
    if isinstance(connector, EvsePlant):
        circuit, board = connector.circuit, connector.board
        duty = board.duty_percent if board.generator.name == "PWM" and not connector.car.pilot_wire_broken else NO_DUTY
        measured: dict[str, Value] = {
            "power_W": circuit.inlet_V * circuit.battery_A,
            "current_A": circuit.battery_A,
            "voltage_V": circuit.inlet_V,
            "insulation_ohm": connector.insulation_ohm,
            "duty_percent": duty,
            "highest_V": connector.highest_V,
            "frequency_Hz": connector.grid.frequency_Hz,
            "grid_W": connector.grid_W,
            "grid_var": connector.grid_var,
            "cable_degC": round(connector.cable.copper.temperature_degC, 2),
            "pins_degC": round(connector.cable.pins.temperature_degC, 2),
            "arcs_A2s": round(max(board.positive.wear.arcs_A2s, board.negative.wear.arcs_A2s), 1),
            "battery_degC": connector.car.battery.heat.temperature_degC,
            "energy_violations": connector.energy.violations,
        }
    else:
        duty_seen = connector.duty_percent
        measured = {
            "power_W": connector.car.power_W if connector.contactor_closed else 0.0,
            "current_A": sum(connector.currents_A) if connector.contactor_closed else 0.0,
            "voltage_V": connector.grid.voltage_V if connector.contactor_closed else 0.0,
            "frequency_Hz": connector.grid.frequency_Hz,
            "duty_percent": NO_DUTY if duty_seen is None else duty_seen,
        }
    return {
        name: round(value, 4) if isinstance(value, float) else value for name, value in {**common, **measured}.items()
    }
