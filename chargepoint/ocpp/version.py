"""OCPP versions: what the chosen sub-protocol implies. Blocks ask this object instead of comparing strings.

Only 2.0.1 is built. 2.1 would add an entry here (message types 5 and 6, its own schemas, its own actions) and blocks
would ask `version.native_v2x`.
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
    certificate_max_characters: int = 5500
    """Of Authorize's `certificate`."""

    @property
    def known_actions(self) -> frozenset[str]:
        """Every CALL the version has."""
        return self.to_station | self.to_csms


CALL, CALLRESULT, CALLERROR = 2, 3, 4

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

VERSIONS: dict[str, OcppVersion] = {OCPP_2_0_1.subprotocol: OCPP_2_0_1}
