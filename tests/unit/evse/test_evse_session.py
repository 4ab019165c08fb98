"""From plug to unplug: who may charge, when a transaction begins, and why it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chargepoint.evse.events import (
    AuthorizationAnswered,
    AvailabilityChanged,
    BeginTransaction,
    EndTransaction,
    PowerProcessLost,
    StopOrdered,
    UpdateTransaction,
    WriteLog,
)
from chargepoint.evse.permit import Permission
from chargepoint.model.car import AuthorizationWanted, CarConnected, CarIdentified, CarSessionEnded, SessionEnd
from chargepoint.model.commands import StartTransaction, StopTransaction
from chargepoint.model.demand import Phase, PilotCommand
from chargepoint.model.faults import CATALOGUE, FaultCode, InterlockTripped, Severity
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.model.status import AuthorizationStatus, ConnectorStatus
from chargepoint.model.transactions import ChargingState, StopReason, TriggerReason

EVSE = EvseId(1)
REMOTE_TOKEN = IdToken("REMOTE-1", IdTokenType.CENTRAL)


# -- beginning --------------------------------------------------------------------------------------------------------


def test_plug_then_token_then_transaction(station: Any) -> None:
    """C08.FR.01."""
    station.see(pilot=ControlPilot.B)
    assert station.begins() == []
    station.present()
    assert [a.token.value for a in station.asked()] == ["04A1B2C3"]
    assert station.session.authorized is None
    station.answer()
    assert station.begins() == [
        BeginTransaction(
            TransactionId("tx-1"), TriggerReason.AUTHORIZED, IdToken("04A1B2C3", IdTokenType.ISO14443), None
        )
    ]
    assert station.session.authorized is True


def test_token_before_plug(station: Any) -> None:
    station.present()
    station.answer()
    station.live(59)
    assert station.begins() == []
    assert station.session.authorized is None
    station.see(pilot=ControlPilot.B)
    assert len(station.begins()) == 1
    assert station.session.authorized is True


def test_an_authorisation_lapses_without_a_car(station: Any) -> None:
    """C01.FR.26, E10.FR.02."""
    station.present()
    station.answer()
    station.wait(60.5)
    assert station.session.view.permission is Permission.NONE
    station.see(pilot=ControlPilot.B)
    assert station.begins() == []


def test_a_remote_start_carries_its_number(station: Any) -> None:
    """F02.FR.10."""
    station.feed(StartTransaction(EVSE, REMOTE_TOKEN, 42, authorize=False))
    station.see(pilot=ControlPilot.B)
    assert station.begins() == [BeginTransaction(TransactionId("tx-1"), TriggerReason.REMOTE_START, REMOTE_TOKEN, 42)]


def test_a_remote_start_may_ask_first(station: Any) -> None:
    """F02.FR.09."""
    station.see(pilot=ControlPilot.B)
    station.feed(StartTransaction(EVSE, REMOTE_TOKEN, 42, authorize=True))
    assert [a.token for a in station.asked()] == [REMOTE_TOKEN]
    assert station.begins() == []


def test_a_start_during_a_transaction_changes_nothing(station: Any) -> None:
    station.transferring()
    station.feed(StartTransaction(EVSE, REMOTE_TOKEN, 42, authorize=False))
    assert station.session.view.token.value == "04A1B2C3"
    station.present()  # the token it began with still stops it
    assert station.session.view.stop.reason is StopReason.LOCAL
    assert len(station.begins()) == 1


@pytest.mark.parametrize("status", [s for s in AuthorizationStatus if s is not AuthorizationStatus.ACCEPTED])
def test_a_refused_token_begins_nothing_and_the_car_is_told(station: Any, status: AuthorizationStatus) -> None:
    station.see(pilot=ControlPilot.B)
    station.present()
    station.answer(status)
    assert station.begins() == []
    assert station.session.authorized is False
    station.present("04FFFFFF")  # another card may help
    assert station.session.authorized is None
    station.answer(value="04FFFFFF")
    assert len(station.begins()) == 1


def test_a_refusal_by_nobody_s_answer_names_what_hindered_the_answer(station: Any) -> None:
    station.see(pilot=ControlPilot.B)
    station.present()
    why = "the central system did not answer within 30 s"
    station.feed(AuthorizationAnswered(IdToken("04A1B2C3", IdTokenType.ISO14443), AuthorizationStatus.UNKNOWN, why))
    assert station.session.view.refusal.reason == why


def test_a_refusal_is_forgotten_with_the_plug(station: Any) -> None:
    station.see(pilot=ControlPilot.B)
    station.present()
    station.answer(AuthorizationStatus.BLOCKED)
    station.see(pilot=ControlPilot.A)
    station.see(pilot=ControlPilot.B)
    assert station.session.authorized is None


def test_a_token_that_is_none_is_refused_aloud(station: Any) -> None:
    outputs = station.present("not a card")
    assert station.asked() == []
    assert any(o.letter == "!" for o in station.of(WriteLog, outputs))


def test_the_second_of_two_tokens_waits_its_turn(station: Any) -> None:
    station.see(pilot=ControlPilot.B)
    station.present("04A1B2C3")
    station.present("04FFFFFF")
    assert [a.token.value for a in station.asked()] == ["04A1B2C3"]
    station.answer(value="04FFFFFF")  # an answer to a question nobody asked
    assert station.begins() == []
    station.answer()
    station.present("04FFFFFF")
    assert station.session.view.stop is None
    assert len(station.begins()) == 1


def test_everybody_may_charge_where_the_bench_says_so(new_station: Callable[..., Any]) -> None:
    station = new_station(everybody=True)
    station.see(pilot=ControlPilot.B)
    station.connect()
    assert station.session.authorized is None
    station.feed(AuthorizationWanted(EVSE))
    assert [b.token.type for b in station.begins()] == [IdTokenType.NO_AUTHORIZATION]
    assert station.session.authorized is True


@pytest.mark.parametrize("everybody", [True, False])
def test_a_car_that_connects_anew_while_its_last_transaction_ends_waits_for_one_of_its_own(
    new_station: Callable[..., Any], everybody: bool
) -> None:
    station = new_station(everybody=everybody)
    station.see(pilot=ControlPilot.B)
    if not everybody:
        station.present()
        station.answer()
    station.connect()
    station.feed(AuthorizationWanted(EVSE))
    station.see(stage=Stage.PRE_CHARGE)
    station.feed(CarSessionEnded(EVSE, SessionEnd.CONNECTION_LOST, "gone"))
    assert station.session.view.stop is not None
    station.connect()
    assert station.session.authorized is False  # of the transaction that is ending
    station.feed(AuthorizationWanted(EVSE))
    assert station.session.authorized is None
    station.see(stage=Stage.OFF)
    assert len(station.ends()) == 1
    station.see()
    assert len(station.begins()) == (2 if everybody else 1)
    assert station.session.authorized is (True if everybody else None)
    station.feed(StopOrdered(StopReason.REMOTE, TriggerReason.REMOTE_STOP))
    station.wait(1.0)
    assert station.session.authorized is None  # what was ended is not begun again by the same request
    assert len(station.begins()) == len(station.ends()) == (2 if everybody else 1)


def test_nobody_is_asked_by_a_car_where_tokens_decide(station: Any) -> None:
    station.see(pilot=ControlPilot.B)
    station.feed(AuthorizationWanted(EVSE))
    assert station.begins() == []
    assert station.session.authorized is None


def test_nothing_begins_while_power_is_forbidden(station: Any) -> None:
    station.see(pilot=ControlPilot.B)
    station.present()
    station.see(faults=frozenset({FaultCode.DOOR_OPEN}))
    station.answer()
    assert station.begins() == []
    station.see(faults=frozenset())
    assert len(station.begins()) == 1


def test_a_token_that_can_start_nothing_is_refused_with_the_reason(station: Any) -> None:
    """Seen: tokens «authorised» four times at an EVSE with a latched fault, without a transaction."""
    station.see(pilot=ControlPilot.B, faults=frozenset({FaultCode.PILOT_LOST}))
    for _ in range(4):
        station.present()
    assert station.asked() == []
    assert station.session.view.permission is Permission.NONE
    assert "control pilot left C/D under power: unplug" in station.session.view.refusal.reason
    assert station.session.view.refusal.token_hint == "…B2C3"
    station.see(faults=frozenset())
    assert station.begins() == []
    station.present()
    station.answer()
    assert len(station.begins()) == 1
    assert station.session.view.refusal is None


@pytest.mark.parametrize("code", [FaultCode.PILOT_LOST, FaultCode.EMERGENCY_STOP])
def test_a_latched_fault_refuses_a_waiting_car_at_once(station: Any, code: FaultCode) -> None:
    station.see(pilot=ControlPilot.B)
    station.connect()
    assert station.session.authorized is None
    station.see(faults=frozenset({code}))
    assert station.session.authorized is False


def test_a_fault_that_clears_itself_is_waited_for_before_the_car_is_refused(station: Any) -> None:
    station.see(pilot=ControlPilot.B, faults=frozenset({FaultCode.METER_COMMUNICATION}))
    station.connect()
    station.live(4.9)
    assert station.session.authorized is None
    station.live(0.3)
    assert station.session.authorized is False
    station.see(faults=frozenset())
    assert station.session.authorized is None


def test_a_car_at_an_inoperative_connector_is_refused_at_once(station: Any) -> None:
    station.see(pilot=ControlPilot.B)
    station.connect()
    station.feed(AvailabilityChanged(False))
    assert station.session.authorized is False


def test_the_same_token_again_is_authorised_once(station: Any) -> None:
    station.present()
    station.answer()
    station.present()
    assert len(station.asked()) == 1
    station.see(pilot=ControlPilot.B)
    assert len(station.begins()) == 1


def test_nothing_begins_that_cannot_be_counted(station: Any) -> None:
    station.see(pilot=ControlPilot.B, meter=False)
    station.present()
    station.answer()
    assert station.begins() == []
    station.see(meter=True)
    assert len(station.begins()) == 1


def test_an_old_meter_reading_begins_nothing(station: Any) -> None:
    station.see(pilot=ControlPilot.B)
    station.wait(2.5)
    station.present()
    station.answer()
    assert station.begins() == []


def test_nothing_begins_where_the_connector_is_inoperative(station: Any) -> None:
    station.feed(StartTransaction(EVSE, REMOTE_TOKEN, 42, authorize=False))
    station.feed(AvailabilityChanged(False))
    station.see(pilot=ControlPilot.B)
    assert station.begins() == []
    station.present()
    assert "out of operation" in station.session.view.refusal.reason
    station.feed(AvailabilityChanged(True))
    assert len(station.begins()) == 1


# -- ending -----------------------------------------------------------------------------------------------------------


def test_the_same_token_stops(station: Any) -> None:
    station.transferring()
    outputs = station.present()
    assert station.of(EndTransaction, outputs) == []  # not before power is off
    assert station.session.stop_requested
    assert station.session.authorized is False
    station.see(stage=Stage.RAMP_DOWN)
    assert station.ends() == []
    station.see(stage=Stage.OFF)
    token = IdToken("04A1B2C3", IdTokenType.ISO14443)
    assert station.ends() == [EndTransaction(TriggerReason.STOP_AUTHORIZED, StopReason.LOCAL, token)]


@pytest.mark.parametrize(
    ("trigger", "reason"),
    [
        (TriggerReason.REMOTE_STOP, StopReason.REMOTE),
        (TriggerReason.DEAUTHORIZED, StopReason.DEAUTHORIZED),
        (TriggerReason.ENERGY_LIMIT_REACHED, StopReason.ENERGY_LIMIT_REACHED),
    ],
)
def test_a_stop_from_above_keeps_its_reason(station: Any, trigger: TriggerReason, reason: StopReason) -> None:
    station.transferring()
    station.feed(StopTransaction(TransactionId("tx-9"), trigger, reason))  # another's
    assert station.session.view.stop is None
    station.feed(StopTransaction(TransactionId("tx-1"), trigger, reason))
    station.see(stage=Stage.OFF)
    assert station.ends() == [EndTransaction(trigger, reason, None)]


def test_a_reset_stops_with_its_reason(station: Any) -> None:
    station.transferring()
    station.feed(StopOrdered(StopReason.IMMEDIATE_RESET, TriggerReason.RESET_COMMAND))
    station.see(stage=Stage.OFF)
    assert station.ends() == [EndTransaction(TriggerReason.RESET_COMMAND, StopReason.IMMEDIATE_RESET, None)]


@pytest.mark.parametrize(
    ("end", "trigger", "reason"),
    [
        (SessionEnd.TERMINATED, TriggerReason.STOP_AUTHORIZED, StopReason.STOPPED_BY_EV),
        (SessionEnd.TIMEOUT, TriggerReason.EV_COMMUNICATION_LOST, StopReason.OTHER),
        (SessionEnd.CONNECTION_LOST, TriggerReason.EV_COMMUNICATION_LOST, StopReason.OTHER),
        (SessionEnd.PROTOCOL_ERROR, TriggerReason.EV_COMMUNICATION_LOST, StopReason.OTHER),
        (SessionEnd.STOPPED_BY_STATION, TriggerReason.ABNORMAL_CONDITION, StopReason.OTHER),
    ],
)
def test_the_cars_end_is_the_reason(station: Any, end: SessionEnd, trigger: TriggerReason, reason: StopReason) -> None:
    station.transferring()
    station.car_ends(end)
    assert station.order().phase is Phase.OFF
    assert station.order().lock  # until power is off
    station.see(stage=Stage.OFF)
    assert station.ends() == [EndTransaction(trigger, reason, None)]
    assert not station.order().lock


@pytest.mark.parametrize("end", [SessionEnd.CONNECTION_LOST, SessionEnd.TIMEOUT, SessionEnd.PROTOCOL_ERROR])
def test_a_car_that_lost_its_connection_before_power_may_come_again(station: Any, end: SessionEnd) -> None:
    station.begun()
    station.car_ends(end)
    station.wait(5)
    assert station.ends() == []
    assert station.session.authorized is True


def test_unplugging_ends(station: Any) -> None:
    station.begun()
    station.see(pilot=ControlPilot.A)
    assert station.ends() == [EndTransaction(TriggerReason.EV_COMMUNICATION_LOST, StopReason.EV_DISCONNECTED, None)]
    assert station.session.view.permission is Permission.NONE


@pytest.mark.parametrize("between", [ControlPilot.E, ControlPilot.UNKNOWN, ControlPilot.F])
def test_unplugging_is_seen_through_an_unclear_pilot(station: Any, between: ControlPilot) -> None:
    station.begun()
    station.see(pilot=between)
    assert station.ends() == []
    station.see(pilot=ControlPilot.A)
    assert [e.reason for e in station.ends()] == [StopReason.EV_DISCONNECTED]


@pytest.mark.parametrize("between", [ControlPilot.E, ControlPilot.UNKNOWN])
def test_an_unclear_pilot_is_no_new_plug_in(station: Any, between: ControlPilot) -> None:
    station.see(pilot=ControlPilot.B)
    station.see(pilot=between)
    outputs = station.see(pilot=ControlPilot.B)
    assert [o.text for o in station.of(WriteLog, outputs)] == []


def test_unplugging_is_seen_when_the_power_process_returns(station: Any) -> None:
    station.see(pilot=ControlPilot.B)
    station.present()
    station.feed(PowerProcessLost())
    station.see(pilot=ControlPilot.A)
    station.answer()
    station.see(pilot=ControlPilot.B)
    assert station.begins() == []  # the token was forgotten with the plug


SEVERE = [code for code in FaultCode if CATALOGUE[code].severity not in (Severity.WARNING, Severity.DERATE)]
REASONS = {
    FaultCode.EMERGENCY_STOP: StopReason.EMERGENCY_STOP,
    FaultCode.INSULATION: StopReason.GROUND_FAULT,
    FaultCode.RCD: StopReason.GROUND_FAULT,
    FaultCode.OVER_CURRENT: StopReason.OVERCURRENT_FAULT,
    FaultCode.CURRENT_EXCEEDED: StopReason.OVERCURRENT_FAULT,
    FaultCode.OVER_VOLTAGE: StopReason.POWER_QUALITY,
    FaultCode.OVER_VOLTAGE_EMERGENCY: StopReason.POWER_QUALITY,
    FaultCode.VOLTAGE_TO_EARTH: StopReason.GROUND_FAULT,
    FaultCode.SHORT_CIRCUIT: StopReason.OVERCURRENT_FAULT,
    FaultCode.CHECK_OVER_CURRENT: StopReason.OVERCURRENT_FAULT,
    FaultCode.GRID_TRIP: StopReason.POWER_LOSS,
    FaultCode.PHASE_LOSS: StopReason.POWER_LOSS,
    FaultCode.GRID_VOLTAGE: StopReason.POWER_QUALITY,
    FaultCode.GRID_FREQUENCY: StopReason.POWER_QUALITY,
    FaultCode.ISLANDING: StopReason.POWER_LOSS,
}


@pytest.mark.parametrize("code", SEVERE, ids=lambda code: code.name)
@pytest.mark.parametrize("event_first", [True, False])
def test_every_fault_stops_with_its_reason(station: Any, code: FaultCode, event_first: bool) -> None:
    station.transferring()
    if event_first:
        station.feed(InterlockTripped(EVSE, code, station.t, "detail"))
    station.see(faults=frozenset({code}))
    assert station.order().phase is Phase.OFF  # forbidden: nothing is asked of the stage
    station.see(stage=Stage.FAULTED)
    (end,) = station.ends()
    assert end.reason is REASONS.get(code, StopReason.OTHER)
    assert end.trigger is TriggerReason.ABNORMAL_CONDITION
    assert station.session.view.status is ConnectorStatus.FAULTED


@pytest.mark.parametrize("code", [FaultCode.CABLE_CHECK, FaultCode.INSULATION])
def test_a_failed_cable_check_holds_for_this_plug_in(station: Any, code: FaultCode) -> None:
    station.begun()
    station.feed(InterlockTripped(EVSE, code, station.t, "80 kohm"))
    assert station.session.view.cable_check_failed
    station.see(pilot=ControlPilot.UNKNOWN)
    assert station.session.view.cable_check_failed
    station.see(pilot=ControlPilot.A)
    station.see(pilot=ControlPilot.B)
    assert not station.session.view.cable_check_failed


def test_the_first_reason_counts(station: Any) -> None:
    station.transferring()
    station.feed(InterlockTripped(EVSE, FaultCode.EMERGENCY_STOP, station.t, "pressed"))
    station.present()
    station.feed(StopOrdered(StopReason.REBOOT, TriggerReason.RESET_COMMAND))
    station.see(pilot=ControlPilot.A, stage=Stage.FAULTED, faults=frozenset({FaultCode.PILOT_LOST}))
    assert [e.reason for e in station.ends()] == [StopReason.EMERGENCY_STOP]


def test_a_lost_power_process_ends_the_transaction_when_it_stays_away(station: Any) -> None:
    station.transferring()
    station.feed(PowerProcessLost())
    assert station.order().phase is Phase.OFF
    assert station.session.view.status is ConnectorStatus.UNAVAILABLE
    station.wait(7.9)
    assert station.ends() == []  # it may come back with the final registers
    station.wait(0.3)
    assert [(e.reason, e.trigger) for e in station.ends()] == [(StopReason.OTHER, TriggerReason.ABNORMAL_CONDITION)]


def test_a_lost_power_process_that_returns_quiet_ends_at_once(station: Any) -> None:
    station.transferring()
    station.feed(PowerProcessLost())
    station.wait(1.0)
    station.see(stage=Stage.OFF)
    assert len(station.ends()) == 1


def test_a_power_process_that_returns_before_its_meter_was_read_is_waited_for(station: Any) -> None:
    station.transferring()
    station.feed(PowerProcessLost())
    station.wait(1.0)
    station.see(stage=Stage.OFF, meter=False)
    assert station.ends() == []  # the registers to bill by are not there yet
    station.wait(0.5)
    station.see(meter=True)
    assert len(station.ends()) == 1


def test_a_meter_that_stays_silent_does_not_hold_the_end_for_ever(station: Any) -> None:
    station.transferring()
    station.feed(PowerProcessLost())
    station.see(stage=Stage.OFF, meter=False)
    station.wait(8.2)
    assert len(station.ends()) == 1


def test_a_stage_that_never_gets_quiet_is_given_up_on(station: Any) -> None:
    station.transferring()
    station.present()
    station.wait(27.9)
    assert station.ends() == []
    station.wait(0.3)
    assert len(station.ends()) == 1


def test_the_car_has_20_s_to_end_then_power_is_withdrawn(station: Any) -> None:
    station.transferring()
    station.present()
    station.wait(19.8)
    station.asks(Phase.TRANSFER)
    assert (station.order().phase, station.order().power_W) == (Phase.TRANSFER, 0.0)
    station.wait(0.4)
    station.asks(Phase.TRANSFER)
    assert station.order().phase is Phase.OFF


def test_a_car_that_goes_on_after_its_transaction_is_told_to_stop(station: Any) -> None:
    station.transferring()
    station.present()
    station.see(stage=Stage.OFF)
    assert len(station.ends()) == 1
    station.asks(Phase.TRANSFER)
    assert station.session.stop_requested
    assert station.order().phase is Phase.OFF
    station.asks(Phase.OFF)
    assert not station.session.stop_requested


# -- again and again --------------------------------------------------------------------------------------------------


def test_a_second_session_in_the_same_plug_in_needs_a_new_token(station: Any) -> None:
    station.transferring()
    station.car_ends()
    station.see(stage=Stage.OFF, pilot=ControlPilot.B)
    station.wait(5)
    assert station.order().pilot is PilotCommand.X1
    station.see()
    assert len(station.begins()) == 1
    station.present("04FFFFFF")
    station.answer(value="04FFFFFF")
    assert len(station.begins()) == 2
    assert station.order().pilot is PilotCommand.X1  # the car is called back
    station.live(3.1)
    assert station.order().pilot is PilotCommand.PWM
    station.connect()
    assert station.session.authorized is True
    station.asks(Phase.CABLE_CHECK)
    assert station.order().phase is Phase.CABLE_CHECK


def test_plugging_in_again_needs_no_restart(station: Any) -> None:
    station.transferring()
    station.car_ends()
    station.see(stage=Stage.OFF, pilot=ControlPilot.A)
    for _ in range(3):
        station.see(pilot=ControlPilot.B)
        assert station.order().pilot is PilotCommand.PWM
        station.present()
        station.answer()
        station.car_ends()
        station.see(pilot=ControlPilot.A)
    assert len(station.begins()) == len(station.ends()) == 4


def test_charging_states_follow_the_stage(station: Any) -> None:
    station.transferring()
    station.see(target_W=0.0)
    station.see(target_W=-5000.0)
    station.see(target_W=0.0)
    station.asks(
        Phase.TRANSFER,
        limits=replace(station.session.view.car.limits, charge_power_max_W=0.0, discharge_power_max_W=0.0),
    )
    station.see(stage=Stage.PRE_CHARGED, target_W=0.0)
    states = [o.charging_state for o in station.of(UpdateTransaction)]
    assert states == [
        ChargingState.CHARGING,
        ChargingState.SUSPENDED_EVSE,
        ChargingState.CHARGING,
        ChargingState.SUSPENDED_EVSE,
        ChargingState.SUSPENDED_EV,
        ChargingState.EV_CONNECTED,
    ]


def test_status_in_the_words_of_ocpp(new_station: Callable[..., Any]) -> None:
    """G01.FR.03, FR.04."""
    station = new_station()
    station.live(0.7)
    station.see(pilot=ControlPilot.B)
    station.see(faults=frozenset({FaultCode.DOOR_OPEN}))
    station.see(faults=frozenset(), pilot=ControlPilot.A)
    station.live(0.7)
    station.feed(AvailabilityChanged(False))
    station.see(pilot=ControlPilot.B)
    station.feed(AvailabilityChanged(True))
    station.see(pilot=ControlPilot.A)
    station.feed(PowerProcessLost())
    assert station.statuses() == [
        "Available",
        "Occupied",
        "Faulted",
        "Available",
        "Unavailable",
        "Occupied",
        "Available",
        "Unavailable",
    ]


def test_a_car_that_left_is_not_shown_any_more(station: Any) -> None:
    station.see(pilot=ControlPilot.B)
    station.feed(CarConnected(EVSE, "ISO 15118-20 DC", "TLSv1.3", "fe80::1"))
    station.feed(CarIdentified(EVSE, "EVCC1", b"12345678"))
    link = station.session.view.car_link
    assert (link.protocol, link.tls, link.evcc_id, link.open) == ("ISO 15118-20 DC", "TLSv1.3", "EVCC1", True)
    station.feed(CarSessionEnded(EVSE, SessionEnd.PAUSED, "paused"))
    assert (station.session.view.car_link.evcc_id, station.session.view.car_link.open) == ("EVCC1", False)
    station.see(pilot=ControlPilot.A)
    assert station.session.view.car_link is None


# -- what a connector reports -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("through", [[ControlPilot.A], [ControlPilot.UNKNOWN, ControlPilot.A]])
def test_operative_again_with_a_car_plugged_in_reports_occupied_only(station: Any, through: list[ControlPilot]) -> None:
    """Seen: Available 15 ms before Occupied, because the pilot passes through A on its way out of F."""
    station.see(pilot=ControlPilot.B)
    station.feed(AvailabilityChanged(False))
    station.see(pilot=ControlPilot.F)
    station.feed(AvailabilityChanged(True))
    for pilot in through:
        station.t += 0.01
        station.see(pilot=pilot)
    station.t += 0.01
    station.see(pilot=ControlPilot.B)
    assert station.statuses() == ["Available", "Occupied", "Unavailable", "Occupied"]


def test_a_start_with_a_car_plugged_in_reports_occupied_only(new_station: Callable[..., Any]) -> None:
    station = new_station()
    station.see(pilot=ControlPilot.UNKNOWN, faults=frozenset({FaultCode.PILOT_BOARD_COMMUNICATION}))
    station.live(0.3)
    station.see(pilot=ControlPilot.F, faults=frozenset())
    station.live(0.1)
    station.see(pilot=ControlPilot.A)
    station.t += 0.02
    station.see(pilot=ControlPilot.B)
    assert station.statuses() == ["Occupied"]


def test_a_fault_that_stays_after_the_start_is_reported(new_station: Callable[..., Any]) -> None:
    station = new_station()
    station.see(faults=frozenset({FaultCode.METER_COMMUNICATION}))
    station.live(3.2)
    assert station.statuses() == ["Faulted"]


def test_an_emergency_stop_at_the_start_is_reported_at_once(new_station: Callable[..., Any]) -> None:
    station = new_station()
    station.see(faults=frozenset({FaultCode.EMERGENCY_STOP}))
    assert station.statuses() == ["Faulted"]


# -- calling a car back -----------------------------------------------------------------------------------------------


def pilots(station: Any, seconds: float) -> list[PilotCommand]:
    """What the pilot is told to show, each change once."""
    shown = [station.order().pilot]
    for _ in range(round(seconds * 10)):
        station.live(0.1)
        if station.order().pilot is not shown[-1]:
            shown.append(station.order().pilot)
    return shown


def test_a_wrong_card_then_the_right_one_calls_the_car_back(station: Any) -> None:
    """Seen: a transaction at EVConnected that never charged, 2 of 2. C08.FR.02."""
    station.see(pilot=ControlPilot.B)
    station.connect()
    station.present("04FFFFFF")
    station.answer(AuthorizationStatus.UNKNOWN, "04FFFFFF")
    assert station.session.authorized is False
    station.car_ends(SessionEnd.STOPPED_BY_STATION)
    station.live(5)
    station.present()
    station.answer()
    assert len(station.begins()) == 1
    assert pilots(station, 4) == [PilotCommand.X1, PilotCommand.PWM]
    station.connect()
    assert station.session.authorized is True
    station.asks(Phase.CABLE_CHECK)
    assert station.order().phase is Phase.CABLE_CHECK
    assert pilots(station, 60) == [PilotCommand.PWM]


def test_a_car_left_plugged_in_over_a_restart_is_called_when_it_stays_silent(new_station: Callable[..., Any]) -> None:
    station = new_station()
    station.see(pilot=ControlPilot.B)
    station.present()
    station.answer()
    assert pilots(station, 39) == [PilotCommand.PWM]  # it may still be at SLAC
    assert pilots(station, 6) == [PilotCommand.PWM, PilotCommand.X1, PilotCommand.PWM]


def test_a_car_that_does_not_answer_is_called_three_times(station: Any) -> None:
    station.begun()
    station.car_ends(SessionEnd.TIMEOUT)
    assert pilots(station, 200).count(PilotCommand.X1) == 3
    lines = [o.text for o in station.of(WriteLog) if "calls" in o.text]
    assert lines == ["the car did not answer 3 calls: unplug it and plug it in again"]


def test_a_car_in_state_c_is_not_called(station: Any) -> None:
    station.begun()
    station.see(pilot=ControlPilot.C)
    station.car_ends(SessionEnd.TIMEOUT)
    assert pilots(station, 60) == [PilotCommand.PWM]


def test_unplugging_ends_the_calling(station: Any) -> None:
    station.begun()
    station.car_ends(SessionEnd.TIMEOUT)
    station.live(1)
    assert station.order().pilot is PilotCommand.X1
    station.see(pilot=ControlPilot.A)
    assert [e.reason for e in station.ends()] == [StopReason.EV_DISCONNECTED]
    station.see(pilot=ControlPilot.B)
    assert station.order().pilot is PilotCommand.PWM
