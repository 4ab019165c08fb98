"""Reservations."""

from __future__ import annotations

from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.variables.site import BOOLEAN, READ_WRITE, Site


def rows(site: Site) -> tuple[Variable, ...]:
    """Rows of ReservationCtrlr."""
    c = "ReservationCtrlr"
    return (
        Variable(c, "Available", BOOLEAN, "true"),
        Variable(c, "Enabled", BOOLEAN, "true", READ_WRITE),
        Variable(c, "NonEvseSpecific", BOOLEAN, "true", READ_WRITE),
    )
