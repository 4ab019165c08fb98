"""Faults that can be injected into one connector, by name. Each has an on and an off; most take a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.cable import PINS_OHM
from hil.plant.evse import DRY_OHM, EvsePlant
from hil.plant.wear import WELDS_AT_A2S

Value = float | str | None
Connector = EvsePlant | AcOutletPlant
"""Both kinds have a board, a meter, a car with a pilot, and temperatures."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what its value means, and what it does."""

    meaning: str
    apply: Callable[[Any, bool, Value], None]
    """The connector, on or off, the value."""


def _number(value: Value, default: float) -> float:
    if value is None:
        return default
    return float(value)


def _at_least_0(value: Value, default: float) -> float:
    """A resistance, or what is counted. Raises ValueError."""
    found = _number(value, default)
    if found < 0.0:
        raise ValueError(f"{found:g}: at least 0")
    return found


def _welded(evse: Connector, on: bool, value: Value) -> None:
    for pole, contactor in (("positive", evse.board.positive), ("negative", evse.board.negative)):
        if value in (None, "both", pole):
            contactor.welded = on


def _contactor_worn(evse: EvsePlant, on: bool, value: Value) -> None:
    for contactor in (evse.board.positive, evse.board.negative):
        contactor.wear.arcs_A2s = _at_least_0(value, WELDS_AT_A2S - 1.0) if on else 0.0


def _pins_worn(evse: EvsePlant, on: bool, value: Value) -> None:
    evse.cable.pins_ohm = _at_least_0(value, 14.0) / 1000.0 if on else PINS_OHM


def _no_close(evse: Connector, on: bool, value: Value) -> None:
    for pole, contactor in (("positive", evse.board.positive), ("negative", evse.board.negative)):
        if value in (None, "both", pole):
            contactor.stuck_open = on


def _over_voltage(evse: EvsePlant, on: bool, value: Value) -> None:
    for module in evse.modules.values():
        module.excess_voltage_V = _number(value, 100.0) if on else 0.0
    if on:
        evse.car.contactors_wanted = False


def _over_current(evse: EvsePlant, on: bool, value: Value) -> None:
    for module in evse.modules.values():
        forced = 1.5 * max(module.source_current_A, module.nominal_A)
        module.forced_current_A = _number(value, forced) / len(evse.modules) if on else None


def _insulation(evse: EvsePlant, on: bool, value: Value) -> None:
    evse.insulation_ohm = _at_least_0(value, 10_000.0) if on else DRY_OHM


def _meter_silent(evse: Connector, on: bool, _: Value) -> None:
    evse.meter.silent = on


def _module_silent(evse: EvsePlant, on: bool, value: Value) -> None:
    for name, module in evse.modules.items():
        if value in (None, name):
            module.silent = on


def _module_alarm(evse: EvsePlant, on: bool, value: Value) -> None:
    for name, module in evse.modules.items():
        if value in (None, name):
            if on:
                module.raise_alarm()
            else:
                module.alarm = False


def _module_restart(evse: EvsePlant, on: bool, value: Value) -> None:
    if on:
        for module in evse.modules.values():
            module.restart(_number(value, 0.3))


def _imd_error(evse: EvsePlant, on: bool, _: Value) -> None:
    evse.insulation.device_error = on


def _imd_self_test(evse: EvsePlant, on: bool, _: Value) -> None:
    evse.insulation.self_test_failing = on
    if not on:
        evse.insulation.device_error = False


def _imd_silent(evse: EvsePlant, on: bool, _: Value) -> None:
    evse.insulation.silent = on


def _board_silent(evse: Connector, on: bool, _: Value) -> None:
    evse.board.silent = on


def _board_supply(evse: Connector, on: bool, _: Value) -> None:
    evse.board.supply_low = on


def _e_stop(evse: Connector, on: bool, _: Value) -> None:
    evse.board.inputs.emergency_chain = not on


def _door(evse: Connector, on: bool, _: Value) -> None:
    evse.board.inputs.door_closed = not on


def _rcd(evse: Connector, on: bool, _: Value) -> None:
    evse.board.inputs.rcd = not on


def _chain(evse: Connector, on: bool, _: Value) -> None:
    evse.board.inputs.chain_link = not on


def _coil_supply(evse: Connector, on: bool, _: Value) -> None:
    evse.board.coil_supply = not on


def _board_latches_nothing(evse: Connector, on: bool, _: Value) -> None:
    evse.board.latches_causes = not on


def _pilot_lost(evse: Connector, on: bool, _: Value) -> None:
    evse.car.pilot_wire_broken = on


def _diode(evse: Connector, on: bool, _: Value) -> None:
    evse.car.diode = not on


def _lock(evse: Connector, on: bool, _: Value) -> None:
    evse.board.lock_stuck = on


def _temperature(evse: Connector, on: bool, value: Value) -> None:
    evse.forced_temperature_degC = _number(value, 95.0) if on else None


def _sensor(evse: Connector, on: bool, value: Value) -> None:
    sensors = evse.board.contact_sensors
    sensors.clear()
    if on and value in (None, "both", "positive", "negative"):
        sensors.update({name: None for name in ("positive", "negative") if value in (None, "both", name)})
    elif on:
        sensors.update(dict.fromkeys(("positive", "negative"), _number(value, 0.0)))


def _car_opens(evse: EvsePlant, on: bool, _: Value) -> None:
    if on:
        evse.car.contactors_wanted = False


def _meter_gain(evse: Connector, on: bool, value: Value) -> None:
    evse.meter.current_gain = _number(value, 1.02) if on else 1.0


def _bounce(evse: Connector, on: bool, value: Value) -> None:
    for contactor in (evse.board.positive, evse.board.negative):
        contactor.forced_open_s = _number(value, 0.005) if on else 0.0


def _coil_dip(evse: Connector, on: bool, value: Value) -> None:
    evse.board.coil_dip_s = _number(value, 0.015) if on else 0.0


def _relay_stuck(evse: EvsePlant, on: bool, value: Value) -> None:
    for name, relay in (("discharge", evse.board.discharge), ("precharge", evse.board.precharge)):
        if value in (None, name):
            relay.welded = on


def _discharge_open(evse: EvsePlant, on: bool, _: Value) -> None:
    evse.board.discharge.stuck_open = on


def _board_frozen(evse: Connector, on: bool, _: Value) -> None:
    evse.board.frozen = on


def _board_restart(evse: Connector, on: bool, _: Value) -> None:
    if on:
        evse.board.restart()


def _board_map(evse: Connector, on: bool, value: Value) -> None:
    evse.board.map_version = int(_number(value, 2)) if on else 1


def _board_watchdog(evse: Connector, on: bool, _: Value) -> None:
    if on:
        evse.board.miss_host()


def _board_latch(evse: Connector, on: bool, value: Value) -> None:
    evse.board.latches_bits = int(_number(value, 1 << 14)) if on else 0


def _tilt(evse: Connector, on: bool, _: Value) -> None:
    evse.board.inputs.upright = not on


def _surge_arrester(evse: Connector, on: bool, _: Value) -> None:
    evse.board.inputs.surge_arrester = not on


def _fan(evse: Connector, on: bool, _: Value) -> None:
    evse.board.inputs.fan = not on


def _pilot_short(evse: Connector, on: bool, _: Value) -> None:
    evse.car.pilot_shorted = on


def _pilot_duty(evse: Connector, on: bool, value: Value) -> None:
    evse.board.duty_offset_percent = _number(value, 3.0) if on else 0.0


def _diode_unlatched(evse: Connector, on: bool, _: Value) -> None:
    evse.car.diode, evse.board.latches_diode = not on, not on


def _proximity(evse: Connector, on: bool, value: Value) -> None:
    evse.board.proximity_shown_ohm = int(_number(value, 0)) if on else None


def _lock_opens(evse: Connector, on: bool, _: Value) -> None:
    evse.board.lock_shown = 1 if on else None


def _cabinet(evse: Connector, on: bool, value: Value) -> None:
    evse.board.cabinet_degC = _number(value, 75.0) if on else 30.0


def _leak(evse: EvsePlant, on: bool, value: Value) -> None:
    evse.circuit.leak_ohm = _number(value, 1.0) if on else None


def _module_follows(evse: EvsePlant, on: bool, value: Value) -> None:
    for module in evse.modules.values():
        module.follows_share = _number(value, 0.3) if on else 1.0


def _module_frozen(evse: EvsePlant, on: bool, _: Value) -> None:
    for module in evse.modules.values():
        module.frozen = on


def _meter_frozen(evse: Connector, on: bool, _: Value) -> None:
    evse.meter.frozen = on


def _meter_backwards(evse: Connector, on: bool, _: Value) -> None:
    evse.meter.runs_backwards = on


def _meter_voltage(evse: EvsePlant, on: bool, value: Value) -> None:
    evse.meter.voltage_gain = _number(value, 0.8) if on else 1.0


def _imd_frozen(evse: EvsePlant, on: bool, _: Value) -> None:
    evse.insulation.frozen = on


def _imd_blind(evse: EvsePlant, on: bool, _: Value) -> None:
    evse.insulation.blind = on


def _imd_relay(evse: EvsePlant, on: bool, _: Value) -> None:
    evse.insulation.relay_fault = on


def _earth(evse: EvsePlant, on: bool, value: Value) -> None:
    evse.insulation.earth_shift_V = _number(value, 300.0) if on else 0.0


def _phase_lost(connector: Connector, on: bool, value: Value) -> None:
    connector.grid.lost_phase = round(_number(value, 2)) if on else 0


def _grid_voltage(connector: Connector, on: bool, value: Value) -> None:
    connector.grid.voltage_V = _number(value, 170.0) if on else connector.grid.nominal_V


def _grid_frequency(connector: Connector, on: bool, value: Value) -> None:
    connector.grid.frequency_Hz = _number(value, 53.0) if on else 50.0


def _grid_outage(connector: Connector, on: bool, value: Value) -> None:
    connector.grid.voltage_V = 0.0 if on else connector.grid.nominal_V


def _insulation_falls(evse: EvsePlant, on: bool, value: Value) -> None:
    evse.slopes.insulation_ohm_per_s = _at_least_0(value, 1_000_000.0) if on else 0.0
    if not on:
        evse.insulation_ohm = DRY_OHM


def _contact_heats(evse: Connector, on: bool, value: Value) -> None:
    evse.slopes.contact_K_per_s = _number(value, 2.0) if on else 0.0
    if not on:
        evse.forced_temperature_degC = None


def _cabinet_heats(evse: Connector, on: bool, value: Value) -> None:
    evse.slopes.cabinet_K_per_s = _number(value, 2.0) if on else 0.0
    if not on:
        evse.board.cabinet_degC = 30.0


FAULTS: dict[str, Fault] = {
    "insulation_falls": Fault(
        "ohms per second (1000000) by which the resistance falls from its present value", _insulation_falls
    ),
    "contact_heats": Fault(
        "kelvins per second (2) by which the connector's contacts heat, whatever flows", _contact_heats
    ),
    "cabinet_heats": Fault("kelvins per second (2) by which the cabinet heats", _cabinet_heats),
    "phase_lost": Fault("phase (2) without voltage", _phase_lost),
    "grid_voltage": Fault("volts (170) of each phase", _grid_voltage),
    "grid_frequency": Fault("hertz (53)", _grid_frequency),
    "grid_outage": Fault("no value: no voltage on any phase", _grid_outage),
    "contactor_bounce": Fault("seconds (0.005) that the closed contacts stand open", _bounce),
    "coil_dip": Fault("seconds (0.015) without current in the coils", _coil_dip),
    "relay_stuck": Fault("relay closed for ever: both, discharge or precharge", _relay_stuck),
    "discharge_open": Fault("no value: the discharge relay does not close", _discharge_open),
    "board_frozen": Fault("no value: the board answers with the same registers for ever", _board_frozen),
    "board_restart": Fault("no value: once; outputs and settings of the board are gone", _board_restart),
    "board_map": Fault("version (2) of the register map that the board announces", _board_map),
    "board_watchdog": Fault("no value: once; the board believes that its host was silent", _board_watchdog),
    "board_latch": Fault("bits of register 14 (bit 14, which nobody knows) that the board latches", _board_latch),
    "tilt": Fault("no value: the charger is not upright", _tilt),
    "surge_arrester": Fault("no value: the arrester is at its end", _surge_arrester),
    "fan": Fault("no value: the fan's fault contact opens", _fan),
    "pilot_short": Fault("no value: pilot wire to protective earth", _pilot_short),
    "pilot_duty": Fault("percentage points (3) that the measured duty is off", _pilot_duty),
    "diode_unlatched": Fault("no value: no diode, and a board that does not latch it", _diode_unlatched),
    "proximity": Fault("ohms (0: short) of the proximity contact; 65535: open", _proximity),
    "lock_opens": Fault("no value: the lock shows unlocked", _lock_opens),
    "cabinet_temperature": Fault("degrees Celsius (75)", _cabinet),
    "leak": Fault("ohms (1) between plus and minus at the output", _leak),
    "module_follows": Fault("share (0.3) of its order that the module gives", _module_follows),
    "module_frozen": Fault("no value: the module answers with the same registers for ever", _module_frozen),
    "meter_frozen": Fault("no value: the meter answers with the same registers for ever", _meter_frozen),
    "meter_backwards": Fault("no value: the energy registers count downwards", _meter_backwards),
    "meter_voltage": Fault("factor (0.8) on the meter's voltage", _meter_voltage),
    "imd_frozen": Fault("no value: it answers, and measures no more", _imd_frozen),
    "imd_blind": Fault("no value: it measures, and has no valid value", _imd_blind),
    "imd_relay": Fault("no value: only the hard-wired output reports a fault", _imd_relay),
    "voltage_to_earth": Fault("volts (300) between the middle of the output and protective earth", _earth),
    "contactor_welded": Fault("pole: both, positive or negative", _welded),
    "contactor_worn": Fault("ampere-square-seconds (999999) that arcs left on both poles", _contactor_worn),
    "pins_worn": Fault("milliohms (14) of the connector's pins: they warm by the current", _pins_worn),
    "contactor_no_close": Fault("pole: both, positive or negative", _no_close),
    "over_voltage": Fault("volts above the set-point (100); the car's contactors open (load dump)", _over_voltage),
    "over_current": Fault("amperes driven whatever was set (1.5 times nominal)", _over_current),
    "insulation": Fault("ohms (10000)", _insulation),
    "meter_silent": Fault("no value", _meter_silent),
    "meter_gain": Fault("factor on the meter's current (1.02)", _meter_gain),
    "module_silent": Fault("module name, or all", _module_silent),
    "module_alarm": Fault("module name, or all", _module_alarm),
    "module_restart": Fault("seconds of silence (0.3): remote mode, output and settings are gone", _module_restart),
    "imd_error": Fault("no value", _imd_error),
    "imd_self_test": Fault("no value: the next self-test fails", _imd_self_test),
    "imd_silent": Fault("no value", _imd_silent),
    "board_silent": Fault("no value", _board_silent),
    "board_supply": Fault("no value: the board's supply is low, it opens and latches", _board_supply),
    "e_stop": Fault("no value", _e_stop),
    "door_open": Fault("no value", _door),
    "rcd": Fault("no value", _rcd),
    "chain_open": Fault("no value: a part of the hardware chain that has no input of its own", _chain),
    "coil_supply": Fault("no value: the driven coil gets no current", _coil_supply),
    "board_latches_nothing": Fault("no value: an older board that closes again by itself", _board_latches_nothing),
    "pilot_lost": Fault("no value: the pilot wire breaks", _pilot_lost),
    "diode_missing": Fault("no value", _diode),
    "lock_stuck": Fault("no value", _lock),
    "over_temperature": Fault("degrees Celsius (95)", _temperature),
    "temperature_sensor": Fault(
        "contact without a sensor: both, positive or negative; or degrees Celsius that both show", _sensor
    ),
    "car_opens_contactors": Fault("no value: load dump by the car", _car_opens),
}


def inject(evse: EvsePlant, name: str, on: bool, value: Value = None) -> None:
    """Switch a fault. Raises KeyError for an unknown name, ValueError for a value that is no number where one is due."""
    FAULTS[name].apply(evse, on, value)
    if on:
        evse.faults[name] = True if value is None else value
    else:
        evse.faults.pop(name, None)
