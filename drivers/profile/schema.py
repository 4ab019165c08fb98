"""What a register profile says, as values. The file format is docs/sources/hardware.md 8.1, cut down to what is used.

Not supported, and refused by the loader: expressions, BCD, coils in blocks, byte swapping, event registers, captured traces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chargepoint.model.image import ControlPilot
from chargepoint.model.io import ModuleFault

Number = float | str
"""A number, or the name of a parameter that holds it."""

CLASSES = ("psu_dc", "powermeter", "powermeter_ac", "imd", "grid_inverter", "ac_controller")
"""DC power module, DC meter, AC meter, insulation monitor, inverter at the grid, AC charge controller."""

TYPES = {"u16": 1, "i16": 1, "u32": 2, "i32": 2, "f32": 2, "u64": 4, "i64": 4, "f64": 4, "str": 0, "coil": 1}
TYPES |= {"t5": 2, "t6": 2}
"""Registers per type; a `str` says its own length; a `coil` is written by function 5 and never read. `t5` and `t6` are
Iskra's packed numbers: a signed decimal exponent in the high byte, 24 bits of value (t5 unsigned, t6 signed)."""

READ_ONLY_TYPES = ("str", "t5", "t6")
ARGUMENTS = (
    "voltage_V",
    "charge_current_A",
    "discharge_current_A",
    "current_A",
    "voltage_max_V",
    "voltage_min_V",
    "discharging",
)
"""What an action may write of an order. `voltage_V` is the end of the voltage window in the present direction. Two currents
are magnitudes, `current_A` is signed and positive into the car. `discharging` is 1 while the direction is out of the car."""

ALWAYS = "always"

FAULT_KINDS = {kind.name.lower().replace("_", "-"): kind for kind in ModuleFault if kind is not ModuleFault.TWO_OUTPUTS}
"""The words of [fault_kinds]. That a module is connected to two outputs is seen by the stack, never by the module."""


@dataclass(frozen=True, slots=True)
class Param:
    """A number or switch given at installation. `default` None: required."""

    name: str
    default: float | bool | None
    low: float | None
    high: float | None
    meaning: str = ""
    """One line for the configuration's reference."""


@dataclass(frozen=True, slots=True)
class Block:
    """One read. `every_s` None: once, for identification. `base`: parameter added to all its addresses.

    `spare`: so many registers behind the block may be read too.
    """

    name: str
    function: int
    start: int
    count: int
    every_s: float | None
    fast: bool
    base: str | None
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Point:
    """One value. physical = raw * scale * product(scale_by) / product(scale_over) * 10^scale_point + offset."""

    name: str
    type: str
    address: int
    length: int
    block: str | None
    high_word_first: bool
    scale: float
    scale_by: tuple[str, ...]
    scale_over: tuple[str, ...]
    scale_point: str | None
    sign_from: str | None
    """`point.bit` of the same block: set means negative (devices that give magnitude and direction apart)."""
    invert_by: str | None
    """A switch parameter that changes the sign."""
    offset: float
    unit: str
    low: Number | None
    high: Number | None
    nan: tuple[int, ...]
    enum: Mapping[int, str]
    bits: Mapping[str, tuple[int, int]]
    maps_to: str | None
    write_function: int | None
    clamp: tuple[Number, Number] | None
    unverified: bool
    """The source does not settle address, type or scale."""

    @property
    def numeric(self) -> bool:
        """It has a scaled number (not text, bits, words or a coil)."""
        return self.type not in ("str", "coil") and not self.bits and not self.enum

    def named(self, part: str) -> bool:
        """`part` is one of its bits or words."""
        return part in self.bits or part in self.enum.values()


@dataclass(frozen=True, slots=True)
class Write:
    """Write a point: a fixed value, or the argument of that name."""

    point: str
    value: Number | None
    arg: str | None


@dataclass(frozen=True, slots=True)
class Expect:
    """Wait until a point (`name` or `name.bit`) has a value; failing that the action failed."""

    point: str
    value: float
    within_s: float


Step = Write | Expect


@dataclass(frozen=True, slots=True)
class Identity:
    """What the device must say of itself before anything is written to it."""

    point: str
    equals: float | None
    regex: str | None


@dataclass(frozen=True, slots=True)
class Vector:
    """A test: registers and the value they mean. `exponent` stands in for the scale point."""

    point: str
    registers: tuple[int, ...]
    value: float | str | None
    tolerance: float
    exponent: int
    params: Mapping[str, float | bool]


@dataclass(frozen=True, slots=True)
class Timing:
    """[bus]: manners of the device, milliseconds in the file, seconds here."""

    timeout_s: float
    turnaround_s: float
    late_s: float
    gap_s: float
    backoff_min_s: float
    backoff_max_s: float
    reply_s: float
    """The usual pause before a reply, for the estimate of the bus load."""


@dataclass(frozen=True, slots=True)
class ControllerManners:
    """[controller]: how an AC charge controller reports the pilot, and how old a report may be."""

    max_age_s: float
    state: str
    """`point` or `point.bits` that holds the pilot's state."""
    states: Mapping[ControlPilot, int]
    """The raw number of each state that it can report."""


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """One device model's registers."""

    id: str
    device_class: str
    vendor: str
    model: str
    firmware: str
    source: str
    notes: str
    timing: Timing
    identity: Identity
    params: Mapping[str, Param]
    blocks: Mapping[str, Block]
    points: Mapping[str, Point]
    actions: Mapping[str, tuple[Step, ...]]
    capabilities: Mapping[str, Number]
    reversal: str
    comm_loss_s: float | None
    faults: Mapping[str, str]
    fault_kinds: Mapping[str, ModuleFault]
    """Of some of `faults` what kind of fault it is; one without a kind is the module's own word only."""
    status: Mapping[str, tuple[str, ...]]
    """psu_dc: what shows `output`, `remote` and `alarm`: any of these `point.bit` or `point.word`; `always` for remote."""
    transports: tuple[str, ...]
    unverified: tuple[str, ...]
    """What else the source does not settle, in words."""
    vectors: tuple[Vector, ...] = field(default=())
    controller: ControllerManners | None = None
    """ac_controller: required; None for every other class."""


class ProfileError(ValueError):
    """A profile's file cannot be used; one line per mistake: file, key, value, bound, and after the last `;` the remedy."""
