"""Monitoring, and what the station finds wrong with itself."""

from __future__ import annotations

from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.variables.site import BOOLEAN, INTEGER, OPTION, READ_WRITE, Site

MAX_MONITORS = 100
"""Custom monitors at once."""
MAX_ITEMS = 50
MAX_BYTES = 65_536
DEFAULT_QUEUING_SEVERITY = 6
"""Every fault of the catalogue has this severity or a worse one."""


def rows(site: Site) -> tuple[Variable, ...]:
    """Rows of MonitoringCtrlr, and Problem of the station and of each EVSE."""
    c = "MonitoringCtrlr"
    return (
        Variable(c, "Available", BOOLEAN, "true"),
        Variable(c, "Enabled", BOOLEAN, "true", READ_WRITE),
        *(
            Variable(c, f"{what}PerMessage", INTEGER, str(limit), instance=message, maximum=limit)
            for what, limit in (("Items", MAX_ITEMS), ("Bytes", MAX_BYTES))
            for message in ("ClearVariableMonitoring", "SetVariableMonitoring")
        ),
        Variable(c, "OfflineQueuingSeverity", INTEGER, str(DEFAULT_QUEUING_SEVERITY), READ_WRITE, minimum=0, maximum=9),
        Variable(c, "ActiveMonitoringBase", OPTION, values=("All", "FactoryDefault", "HardWiredOnly")),
        Variable(c, "ActiveMonitoringLevel", INTEGER, minimum=0, maximum=9),
        Variable("ChargingStation", "Problem", BOOLEAN, summary=True),
        *(Variable("EVSE", "Problem", BOOLEAN, evse_id=int(evse.evse_id), summary=True) for evse in site.evses),
    )
