"""The connection with the central system, the messages about the device model, the clock."""

from __future__ import annotations

import math

from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.file_transfer import PROTOCOLS
from chargepoint.ocpp.variables.site import BOOLEAN, DATE_TIME, INTEGER, MEMBERS, READ_WRITE, SEQUENCE, Site

MAX_ITEMS = 100
MAX_BYTES = 65_536
NETWORK_SLOTS = ("1", "2", "3", "4")
"""Configuration slots for connections to a central system (B09.FR.06)."""


def rows(site: Site) -> tuple[Variable, ...]:
    """Rows of OCPPCommCtrlr, DeviceDataCtrlr and ClockCtrlr."""
    csms, c, d = site.csms, "OCPPCommCtrlr", "DeviceDataCtrlr"
    without_sftp = tuple(name for name in PROTOCOLS if name != "SFTP")
    protocols = without_sftp if site.station.sftp_known_hosts_file is None else PROTOCOLS
    doublings = max(0, math.floor(math.log2(max(1.0, csms.reconnect_max_s / csms.reconnect_min_s))))
    return (
        Variable(c, "ActiveNetworkProfile", INTEGER),
        Variable(c, "FileTransferProtocols", MEMBERS, ",".join(protocols), values=PROTOCOLS),
        Variable(c, "HeartbeatInterval", INTEGER, "300", READ_WRITE, unit="s", minimum=1, maximum=86_400),
        Variable(c, "MessageTimeout", INTEGER, str(round(csms.call_timeout_s)), instance="Default", unit="s"),
        Variable(
            c,
            "MessageAttemptInterval",
            INTEGER,
            "10",
            READ_WRITE,
            instance="TransactionEvent",
            unit="s",
            minimum=0,
            maximum=3600,
        ),
        Variable(c, "MessageAttempts", INTEGER, "5", READ_WRITE, instance="TransactionEvent", minimum=1, maximum=100),
        Variable(
            c, "NetworkConfigurationPriority", SEQUENCE, "1", READ_WRITE, values=NETWORK_SLOTS, reboot_required=True
        ),
        Variable(c, "NetworkProfileConnectionAttempts", INTEGER, "3", READ_WRITE, minimum=1, maximum=100),
        Variable(c, "OfflineThreshold", INTEGER, "60", READ_WRITE, unit="s", minimum=0, maximum=86_400),
        Variable(c, "QueueAllMessages", BOOLEAN, "false"),
        # Required to be writable. A reset here cannot fail halfway: the process ends, and systemd starts a new one.
        Variable(c, "ResetRetries", INTEGER, "0", READ_WRITE, minimum=0, maximum=0),
        Variable(c, "RetryBackOffRepeatTimes", INTEGER, str(doublings), READ_WRITE, minimum=0, maximum=20),
        Variable(
            c,
            "RetryBackOffRandomRange",
            INTEGER,
            str(min(10, int(csms.reconnect_min_s))),
            READ_WRITE,
            unit="s",
            minimum=0,
            maximum=600,
        ),
        Variable(
            c,
            "RetryBackOffWaitMinimum",
            INTEGER,
            str(max(1, round(csms.reconnect_min_s))),
            READ_WRITE,
            unit="s",
            minimum=1,
            maximum=3600,
        ),
        Variable(c, "UnlockOnEVSideDisconnect", BOOLEAN, "true"),
        Variable(
            c,
            "WebSocketPingInterval",
            INTEGER,
            str(round(csms.ping_interval_s)),
            READ_WRITE,
            unit="s",
            minimum=0,
            maximum=3600,
        ),
        Variable("ClockCtrlr", "DateTime", DATE_TIME),
        Variable(
            "ClockCtrlr",
            "TimeAdjustmentReportingThreshold",
            INTEGER,
            "20",
            READ_WRITE,
            unit="s",
            minimum=1,
            maximum=86_400,
        ),
        Variable("ClockCtrlr", "TimeSource", SEQUENCE, "NTP,Heartbeat", values=("NTP", "Heartbeat")),
        *(
            Variable(d, f"{what}PerMessage", INTEGER, str(limit), instance=message, maximum=limit)
            for what, limit in (("Items", MAX_ITEMS), ("Bytes", MAX_BYTES))
            for message in ("GetReport", "GetVariables", "SetVariables")
        ),
    )
