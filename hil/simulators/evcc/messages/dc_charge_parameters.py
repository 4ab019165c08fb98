"""DC_ChargeParameterDiscovery: the limits of car and station."""

from __future__ import annotations

from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.rational import number, rational
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.steps import Next, SessionStep


def request(memory: CarMemory) -> dc.DC_ChargeParameterDiscoveryReq:
    """The BPT type with a BPT service."""
    s, zero = memory.spec, rational(0)
    common = {
        "EVMaximumChargePower": rational(s.charge_power_max_W),
        "EVMinimumChargePower": zero,
        "EVMaximumChargeCurrent": rational(s.charge_current_max_A),
        "EVMinimumChargeCurrent": zero,
        "EVMaximumVoltage": rational(s.voltage_max_V),
        "EVMinimumVoltage": rational(s.voltage_min_V),
    }
    target = round(s.target_soc_percent)
    mode: dc.DC_CPDReqEnergyTransferMode | dc.BPT_DC_CPDReqEnergyTransferMode
    if memory.selected.bidirectional:
        mode = dc.BPT_DC_CPDReqEnergyTransferMode(
            **common,
            TargetSOC=target,
            EVMaximumDischargePower=memory.discharge(s.discharge_power_max_W),
            EVMinimumDischargePower=zero,
            EVMaximumDischargeCurrent=memory.discharge(s.discharge_current_max_A),
            EVMinimumDischargeCurrent=zero,
        )
    else:
        mode = dc.DC_CPDReqEnergyTransferMode(**common, TargetSOC=target)
    return dc.DC_ChargeParameterDiscoveryReq(Header=memory.header(), DC_CPDReqEnergyTransferMode=mode)


def answered(memory: CarMemory, answer: dc.DC_ChargeParameterDiscoveryRes) -> Next:
    """Keep the station's power limits as magnitudes."""
    mode = answer.DC_CPDResEnergyTransferMode
    bpt = mode if isinstance(mode, dc.BPT_DC_CPDResEnergyTransferMode) else None
    memory.announce(number(mode.EVSEMaximumChargePower), None if bpt is None else number(bpt.EVSEMaximumDischargePower))
    return Next(SessionStep.SCHEDULE_EXCHANGE)
