"""The station itself, its EVSEs and connectors."""

from __future__ import annotations

from chargepoint.config.schema import StationSection
from chargepoint.model.status import EvseState
from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.variables.site import BOOLEAN, DECIMAL, INTEGER, OPTION, READ_WRITE, STRING, Site

_STATES = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")


def rows(site: Site) -> tuple[Variable, ...]:
    """Rows of ChargingStation, EVSE and Connector."""
    return (*_whole(site.station), *(row for evse in site.evses for row in _evse(evse)))


def _whole(station: StationSection) -> tuple[Variable, ...]:
    c = "ChargingStation"
    return (
        Variable(c, "Available", BOOLEAN, "true", summary=True),
        Variable(c, "AvailabilityState", OPTION, values=_STATES, summary=True),
        Variable(c, "AllowNewSessionsPendingFirmwareUpdate", BOOLEAN, "false", READ_WRITE),
        Variable(c, "SupplyPhases", INTEGER, "3"),
        Variable(c, "Model", STRING, station.model, maximum=20),
        Variable(c, "VendorName", STRING, station.vendor_name, maximum=50),
        Variable(c, "SerialNumber", STRING, station.serial_number, maximum=25),
        Variable(c, "FirmwareVersion", STRING, maximum=50),
    )


def _evse(evse: EvseState) -> tuple[Variable, ...]:
    n = int(evse.evse_id)
    return (
        Variable("EVSE", "Available", BOOLEAN, "true", evse_id=n, summary=True),
        Variable("EVSE", "AvailabilityState", OPTION, evse_id=n, values=_STATES, summary=True),
        Variable("EVSE", "AllowReset", BOOLEAN, "true", evse_id=n),
        Variable(
            "EVSE", "Power", DECIMAL, evse_id=n, unit="W", minimum=-evse.discharge_max_W, maximum=evse.charge_max_W
        ),
        Variable("EVSE", "SupplyPhases", INTEGER, "0", evse_id=n),
        Variable("Connector", "Available", BOOLEAN, "true", evse_id=n, connector_id=1, summary=True),
        Variable("Connector", "AvailabilityState", OPTION, evse_id=n, connector_id=1, values=_STATES, summary=True),
        Variable("Connector", "ConnectorType", STRING, evse.connector_type, evse_id=n, connector_id=1),
        Variable("Connector", "SupplyPhases", INTEGER, "0", evse_id=n, connector_id=1),
    )
