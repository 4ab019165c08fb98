"""The demand that a session's transfer and limits make, in any protocol."""

from __future__ import annotations

from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.steps.transfer import Transfer
from chargepoint.model.car import CarDemand, CarDisplay, CarEnergy, ControlMode, EnergyService
from chargepoint.model.demand import Phase
from chargepoint.model.ids import EvseId
from chargepoint.model.image import StageCapabilities
from chargepoint.model.limits import PowerLimits


def car_demand(
    transfer: Transfer,
    at: Situation,
    *,
    service: EnergyService,
    control_mode: ControlMode,
    limits: PowerLimits,
    energy: CarEnergy,
    display: CarDisplay,
    looping: bool,
    offered: StageCapabilities | None = None,
    planned_power_W: float | None = None,
    phase_powers_max_W: tuple[float, float, float] | None = None,
) -> CarDemand:
    """`offered`: what the station announced to this car; at AC it says which phases are in use. `phase_powers_max_W`: see `CarDemand`.

    In the transfer its age counts from the last charge loop: renegotiations and Starts without a loop keep no power flowing.
    `looping`: the SECC waits for charge loops, so a demand is good for no longer than the bound of one loop.
    """
    heard_s = transfer.heard_s if transfer.phase is Phase.TRANSFER else None
    return CarDemand(
        evse_id=EvseId(at.settings.evse_id),
        at_s=at.now.monotonic_s if heard_s is None else heard_s,
        phase=transfer.phase,
        service=service,
        control_mode=control_mode,
        limits=limits,
        energy=energy,
        target_voltage_V=transfer.target_voltage_V,
        target_current_A=transfer.target_current_A,
        present_voltage_V=transfer.present_voltage_V,
        present_power_W=transfer.present_power_W,
        planned_power_W=planned_power_W,
        phase_powers_max_W=phase_powers_max_W,
        phases=3 if offered is None or offered.ac is None else offered.ac.phases,
        display=display,
        standby=transfer.standby,
        good_for_s=at.settings.charge_loop_timeout_s if looping else at.settings.on_voltage_timeout_s,
    )
