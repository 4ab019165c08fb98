"""DC_ChargeLoop: the car's present voltage and wishes; the station's present values and limits."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.rational import maybe, number, rational
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.messages.loop_answer import after_loop, wants_meter_info
from hil.simulators.evcc.needs import display_parameters, energy_needs
from hil.simulators.evcc.steps import Next


def request(memory: CarMemory) -> dc.DC_ChargeLoopReq:
    """The control mode's type is that of the selected service and parameter set."""
    return dc.DC_ChargeLoopReq(
        Header=memory.header(),
        DisplayParameters=display_parameters(memory),
        MeterInfoRequested=wants_meter_info(memory),
        EVPresentVoltage=rational(memory.inlet.inlet_V),
        CLReqControlMode=_scheduled(memory) if memory.selected.scheduled else _dynamic(memory),
    )


def answered(memory: CarMemory, answer: dc.DC_ChargeLoopRes) -> Next:
    """Keep present values and limits; limits of discharge as magnitudes."""
    progress, mode = memory.progress, answer.CLResControlMode
    progress.present_voltage_V = number(answer.EVSEPresentVoltage)
    progress.present_current_A = number(answer.EVSEPresentCurrent)
    progress.charge_limit_W = memory.charge_limit_W = maybe(mode.EVSEMaximumChargePower)
    if isinstance(mode, (dc.BPT_Dynamic_DC_CLResControlMode, dc.BPT_Scheduled_DC_CLResControlMode)):
        discharge_W = maybe(mode.EVSEMaximumDischargePower)
        memory.discharge_limit_W = None if discharge_W is None else abs(discharge_W)
        progress.discharge_limit_W = memory.discharge_limit_W
    return after_loop(memory, answer)


def _dynamic(memory: CarMemory) -> dc.Dynamic_DC_CLReqControlMode | dc.BPT_Dynamic_DC_CLReqControlMode:
    s, zero, inlet = memory.spec, rational(0), memory.inlet
    needs = energy_needs(memory)
    common: dict[str, Any] = {
        "DepartureTime": s.departure_s if memory.plan.gives_departure_time else None,
        **needs.requests(),
        "EVMaximumChargePower": rational(s.charge_power_max_W * inlet.charge_share),
        "EVMinimumChargePower": zero,
        "EVMaximumChargeCurrent": rational(s.charge_current_max_A * inlet.charge_share),
        "EVMaximumVoltage": rational(s.voltage_max_V),
        "EVMinimumVoltage": rational(s.voltage_min_V),
    }
    if not memory.selected.bidirectional:
        return dc.Dynamic_DC_CLReqControlMode(**common)
    common |= needs.v2x_requests()
    return dc.BPT_Dynamic_DC_CLReqControlMode(
        **common,
        EVMaximumDischargePower=memory.discharge(s.discharge_power_max_W * inlet.discharge_share),
        EVMinimumDischargePower=zero,
        EVMaximumDischargeCurrent=memory.discharge(s.discharge_current_max_A * inlet.discharge_share),
    )


def wish_W(memory: CarMemory) -> float:
    """What the car asks for in Scheduled mode, within the station's last limits.

    Where only discharge is offered, a car that can give power back gives it.
    """
    charge_W, discharge_W = memory.charge_limit_W, memory.discharge_limit_W
    spec, inlet = memory.spec, memory.inlet
    high_W, low_W = spec.charge_power_max_W * inlet.charge_share, -spec.discharge_power_max_W * inlet.discharge_share
    wish = min(max(spec.scheduled_power_W, low_W), high_W)
    if charge_W == 0.0 and discharge_W:
        wish = -discharge_W
    elif charge_W is not None:
        wish = min(wish, charge_W)
    return wish if discharge_W is None else max(wish, -discharge_W)


def _scheduled(memory: CarMemory) -> dc.Scheduled_DC_CLReqControlMode | dc.BPT_Scheduled_DC_CLReqControlMode:
    current_A = 0.0 if memory.standby else wish_W(memory) / max(memory.inlet.inlet_V, 1.0)
    common = {
        "EVTargetCurrent": rational(current_A),
        "EVTargetVoltage": rational(memory.spec.voltage_max_V),
        "EVMaximumVoltage": rational(memory.spec.voltage_max_V),
        "EVMinimumVoltage": rational(memory.spec.voltage_min_V),
    }
    if memory.selected.bidirectional:
        return dc.BPT_Scheduled_DC_CLReqControlMode(**common)
    return dc.Scheduled_DC_CLReqControlMode(**common)
