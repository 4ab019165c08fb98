"""The local authorization list."""

from __future__ import annotations

from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.variables.site import BOOLEAN, INTEGER, READ_WRITE, Site

MAX_ENTRIES = 10_000
MAX_PER_MESSAGE = 1_000
MAX_BYTES = 256 * 1024
"""As long as any message may be (`rpc.MAX_MESSAGE_CHARS`)."""


def rows(site: Site) -> tuple[Variable, ...]:
    """Rows of LocalAuthListCtrlr."""
    c = "LocalAuthListCtrlr"
    return (
        Variable(c, "Available", BOOLEAN, "true"),
        Variable(c, "Enabled", BOOLEAN, "true", READ_WRITE),
        Variable(c, "Entries", INTEGER, maximum=MAX_ENTRIES),
        Variable(c, "ItemsPerMessage", INTEGER, str(MAX_PER_MESSAGE), maximum=MAX_PER_MESSAGE),
        Variable(c, "BytesPerMessage", INTEGER, str(MAX_BYTES), maximum=MAX_BYTES),
        Variable(c, "DisablePostAuthorize", BOOLEAN, "false", READ_WRITE),
        Variable(c, "SupportsExpiryDateTime", BOOLEAN, "true"),
    )
