"""A station without EVSEs, for tests of the connection to the central system alone."""

from __future__ import annotations

from chargepoint.model.commands import CommandResult, StationCommand
from chargepoint.model.status import EvseState


class NoStation:
    """A `StationPort` without EVSEs that accepts every command."""

    def evse_states(self) -> tuple[EvseState, ...]:
        return ()

    def command(self, command: StationCommand) -> CommandResult:
        return CommandResult(True)

    def firmware_version(self) -> str:
        return ""
