"""Energy transfer services and their parameter sets as offered in ServiceDetailRes.

Names and numbers: ISO 15118-20 service tables as other stacks use them (docs/sources/iso15118.md 5: full sets of libiso15118).
AC sets are listed for the day an AC power stage exists; only DC and DC_BPT are offered now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from chargepoint.iso15118.messages.common_messages import Parameter, ParameterSet
from chargepoint.model.car import ControlMode, EnergyService


class ServiceId(IntEnum):
    """ServiceID of the energy transfer services."""

    AC = 1
    DC = 2
    AC_BPT = 5
    DC_BPT = 6


SERVICE_IDS: dict[EnergyService, ServiceId] = {
    EnergyService.AC: ServiceId.AC,
    EnergyService.DC: ServiceId.DC,
    EnergyService.AC_BPT: ServiceId.AC_BPT,
    EnergyService.DC_BPT: ServiceId.DC_BPT,
}


class Connector(IntEnum):
    """DC connector parameter."""

    CORE = 1
    EXTENDED = 2


class BptChannel(IntEnum):
    """Whether one or two channels carry charge and discharge."""

    UNIFIED = 1
    SEPARATED = 2


class GeneratorMode(IntEnum):
    """Whether the inverter follows the grid or forms it."""

    GRID_FOLLOWING = 1
    GRID_FORMING = 2


class IslandingDetection(IntEnum):
    """GridCodeIslandingDetectionMethod."""

    ACTIVE = 1
    PASSIVE = 2


CONTROL_MODES = {ControlMode.SCHEDULED: 1, ControlMode.DYNAMIC: 2}
NO_PRICING = 0
MOBILITY_NEEDS_BY_EVCC = 1


@dataclass(frozen=True, slots=True)
class ParameterChoice:
    """One parameter set of one service, with the number the car chooses it by."""

    service: EnergyService
    parameter_set_id: int
    control_mode: ControlMode

    @property
    def service_id(self) -> ServiceId:
        """The wire's number."""
        return SERVICE_IDS[self.service]

    def parameter_set(self) -> ParameterSet:
        """As it goes into ServiceDetailRes."""
        parameters = [
            _integer("Connector", Connector.EXTENDED),
            _integer("ControlMode", CONTROL_MODES[self.control_mode]),
            _integer("MobilityNeedsMode", MOBILITY_NEEDS_BY_EVCC),
            _integer("Pricing", NO_PRICING),
        ]
        if self.service.bidirectional:
            parameters += [
                _integer("BPTChannel", BptChannel.UNIFIED),
                _integer("GeneratorMode", GeneratorMode.GRID_FOLLOWING),
                # with DC the inverter and its islanding detection are the station's; sent for the car's information
                _integer("GridCodeIslandingDetectionMethod", IslandingDetection.PASSIVE),
            ]
        return ParameterSet(ParameterSetID=self.parameter_set_id, Parameter=tuple(parameters))


def offer(modes: Iterable[ControlMode], *, discharge: bool) -> tuple[ParameterChoice, ...]:
    """Every parameter set the station offers: DC_BPT first where it can discharge, modes in the order given."""
    ordered = tuple(modes)
    services = (EnergyService.DC_BPT, EnergyService.DC) if discharge else (EnergyService.DC,)
    return tuple(
        ParameterChoice(service, number, mode) for service in services for number, mode in enumerate(ordered, start=1)
    )


def _integer(name: str, value: int) -> Parameter:
    return Parameter(Name=name, intValue=int(value))
