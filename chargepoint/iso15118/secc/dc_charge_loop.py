"""DC_ChargeLoop: answered from the last process image, never awaiting anything; limits move with the arbiter's result."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.messages.common_types import (
    DisplayParameters,
    EvseNotification,
    EVSEStatus,
    MeterInfo,
    RationalNumber,
    ResponseCode,
)
from chargepoint.iso15118.messages.dc import (
    BPT_Dynamic_DC_CLReqControlMode,
    BPT_Dynamic_DC_CLResControlMode,
    BPT_Scheduled_DC_CLReqControlMode,
    BPT_Scheduled_DC_CLResControlMode,
    DC_ChargeLoopReq,
    DC_ChargeLoopRes,
    Dynamic_DC_CLReqControlMode,
    Dynamic_DC_CLResControlMode,
    Scheduled_DC_CLReqControlMode,
    Scheduled_DC_CLResControlMode,
)
from chargepoint.iso15118.rational import maybe, number, percent, rational, seconds
from chargepoint.iso15118.secc.answer import Answer
from chargepoint.iso15118.secc.session import Now, Session
from chargepoint.iso15118.secc.state import State
from chargepoint.model.car import CarEnergy, CarLimits, ControlMode, SeccInputs
from chargepoint.model.demand import Phase
from chargepoint.model.image import StageCapabilities

_Request = (
    BPT_Dynamic_DC_CLReqControlMode
    | BPT_Scheduled_DC_CLReqControlMode
    | Dynamic_DC_CLReqControlMode
    | Scheduled_DC_CLReqControlMode
)
_Response = (
    BPT_Dynamic_DC_CLResControlMode
    | BPT_Scheduled_DC_CLResControlMode
    | Dynamic_DC_CLResControlMode
    | Scheduled_DC_CLResControlMode
)

_EXPECTED: dict[tuple[ControlMode, bool], type] = {
    (ControlMode.DYNAMIC, True): BPT_Dynamic_DC_CLReqControlMode,
    (ControlMode.DYNAMIC, False): Dynamic_DC_CLReqControlMode,
    (ControlMode.SCHEDULED, True): BPT_Scheduled_DC_CLReqControlMode,
    (ControlMode.SCHEDULED, False): Scheduled_DC_CLReqControlMode,
}


def respond(request: DC_ChargeLoopReq, session: Session, inputs: SeccInputs, now: Now) -> Answer | ResponseCode:
    """Present values and limits. A control mode other than the chosen one is refused; so is a loop in an emergency or
    without a stage."""
    assert session.choice is not None
    mode = request.CLReqControlMode
    if type(mode) is not _EXPECTED[(session.choice.control_mode, session.choice.service.bidirectional)]:
        return ResponseCode.FAILED_WrongChargeParameter
    if inputs.emergency:
        return ResponseCode.FAILED_ContactorError
    if inputs.voltage_V is None or inputs.current_A is None or inputs.capabilities is None:
        return ResponseCode.FAILED
    can = inputs.capabilities if session.offered is None else inputs.capabilities.within(session.offered)
    after = _learn(mode, request, session)
    stopping = inputs.stop_requested
    after = replace(after, state=State.CHARGE_LOOP, phase=Phase.TRANSFER)
    power_W = inputs.voltage_V * inputs.current_A
    response = DC_ChargeLoopRes(
        Header=session.header(now),
        ResponseCode=ResponseCode.OK,
        EVSEStatus=EVSEStatus(NotificationMaxDelay=0, EVSENotification=EvseNotification.Terminate)
        if stopping
        else None,
        MeterInfo=_meter(inputs) if request.MeterInfoRequested else None,
        EVSEPresentCurrent=rational(inputs.current_A),
        EVSEPresentVoltage=rational(inputs.voltage_V),
        EVSEPowerLimitAchieved=_at(power_W, inputs.limits_W.low, inputs.limits_W.high, 50.0),
        EVSECurrentLimitAchieved=_at(
            inputs.current_A,
            -can.discharge_current_max_A,
            can.charge_current_max_A,
            0.2,
        ),
        EVSEVoltageLimitAchieved=inputs.voltage_V >= can.voltage_max_V - 1.0,
        CLResControlMode=_limits(mode, after.energy, inputs, can),
    )
    return Answer(response, after)


def _at(value: float, low: float, high: float, tolerance: float) -> bool:
    return value >= high - tolerance or value <= low + tolerance


def _meter(inputs: SeccInputs) -> MeterInfo | None:
    if inputs.meter is None:
        return None
    return MeterInfo(
        MeterID="meter",
        ChargedEnergyReadingWh=int(inputs.meter.import_Wh),
        BPT_DischargedEnergyReadingWh=int(inputs.meter.export_Wh),
    )


def _limits(mode: _Request, energy: CarEnergy, inputs: SeccInputs, c: StageCapabilities) -> _Response:
    """What may flow now: never above what ChargeParameterDiscovery announced (V2G20-2654)."""
    charge_W = rational(min(max(inputs.limits_W.high, 0.0), c.charge_power_max_W))
    discharge_W = rational(min(max(-inputs.limits_W.low, 0.0), c.discharge_power_max_W))
    charge_A = rational(c.charge_current_max_A)
    discharge_A = rational(c.discharge_current_max_A)
    high_V, low_V, zero = rational(c.voltage_max_V), rational(c.voltage_min_V), rational(0)
    departure = None if inputs.departure_s is None else seconds(inputs.departure_s)
    minimum_soc = None if inputs.minimum_soc_percent is None else percent(inputs.minimum_soc_percent)
    target_soc = None if energy.target_soc_percent is None else percent(energy.target_soc_percent)
    if minimum_soc is not None and target_soc is not None:
        minimum_soc = min(minimum_soc, target_soc)  # V2G20-1640
    match mode:
        case BPT_Dynamic_DC_CLReqControlMode():
            return BPT_Dynamic_DC_CLResControlMode(
                DepartureTime=departure,
                MinimumSOC=minimum_soc,
                TargetSOC=target_soc,
                EVSEMaximumChargePower=charge_W,
                EVSEMinimumChargePower=zero,
                EVSEMaximumChargeCurrent=charge_A,
                EVSEMaximumVoltage=high_V,
                EVSEMaximumDischargePower=discharge_W,
                EVSEMinimumDischargePower=zero,
                EVSEMaximumDischargeCurrent=discharge_A,
                EVSEMinimumVoltage=low_V,
            )
        case Dynamic_DC_CLReqControlMode():
            return Dynamic_DC_CLResControlMode(
                DepartureTime=departure,
                MinimumSOC=minimum_soc,
                TargetSOC=target_soc,
                EVSEMaximumChargePower=charge_W,
                EVSEMinimumChargePower=zero,
                EVSEMaximumChargeCurrent=charge_A,
                EVSEMaximumVoltage=high_V,
            )
        case BPT_Scheduled_DC_CLReqControlMode():
            return BPT_Scheduled_DC_CLResControlMode(
                EVSEMaximumChargePower=charge_W,
                EVSEMinimumChargePower=zero,
                EVSEMaximumChargeCurrent=charge_A,
                EVSEMaximumVoltage=high_V,
                EVSEMaximumDischargePower=discharge_W,
                EVSEMinimumDischargePower=zero,
                EVSEMaximumDischargeCurrent=discharge_A,
                EVSEMinimumVoltage=low_V,
            )
        case Scheduled_DC_CLReqControlMode():
            return Scheduled_DC_CLResControlMode(
                EVSEMaximumChargePower=charge_W,
                EVSEMinimumChargePower=zero,
                EVSEMaximumChargeCurrent=charge_A,
                EVSEMaximumVoltage=high_V,
            )


def _learn(mode: _Request, request: DC_ChargeLoopReq, session: Session) -> Session:
    """The car's own values in this loop."""
    assert session.announced is not None
    limits = _tightened(mode, session.announced)
    energy = _energy(mode, request.DisplayParameters, session.energy)
    target_V, target_A = session.target_voltage_V, None
    if isinstance(mode, (Scheduled_DC_CLReqControlMode, BPT_Scheduled_DC_CLReqControlMode)):
        target_A = number(mode.EVTargetCurrent)
        # either voltage or current is given (V2G20-2183): the last voltage that was not zero holds
        if (asked_V := number(mode.EVTargetVoltage)) > 0:
            target_V = min(asked_V, limits.voltage_max_V)
    return replace(
        session,
        limits=limits,
        energy=energy,
        target_voltage_V=target_V,
        target_current_A=target_A,
        present_voltage_V=number(request.EVPresentVoltage),
    )


def _tightened(mode: _Request, announced: CarLimits) -> CarLimits:
    """The limits of this loop: what is not repeated is as announced, nothing exceeds what was announced. A negative limit
    of charging lets nothing flow; limits of discharging may come with either sign."""

    def lower(value: RationalNumber | None, bound: float) -> float:
        return bound if value is None else min(abs(number(value)), bound)

    def charge(value: RationalNumber | None, bound: float) -> float:
        return bound if value is None else max(0.0, min(number(value), bound))

    discharge_W, discharge_A = announced.discharge_power_max_W, announced.discharge_current_max_A
    if isinstance(mode, (BPT_Dynamic_DC_CLReqControlMode, BPT_Scheduled_DC_CLReqControlMode)):
        discharge_W = lower(mode.EVMaximumDischargePower, discharge_W)
        discharge_A = lower(mode.EVMaximumDischargeCurrent, discharge_A)
    minimum_V = mode.EVMinimumVoltage
    return replace(
        announced,
        voltage_max_V=lower(mode.EVMaximumVoltage, announced.voltage_max_V),
        voltage_min_V=announced.voltage_min_V
        if minimum_V is None
        else max(abs(number(minimum_V)), announced.voltage_min_V),
        charge_power_max_W=charge(mode.EVMaximumChargePower, announced.charge_power_max_W),
        charge_current_max_A=charge(mode.EVMaximumChargeCurrent, announced.charge_current_max_A),
        discharge_power_max_W=discharge_W,
        discharge_current_max_A=discharge_A,
    )


def _energy(mode: _Request, display: DisplayParameters | None, before: CarEnergy) -> CarEnergy:
    energy = before
    if display is not None:
        soc = before.soc_percent if display.PresentSOC is None else float(display.PresentSOC)
        minimum = before.minimum_soc_percent if display.MinimumSOC is None else float(display.MinimumSOC)
        target = before.target_soc_percent if display.TargetSOC is None else float(display.TargetSOC)
        energy = replace(energy, soc_percent=soc, minimum_soc_percent=minimum, target_soc_percent=target)
    energy = replace(
        energy,
        target_Wh=maybe(mode.EVTargetEnergyRequest),
        max_Wh=maybe(mode.EVMaximumEnergyRequest),
        min_Wh=maybe(mode.EVMinimumEnergyRequest),
    )
    if isinstance(mode, BPT_Dynamic_DC_CLReqControlMode):
        energy = replace(
            energy,
            max_v2x_Wh=maybe(mode.EVMaximumV2XEnergyRequest),
            min_v2x_Wh=maybe(mode.EVMinimumV2XEnergyRequest),
        )
    return energy
