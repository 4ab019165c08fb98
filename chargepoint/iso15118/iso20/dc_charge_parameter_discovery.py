"""DC_ChargeParameterDiscovery: car and station exchange their limits."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.discharge_sign import discharge_limit, magnitude
from chargepoint.iso15118.iso20.refused_head import ZERO, head
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_types import RationalNumber, ResponseCode
from chargepoint.iso15118.messages.dc import (
    BPT_DC_CPDReqEnergyTransferMode,
    BPT_DC_CPDResEnergyTransferMode,
    DC_ChargeParameterDiscoveryReq,
    DC_ChargeParameterDiscoveryRes,
    DC_CPDReqEnergyTransferMode,
    DC_CPDResEnergyTransferMode,
)
from chargepoint.iso15118.rational import number, rational
from chargepoint.model.image import StageCapabilities
from chargepoint.model.limits import PowerLimits

_Mode = DC_CPDReqEnergyTransferMode | BPT_DC_CPDReqEnergyTransferMode


def respond(request: DC_ChargeParameterDiscoveryReq, session: Session, at: Situation) -> Reply[Session]:
    """Our limits for theirs. The mode must be that of the chosen service (V2G20-2272), and the limits must make sense."""
    assert session.choice is not None
    mode, can = request.DC_CPDReqEnergyTransferMode, at.view.capabilities
    bidirectional = isinstance(mode, BPT_DC_CPDReqEnergyTransferMode)
    if bidirectional is not session.choice.service.bidirectional:
        return _wrong(f"{type(mode).__name__} for service {session.choice.service.value}")
    if can is None:
        return Refusal(ResponseCode.FAILED, "the power module has not answered yet", ours=True)
    if (why := _nonsense(mode, can)) is not None:
        return _wrong(why)
    limits = _limits(mode)
    target_soc = float(mode.TargetSOC) if mode.TargetSOC is not None else None
    after = replace(
        session,
        state=State.SCHEDULE_EXCHANGE,
        limits=limits,
        announced=limits,
        offered=can,
        energy=replace(session.energy, target_soc_percent=target_soc),
    )
    response = DC_ChargeParameterDiscoveryRes(
        Header=session.header(at.now),
        ResponseCode=ResponseCode.OK,
        DC_CPDResEnergyTransferMode=_station_mode(can, at.settings, bidirectional=bidirectional),
    )
    return Answer(response, after)


def refuse(
    request: DC_ChargeParameterDiscoveryReq, code: ResponseCode, session: Session, at: Situation
) -> DC_ChargeParameterDiscoveryRes:
    """The response with this code; its mode is that of the request, as the schema pairs them."""
    nothing: dict[str, RationalNumber] = dict.fromkeys(_CHARGE_FIELDS, ZERO)
    mode: DC_CPDResEnergyTransferMode | BPT_DC_CPDResEnergyTransferMode
    if isinstance(request.DC_CPDReqEnergyTransferMode, BPT_DC_CPDReqEnergyTransferMode):
        mode = BPT_DC_CPDResEnergyTransferMode(**nothing, **dict.fromkeys(_DISCHARGE_FIELDS, ZERO))
    else:
        mode = DC_CPDResEnergyTransferMode(**nothing)
    return DC_ChargeParameterDiscoveryRes(**head(code, session, at), DC_CPDResEnergyTransferMode=mode)


_CHARGE_FIELDS = (
    "EVSEMaximumChargePower",
    "EVSEMinimumChargePower",
    "EVSEMaximumChargeCurrent",
    "EVSEMinimumChargeCurrent",
    "EVSEMaximumVoltage",
    "EVSEMinimumVoltage",
)
_DISCHARGE_FIELDS = (
    "EVSEMaximumDischargePower",
    "EVSEMinimumDischargePower",
    "EVSEMaximumDischargeCurrent",
    "EVSEMinimumDischargeCurrent",
)


def _wrong(why: str) -> Refusal:
    return Refusal(ResponseCode.FAILED_WrongChargeParameter, why)


def _nonsense(mode: _Mode, can: StageCapabilities) -> str | None:
    """No charge limit or voltage is negative, no limit is below its minimum, and the voltage windows overlap."""
    for name, low, high in (
        ("charge power", mode.EVMinimumChargePower, mode.EVMaximumChargePower),
        ("charge current", mode.EVMinimumChargeCurrent, mode.EVMaximumChargeCurrent),
        ("voltage", mode.EVMinimumVoltage, mode.EVMaximumVoltage),
    ):
        if not 0 <= number(low) <= number(high):
            return f"its {name} goes from {number(low):g} to {number(high):g}"
    if isinstance(mode, BPT_DC_CPDReqEnergyTransferMode):
        for name, low, high in (
            ("discharge power", mode.EVMinimumDischargePower, mode.EVMaximumDischargePower),
            ("discharge current", mode.EVMinimumDischargeCurrent, mode.EVMaximumDischargeCurrent),
        ):
            if magnitude(low) > magnitude(high):
                return f"its {name} goes from {number(low):g} to {number(high):g}"
    low_V, high_V = number(mode.EVMinimumVoltage), number(mode.EVMaximumVoltage)
    if high_V < can.voltage_min_V or low_V > can.voltage_max_V:
        return f"its {low_V:g} to {high_V:g} V and our {can.voltage_min_V:g} to {can.voltage_max_V:g} V have nothing in common"
    return None


def _station_mode(
    can: StageCapabilities, settings: SeccSettings, *, bidirectional: bool
) -> DC_CPDResEnergyTransferMode | BPT_DC_CPDResEnergyTransferMode:
    """The station's limits as announced; minima are 0 because the stage has no dead zone it knows of."""
    charge = {
        "EVSEMaximumChargePower": rational(can.charge_power_max_W),
        "EVSEMinimumChargePower": ZERO,
        "EVSEMaximumChargeCurrent": rational(can.charge_current_max_A),
        "EVSEMinimumChargeCurrent": ZERO,
        "EVSEMaximumVoltage": rational(can.voltage_max_V),
        "EVSEMinimumVoltage": rational(can.voltage_min_V),
    }
    if not bidirectional:
        return DC_CPDResEnergyTransferMode(**charge)
    return BPT_DC_CPDResEnergyTransferMode(
        **charge,
        EVSEMaximumDischargePower=discharge_limit(can.discharge_power_max_W, settings),
        EVSEMinimumDischargePower=ZERO,
        EVSEMaximumDischargeCurrent=discharge_limit(can.discharge_current_max_A, settings),
        EVSEMinimumDischargeCurrent=ZERO,
    )


def _limits(mode: _Mode) -> PowerLimits:
    """Magnitudes; those of discharge whatever sign was sent (docs/sources/safety.md 4.1: accept either)."""
    discharge_W = discharge_A = discharge_min_W = 0.0
    if isinstance(mode, BPT_DC_CPDReqEnergyTransferMode):
        discharge_W = magnitude(mode.EVMaximumDischargePower)
        discharge_A = magnitude(mode.EVMaximumDischargeCurrent)
        discharge_min_W = magnitude(mode.EVMinimumDischargePower)
    return PowerLimits(
        voltage_max_V=number(mode.EVMaximumVoltage),
        voltage_min_V=number(mode.EVMinimumVoltage),
        charge_power_max_W=number(mode.EVMaximumChargePower),
        charge_current_max_A=number(mode.EVMaximumChargeCurrent),
        discharge_power_max_W=discharge_W,
        discharge_current_max_A=discharge_A,
        charge_power_min_W=number(mode.EVMinimumChargePower),
        discharge_power_min_W=discharge_min_W,
    )
