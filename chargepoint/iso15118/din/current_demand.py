"""CurrentDemand, the charge loop of DIN: answered from the last process image, never awaiting anything.

Source: docs/sources/iso15118-2-din.md 1.3 and 7.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.din import ev_status
from chargepoint.iso15118.din.dc_evse_status import dc_evse_status
from chargepoint.iso15118.din.physical import amperes, measured_volts, seconds, volts, watts
from chargepoint.iso15118.din.session import DinSession
from chargepoint.iso15118.messages.din70121 import CurrentDemandReq, CurrentDemandRes, ResponseCode
from chargepoint.iso15118.physical_value import maybe, number
from chargepoint.iso15118.steps import dc_limits
from chargepoint.iso15118.steps.dc_report import dc_report
from chargepoint.iso15118.steps.dc_target import aimed
from chargepoint.iso15118.steps.no_power import nothing_to_go_on_with
from chargepoint.iso15118.steps.step import Impossible


def respond(request: CurrentDemandReq, session: DinSession, at: Situation) -> Reply[DinSession]:
    """Present values and limits. The car's limits and targets of each message hold anew, and a negative current asks for
    none. FAILED in an emergency, without a stage, and after the end of the transaction."""
    assert session.limits is not None
    if (over := nothing_to_go_on_with(at)) is not None:
        return Refusal(ResponseCode.FAILED, over.why, over.ours)
    report = dc_report(at, session.offered)
    if isinstance(report, Impossible):
        return Refusal(ResponseCode.FAILED, report.why, report.ours)
    limits = dc_limits.renewed(
        session.limits,
        maybe(request.EVMaximumVoltageLimit),
        maybe(request.EVMaximumCurrentLimit),
        maybe(request.EVMaximumPowerLimit),
    )
    display = replace(
        session.display,
        charging_complete=request.ChargingComplete,
        to_target_soc_s=seconds(request.RemainingTimeToBulkSoC),
        to_maximum_soc_s=seconds(request.RemainingTimeToFullSoC),
    )
    asked_V, asked_A = number(request.EVTargetVoltage), max(0.0, number(request.EVTargetCurrent))
    after = replace(
        ev_status.heard(session, request.DC_EVStatus),
        limits=limits,
        display=display,
        transfer=aimed(session.transfer, asked_V, asked_A, limits.voltage_max_V, at),
    )
    response = CurrentDemandRes(
        ResponseCode=ResponseCode.OK,
        DC_EVSEStatus=dc_evse_status(after, at),
        EVSEPresentVoltage=volts(report.voltage_V),
        EVSEPresentCurrent=amperes(report.current_A),
        EVSECurrentLimitAchieved=report.current_limit_achieved,
        EVSEVoltageLimitAchieved=report.voltage_limit_achieved,
        EVSEPowerLimitAchieved=report.power_limit_achieved,
        EVSEMaximumVoltageLimit=volts(report.can.voltage_max_V),
        EVSEMaximumCurrentLimit=amperes(report.can.charge_current_max_A),
        EVSEMaximumPowerLimit=watts(report.charge_power_max_W),
    )
    return Answer(response, after)


def refuse(_: CurrentDemandReq, code: ResponseCode, session: DinSession, at: Situation) -> CurrentDemandRes:
    """The response with this code: nothing may flow, and the values as measured."""
    return CurrentDemandRes(
        ResponseCode=code,
        DC_EVSEStatus=dc_evse_status(session, at, stopped=True),
        EVSEPresentVoltage=measured_volts(at.view.voltage_V),
        EVSEPresentCurrent=amperes(0.0 if at.view.current_A is None else at.view.current_A),
        EVSECurrentLimitAchieved=False,
        EVSEVoltageLimitAchieved=False,
        EVSEPowerLimitAchieved=False,
    )
