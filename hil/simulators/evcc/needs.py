"""The car's energy needs from its state of charge: energy requests, display parameters."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.iso15118.messages.common_types import DisplayParameters, RationalNumber
from chargepoint.iso15118.rational import percent, rational, seconds
from hil.simulators.evcc.memory import CarMemory


@dataclass(frozen=True, slots=True)
class EnergyNeeds:
    """Wh from the present state of charge; negative below it."""

    target_Wh: float
    max_Wh: float
    min_Wh: float
    max_v2x_Wh: float
    min_v2x_Wh: float

    def requests(self) -> dict[str, RationalNumber]:
        """The three energy requests of every control mode."""
        return {
            "EVTargetEnergyRequest": rational(self.target_Wh),
            "EVMaximumEnergyRequest": rational(self.max_Wh),
            "EVMinimumEnergyRequest": rational(self.min_Wh),
        }

    def v2x_requests(self) -> dict[str, RationalNumber]:
        """The two V2X energy requests; both or none are sent (V2G20-2681)."""
        return {
            "EVMaximumV2XEnergyRequest": rational(self.max_v2x_Wh),
            "EVMinimumV2XEnergyRequest": rational(self.min_v2x_Wh),
        }


def energy_needs(memory: CarMemory) -> EnergyNeeds:
    """From the measured state of charge to target, maximum and minimum."""
    target_Wh, max_Wh, min_Wh = (
        energy_to_Wh(memory, goal)
        for goal in (memory.spec.target_soc_percent, memory.spec.maximum_soc_percent, memory.spec.minimum_soc_percent)
    )
    return EnergyNeeds(target_Wh, max_Wh, min_Wh, max_Wh, min_Wh)


def energy_to_Wh(memory: CarMemory, soc_percent: float) -> float:
    """Energy from the measured state of charge to this one."""
    return (soc_percent - memory.inlet.soc_percent) / 100.0 * memory.spec.capacity_Wh


def target_reached(memory: CarMemory) -> bool:
    """The state of charge is at the target, or above it."""
    return memory.inlet.soc_percent >= memory.spec.target_soc_percent


def display_parameters(memory: CarMemory) -> DisplayParameters | None:
    """As much as the plan says; remaining times only while the battery takes power."""
    spec, plan, inlet = memory.spec, memory.plan, memory.inlet
    if plan.display_parameters == "none":
        return None
    present = percent(inlet.soc_percent)
    if plan.display_parameters == "soc":
        return DisplayParameters(PresentSOC=present)
    return DisplayParameters(
        PresentSOC=present,
        MinimumSOC=percent(spec.minimum_soc_percent),
        TargetSOC=percent(spec.target_soc_percent),
        MaximumSOC=percent(spec.maximum_soc_percent),
        RemainingTimeToMinimumSOC=_remaining_s(memory, spec.minimum_soc_percent),
        RemainingTimeToTargetSOC=_remaining_s(memory, spec.target_soc_percent),
        RemainingTimeToMaximumSOC=_remaining_s(memory, spec.maximum_soc_percent),
        ChargingComplete=target_reached(memory),
        BatteryEnergyCapacity=rational(spec.capacity_Wh),
        InletHot=0 < plan.inlet_hot_from_loop <= memory.progress.loops + 1,
    )


def present_power_W(memory: CarMemory) -> float:
    """What flows into the car now."""
    inlet = memory.inlet
    return inlet.charger_W if memory.selected.is_ac else inlet.inlet_V * inlet.current_A


def _remaining_s(memory: CarMemory, soc_percent: float) -> int | None:
    power_W = present_power_W(memory)
    if soc_percent <= memory.inlet.soc_percent:
        return 0
    return seconds(energy_to_Wh(memory, soc_percent) / power_W * 3600.0) if power_W > 1.0 else None
