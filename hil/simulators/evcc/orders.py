"""What the car's core orders from its shell: pilot resistor, contactors, on-board charger, connection."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OrderPilot:
    """The pilot resistor: `B` or `C`."""

    state: str


@dataclass(frozen=True, slots=True)
class OrderContactors:
    """The inlet contactors."""

    closed: bool


@dataclass(frozen=True, slots=True)
class OrderCharger:
    """Active power of the on-board charger, sum of its phases; positive into the car."""

    power_W: float


@dataclass(frozen=True, slots=True)
class OrderConnection:
    """Discover the station and connect; the shell answers with `CarCore.connected` or `connection_failed`."""


@dataclass(frozen=True, slots=True)
class OrderDisconnection:
    """Close the connection: in order (FIN), or with a reset."""

    reset: bool = False


CarOrder = OrderPilot | OrderContactors | OrderCharger | OrderConnection | OrderDisconnection
