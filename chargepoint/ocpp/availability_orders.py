"""Availability as ordered: what the central system ordered for the station and for each EVSE, stored apart. G03, G04."""

from __future__ import annotations

from collections.abc import Mapping

STATION = 0


class OrderedAvailability:
    """An EVSE is operative where both it and the station are; what was never ordered is operative.

    Kept apart so that a station that becomes operative again leaves an EVSE out of service that was set so by itself
    (G04.FR.08: back to their original status). EVSE 0 is the station. Each EVSE has one connector: both are one level.
    """

    def __init__(self, stored: Mapping[int, bool]) -> None:
        self._orders = dict(stored)

    def order(self, evse_id: int, operative: bool) -> None:
        """Take an order."""
        self._orders[evse_id] = operative

    def operative(self, evse_id: int) -> bool:
        """Whether this EVSE may be used, by all that was ordered."""
        return self._orders.get(STATION, True) and self._orders.get(evse_id, True)
