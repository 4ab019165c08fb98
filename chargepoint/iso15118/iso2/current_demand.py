"""CurrentDemand, the charge loop at a DC outlet: answered from the last process image, never awaiting anything.

Source: docs/sources/iso15118-2-din.md 1.2 and 7.
"""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.conversation.row import Answer, Refusal, Reply
from chargepoint.iso15118.conversation.situation import Situation
from chargepoint.iso15118.iso2 import ev_status
from chargepoint.iso15118.iso2.evse_status import dc_evse_status
from chargepoint.iso15118.iso2.metering import to_confirm
from chargepoint.iso15118.iso2.offers import discharges
from chargepoint.iso15118.iso2.physical import amperes, volts, watts
from chargepoint.iso15118.iso2.sae_discharge import is_empty, loop_maxima, renewed_in_sae
from chargepoint.iso15118.iso2.session import Iso2Session
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages.iso15118_2 import CurrentDemandReq, CurrentDemandRes, ResponseCode
from chargepoint.iso15118.physical_value import maybe, number
from chargepoint.iso15118.steps import dc_limits
from chargepoint.iso15118.steps.dc_report import dc_report
from chargepoint.iso15118.steps.dc_target import aimed
from chargepoint.iso15118.steps.no_power import nothing_to_go_on_with
from chargepoint.iso15118.steps.step import Impossible
from chargepoint.iso15118.steps.tolerated_discharge import as_charging


def respond(request: CurrentDemandReq, session: Iso2Session, at: Situation) -> Reply[Iso2Session]:
    """Present values and the limits of this moment. The car's limits and targets of each message hold anew; a negative current asks
    for none, except from a car that selected a service of SAE J2847/2. FAILED, which ends the session, in an emergency, without a stage, and after the end of the transaction."""
    assert session.limits is not None
    if (over := nothing_to_go_on_with(at)) is not None:
        return Refusal(ResponseCode.FAILED, over.why, over.ours)
    report = dc_report(at, session.offered)
    if isinstance(report, Impossible):
        return Refusal(ResponseCode.FAILED, report.why, report.ours)
    if session.sae is None and discharges(at.settings):
        report = as_charging(report, at)
    voltage_V, current_A, power_W = (
        maybe(request.EVMaximumVoltageLimit),
        maybe(request.EVMaximumCurrentLimit),
        maybe(request.EVMaximumPowerLimit),
    )
    if session.sae is None:
        limits = dc_limits.renewed(session.limits, voltage_V, current_A, power_W)
    else:
        limits = renewed_in_sae(session.sae, session.limits, voltage_V, current_A, power_W)
    display = replace(
        session.display,
        charging_complete=request.ChargingComplete,
        to_target_soc_s=maybe(request.RemainingTimeToBulkSoC),
        to_maximum_soc_s=maybe(request.RemainingTimeToFullSoC),
    )
    asked_V, asked_A = number(request.EVTargetVoltage), number(request.EVTargetCurrent)
    if session.sae is None:
        asked_A = max(0.0, asked_A)
    after = replace(
        ev_status.heard(session, request.DC_EVStatus),
        limits=limits,
        display=display,
        transfer=aimed(session.transfer, asked_V, asked_A, limits.voltage_max_V, at),
    )
    meter = to_confirm(session, at)
    if meter is not None:
        after = replace(after, state=Iso2State.METERING_RECEIPT, meter_sent=meter)
    empty = is_empty(after.sae, after.energy.soc_percent, after.energy.minimum_soc_percent)
    maximum_A, maximum_W = loop_maxima(after.sae, report, at)
    response = CurrentDemandRes(
        ResponseCode=ResponseCode.OK,
        DC_EVSEStatus=dc_evse_status(after, at, stopped=empty),
        EVSEPresentVoltage=volts(report.voltage_V),
        EVSEPresentCurrent=amperes(report.current_A),
        EVSECurrentLimitAchieved=report.current_limit_achieved,
        EVSEVoltageLimitAchieved=report.voltage_limit_achieved,
        EVSEPowerLimitAchieved=report.power_limit_achieved,
        EVSEMaximumVoltageLimit=volts(report.can.voltage_max_V),
        EVSEMaximumCurrentLimit=amperes(maximum_A),
        EVSEMaximumPowerLimit=watts(maximum_W),
        EVSEID=at.settings.evse_id_text,
        SAScheduleTupleID=after.schedule_tuple_id,
        MeterInfo=meter,
        ReceiptRequired=meter is not None,
    )
    return Answer(response, after)


def refuse(_: CurrentDemandReq, code: ResponseCode, session: Iso2Session, at: Situation) -> CurrentDemandRes:
    """The response with this code: nothing may flow, and the values as measured."""
    return CurrentDemandRes(
        ResponseCode=code,
        DC_EVSEStatus=dc_evse_status(session, at, stopped=True),
        EVSEPresentVoltage=volts(at.view.voltage_V),
        EVSEPresentCurrent=amperes(at.view.current_A),
        EVSECurrentLimitAchieved=False,
        EVSEVoltageLimitAchieved=False,
        EVSEPowerLimitAchieved=False,
        EVSEID=at.settings.evse_id_text,
        SAScheduleTupleID=session.schedule_tuple_id,
        ReceiptRequired=False,
    )
