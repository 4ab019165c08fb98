"""Commands of the central system (and, later, of page and local bus) to the channels: the daemon's `StationPort`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from chargepoint import __version__
from chargepoint.app.evse_channel import EvseChannel
from chargepoint.energy.arbiter import Arbiter
from chargepoint.evse.events import AvailabilityChanged, StopOrdered
from chargepoint.model.commands import (
    ChangeAvailability,
    CommandResult,
    Contribute,
    Report,
    Reset,
    ResetFaults,
    ResetKind,
    StartTransaction,
    StationCommand,
    StopTransaction,
    UnlockConnector,
)
from chargepoint.model.demand import Source
from chargepoint.model.ids import EvseId
from chargepoint.model.status import ConnectorStatus, EvseState
from chargepoint.model.transactions import StopReason, TriggerReason

ACCEPTED = CommandResult(True)


class Commands:
    """Implements `chargepoint.ocpp.station_port.StationPort`."""

    def __init__(self, arbiter: Arbiter, restart: Callable[[ResetKind], None]) -> None:
        self._arbiter = arbiter
        self._restart = restart
        self._channels: Mapping[EvseId, EvseChannel] = {}
        self._before: tuple[EvseState, ...] = ()

    def join(self, channels: Mapping[EvseId, EvseChannel]) -> None:
        """The channels exist from now on."""
        self._channels = channels

    def promise(self, states: tuple[EvseState, ...]) -> None:
        """What `evse_states` says until the channels exist."""
        self._before = states

    def evse_states(self) -> tuple[EvseState, ...]:
        """Every EVSE, in order."""
        if not self._channels:
            return self._before
        return tuple(self._channels[number].evse_state() for number in sorted(self._channels))

    def firmware_version(self) -> str:
        """This program's version."""
        return __version__

    def command(self, command: StationCommand) -> CommandResult:
        """Do it, or say why not."""
        match command:
            case Contribute(evse_id, contributions):
                self._arbiter.withdraw(evse_id, Source.CSMS)
                for contribution in contributions:
                    self._arbiter.contribute(contribution)
                return ACCEPTED
            case StartTransaction(evse_id):
                return self._start(command, evse_id)
            case StopTransaction(transaction_id):
                return self._stop(command, transaction_id)
            case Reset(kind, evse_id):
                return self._reset(kind, evse_id)
            case ResetFaults(evse_id):
                return self._reset_faults(evse_id)
            case UnlockConnector(evse_id):
                channel = self._channels.get(evse_id)
                if channel is None:
                    return CommandResult(False, "UnknownEvse", f"no EVSE {evse_id}")
                if channel.session.transaction_id is not None:
                    return CommandResult(False, "TxInProgress", "a transaction is running")
                if channel.session.must_stay_locked:
                    return CommandResult(False, "InvalidState", "the car is connected and talks, or power is on")
                return ACCEPTED  # unlocked already, or as soon as the board's motor is through
            case ChangeAvailability(evse_id, operative):
                channel = self._channels.get(evse_id)
                if channel is None:
                    return CommandResult(False, "UnknownEvse", f"no EVSE {evse_id}")
                channel.feed(AvailabilityChanged(operative))
                return ACCEPTED
            case Report(evse_id, kind):
                for number, channel in self._channels.items():
                    if evse_id in (0, number):
                        channel.report(kind)
                return ACCEPTED
            case _:
                assert_never(command)

    def _start(self, command: StartTransaction, evse_id: EvseId) -> CommandResult:
        channel = self._channels.get(evse_id)
        if channel is None:
            return CommandResult(False, "UnknownEvse", f"no EVSE {evse_id}")
        if channel.session.transaction_id is not None:
            return CommandResult(False, "TxInProgress", "a transaction is running")
        if channel.session.status in (ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE):
            return CommandResult(False, "InvalidState", f"EVSE {evse_id} is {channel.session.status.value}")
        channel.feed(command)
        return ACCEPTED

    def _stop(self, command: StopTransaction, transaction_id: str) -> CommandResult:
        for channel in self._channels.values():
            if channel.session.transaction_id == transaction_id:
                channel.feed(command)
                return ACCEPTED
        return CommandResult(False, "TxNotFound", f"no transaction {transaction_id}")

    def _reset_faults(self, evse_id: EvseId | None) -> CommandResult:
        if evse_id is not None and evse_id not in self._channels:
            return CommandResult(False, "UnknownEvse", f"no EVSE {evse_id}")
        for number, channel in self._channels.items():
            if evse_id in (None, number):
                channel.reset_faults_when_idle()
        return ACCEPTED

    def _reset(self, kind: ResetKind, evse_id: EvseId | None) -> CommandResult:
        if evse_id is not None and evse_id not in self._channels:
            return CommandResult(False, "UnknownEvse", f"no EVSE {evse_id}")
        for number, channel in self._channels.items():
            if evse_id in (None, number):
                if kind is ResetKind.IMMEDIATE:
                    channel.feed(StopOrdered(StopReason.IMMEDIATE_RESET, TriggerReason.RESET_COMMAND))
                channel.reset_faults_when_idle()
        if evse_id is None:
            self._restart(kind)
        return ACCEPTED
