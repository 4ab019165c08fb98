"""AC_ChargeParameterDiscovery: car and outlet exchange their power limits, as sums or by phase.

Not sent, because nothing is known of them: MaximumPowerAsymmetry (none is no limit, V2G20-1828), EVSEPowerRampLimitation, and
the present powers, which are 0 before the contactor closes. Source: docs/sources/iso15118-20.md 1.3.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20.ac_phases import (
    SUFFIXES,
    PhaseLimits,
    PhasePowers,
    gives_phases,
    phases_of,
    powers_of,
)
from chargepoint.iso15118.iso20.discharge_sign import discharge_limit
from chargepoint.iso15118.iso20.refused_head import ZERO, head
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.ac import (
    AC_ChargeParameterDiscoveryReq,
    AC_ChargeParameterDiscoveryRes,
    AC_CPDReqEnergyTransferMode,
    AC_CPDResEnergyTransferMode,
    BPT_AC_CPDReqEnergyTransferMode,
    BPT_AC_CPDResEnergyTransferMode,
)
from chargepoint.iso15118.messages.common_types import RationalNumber, ResponseCode
from chargepoint.iso15118.rational import rational
from chargepoint.iso15118.steps.ac_outlet import on_phases
from chargepoint.model.image import AcSupply, StageCapabilities
from chargepoint.model.limits import PowerLimits

_Mode = AC_CPDReqEnergyTransferMode | BPT_AC_CPDReqEnergyTransferMode

NOMINAL_FREQUENCY_UNKNOWN_HZ = 50.0
"""In a refusal the schema wants a frequency even where the power stage has not answered yet."""


def respond(request: AC_ChargeParameterDiscoveryReq, session: Session, at: Situation) -> Reply[Session]:
    """Our limits for theirs. The mode must be that of the chosen service (V2G20-1619), and the limits must make sense."""
    assert session.choice is not None
    mode, can = request.AC_CPDReqEnergyTransferMode, at.view.capabilities
    bidirectional = isinstance(mode, BPT_AC_CPDReqEnergyTransferMode)
    if bidirectional is not session.choice.service.bidirectional:
        return _wrong(f"{type(mode).__name__} for service {session.choice.service.value}")
    if can is None or can.ac is None:
        return Refusal(ResponseCode.FAILED, "the power stage has not answered yet", ours=True)
    phases = phases_of(session.choice, can.ac)
    if (why := _nonsense(mode, phases)) is not None:
        return _wrong(why)
    offered = on_phases(can, can.ac, phases)
    assert offered.ac is not None
    limits = _limits(mode, offered, offered.ac)
    by_phase = phases == 3 and gives_phases(mode, "EVMaximumChargePower")
    after = replace(
        session,
        state=State.SCHEDULE_EXCHANGE,
        limits=limits,
        announced=limits,
        offered=offered,
        phase_limits=_phase_limits(mode) if by_phase else None,
    )
    return Answer(_response(after, at, offered, offered.ac, by_phase=by_phase), after)


def refuse(
    request: AC_ChargeParameterDiscoveryReq, code: ResponseCode, session: Session, at: Situation
) -> AC_ChargeParameterDiscoveryRes:
    """The response with this code; its mode is that of the request, as the schema pairs them."""
    can = at.view.capabilities
    frequency_Hz = NOMINAL_FREQUENCY_UNKNOWN_HZ if can is None or can.ac is None else can.ac.nominal_frequency_Hz
    nothing: dict[str, RationalNumber] = dict.fromkeys(_CHARGE_FIELDS, ZERO)
    nothing["EVSENominalFrequency"] = rational(frequency_Hz)
    mode: AC_CPDResEnergyTransferMode | BPT_AC_CPDResEnergyTransferMode
    if isinstance(request.AC_CPDReqEnergyTransferMode, BPT_AC_CPDReqEnergyTransferMode):
        mode = BPT_AC_CPDResEnergyTransferMode(**nothing, **dict.fromkeys(_DISCHARGE_FIELDS, ZERO))
    else:
        mode = AC_CPDResEnergyTransferMode(**nothing)
    return AC_ChargeParameterDiscoveryRes(**head(code, session, at), AC_CPDResEnergyTransferMode=mode)


_CHARGE_FIELDS = ("EVSEMaximumChargePower", "EVSEMinimumChargePower")
_DISCHARGE_FIELDS = ("EVSEMaximumDischargePower", "EVSEMinimumDischargePower")


def _wrong(why: str) -> Refusal:
    return Refusal(ResponseCode.FAILED_WrongChargeParameter, why)


def _nonsense(mode: _Mode, phases: int) -> str | None:
    """No charge limit is negative, no limit is below its minimum, and the phases agree on the sign of discharge."""
    names = ["Charge"] + ["Discharge"] * isinstance(mode, BPT_AC_CPDReqEnergyTransferMode)
    for kind in names:
        lows, highs = (powers_of(mode, f"EV{bound}{kind}Power", phases) for bound in ("Minimum", "Maximum"))
        if kind == "Discharge" and min(highs) < 0 < max(highs):
            return f"its discharge powers {', '.join(f'{power_W:g}' for power_W in highs)} W differ in sign"
        for suffix, low_W, high_W in zip(SUFFIXES, lows, highs, strict=True):
            good = 0 <= low_W <= high_W if kind == "Charge" else abs(low_W) <= abs(high_W)
            if not good:
                phase = f" of {suffix[1:]}" if suffix else ""
                return f"its {kind.lower()} power{phase} goes from {low_W:g} to {high_W:g} W"
    return None


def _limits(mode: _Mode, offered: StageCapabilities, supply: AcSupply) -> PowerLimits:
    """Magnitudes; powers are sums of the phases in use, currents are those of each phase: not more than these phases of the outlet carry."""

    def summed(name: str) -> float:
        return min(abs(sum(powers_of(mode, name, supply.phases))), supply.power_max_W)

    def current_A(name: str) -> float:
        if supply.phases == 3 and not gives_phases(mode, name):
            return summed(name) / 3 / supply.nominal_voltage_V
        return max(abs(power_W) for power_W in powers_of(mode, name, supply.phases)) / supply.nominal_voltage_V

    bidirectional = isinstance(mode, BPT_AC_CPDReqEnergyTransferMode)
    return PowerLimits(
        voltage_max_V=offered.voltage_max_V,
        voltage_min_V=offered.voltage_min_V,
        charge_power_max_W=summed("EVMaximumChargePower"),
        charge_current_max_A=min(current_A("EVMaximumChargePower"), supply.current_max_A),
        discharge_power_max_W=summed("EVMaximumDischargePower") if bidirectional else 0.0,
        discharge_current_max_A=(
            min(current_A("EVMaximumDischargePower"), supply.current_max_A) if bidirectional else 0.0
        ),
        charge_power_min_W=summed("EVMinimumChargePower"),
        discharge_power_min_W=summed("EVMinimumDischargePower") if bidirectional else 0.0,
    )


def _phase_limits(mode: _Mode) -> PhaseLimits:
    def magnitudes(name: str) -> PhasePowers:
        first, second, third = powers_of(mode, name, 3)
        return abs(first), abs(second), abs(third)

    charge_max_W, charge_min_W = magnitudes("EVMaximumChargePower"), magnitudes("EVMinimumChargePower")
    if not isinstance(mode, BPT_AC_CPDReqEnergyTransferMode):
        return PhaseLimits(charge_max_W, charge_min_W)
    return PhaseLimits(
        charge_max_W, charge_min_W, magnitudes("EVMaximumDischargePower"), magnitudes("EVMinimumDischargePower")
    )


def _response(
    session: Session, at: Situation, offered: StageCapabilities, supply: AcSupply, *, by_phase: bool
) -> AC_ChargeParameterDiscoveryRes:
    """The minima are 0: the contactor passes any power."""
    suffixes = SUFFIXES if by_phase else SUFFIXES[:1]
    most, least = rational(offered.charge_power_max_W / len(suffixes)), ZERO
    values: dict[str, RationalNumber] = {"EVSENominalFrequency": rational(supply.nominal_frequency_Hz)}
    for suffix in suffixes:
        values |= {f"EVSEMaximumChargePower{suffix}": most, f"EVSEMinimumChargePower{suffix}": least}
    mode: AC_CPDResEnergyTransferMode | BPT_AC_CPDResEnergyTransferMode
    assert session.choice is not None
    if session.choice.service.bidirectional:
        discharge = discharge_limit(offered.discharge_power_max_W / len(suffixes), at.settings)
        for suffix in suffixes:
            values |= {f"EVSEMaximumDischargePower{suffix}": discharge, f"EVSEMinimumDischargePower{suffix}": least}
        mode = BPT_AC_CPDResEnergyTransferMode(**values)
    else:
        mode = AC_CPDResEnergyTransferMode(**values)
    return AC_ChargeParameterDiscoveryRes(
        Header=session.header(at.now), ResponseCode=ResponseCode.OK, AC_CPDResEnergyTransferMode=mode
    )
