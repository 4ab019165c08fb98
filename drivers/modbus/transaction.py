"""A Modbus transaction: what is asked, how urgent it is, and how it ended. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class Priority(IntEnum):
    """Smaller goes first; first in, first out within one (docs/sources/hardware.md 6.3, guard recipe)."""

    STOP = 0
    SETPOINT = 1
    FAST = 2
    SLOW = 3


@dataclass(frozen=True, slots=True)
class Read:
    """Read `count` coils (function 1), discrete inputs (2), holding (3) or input registers (4) from a 0-based address.

    `other_forms`: other ways to read the same registers, for the time when a lost reply of this form may still come. Each is
    one or two counts, read one after the other from `address`; together at least `count`, what is beyond is dropped.
    `counted`: the registers hold a counter of the device, and the driver dates them by that counter.
    """

    unit: int
    function: int
    address: int
    count: int
    other_forms: tuple[tuple[int, ...], ...] = ()
    counted: bool = False

    def __post_init__(self) -> None:
        if self.function not in (1, 2, 3, 4):
            raise ValueError(f"function {self.function} does not read: 1, 2, 3 or 4")
        most = 2000 if self.function <= 2 else 125
        if not 1 <= self.count <= most:
            raise ValueError(f"count {self.count}: 1 to {most}")
        _check_target(self.unit, self.address)


@dataclass(frozen=True, slots=True)
class WriteCoil:
    """Function 5."""

    unit: int
    address: int
    on: bool

    def __post_init__(self) -> None:
        _check_target(self.unit, self.address)


@dataclass(frozen=True, slots=True)
class WriteRegister:
    """Function 6."""

    unit: int
    address: int
    value: int

    def __post_init__(self) -> None:
        _check_target(self.unit, self.address)
        _check_words((self.value,))


@dataclass(frozen=True, slots=True)
class WriteRegisters:
    """Function 16."""

    unit: int
    address: int
    values: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_target(self.unit, self.address)
        if not 1 <= len(self.values) <= 123:
            raise ValueError(f"{len(self.values)} registers in one write: 1 to 123")
        _check_words(self.values)


@dataclass(frozen=True, slots=True)
class ReadWriteRegisters:
    """Function 23 (0x17): write holding registers, then read `count` holding registers from `address`, in one transaction."""

    unit: int
    address: int
    count: int
    write_address: int
    values: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 125:
            raise ValueError(f"count {self.count}: 1 to 125")
        if not 1 <= len(self.values) <= 121:
            raise ValueError(f"{len(self.values)} registers in one write: 1 to 121")
        _check_target(self.unit, self.address)
        _check_target(self.unit, self.write_address)
        _check_words(self.values)


Request = Read | WriteCoil | WriteRegister | WriteRegisters | ReadWriteRegisters


class FailureKind(Enum):
    """Why a transaction has no result."""

    TIMEOUT = "timeout"
    CRC = "crc"
    MISMATCH = "mismatch"
    EXCEPTION = "exception"
    DISCONNECTED = "disconnected"
    BACKED_OFF = "backed off"  # not sent: the device did not answer lately and its time has not come yet
    STALE = "stale"  # not sent: our own process did not run for too long, and what was queued is old
    OVERFLOW = "overflow"  # not sent: the queue was full of more urgent work
    UNDATED = "undated"  # a right answer came, and nobody can say that it is the answer to this request


@dataclass(frozen=True, slots=True)
class ReadDone:
    """Registers as asked, each 0..65535 (coils and discrete inputs: 0 or 1).

    `at_s`: the device held these values at this second or later. It is the sending time of the request, or of an older one
    if the reply may be a second copy (`drivers.modbus.freshness`). It is never the time of arrival.
    """

    registers: tuple[int, ...]
    at_s: float


@dataclass(frozen=True, slots=True)
class WriteDone:
    """The device echoed address and value (or count). `at_s` is when the echo was here."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Failed:
    """No result. `exception_code` is the device's own when kind is EXCEPTION, else 0."""

    kind: FailureKind
    detail: str
    at_s: float
    exception_code: int = 0


Outcome = ReadDone | WriteDone | Failed


@dataclass(frozen=True, slots=True)
class DeviceTiming:
    """How long one device may take and how often a dead one is asked again. Seconds.

    `timeout_s` counts from the end of our request plus the wire time of the whole reply; `turnaround_s` is the longest
    pause ever seen before a reply and sets the quarantine of the whole bus after a failure; `late_s` is how late a reply or
    a second copy of one may come: the device is left in peace so long after a failure, and unchanged values are dated so far back;
    `gap_s` is extra silence before each request.
    After `failures_to_back_off` time-outs without a good answer between them the device is asked every `backoff_min_s`, doubling up to
    `backoff_max_s`. After `failures_to_pace` failures of any kind it shares a small part of the wire with others like it, stops included.
    """

    timeout_s: float = 0.1
    turnaround_s: float = 0.05
    late_s: float = 0.3
    gap_s: float = 0.0
    failures_to_back_off: int = 3
    failures_to_pace: int = 2
    backoff_min_s: float = 0.5
    backoff_max_s: float = 5.0


def _check_target(unit: int, address: int) -> None:
    if not 1 <= unit <= 247:
        raise ValueError(f"unit {unit}: 1 to 247 (broadcast is not used)")
    if not 0 <= address <= 0xFFFF:
        raise ValueError(f"address {address}: 0 to 65535")


def _check_words(values: tuple[int, ...]) -> None:
    for value in values:
        if not 0 <= value <= 0xFFFF:
            raise ValueError(f"register value {value}: 0 to 65535")
