"""DC_ChargeParameterDiscovery: car and station exchange their limits."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.messages.dc import (
    BPT_DC_CPDReqEnergyTransferMode,
    BPT_DC_CPDResEnergyTransferMode,
    DC_ChargeParameterDiscoveryReq,
    DC_ChargeParameterDiscoveryRes,
    DC_CPDReqEnergyTransferMode,
    DC_CPDResEnergyTransferMode,
)
from chargepoint.iso15118.rational import number, rational
from chargepoint.iso15118.secc.answer import Answer
from chargepoint.iso15118.secc.session import Now, Session
from chargepoint.iso15118.secc.state import State
from chargepoint.model.car import CarLimits, SeccInputs
from chargepoint.model.image import StageCapabilities


def respond(
    request: DC_ChargeParameterDiscoveryReq, session: Session, inputs: SeccInputs, now: Now
) -> Answer | ResponseCode:
    """Our limits for theirs. The mode must be that of the chosen service, no charge limit or voltage negative, no limit below
    its minimum, and the voltage windows must overlap. Discharge limits may come with either sign."""
    assert session.choice is not None
    mode, capabilities = request.DC_CPDReqEnergyTransferMode, inputs.capabilities
    bidirectional = isinstance(mode, BPT_DC_CPDReqEnergyTransferMode)
    if bidirectional is not session.choice.service.bidirectional:
        return ResponseCode.FAILED_WrongChargeParameter
    if capabilities is None:
        return ResponseCode.FAILED
    for low, high in (
        (mode.EVMinimumChargePower, mode.EVMaximumChargePower),
        (mode.EVMinimumChargeCurrent, mode.EVMaximumChargeCurrent),
        (mode.EVMinimumVoltage, mode.EVMaximumVoltage),
    ):
        if not 0 <= number(low) <= number(high):
            return ResponseCode.FAILED_WrongChargeParameter
    if isinstance(mode, BPT_DC_CPDReqEnergyTransferMode):
        for low, high in (
            (mode.EVMinimumDischargePower, mode.EVMaximumDischargePower),
            (mode.EVMinimumDischargeCurrent, mode.EVMaximumDischargeCurrent),
        ):
            if abs(number(low)) > abs(number(high)):
                return ResponseCode.FAILED_WrongChargeParameter
    limits = _limits(mode)
    if limits.voltage_max_V < capabilities.voltage_min_V or limits.voltage_min_V > capabilities.voltage_max_V:
        return ResponseCode.FAILED_WrongChargeParameter
    target_soc = float(mode.TargetSOC) if mode.TargetSOC is not None else None
    after = replace(
        session,
        state=State.SCHEDULE_EXCHANGE,
        limits=limits,
        announced=limits,
        offered=capabilities,
        energy=replace(session.energy, target_soc_percent=target_soc),
    )
    response = DC_ChargeParameterDiscoveryRes(
        Header=session.header(now),
        ResponseCode=ResponseCode.OK,
        DC_CPDResEnergyTransferMode=station_mode(capabilities, bidirectional=bidirectional),
    )
    return Answer(response, after)


def station_mode(
    c: StageCapabilities, *, bidirectional: bool
) -> DC_CPDResEnergyTransferMode | BPT_DC_CPDResEnergyTransferMode:
    """The station's limits as announced; minima are 0 because the stage has no dead zone it knows of."""
    zero = rational(0)
    if not bidirectional:
        return DC_CPDResEnergyTransferMode(
            EVSEMaximumChargePower=rational(c.charge_power_max_W),
            EVSEMinimumChargePower=zero,
            EVSEMaximumChargeCurrent=rational(c.charge_current_max_A),
            EVSEMinimumChargeCurrent=zero,
            EVSEMaximumVoltage=rational(c.voltage_max_V),
            EVSEMinimumVoltage=rational(c.voltage_min_V),
        )
    return BPT_DC_CPDResEnergyTransferMode(
        EVSEMaximumChargePower=rational(c.charge_power_max_W),
        EVSEMinimumChargePower=zero,
        EVSEMaximumChargeCurrent=rational(c.charge_current_max_A),
        EVSEMinimumChargeCurrent=zero,
        EVSEMaximumVoltage=rational(c.voltage_max_V),
        EVSEMinimumVoltage=rational(c.voltage_min_V),
        EVSEMaximumDischargePower=rational(c.discharge_power_max_W),
        EVSEMinimumDischargePower=zero,
        EVSEMaximumDischargeCurrent=rational(c.discharge_current_max_A),
        EVSEMinimumDischargeCurrent=zero,
    )


def _limits(mode: DC_CPDReqEnergyTransferMode | BPT_DC_CPDReqEnergyTransferMode) -> CarLimits:
    """Magnitudes; those of discharge whatever sign was sent (docs/sources/safety.md 4.1: accept either)."""
    discharge_W = discharge_A = discharge_min_W = 0.0
    if isinstance(mode, BPT_DC_CPDReqEnergyTransferMode):
        discharge_W = abs(number(mode.EVMaximumDischargePower))
        discharge_A = abs(number(mode.EVMaximumDischargeCurrent))
        discharge_min_W = abs(number(mode.EVMinimumDischargePower))
    return CarLimits(
        voltage_max_V=number(mode.EVMaximumVoltage),
        voltage_min_V=number(mode.EVMinimumVoltage),
        charge_power_max_W=number(mode.EVMaximumChargePower),
        charge_current_max_A=number(mode.EVMaximumChargeCurrent),
        discharge_power_max_W=discharge_W,
        discharge_current_max_A=discharge_A,
        charge_power_min_W=number(mode.EVMinimumChargePower),
        discharge_power_min_W=discharge_min_W,
    )
