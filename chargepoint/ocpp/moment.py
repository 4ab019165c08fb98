"""A moment: both clocks read at once, so that a core can decide by one and understand timestamps by the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chargepoint.ocpp.timestamps import to_wire, utc_from_s


@dataclass(frozen=True, slots=True)
class Moment:
    """`monotonic_s` decides; `utc_s` (seconds since the epoch, as the central system's clock has it) reports."""

    monotonic_s: float
    utc_s: float

    @property
    def utc(self) -> datetime:
        """Aware UTC."""
        return utc_from_s(self.utc_s)

    @property
    def wire(self) -> str:
        """As a timestamp of OCPP."""
        return to_wire(self.utc)
