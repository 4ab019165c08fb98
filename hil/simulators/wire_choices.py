"""Where the bench's end of each wire is, when it is not one that the bench makes, and what is not simulated at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WireChoices:
    """By the names of the controller's configuration. Empty: the bench makes every wire, and simulates every device."""

    devices: Mapping[str, str] = field(default_factory=dict)
    """Bus -> the bench's end of its cable: a serial device, ADDRESS:PORT of Modbus TCP, or a CAN interface."""
    outside: frozenset[str] = frozenset()
    """Buses with real devices."""
    processes: frozenset[str] = frozenset()
    """Power modules whose registers another process serves; their physics stay in the plant."""


ALL_SIMULATED = WireChoices()
