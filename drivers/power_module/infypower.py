"""The frames of an Infypower BEG1K075G, a bidirectional module of 22 kW class. Pure.

Identifier: error code in bits 28..26, device 0x0A in 25..22, command in 21..16 (0x23 read, 0x24 write), destination in 15..8,
source in 7..0. Data: two bytes of item number, two zero bytes, a big-endian number of four bytes. Volts, amperes and watts travel
times 1000. Source: docs/sources/hardware.md 1.4, read in a public driver; not tried on a module. Unverified, and so stated: that
items 1001 and 1002 read back the set-points, and that the set-points of the inverter mode are magnitudes.
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
    Rejected,
    Shown,
    Status,
    Unreadable,
)

CONTROLLER = 0xF0
UNIT_MAX = 0x3E
RECTIFIER, INVERTER = 0.0, 1.0
COMM_LOSS_S = 10.0
REVERSAL_TIME_S = 1.0
"""How long the current must have been small before the mode is changed: own rule, the facts give none (grade D)."""

_DEVICE, _READ, _WRITE = 0x0A, 0x23, 0x24
_OK, _STARTING = 0, 7
_ERRORS = {2: "bad command (2)", 3: "bad data (3)", _STARTING: "still starting (7)"}
_BODY = struct.Struct(">HHi")

_READ_ITEMS = {
    Quantity.VOLTAGE: 0x4101,
    Quantity.CURRENT: 0x4102,
    Quantity.STATUS: 0x1110,
    Quantity.SETTING_SHOWN: 0x1111,
    Quantity.VOLTAGE_SET: 0x1001,
    Quantity.CURRENT_SET: 0x1002,
    Quantity.TEMPERATURE: 0x1106,
    Quantity.RATED_VOLTAGE_MAX: 0x1130,
    Quantity.RATED_VOLTAGE_MIN: 0x1131,
    Quantity.RATED_CURRENT: 0x1132,
    Quantity.RATED_POWER: 0x1133,
}
_WRITE_ITEMS = {
    ModuleOrder.OUTPUT: 0x1110,
    ModuleOrder.VOLTAGE: 0x1001,
    ModuleOrder.CURRENT: 0x1002,
    ModuleOrder.SETTING: 0x2110,
    ModuleOrder.SOFT_START_OFF: 0x1122,
}
_QUANTITIES = {item: quantity for quantity, item in _READ_ITEMS.items()}
_ORDERS = {item: order for order, item in _WRITE_ITEMS.items()}

_OUTPUT_OFF = 1 << 8
_FAULT_BITS = {
    0: "output short circuit",
    5: "discharge abnormal",
    9: "module fault",
    10: "module protection",
    11: "fan fault",
    12: "over-temperature",
    13: "output over-voltage",
    17: "address used twice",
    19: "phase lost",
    20: "phases unbalanced",
    21: "input under-voltage",
    22: "input over-voltage",
}
_REMARK_BITS = {
    4: "sleeping",
    14: "soft start",
    15: "communication was interrupted",
    16: "power limited",
    18: "sharing unbalanced",
    23: "power factor correction off",
}

MANNERS = Manners(
    reads=(
        (Quantity.VOLTAGE, 0.12),
        (Quantity.CURRENT, 0.12),
        (Quantity.STATUS, 0.12),
        (Quantity.SETTING_SHOWN, 0.4),
        (Quantity.VOLTAGE_SET, 0.3),
        (Quantity.CURRENT_SET, 0.3),
        (Quantity.TEMPERATURE, 1.0),
    ),
    ratings=(
        Quantity.RATED_VOLTAGE_MAX,
        Quantity.RATED_VOLTAGE_MIN,
        Quantity.RATED_CURRENT,
        Quantity.RATED_POWER,
        Quantity.SETTING_SHOWN,
    ),
    discharges=True,
    reads_back=True,
    setting_read_back=True,
    setting_rest_s=0.1,
    soft_start_ends=True,
    comm_loss_s=COMM_LOSS_S,
    reversal=Reversal.STOP_REQUIRED,
    reversal_time_s=REVERSAL_TIME_S,
)


class InfypowerBeg1k075g:
    """One module at `unit` (0 to 62). `manners` may be given without read-back, for a firmware that shows measurements there."""

    def __init__(self, unit: int, manners: Manners = MANNERS) -> None:
        if not 0 <= unit <= UNIT_MAX:
            raise ValueError(f"unit {unit}: 0 to {UNIT_MAX}")
        self.unit = unit
        self.manners = manners

    @property
    def filters(self) -> tuple[CanFilter, ...]:
        """From this module to us: any error code, reads and writes."""
        return (CanFilter(_identifier(0, 0, CONTROLLER, self.unit), 0x03C0_FFFF),)

    def question(self, quantity: Quantity) -> CanFrame:
        """A read of its item."""
        return CanFrame(_identifier(0, _READ, self.unit, CONTROLLER), _BODY.pack(_READ_ITEMS[quantity], 0, 0))

    def order(self, order: ModuleOrder, value: float) -> CanFrame:
        """A write of its item."""
        match order:
            case ModuleOrder.OUTPUT:
                raw = 0xA0 if value else 0xA1
            case ModuleOrder.SETTING:
                raw = 0xA1 if value == INVERTER else 0xA0
            case ModuleOrder.SOFT_START_OFF:
                raw = 0xA0
            case ModuleOrder.VOLTAGE | ModuleOrder.CURRENT:
                raw = round(abs(value) * 1000)
        return CanFrame(_identifier(0, _WRITE, self.unit, CONTROLLER), _BODY.pack(_WRITE_ITEMS[order], 0, raw))

    def answer(self, frame: CanFrame) -> Answer:
        """What the frame says; never raises."""
        error, command = frame.can_id >> 26 & 0x7, frame.can_id >> 16 & 0x3F
        if len(frame.data) != _BODY.size:
            return Unreadable(f"{len(frame.data)} bytes: 8 are needed")
        item, _, raw = _BODY.unpack(frame.data)
        if command == _WRITE and item in _ORDERS:
            if error == _OK:
                return Accepted(_ORDERS[item])
            return Rejected(_ORDERS[item], _ERRORS.get(error, f"error code {error}"), error == _STARTING)
        if command != _READ or item not in _QUANTITIES:
            return Unreadable(f"command {command:#04x} with item {item:#06x}: neither was asked for")
        quantity = _QUANTITIES[item]
        if error != _OK:
            return Rejected(quantity, _ERRORS.get(error, f"error code {error}"), error == _STARTING)
        match quantity:
            case Quantity.STATUS:
                return Shown(quantity, _status(raw & 0xFFFF_FFFF))
            case Quantity.SETTING_SHOWN:
                return Shown(quantity, float(raw & 1))
            case _:
                return Shown(quantity, raw / 1000)

    def setting_for(self, current_A: float, voltage_V: float) -> float | None:
        """Inverter for a current out of the car, rectifier for one into it; zero needs neither."""
        return None if current_A == 0 else INVERTER if current_A < 0 else RECTIFIER

    def ratings(self, shown: dict[Quantity, float]) -> Ratings:
        """As the module reports them."""
        return Ratings(
            voltage_max_V=shown[Quantity.RATED_VOLTAGE_MAX],
            voltage_min_V=shown[Quantity.RATED_VOLTAGE_MIN],
            current_max_A=shown[Quantity.RATED_CURRENT],
            power_max_W=shown[Quantity.RATED_POWER],
        )


def _identifier(error: int, command: int, destination: int, source: int) -> int:
    return error << 26 | _DEVICE << 22 | command << 16 | destination << 8 | source


def _status(bits: int) -> Status:
    return Status(
        output_on=not bits & _OUTPUT_OFF,
        faults=tuple(words for bit, words in _FAULT_BITS.items() if bits >> bit & 1),
        remarks=tuple(words for bit, words in _REMARK_BITS.items() if bits >> bit & 1),
    )
