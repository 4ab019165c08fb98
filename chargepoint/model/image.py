"""Reports go up: the process image of one EVSE as the power process sees it, and what happened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

from chargepoint.model.demand import Phase
from chargepoint.model.faults import FaultCleared, FaultCode, InterlockTripped
from chargepoint.model.ids import EvseId
from chargepoint.model.limits import PowerLimits


class ControlPilot(IntEnum):
    """IEC 61851-1 states; numbers are those of the generic IO map (docs/sources/hardware.md 4)."""

    UNKNOWN = 0
    A = 1
    B = 2
    C = 3
    D = 4
    E = 5
    F = 6

    @property
    def plugged(self) -> bool:
        """A car is connected."""
        return self in (ControlPilot.B, ControlPilot.C, ControlPilot.D)

    @property
    def ready(self) -> bool:
        """The car asks for energy (C, or D)."""
        return self in (ControlPilot.C, ControlPilot.D)


class Contactor(IntEnum):
    """From command and mirror contacts together."""

    UNKNOWN = 0
    OPEN = 1
    CLOSED = 2
    WELDED = 3


class Lock(IntEnum):
    """Connector lock; numbers are those of the generic IO map."""

    UNDEFINED = 0
    UNLOCKED = 1
    LOCKED = 2
    MOVING = 3
    FAULT = 4


class Stage(IntEnum):
    """Where the power sequence is (DC: IEC 61851-23 Annex CC order, docs/sources/safety.md 1.1).

    An AC outlet knows OFF, CLOSING, TRANSFER, RAMP_DOWN, OPENING and FAULTED only. In RAMP_DOWN the car is asked to draw nothing.
    """

    OFF = 0
    CABLE_CHECK = 1
    CABLE_CHECKED = 2
    PRE_CHARGE = 3
    PRE_CHARGED = 4
    TRANSFER = 5
    RAMP_DOWN = 6
    OPENING = 7
    DISCHARGING_OUTPUT = 8
    FAULTED = 9
    CLOSING = 10
    """AC: the contactor is ordered closed, and not seen closed yet."""


@dataclass(frozen=True, slots=True)
class AcReading:
    """What a meter of alternating current shows, phase by phase (1 or 3), in the order L1, L2, L3.

    `voltage_V` RMS from phase to neutral; `current_A` the active current of each phase, positive into the car; `power_W`
    active power, positive into the car, empty where the meter does not give it by phase. `frequency_Hz` None: not measured.
    """

    voltage_V: tuple[float, ...]
    current_A: tuple[float, ...]
    power_W: tuple[float, ...]
    frequency_Hz: float | None


@dataclass(frozen=True, slots=True)
class MeterRegisters:
    """One reading of the energy meter, always with both registers. The meter counts the energy, never this software.

    Import is energy into the car's side (grid to car); export is energy out of the car. Wh, >= 0, monotonic.
    `taken_at_s` monotonic second of the reading. `ac` is there for a meter of alternating current; then `voltage_V` is the mean RMS
    voltage from phase to neutral of the phases that are there, and `current_A` the signed sum of the active currents. It does not travel over the power link.
    """

    import_Wh: float
    export_Wh: float
    voltage_V: float
    current_A: float
    power_W: float
    taken_at_s: float
    alarm: str = ""
    """The meter's own alarm in words; empty while it reports none."""
    ac: AcReading | None = None


@dataclass(frozen=True, slots=True)
class AcSupply:
    """What an AC outlet offers: the car converts, the station closes the contactor, measures and protects.

    `nominal_voltage_V` > 0, RMS from phase to neutral; `nominal_frequency_Hz` > 0; `phases` 1 or 3;
    `current_max_A` >= 0, RMS in each phase. Raises ValueError for another number.
    Source: docs/sources/iso15118-20.md 1.2 and 1.3 (EVSENominalVoltage, EVSENominalFrequency, Connector).
    """

    nominal_voltage_V: float
    nominal_frequency_Hz: float
    phases: int
    current_max_A: float

    def __post_init__(self) -> None:
        if self.phases not in (1, 3):
            raise ValueError(f"phases = {self.phases}: an AC outlet has 1 or 3")
        if not (self.nominal_voltage_V > 0 and self.nominal_frequency_Hz > 0 and self.current_max_A >= 0):
            raise ValueError("an AC outlet has a voltage and a frequency above 0 and a current of at least 0")

    @property
    def power_max_W(self) -> float:
        """The power of all phases together at nominal voltage and highest current."""
        return self.phases * self.nominal_voltage_V * self.current_max_A

    def within(self, other: AcSupply) -> AcSupply:
        """What both offer: fewer phases, the lower current. The nominal values are those of this outlet."""
        return AcSupply(
            nominal_voltage_V=self.nominal_voltage_V,
            nominal_frequency_Hz=self.nominal_frequency_Hz,
            phases=min(self.phases, other.phases),
            current_max_A=min(self.current_max_A, other.current_max_A),
        )


@dataclass(frozen=True, slots=True)
class StageCapabilities(PowerLimits):
    """What the power stage can do now: ratings after derating. `ac` is None at a DC outlet."""

    ac: AcSupply | None = None

    def within(self, *others: PowerLimits) -> Self:
        """The narrower bound of each pair. Of two AC supplies what both offer; a supply that only the other has does not count."""
        narrowed = PowerLimits.within(self, *others)
        for other in others:
            if isinstance(other, StageCapabilities) and narrowed.ac is not None and other.ac is not None:
                narrowed = replace(narrowed, ac=narrowed.ac.within(other.ac))
        return narrowed


@dataclass(frozen=True, slots=True)
class EvseImage:
    """One EVSE as the power process saw it at `taken_at_s` (CLOCK_MONOTONIC is one clock for both processes).

    A value that is not known or too old is None. `applied_W` is where the ramp is now, `target_W` where it goes.
    `limited_by_stage` gives in a word the reason why the target is below the demand ("" if it is not).
    At an AC outlet `voltage_V` is RMS from phase to neutral, and `current_A` is the signed sum of the active currents of
    all phases. `frequency_Hz` is the measured frequency of the grid; None where nothing measures it.
    """

    evse_id: EvseId
    seq: int
    taken_at_s: float
    demand_seq: int
    phase: Phase
    stage: Stage
    pilot: ControlPilot
    duty_percent: float | None
    contactor: Contactor
    lock: Lock
    voltage_V: float | None
    current_A: float | None
    applied_W: float
    target_W: float
    limited_by_stage: str
    insulation_ohm: float | None
    meter: MeterRegisters | None
    temperature_degC: float | None
    capabilities: StageCapabilities | None
    faults: frozenset[FaultCode]
    permitted: bool
    """No interlock forbids power at this moment."""
    frequency_Hz: float | None = None

    @property
    def power_W(self) -> float | None:
        """Measured output power, positive into the car."""
        if self.voltage_V is None or self.current_A is None:
            return None
        return self.voltage_V * self.current_A


@dataclass(frozen=True, slots=True)
class TokenPresented:
    """A token reader on one of the station's buses saw a token."""

    evse_id: EvseId
    value: str
    at_s: float


@dataclass(frozen=True, slots=True)
class BusHealth:
    """One bus: counters since start, and whether it is there."""

    name: str
    ok: int
    timeouts: int
    crc_errors: int
    mismatches: int
    late: int
    connected: bool
    trouble: str = ""
    """In words why the wire is not there, or what a driver on it could not do; empty while all is well."""


PowerEvent = InterlockTripped | FaultCleared | TokenPresented
"""What the power process reports when it happens. The image reports the state."""
