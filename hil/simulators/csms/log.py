"""What the bench central system remembers of each station: every CALL, every violation, transactions put together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """A CALL of a station, as it came. `text` is the frame; `at_s` monotonic."""

    at_s: float
    identity: str
    unique_id: str
    action: str
    payload: Payload
    text: str


@dataclass(slots=True)
class TransactionLog:
    """What came of one transaction, each seqNo once. `copies` counts how often each came."""

    transaction_id: str
    events: dict[int, Payload] = field(default_factory=dict)
    copies: dict[int, int] = field(default_factory=dict)

    @property
    def gaps(self) -> list[int]:
        """seqNos missing below the highest one seen."""
        return sorted(set(range(max(self.events, default=-1) + 1)) - set(self.events))

    @property
    def ended(self) -> bool:
        """An Ended event came."""
        return any(event["eventType"] == "Ended" for event in self.events.values())

    @property
    def in_order(self) -> list[Payload]:
        """The events by seqNo."""
        return [self.events[number] for number in sorted(self.events)]

    def energy_Wh(self, register: str = "Import") -> float:
        """Last minus first value of the import or export register."""
        values = [
            sampled["value"]
            for event in self.in_order
            for value in event.get("meterValue", [])
            for sampled in value["sampledValue"]
            if sampled.get("measurand") == f"Energy.Active.{register}.Register"
        ]
        return float(values[-1] - values[0]) if values else 0.0


@dataclass(slots=True)
class StationLog:
    """One station as the central system knows it."""

    identity: str
    socket: ServerConnection | None = None
    boot_status: str | None = None
    connections: int = 0
    heard: list[Heard] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    transactions: dict[str, TransactionLog] = field(default_factory=dict)
    connectors: dict[tuple[int, int], str] = field(default_factory=dict)
    reports: dict[int, list[Payload]] = field(default_factory=dict)
    profiles: dict[int, list[Payload]] = field(default_factory=dict)
    charging_needs: list[Payload] = field(default_factory=list)
    car_plans: list[Payload] = field(default_factory=list)
    waiting: dict[str, tuple[str, asyncio.Future[Payload]]] = field(default_factory=dict)
    errors: list[list[Any]] = field(default_factory=list)
    calling: asyncio.Lock = field(default_factory=asyncio.Lock)

    def of(self, action: str) -> list[Payload]:
        """Payloads of one action, in the order they came."""
        return [heard.payload for heard in self.heard if heard.action == action]
