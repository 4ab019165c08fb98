"""OCPP versions: what the chosen sub-protocol implies. Blocks ask this object instead of comparing strings.

Both versions share the blocks; what is new in 2.1 is answered NotSupported until its block is built.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OcppVersion:
    """One protocol version: its name on the wire, its schemas, the message types of its RPC layer, its actions.

    `to_station` and `to_csms` are the CALLs a central system may send to a station and the other way round;
    DataTransfer is in both.
    """

    subprotocol: str
    schema_package: str
    message_types: frozenset[int]
    to_station: frozenset[str]
    to_csms: frozenset[str]
    native_v2x: bool
    counts_contract_chains: bool = False
    """Get15118EVCertificate names the car's wish for chains, and its answer how many remain (2.1)."""
    names_monitor_origin: bool = False
    """Reports of monitors say who set each one, and events their severity (2.1)."""
    extra_messages: bool = False
    """Display messages may come in several languages, and longer (2.1)."""
    certificate_max_characters: int = 5500
    """Of Authorize's `certificate`."""
    unconfirmed: frozenset[str] = frozenset()
    """What a station sends without expecting an answer (SEND, Part 4, 4.2.4)."""

    @property
    def known_actions(self) -> frozenset[str]:
        """Every CALL the version has."""
        return self.to_station | self.to_csms


CALL, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND = 2, 3, 4, 5, 6

_TO_STATION = """
CancelReservation CertificateSigned ChangeAvailability ClearCache ClearChargingProfile ClearDisplayMessage
ClearVariableMonitoring CostUpdated CustomerInformation DataTransfer DeleteCertificate GetBaseReport
GetChargingProfiles GetCompositeSchedule GetDisplayMessages GetInstalledCertificateIds GetLocalListVersion
GetLog GetMonitoringReport GetReport GetTransactionStatus GetVariables InstallCertificate PublishFirmware
RequestStartTransaction RequestStopTransaction ReserveNow Reset SendLocalList SetChargingProfile
SetDisplayMessage SetMonitoringBase SetMonitoringLevel SetNetworkProfile SetVariableMonitoring SetVariables
TriggerMessage UnlockConnector UnpublishFirmware UpdateFirmware
"""

_TO_CSMS = """
Authorize BootNotification ClearedChargingLimit DataTransfer FirmwareStatusNotification Get15118EVCertificate
GetCertificateStatus Heartbeat LogStatusNotification MeterValues NotifyChargingLimit NotifyCustomerInformation
NotifyDisplayMessages NotifyEVChargingNeeds NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport
NotifyReport PublishFirmwareStatusNotification ReportChargingProfiles ReservationStatusUpdate
SecurityEventNotification SignCertificate StatusNotification TransactionEvent
"""

OCPP_2_0_1 = OcppVersion(
    subprotocol="ocpp2.0.1",
    schema_package="ocpp.v201",
    message_types=frozenset({CALL, CALLRESULT, CALLERROR}),
    to_station=frozenset(_TO_STATION.split()),
    to_csms=frozenset(_TO_CSMS.split()),
    native_v2x=False,
)

_TO_STATION_2_1 = """
AFRRSignal AdjustPeriodicEventStream ChangeTransactionTariff ClearDERControl ClearTariffs GetDERControl
GetPeriodicEventStream GetTariffs NotifyAllowedEnergyTransfer NotifyWebPaymentStarted RequestBatterySwap SetDERControl
SetDefaultTariff UpdateDynamicSchedule UsePriorityCharging
"""

_TO_CSMS_2_1 = """
BatterySwap ClosePeriodicEventStream GetCertificateChainStatus NotifyDERAlarm NotifyDERStartStop NotifyPriorityCharging
NotifySettlement OpenPeriodicEventStream PullDynamicScheduleUpdate ReportDERControl VatNumberValidation
"""

OCPP_2_1 = OcppVersion(
    subprotocol="ocpp2.1",
    schema_package="ocpp.v21",
    message_types=OCPP_2_0_1.message_types | {CALLRESULTERROR, SEND},
    to_station=OCPP_2_0_1.to_station | frozenset(_TO_STATION_2_1.split()),
    to_csms=OCPP_2_0_1.to_csms | frozenset(_TO_CSMS_2_1.split()),
    native_v2x=True,
    counts_contract_chains=True,
    names_monitor_origin=True,
    extra_messages=True,
    certificate_max_characters=10_000,
    unconfirmed=frozenset({"NotifyPeriodicEventStream"}),
)

VERSIONS: dict[str, OcppVersion] = {version.subprotocol: version for version in (OCPP_2_1, OCPP_2_0_1)}
