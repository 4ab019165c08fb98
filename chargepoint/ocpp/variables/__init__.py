"""The rows of the device model: data, one module for each subject, honest about what is built.

What is not here is not built. Names and units: OCPP 2.0.1 appendices, dm_components_vars.csv.
"""

from __future__ import annotations

from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.variables import (
    communication,
    connected_ev,
    contracts,
    display,
    equipment,
    local_list,
    metering,
    monitoring,
    reservation,
    security,
    smart_charging,
    station,
    transactions,
)
from chargepoint.ocpp.variables.site import Site


def rows(site: Site) -> tuple[Variable, ...]:
    """The whole table for this configuration. Reports keep this order."""
    subjects = (
        station,
        equipment,
        connected_ev,
        communication,
        security,
        metering,
        monitoring,
        transactions,
        local_list,
        reservation,
        contracts,
        display,
        smart_charging,
    )
    return tuple(row for subject in subjects for row in subject.rows(site))
