"""The port to the rest of the station: what the OCPP side asks of the app. Implemented by the app's wiring."""

from __future__ import annotations

from typing import Protocol

from chargepoint.model.commands import CommandResult, StationCommand
from chargepoint.model.status import EvseState


class StationPort(Protocol):
    """All calls return at once."""

    def evse_states(self) -> tuple[EvseState, ...]:
        """Every EVSE, always all of them, in the order of their ids; known before the client is made."""

    def command(self, command: StationCommand) -> CommandResult:
        """Do it, or say why not."""

    def firmware_version(self) -> str:
        """At most 50 characters."""
