"""One outlet as bring-up and self-test see it: what its devices show now, and what is ordered of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chargepoint.model.demand import PilotCommand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import ControlPilot, Lock, MeterRegisters
from chargepoint.model.indicator import Lamp
from chargepoint.model.io import BoardFault, SafetyInput
from chargepoint.ports import (
    ContactorState,
    InsulationState,
    IoCommand,
    PilotReading,
    PowerModuleCapabilities,
    PowerModuleCommand,
    PowerModuleState,
)

Link = tuple[str, EvseId]

AT_REST = IoCommand(pilot=PilotCommand.X1)
"""Everything off, and the pilot at +12 V: with pilot F nobody sees whether a car is plugged in."""

MODULE_OFF = PowerModuleCommand()


@dataclass(frozen=True, slots=True)
class OutletReadings:
    """What is known at this moment; None: the part is not there, is silent, or its value is too old to decide by."""

    now_s: float
    outlet: str = "dc"
    pilot: PilotReading | None = None
    contactor: ContactorState | None = None
    lock: Lock | None = None
    discharge_closed: bool | None = None
    open_inputs: frozenset[SafetyInput] | None = None
    latched: frozenset[BoardFault] | None = None
    temperatures_degC: tuple[float | None, ...] | None = None
    modules: Mapping[str, PowerModuleState | None] = field(default_factory=dict)
    capabilities: Mapping[str, PowerModuleCapabilities | None] = field(default_factory=dict)
    meter: MeterRegisters | None = None
    insulation: InsulationState | None = None
    links: frozenset[Link] | None = None

    @property
    def pilot_state(self) -> ControlPilot:
        """UNKNOWN while the pilot is silent."""
        return ControlPilot.UNKNOWN if self.pilot is None else self.pilot.pilot

    @property
    def closed(self) -> bool | None:
        """Both poles of the contactor are closed; None: not known."""
        contactor = self.contactor
        return None if contactor is None else contactor.positive_closed and contactor.negative_closed

    @property
    def open(self) -> bool | None:
        """Both poles of the contactor are open; None: not known."""
        contactor = self.contactor
        return None if contactor is None else not (contactor.positive_closed or contactor.negative_closed)

    @property
    def output_voltages_V(self) -> dict[str, float | None]:
        """Each device that measures the output's voltage, with its value; None: it is silent."""
        found: dict[str, float | None] = {
            name: None if state is None else state.voltage_V for name, state in self.modules.items()
        }
        found["meter"] = None if self.meter is None else self.meter.voltage_V
        return found


@dataclass(frozen=True, slots=True)
class OutletOrder:
    """What all devices of the outlet shall do. At rest is the default."""

    io: IoCommand = AT_REST
    module: str = ""
    """The name of the module that `module_command` is for; every other module is off."""
    module_command: PowerModuleCommand = MODULE_OFF
    measuring: bool | None = None
    """Of the insulation monitor; None: nothing is ordered of it."""
    self_test: bool = False
    """The insulation monitor is to begin a self-test; counts when it becomes true."""
    clear_latched: bool = False
    """The board is to clear what it latched; counts when it becomes true."""
    links: frozenset[Link] = frozenset()
    lamps: frozenset[Lamp] = frozenset()


REST = OutletOrder()
EVERYTHING_OFF = OutletOrder(io=IoCommand())
"""At the end: the pilot shows F too."""
