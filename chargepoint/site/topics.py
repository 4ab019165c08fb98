"""The names of the topics: all below the station's own. A core."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.ids import EvseId


@dataclass(frozen=True, slots=True)
class Topics:
    """`root` is the station's own topic, without a slash at its end."""

    root: str

    @property
    def availability(self) -> str:
        """`online` or `offline`, retained."""
        return f"{self.root}/availability"

    @property
    def station(self) -> str:
        """The station's state, retained."""
        return f"{self.root}/station"

    def evse(self, evse_id: EvseId) -> str:
        """One EVSE's state, retained."""
        return f"{self.root}/evse/{evse_id}/state"

    def capability(self, evse_id: EvseId) -> str:
        """What one EVSE can take and give, retained."""
        return f"{self.root}/evse/{evse_id}/capability"

    @property
    def event(self) -> str:
        """One line of the journal for each message."""
        return f"{self.root}/event"

    @property
    def session(self) -> str:
        """One record for each finished session."""
        return f"{self.root}/session"

    @property
    def order(self) -> str:
        """Orders come in here."""
        return f"{self.root}/order"

    @property
    def answer(self) -> str:
        """Answers to orders that name no response topic."""
        return f"{self.root}/answer"

    @property
    def meter(self) -> str:
        """Values of the meter at the site's connection come in here."""
        return f"{self.root}/meter"

    @property
    def incoming(self) -> tuple[str, ...]:
        """To subscribe."""
        return (self.order, self.meter)
