"""Security: who the station is to the central system."""

from __future__ import annotations

from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.variables.site import INTEGER, READ_WRITE, STRING, WRITE_ONLY, Site


def rows(site: Site) -> tuple[Variable, ...]:
    """Rows of SecurityCtrlr."""
    csms, s = site.csms, "SecurityCtrlr"
    return (
        Variable(s, "BasicAuthPassword", STRING, mutability=WRITE_ONLY, maximum=40),
        Variable(s, "CertificateEntries", INTEGER, "0"),
        Variable(s, "Identity", STRING, csms.identity, maximum=48),
        Variable(s, "OrganizationName", STRING, "", READ_WRITE, maximum=64),
        Variable(s, "SecurityProfile", INTEGER, str(csms.security_profile)),
    )
