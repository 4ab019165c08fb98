"""Block K, schedules that a car negotiates: its needs go to the central system, whose schedule goes to the car (K15 to K17)."""

from __future__ import annotations

from datetime import UTC, datetime

from hil.certification.charging_profiles import profile, set_profile, valid
from hil.certification.patterns import PRESENT
from hil.certification.registry import case
from hil.certification.states import (
    authorized,
    ev_connected_pre_session,
    evse_of,
    starts_at,
    transaction_event,
)
from hil.certification.trial import Trial

AGAIN_S = 3.0
"""When a car that renegotiates does so."""
PROFILE_ID = 4711
CHARGING = {"transactionInfo.chargingState": "Charging"}
STATE_CHANGED = {"triggerReason": "ChargingStateChanged"}


async def _car_comes(trial: Trial, *, again_after_s: float = 0.0) -> None:
    """Authorized and EVConnectedPreSession. The transaction has begun before the car talks."""
    await starts_at(trial, "Authorized")
    await trial.station.negotiate(evse_of(trial), again_after_s)
    await authorized(trial, remote=False)
    await ev_connected_pre_session(trial)


async def _needs(trial: Trial, step: int, within_s: float | None = None) -> None:
    """NotifyEVChargingNeeds, with the parameters of its kind of energy transfer."""
    call = await trial.expects(step, "NotifyEVChargingNeeds", {"evseId": evse_of(trial)}, within_s=within_s)
    needs = call.payload["chargingNeeds"]
    kind = "dc" if str(needs["requestedEnergyTransfer"]).startswith("DC") else "ac"
    trial.checks.message(step, "chargingNeeds", needs, {f"{kind}ChargingParameters": PRESENT})


async def _schedule(trial: Trial, step: int, limit: float) -> None:
    """The central system's TxProfile for the running transaction; it replaces the one before, which has its id (K01.FR.05)."""
    further = {"transactionId": trial.session.transaction_id, "id": PROFILE_ID}
    sent = profile(trial, ((0, limit),), purpose="TxProfile", further=further)
    await set_profile(trial, step, sent, evse_of(trial))


async def _plan(trial: Trial, step: int) -> None:
    """The car may report its own profile."""
    has = {"evseId": evse_of(trial)}
    await trial.may_come(step, "NotifyEVChargingSchedule", has, {}, trial.configured.quiet_s)


async def _rate_changes(trial: Trial, step: int) -> None:
    """The rate may be reported as changed."""
    where = {"triggerReason": "ChargingRateChanged"}
    await trial.may_come(step, "TransactionEvent", {}, where, trial.configured.quiet_s)


async def _negotiated(trial: Trial) -> None:
    """RenegotiateChargingLimits, until energy flows."""
    await _needs(trial, 1)
    await _schedule(trial, 3, 10.0)
    await _plan(trial, 5)
    await transaction_event(trial, 7, CHARGING, STATE_CHANGED)


@case("TC_K_53_CS")
async def schedule_for_a_car(trial: Trial) -> None:
    """A car's needs are answered by a schedule."""
    await _car_comes(trial)
    await _negotiated(trial)


@case("TC_K_54_CS")
async def no_schedule_for_a_car(trial: Trial) -> None:
    """A car whose needs are rejected charges all the same."""
    trial.csms.answers.order("NotifyEVChargingNeeds", {"status": "Rejected"})
    await _car_comes(trial)
    await _needs(trial, 1)
    await _plan(trial, 3)
    await transaction_event(trial, 5, CHARGING, STATE_CHANGED)


@case("TC_K_56_CS")
async def schedule_offline(trial: Trial) -> None:
    """A car that negotiates while the network is away charges by the TxDefaultProfile."""
    now = datetime.now(UTC)
    sent = profile(trial, start=now, duration_s=400, further=valid(now, trial))
    await set_profile(trial, "before", sent, evse_of(trial))
    await _car_comes(trial)
    await trial.csms.cut()
    await trial.wait(trial.configured.unseen_s)
    trial.csms.reconnect()
    within_s = trial.configured.reboot_within_s
    await transaction_event(trial, 5, CHARGING, {**STATE_CHANGED, "offline": True}, within_s=within_s)
    await _plan(trial, 3)


@case("TC_K_57_CS")
async def car_renegotiates(trial: Trial) -> None:
    """A car that charges by a schedule negotiates another one."""
    await _car_comes(trial, again_after_s=AGAIN_S)
    await _negotiated(trial)
    await _needs(trial, 1, within_s=AGAIN_S + trial.configured.answer_within_s)
    await _schedule(trial, 3, 15.0)
    await _plan(trial, 5)
    await _rate_changes(trial, 7)


@case("TC_K_58_CS")
async def central_system_renegotiates(trial: Trial) -> None:
    """A new schedule of the central system goes to the car."""
    await _car_comes(trial)
    await _negotiated(trial)
    await _schedule(trial, 1, 8.0)
    await _plan(trial, 3)
    await _rate_changes(trial, 5)
