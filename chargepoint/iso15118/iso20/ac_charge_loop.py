"""AC_ChargeLoop: the station's power for the car's charger, from the last process image; it awaits nothing.

Not sent: EVSETargetFrequency (its unit and effect are unverified) and EVSETargetReactivePower (nobody asks the station for
reactive power). Source: docs/sources/iso15118-20.md 1.3 and 1.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso20 import loop_report
from chargepoint.iso15118.iso20.ac_phases import PhaseLimits, PhasePowers, fields, gives_phases, powers_of, total_W
from chargepoint.iso15118.iso20.evse_status import TERMINATE, evse_status
from chargepoint.iso15118.iso20.mobility import ack_max_delay, departure_of_station, soc_bounds_of_station
from chargepoint.iso15118.iso20.refused_head import ZERO, head
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.messages.ac import (
    AC_ChargeLoopReq,
    AC_ChargeLoopRes,
    BPT_Dynamic_AC_CLReqControlMode,
    BPT_Dynamic_AC_CLResControlMode,
    BPT_Scheduled_AC_CLReqControlMode,
    BPT_Scheduled_AC_CLResControlMode,
    Dynamic_AC_CLReqControlMode,
    Dynamic_AC_CLResControlMode,
    Scheduled_AC_CLReqControlMode,
    Scheduled_AC_CLResControlMode,
)
from chargepoint.iso15118.messages.common_types import ResponseCode
from chargepoint.iso15118.rational import rational
from chargepoint.iso15118.steps.no_power import nothing_to_go_on_with
from chargepoint.iso15118.steps.power_profile import SLACK_W
from chargepoint.model.car import ControlMode
from chargepoint.model.image import StageCapabilities
from chargepoint.model.limits import PowerLimits

_Request = (
    BPT_Dynamic_AC_CLReqControlMode
    | BPT_Scheduled_AC_CLReqControlMode
    | Dynamic_AC_CLReqControlMode
    | Scheduled_AC_CLReqControlMode
)
_Response = (
    BPT_Dynamic_AC_CLResControlMode
    | BPT_Scheduled_AC_CLResControlMode
    | Dynamic_AC_CLResControlMode
    | Scheduled_AC_CLResControlMode
)
_DYNAMIC = (Dynamic_AC_CLReqControlMode, BPT_Dynamic_AC_CLReqControlMode)
_BIDIRECTIONAL = (BPT_Dynamic_AC_CLReqControlMode, BPT_Scheduled_AC_CLReqControlMode)

_EXPECTED: dict[tuple[ControlMode, bool], type] = {
    (ControlMode.DYNAMIC, True): BPT_Dynamic_AC_CLReqControlMode,
    (ControlMode.DYNAMIC, False): Dynamic_AC_CLReqControlMode,
    (ControlMode.SCHEDULED, True): BPT_Scheduled_AC_CLReqControlMode,
    (ControlMode.SCHEDULED, False): Scheduled_AC_CLReqControlMode,
}
_ANSWERED_BY: dict[type, Callable[..., _Response]] = {
    Dynamic_AC_CLReqControlMode: Dynamic_AC_CLResControlMode,
    BPT_Dynamic_AC_CLReqControlMode: BPT_Dynamic_AC_CLResControlMode,
    Scheduled_AC_CLReqControlMode: Scheduled_AC_CLResControlMode,
    BPT_Scheduled_AC_CLReqControlMode: BPT_Scheduled_AC_CLResControlMode,
}
"""The control mode of the response to that of the request (V2G20-1600)."""


def respond(request: AC_ChargeLoopReq, session: Session, at: Situation) -> Reply[Session]:
    """The power that shall flow. A control mode other than the chosen one is refused; so is a loop in an emergency,
    without a stage, and after the end of the transaction."""
    assert session.choice is not None
    assert session.announced is not None
    view, mode = at.view, request.CLReqControlMode
    if type(mode) is not _EXPECTED[(session.choice.control_mode, session.choice.service.bidirectional)]:
        why = f"{type(mode).__name__}, agreed was {session.choice.control_mode.value} {session.choice.service.value}"
        return Refusal(ResponseCode.FAILED, why)
    if view.emergency:
        return Refusal(ResponseCode.FAILED_ContactorError, "a fault opened the contactor", ours=True)
    if (over := nothing_to_go_on_with(at)) is not None:
        return Refusal(ResponseCode.FAILED, over.why, over.ours)
    if view.capabilities is None:
        return Refusal(ResponseCode.FAILED, "the power stage does not answer", ours=True)
    can = view.capabilities if session.offered is None else view.capabilities.within(session.offered)
    code, outside_since_s = loop_report.profile_code(session, at, ordered_W=view.setpoint_W)
    if code is ResponseCode.FAILED_EVPowerProfileViolation:
        return Refusal(code, "its power exceeds its EVPowerProfile")
    meter = loop_report.meter_info(session, at, asked=request.MeterInfoRequested)
    energy, display = loop_report.shown(
        request.DisplayParameters, loop_report.needs(mode, session.energy, at.now.monotonic_s), session.display
    )
    transfer = replace(
        session.transfer,
        present_power_W=total_W(mode, "EVPresentActivePower"),
        loops=session.transfer.loops + 1,
        outside_profile_since_s=outside_since_s,
        heard_s=at.now.monotonic_s,
        looped=True,
    )
    after = replace(
        session,
        limits=_tightened(mode, session.announced),
        energy=energy,
        display=display,
        meter_sent=meter or session.meter_sent,
        transfer=transfer,
    )
    response = AC_ChargeLoopRes(
        Header=session.header(at.now),
        ResponseCode=code,
        EVSEStatus=evse_status(view.wish, at.now),
        MeterInfo=meter,
        CLResControlMode=_answer(mode, after, at, can),
    )
    return Answer(response, after)


def refuse(request: AC_ChargeLoopReq, code: ResponseCode, session: Session, at: Situation) -> AC_ChargeLoopRes:
    """The response with this code: nothing may flow."""
    return AC_ChargeLoopRes(
        **head(code, session, at),
        EVSEStatus=TERMINATE,
        CLResControlMode=_ANSWERED_BY[type(request.CLReqControlMode)](EVSETargetActivePower=ZERO),
    )


def _answer(mode: _Request, session: Session, at: Situation, can: StageCapabilities) -> _Response:
    """Dynamic: always a target. Scheduled: a target only while less may flow than the car plans (OCPP K16.FR.11)."""
    values: dict[str, object] = {}
    target_W = _target_W(session, at, can)
    if isinstance(mode, _DYNAMIC):
        minimum, target = soc_bounds_of_station(session, at)
        values |= {
            "DepartureTime": departure_of_station(session, at),
            "MinimumSOC": minimum,
            "TargetSOC": target,
            "AckMaxDelay": ack_max_delay(session),
        }
    if isinstance(mode, _DYNAMIC) or _less_than_planned(target_W, session, at):
        values |= fields("EVSETargetActivePower", target_W, _phase_limits(mode, session.phase_limits))
    if session.phase_limits is None and at.view.power_W is not None:  # the power of each phase is not measured
        values["EVSEPresentActivePower"] = rational(at.view.power_W)
    return _ANSWERED_BY[type(mode)](**values)


def _target_W(session: Session, at: Situation, can: StageCapabilities) -> float:
    """The station's power within this loop's limits of the car and the outlet's present capabilities; 0 in standby."""
    assert session.limits is not None
    assert session.choice is not None
    if session.transfer.standby:
        return 0.0
    charge_W = min(session.limits.charge_power_max_W, can.charge_power_max_W)
    discharge_W = min(session.limits.discharge_power_max_W, can.discharge_power_max_W)
    if not session.choice.service.bidirectional:
        discharge_W = 0.0
    return min(max(at.view.setpoint_W, -discharge_W), charge_W)


def _less_than_planned(target_W: float, session: Session, at: Situation) -> bool:
    """The station allows less than the car plans, or the other direction. A car without a plan takes what it can."""
    assert session.limits is not None
    planned_W = session.planned_power_W(at.now.utc_s)
    if planned_W is None:
        planned_W = session.limits.charge_power_max_W
    return target_W < planned_W - SLACK_W if planned_W >= 0 else target_W > planned_W + SLACK_W


def _tightened(mode: _Request, announced: PowerLimits) -> PowerLimits:
    """The limits of this loop: what is not repeated is as announced, nothing exceeds what was announced. A negative limit
    of charging lets nothing flow; limits of discharging may come with either sign."""
    charge_W, discharge_W = total_W(mode, "EVMaximumChargePower"), None
    if isinstance(mode, _BIDIRECTIONAL):
        discharge_W = total_W(mode, "EVMaximumDischargePower")
    most_W, most_out_W = announced.charge_power_max_W, announced.discharge_power_max_W
    return replace(
        announced,
        charge_power_max_W=most_W if charge_W is None else max(0.0, min(charge_W, most_W)),
        discharge_power_max_W=most_out_W if discharge_W is None else min(abs(discharge_W), most_out_W),
    )


def _phase_limits(mode: _Request, announced: PhaseLimits | None) -> PhaseLimits | None:
    """The announced limits of each phase, tightened by those of this loop."""
    if announced is None:
        return None

    def tightened(name: str, bounds: PhasePowers) -> PhasePowers:
        if not gives_phases(mode, name):
            return bounds
        first, second, third = (
            min(abs(now_W), bound_W) for now_W, bound_W in zip(powers_of(mode, name, 3), bounds, strict=True)
        )
        return first, second, third

    found = replace(announced, charge_max_W=tightened("EVMaximumChargePower", announced.charge_max_W))
    if isinstance(mode, _BIDIRECTIONAL):
        found = replace(found, discharge_max_W=tightened("EVMaximumDischargePower", announced.discharge_max_W))
    return found
