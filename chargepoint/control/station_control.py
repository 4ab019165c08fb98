"""The whole station's decisions: orders from outside, the shared connection, and when a restart may happen.

A core. Orders of the central system, the site bus, the page and the local command all enter by `command`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from chargepoint.config.schema import Config
from chargepoint.control.connection_rules import fuse_guard_rules
from chargepoint.control.effects import Effect, ReportLimit, Restart, StoreRecord
from chargepoint.control.evse_control import ChargingVariables, ControlEvent, EvseControl
from chargepoint.control.limit_log import LimitLog
from chargepoint.energy.connection import ConnectionBound, SharedConnection
from chargepoint.energy.fuse_guard import FuseGuard
from chargepoint.energy.own_contributions import CONNECTION
from chargepoint.evse.events import AvailabilityChanged, ReservationChanged, TimePassed
from chargepoint.model.commands import (
    AskCar,
    ChangeAvailability,
    CommandResult,
    Contribute,
    ExternalLimit,
    LimitStation,
    NoteSiteMeter,
    Report,
    ReserveEvse,
    Reset,
    ResetFaults,
    ResetKind,
    ScheduleArrived,
    StartTransaction,
    StationCommand,
    StopTransaction,
    UnlockConnector,
    WishForDriver,
)
from chargepoint.model.faults import CENTRAL_SYSTEM
from chargepoint.model.ids import EvseId, IdToken, TransactionId
from chargepoint.model.instant import Instant
from chargepoint.model.site_meter import SiteMeterReading
from chargepoint.model.status import ConnectorStatus, EvseState
from chargepoint.model.transactions import StopReason, TriggerReason
from chargepoint.transactions.book import Closing

RESET_PATIENCE_S = 40.0
"""Seconds that an immediate reset waits for transactions to end in order. After that the reset happens anyway."""

ACCEPTED = CommandResult(True)

Outcome = tuple[CommandResult, list[Effect]]


@dataclass(frozen=True, slots=True)
class _PendingRestart:
    kind: ResetKind
    until_s: float | None


class StationControl:
    """All EVSEs of the station."""

    def __init__(
        self,
        config: Config,
        variables: Callable[[], ChargingVariables],
        new_transaction_id: Callable[[], TransactionId],
    ) -> None:
        self._evses = {
            EvseId(number): EvseControl(EvseId(number), config, variables, new_transaction_id)
            for number in sorted(config.evse)
        }
        self._restart: _PendingRestart | None = None
        self._limits: dict[str, ExternalLimit] = {}
        """Of each outside party that set one."""
        self._limit_log = LimitLog()
        energy = config.energy
        self._own_bound = ConnectionBound(CONNECTION, energy.site_import_max_W, energy.site_export_max_W)
        self.bounds: tuple[ConnectionBound, ...] = (self._own_bound,)
        """What bounds all EVSEs together, as last judged."""
        self._connection = SharedConnection()
        rules = fuse_guard_rules(config.fuse_guard)
        self._guard = None if rules is None else FuseGuard(rules)

    @property
    def evses(self) -> Mapping[EvseId, EvseControl]:
        """Every EVSE by its number, in order."""
        return self._evses

    @property
    def idle(self) -> bool:
        """True when no EVSE has a running transaction, or one that a previous run of the daemon left open."""
        return all(evse.idle for evse in self._evses.values())

    def evse_states(self, now_s: float) -> tuple[EvseState, ...]:
        """Every EVSE, in order."""
        return tuple(evse.evse_state(now_s) for evse in self._evses.values())

    def feed(self, evse_id: EvseId, event: ControlEvent, at: Instant) -> list[Effect]:
        """One event of one EVSE; an EVSE that is not configured is ignored."""
        evse = self._evses.get(evse_id)
        if evse is None:
            return []
        effects = evse.feed(event, at)
        if any(isinstance(effect, StoreRecord) for effect in effects):  # a transaction begins and ends with a record
            effects += self._share(at)
        return effects

    def tick(self, at: Instant) -> list[Effect]:
        """Time passed. Call it at least each `evse_control.TICK_S`."""
        effects: list[Effect] = []
        for evse in self._evses.values():
            effects += evse.feed(TimePassed(), at)
        for owner in [owner for owner, limit in self._limits.items() if at.monotonic_s >= limit.until_s]:
            effects += self._limit_station(owner, None, at)
        effects += self._share(at)
        pending = self._restart
        if pending is not None and (self.idle or (pending.until_s is not None and at.monotonic_s >= pending.until_s)):
            self._restart = None
            effects.append(Restart(pending.kind))
        return effects

    def command(self, command: StationCommand, at: Instant) -> Outcome:
        """Carry out the command; the outcome says whether, and if not, why."""
        result, effects = self._command(command, at)
        return result, effects + self._share(at)

    def stop_all(self, token: IdToken, at: Instant) -> list[Effect]:
        """End every transaction: a master pass was shown (C16.FR.02)."""
        effects: list[Effect] = []
        for evse in self._evses.values():
            billed = None if evse.transaction is None else evse.transaction.transaction_id
            transaction_id = evse.view.transaction_id or evse.interrupted_id or billed
            if transaction_id is None:
                continue
            stop = StopTransaction(transaction_id, TriggerReason.STOP_AUTHORIZED, StopReason.MASTER_PASS, token)
            if evse.interrupted_id is not None:
                effects += evse.end_interrupted(_closing(stop), at)
            elif (ended := evse.stop_span(stop, at)) is not None:  # nobody may charge, and yet it is billed
                effects += ended
            else:
                effects += evse.feed(stop, at)
        return effects + self._share(at)

    def _command(self, command: StationCommand, at: Instant) -> Outcome:
        match command:
            case StopTransaction(transaction_id):
                for evse in self._evses.values():
                    if evse.view.transaction_id == transaction_id:
                        return ACCEPTED, evse.feed(command, at)
                    if (ended := evse.stop_span(command, at)) is not None:
                        return ACCEPTED, ended
                    if evse.interrupted_id == transaction_id:
                        return ACCEPTED, evse.end_interrupted(_closing(command), at)
                return _refused("TxNotFound", f"no transaction {transaction_id}")
            case Reset(kind, evse_id):
                return self._reset(kind, evse_id, at)
            case ResetFaults(evse_id, author):
                return self._reset_faults(evse_id, author, at)
            case LimitStation(limit, _, owner):
                return ACCEPTED, self._limit_station(owner, limit, at)
            case NoteSiteMeter(reading):
                if self._guard is None:
                    return _refused("NotEnabled", "no fuse guard is configured: [fuse_guard] fuse_A")
                self._guard.note(reading)
                return ACCEPTED, []
            case Report(evse_id, kind, trigger):
                reported = [
                    evse.report(kind, trigger, at) for number, evse in self._evses.items() if evse_id in (0, number)
                ]
                return ACCEPTED, [effect for effects in reported for effect in effects]
            case (
                Contribute()
                | StartTransaction()
                | UnlockConnector()
                | ChangeAvailability()
                | ReserveEvse()
                | ScheduleArrived()
                | AskCar()
                | WishForDriver()
            ):
                if command.evse_id not in self._evses:
                    return _unknown(command.evse_id)
                return _command_evse(self._evses[command.evse_id], command, at)
            case _:
                assert_never(command)

    def _reset(self, kind: ResetKind, evse_id: EvseId | None, at: Instant) -> Outcome:
        if evse_id is not None and evse_id not in self._evses:
            return _unknown(evse_id)
        effects: list[Effect] = []
        for number, evse in self._evses.items():
            if evse_id in (None, number):
                if kind is ResetKind.IMMEDIATE:
                    effects += evse.stop_for_reset(at)
                effects += evse.reset_faults_when_idle(CENTRAL_SYSTEM, at)
        if evse_id is None and self._restart is None:
            until_s = at.monotonic_s + RESET_PATIENCE_S if kind is ResetKind.IMMEDIATE else None
            self._restart = _PendingRestart(kind, until_s)
        return ACCEPTED, effects

    def _reset_faults(self, evse_id: EvseId | None, author: str, at: Instant) -> Outcome:
        if evse_id is not None and evse_id not in self._evses:
            return _unknown(evse_id)
        chosen = [evse for number, evse in self._evses.items() if evse_id in (None, number)]
        for evse in chosen:
            view = evse.view
            if view.transaction_id is not None and view.stop is None:
                return _refused("TxInProgress", f"EVSE {evse.evse_id}: a transaction is running; stop it first")
            if view.image is None:
                return _refused("InvalidState", f"EVSE {evse.evse_id}: the power process does not answer")
        effects = [effect for evse in chosen for effect in evse.reset_faults_when_idle(author, at)]
        return ACCEPTED, effects

    def _share(self, at: Instant) -> list[Effect]:
        """The EVSEs at work share the site's connection, each by what it needs, within the narrowest bound of all parties."""
        at_work = sum(evse.transaction is not None for evse in self._evses.values())
        needs = {number: evse.need(at.monotonic_s, alone=at_work <= 1) for number, evse in self._evses.items()}
        bounds = [self._own_bound]
        for limit in self._limits.values():
            bounds.append(ConnectionBound(f"limit of {limit.source.value}", limit.import_max_W, limit.export_max_W))
        if self._guard is not None:
            flow_W = sum(need.flow_W or 0.0 for need in needs.values())
            bounds.append(self._guard.bound(flow_W, at.monotonic_s))
        self.bounds = tuple(bounds)
        shares = self._connection.share(needs, bounds)
        return [effect for number, evse in self._evses.items() for effect in evse.share_connection(shares[number], at)]

    def _limit_station(self, owner: str, limit: ExternalLimit | None, at: Instant) -> list[Effect]:
        before = self.limit
        if limit is None:
            self._limits.pop(owner, None)
        else:
            self._limits[owner] = limit
        after = self.limit
        if after == before:
            return []
        return [ReportLimit(after, self._limit_log.note(after, at.monotonic_s))]

    @property
    def site_reading(self) -> SiteMeterReading | None:
        """The newest value of the site's meter; None: no fuse guard, or no value yet."""
        return None if self._guard is None else self._guard.reading

    @property
    def limit(self) -> ExternalLimit | None:
        """What the outside parties allow together: of their limits the narrowest in each direction; None: they set none.

        Its source is the one of the narrowest import.
        """
        limits = self._limits.values()
        if not limits:
            return None
        least = min(limits, key=lambda limit: limit.import_max_W)
        return replace(
            least,
            export_max_W=min(limit.export_max_W for limit in limits),
            until_s=min(limit.until_s for limit in limits),
        )


def _command_evse(
    evse: EvseControl,
    command: Contribute
    | StartTransaction
    | UnlockConnector
    | ChangeAvailability
    | ReserveEvse
    | ScheduleArrived
    | AskCar
    | WishForDriver,
    at: Instant,
) -> Outcome:
    view = evse.view
    match command:
        case Contribute(_, owner, contributions, plan):
            return ACCEPTED, evse.contribute(owner, contributions, at, plan)
        case StartTransaction():
            if view.transaction_id is not None:
                return _refused("TxInProgress", "a transaction is running")
            if view.status in (ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE):
                why = "" if view.obstacle is None else f": {view.obstacle}"
                return _refused("InvalidState", f"EVSE {evse.evse_id} is {view.status.value}{why}")
            return ACCEPTED, evse.feed(command, at)
        case UnlockConnector():
            if view.transaction_id is not None:
                return _refused("TxInProgress", "a transaction is running")
            if view.must_stay_locked:
                return _refused("InvalidState", "the car is connected and talks, or power is on")
            return ACCEPTED, []  # unlocked already, or as soon as the board's motor is through
        case ChangeAvailability(_, operative):
            return ACCEPTED, evse.feed(AvailabilityChanged(operative), at)
        case ReserveEvse(_, reserved):
            return ACCEPTED, evse.feed(ReservationChanged(reserved), at)
        case ScheduleArrived():
            return ACCEPTED, evse.schedule_arrived(at)
        case WishForDriver(_, wish):
            return ACCEPTED, evse.wish_for_driver(wish, at)
        case AskCar(_, wish):
            if view.transaction_id is None:
                return _refused("TxNotFound", f"EVSE {evse.evse_id}: no transaction is running")
            return ACCEPTED, evse.ask_car(wish, at)
        case _:
            assert_never(command)


def _closing(stop: StopTransaction) -> Closing:
    """How the order ends a transaction that waits for its car."""
    by = "the central system" if stop.id_token is None else "a master pass"
    return Closing(stop.stopped_reason, stop.trigger, stop.id_token, f"ordered by {by}")


def _refused(reason_code: str, text: str) -> Outcome:
    return CommandResult(False, reason_code, text), []


def _unknown(evse_id: EvseId) -> Outcome:
    return _refused("UnknownEvse", f"no EVSE {evse_id}")
