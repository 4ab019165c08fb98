"""The examiner's rules for charge parameters and charge loops: types that go with the request, limits, phases, meter."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from chargepoint.iso15118.messages import ac, dc
from chargepoint.iso15118.messages.common_types import EvseNotification, RationalNumber
from chargepoint.iso15118.rational import number
from hil.simulators.evcc.memory import CarMemory

ROUNDING = 1.001
"""A RationalNumber has four to five digits; a limit repeated in the loop may differ by its last one."""


def dc_charge_parameters(
    request: dc.DC_ChargeParameterDiscoveryReq, answer: dc.DC_ChargeParameterDiscoveryRes, _: CarMemory
) -> list[str]:
    """Type, and minima below maxima."""
    mode = answer.DC_CPDResEnergyTransferMode
    return _same_type(request.DC_CPDReqEnergyTransferMode, mode) + _min_below_max(mode)


def ac_charge_parameters(
    request: ac.AC_ChargeParameterDiscoveryReq, answer: ac.AC_ChargeParameterDiscoveryRes, _: CarMemory
) -> list[str]:
    """Type, minima below maxima, and phases only as the car sent them (V2G20-1822)."""
    asked, mode = request.AC_CPDReqEnergyTransferMode, answer.AC_CPDResEnergyTransferMode
    return _same_type(asked, mode) + _min_below_max(mode) + _phases(asked, mode)


def dc_charge_loop(request: dc.DC_ChargeLoopReq, answer: dc.DC_ChargeLoopRes, memory: CarMemory) -> list[str]:
    """Type, limits, meter and notifications."""
    mode = answer.CLResControlMode
    found = _same_type(request.CLReqControlMode, mode) + _min_below_max(mode)
    found += _meter(request, answer, memory)
    first_W = memory.announced.get("charge_W")
    limit = mode.EVSEMaximumChargePower
    if first_W is not None and limit is not None and number(limit) > first_W * ROUNDING:
        found.append(f"EVSEMaximumChargePower {number(limit):g} W is above the {first_W:g} W announced first")
    return found


def ac_charge_loop(request: ac.AC_ChargeLoopReq, answer: ac.AC_ChargeLoopRes, memory: CarMemory) -> list[str]:
    """Type, phases, meter, and a target within the limits of car and station."""
    asked, mode = request.CLReqControlMode, answer.CLResControlMode
    found = _same_type(asked, mode) + _phases(asked, mode) + _meter(request, answer, memory)
    target = mode.EVSETargetActivePower
    if target is None:
        return found
    target_W = sum(number(v) for name, v in numbers_of(mode).items() if name.startswith("EVSETargetActivePower"))
    bounds = {"car": memory.spec.charger_power_max_W, "station": memory.announced.get("charge_W")}
    for whose, bound_W in bounds.items():
        if bound_W is not None and target_W > bound_W * ROUNDING:
            found.append(f"EVSETargetActivePower {target_W:g} W is above the {whose}'s {bound_W:g} W")
    if target_W < 0 and not memory.selected.bidirectional:
        found.append(f"EVSETargetActivePower {target_W:g} W: no discharge in a service without BPT")
    return found


def numbers_of(mode: Any) -> dict[str, RationalNumber]:
    """The RationalNumber fields that are set."""
    values = {field.name: getattr(mode, field.name) for field in fields(mode)}
    return {name: value for name, value in values.items() if isinstance(value, RationalNumber)}


def _same_type(asked: Any, given: Any) -> list[str]:
    """The answer's type is the request's with Res for Req (V2G20-1600 for the loops)."""
    wanted = type(asked).__name__.replace("Req", "Res")
    name = type(given).__name__
    return [] if name == wanted else [f"{name} answers {type(asked).__name__}: {wanted}"]


def _min_below_max(mode: Any) -> list[str]:
    numbers, found = numbers_of(mode), []
    for name, value in numbers.items():
        top = numbers.get(name.replace("Minimum", "Maximum"))
        if "Minimum" in name and top is not None and abs(number(value)) > abs(number(top)):
            found.append(f"{name} {number(value):g} is above its maximum {number(top):g}")
    return found


def _phases(asked: Any, given: Any) -> list[str]:
    if any(name.endswith(("_L2", "_L3")) for name in numbers_of(asked)):
        return []
    sent = [name for name in numbers_of(given) if name.endswith(("_L2", "_L3"))]
    return [f"{', '.join(sent)} sent, though the car sent no phases (V2G20-1822)"] if sent else []


def _meter(request: Any, answer: Any, memory: CarMemory) -> list[str]:
    found = []
    if request.MeterInfoRequested and answer.MeterInfo is None:
        found.append("MeterInfo was requested and is missing (V2G20-1081)")
    status = answer.EVSEStatus
    asks = status is not None and status.EVSENotification is EvseNotification.MeteringConfirmation
    if asks and answer.MeterInfo is None and memory.meter is None:
        found.append("MeteringConfirmation is notified without any MeterInfo (V2G20-1083)")
    return found
