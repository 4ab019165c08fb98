"""Limits of car and station at a DC outlet, as ChargeParameterDiscovery carries them.

Source: docs/sources/iso15118-2-din.md 1.2 and 7.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Refusal
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2 import ev_status
from chargepoint.iso15118.iso2.departure import departure_at_s
from chargepoint.iso15118.iso2.evse_status import dc_evse_status
from chargepoint.iso15118.iso2.physical import amperes, volts, watts
from chargepoint.iso15118.iso2.sae_discharge import SaeService, announced_to_sae, station_maxima
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.messages.iso15118_2 import DC_EVChargeParameter, DC_EVSEChargeParameter, ResponseCode
from chargepoint.iso15118.physical_value import maybe, number
from chargepoint.iso15118.steps import dc_limits
from chargepoint.model.car import EnergyService

PEAK_RIPPLE_A = 0.0
"""EVSEPeakCurrentRipple is mandatory, and no power module reports it. So the field holds no claim."""


def heard(said: DC_EVChargeParameter, session: Iso2Session, at: Situation) -> Iso2Session | Refusal:
    """The session with what the car says of itself. Refused are negative limits, and voltages that ours does not reach.

    FAILED, as a fault of the station, while the power module has not answered.
    """
    can = at.view.capabilities
    if can is None:
        return Refusal(ResponseCode.FAILED, "the power module has not answered yet", ours=True)
    if session.sae is not None:
        limits = announced_to_sae(session.sae, said)
    else:
        limits = dc_limits.announced(
            number(said.EVMaximumVoltageLimit), number(said.EVMaximumCurrentLimit), maybe(said.EVMaximumPowerLimit)
        )
    if isinstance(limits, Refusal):
        return limits
    if (why := dc_limits.nonsense(limits, can)) is not None:
        return Refusal(ResponseCode.FAILED_WrongChargeParameter, why)
    found = ev_status.heard(session, said.DC_EVStatus)
    bulk_percent = None if said.BulkSOC is None else float(said.BulkSOC)
    is_v2h = session.sae is SaeService.V2H
    return replace(
        found,
        service=EnergyService.DC,
        limits=limits,
        offered=can,
        energy=replace(
            found.energy,
            departure_at_s=departure_at_s(said.DepartureTime, at),
            target_soc_percent=None if is_v2h else bulk_percent,
            minimum_soc_percent=bulk_percent if is_v2h else None,
            target_Wh=maybe(said.EVEnergyRequest),
        ),
        display=replace(
            found.display,
            maximum_soc_percent=None if said.FullSOC is None else float(said.FullSOC),
            capacity_Wh=maybe(said.EVEnergyCapacity),
        ),
    )


def ours(session: Iso2Session, at: Situation) -> DC_EVSEChargeParameter:
    """The station's limits as they are announced; zeros where nothing is announced. The least current is 0."""
    can = session.offered
    current_A, power_W = (None, None) if can is None else station_maxima(session.sae, can)
    return DC_EVSEChargeParameter(
        DC_EVSEStatus=dc_evse_status(session, at),
        EVSEMaximumCurrentLimit=amperes(current_A),
        EVSEMaximumPowerLimit=watts(power_W),
        EVSEMaximumVoltageLimit=volts(None if can is None else can.voltage_max_V),
        EVSEMinimumCurrentLimit=amperes(0.0),
        EVSEMinimumVoltageLimit=volts(None if can is None else can.voltage_min_V),
        EVSEPeakCurrentRipple=amperes(PEAK_RIPPLE_A),
    )
