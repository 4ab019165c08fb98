"""Who may charge, and when a transaction begins and ends."""

from __future__ import annotations

from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.variables.site import BOOLEAN, INTEGER, MEMBERS, READ_WRITE, STRING, Site


def rows(site: Site) -> tuple[Variable, ...]:
    """Rows of AuthCtrlr, AuthCacheCtrlr and TxCtrlr."""
    a, t, cache = "AuthCtrlr", "TxCtrlr", "AuthCacheCtrlr"
    points = ("EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer")
    return (
        Variable(a, "Enabled", BOOLEAN, "true"),
        Variable(a, "AuthorizeRemoteStart", BOOLEAN, "false", READ_WRITE),
        Variable(a, "LocalAuthorizeOffline", BOOLEAN, "true", READ_WRITE),
        Variable(a, "LocalPreAuthorize", BOOLEAN, "false", READ_WRITE),
        Variable(a, "OfflineTxForUnknownIdEnabled", BOOLEAN, "false", READ_WRITE),
        Variable(a, "DisableRemoteAuthorization", BOOLEAN, "false", READ_WRITE),
        Variable(a, "MasterPassGroupId", STRING, "", READ_WRITE, maximum=36),
        Variable(cache, "DisablePostAuthorize", BOOLEAN, "false", READ_WRITE),
        Variable(cache, "Available", BOOLEAN, "true"),
        Variable(cache, "Enabled", BOOLEAN, "true", READ_WRITE),
        Variable(cache, "LifeTime", INTEGER, "86400", READ_WRITE, unit="s", minimum=0, maximum=31_536_000),
        Variable(t, "EVConnectionTimeOut", INTEGER, "120", READ_WRITE, unit="s", minimum=1, maximum=3600),
        Variable(t, "MaxEnergyOnInvalidId", INTEGER, "0", READ_WRITE, unit="Wh", minimum=0, maximum=1_000_000),
        Variable(t, "StopTxOnEVSideDisconnect", BOOLEAN, "true"),
        Variable(t, "StopTxOnInvalidId", BOOLEAN, "true", READ_WRITE),
        Variable(t, "TxBeforeAcceptedEnabled", BOOLEAN, "true"),
        Variable(t, "TxStartPoint", MEMBERS, "PowerPathClosed", READ_WRITE, values=points, least=1),
        Variable(t, "TxStopPoint", MEMBERS, "Authorized,EVConnected", READ_WRITE, values=points, least=1),
    )
