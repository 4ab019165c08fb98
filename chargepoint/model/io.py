"""Words for the hardware of one connector: what safety inputs watch, what boards latch, what power modules report. Closed lists."""

from __future__ import annotations

from enum import Enum


class SafetyInput(Enum):
    """What a digital input watches. Each is closed while all is well; a broken wire shows it open."""

    EMERGENCY_CHAIN = "emergency_chain"
    DOOR = "door"
    INSULATION_RELAY = "insulation_relay"
    RCD = "rcd"
    SURGE_ARRESTER = "surge_arrester"
    FAN = "fan"
    TILT = "tilt"
    HARDWARE_CHAIN = "hardware_chain"
    """The whole hard-wired safety chain, in series."""


class BoardFault(Enum):
    """What a pilot/IO board latches by itself, with its own name for it. Source: docs/sources/hardware.md 4.

    DOOR, RCD, CHAIN and OPENED are this project's addition; an older board leaves them out (docs/hardware.md).
    """

    WELD = "weld"
    NO_CLOSE = "no_close"
    DIODE = "diode"
    PILOT_SHORT = "cp_short"
    PROXIMITY = "pp"
    EMERGENCY_STOP = "e_stop"
    WATCHDOG = "watchdog"
    OVER_TEMPERATURE = "over_temperature"
    LOCK = "lock"
    SUPPLY = "supply"
    DOOR = "door"
    RCD = "rcd"
    CHAIN = "chain"
    OPENED = "opened"
    UNKNOWN = "unknown"
    """A bit that this software does not know: of a later firmware."""


class ModuleFault(Enum):
    """What kind of fault a power module reports, as far as its driver knows. The module's own words stand beside it."""

    HARDWARE = "hardware"
    OVER_TEMPERATURE = "over-temperature"
    OUTPUT_OVER_VOLTAGE = "output over-voltage"
    OUTPUT_OVER_CURRENT = "output over-current"
    SHORT_CIRCUIT = "short circuit at the output"
    FAN = "fan"
    COMMUNICATION = "communication inside the module"
    GRID_TRIP = "grid trip"
    PHASE_LOSS = "phase loss"
    GRID_VOLTAGE = "grid voltage"
    GRID_FREQUENCY = "grid frequency"
    TWO_OUTPUTS = "connected to two outputs"
    """Of a module in a stack: the contactors of the matrix join two EVSEs."""


GRID_FAULTS = frozenset(
    {ModuleFault.GRID_TRIP, ModuleFault.PHASE_LOSS, ModuleFault.GRID_VOLTAGE, ModuleFault.GRID_FREQUENCY}
)
"""What the grid did, and not the module."""
