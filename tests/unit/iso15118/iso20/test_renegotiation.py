"""Schedule and service renegotiation, standby, metering confirmation and parking status: over the whole conversation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.common_types import EvseNotification, ResponseCode
from chargepoint.iso15118.rational import rational
from chargepoint.model.car import (
    ControlMode,
    QuestionAsked,
    ScheduleOffered,
    ServiceSelected,
    SessionEnd,
    WishFollowed,
)
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage
from chargepoint.model.station_view import Wish
from tests.unit.iso15118.iso20.conftest import ScriptedCar

NewCar = Callable[..., ScriptedCar]
MODES = pytest.mark.parametrize("mode", list(ControlMode))


def followed(car: ScriptedCar) -> list[Wish]:
    return [e.wish for e in car.events if isinstance(e, WishFollowed)]


@MODES
def test_a_new_schedule_is_made_while_power_flows_on(new_car: NewCar, mode: ControlMode) -> None:
    car = new_car(mode).reach(State.CHARGE_LOOP)
    car.wish(Wish.SCHEDULE_RENEGOTIATION, 10.0)
    assert car.ask(car.charge_loop()).EVSEStatus.EVSENotification is EvseNotification.ScheduleRenegotiation
    assert car.ask(car.power_delivery(cm.ChargeProgress.ScheduleRenegotiation)).ResponseCode is ResponseCode.OK
    assert followed(car) == [Wish.SCHEDULE_RENEGOTIATION]
    car.wish(None)
    demand = car.demands()[-1]
    assert (demand.phase, demand.good_for_s) == (Phase.TRANSFER, 10.0)
    car.foreseen = (PowerPiece(86_400.0, 9_000.0, 0.0),)
    assert car.ask(car.schedule_exchange()).ResponseCode is ResponseCode.OK
    assert car.secc.session.state is State.POWER_DELIVERY
    assert car.ask(car.power_delivery(profile_W=(9_000,))).ResponseCode is ResponseCode.OK
    assert car.secc.session.state is State.CHARGE_LOOP
    assert car.ask(car.charge_loop()).ResponseCode is ResponseCode.OK
    assert {d.phase for d in car.demands()[-4:]} == {Phase.TRANSFER}


def test_each_schedule_is_asked_for_anew(new_car: NewCar) -> None:
    car = new_car(ControlMode.SCHEDULED).reach(State.CHARGE_LOOP)
    for power_W in (9_000.0, 6_000.0, 12_000.0):
        car.ask(car.power_delivery(cm.ChargeProgress.ScheduleRenegotiation))
        car.foreseen = (PowerPiece(86_400.0, power_W, 0.0),)
        car.ask(car.schedule_exchange())
        car.ask(car.power_delivery(profile_W=(power_W,)))
    offers = [e.offer.pieces[0].charge_W for e in car.events if isinstance(e, ScheduleOffered)]
    assert offers == [22_000.0, 9_000.0, 6_000.0, 12_000.0]
    assert len([e for e in car.events if isinstance(e, QuestionAsked)]) == 4


def test_a_renegotiating_car_does_not_go_back_to_pre_charge(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.ask(car.power_delivery(cm.ChargeProgress.ScheduleRenegotiation))
    car.ask(car.schedule_exchange())
    assert car.ask(car.pre_charge()).ResponseCode is ResponseCode.FAILED_SequenceError


def test_a_car_silent_in_its_renegotiation_is_taken_off_voltage(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.ask(car.power_delivery(cm.ChargeProgress.ScheduleRenegotiation))
    car.wait(10.1)
    assert car.events[-1].end is SessionEnd.TIMEOUT
    assert "on_voltage_timeout_s" in car.events[-1].detail


def test_a_stop_in_the_middle_of_a_renegotiation_stops(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.ask(car.power_delivery(cm.ChargeProgress.ScheduleRenegotiation))
    car.ask(car.schedule_exchange())
    car.send(car.power_delivery(cm.ChargeProgress.Stop))
    (answer,) = car.see(stage=Stage.OFF)
    assert answer.ResponseCode is ResponseCode.OK
    assert car.secc.session.state is State.WELDING_DETECTION


def test_a_schedule_that_nobody_makes_is_ongoing_and_then_refused(new_car: NewCar) -> None:
    car = new_car(ControlMode.SCHEDULED)
    car.answers_questions = False
    car.reach(State.SCHEDULE_EXCHANGE)
    began_s = car.t
    codes = []
    while not car.secc.ended:
        answer = car.ask(car.schedule_exchange())
        codes.append((answer.ResponseCode, answer.EVSEProcessing))
        assert answer.Scheduled_SEResControlMode is not None
    assert codes[0][1].value == "Ongoing"
    assert codes[-1][0] is ResponseCode.FAILED
    assert 54.0 < car.t - began_s < 57.0


def test_the_schedule_has_no_more_entries_than_the_car_can_take(new_car: NewCar) -> None:
    car = new_car(ControlMode.SCHEDULED).reach(State.SCHEDULE_EXCHANGE)
    car.foreseen = tuple(PowerPiece(60.0, 1_000.0 + n, 500.0 + n) for n in range(120))
    request = car.schedule_exchange()
    answer = car.ask(
        type(request)(**{**{f: getattr(request, f) for f in request.__slots__}, "MaximumSupportingPoints": 12})
    )
    (offered,) = answer.Scheduled_SEResControlMode.ScheduleTuple
    entries = offered.ChargingSchedule.PowerSchedule.PowerScheduleEntries.PowerScheduleEntry
    assert len(entries) == 12
    assert sum(e.Duration for e in entries) == 7200


# -- services ------------------------------------------------------------------------------------------------------------


def test_other_services_on_the_same_connection_and_session(new_car: NewCar) -> None:
    car = new_car(ControlMode.SCHEDULED).reach(State.CHARGE_LOOP)
    car.wish(Wish.SERVICE_RENEGOTIATION, 10.0)
    assert car.ask(car.charge_loop()).EVSEStatus.EVSENotification is EvseNotification.ServiceRenegotiation
    car.step(State.CHARGE_LOOP)
    stop = cm.SessionStopReq(Header=car.header(), ChargingSession=cm.ChargingSession.ServiceRenegotiation)
    assert car.ask(stop).ResponseCode is ResponseCode.OK
    assert not car.secc.ended
    assert followed(car) == [Wish.SERVICE_RENEGOTIATION]
    assert car.secc.session.state is State.SERVICE_DISCOVERY
    car.mode, car.parameter_set = ControlMode.DYNAMIC, 1
    car.see(stage=Stage.OFF)
    for state in (
        State.SERVICE_DISCOVERY,
        State.SERVICE_DETAIL,
        State.SERVICE_SELECTION,
        State.CHARGE_PARAMETER_DISCOVERY,
        State.SCHEDULE_EXCHANGE,
        State.CABLE_CHECK,
        State.PRE_CHARGE,
        State.POWER_DELIVERY,
    ):
        car.step(state)
    assert car.ask(car.charge_loop()).ResponseCode is ResponseCode.OK
    modes = [e.control_mode for e in car.events if isinstance(e, ServiceSelected)]
    assert modes == [ControlMode.SCHEDULED, ControlMode.DYNAMIC]


def test_after_renegotiation_no_demand_is_left_of_the_old_service(new_car: NewCar) -> None:
    car = new_car().reach(State.WELDING_DETECTION)
    stop = cm.SessionStopReq(Header=car.header(), ChargingSession=cm.ChargingSession.ServiceRenegotiation)
    car.ask(stop)
    session = car.secc.session
    assert (session.choice, session.limits, session.schedule) == (None, None, None)
    assert session.transfer.phase is Phase.OFF


# -- standby ---------------------------------------------------------------------------------------------------------------


@MODES
def test_a_car_rests_in_standby_and_comes_back(new_car: NewCar, mode: ControlMode) -> None:
    car = new_car(mode).reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop())
    assert car.ask(car.power_delivery(cm.ChargeProgress.Standby)).ResponseCode is ResponseCode.OK
    assert car.demands()[-1].standby
    assert car.ask(car.charge_loop()).ResponseCode is ResponseCode.OK
    assert car.demands()[-1].standby
    car.wish(Wish.EXIT_STANDBY, 60.0)
    assert car.ask(car.charge_loop()).EVSEStatus.EVSENotification is EvseNotification.ExitStandby
    assert car.ask(car.power_delivery(profile_W=(5_000,))).ResponseCode is ResponseCode.OK
    assert not car.demands()[-1].standby
    assert followed(car) == [Wish.EXIT_STANDBY]


def test_standby_ends_with_stop(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.ask(car.power_delivery(cm.ChargeProgress.Standby))
    car.send(car.power_delivery(cm.ChargeProgress.Stop))
    car.see(stage=Stage.OFF)
    assert car.secc.session.state is State.WELDING_DETECTION
    assert not car.demands()[-1].standby


# -- side streams ------------------------------------------------------------------------------------------------------------


def confirmation(car: ScriptedCar, meter: object) -> cm.MeteringConfirmationReq:
    signed = cm.SignedMeteringData(
        Id="m",
        SessionID=car.session_id,
        MeterInfo=meter,  # type: ignore[arg-type]
        Dynamic_SMDTControlMode=cm.Dynamic_SMDTControlMode(),
    )
    return cm.MeteringConfirmationReq(Header=car.header(), SignedMeteringData=signed)


def test_the_meter_reading_comes_unasked_once_then_when_asked_and_for_a_confirmation(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.see(meter_id="meter-1", meter_utc_s=1_800_001_000)
    first = car.ask(car.charge_loop())
    assert (first.MeterInfo.MeterID, first.MeterInfo.MeterTimestamp) == ("meter-1", 1_800_001_000)
    assert car.ask(car.charge_loop()).MeterInfo is None
    assert car.ask(car.charge_loop(meter=True)).MeterInfo is not None
    car.wish(Wish.METERING_CONFIRMATION, 10.0)
    asked = car.ask(car.charge_loop())
    assert asked.EVSEStatus.EVSENotification is EvseNotification.MeteringConfirmation
    assert asked.MeterInfo is not None


def test_a_confirmation_of_another_reading_is_refused(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop())
    answer = car.ask(car.request(cm.MeteringConfirmationReq))
    assert answer.ResponseCode is ResponseCode.FAILED_MeteringSignatureNotValid


def test_a_side_stream_does_not_move_the_timer_of_the_loop(new_car: NewCar) -> None:
    car = new_car(parking_status=True).reach(State.SERVICE_SELECTION)
    chosen = cm.SelectedService(ServiceID=6, ParameterSetID=1)
    parking = cm.SelectedServiceList(SelectedService=(cm.SelectedService(ServiceID=66, ParameterSetID=1),))
    request = cm.ServiceSelectionReq(Header=car.header(), SelectedEnergyTransferService=chosen, SelectedVASList=parking)
    assert car.ask(request).ResponseCode is ResponseCode.OK
    for state in (
        State.CHARGE_PARAMETER_DISCOVERY,
        State.SCHEDULE_EXCHANGE,
        State.CABLE_CHECK,
        State.PRE_CHARGE,
        State.POWER_DELIVERY,
    ):
        car.step(state)
    car.ask(car.charge_loop())
    due_s = car.secc.deadline_s
    car.t += 0.3
    (answer,) = car.send(car.request(cm.VehicleCheckInReq))
    assert answer.ResponseCode is ResponseCode.OK
    (answer,) = car.send(car.request(cm.VehicleCheckOutReq))
    assert answer.EVSECheckOutStatus is cm.EvseCheckOutStatus.Completed
    assert car.secc.deadline_s == due_s


# -- the profile -------------------------------------------------------------------------------------------------------------


def test_power_above_the_profile_is_warned_about_and_in_the_end_refused(new_car: NewCar) -> None:
    car = new_car(ControlMode.SCHEDULED, loop_timeout_s=3.0).reach(State.POWER_DELIVERY)
    car.send(car.power_delivery(profile_W=(4_000,)))
    car.see(stage=Stage.TRANSFER)
    car.see(voltage_V=400.0, current_A=30.0, power_W=12_000.0)
    codes: list[ResponseCode] = []
    while not car.secc.ended and len(codes) < 100:
        codes.append(car.ask(car.charge_loop(EVTargetCurrent=rational(30))).ResponseCode)
        car.wait(1.0)
    assert codes[:9] == [ResponseCode.OK] * 9
    assert codes[15] is ResponseCode.WARNING_EVPowerProfileViolation
    assert codes[-1] is ResponseCode.FAILED_EVPowerProfileViolation
    assert 70 <= len(codes) <= 73


def test_a_corrected_power_ends_the_warning(new_car: NewCar) -> None:
    car = new_car(ControlMode.SCHEDULED, loop_timeout_s=3.0).reach(State.POWER_DELIVERY)
    car.send(car.power_delivery(profile_W=(4_000,)))
    car.see(stage=Stage.TRANSFER)
    car.see(voltage_V=400.0, current_A=30.0, power_W=12_000.0)
    for _ in range(15):
        code = car.ask(car.charge_loop()).ResponseCode
        car.wait(1.0)
    assert code is ResponseCode.WARNING_EVPowerProfileViolation
    car.see(current_A=10.0, power_W=4_000.0)
    assert car.ask(car.charge_loop()).ResponseCode is ResponseCode.OK


def test_the_cars_word_for_people_reaches_the_demand(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    request = car.charge_loop()
    display = type(request.DisplayParameters)(
        PresentSOC=61,
        RemainingTimeToTargetSOC=1200,
        ChargingComplete=False,
        BatteryEnergyCapacity=rational(77_000),
        InletHot=True,
    )
    car.ask(
        dc.DC_ChargeLoopReq(**{**{f: getattr(request, f) for f in request.__slots__}, "DisplayParameters": display})
    )
    shown = car.demands()[-1].display
    assert (shown.to_target_soc_s, shown.charging_complete, shown.capacity_Wh, shown.inlet_hot) == (
        1200,
        False,
        77_000,
        True,
    )
    car.ask(car.charge_loop(soc=62))
    assert car.demands()[-1].display == shown
    assert car.demands()[-1].energy.soc_percent == 62
