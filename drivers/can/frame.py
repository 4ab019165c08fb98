"""CAN frames and their 16 bytes as SocketCAN has them (`struct can_frame` of linux/can.h). Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

FRAME_BYTES = 16
EXTENDED_ID_MAX = 0x1FFF_FFFF

_LAYOUT = struct.Struct("=IB3x8s")
_EXTENDED, _REMOTE, _ERROR = 0x8000_0000, 0x4000_0000, 0x2000_0000
_ERROR_WORDS = {
    0x001: "transmit time-out",
    0x002: "arbitration lost",
    0x004: "controller problem",
    0x008: "protocol violation",
    0x010: "transceiver problem",
    0x020: "no node acknowledges: check wiring, bit rate and termination",
    0x080: "bus error",
}
_BUS_OFF, _RESTARTED = 0x040, 0x100


@dataclass(frozen=True, slots=True)
class CanFrame:
    """One data frame with a 29-bit identifier and up to 8 bytes. Raises ValueError for anything else."""

    can_id: int
    data: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.can_id <= EXTENDED_ID_MAX:
            raise ValueError(f"CAN identifier {self.can_id:#x}: 0 to {EXTENDED_ID_MAX:#x}")
        if len(self.data) > 8:
            raise ValueError(f"{len(self.data)} data bytes in a CAN frame: at most 8")


@dataclass(frozen=True, slots=True)
class ControllerNotice:
    """What the CAN controller reports about the bus (an error frame of linux/can/error.h)."""

    bus_off: bool
    restarted: bool
    words: str


@dataclass(frozen=True, slots=True)
class CanFilter:
    """A frame passes when its identifier equals `can_id` in every bit of `mask`."""

    can_id: int
    mask: int

    def passes(self, can_id: int) -> bool:
        """Whether a frame with this identifier is wanted."""
        return can_id & self.mask == self.can_id & self.mask


def packed(frame: CanFrame) -> bytes:
    """The 16 bytes of a frame."""
    return _LAYOUT.pack(frame.can_id | _EXTENDED, len(frame.data), frame.data)


def unpacked(data: bytes) -> CanFrame | ControllerNotice | None:
    """The frame in these bytes. None for what is no such frame: another length, an 11-bit identifier, a remote request."""
    if len(data) != FRAME_BYTES:
        return None
    word, length, body = _LAYOUT.unpack(data)
    if word & _ERROR:
        words = [text for bit, text in _ERROR_WORDS.items() if word & bit]
        return ControllerNotice(bool(word & _BUS_OFF), bool(word & _RESTARTED), ", ".join(words))
    if not word & _EXTENDED or word & _REMOTE or length > 8:
        return None
    return CanFrame(word & EXTENDED_ID_MAX, body[:length])


def packed_filter(wanted: CanFilter) -> bytes:
    """The 8 bytes of `struct can_filter`: data frames with a 29-bit identifier only."""
    flags = _EXTENDED | _REMOTE
    return struct.pack("=II", wanted.can_id | _EXTENDED, wanted.mask | flags)
