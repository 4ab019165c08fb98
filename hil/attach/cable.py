"""A cable between one EVSE and its car, as far as the network sees it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CarCable:
    """Its two ends: names of network interfaces. On the loopback both are `lo`."""

    station: str
    car: str
    namespace: str = ""
    """Where the car's end is, if not in the network of this process."""
