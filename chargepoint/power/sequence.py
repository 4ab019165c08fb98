"""The contract of a power sequence: what it sees in a cycle, what it orders, and what the interlocks ask of it.

`dc_sequence.py` and `ac_sequence.py` fulfil it; the stage does not know which of them it has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from chargepoint.model.demand import StageDemand
from chargepoint.model.faults import FaultCode, Severity
from chargepoint.model.image import Contactor, ControlPilot, Lock, Stage
from chargepoint.ports import InsulationState, IoCommand, PowerModuleCapabilities, PowerModuleCommand


@dataclass(frozen=True, slots=True)
class SequenceInputs:
    """What the sequence sees in one cycle. None: not known or too old. `demand` None: no valid lease."""

    now_s: float
    demand: StageDemand | None
    severity: Severity | None
    pilot: ControlPilot
    lock: Lock
    contactor: Contactor
    voltage_V: float | None
    current_A: float | None
    insulation: InsulationState | None
    capabilities: PowerModuleCapabilities | None
    temperature_degC: float | None
    insulation_taken_at_s: float | None = None
    """When the monitor measured what `insulation` shows; None: in this cycle."""
    frequency_Hz: float | None = None
    meter_current_A: float | None = None
    """A second witness of no current, should the module have fallen silent."""
    temperature_share: float = 1.0
    """Of the rated current, that may flow with the temperature sensors that are left."""
    wait_for_current: bool = False
    """In this emergency the contactor may stay closed for `LOAD_WAIT_S` after the module was ordered off."""
    off_demanded: bool = False
    """Since the last cycle a demand for OFF came, whatever came after it."""
    open_now: bool = False
    """The request to close is withdrawn at once, whatever flows: the contactor opened by itself, or the orders are stale."""


@dataclass(frozen=True, slots=True)
class SequenceOutputs:
    """What is commanded. `failures` are to be latched by the caller before the next cycle."""

    stage: Stage
    io: IoCommand
    module: PowerModuleCommand
    insulation_measuring: bool
    insulation_self_test: bool
    target_W: float
    applied_W: float
    limited_by: str
    failures: dict[FaultCode, str] = field(default_factory=dict)


class PowerSequence(Protocol):
    """One EVSE's sequence. Pure: `step` is called each cycle, and nothing in it waits."""

    @property
    def stage(self) -> Stage:
        """Where it is."""

    @property
    def commanded_current_A(self) -> float:
        """What is commanded now, signed; 0 at an AC outlet, where the car converts."""

    @property
    def allowed_current_A(self) -> float:
        """What would be commanded if the battery were not at its floor, signed."""

    @property
    def waits_for_current(self) -> bool:
        """The contactor stays closed for milliseconds, until the current has fallen: each new reading counts at once."""

    @property
    def charge_voltage_V(self) -> float:
        """The highest output voltage of this pre-charge or transfer; 0 while nothing was named."""

    def step(self, i: SequenceInputs) -> SequenceOutputs:
        """One cycle: trips first, then a withdrawn demand, then the stage's own work."""
