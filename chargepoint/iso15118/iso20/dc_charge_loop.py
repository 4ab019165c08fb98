"""DC_ChargeLoop: answered from the last process image, never awaiting anything; limits move with the arbiter's result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20 import loop_report
from chargepoint.iso15118.iso20.discharge_sign import discharge_limit
from chargepoint.iso15118.iso20.evse_status import TERMINATE, evse_status
from chargepoint.iso15118.iso20.mobility import ack_max_delay, departure_of_station, soc_bounds_of_station
from chargepoint.iso15118.iso20.refused_head import ZERO, head, measured
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.messages.common_types import RationalNumber, ResponseCode
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
from chargepoint.iso15118.rational import number, rational
from chargepoint.iso15118.steps.dc_report import DcReport, dc_report
from chargepoint.iso15118.steps.no_power import nothing_to_go_on_with
from chargepoint.iso15118.steps.step import Hindrance, Impossible
from chargepoint.model.car import ControlMode
from chargepoint.model.image import StageCapabilities
from chargepoint.model.limits import PowerLimits

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


def respond(request: DC_ChargeLoopReq, session: Session, at: Situation) -> Reply[Session]:
    """Present values and limits. A control mode other than the chosen one is refused; so is a loop in an emergency,
    without a stage, and after the end of the transaction."""
    assert session.choice is not None
    assert session.announced is not None
    view, mode = at.view, request.CLReqControlMode
    if type(mode) is not _EXPECTED[(session.choice.control_mode, session.choice.service.bidirectional)]:
        why = f"{type(mode).__name__}, agreed was {session.choice.control_mode.value} {session.choice.service.value}"
        return Refusal(ResponseCode.FAILED, why)
    if (over := nothing_to_go_on_with(at)) is not None:
        return Refusal(ResponseCode.FAILED, over.why, over.ours)
    report = dc_report(at, session.offered)
    if isinstance(report, Impossible):
        emergency = report.hindrance is Hindrance.EMERGENCY
        return Refusal(
            ResponseCode.FAILED_ContactorError if emergency else ResponseCode.FAILED, report.why, report.ours
        )
    code, outside_since_s = loop_report.profile_code(session, at)
    if code is ResponseCode.FAILED_EVPowerProfileViolation:
        return Refusal(code, "its power exceeds its EVPowerProfile")
    meter = loop_report.meter_info(session, at, asked=request.MeterInfoRequested)
    energy, display = loop_report.shown(
        request.DisplayParameters, loop_report.needs(mode, session.energy, at.now.monotonic_s), session.display
    )
    limits = _tightened(mode, session.announced)
    target_V, target_A = _target(mode, session.transfer.target_voltage_V, limits)
    transfer = replace(
        session.transfer,
        target_voltage_V=target_V,
        target_current_A=target_A,
        present_voltage_V=number(request.EVPresentVoltage),
        loops=session.transfer.loops + 1,
        outside_profile_since_s=outside_since_s,
        heard_s=at.now.monotonic_s,
        looped=True,
    )
    after = replace(
        session,
        limits=limits,
        energy=energy,
        display=display,
        meter_sent=meter or session.meter_sent,
        transfer=transfer,
    )
    response = DC_ChargeLoopRes(
        Header=session.header(at.now),
        ResponseCode=code,
        EVSEStatus=evse_status(view.wish, at.now),
        MeterInfo=meter,
        EVSEPresentCurrent=rational(report.current_A),
        EVSEPresentVoltage=rational(report.voltage_V),
        EVSEPowerLimitAchieved=report.power_limit_achieved,
        EVSECurrentLimitAchieved=report.current_limit_achieved,
        EVSEVoltageLimitAchieved=report.voltage_limit_achieved,
        CLResControlMode=_limits(mode, after, at, report),
    )
    return Answer(response, after)


def refuse(request: DC_ChargeLoopReq, code: ResponseCode, session: Session, at: Situation) -> DC_ChargeLoopRes:
    """The response with this code: nothing may flow, and the values as measured."""
    kind, discharges = _ANSWERED_BY[type(request.CLReqControlMode)]
    nothing: dict[str, RationalNumber] = dict.fromkeys(_CHARGE_FIELDS + (_DISCHARGE_FIELDS if discharges else ()), ZERO)
    return DC_ChargeLoopRes(
        **head(code, session, at),
        EVSEStatus=TERMINATE,
        EVSEPresentCurrent=measured(at.view.current_A),
        EVSEPresentVoltage=measured(at.view.voltage_V),
        EVSEPowerLimitAchieved=False,
        EVSECurrentLimitAchieved=False,
        EVSEVoltageLimitAchieved=False,
        CLResControlMode=kind(**nothing),
    )


_CHARGE_FIELDS = ("EVSEMaximumChargePower", "EVSEMinimumChargePower", "EVSEMaximumChargeCurrent", "EVSEMaximumVoltage")
_DISCHARGE_FIELDS = (
    "EVSEMaximumDischargePower",
    "EVSEMinimumDischargePower",
    "EVSEMaximumDischargeCurrent",
    "EVSEMinimumVoltage",
)
_ANSWERED_BY: dict[type, tuple[Callable[..., _Response], bool]] = {
    Dynamic_DC_CLReqControlMode: (Dynamic_DC_CLResControlMode, False),
    BPT_Dynamic_DC_CLReqControlMode: (BPT_Dynamic_DC_CLResControlMode, True),
    Scheduled_DC_CLReqControlMode: (Scheduled_DC_CLResControlMode, False),
    BPT_Scheduled_DC_CLReqControlMode: (BPT_Scheduled_DC_CLResControlMode, True),
}
"""The control mode of the response to that of the request, as the schema pairs them; and whether it has discharge limits."""


def _limits(mode: _Request, session: Session, at: Situation, report: DcReport) -> _Response:
    """What may flow now: never above what ChargeParameterDiscovery announced (V2G20-2654)."""
    kind, discharges = _ANSWERED_BY[type(mode)]
    can = report.can
    fields: dict[str, object] = {
        "EVSEMaximumChargePower": rational(report.charge_power_max_W),
        "EVSEMinimumChargePower": ZERO,
        "EVSEMaximumChargeCurrent": rational(can.charge_current_max_A),
        "EVSEMaximumVoltage": rational(can.voltage_max_V),
    }
    if discharges:
        fields |= _discharge_limits(report.discharge_power_max_W, can, at.settings)
    if isinstance(mode, (Dynamic_DC_CLReqControlMode, BPT_Dynamic_DC_CLReqControlMode)):
        minimum, target = soc_bounds_of_station(session, at)
        fields |= {
            "DepartureTime": departure_of_station(session, at),
            "MinimumSOC": minimum,
            "TargetSOC": target,
            "AckMaxDelay": ack_max_delay(session),
        }
    return kind(**fields)


def _discharge_limits(power_W: float, can: StageCapabilities, settings: SeccSettings) -> dict[str, object]:
    return {
        "EVSEMaximumDischargePower": discharge_limit(power_W, settings),
        "EVSEMinimumDischargePower": ZERO,
        "EVSEMaximumDischargeCurrent": discharge_limit(can.discharge_current_max_A, settings),
        "EVSEMinimumVoltage": rational(can.voltage_min_V),
    }


def _target(mode: _Request, before_V: float | None, limits: PowerLimits) -> tuple[float | None, float | None]:
    """Voltage and current that the car aims at. In Dynamic mode the car names no current, and its last voltage holds."""
    if not isinstance(mode, (Scheduled_DC_CLReqControlMode, BPT_Scheduled_DC_CLReqControlMode)):
        return before_V, None
    # either voltage or current is given (V2G20-2183): the last voltage that was not zero holds
    asked_V = number(mode.EVTargetVoltage)
    return (min(asked_V, limits.voltage_max_V) if asked_V > 0 else before_V), number(mode.EVTargetCurrent)


def _tightened(mode: _Request, announced: PowerLimits) -> PowerLimits:
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
