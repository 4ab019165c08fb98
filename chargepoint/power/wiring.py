"""The power process put together: from the configuration to buses, devices and stages. The only reach into drivers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from chargepoint.config.schema import Config, DeviceSection, EvseSection
from chargepoint.model.ids import EvseId
from chargepoint.model.unusable import Unusable
from chargepoint.ports import (
    Bus,
    BusSpec,
    Device,
    DeviceSpec,
    EnergyMeter,
    InsulationMonitor,
    PilotBoard,
    PowerModule,
    TokenReader,
)
from chargepoint.power.evse_stage import EvseHardware, EvseStage, StageRatings
from chargepoint.safety.envelope import Envelope
from drivers import catalog


@dataclass(frozen=True, slots=True)
class PowerStation:
    """Everything the cycle runs."""

    buses: tuple[Bus, ...]
    stages: dict[EvseId, EvseStage]


class HardwareMistake(Unusable):
    """The configuration names hardware that is not known, or gives it what it cannot use; one sentence a mistake."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(mistakes))


def build(config: Config) -> PowerStation:
    """Make every bus and device; lines are opened when first pumped. Raises HardwareMistake with all there are."""
    mistakes: list[str] = []
    for kind in ("power_module", "meter", "insulation_monitor", "pilot_board"):
        for name, section in getattr(config, kind).items():
            bus = config.bus[section.bus]
            trial = BusSpec(section.bus, bus.kind, bus.port, bus.baud, bus.format, bus.gap_ms)
            try:
                catalog.build_device(_spec(kind, name, section), catalog.open_bus(trial))
            except catalog.UnknownDriver as error:
                mistakes.append(str(error))
    if mistakes:
        raise HardwareMistake(mistakes)
    buses = {
        name: catalog.open_bus(BusSpec(name, bus.kind, bus.port, bus.baud, bus.format, bus.gap_ms))
        for name, bus in config.bus.items()
    }

    def device(kind: str, name: str, section: DeviceSection) -> Device:
        return catalog.build_device(_spec(kind, name, section), buses[section.bus])

    def token_reader(name: str) -> TokenReader:
        section = config.token_reader[name]
        spec = DeviceSpec(name, "token_reader", section.driver, section.bus, 1, None, section.params, "")
        return cast(TokenReader, catalog.build_device(spec, buses[section.bus]))

    stages = {
        EvseId(number): _stage(config, EvseId(number), section, device, token_reader)
        for number, section in config.evse.items()
    }
    return PowerStation(tuple(buses.values()), stages)


def _spec(kind: str, name: str, section: DeviceSection) -> DeviceSpec:
    return DeviceSpec(
        name=name,
        kind=kind,
        driver=section.driver,
        bus=section.bus,
        unit=section.unit,
        profile=section.profile,
        params=section.params,
        where="configuration",
    )


def _stage(
    config: Config,
    evse_id: EvseId,
    section: EvseSection,
    device: Callable[[str, str, DeviceSection], Device],
    token_reader: Callable[[str], TokenReader],
) -> EvseStage:
    modules = [
        cast(PowerModule, device("power_module", name, config.power_module[name])) for name in section.power_modules
    ]
    hardware = EvseHardware(
        pilot=cast(PilotBoard, device("pilot_board", section.pilot, config.pilot_board[section.pilot])),
        module=modules[0] if len(modules) == 1 else catalog.combine(f"evse{evse_id}", modules),
        meter=cast(EnergyMeter, device("meter", section.meter, config.meter[section.meter])),
        insulation=cast(
            InsulationMonitor,
            device("insulation_monitor", section.insulation, config.insulation_monitor[section.insulation]),
        ),
        token_reader=None if section.token_reader is None else token_reader(section.token_reader),
    )
    ratings = StageRatings(
        envelope=Envelope(
            voltage_max_V=section.voltage_max_V,
            current_max_A=section.current_max_A,
            insulation_limit_ohm=config.power.insulation_limit_ohm,
            charge_power_max_W=section.charge_power_max_W,
            discharge_power_max_W=section.discharge_power_max_W,
        ),
        voltage_min_V=section.voltage_min_V,
        charge_power_max_W=section.charge_power_max_W,
        discharge_power_max_W=section.discharge_power_max_W,
        ramp_A_per_s=section.ramp_A_per_s,
        lease_s=config.power.lease_s,
    )
    return EvseStage(evse_id, hardware, ratings)
