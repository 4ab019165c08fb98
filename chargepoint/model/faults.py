"""Faults: what tripped or failed, how severe, how it may be reset. The catalogue every surface quotes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from chargepoint.model.ids import EvseId


class Severity(Enum):
    """EMERGENCY: contactor opens now, pilot off. ERROR: ramp to zero fast, then open. WARNING: derate or tell.

    Source: docs/sources/safety.md 6 (severity belongs to the error, the class of shutdown follows from it).
    """

    EMERGENCY = "emergency"
    ERROR = "error"
    WARNING = "warning"


class Reset(Enum):
    """When a latched fault may clear: AUTO as soon as its cause is gone, UNPLUG with the next state A, OPERATOR only by
    a person (or the central system's Reset) once its cause is gone."""

    AUTO = "auto"
    UNPLUG = "unplug"
    OPERATOR = "operator"


class FaultCode(IntEnum):
    """Numbers are bit positions in the link's fault mask (0..63): append only."""

    LEASE_LOST = 0
    EMERGENCY_STOP = 1
    OVER_VOLTAGE_EMERGENCY = 2
    OVER_VOLTAGE = 3
    OVER_CURRENT = 4
    INSULATION = 5
    INSULATION_MONITOR = 6
    CONTACTOR_WELDED = 7
    CONTACTOR_NOT_CLOSED = 8
    PILOT_LOST = 9
    POWER_MODULE = 10
    POWER_MODULE_COMMUNICATION = 11
    METER_COMMUNICATION = 12
    PILOT_BOARD_COMMUNICATION = 13
    CABLE_CHECK = 14
    PRE_CHARGE = 15
    DOOR_OPEN = 16
    OVER_TEMPERATURE = 17
    RCD = 18
    HARDWARE_CHAIN_OPEN = 19
    PILOT_BOARD_WATCHDOG = 20
    CONNECTOR_LOCK = 21
    VOLTAGE_PLAUSIBILITY = 22
    REVERSE_CURRENT = 23
    PILOT_DIODE = 24
    INTERNAL = 25
    CURRENT_EXCEEDED = 26
    METER_PLAUSIBILITY = 27
    NO_CURRENT = 28
    STOOD_STILL = 29
    PILOT_BOARD_SUPPLY = 30
    PROXIMITY = 31
    OUTPUT_NOT_DISCHARGED = 32


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A catalogue row: severity, reset rule, and what a person reads and does."""

    severity: Severity
    reset: Reset
    title: str
    remedy: str


def _row(severity: Severity, reset: Reset, title: str, remedy: str) -> FaultKind:
    return FaultKind(severity, reset, title, remedy)


_E, _R, _W = Severity.EMERGENCY, Severity.ERROR, Severity.WARNING

CATALOGUE: dict[FaultCode, FaultKind] = {
    FaultCode.LEASE_LOST: _row(
        _R, Reset.AUTO, "demand not renewed", "one of the two processes stopped: see the journal of both units"
    ),
    FaultCode.EMERGENCY_STOP: _row(_E, Reset.OPERATOR, "emergency stop", "release the button, then reset the station"),
    FaultCode.OVER_VOLTAGE_EMERGENCY: _row(
        _E, Reset.OPERATOR, "output over-voltage (IEC 61851-23 Table 103)", "inspect module and wiring before reset"
    ),
    FaultCode.OVER_VOLTAGE: _row(
        _R, Reset.UNPLUG, "output above the car's maximum voltage", "unplug; compare module and meter voltage"
    ),
    FaultCode.OVER_CURRENT: _row(_E, Reset.OPERATOR, "output over-current", "check the module's current measurement"),
    FaultCode.INSULATION: _row(_R, Reset.UNPLUG, "insulation below limit", "unplug; dry and inspect cable and inlet"),
    FaultCode.INSULATION_MONITOR: _row(
        _R,
        Reset.AUTO,
        "insulation monitor faulty or silent",
        "check its supply and bus address; after a failed self-test reset the station, which runs it again",
    ),
    FaultCode.CONTACTOR_WELDED: _row(
        _E, Reset.OPERATOR, "contactor did not open", "replace the contactor; isolate the charger first"
    ),
    FaultCode.CONTACTOR_NOT_CLOSED: _row(
        _R, Reset.UNPLUG, "contactor did not close", "check coil supply and mirror contact"
    ),
    FaultCode.PILOT_LOST: _row(_E, Reset.UNPLUG, "control pilot left C/D under power", "unplug; check the pilot line"),
    FaultCode.POWER_MODULE: _row(_R, Reset.AUTO, "power module reports a fault", "read the module's own fault list"),
    FaultCode.POWER_MODULE_COMMUNICATION: _row(
        _R, Reset.AUTO, "power module silent", "check RS-485 wiring, address, termination"
    ),
    FaultCode.METER_COMMUNICATION: _row(_R, Reset.AUTO, "meter silent", "check RS-485 wiring, address, termination"),
    FaultCode.PILOT_BOARD_COMMUNICATION: _row(_E, Reset.AUTO, "pilot/IO board silent", "check its supply and bus"),
    FaultCode.CABLE_CHECK: _row(_R, Reset.UNPLUG, "cable check failed", "unplug; test with another cable or car"),
    FaultCode.PRE_CHARGE: _row(_R, Reset.UNPLUG, "pre-charge voltage not reached", "unplug; check the module's output"),
    FaultCode.DOOR_OPEN: _row(_E, Reset.AUTO, "cabinet door open", "close the door"),
    FaultCode.OVER_TEMPERATURE: _row(_R, Reset.AUTO, "too hot", "check fans, filters and connector contacts"),
    FaultCode.RCD: _row(_E, Reset.OPERATOR, "residual-current device tripped", "find the leakage before reset"),
    FaultCode.HARDWARE_CHAIN_OPEN: _row(
        _E, Reset.OPERATOR, "hardware safety chain open", "find which element opened it"
    ),
    FaultCode.PILOT_BOARD_WATCHDOG: _row(
        _R, Reset.AUTO, "pilot/IO board lost its host", "see why the power process stalled"
    ),
    FaultCode.CONNECTOR_LOCK: _row(_R, Reset.UNPLUG, "connector lock failed", "check the lock actuator"),
    FaultCode.VOLTAGE_PLAUSIBILITY: _row(
        _R, Reset.UNPLUG, "voltage readings disagree", "compare module and meter voltage"
    ),
    FaultCode.REVERSE_CURRENT: _row(
        _R, Reset.UNPLUG, "current flows against the setpoint", "check module direction and meter polarity"
    ),
    FaultCode.PILOT_DIODE: _row(
        _R, Reset.UNPLUG, "no diode in the pilot circuit", "unplug; the car or cable is faulty"
    ),
    FaultCode.CURRENT_EXCEEDED: _row(
        _R, Reset.UNPLUG, "more current than commanded", "check the module's set-points and its current measurement"
    ),
    FaultCode.METER_PLAUSIBILITY: _row(
        _R,
        Reset.OPERATOR,
        "meter and power module disagree",
        "compare both at a known load; correct or exchange the wrong one before reset: what is billed comes from the meter",
    ),
    FaultCode.NO_CURRENT: _row(
        _R,
        Reset.AUTO,
        "no current flows though it is asked for",
        "the car has opened its contactors or its battery is at its end; if not, check the module",
    ),
    FaultCode.STOOD_STILL: _row(
        _R, Reset.AUTO, "power process stood still", "see what held it up: load, memory, a debugger; [power] realtime"
    ),
    FaultCode.PILOT_BOARD_SUPPLY: _row(
        _E, Reset.AUTO, "pilot/IO board opened for its supply", "check the board's supply voltage"
    ),
    FaultCode.PROXIMITY: _row(_R, Reset.UNPLUG, "proximity contact faulty", "unplug; check connector and cable"),
    FaultCode.OUTPUT_NOT_DISCHARGED: _row(
        _R,
        Reset.OPERATOR,
        "voltage left at the output after the discharge",
        "isolate the charger; check contactor, discharge resistor and module before reset",
    ),
    FaultCode.INTERNAL: _row(
        _E, Reset.OPERATOR, "defect in the power process", "collect the journal and report it, then reset the station"
    ),
}


@dataclass(frozen=True, slots=True)
class InterlockTripped:
    """An interlock or a step of the sequence stopped power. `at_s` monotonic; `detail` names value and bound."""

    evse_id: EvseId
    code: FaultCode
    at_s: float
    detail: str


@dataclass(frozen=True, slots=True)
class FaultCleared:
    """A latched fault's cause is gone and its reset rule was met."""

    evse_id: EvseId
    code: FaultCode
    at_s: float
