"""Services and their parameter sets as offered in ServiceDetailRes: energy transfer and value-added services.

Names and numbers: docs/sources/iso15118-20.md 1.2 and 6 (the service tables as several stacks use them).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.messages.common_messages import Parameter, ParameterSet
from chargepoint.model.car import ControlMode, EnergyService


class ServiceId(IntEnum):
    """ServiceID on the wire."""

    AC = 1
    DC = 2
    AC_BPT = 5
    DC_BPT = 6
    MCS = 8
    MCS_BPT = 9
    INTERNET = 65
    PARKING_STATUS = 66


SERVICE_IDS: dict[EnergyService, ServiceId] = {
    EnergyService.AC: ServiceId.AC,
    EnergyService.DC: ServiceId.DC,
    EnergyService.AC_BPT: ServiceId.AC_BPT,
    EnergyService.DC_BPT: ServiceId.DC_BPT,
    EnergyService.MCS: ServiceId.MCS,
    EnergyService.MCS_BPT: ServiceId.MCS_BPT,
}

_SERVICES = {number: service for service, number in SERVICE_IDS.items()}


class AcConnector(IntEnum):
    """Connector parameter of AC services."""

    SINGLE_PHASE = 1
    THREE_PHASE = 2


class DcConnector(IntEnum):
    """Connector parameter of DC services; MCS has one of its own."""

    CORE = 1
    EXTENDED = 2


class McsConnector(IntEnum):
    """Connector parameter of MCS services."""

    MCS = 1


class BptChannel(IntEnum):
    """Whether one or two channels carry charge and discharge."""

    UNIFIED = 1
    SEPARATED = 2


class GeneratorMode(IntEnum):
    """Whether the inverter follows the grid or forms it."""

    GRID_FOLLOWING = 1
    GRID_FORMING = 2


class IslandingDetection(IntEnum):
    """GridCodeIslandingDetectionMethod; AC_BPT only, where the car's inverter meets the grid code."""

    ACTIVE = 1
    PASSIVE = 2


class MobilityNeedsMode(IntEnum):
    """Who says when the car leaves and how full it shall be: the car alone, or the station too (Dynamic only, V2G20-2663)."""

    EVCC = 1
    SECC = 2


CONTROL_MODES = {ControlMode.SCHEDULED: 1, ControlMode.DYNAMIC: 2}
NO_PRICING = 0

_INTERNET_PORTS = {1: ("ftp", 20), 2: ("ftp", 21), 3: ("http", 80), 4: ("https", 443)}


@dataclass(frozen=True, slots=True)
class ParameterChoice:
    """One parameter set of one energy service, with the number the car chooses it by."""

    service: EnergyService
    parameter_set_id: int
    control_mode: ControlMode
    mobility: MobilityNeedsMode = MobilityNeedsMode.EVCC
    connector: int = DcConnector.EXTENDED
    nominal_voltage_V: int = 0
    """AC only: RMS, phase to neutral."""

    @property
    def service_id(self) -> ServiceId:
        """The wire's number."""
        return SERVICE_IDS[self.service]

    def parameter_set(self) -> ParameterSet:
        """As it goes into ServiceDetailRes."""
        parameters = [_integer("Connector", self.connector), _integer("ControlMode", CONTROL_MODES[self.control_mode])]
        if self.service.is_ac:
            parameters.append(_integer("EVSENominalVoltage", self.nominal_voltage_V))
        parameters += [_integer("MobilityNeedsMode", self.mobility), _integer("Pricing", NO_PRICING)]
        if self.service.bidirectional:
            parameters += [
                _integer("BPTChannel", BptChannel.UNIFIED),
                _integer("GeneratorMode", GeneratorMode.GRID_FOLLOWING),
            ]
            if self.service is EnergyService.AC_BPT:
                parameters.append(_integer("GridCodeIslandingDetectionMethod", IslandingDetection.PASSIVE))
        return ParameterSet(ParameterSetID=self.parameter_set_id, Parameter=tuple(parameters))


def offer(settings: SeccSettings) -> tuple[ParameterChoice, ...]:
    """Every parameter set of every energy service, in the order of preference.

    For each service: each control mode in the order of the settings with the car's mobility needs; then Dynamic with those of
    the station.
    """
    return tuple(
        ParameterChoice(service, number, mode, mobility, connector, round(settings.nominal_voltage_V))
        for service in settings.services
        for number, (mode, mobility, connector) in enumerate(_variants(service, settings), start=1)
    )


def _variants(service: EnergyService, settings: SeccSettings) -> list[tuple[ControlMode, MobilityNeedsMode, int]]:
    connector: int = DcConnector.EXTENDED
    if service.is_ac:
        connector = AcConnector.THREE_PHASE if settings.phases == 3 else AcConnector.SINGLE_PHASE
    elif service in (EnergyService.MCS, EnergyService.MCS_BPT):
        connector = McsConnector.MCS
    found = [(mode, MobilityNeedsMode.EVCC, connector) for mode in settings.control_modes]
    if ControlMode.DYNAMIC in settings.control_modes:
        found.append((ControlMode.DYNAMIC, MobilityNeedsMode.SECC, connector))
    if connector == AcConnector.THREE_PHASE and service.is_ac:
        found += [(mode, mobility, AcConnector.SINGLE_PHASE) for mode, mobility, _ in found]
    return found


def choice_of(settings: SeccSettings, service_id: int, parameter_set_id: int) -> ParameterChoice | None:
    """The offered parameter set of these numbers; None if it was not offered."""
    for choice in offer(settings):
        if choice.service_id == service_id and choice.parameter_set_id == parameter_set_id:
            return choice
    return None


def energy_services(settings: SeccSettings) -> tuple[ServiceId, ...]:
    """The offered energy services, the preferred first."""
    return tuple(SERVICE_IDS[service] for service in settings.services)


def added_services(settings: SeccSettings) -> tuple[ServiceId, ...]:
    """The offered value-added services."""
    found = [ServiceId.INTERNET] if settings.internet else []
    return (*found, ServiceId.PARKING_STATUS) if settings.parking_status else tuple(found)


def parameter_sets(settings: SeccSettings, service_id: int) -> tuple[ParameterSet, ...]:
    """The parameter sets of one offered service of either kind; empty: the service is not offered."""
    if service_id in added_services(settings):
        return _internet() if service_id == ServiceId.INTERNET else _parking_status()
    return tuple(c.parameter_set() for c in offer(settings) if c.service_id == service_id)


def is_energy_service(service_id: int) -> bool:
    """The number is that of an energy service, offered or not."""
    return service_id in _SERVICES or 1 <= service_id <= LAST_ENERGY_SERVICE_ID


LAST_ENERGY_SERVICE_ID = 11
"""AC_DER_SAE of Amendment 1; value-added services begin at 65."""


def _internet() -> tuple[ParameterSet, ...]:
    return tuple(
        ParameterSet(
            ParameterSetID=number,
            Parameter=(Parameter(Name="Protocol", finiteString=protocol), _integer("Port", port)),
        )
        for number, (protocol, port) in _INTERNET_PORTS.items()
    )


def _parking_status() -> tuple[ParameterSet, ...]:
    """Check-in and check-out, by a station that sees the car itself from outside (ParkingStatusType 2)."""
    return tuple(
        ParameterSet(
            ParameterSetID=number,
            Parameter=(_integer("IntendedService", number), _integer("ParkingStatusType", 2)),
        )
        for number in (1, 2)
    )


def _integer(name: str, value: int) -> Parameter:
    return Parameter(Name=name, intValue=int(value))
