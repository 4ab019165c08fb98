"""Ports: what control asks of hardware and of the clock, and the one door to the station for all who send orders.

Drivers fulfil the hardware's ports; nothing here knows a bus or a register. `app` fulfils `StationPort`.

All calls return at once. A driver queues its transactions on its bus and gives the last values with their age; a value
too old is the caller's to refuse (`Reading.fresh`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from chargepoint.model.commands import CommandResult, StationCommand
from chargepoint.model.demand import PilotCommand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import BusHealth, ControlPilot, Lock, MeterRegisters
from chargepoint.model.indicator import Lamp
from chargepoint.model.io import BoardFault, ModuleFault, SafetyInput
from chargepoint.model.limits import PowerLimits
from chargepoint.model.readings import Reading
from chargepoint.model.status import EvseState


class Clock(Protocol):
    """Two clocks, never mixed: monotonic to decide, UTC to report."""

    def monotonic_s(self) -> float:
        """Seconds that never jump (CLOCK_MONOTONIC: the same in every process of the machine)."""

    def utc(self) -> datetime:
        """Aware UTC time."""


class StationPort(Protocol):
    """The door to the station: central system, site bus, page and local command enter here. All calls return at once."""

    def evse_states(self) -> tuple[EvseState, ...]:
        """Every EVSE, always all of them, in the order of their ids; known before any client is made."""

    def command(self, command: StationCommand) -> CommandResult:
        """Do it, or say why not. A demand that follows from it is on its way when this returns."""

    def firmware_version(self) -> str:
        """At most 50 characters."""


class Bus(Protocol):
    """A wire with a file descriptor, pumped by the power process's loop. Never blocks, never raises on wire errors."""

    name: str

    def fileno(self) -> int | None:
        """Descriptor to poll for reading; None while the adapter is unplugged."""

    def pump(self, now_s: float, *, quiet: bool = False) -> bool:
        """Read what is there, hand replies out, send what is due, reopen a lost adapter when its time has come.

        `quiet`: the caller has just seen that there is nothing to read. True: a device of this wire got an answer or learnt that none came, so it may show something new.
        """

    def drop_queued(self, now_s: float) -> None:
        """Our own process stalled: forget everything that is not on the wire yet. Each request hears that it failed."""

    @property
    def deadline_s(self) -> float | None:
        """When `pump` must be called even if nothing arrives."""

    @property
    def patience_s(self) -> float:
        """How much later than at `deadline_s` it may be called now without harm: then it shares a wake-up with others."""

    def health(self) -> BusHealth:
        """Counters since start."""

    def close(self) -> None:
        """Give the descriptor back."""


class Device(Protocol):
    """Anything on a bus that is polled. `name` is the configuration's name, used in every message about it."""

    name: str

    @property
    def identity_error(self) -> str:
        """Why it is not taken for the device that is configured; empty if it is, or has not answered yet."""

    def poll(self, now_s: float) -> None:
        """Queue what is due now: cyclic reads, the refreshed command, the watchdog kick."""


@dataclass(frozen=True, slots=True)
class DevicePoint:
    """One value of a device as it was read last, for people at bring-up. `registers` empty: it has none.

    `value` None: nothing valid was read; `taken_at_s` None: not read yet. `trouble` says in words why the value is not good.
    """

    name: str
    value: float | str | None
    unit: str
    registers: tuple[int, ...]
    taken_at_s: float | None
    trouble: str = ""
    every_s: float = 0.0
    """How often the value is read; 0: whenever its device is."""
    ticks: bool = False
    """It changes all the time by itself, as a counter does: a change is no news."""


class PointSource(Protocol):
    """A device that can list all its values. Nothing is decided by them."""

    def points(self) -> Iterator[DevicePoint]:
        """Every value, always in one order."""


class Reversal(Enum):
    """What a module needs to change direction."""

    SEAMLESS = "seamless"
    VIA_ZERO = "via_zero"
    STOP_REQUIRED = "stop_required"


@dataclass(frozen=True, slots=True)
class PowerModuleCapabilities(PowerLimits):
    """Ratings and manners of one module (or array).

    `comm_loss_s`: the module switches off by itself after that long without us; None: it never does, the safety layer
    must then rely on the contactor and on the hardware enable.
    """

    ramp_A_per_s: float
    reversal: Reversal
    reversal_time_s: float
    comm_loss_s: float | None


@dataclass(frozen=True, slots=True)
class PowerModuleCommand:
    """One signed current inside a voltage window; idempotent, refreshed by the driver.

    current_A > 0 charges up to voltage_max_V; < 0 discharges down to voltage_min_V; 0 neither. OFF is the default.
    """

    output_on: bool = False
    current_A: float = 0.0
    voltage_max_V: float = 0.0
    voltage_min_V: float = 0.0


@dataclass(frozen=True, slots=True)
class PowerModuleState:
    """What the module reported last. current_A positive into the car. `faults` are the module's own words."""

    voltage_V: float
    current_A: float
    output_on: bool
    faults: tuple[str, ...]
    temperature_degC: float | None = None
    kinds: frozenset[ModuleFault] = frozenset()
    """What the faults are, as far as the driver knows; faults without a kind are the module's own words only."""
    degraded: tuple[str, ...] = ()
    """Of several modules as one: those that are not well, each with its name and why, while the rest carry on."""


class PowerModule(Device, Protocol):
    """A DC power module, or several as one."""

    @property
    def capabilities(self) -> PowerModuleCapabilities | None:
        """None until the module identified itself."""

    def command(self, command: PowerModuleCommand) -> None:
        """Take this as the order from now on."""

    @property
    def state(self) -> Reading[PowerModuleState] | None:
        """Last state; None before the first."""


class ModuleGroup(PowerModule, Protocol):
    """Several power modules as one, of which some come and go while the others work. An empty one has no state."""

    def join(self, module: PowerModule) -> None:
        """The module is connected to this output now, and off: it takes its part of the order from now on."""

    def release(self, name: str) -> None:
        """Order this module off; the others take over its part when it may no longer drive anything."""

    def leave(self, name: str) -> None:
        """The module is off, or is no longer connected here: it does not count any more and is not ordered from here."""


class MatrixPort(Device, Protocol):
    """The contactors that connect the modules of a stack to the outputs of EVSEs. A link: (module's name, EVSE)."""

    @property
    def links(self) -> frozenset[tuple[str, EvseId]]:
        """All that can be connected; never changes."""

    def request(self, closed: frozenset[tuple[str, EvseId]]) -> None:
        """Close these contactors and open all others. A module that is named with two EVSEs is connected to neither."""

    @property
    def state(self) -> Reading[frozenset[tuple[str, EvseId]]] | None:
        """The contactors whose feedback shows them closed; None before the first reading."""


class EnergyMeter(Device, Protocol):
    """A meter with an import and an export register."""

    @property
    def registers(self) -> MeterRegisters | None:
        """Last registers with their own age; None before the first."""


@dataclass(frozen=True, slots=True)
class InsulationState:
    """`resistance_ohm` None while the monitor has no valid value; `healthy` False on device error or self-test failure."""

    resistance_ohm: float | None
    healthy: bool
    self_test_passed: bool | None
    """None: not run since the last request."""
    measuring: bool
    voltage_to_earth_V: tuple[float, float] | None = None
    """Magnitudes: plus and minus against protective earth; None: the monitor does not measure them."""


class InsulationMonitor(Device, Protocol):
    """One insulation monitor: only one may be active per IT system, hence enable()."""

    def enable(self, measuring: bool) -> None:
        """Measure, or be silent."""

    def start_self_test(self) -> None:
        """Begin a self-test; the result shows in the state."""

    @property
    def state(self) -> Reading[InsulationState] | None:
        """Last state; its age is that of the device's own measurement counter."""


class PilotAbility(Enum):
    """What a device can do with the control pilot, beside showing a current and reporting the state."""

    SHOWS_5_PERCENT = "shows the 5 % that ask for digital communication"
    MEASURES_DUTY = "measures the duty cycle that it shows"
    MEASURES_LEVELS = "measures both levels of the pilot: without the lower one nobody sees a missing diode"
    MEASURES_PROXIMITY = "measures the resistance of the proximity contact"
    SWITCHES_COIL = (
        "switches the contactor's coil too, in series with us: it opens when the car leaves C, or gets no PWM"
    )
    """So an opening that the pilot explains is none without an order."""


EVERY_MEASUREMENT = frozenset(
    {PilotAbility.MEASURES_DUTY, PilotAbility.MEASURES_LEVELS, PilotAbility.MEASURES_PROXIMITY}
)
"""Where one of them is missing, the interlocks that look at it see nothing: `check` warns of each."""


@dataclass(frozen=True, slots=True)
class PilotReading:
    """The control pilot and the proximity contact, as measured. Source: IEC 61851-1 Annex A (docs/sources/safety.md 2)."""

    pilot: ControlPilot
    duty_percent: float | None
    """Measured at the output, 0 to 100; None: this device does not measure it."""
    high_V: float | None
    low_V: float | None
    """None: this device does not measure the levels."""
    proximity_ohm: float | None
    """Resistance of the proximity contact; None: open, nothing is plugged, or this device does not measure it."""


class PilotPort(Protocol):
    """The control pilot of one connector."""

    @property
    def abilities(self) -> frozenset[PilotAbility]:
        """Never changes."""

    def show(self, command: PilotCommand, duty_percent: float) -> None:
        """Show this from now on. `duty_percent` counts for PWM only. A device that knows whole amperes shows the next lower current,
        and one that cannot show so small a duty shows none."""

    @property
    def state(self) -> Reading[PilotReading] | None:
        """Last state; None before the first."""


@dataclass(frozen=True, slots=True)
class ContactorState:
    """Mirror contacts as read back. `coil_on`: the device itself drives the coil now."""

    positive_closed: bool
    negative_closed: bool
    coil_on: bool
    precharge_closed: bool = False


class ContactorPort(Protocol):
    """The output contactors of one connector, both poles together. At an AC outlet all phases and neutral."""

    def request(self, closed: bool) -> None:
        """Close or open. The device may refuse to close. An order to open goes out before everything else."""

    @property
    def state(self) -> Reading[ContactorState] | None:
        """Last state; None before the first."""


class LockPort(Protocol):
    """The lock of one connector."""

    def request(self, locked: bool) -> None:
        """Lock or unlock."""

    @property
    def state(self) -> Reading[Lock] | None:
        """Last state; None before the first."""


class DischargePort(Protocol):
    """The resistor that discharges the output of one connector."""

    def request(self, on: bool) -> None:
        """Connect or disconnect the resistor."""

    @property
    def state(self) -> Reading[bool] | None:
        """Whether the relay's feedback shows it closed; None before the first."""


class SafetyInputPort(Protocol):
    """Digital inputs of one device."""

    @property
    def watched(self) -> frozenset[SafetyInput]:
        """What the inputs of this device watch; never changes."""

    @property
    def state(self) -> Reading[frozenset[SafetyInput]] | None:
        """The inputs that are open now, which is the dangerous state of each; None before the first reading."""


class TemperaturePort(Protocol):
    """The temperature sensors of one connector."""

    @property
    def state(self) -> Reading[tuple[float | None, ...]] | None:
        """In °C: the two contacts of the connector (DC+ and DC- at a DC outlet), cable, cabinet, spares. None in a place: no sensor answers there."""


class LatchPort(Protocol):
    """What a device latches by itself."""

    @property
    def state(self) -> Reading[frozenset[BoardFault]] | None:
        """Latched now; None before the first reading."""

    def clear(self) -> None:
        """Ask the device to clear all it latched (it refuses while any output is requested)."""


@dataclass(frozen=True, slots=True)
class IoPorts:
    """The small ports that one device fulfils; None: it has not this one."""

    pilot: PilotPort | None = None
    contactors: ContactorPort | None = None
    lock: LockPort | None = None
    discharge: DischargePort | None = None
    inputs: SafetyInputPort | None = None
    temperatures: TemperaturePort | None = None
    latch: LatchPort | None = None


IO_MAX_AGE_S = 0.25
"""A port of a pilot/IO board or of GPIO lines that is older does not count (own rule; the board's watchdog of 0.5 s is twice as long)."""


class IoDevice(Device, Protocol):
    """A pilot/IO board, GPIO lines, or a vendor's controller."""

    @property
    def max_age_s(self) -> float:
        """A port of this device that is older does not count. Never changes. It is stated for this device alone, so that a slow one
        makes none of the others slow."""

    @property
    def ports(self) -> IoPorts:
        """The same object for the life of the device."""


@dataclass(frozen=True, slots=True)
class IoCommand:
    """What all outputs of one connector shall do. Everything off is the default."""

    pilot: PilotCommand = PilotCommand.F
    duty_percent: float = 0.0
    contactor: bool = False
    discharge: bool = False
    lock: bool = False


@dataclass(frozen=True, slots=True)
class IoState:
    """What all ports of one connector show together. Booleans are as read back, not as commanded."""

    pilot: ControlPilot
    duty_percent: float | None
    pilot_high_V: float | None
    pilot_low_V: float | None
    """None: the device of the pilot does not measure it."""
    proximity_ohm: float | None
    lock: Lock
    contactor_positive_closed: bool
    contactor_negative_closed: bool
    contactor_commanded: bool
    precharge_closed: bool
    discharge_closed: bool
    open_inputs: frozenset[SafetyInput]
    latched: frozenset[BoardFault]
    temperatures_degC: tuple[float | None, ...]


class LampPort(Device, Protocol):
    """The lamps of one connector."""

    def show(self, lit: frozenset[Lamp]) -> None:
        """Light these lamps, and no others."""


class TokenReader(Device, Protocol):
    """An RFID reader."""

    def tokens(self) -> Iterator[str]:
        """Tokens seen since the last call, normalised to upper case without separators."""


@dataclass(frozen=True, slots=True)
class BusSpec:
    """One bus of the configuration."""

    name: str
    kind: str
    """`serial` (Modbus RTU), `tcp` (Modbus TCP), `line` (lines of text), `can` (frames of SocketCAN), `gpio` (lines of a chip),
    `bytes` (one device with frames of its own), `keyboard` (a reader that types)."""
    port: str
    baud: int = 19200
    format: str = "8E1"
    gap_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One device of the configuration, for `drivers.catalog`."""

    name: str
    kind: str
    """power_module, meter, insulation_monitor, pilot_board, matrix, token_reader, indicator."""
    driver: str
    bus: str
    unit: int
    profile: str | None
    params: Mapping[str, float | int | str | bool]
