"""Contracts of cars."""

from __future__ import annotations

from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.variables.site import BOOLEAN, READ_WRITE, Site


def rows(site: Site) -> tuple[Variable, ...]:
    """Rows of ISO15118Ctrlr."""
    c = "ISO15118Ctrlr"
    return (
        Variable(c, "CentralContractValidationAllowed", BOOLEAN, "true", READ_WRITE),
        Variable(c, "ContractValidationOffline", BOOLEAN, "true", READ_WRITE),
    )
