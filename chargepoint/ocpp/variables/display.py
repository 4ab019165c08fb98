"""What drivers are shown: messages of the central system, tariff and cost."""

from __future__ import annotations

from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.variables.site import BOOLEAN, INTEGER, MEMBERS, READ_WRITE, STRING, Site

MAX_MESSAGES = 100
FORMATS = ("ASCII", "UTF8")
PRIORITIES = ("AlwaysFront", "InFront", "NormalCycle")


def rows(site: Site) -> tuple[Variable, ...]:
    """Rows of DisplayMessageCtrlr and TariffCostCtrlr."""
    d, t = "DisplayMessageCtrlr", "TariffCostCtrlr"
    return (
        Variable(d, "Available", BOOLEAN, "true"),
        Variable(d, "Enabled", BOOLEAN, "true", READ_WRITE),
        Variable(d, "DisplayMessages", INTEGER, maximum=MAX_MESSAGES),
        Variable(d, "SupportedFormats", MEMBERS, ",".join(FORMATS), values=FORMATS),
        Variable(d, "SupportedPriorities", MEMBERS, ",".join(PRIORITIES), values=PRIORITIES),
        Variable(d, "PersonalMessageSize", INTEGER, "512"),
        *(
            row
            for instance in ("Tariff", "Cost")
            for row in (
                Variable(t, "Available", BOOLEAN, "true", instance=instance),
                Variable(t, "Enabled", BOOLEAN, "true", READ_WRITE, instance=instance),
            )
        ),
        Variable(t, "Currency", STRING, "EUR", READ_WRITE, maximum=3),
        Variable(t, "TariffFallbackMessage", STRING, "", READ_WRITE, maximum=255),
        Variable(t, "TotalCostFallbackMessage", STRING, "", READ_WRITE, maximum=255),
    )
