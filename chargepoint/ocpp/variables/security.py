"""Security: who the station is to the central system."""

from __future__ import annotations

from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.variables.site import BOOLEAN, INTEGER, READ_WRITE, STRING, WRITE_ONLY, Site

MAX_CERTIFICATES = 50
"""Certificates that the central system may install."""
MAX_CHAIN_CHARACTERS = 10_000


def rows(site: Site) -> tuple[Variable, ...]:
    """Rows of SecurityCtrlr."""
    csms, s = site.csms, "SecurityCtrlr"
    return (
        Variable(s, "AdditionalRootCertificateCheck", BOOLEAN, str(csms.additional_root_check).lower()),
        Variable(s, "BasicAuthPassword", STRING, mutability=WRITE_ONLY, maximum=40),
        Variable(s, "CertificateEntries", INTEGER, maximum=MAX_CERTIFICATES),
        Variable(s, "CertSigningRepeatTimes", INTEGER, "5", READ_WRITE, minimum=0, maximum=10),
        Variable(s, "CertSigningWaitMinimum", INTEGER, "60", READ_WRITE, unit="s", minimum=1, maximum=86_400),
        Variable(s, "Identity", STRING, csms.identity, maximum=48),
        Variable(s, "MaxCertificateChainSize", INTEGER, str(MAX_CHAIN_CHARACTERS), maximum=MAX_CHAIN_CHARACTERS),
        Variable(s, "OrganizationName", STRING, "", READ_WRITE, maximum=64),
        Variable(s, "SecurityProfile", INTEGER),
    )
