"""Faults: what tripped or failed, how severe, how it may be reset. The catalogue every surface quotes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from chargepoint.model.ids import EvseId


class Severity(Enum):
    """EMERGENCY: contactor opens now, pilot off. ERROR: ramp to zero fast, then open. WARNING: derate or only report.

    Source: docs/sources/safety.md 6 (severity belongs to the error, the class of shutdown follows from it).
    """

    EMERGENCY = "emergency"
    ERROR = "error"
    WARNING = "warning"


class ResetRule(Enum):
    """When a latched fault may clear, once its cause is gone and the output is off.

    AUTO at once; RESTING when moreover the pilot shows A or B and the contactor is seen open; UNPLUG when the car was
    seen gone (state A) at any time since the trip; OPERATOR only by a person, or by the central system's Reset.
    """

    AUTO = "auto"
    RESTING = "resting"
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
    PROCESS_STALLED = 29
    PILOT_BOARD_SUPPLY = 30
    PROXIMITY = 31
    OUTPUT_NOT_DISCHARGED = 32
    CONTACTOR_OPENED = 33
    LATCH_RECORD = 34
    TEMPERATURE_UNKNOWN = 35
    TEMPERATURE_SENSOR = 36
    PILOT_BOARD_FAULT = 37


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A catalogue row: severity, reset rule, and what a person reads and does."""

    severity: Severity
    reset: ResetRule
    title: str
    remedy: str


def _row(severity: Severity, reset: ResetRule, title: str, remedy: str) -> FaultKind:
    return FaultKind(severity, reset, title, remedy)


_E, _R, _W = Severity.EMERGENCY, Severity.ERROR, Severity.WARNING

CATALOGUE: dict[FaultCode, FaultKind] = {
    FaultCode.LEASE_LOST: _row(
        _R, ResetRule.AUTO, "demand not renewed", "one of the two processes stopped: see the journal of both units"
    ),
    FaultCode.EMERGENCY_STOP: _row(
        _E, ResetRule.OPERATOR, "emergency stop", "release the button, then reset the station"
    ),
    FaultCode.OVER_VOLTAGE_EMERGENCY: _row(
        _E, ResetRule.OPERATOR, "output over-voltage (IEC 61851-23 Table 103)", "inspect module and wiring before reset"
    ),
    FaultCode.OVER_VOLTAGE: _row(
        _R,
        ResetRule.AUTO,
        "output above the car's maximum voltage",
        "the car lowered its maximum below the present voltage; if not, compare module and meter voltage",
    ),
    FaultCode.OVER_CURRENT: _row(
        _E, ResetRule.OPERATOR, "output over-current", "check the module's current measurement"
    ),
    FaultCode.INSULATION: _row(
        _R, ResetRule.UNPLUG, "insulation below limit", "unplug; dry and inspect cable and inlet"
    ),
    FaultCode.INSULATION_MONITOR: _row(
        _R,
        ResetRule.AUTO,
        "insulation monitor faulty or silent",
        "check its supply and bus address; after a failed self-test reset the station, which runs it again",
    ),
    FaultCode.CONTACTOR_WELDED: _row(
        _E, ResetRule.OPERATOR, "contactor did not open", "replace the contactor; isolate the charger first"
    ),
    FaultCode.CONTACTOR_NOT_CLOSED: _row(
        _R, ResetRule.UNPLUG, "contactor did not close", "check coil supply and mirror contact"
    ),
    FaultCode.CONTACTOR_OPENED: _row(
        _E,
        ResetRule.UNPLUG,
        "contactor opened without an order",
        "unplug; check coil supply, mirror contacts and safety chain: a contactor breaks a current about three times",
    ),
    FaultCode.PILOT_LOST: _row(
        _E, ResetRule.RESTING, "control pilot left C/D under power", "unplug; check the pilot line"
    ),
    FaultCode.POWER_MODULE: _row(
        _R, ResetRule.AUTO, "power module reports a fault", "read the module's own fault list"
    ),
    FaultCode.POWER_MODULE_COMMUNICATION: _row(
        _R, ResetRule.AUTO, "power module silent", "check RS-485 wiring, address, termination"
    ),
    FaultCode.METER_COMMUNICATION: _row(
        _R, ResetRule.AUTO, "meter silent", "check RS-485 wiring, address, termination"
    ),
    FaultCode.PILOT_BOARD_COMMUNICATION: _row(_E, ResetRule.AUTO, "pilot/IO board silent", "check its supply and bus"),
    FaultCode.CABLE_CHECK: _row(_R, ResetRule.UNPLUG, "cable check failed", "unplug; test with another cable or car"),
    FaultCode.PRE_CHARGE: _row(
        _R, ResetRule.UNPLUG, "pre-charge voltage not reached", "unplug; check the module's output"
    ),
    FaultCode.DOOR_OPEN: _row(_E, ResetRule.AUTO, "cabinet door open", "close the door"),
    FaultCode.OVER_TEMPERATURE: _row(_R, ResetRule.AUTO, "too hot", "check fans, filters and connector contacts"),
    FaultCode.RCD: _row(_E, ResetRule.OPERATOR, "residual-current device tripped", "find the leakage before reset"),
    FaultCode.HARDWARE_CHAIN_OPEN: _row(
        _E, ResetRule.OPERATOR, "hardware safety chain open", "find which element opened it"
    ),
    FaultCode.PILOT_BOARD_WATCHDOG: _row(
        _R, ResetRule.AUTO, "pilot/IO board lost its host", "see why the power process stalled"
    ),
    FaultCode.CONNECTOR_LOCK: _row(_R, ResetRule.UNPLUG, "connector lock failed", "check the lock actuator"),
    FaultCode.VOLTAGE_PLAUSIBILITY: _row(
        _R, ResetRule.UNPLUG, "voltage readings disagree", "compare module and meter voltage"
    ),
    FaultCode.REVERSE_CURRENT: _row(
        _R, ResetRule.UNPLUG, "current flows against the setpoint", "check module direction and meter polarity"
    ),
    FaultCode.PILOT_DIODE: _row(
        _R, ResetRule.UNPLUG, "no diode in the pilot circuit", "unplug; the car or cable is faulty"
    ),
    FaultCode.CURRENT_EXCEEDED: _row(
        _R, ResetRule.UNPLUG, "more current than commanded", "check the module's set-points and its current measurement"
    ),
    FaultCode.METER_PLAUSIBILITY: _row(
        _R,
        ResetRule.OPERATOR,
        "meter and power module disagree",
        "compare both at a known load; correct or exchange the wrong one before reset: what is billed comes from the meter",
    ),
    FaultCode.NO_CURRENT: _row(
        _R,
        ResetRule.AUTO,
        "no current flows though it is asked for",
        "the car has opened its contactors or its battery is at its end; if not, check the module",
    ),
    FaultCode.PROCESS_STALLED: _row(
        _R, ResetRule.AUTO, "power process stalled", "see what held it up: load, memory, a debugger; [power] realtime"
    ),
    FaultCode.PILOT_BOARD_SUPPLY: _row(
        _E, ResetRule.AUTO, "pilot/IO board opened for its supply", "check the board's supply voltage"
    ),
    FaultCode.PILOT_BOARD_FAULT: _row(
        _E,
        ResetRule.OPERATOR,
        "pilot/IO board latched a fault that this software does not know",
        "read the board's own documentation; update this software or the board's firmware before reset",
    ),
    FaultCode.PROXIMITY: _row(_R, ResetRule.UNPLUG, "proximity contact faulty", "unplug; check connector and cable"),
    FaultCode.OUTPUT_NOT_DISCHARGED: _row(
        _R,
        ResetRule.OPERATOR,
        "voltage left at the output after the discharge",
        "isolate the charger; check contactor, discharge resistor and module before reset",
    ),
    FaultCode.TEMPERATURE_UNKNOWN: _row(
        _R,
        ResetRule.AUTO,
        "no contact temperature is known",
        'check both contact sensors and their wires; a charger without any: [evse.N] temperature = "none"',
    ),
    FaultCode.TEMPERATURE_SENSOR: _row(
        _W,
        ResetRule.AUTO,
        "a contact temperature sensor is lost, at most half the current flows",
        "check the sensor and its wire",
    ),
    FaultCode.LATCH_RECORD: _row(
        _R,
        ResetRule.OPERATOR,
        "record of latched faults unusable",
        "see [power] state_dir and its owner; inspect the station for the faults that may be lost, then reset it",
    ),
    FaultCode.INTERNAL: _row(
        _E,
        ResetRule.OPERATOR,
        "defect in the power process",
        "collect the journal and report it, then reset the station",
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
    """A latched fault's cause is gone and its reset rule was met. `author`: who asked for the reset, empty if nobody did."""

    evse_id: EvseId
    code: FaultCode
    at_s: float
    author: str = ""
