"""The rows of the device model: data, one table, honest about what is built.

What is not here is not built: no local authorisation list, reservation, display, tariff, monitoring, firmware update.
Names and units: OCPP 2.0.1 appendices, dm_components_vars.csv. V2X rows are a vendor's addition to 2.0.1.
"""

from __future__ import annotations

import math

from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.status import EvseState
from chargepoint.ocpp.device_model import DataType, Mutability, Variable

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
_STATES = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")

MAX_PROFILES = 64
MAX_STACK_LEVEL = 15
MAX_PERIODS = 1024
MAX_ITEMS = 100
MAX_BYTES = 65_536

_S, _I, _B, _D = DataType.STRING, DataType.INTEGER, DataType.BOOLEAN, DataType.DECIMAL
_MEMBERS, _OPTION, _SEQUENCE = DataType.MEMBER_LIST, DataType.OPTION_LIST, DataType.SEQUENCE_LIST
_RW, _WO = Mutability.READ_WRITE, Mutability.WRITE_ONLY


def rows(csms: CsmsSection, station: StationSection, evses: tuple[EvseState, ...]) -> tuple[Variable, ...]:
    """The whole table for this configuration."""
    return (
        *_station(station),
        *(row for evse in evses for row in _evse(evse)),
        *_communication(csms),
        *_metering(csms),
        *_transactions(),
        *_contracts(),
        *_smart_charging(csms),
    )


def _station(station: StationSection) -> tuple[Variable, ...]:
    c = "ChargingStation"
    return (
        Variable(c, "Available", _B, "true", summary=True),
        Variable(c, "AvailabilityState", _OPTION, values=_STATES, summary=True),
        Variable(c, "SupplyPhases", _I, "3"),
        Variable(c, "Model", _S, station.model, maximum=20),
        Variable(c, "VendorName", _S, station.vendor_name, maximum=50),
        Variable(c, "SerialNumber", _S, station.serial_number, maximum=25),
        Variable(c, "FirmwareVersion", _S, maximum=50),
    )


def _evse(evse: EvseState) -> tuple[Variable, ...]:
    n = int(evse.evse_id)
    return (
        Variable("EVSE", "Available", _B, "true", evse_id=n, summary=True),
        Variable("EVSE", "AvailabilityState", _OPTION, evse_id=n, values=_STATES, summary=True),
        Variable("EVSE", "AllowReset", _B, "true", evse_id=n),
        Variable("EVSE", "Power", _D, evse_id=n, unit="W", minimum=-evse.discharge_max_W, maximum=evse.charge_max_W),
        Variable("EVSE", "SupplyPhases", _I, "0", evse_id=n),
        Variable("Connector", "Available", _B, "true", evse_id=n, connector_id=1, summary=True),
        Variable("Connector", "AvailabilityState", _OPTION, evse_id=n, connector_id=1, values=_STATES, summary=True),
        Variable("Connector", "ConnectorType", _S, evse.connector_type, evse_id=n, connector_id=1),
        Variable("Connector", "SupplyPhases", _I, "0", evse_id=n, connector_id=1),
    )


def _communication(csms: CsmsSection) -> tuple[Variable, ...]:
    c, d, s = "OCPPCommCtrlr", "DeviceDataCtrlr", "SecurityCtrlr"
    doublings = max(0, math.floor(math.log2(max(1.0, csms.reconnect_max_s / csms.reconnect_min_s))))
    return (
        Variable(c, "ActiveNetworkProfile", _I, "1"),
        Variable(c, "FileTransferProtocols", _MEMBERS, "", values=("HTTPS", "FTPS", "SFTP")),
        Variable(c, "HeartbeatInterval", _I, "300", _RW, unit="s", minimum=1, maximum=86_400),
        Variable(c, "MessageTimeout", _I, str(round(csms.call_timeout_s)), instance="Default", unit="s"),
        Variable(
            c, "MessageAttemptInterval", _I, "10", _RW, instance="TransactionEvent", unit="s", minimum=0, maximum=3600
        ),
        Variable(c, "MessageAttempts", _I, "5", _RW, instance="TransactionEvent", minimum=1, maximum=100),
        Variable(c, "NetworkConfigurationPriority", _SEQUENCE, "1", _RW, values=("1",), reboot_required=True),
        Variable(c, "NetworkProfileConnectionAttempts", _I, "3", _RW, minimum=1, maximum=100),
        Variable(c, "OfflineThreshold", _I, "60", _RW, unit="s", minimum=0, maximum=86_400),
        Variable(c, "QueueAllMessages", _B, "false"),
        Variable(c, "ResetRetries", _I, "0"),
        Variable(c, "RetryBackOffRepeatTimes", _I, str(doublings), _RW, minimum=0, maximum=20),
        Variable(
            c,
            "RetryBackOffRandomRange",
            _I,
            str(min(10, int(csms.reconnect_min_s))),
            _RW,
            unit="s",
            minimum=0,
            maximum=600,
        ),
        Variable(
            c,
            "RetryBackOffWaitMinimum",
            _I,
            str(max(1, round(csms.reconnect_min_s))),
            _RW,
            unit="s",
            minimum=1,
            maximum=3600,
        ),
        Variable(c, "UnlockOnEVSideDisconnect", _B, "true"),
        Variable(
            c, "WebSocketPingInterval", _I, str(round(csms.ping_interval_s)), _RW, unit="s", minimum=0, maximum=3600
        ),
        Variable("ClockCtrlr", "DateTime", DataType.DATE_TIME),
        Variable("ClockCtrlr", "TimeSource", _SEQUENCE, "NTP,Heartbeat", values=("NTP", "Heartbeat")),
        *(
            Variable(d, f"{what}PerMessage", _I, str(limit), instance=message, maximum=limit)
            for what, limit in (("Items", MAX_ITEMS), ("Bytes", MAX_BYTES))
            for message in ("GetReport", "GetVariables", "SetVariables")
        ),
        Variable(s, "BasicAuthPassword", _S, mutability=_WO, maximum=40),
        Variable(s, "CertificateEntries", _I, "0"),
        Variable(s, "Identity", _S, csms.identity, maximum=48),
        Variable(s, "OrganizationName", _S, "", _RW, maximum=64),
        Variable(s, "SecurityProfile", _I, str(csms.security_profile)),
    )


def _metering(csms: CsmsSection) -> tuple[Variable, ...]:
    a, s = "AlignedDataCtrlr", "SampledDataCtrlr"
    return (
        Variable(a, "Available", _B, "true"),
        Variable(a, "Enabled", _B, "true", _RW),
        Variable(a, "Interval", _I, "0", _RW, unit="s", minimum=0, maximum=86_400),
        Variable(a, "Measurands", _MEMBERS, _ALL, _RW, values=MEASURANDS, maximum=1000),
        Variable(a, "SendDuringIdle", _B, "false"),
        Variable(a, "TxEndedInterval", _I, "0", unit="s"),
        Variable(a, "TxEndedMeasurands", _MEMBERS, "", values=MEASURANDS),
        Variable(s, "Available", _B, "true"),
        Variable(s, "Enabled", _B, "true", _RW),
        Variable(s, "TxStartedMeasurands", _MEMBERS, _REGISTERS, _RW, values=MEASURANDS, maximum=1000),
        Variable(s, "TxUpdatedInterval", _I, str(csms.sampled_interval_s), _RW, unit="s", minimum=0, maximum=86_400),
        Variable(s, "TxUpdatedMeasurands", _MEMBERS, _ALL, _RW, values=MEASURANDS, maximum=1000),
        Variable(s, "TxEndedInterval", _I, "0", unit="s"),
        Variable(s, "TxEndedMeasurands", _MEMBERS, _REGISTERS, _RW, values=MEASURANDS, maximum=1000),
    )


def _transactions() -> tuple[Variable, ...]:
    a, t, cache = "AuthCtrlr", "TxCtrlr", "AuthCacheCtrlr"
    points = ("Authorized", "EVConnected", "PowerPathClosed", "EnergyTransfer", "ParkingBayOccupancy", "DataSigned")
    return (
        Variable(a, "Enabled", _B, "true"),
        Variable(a, "AuthorizeRemoteStart", _B, "false", _RW),
        Variable(a, "LocalAuthorizeOffline", _B, "true", _RW),
        Variable(a, "LocalPreAuthorize", _B, "false", _RW),
        Variable(a, "OfflineTxForUnknownIdEnabled", _B, "false", _RW),
        Variable(cache, "Available", _B, "true"),
        Variable(cache, "Enabled", _B, "true", _RW),
        Variable(cache, "LifeTime", _I, "86400", _RW, unit="s", minimum=0, maximum=31_536_000),
        Variable(t, "EVConnectionTimeOut", _I, "120", _RW, unit="s", minimum=1, maximum=3600),
        Variable(t, "StopTxOnEVSideDisconnect", _B, "true"),
        Variable(t, "StopTxOnInvalidId", _B, "true", _RW),
        Variable(t, "TxBeforeAcceptedEnabled", _B, "true"),
        Variable(t, "TxStartPoint", _MEMBERS, "PowerPathClosed", values=points),
        Variable(t, "TxStopPoint", _MEMBERS, "Authorized,EVConnected", values=points),
    )


def _contracts() -> tuple[Variable, ...]:
    c = "ISO15118Ctrlr"
    return (
        Variable(c, "CentralContractValidationAllowed", _B, "true", _RW),
        Variable(c, "ContractValidationOffline", _B, "true", _RW),
    )


def _smart_charging(csms: CsmsSection) -> tuple[Variable, ...]:
    c, v = "SmartChargingCtrlr", "V2XChargingCtrlr"
    return (
        Variable(c, "Available", _B, "true"),
        Variable(c, "Enabled", _B, "true"),
        Variable(c, "ACPhaseSwitchingSupported", _B, "false"),
        Variable(c, "Entries", _I, instance="ChargingProfiles", maximum=MAX_PROFILES),
        Variable(c, "LimitChangeSignificance", _D, "1.0", unit="Percent", minimum=0, maximum=100),
        Variable(c, "PeriodsPerSchedule", _I, str(MAX_PERIODS), maximum=MAX_PERIODS),
        Variable(c, "ProfileStackLevel", _I, str(MAX_STACK_LEVEL), maximum=MAX_STACK_LEVEL),
        Variable(c, "RateUnit", _MEMBERS, "A,W", values=("A", "W")),
        Variable(v, "Available", _B),
        Variable(v, "Enabled", _B),
        Variable(
            v,
            "SupportedOperationModes",
            _MEMBERS,
            "ChargingOnly,CentralSetpoint,Idle",
            values=("ChargingOnly", "CentralSetpoint", "Idle"),
        ),
        Variable(v, "V2XOver201", _B, "true" if csms.v2x_over_201 else "false", _RW),
        Variable(
            v, "NegativeLimitMeaning", _OPTION, csms.negative_limit_meaning, _RW, values=("Setpoint", "DischargeLimit")
        ),
    )
