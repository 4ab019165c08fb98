"""Smart charging. V2XChargingCtrlr is a vendor's addition to 2.0.1."""

from __future__ import annotations

from chargepoint.ocpp.device_model import Variable
from chargepoint.ocpp.variables.site import BOOLEAN, DECIMAL, INTEGER, MEMBERS, OPTION, READ_WRITE, Site

MAX_PROFILES = 64
MAX_STACK_LEVEL = 15
MAX_PERIODS = 1024


def rows(site: Site) -> tuple[Variable, ...]:
    """Rows of SmartChargingCtrlr and V2XChargingCtrlr."""
    csms, c, v = site.csms, "SmartChargingCtrlr", "V2XChargingCtrlr"
    modes = _modes(site)
    return (
        Variable(c, "Available", BOOLEAN, "true"),
        Variable(c, "Enabled", BOOLEAN, "true"),
        Variable(c, "ACPhaseSwitchingSupported", BOOLEAN, "false"),
        Variable(c, "Entries", INTEGER, instance="ChargingProfiles", maximum=MAX_PROFILES),
        Variable(c, "ExternalControlSignalsEnabled", BOOLEAN, "true"),
        Variable(c, "NotifyChargingLimitWithSchedules", BOOLEAN, "false", READ_WRITE),
        Variable(c, "LimitChangeSignificance", DECIMAL, "1.0", READ_WRITE, unit="Percent", minimum=0, maximum=100),
        Variable(c, "PeriodsPerSchedule", INTEGER, str(MAX_PERIODS), maximum=MAX_PERIODS),
        Variable(c, "ProfileStackLevel", INTEGER, str(MAX_STACK_LEVEL), maximum=MAX_STACK_LEVEL),
        Variable(c, "RateUnit", MEMBERS, "A,W", values=("A", "W")),
        Variable(v, "Available", BOOLEAN),
        Variable(v, "Enabled", BOOLEAN),
        Variable(
            v,
            "SupportedOperationModes",
            MEMBERS,
            "ChargingOnly,CentralSetpoint,Idle",
            values=("ChargingOnly", "CentralSetpoint", "Idle"),
        ),
        Variable(v, "V2XOver201", BOOLEAN, "true" if csms.v2x_over_201 else "false", READ_WRITE),
        Variable(
            v,
            "NegativeLimitMeaning",
            OPTION,
            csms.negative_limit_meaning,
            READ_WRITE,
            values=("Setpoint", "DischargeLimit"),
        ),
        Variable(v, "SupportedEnergyTransferModes", MEMBERS, ",".join(modes), values=modes),
        *(Variable(v, "DischargePossible", BOOLEAN, evse_id=int(evse.evse_id)) for evse in site.evses),
    )


def _modes(site: Site) -> tuple[str, ...]:
    """EnergyTransferModeEnumType of OCPP 2.1 of every outlet; BPT where the EVSE has a rating for discharging."""
    modes: list[str] = []
    for evse in site.evses:
        names = ("AC_three_phase", "AC_BPT") if evse.outlet_is_ac else ("DC", "DC_BPT")
        modes += names[: 2 if evse.discharge_max_W > 0 else 1]
    return tuple(dict.fromkeys(modes))
