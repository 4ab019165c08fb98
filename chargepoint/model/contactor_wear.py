"""How often a contactor worked since it was new, and what it is rated for. Shared by both processes."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.ids import EvseId


@dataclass(frozen=True, slots=True)
class ContactorWear:
    """Counts of one EVSE's contactor since it was new. Under load: with more than 5 A.

    `operations_max` and `load_openings_max`: from these counts on it is to be inspected or replaced.
    """

    evse_id: EvseId
    closings: int
    load_closings: int
    load_openings: int
    operations_max: int
    load_openings_max: int
