"""Limits of car and station at an AC outlet, as ChargeParameterDiscovery carries them.

EVMaxVoltage is not looked at: cars send a voltage between phases, or from phase to neutral.
Source: docs/sources/iso15118-2-din.md 1.2 and 7.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Refusal
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2.departure import departure_at_s
from chargepoint.iso15118.iso2.evse_status import ac_evse_status
from chargepoint.iso15118.iso2.physical import amperes, volts
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.messages.iso15118_2 import (
    AC_EVChargeParameter,
    AC_EVSEChargeParameter,
    EnergyTransferMode,
    ResponseCode,
)
from chargepoint.iso15118.physical_value import number
from chargepoint.iso15118.steps.ac_outlet import on_phases
from chargepoint.model.car import EnergyService
from chargepoint.model.image import AcSupply, StageCapabilities
from chargepoint.model.limits import PowerLimits


def heard(
    said: AC_EVChargeParameter, mode: EnergyTransferMode, session: Iso2Session, at: Situation
) -> Iso2Session | Refusal:
    """The session with what the car says of itself. A negative current is refused, and a least current above the greatest.

    FAILED, as a fault of the station, while the power stage has not answered.
    """
    can = at.view.capabilities
    if can is None or can.ac is None:
        return Refusal(ResponseCode.FAILED, "the power stage has not answered yet", ours=True)
    low_A, high_A = number(said.EVMinCurrent), number(said.EVMaxCurrent)
    if not 0 <= low_A <= high_A:
        return Refusal(ResponseCode.FAILED_WrongChargeParameter, f"its current goes from {low_A:g} to {high_A:g} A")
    phases = can.ac.phases if mode is EnergyTransferMode.AC_three_phase_core else 1
    used = on_phases(can, can.ac, phases)
    assert used.ac is not None
    energy = replace(
        session.energy, departure_at_s=departure_at_s(said.DepartureTime, at), target_Wh=number(said.EAmount)
    )
    return replace(
        session, service=EnergyService.AC, limits=_limits(low_A, high_A, used, used.ac), offered=used, energy=energy
    )


def ours(session: Iso2Session, at: Situation) -> AC_EVSEChargeParameter:
    """The station's nominal voltage, and the current of each phase as it is announced; 0 A where nothing is."""
    supply = None if session.offered is None else session.offered.ac
    return AC_EVSEChargeParameter(
        AC_EVSEStatus=ac_evse_status(at),
        EVSENominalVoltage=volts(at.settings.nominal_voltage_V if supply is None else supply.nominal_voltage_V),
        EVSEMaxCurrent=amperes(None if supply is None else supply.current_max_A),
    )


def _limits(low_A: float, high_A: float, used: StageCapabilities, supply: AcSupply) -> PowerLimits:
    """Powers are sums of the phases in use, the current is that of each phase: not more than these phases of the outlet carry."""

    def power_W(current_A: float) -> float:
        return min(supply.phases * supply.nominal_voltage_V * current_A, supply.power_max_W)

    return PowerLimits(
        voltage_max_V=used.voltage_max_V,
        voltage_min_V=used.voltage_min_V,
        charge_power_max_W=power_W(high_A),
        charge_current_max_A=min(high_A, supply.current_max_A),
        discharge_power_max_W=0.0,
        discharge_current_max_A=0.0,
        charge_power_min_W=power_W(low_A),
    )
