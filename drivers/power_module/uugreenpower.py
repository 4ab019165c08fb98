"""The frames of UUGreenPower UR modules. Pure. Charging only; two voltage ranges that change only while the output is off.

Identifier: version 1 in bits 28..25, monitor 1 in 24..21, module in 20..14. Data: group and message in the first byte (0 set, 2 read;
an answer is one more), the command in the second, a big-endian number in bytes 4 to 7: millivolts and milliamperes.
A change of range is off, 2 s, select, 2 s, on. Source: docs/sources/hardware.md 1.5, read in a public driver; not tried on a module.
Unverified: bits of the status (its commands 8 and 96 are not described there), scale of the capability (104), meaning of 95's values.
"""

from __future__ import annotations

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
    Shown,
    Status,
    Unreadable,
)

UNIT_MAX = 0x7F
RANGE_REST_S = 2.0
LOW, HIGH = 0.0, 1.0
LOW_RANGE_MAX_V = 500.0
"""The low range ends here: a stated default, grade D."""

VOLTAGE_MAX_V, VOLTAGE_MIN_V = 1000.0, 150.0
"""No command gives the voltage window: stated defaults, grade D."""

_SET, _READ = 0, 2
_COMMANDS = {
    Quantity.VOLTAGE: 98,
    Quantity.CURRENT: 47,
    Quantity.STATUS: 8,
    Quantity.SETTING_SHOWN: 95,
    Quantity.VOLTAGE_SET: 2,
    Quantity.CURRENT_SET: 3,
    Quantity.TEMPERATURE: 30,
    Quantity.RATED_CURRENT: 104,
}
_QUANTITIES = {command: quantity for quantity, command in _COMMANDS.items()}
_SETTINGS = {ModuleOrder.VOLTAGE: 2, ModuleOrder.CURRENT: 3, ModuleOrder.OUTPUT: 4, ModuleOrder.SETTING: 95}
_ORDERS = {command: order for order, command in _SETTINGS.items()}
_OUTPUT_OFF_BIT, _FAULT_BIT = 0, 1

MANNERS = Manners(
    reads=(
        (Quantity.VOLTAGE, 0.12),
        (Quantity.CURRENT, 0.12),
        (Quantity.STATUS, 0.12),
        (Quantity.SETTING_SHOWN, 0.5),
        (Quantity.VOLTAGE_SET, 0.3),
        (Quantity.CURRENT_SET, 0.3),
        (Quantity.TEMPERATURE, 1.0),
    ),
    ratings=(Quantity.RATED_CURRENT,),
    discharges=False,
    reads_back=True,
    setting_read_back=True,
    setting_rest_s=RANGE_REST_S,
    soft_start_ends=False,
    comm_loss_s=None,
    reversal=Reversal.VIA_ZERO,
    reversal_time_s=1.0,
)


class UuGreenPower:
    """One module at `unit` (0 to 127)."""

    manners = MANNERS

    def __init__(self, unit: int) -> None:
        if not 0 <= unit <= UNIT_MAX:
            raise ValueError(f"unit {unit}: 0 to {UNIT_MAX}")
        self.unit = unit

    @property
    def filters(self) -> tuple[CanFilter, ...]:
        """Frames with this module's address: its answers have odd message numbers, and ours even ones."""
        return (CanFilter(_identifier(self.unit), 0x1FFF_C000),)

    def question(self, quantity: Quantity) -> CanFrame:
        """A read of its command."""
        return self._frame(_READ, _COMMANDS[quantity], 0)

    def order(self, order: ModuleOrder, value: float) -> CanFrame:
        """A set of its command; the output as off-bit."""
        match order:
            case ModuleOrder.OUTPUT:
                raw = 0 if value else 1
            case ModuleOrder.SETTING:
                raw = int(value)
            case ModuleOrder.VOLTAGE | ModuleOrder.CURRENT:
                raw = round(abs(value) * 1000)
            case ModuleOrder.SOFT_START_OFF:
                raise KeyError(order)
        return self._frame(_SET, _SETTINGS[order], raw)

    def answer(self, frame: CanFrame) -> Answer:
        """What the frame says; never raises."""
        if len(frame.data) != 8:
            return Unreadable(f"{len(frame.data)} bytes: 8 are needed")
        first, command = frame.data[0], frame.data[1]
        raw = struct.unpack(">i", frame.data[4:])[0]
        message = first & 0x0F
        if message == _SET + 1 and command in _ORDERS:
            return Accepted(_ORDERS[command])
        if message != _READ + 1 or command not in _QUANTITIES:
            return Unreadable(f"message {message} with command {command}: neither was asked for")
        quantity = _QUANTITIES[command]
        match quantity:
            case Quantity.STATUS:
                fault = ("module fault",) if raw >> _FAULT_BIT & 1 else ()
                return Shown(quantity, Status(output_on=not raw >> _OUTPUT_OFF_BIT & 1, faults=fault))
            case Quantity.SETTING_SHOWN:
                return Shown(quantity, float(raw))
            case _:
                return Shown(quantity, raw / 1000)

    def setting_for(self, current_A: float, voltage_V: float) -> float | None:
        """The low range up to 500 V, the high range above."""
        return HIGH if voltage_V > LOW_RANGE_MAX_V else LOW

    def ratings(self, shown: dict[Quantity, float]) -> Ratings:
        """Current as reported; the voltage window is a stated default, and with it the power."""
        current_A = shown[Quantity.RATED_CURRENT]
        return Ratings(VOLTAGE_MAX_V, VOLTAGE_MIN_V, current_A, current_A * VOLTAGE_MAX_V)

    def _frame(self, message: int, command: int, raw: int) -> CanFrame:
        return CanFrame(_identifier(self.unit), struct.pack(">BBHi", message, command, 0, raw))


def _identifier(unit: int) -> int:
    return 1 << 25 | 1 << 21 | unit << 14
