"""Faults: what tripped or failed, how severe, how it may be reset. The catalogue every surface quotes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from chargepoint.model.ids import EvseId
from chargepoint.model.transactions import StopReason


class Severity(Enum):
    """What the station does.

    EMERGENCY: module off, contactor open, pilot off. ERROR: ramp to zero fast, then open. STOP: the car is asked to end; nothing
    new begins; after `CONTROLLED_STOP_S` the fault counts as an ERROR. DERATE: less current flows. WARNING: only reported.

    Source: docs/sources/safety.md 6 (severity belongs to the error, the class of shutdown follows from it).
    """

    EMERGENCY = "emergency"
    ERROR = "error"
    STOP = "stop"
    DERATE = "derate"
    WARNING = "warning"


CONTROLLED_STOP_S = 30.0
"""How long a car may take to end its session after a STOP; the daemon's own deadline is 20 s (docs/sources/safety.md 3)."""


class ResetRule(Enum):
    """When a latched fault may clear, once its cause is gone and the output is off.

    AUTO at once; RESTING when moreover the pilot shows A or B and the contactor is seen open; UNPLUG when the car was
    seen gone (state A) at any time since the trip; OPERATOR only by a person, or by the central system's Reset unless the code
    is in `ON_SITE`.
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
    TILT = 38
    SURGE_ARRESTER = 39
    FAN = 40
    PILOT_SHORT = 41
    PILOT_DUTY = 42
    RELAY_STUCK = 43
    CONTACTOR_WORN = 44
    MODULE_TEMPERATURE = 45
    CABINET_TEMPERATURE = 46
    VOLTAGE_TO_EARTH = 47
    SHORT_CIRCUIT = 48
    CHECK_OVER_CURRENT = 49
    GRID_TRIP = 50
    PHASE_LOSS = 51
    GRID_VOLTAGE = 52
    GRID_FREQUENCY = 53
    METER_FAULT = 54
    MODULE_NOT_FOLLOWING = 55
    BUS_DEAD = 56
    CYCLE_OVERRUN = 57
    WRONG_DEVICE = 58
    MODULE_DEGRADED = 59
    MODULE_AT_TWO_OUTPUTS = 60
    VENTILATION = 61
    ISLANDING = 62


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A catalogue row: what the station does, who may reset it, what a person reads and does, and how a transaction ends by it."""

    severity: Severity
    reset: ResetRule
    title: str
    remedy: str
    stop_reason: StopReason = StopReason.OTHER


LOAD_WAIT_S = 0.015
"""How long the contactor may stay closed after the module was ordered off, so that it does not break the current. With the
detection and the contactor's own time it stays within the 100 ms of IEC 61851-1 Table A.6 (docs/sources/safety.md 2, grade B)."""

MAY_WAIT_FOR_CURRENT = frozenset({FaultCode.PILOT_LOST, FaultCode.PILOT_SHORT, FaultCode.OVER_CURRENT})
"""Emergencies in which the contactor opens `LOAD_WAIT_S` after the module at the latest. In all others the hard-wired chain has
opened already, or a voltage is to be cut off: the order to open goes out at once."""


ON_SITE = frozenset(
    {
        FaultCode.EMERGENCY_STOP,
        FaultCode.OVER_VOLTAGE_EMERGENCY,
        FaultCode.OVER_CURRENT,
        FaultCode.CONTACTOR_WELDED,
        FaultCode.RCD,
        FaultCode.HARDWARE_CHAIN_OPEN,
        FaultCode.METER_PLAUSIBILITY,
        FaultCode.OUTPUT_NOT_DISCHARGED,
        FaultCode.TILT,
        FaultCode.RELAY_STUCK,
        FaultCode.MODULE_AT_TWO_OUTPUTS,
    }
)
"""Faults after which a person looks at the station before power may flow again: the central system's Reset leaves them (own rule;
who pressed an emergency stop may still stand there)."""

CENTRAL_SYSTEM = "central system"
"""The author of a reset that comes from afar."""


def _row(
    severity: Severity, reset: ResetRule, title: str, remedy: str, stop_reason: StopReason = StopReason.OTHER
) -> FaultKind:
    return FaultKind(severity, reset, title, remedy, stop_reason)


_E, _R, _S, _D, _W = Severity.EMERGENCY, Severity.ERROR, Severity.STOP, Severity.DERATE, Severity.WARNING

CATALOGUE: dict[FaultCode, FaultKind] = {
    FaultCode.LEASE_LOST: _row(
        _R, ResetRule.AUTO, "demand not renewed", "one of the two processes stopped: see the journal of both units"
    ),
    FaultCode.EMERGENCY_STOP: _row(
        _E,
        ResetRule.OPERATOR,
        "emergency stop",
        "release the button, then reset the station",
        StopReason.EMERGENCY_STOP,
    ),
    FaultCode.OVER_VOLTAGE_EMERGENCY: _row(
        _E,
        ResetRule.OPERATOR,
        "output over-voltage (IEC 61851-23 Table 103)",
        "inspect module and wiring before reset",
        StopReason.POWER_QUALITY,
    ),
    FaultCode.OVER_VOLTAGE: _row(
        _R,
        ResetRule.AUTO,
        "output above the car's maximum voltage",
        "the car lowered its maximum below the present voltage; if not, compare module and meter voltage",
        StopReason.POWER_QUALITY,
    ),
    FaultCode.OVER_CURRENT: _row(
        _E,
        ResetRule.OPERATOR,
        "output over-current",
        "check the module's current measurement",
        StopReason.OVERCURRENT_FAULT,
    ),
    FaultCode.INSULATION: _row(
        _R,
        ResetRule.UNPLUG,
        "insulation below limit",
        "unplug; dry and inspect cable and inlet",
        StopReason.GROUND_FAULT,
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
    FaultCode.RCD: _row(
        _E,
        ResetRule.OPERATOR,
        "residual-current device tripped",
        "find the leakage before reset",
        StopReason.GROUND_FAULT,
    ),
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
        _R,
        ResetRule.UNPLUG,
        "current flows against the setpoint",
        "check module direction and meter polarity; at an AC outlet the car fed unasked",
    ),
    FaultCode.PILOT_DIODE: _row(
        _R, ResetRule.UNPLUG, "no diode in the pilot circuit", "unplug; the car or cable is faulty"
    ),
    FaultCode.CURRENT_EXCEEDED: _row(
        _R,
        ResetRule.UNPLUG,
        "more current than commanded",
        "check the module's set-points and its current measurement; at an AC outlet the car did not obey",
        StopReason.OVERCURRENT_FAULT,
    ),
    FaultCode.METER_PLAUSIBILITY: _row(
        _R,
        ResetRule.OPERATOR,
        "meter contradicts the power module or itself",
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
        _D,
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
    FaultCode.TILT: _row(
        _E, ResetRule.OPERATOR, "charger tilted", "see whether a vehicle hit it; inspect it before reset"
    ),
    FaultCode.SURGE_ARRESTER: _row(
        _S,
        ResetRule.AUTO,
        "surge arrester at its end",
        "replace the arrester; the charger is unprotected against surges",
    ),
    FaultCode.FAN: _row(
        _D, ResetRule.AUTO, "fan faulty, at most half the current flows", "check the fan and its filter"
    ),
    FaultCode.PILOT_SHORT: _row(
        _E, ResetRule.RESTING, "control pilot short-circuited", "unplug; check the pilot wire against protective earth"
    ),
    FaultCode.PILOT_DUTY: _row(
        _R, ResetRule.UNPLUG, "pilot duty is not the ordered one", "check the pilot/IO board's generator and its wiring"
    ),
    FaultCode.RELAY_STUCK: _row(
        _R,
        ResetRule.OPERATOR,
        "relay closed although ordered open",
        "isolate the charger; replace the pre-charge or discharge relay before reset",
    ),
    FaultCode.CONTACTOR_WORN: _row(
        _W,
        ResetRule.AUTO,
        "contactor worn",
        "inspect the contactor, and replace it if its contacts are burnt or its rated operations are done; "
        "then `chargepoint reset --contactor-wear --evse N`",
    ),
    FaultCode.MODULE_TEMPERATURE: _row(
        _R, ResetRule.AUTO, "power module too hot", "check its fans and filters, and the air of the cabinet"
    ),
    FaultCode.CABINET_TEMPERATURE: _row(
        _R, ResetRule.AUTO, "cabinet too hot", "check fans, filters and shade; bounds in [power]"
    ),
    FaultCode.VOLTAGE_TO_EARTH: _row(
        _R,
        ResetRule.UNPLUG,
        "voltage between a pole and protective earth too high",
        "unplug; look for an earth fault in cable and car",
        StopReason.GROUND_FAULT,
    ),
    FaultCode.SHORT_CIRCUIT: _row(
        _R,
        ResetRule.UNPLUG,
        "short circuit in cable or connector",
        "unplug; inspect the cable before the next car",
        StopReason.OVERCURRENT_FAULT,
    ),
    FaultCode.CHECK_OVER_CURRENT: _row(
        _E,
        ResetRule.OPERATOR,
        "more than 2 A before the transfer",
        "check the module's current limit; inspect cable and connector before reset",
        StopReason.OVERCURRENT_FAULT,
    ),
    FaultCode.GRID_TRIP: _row(
        _R, ResetRule.AUTO, "converter tripped by the grid", "wait until the grid is back", StopReason.POWER_LOSS
    ),
    FaultCode.PHASE_LOSS: _row(_R, ResetRule.AUTO, "phase lost", "check the supply's fuses", StopReason.POWER_LOSS),
    FaultCode.GRID_VOLTAGE: _row(
        _R,
        ResetRule.AUTO,
        "grid voltage outside its window",
        "wait; else ask the grid operator",
        StopReason.POWER_QUALITY,
    ),
    FaultCode.GRID_FREQUENCY: _row(
        _R,
        ResetRule.AUTO,
        "grid frequency outside its window",
        "wait; else ask the grid operator",
        StopReason.POWER_QUALITY,
    ),
    FaultCode.METER_FAULT: _row(
        _R,
        ResetRule.AUTO,
        "meter reports an alarm",
        "read the meter's display; exchange a faulty meter: it makes the bill",
    ),
    FaultCode.MODULE_NOT_FOLLOWING: _row(
        _R,
        ResetRule.AUTO,
        "power module gives less than it is ordered",
        "read the module's own limits and derating; compare its current with the meter's",
    ),
    FaultCode.BUS_DEAD: _row(
        _R, ResetRule.AUTO, "wire of a device is gone", "check that the adapter is plugged in, and the port of the bus"
    ),
    FaultCode.CYCLE_OVERRUN: _row(
        _W, ResetRule.AUTO, "power process late again and again", "see what loads the machine; [power] realtime"
    ),
    FaultCode.WRONG_DEVICE: _row(
        _R,
        ResetRule.AUTO,
        "a device is not the configured one",
        "compare unit number, profile and firmware with the file",
    ),
    FaultCode.MODULE_DEGRADED: _row(
        _D, ResetRule.AUTO, "a power module is out, the others go on", "read that module's own fault list"
    ),
    FaultCode.MODULE_AT_TWO_OUTPUTS: _row(
        _E,
        ResetRule.OPERATOR,
        "a power module is connected to two outputs",
        "find the contactor of the matrix that is welded or wrongly wired, then reset the station",
    ),
    FaultCode.VENTILATION: _row(
        _R,
        ResetRule.RESTING,
        "car asks for ventilation, and there is none",
        "unplug; this car may charge in the open or where [evse.N] ventilated = true",
    ),
    FaultCode.ISLANDING: _row(
        _E,
        ResetRule.AUTO,
        "grid gone while the car fed it",
        "wait until the grid is back; if it was never gone, compare the window of [grid] with the meter's display",
        StopReason.POWER_LOSS,
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
