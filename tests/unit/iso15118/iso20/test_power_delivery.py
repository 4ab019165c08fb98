"""PowerDelivery: start, stop, standby, renegotiation; the profile against the schedule; what holds the answer back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.iso15118.conversation.row import Refusal
from chargepoint.iso15118.iso20 import power_delivery as message
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import (
    ChannelSelection,
    ChargeProgress,
    Dynamic_EVPPTControlMode,
    EVPowerProfile,
    EVPowerProfileEntryList,
    PowerDeliveryReq,
    PowerScheduleEntry,
    PowerToleranceAcceptance,
    Scheduled_EVPPTControlMode,
)
from chargepoint.iso15118.messages.common_types import EvseNotification, Processing, ResponseCode
from chargepoint.iso15118.rational import rational
from chargepoint.iso15118.steps.transfer import Transfer
from chargepoint.model.car import ControlMode, WishFollowed
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.demand import Phase
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Stage
from chargepoint.model.schedule_offer import ScheduleOffer
from chargepoint.model.station_view import Wish, WishForCar
from tests.unit.iso15118.iso20.dc_situation import HEADER, UTC_S, answered, choice, held, refused, session, situation

OFFER = ScheduleOffer(1, UTC_S, (PowerPiece(3600.0, 20_000.0, 10_000.0), PowerPiece(3600.0, 5_000.0, 0.0)))
SCHEDULED = choice(mode=ControlMode.SCHEDULED)


def profile(
    *entries: tuple[int, float], tuple_id: int | None = 1, anchor_s: int = UTC_S, **more: Any
) -> EVPowerProfile:
    made = tuple(PowerScheduleEntry(Duration=d, Power=rational(p)) for d, p in entries)
    mode: dict[str, Any] = {"Dynamic_EVPPTControlMode": Dynamic_EVPPTControlMode()}
    if tuple_id is not None:
        mode = {"Scheduled_EVPPTControlMode": Scheduled_EVPPTControlMode(SelectedScheduleTupleID=tuple_id, **more)}
    return EVPowerProfile(
        TimeAnchor=anchor_s, EVPowerProfileEntries=EVPowerProfileEntryList(EVPowerProfileEntry=made), **mode
    )


def request(
    progress: ChargeProgress = ChargeProgress.Start,
    planned: EVPowerProfile | None = None,
    processing: Processing = Processing.Finished,
    **more: Any,
) -> PowerDeliveryReq:
    return PowerDeliveryReq(
        Header=HEADER, EVProcessing=processing, ChargeProgress=progress, EVPowerProfile=planned, **more
    )


def scheduled(state: State = State.POWER_DELIVERY, **more: Any) -> Session:
    return session(state, SCHEDULED, schedule=OFFER, **more)


IN_TRANSFER = situation(stage=Stage.TRANSFER)


def start(planned: EVPowerProfile) -> ResponseCode:
    """The code of a start with this profile, in Scheduled mode, with the stage in transfer."""
    reply = message.respond(request(planned=planned), scheduled(), IN_TRANSFER)
    if isinstance(reply, Refusal):
        return ResponseCode(reply.code)
    return ResponseCode(answered(reply)[0].ResponseCode)


# -- start -----------------------------------------------------------------------------------------------------------------


def test_start_is_held_until_the_stage_transfers() -> None:
    waiting = held(message.respond(request(), session(State.POWER_DELIVERY), situation(stage=Stage.PRE_CHARGED)))
    assert waiting.hold_s < 1.5
    assert waiting.session.transfer.phase is Phase.TRANSFER
    response, after = answered(message.respond(request(), waiting.session, IN_TRANSFER))
    assert response.ResponseCode is ResponseCode.OK
    assert after.state is State.CHARGE_LOOP


@pytest.mark.parametrize("stage", [Stage.OFF, Stage.PRE_CHARGED, Stage.OPENING, Stage.FAULTED])
def test_a_stage_that_does_not_come_is_refused(stage: Stage) -> None:
    reply = message.respond(request(), session(State.POWER_DELIVERY), situation(stage=stage, time_is_up=True))
    found = refused(reply)
    assert (found.code, found.ours) == (ResponseCode.FAILED_PowerDeliveryNotApplied, True)


@pytest.mark.parametrize("view", [{"permitted": False}, {"may_energise": False}])
def test_start_is_refused_at_once_where_power_may_not_flow(view: dict[str, Any]) -> None:
    found = refused(message.respond(request(), session(State.POWER_DELIVERY), situation(stage=Stage.TRANSFER, **view)))
    assert found.code is ResponseCode.FAILED_PowerDeliveryNotApplied


def test_a_car_that_is_not_ready_is_answered_and_nothing_begins() -> None:
    response, after = answered(
        message.respond(request(processing=Processing.Ongoing), session(State.POWER_DELIVERY), situation())
    )
    assert (response.ResponseCode, after) == (ResponseCode.OK, session(State.POWER_DELIVERY))


def test_the_target_of_pre_charge_is_no_bound_of_the_transfer() -> None:
    pre_charged = session(State.POWER_DELIVERY, transfer=Transfer(Phase.PRE_CHARGE, target_voltage_V=400.0))
    waiting = held(message.respond(request(), pre_charged, situation(stage=Stage.PRE_CHARGED)))
    assert waiting.session.transfer.target_voltage_V == 400.0
    _, after = answered(message.respond(request(), waiting.session, IN_TRANSFER))
    assert after.transfer.target_voltage_V is None


def test_the_choice_of_a_channel_changes_nothing_where_there_is_one() -> None:
    chosen = request(BPT_ChannelSelection=ChannelSelection.Discharge)
    assert (
        answered(message.respond(chosen, session(State.POWER_DELIVERY), IN_TRANSFER))[0].ResponseCode is ResponseCode.OK
    )


# -- profile -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("planned", "code"),
    [
        (profile((7200, 5_000)), ResponseCode.OK),
        (profile((3600, 20_000), (3600, 5_000)), ResponseCode.OK),
        (profile((3600, -10_000), (3600, 0)), ResponseCode.OK),
        (profile((3600, 20_150), (3600, 5_000)), ResponseCode.OK),  # one in a hundred: rounding of both sides
        (profile((3601, 20_000)), ResponseCode.FAILED_EVPowerProfileInvalid),  # across the border of entries
        (profile((1800, 1_000), (5400, 6_000)), ResponseCode.FAILED_EVPowerProfileInvalid),
        (profile((60, 21_000)), ResponseCode.FAILED_EVPowerProfileInvalid),
        (profile((7200, -1_000)), ResponseCode.FAILED_EVPowerProfileInvalid),
        (profile((60, 1_000), tuple_id=2), ResponseCode.FAILED_ScheduleSelectionInvalid),
        (profile((60, 1_000), tuple_id=None), ResponseCode.FAILED_ScheduleSelectionInvalid),
        (profile((60, 1e300)), ResponseCode.FAILED_EVPowerProfileInvalid),
        (profile((2**32 - 1, 0.0)), ResponseCode.OK),  # what lies behind the schedule is not held against it
        (profile((60, 99_000), (60, 0), anchor_s=UTC_S - 60), ResponseCode.OK),  # nor what has passed
        (
            profile((60, 1_000), PowerToleranceAcceptance=PowerToleranceAcceptance.PowerToleranceConfirmed),
            ResponseCode.OK,
        ),
    ],
)
def test_the_profile_stays_inside_the_schedule(planned: EVPowerProfile, code: ResponseCode) -> None:
    """K16.FR.04 of OCPP."""
    assert start(planned) is code


def test_without_a_profile_the_schedule_itself_holds() -> None:
    assert answered(message.respond(request(), scheduled(), IN_TRANSFER))[0].ResponseCode is ResponseCode.OK


def test_in_dynamic_mode_a_profile_says_nothing() -> None:
    absurd = profile((60, 1e9), tuple_id=None)
    at_session = session(State.POWER_DELIVERY)
    assert (
        answered(message.respond(request(planned=absurd), at_session, IN_TRANSFER))[0].ResponseCode is ResponseCode.OK
    )


@given(st.lists(st.tuples(st.integers(0, 4000), st.floats(-30_000, 30_000)), min_size=1, max_size=12))
def test_a_profile_is_refused_where_any_second_of_it_leaves_the_schedule(entries: list[tuple[int, float]]) -> None:
    planned = profile(*entries)
    leaves, second_s = False, 0
    for duration_s, power in entries:
        for at_s in {second_s, second_s + max(0, duration_s - 1), 3599, 3600}:
            if second_s <= at_s < second_s + duration_s and at_s < 7200:
                piece = OFFER.pieces[0 if at_s < 3600 else 1]
                leaves |= power > piece.charge_W * 1.01 + 51 or power < -piece.discharge_W * 1.01 - 51
        second_s += duration_s
    if leaves:
        assert start(planned) is ResponseCode.FAILED_EVPowerProfileInvalid


# -- stop, standby, renegotiation ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [Stage.TRANSFER, Stage.RAMP_DOWN])
def test_stop_is_held_while_current_may_flow(stage: Stage) -> None:
    waiting = held(message.respond(request(ChargeProgress.Stop), session(State.CHARGE_LOOP), situation(stage=stage)))
    assert waiting.session.transfer.phase is Phase.OFF
    response, after = answered(
        message.respond(request(ChargeProgress.Stop), waiting.session, situation(stage=stage, time_is_up=True))
    )
    assert (response.ResponseCode, after.state) == (ResponseCode.OK, State.WELDING_DETECTION)


@pytest.mark.parametrize(
    ("state", "allowed", "code"),
    [
        (State.CHARGE_LOOP, True, ResponseCode.OK),
        (State.CHARGE_LOOP, False, ResponseCode.WARNING_StandbyNotAllowed),
        (State.POWER_DELIVERY, True, ResponseCode.WARNING_StandbyNotAllowed),
    ],
)
def test_standby_rests_only_in_the_loop(state: State, allowed: bool, code: ResponseCode) -> None:
    at = situation({"standby": allowed}, stage=Stage.TRANSFER)
    response, after = answered(message.respond(request(ChargeProgress.Standby), session(state), at))
    assert response.ResponseCode is code
    assert after.transfer.standby is (code is ResponseCode.OK)
    assert after.state is state


def test_renegotiation_outside_the_loop_is_a_warning() -> None:
    response, after = answered(
        message.respond(request(ChargeProgress.ScheduleRenegotiation), session(State.POWER_DELIVERY), situation())
    )
    assert response.ResponseCode is ResponseCode.WARNING_ScheduleRenegotiationFailed
    assert after == session(State.POWER_DELIVERY)


@pytest.mark.parametrize("state", [State.CHARGE_LOOP, State.POWER_DELIVERY])
@pytest.mark.parametrize("progress", list(ChargeProgress))
def test_what_the_station_wants_is_in_every_answer(progress: ChargeProgress, state: State) -> None:
    at = situation(stage=Stage.TRANSFER, time_is_up=True, wish=WishForCar(Wish.PAUSE, 1042.5))
    response, _ = answered(message.respond(request(progress), session(state), at))
    assert (response.EVSEStatus.EVSENotification, response.EVSEStatus.NotificationMaxDelay) == (
        EvseNotification.Pause,
        43,
    )


@pytest.mark.parametrize(
    ("progress", "standby", "wishes"),
    [
        (ChargeProgress.ScheduleRenegotiation, False, [Wish.SCHEDULE_RENEGOTIATION]),
        (ChargeProgress.Start, True, [Wish.EXIT_STANDBY]),
        (ChargeProgress.Start, False, []),
        (ChargeProgress.Stop, False, []),
    ],
)
def test_the_station_learns_what_the_car_follows(progress: ChargeProgress, standby: bool, wishes: list[Wish]) -> None:
    before = replace(session(State.CHARGE_LOOP), transfer=Transfer(Phase.TRANSFER, standby=standby))
    found = message.learned(request(progress), before, before, situation())
    assert found == tuple(WishFollowed(EvseId(1), wish) for wish in wishes)
