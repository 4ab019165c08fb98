"""Faults that can be injected into one AC connector, by name: those of its board, meter and pilot are the DC connector's."""

from __future__ import annotations

from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.contactor import CLOSE_S
from hil.plant.faults import FAULTS, Fault, Value

OF_BOTH = (
    *("contactor_bounce", "coil_dip", "contactor_welded", "contactor_no_close", "coil_supply"),
    *("board_frozen", "board_restart", "board_map", "board_watchdog", "board_latch", "board_silent", "board_supply"),
    *("board_latches_nothing", "e_stop", "door_open", "rcd", "chain_open", "tilt", "surge_arrester", "fan"),
    *("pilot_lost", "pilot_short", "pilot_duty", "diode_missing", "diode_unlatched", "proximity"),
    *("lock_stuck", "lock_opens", "over_temperature", "temperature_sensor", "cabinet_temperature"),
    *("contact_heats", "cabinet_heats"),
    *("meter_silent", "meter_frozen", "meter_backwards", "meter_gain"),
    *("phase_lost", "grid_voltage", "grid_frequency", "grid_outage"),
)


def _number(value: Value, default: float) -> float:
    return default if value is None else float(value)


def _contactor_slow(outlet: AcOutletPlant, on: bool, value: Value) -> None:
    for pole in (outlet.board.positive, outlet.board.negative):
        pole.close_s = _number(value, 1.0) if on else CLOSE_S


def _car_disobeys(outlet: AcOutletPlant, on: bool, value: Value) -> None:
    outlet.car.disobedient_W = _number(value, 20_000.0) if on else None


def _car_phases(outlet: AcOutletPlant, on: bool, value: Value) -> None:
    outlet.car.phases = round(_number(value, 1)) if on else 3


def _phase_reversed(outlet: AcOutletPlant, on: bool, value: Value) -> None:
    outlet.reversed_phase = round(_number(value, 2)) if on else 0


def _car_ventilation(outlet: AcOutletPlant, on: bool, value: Value) -> None:
    outlet.car.pilot = "D" if on else "C"


AC_FAULTS: dict[str, Fault] = {
    **{name: FAULTS[name] for name in OF_BOTH},
    "contactor_slow": Fault("seconds (1) from the order to the closed contactor", _contactor_slow),
    "car_disobeys": Fault("watts (20000) that flow whatever the car ordered; negative: out of the car", _car_disobeys),
    "car_phases": Fault("how many phases (1) the car's charger uses", _car_phases),
    "car_ventilation": Fault("no value: the car asks for ventilation (state D)", _car_ventilation),
    "phase_reversed": Fault("phase (2) whose transformer at the meter is the wrong way round", _phase_reversed),
}


def inject_ac(outlet: AcOutletPlant, name: str, on: bool, value: Value = None) -> None:
    """Switch a fault. Raises KeyError for an unknown name, ValueError for a value that is no number where one is due."""
    AC_FAULTS[name].apply(outlet, on, value)
    if on:
        outlet.faults[name] = True if value is None else value
    else:
        outlet.faults.pop(name, None)
