"""The frames of Winline modules, which Maxwell's MXR modules share. Pure. Charging only: no direction register is known.

Identifier: protocol 0x060 in bits 28..20, point-to-point in 19, destination in 18..11, source in 10..3, group in 2..0. Data: function
(0x03 set, 0x10 read; answers 0x41 float, 0x42 integer), error byte (0xF0 is good), register of two bytes, value of four bytes, all
big-endian. Source: docs/sources/hardware.md 1.5, read in public drivers; not tried on a module. Unverified: the place of the
register within the data, and that a set is answered like a read.
"""

from __future__ import annotations

import math
import struct

from chargepoint.ports import Reversal
from drivers.can.frame import CanFilter, CanFrame
from drivers.power_module.can_dialect import (
    Accepted,
    Answer,
    Manners,
    ModuleOrder,
    Quantity,
    Ratings,
    Rejected,
    Shown,
    Status,
    Unreadable,
)

CONTROLLER, GOOD = 0xF0, 0xF0
UNIT_MAX = 0x3F
VOLTAGE_MAX_V, VOLTAGE_MIN_V = 1000.0, 150.0
"""No register gives the voltage window: stated defaults, grade D; `params` make them narrower."""

_PROTOCOL, _SET, _READ, _FLOAT, _INTEGER = 0x060, 0x03, 0x10, 0x41, 0x42
_REGISTERS = {
    Quantity.VOLTAGE: 0x01,
    Quantity.CURRENT: 0x02,
    Quantity.TEMPERATURE: 0x04,
    Quantity.RATED_POWER: 0x11,
    Quantity.RATED_CURRENT: 0x12,
    Quantity.STATUS: 0x40,
}
_QUANTITIES = {register: quantity for quantity, register in _REGISTERS.items()}
_SETTINGS = {ModuleOrder.OUTPUT: 0x30, ModuleOrder.VOLTAGE: 0x21, ModuleOrder.CURRENT: 0x1B}
_ORDERS = {register: order for order, register in _SETTINGS.items()}
_CURRENT_STEPS_PER_A = 1024
_OFF = 0x0001_0000
_OUTPUT_OFF_BIT = 22
_FAULT_BITS = {
    0: "module fault",
    1: "module protection",
    3: "internal communication fault",
    4: "input mode error",
    7: "output over-voltage",
    8: "power factor correction fault",
    9: "input over-voltage",
    14: "input under-voltage",
    17: "phases unbalanced",
    27: "fan fault",
    28: "output short circuit",
    30: "over-temperature",
    31: "output over-voltage limit",
}
_REMARK_BITS = {
    16: "communication was interrupted",
    23: "power limited",
    24: "derated by heat",
    25: "limited by its input",
}

MANNERS = Manners(
    reads=(
        (Quantity.VOLTAGE, 0.12),
        (Quantity.CURRENT, 0.12),
        (Quantity.STATUS, 0.12),
        (Quantity.TEMPERATURE, 1.0),
    ),
    ratings=(Quantity.RATED_POWER, Quantity.RATED_CURRENT),
    discharges=False,
    reads_back=False,
    setting_read_back=False,
    setting_rest_s=0.0,
    soft_start_ends=False,
    comm_loss_s=None,
    reversal=Reversal.VIA_ZERO,
    reversal_time_s=1.0,
)


class Winline:
    """One module at `unit` (0 to 63)."""

    manners = MANNERS

    def __init__(self, unit: int) -> None:
        if not 0 <= unit <= UNIT_MAX:
            raise ValueError(f"unit {unit}: 0 to {UNIT_MAX}")
        self.unit = unit

    @property
    def filters(self) -> tuple[CanFilter, ...]:
        """From this module to us, whatever its group."""
        return (CanFilter(_identifier(CONTROLLER, self.unit), 0x1FF7_FFF8),)

    def question(self, quantity: Quantity) -> CanFrame:
        """A read of its register."""
        return self._frame(_READ, _REGISTERS[quantity], bytes(4))

    def order(self, order: ModuleOrder, value: float) -> CanFrame:
        """A set of its register: volts as a float, amperes in steps of 1/1024, the output as off-bit."""
        match order:
            case ModuleOrder.OUTPUT:
                body = struct.pack(">I", 0 if value else _OFF)
            case ModuleOrder.VOLTAGE:
                body = struct.pack(">f", value)
            case ModuleOrder.CURRENT:
                body = struct.pack(">I", round(abs(value) * _CURRENT_STEPS_PER_A))
            case _:
                raise KeyError(order)
        return self._frame(_SET, _SETTINGS[order], body)

    def answer(self, frame: CanFrame) -> Answer:
        """What the frame says; never raises."""
        if len(frame.data) != 8:
            return Unreadable(f"{len(frame.data)} bytes: 8 are needed")
        kind, error, register = struct.unpack_from(">BBH", frame.data)
        body = frame.data[4:]
        if kind not in (_FLOAT, _INTEGER):
            return Unreadable(f"answer type {kind:#04x}: {_FLOAT:#04x} or {_INTEGER:#04x}")
        if register in _ORDERS:
            order = _ORDERS[register]
            return Accepted(order) if error == GOOD else Rejected(order, f"error byte {error:#04x}")
        quantity = _QUANTITIES.get(register)
        if quantity is None:
            return Unreadable(f"register {register:#06x}: not asked for")
        if error != GOOD:
            return Rejected(quantity, f"error byte {error:#04x}")
        if (kind == _INTEGER) != (quantity is Quantity.STATUS):
            return Unreadable(f"register {register:#06x} as type {kind:#04x}")
        if quantity is Quantity.STATUS:
            return Shown(quantity, _status(int.from_bytes(body)))
        value: float = struct.unpack(">f", body)[0]
        return Shown(quantity, value) if math.isfinite(value) else Unreadable(f"register {register:#06x} is no number")

    def setting_for(self, current_A: float, voltage_V: float) -> float | None:
        """None: this family has neither a working mode nor a range."""
        return None

    def ratings(self, shown: dict[Quantity, float]) -> Ratings:
        """Current and power as reported; the voltage window is a stated default."""
        return Ratings(VOLTAGE_MAX_V, VOLTAGE_MIN_V, shown[Quantity.RATED_CURRENT], shown[Quantity.RATED_POWER])

    def _frame(self, function: int, register: int, body: bytes) -> CanFrame:
        data = struct.pack(">BBH", function, 0, register) + body
        return CanFrame(_identifier(self.unit, CONTROLLER), data)


def _identifier(destination: int, source: int) -> int:
    return _PROTOCOL << 20 | 1 << 19 | destination << 11 | source << 3


def _status(bits: int) -> Status:
    return Status(
        output_on=not bits >> _OUTPUT_OFF_BIT & 1,
        faults=tuple(words for bit, words in _FAULT_BITS.items() if bits >> bit & 1),
        remarks=tuple(words for bit, words in _REMARK_BITS.items() if bits >> bit & 1),
    )
