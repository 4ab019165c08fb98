"""What is measured, when, and what of it is sent."""

from __future__ import annotations

from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.variables.site import BOOLEAN, INTEGER, MEMBERS, READ_WRITE, Site

MEASURANDS = (
    "Energy.Active.Import.Register",
    "Energy.Active.Export.Register",
    "Power.Active.Import",
    "Power.Active.Export",
    "Power.Offered",
    "Voltage",
    "Current.Import",
    "Current.Export",
    "SoC",
)
_REGISTERS = ",".join(MEASURANDS[:2])
_ALL = ",".join(m for m in MEASURANDS if m != "Power.Offered")


def rows(site: Site) -> tuple[Variable, ...]:
    """Rows of AlignedDataCtrlr and SampledDataCtrlr."""
    csms, a, s = site.csms, "AlignedDataCtrlr", "SampledDataCtrlr"
    return (
        Variable(a, "Available", BOOLEAN, "true"),
        Variable(a, "Enabled", BOOLEAN, "true", READ_WRITE),
        Variable(a, "Interval", INTEGER, "0", READ_WRITE, unit="s", minimum=0, maximum=86_400),
        Variable(a, "Measurands", MEMBERS, _ALL, READ_WRITE, values=MEASURANDS, maximum=1000),
        Variable(a, "SendDuringIdle", BOOLEAN, "false", READ_WRITE),
        Variable(a, "TxEndedInterval", INTEGER, "0", READ_WRITE, unit="s", minimum=0, maximum=86_400),
        Variable(a, "TxEndedMeasurands", MEMBERS, "", READ_WRITE, values=MEASURANDS, maximum=1000),
        Variable(s, "Available", BOOLEAN, "true"),
        Variable(s, "Enabled", BOOLEAN, "true", READ_WRITE),
        Variable(s, "TxStartedMeasurands", MEMBERS, _REGISTERS, READ_WRITE, values=MEASURANDS, maximum=1000),
        Variable(
            s,
            "TxUpdatedInterval",
            INTEGER,
            str(csms.sampled_interval_s),
            READ_WRITE,
            unit="s",
            minimum=0,
            maximum=86_400,
        ),
        Variable(s, "TxUpdatedMeasurands", MEMBERS, _ALL, READ_WRITE, values=MEASURANDS, maximum=1000),
        Variable(s, "TxEndedInterval", INTEGER, "0", READ_WRITE, unit="s", minimum=0, maximum=86_400),
        Variable(s, "TxEndedMeasurands", MEMBERS, _REGISTERS, READ_WRITE, values=MEASURANDS, maximum=1000),
    )
