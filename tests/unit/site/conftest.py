"""A desk before a station that only writes down what it was asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoint.model.commands import CommandResult, Contribute, StationCommand
from chargepoint.model.ids import EvseId, TransactionId
from chargepoint.model.instant import Instant
from chargepoint.model.limits import Interval
from chargepoint.model.status import ConnectorStatus, EvseState
from chargepoint.site.desk import EvseAbility, SiteDesk, SiteRules
from chargepoint.site.orders import OrderAnswer

T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
EVERYTHING = frozenset({"setpoint", "limit", "driver", "pause", "start", "stop"})


@dataclass
class Station:
    """StationPort: accepts all, remembers all."""

    taken: list[StationCommand] = field(default_factory=list)
    refuse: CommandResult | None = None
    transaction: str | None = "tx-1"

    def evse_states(self) -> tuple[EvseState, ...]:
        return tuple(evse_state(number, self.transaction) for number in (1, 2))

    def command(self, command: StationCommand) -> CommandResult:
        self.taken.append(command)
        return self.refuse or CommandResult(True)

    def firmware_version(self) -> str:
        return "1"


def evse_state(number: int, transaction: str | None = None) -> EvseState:
    return EvseState(
        evse_id=EvseId(number),
        status=ConnectorStatus.OCCUPIED,
        plugged=True,
        transaction_id=None if transaction is None else TransactionId(transaction),
        id_token=None,
        discharge_negotiated=True,
        charge_max_W=22_000.0,
        discharge_max_W=20_000.0,
        voltage_V=400.0,
        transaction_started_s=None,
        meter_fresh=True,
        reserve_soc_percent=20.0,
    )


class Desk:
    """The desk with a clock."""

    def __init__(self, orders: frozenset[str] = EVERYTHING, lease_max_s: float = 3600.0, orders_per_s: float = 20.0):
        self.t = 100.0
        self.station = Station()
        self.abilities = {
            EvseId(number): EvseAbility(True, Interval(-20_000.0, 22_000.0), 1.0, "explained") for number in (1, 2)
        }
        self.desk = SiteDesk(SiteRules(orders, lease_max_s, orders_per_s), self.station, lambda: self.abilities)
        self.ids = 0

    @property
    def now(self) -> Instant:
        return Instant(self.t, T0 + timedelta(seconds=self.t - 100.0))

    def raw(self, payload: bytes, **how: Any) -> OrderAnswer:
        return self.desk.order(payload, self.now, **how)

    def order(self, do: str, **what: Any) -> OrderAnswer:
        self.ids += 1
        return self.raw(json.dumps({"id": f"o{self.ids}", "do": do, **what}).encode())

    def pass_time(self, seconds: float) -> None:
        self.t += seconds
        self.desk.keep_time(self.now)

    def targets(self) -> dict[int, float | None]:
        """What the desk says now for each EVSE."""
        said: dict[int, float | None] = {}
        for command in self.station.taken:
            if isinstance(command, Contribute):
                found = [c for c in command.contributions if c.target_W is not None and c.valid_until_s > self.t]
                said[int(command.evse_id)] = float(found[0].target_W) if found else None  # type: ignore[arg-type]
        return said


@pytest.fixture
def desk() -> Desk:
    return Desk()
