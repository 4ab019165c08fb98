"""Rows of power module, meter and grid: their own reports, and where two of them contradict."""

from __future__ import annotations

from collections.abc import Callable

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Stage
from chargepoint.model.io import GRID_FAULTS, ModuleFault
from chargepoint.safety.interlocks.inputs import InterlockInputs
from chargepoint.safety.interlocks.row import DC_ONLY, Interlock

PHASE_LOST_SHARE = 0.5
"""A phase below this share of the nominal voltage is lost (own rule)."""


def _plausibility(i: InterlockInputs) -> str | None:
    if i.stage is not Stage.TRANSFER or i.module_voltage_V is None or i.meter_voltage_V is None:
        return None
    spread_V = abs(i.module_voltage_V - i.meter_voltage_V)
    if spread_V <= 50.0:
        return None
    return f"module {i.module_voltage_V:.0f} V, meter {i.meter_voltage_V:.0f} V: at most 50 V apart"


def _meter_current(i: InterlockInputs) -> str | None:
    """The bill comes from the meter, the current from the module: either may be wrong, and only the other can show that.

    docs/sources/safety.md 1.2: a measured current is right to 1.5 % or 0.5 A, whichever is more (CC.6.3, grade B). Two of them, read
    up to a tenth of a second apart, may differ by 5 % or 2 A, and by 2 % of the rating for a big module's zero (own rule).
    """
    if i.stage is not Stage.TRANSFER or i.module_current_A is None or i.meter_current_A is None:
        return None
    larger_A = max(abs(i.module_current_A), abs(i.meter_current_A))
    bound_A = max(2.0, 0.05 * larger_A, 0.02 * i.envelope.current_max_A)
    if abs(i.module_current_A - i.meter_current_A) <= bound_A:
        return None
    return f"module {i.module_current_A:.1f} A, meter {i.meter_current_A:.1f} A: at most {bound_A:.1f} A apart"


def _meter_energy(i: InterlockInputs) -> str | None:
    """Registers that count otherwise than the module's power adds up: a wrong unit or factor, exchanged directions."""
    if i.stage is not Stage.TRANSFER or i.energy is None:
        return None
    return i.energy.contradiction()


def _module_fault(i: InterlockInputs) -> str | None:
    """What the module reports, where it is not the grid's: that has rows of its own."""
    if i.module_kinds and i.module_kinds <= GRID_FAULTS:
        return None
    return ", ".join(i.module_faults) or None


def _module_degraded(i: InterlockInputs) -> str | None:
    return i.module_degraded or None


def _meter_alarm(i: InterlockInputs) -> str | None:
    return i.meter_alarm or None


def _grid_trip(i: InterlockInputs) -> str | None:
    return _reported(i, ModuleFault.GRID_TRIP)


def _phase_loss(i: InterlockInputs) -> str | None:
    if (reported := _reported(i, ModuleFault.PHASE_LOSS)) is not None:
        return reported
    low_V = PHASE_LOST_SHARE * i.grid.nominal_V
    lost = [number for number, voltage_V in enumerate(i.phase_voltages_V, 1) if voltage_V < low_V]
    return f"phase {lost[0]} below {low_V:.0f} V" if lost else None


def _grid_voltage(i: InterlockInputs) -> str | None:
    if (reported := _reported(i, ModuleFault.GRID_VOLTAGE)) is not None:
        return reported
    window = i.grid
    if not window.nominal_V or _phase_loss(i) is not None:
        return None
    odd_V = [v for v in i.phase_voltages_V if not window.voltage_low_V <= v <= window.voltage_high_V]
    return f"{odd_V[0]:.0f} V: {window.voltage_low_V:.0f} to {window.voltage_high_V:.0f} V" if odd_V else None


def _grid_frequency(i: InterlockInputs) -> str | None:
    if (reported := _reported(i, ModuleFault.GRID_FREQUENCY)) is not None:
        return reported
    window = i.grid
    if i.frequency_Hz is None or window.frequency_low_Hz <= i.frequency_Hz <= window.frequency_high_Hz:
        return None
    return f"{i.frequency_Hz:.2f} Hz: {window.frequency_low_Hz:g} to {window.frequency_high_Hz:g} Hz"


def _reported(i: InterlockInputs, kind: ModuleFault) -> str | None:
    return f"power module reports: {', '.join(i.module_faults) or kind.value}" if kind in i.module_kinds else None


def _at_two_outputs(i: InterlockInputs) -> str | None:
    return _reported(i, ModuleFault.TWO_OUTPUTS)


def _silent(name: str, alive: Callable[[InterlockInputs], bool]) -> Callable[[InterlockInputs], str | None]:
    return lambda i: None if alive(i) or i.process_stalled else f"no fresh answer from the {name}"


def _io_silent(i: InterlockInputs) -> str | None:
    if i.pilot_board_alive or i.process_stalled:
        return None
    return f"no fresh answer from the pilot/IO board{': ' if i.io_silent else ''}{i.io_silent}"


def _wrong_device(i: InterlockInputs) -> str | None:
    return i.identity_trouble or None


def _bus_dead(i: InterlockInputs) -> str | None:
    return i.buses_dead or None


ROWS = (
    Interlock(FaultCode.PILOT_BOARD_COMMUNICATION, "pilot/IO board silent, or its image frozen", _io_silent),
    Interlock(
        FaultCode.POWER_MODULE_COMMUNICATION,
        "power module silent",
        _silent("power module", lambda i: i.power_module_alive),
        0.0,
        DC_ONLY,
    ),
    Interlock(FaultCode.METER_COMMUNICATION, "meter silent", _silent("meter", lambda i: i.meter_alive)),
    Interlock(FaultCode.WRONG_DEVICE, "a device is not of the configured type or configuration", _wrong_device, 0.5),
    Interlock(FaultCode.BUS_DEAD, "the wire of a device is gone", _bus_dead, 2.0),
    Interlock(FaultCode.POWER_MODULE, "power module reports a fault", _module_fault, 0.0, DC_ONLY),
    Interlock(FaultCode.MODULE_DEGRADED, "one of several power modules is out", _module_degraded, 0.0, DC_ONLY),
    Interlock(
        FaultCode.MODULE_AT_TWO_OUTPUTS,
        "the matrix of a stack joins two EVSEs at one module",
        _at_two_outputs,
        0.0,
        DC_ONLY,
    ),
    Interlock(FaultCode.VOLTAGE_PLAUSIBILITY, "module and meter voltage apart", _plausibility, 5.0, DC_ONLY),
    # as the voltage's: a ramp is over long before
    Interlock(FaultCode.METER_PLAUSIBILITY, "module and meter current apart", _meter_current, 5.0, DC_ONLY),
    Interlock(
        FaultCode.METER_PLAUSIBILITY,
        "module and meter energy apart: runs backwards, or wrong factor",
        _meter_energy,
        1.0,
        DC_ONLY,
    ),
    Interlock(FaultCode.METER_FAULT, "the meter's own alarm", _meter_alarm, 0.5),
    Interlock(FaultCode.GRID_TRIP, "converter reports a grid trip or islanding", _grid_trip, 0.0, DC_ONLY),
    Interlock(FaultCode.PHASE_LOSS, "a phase is lost, by converter or meter", _phase_loss, 0.2),
    Interlock(FaultCode.GRID_VOLTAGE, "grid voltage outside its window, by converter or meter", _grid_voltage, 3.0),
    Interlock(
        FaultCode.GRID_FREQUENCY, "grid frequency outside its window, by converter or meter", _grid_frequency, 0.5
    ),
)
