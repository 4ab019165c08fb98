"""PowerDelivery: energy may flow, or shall stop. Answered when the power stage is there, within the performance time."""

from __future__ import annotations

from dataclasses import replace

from chargepoint.iso15118.messages.common_messages import ChargeProgress, PowerDeliveryReq, PowerDeliveryRes
from chargepoint.iso15118.messages.common_types import EvseNotification, EVSEStatus, Processing, ResponseCode
from chargepoint.iso15118.rational import number
from chargepoint.iso15118.secc.answer import Answer, Later
from chargepoint.iso15118.secc.schedule_exchange import SCHEDULE_TUPLE_ID
from chargepoint.iso15118.secc.session import Now, Session
from chargepoint.iso15118.secc.state import State
from chargepoint.model.car import ControlMode, SeccInputs
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage

_ENERGISED = (Stage.TRANSFER, Stage.RAMP_DOWN)
PROFILE_TOLERANCE = 1.01


def respond(
    request: PowerDeliveryReq, session: Session, inputs: SeccInputs, now: Now, *, time_is_up: bool
) -> Answer | Later | ResponseCode:
    """Start: OK once the stage transfers (V2G20-860: contactor measured closed). Stop: OK once current is gone."""
    match request.ChargeProgress:
        case ChargeProgress.Start:
            return _start(request, session, inputs, now, time_is_up=time_is_up)
        case ChargeProgress.Stop:
            after = replace(session, state=State.WELDING_DETECTION, phase=Phase.OFF)
            if inputs.stage in _ENERGISED and not time_is_up:
                return Later(replace(session, phase=Phase.OFF))
            return _ok(after, inputs, now)
        case ChargeProgress.Standby:
            return _ok(session, inputs, now, ResponseCode.WARNING_StandbyNotAllowed)
        case ChargeProgress.ScheduleRenegotiation:
            return _ok(session, inputs, now, ResponseCode.WARNING_ScheduleRenegotiationFailed)


def _start(
    request: PowerDeliveryReq, session: Session, inputs: SeccInputs, now: Now, *, time_is_up: bool
) -> Answer | Later | ResponseCode:
    if request.EVProcessing is not Processing.Finished:
        return _ok(session, inputs, now)  # a car in its charge loop stays there: nothing leads back to pre-charge
    if (code := _profile_refused(request, session)) is not None:
        return code
    if not inputs.permitted:
        return ResponseCode.FAILED_PowerDeliveryNotApplied
    # what pre-charge matched is no bound of the transfer; until the stage transfers it may still have to match it
    target_V = session.target_voltage_V if session.state is State.CHARGE_LOOP else None
    after = replace(session, state=State.CHARGE_LOOP, phase=Phase.TRANSFER, target_voltage_V=target_V)
    if inputs.stage is Stage.TRANSFER:
        return _ok(after, inputs, now)
    if time_is_up:
        return ResponseCode.FAILED_PowerDeliveryNotApplied
    return Later(replace(session, phase=Phase.TRANSFER))


def _profile_refused(request: PowerDeliveryReq, session: Session) -> ResponseCode | None:
    """In Scheduled mode the profile must name our tuple and stay inside it."""
    assert session.choice is not None
    profile = request.EVPowerProfile
    if session.choice.control_mode is not ControlMode.SCHEDULED or profile is None:
        return None
    selected = profile.Scheduled_EVPPTControlMode
    if selected is None or selected.SelectedScheduleTupleID != SCHEDULE_TUPLE_ID:
        return ResponseCode.FAILED_ScheduleSelectionInvalid
    charge_W = session.schedule_charge_W or 0.0
    discharge_W = session.schedule_discharge_W or 0.0
    for entry in profile.EVPowerProfileEntries.EVPowerProfileEntry:
        power_W = number(entry.Power)
        if power_W > charge_W * PROFILE_TOLERANCE or power_W < -discharge_W * PROFILE_TOLERANCE:
            return ResponseCode.FAILED_EVPowerProfileInvalid
    return None


def _ok(session: Session, inputs: SeccInputs, now: Now, code: ResponseCode = ResponseCode.OK) -> Answer:
    status = None
    if inputs.stop_requested:
        status = EVSEStatus(NotificationMaxDelay=0, EVSENotification=EvseNotification.Terminate)
    return Answer(PowerDeliveryRes(Header=session.header(now), ResponseCode=code, EVSEStatus=status), session)
