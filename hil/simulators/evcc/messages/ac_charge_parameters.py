"""AC_ChargeParameterDiscovery: the limits of on-board charger and station, as sums or per phase."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.messages import ac
from chargepoint.iso15118.messages.common_types import RationalNumber
from chargepoint.iso15118.rational import number, rational
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.steps import Next, SessionStep

PHASES = ("", "_L2", "_L3")


def spread(memory: CarMemory, name: str, total: float) -> dict[str, RationalNumber]:
    """A power as the field `name`: the sum, or of an asymmetric three-phase car one field per phase.

    Source: docs/sources/iso15118-20.md 1.3 (V2G20-1817 to 1821).
    """
    if not memory.spec.charger_asymmetric or memory.spec.charger_phases == 1:
        return {name: rational(total)}
    return {name + phase: rational(total / len(PHASES)) for phase in PHASES}


def limits(memory: CarMemory) -> dict[str, RationalNumber]:
    """The charger's power limits; with a BPT service those of discharge too."""
    s = memory.spec
    found = {
        **spread(memory, "EVMaximumChargePower", s.charger_power_max_W),
        **spread(memory, "EVMinimumChargePower", s.charger_power_min_W),
    }
    if memory.selected.bidirectional:
        sign = memory.plan.discharge_sign
        found |= spread(memory, "EVMaximumDischargePower", sign * s.charger_discharge_max_W)
        found |= spread(memory, "EVMinimumDischargePower", 0.0)
    return found


def request(memory: CarMemory) -> ac.AC_ChargeParameterDiscoveryReq:
    """The BPT type with a BPT service."""
    kind: Any = ac.AC_CPDReqEnergyTransferMode
    if memory.selected.bidirectional:
        kind = ac.BPT_AC_CPDReqEnergyTransferMode
    return ac.AC_ChargeParameterDiscoveryReq(Header=memory.header(), AC_CPDReqEnergyTransferMode=kind(**limits(memory)))


def total_W(mode: Any, name: str) -> float:
    """The sum over the phases that the field `name` was sent for."""
    parts = (getattr(mode, name + phase, None) for phase in PHASES)
    return sum(number(part) for part in parts if part is not None)


def answered(memory: CarMemory, answer: ac.AC_ChargeParameterDiscoveryRes) -> Next:
    """Keep the station's power limits as magnitudes."""
    mode = answer.AC_CPDResEnergyTransferMode
    bpt = isinstance(mode, ac.BPT_AC_CPDResEnergyTransferMode)
    memory.announce(
        total_W(mode, "EVSEMaximumChargePower"), total_W(mode, "EVSEMaximumDischargePower") if bpt else None
    )
    return Next(SessionStep.SCHEDULE_EXCHANGE)
