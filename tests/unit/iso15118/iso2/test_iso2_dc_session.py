"""A DC session of ISO 15118-2 from the first message to the last, and what the station says of itself at each step."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.iso15118_2 import (
    ChargeProgress,
    DC_EVSEStatusCode,
    EnergyTransferMode,
    EVSENotification,
    EVSEProcessing,
    IsolationLevel,
    PaymentOption,
    ResponseCode,
)
from chargepoint.iso15118.physical_value import number
from chargepoint.model.car import (
    AuthorizationWanted,
    CarConnected,
    CarIdentified,
    CarRemark,
    CarSessionEnded,
    ControlMode,
    EnergyService,
    ScheduleOffered,
    ServiceSelected,
    SessionEnd,
)
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage
from chargepoint.model.limits import Interval
from tests.unit.iso15118.car_on_connection import SESSION_ID
from tests.unit.iso15118.iso2.car import BEFORE, DC_CAN, Iso2Car


def whole_session() -> tuple[Iso2Car, dict[Iso2State, list[Any]]]:
    car = Iso2Car()
    car.agree()
    answers = {state: car.step(state) for state in BEFORE[False]}
    answers[Iso2State.SESSION_STOP] = [car.ask(car.session_stop())]
    return car, answers


def test_a_session_goes_from_its_setup_to_its_stop() -> None:
    car, answers = whole_session()
    (setup,) = answers[Iso2State.SESSION_SETUP]
    assert setup.ResponseCode is ResponseCode.OK_NewSessionEstablished
    assert setup.EVSEID == "DE*OCP*E1"
    assert car.heard_id == SESSION_ID
    (discovered,) = answers[Iso2State.SERVICE_DISCOVERY]
    assert discovered.PaymentOptionList.PaymentOption == (PaymentOption.ExternalPayment,)
    assert discovered.ChargeService.ServiceID == 1
    assert discovered.ChargeService.ServiceCategory is iso2.ServiceCategory.EVCharging
    modes = discovered.ChargeService.SupportedEnergyTransferMode.EnergyTransferMode
    assert modes[0] is EnergyTransferMode.DC_extended
    assert discovered.ServiceList is None
    (parameters,) = answers[Iso2State.CHARGE_PARAMETER_DISCOVERY]
    ours = parameters.EVSEChargeParameter
    assert number(ours.EVSEMaximumCurrentLimit) == DC_CAN.charge_current_max_A
    assert number(ours.EVSEMaximumPowerLimit) == DC_CAN.charge_power_max_W
    assert number(ours.EVSEMaximumVoltageLimit) == DC_CAN.voltage_max_V
    assert number(ours.EVSEMinimumVoltageLimit) == DC_CAN.voltage_min_V
    assert [a.EVSEProcessing for a in answers[Iso2State.CABLE_CHECK]] == [
        EVSEProcessing.Ongoing,
        EVSEProcessing.Finished,
    ]
    assert number(answers[Iso2State.PRE_CHARGE][-1].EVSEPresentVoltage) == 399
    *loops, stopped = answers[Iso2State.CHARGE_LOOP]
    assert [(loop.EVSEID, loop.SAScheduleTupleID, loop.ReceiptRequired) for loop in loops] == [
        ("DE*OCP*E1", 1, False)
    ] * 3
    assert number(loops[0].EVSEPresentVoltage) == 400
    assert number(loops[0].EVSEMaximumPowerLimit) == DC_CAN.charge_power_max_W
    assert stopped.ResponseCode is ResponseCode.OK
    assert answers[Iso2State.SESSION_STOP][0].ResponseCode is ResponseCode.OK
    assert car.state is Iso2State.ENDED
    assert car.secc.ended


def test_what_the_station_learns() -> None:
    car, _ = whole_session()
    assert car.learned(CarConnected)[0].protocol == "ISO 15118-2"
    (identified,) = car.learned(CarIdentified)
    assert (identified.evcc_id, identified.session_id, identified.joined) == ("3E89F8859407", SESSION_ID, False)
    assert len(car.learned(AuthorizationWanted)) == 1
    (selected,) = car.learned(ServiceSelected)
    assert (selected.service, selected.control_mode) == (EnergyService.DC, ControlMode.SCHEDULED)
    assert len(car.learned(ScheduleOffered)) == 1
    phases: list[Phase] = []
    for demand in car.demands():
        if not phases or phases[-1] is not demand.phase:
            phases.append(demand.phase)
    assert phases == [Phase.OFF, Phase.CABLE_CHECK, Phase.PRE_CHARGE, Phase.TRANSFER, Phase.OFF]
    loop = next(d for d in reversed(car.demands()) if d.phase is Phase.TRANSFER)
    assert (loop.target_current_A, loop.target_voltage_V) == (20.0, 420.0)
    assert loop.energy.soc_percent == 40.0
    assert loop.good_for_s == 0.5
    assert car.learned(CarSessionEnded)[-1].end is SessionEnd.TERMINATED


def status_of(answer: Any) -> iso2.DC_EVSEStatus:
    found = getattr(answer, "DC_EVSEStatus", None) or getattr(answer, "EVSEStatus", None)
    if found is None:
        found = answer.EVSEChargeParameter.DC_EVSEStatus
    assert isinstance(found, iso2.DC_EVSEStatus)
    return found


def test_isolation_and_status_code_by_step() -> None:
    _, answers = whole_session()
    seen = {
        state: [(status_of(a).EVSEIsolationStatus, status_of(a).EVSEStatusCode) for a in answers[state]]
        for state in (
            Iso2State.CHARGE_PARAMETER_DISCOVERY,
            Iso2State.CABLE_CHECK,
            Iso2State.PRE_CHARGE,
            Iso2State.POWER_DELIVERY,
            Iso2State.CHARGE_LOOP,
            Iso2State.WELDING_DETECTION,
        )
    }
    ready, shutdown = DC_EVSEStatusCode.EVSE_Ready, DC_EVSEStatusCode.EVSE_Shutdown
    invalid, valid = IsolationLevel.Invalid, IsolationLevel.Valid
    assert seen == {
        Iso2State.CHARGE_PARAMETER_DISCOVERY: [(invalid, ready)],
        Iso2State.CABLE_CHECK: [(invalid, ready), (valid, ready)],
        Iso2State.PRE_CHARGE: [(valid, ready)] * 2,
        Iso2State.POWER_DELIVERY: [(valid, ready)],
        Iso2State.CHARGE_LOOP: [(valid, ready)] * 3 + [(valid, shutdown)],
        Iso2State.WELDING_DETECTION: [(valid, shutdown)],
    }
    everyone = [status_of(a) for state in seen for a in answers[state]]
    assert {status.EVSENotification for status in everyone} == {EVSENotification.None_}


def test_a_car_may_leave_welding_detection_out() -> None:
    car = Iso2Car().reach(Iso2State.WELDING_DETECTION)
    assert car.ask(car.session_stop()).ResponseCode is ResponseCode.OK
    assert car.secc.ended


def test_welding_detection_shows_the_measured_voltage_each_time() -> None:
    car = Iso2Car().reach(Iso2State.WELDING_DETECTION)
    seen = []
    for voltage_V in (300.0, 60.0, 5.0):
        car.see(voltage_V=voltage_V)
        seen.append(number(car.ask(car.request(Iso2State.WELDING_DETECTION)).EVSEPresentVoltage))
    assert seen == [300.0, 60.0, 5.0]


def test_the_loop_shows_what_may_flow_now_and_which_limit_is_reached() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    car.see(limits_W=Interval(0.0, 5_000.0), current_A=12.5, voltage_V=400.0)
    loop = car.loop()
    assert number(loop.EVSEMaximumPowerLimit) == 5_000
    assert loop.EVSEPowerLimitAchieved is True
    assert loop.EVSECurrentLimitAchieved is False
    assert loop.EVSEVoltageLimitAchieved is False
    assert number(loop.EVSEPresentCurrent) == 12.5


def test_a_car_silent_in_the_loop_gets_no_power_soon_and_no_voltage_after_ten_seconds() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    car.loop()
    assert car.demands()[-1].good_for_s == 0.5
    car.wait(9.5)
    assert not car.secc.ended
    car.wait(1.0)
    assert car.secc.ended
    assert car.learned(CarSessionEnded)[-1].end is SessionEnd.TIMEOUT


def test_external_means_wait_and_then_go_on() -> None:
    car = Iso2Car()
    car.see(authorized=None)
    car.reach(Iso2State.AUTHORIZATION)
    waiting = car.ask(iso2.AuthorizationReq())
    assert waiting.ResponseCode is ResponseCode.OK
    assert waiting.EVSEProcessing is EVSEProcessing.Ongoing_WaitingForCustomerInteraction
    assert car.state is Iso2State.AUTHORIZATION
    car.see(authorized=True)
    assert car.ask(iso2.AuthorizationReq()).EVSEProcessing is EVSEProcessing.Finished
    assert car.state is Iso2State.CHARGE_PARAMETER_DISCOVERY


def test_a_refused_card_leaves_the_connection_to_the_car_and_one_line_in_the_log() -> None:
    car = Iso2Car()
    car.see(authorized=False)
    car.reach(Iso2State.AUTHORIZATION)
    for _ in range(3):
        answer = car.ask(iso2.AuthorizationReq())
        assert (answer.ResponseCode, answer.EVSEProcessing) == (ResponseCode.FAILED, EVSEProcessing.Finished)
    assert len(car.learned(CarRemark)) == 1
    assert car.ask(car.session_stop()).ResponseCode is ResponseCode.OK
    assert car.learned(CarSessionEnded)[-1].end is SessionEnd.TERMINATED


def test_nobody_who_shows_a_card_in_five_minutes_is_a_refusal() -> None:
    car = Iso2Car()
    car.see(authorized=None)
    car.reach(Iso2State.AUTHORIZATION)
    car.ask(iso2.AuthorizationReq())
    for _ in range(6):
        car.wait(50.0)
        answer = car.ask(iso2.AuthorizationReq())
    assert answer.ResponseCode is ResponseCode.FAILED
    assert "no card and no start order within 300 s" in car.learned(CarRemark)[-1].text


@pytest.mark.parametrize("stage", [Stage.TRANSFER, Stage.RAMP_DOWN])
def test_a_stop_awaits_the_end_of_the_current(stage: Stage) -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    car.see(stage=stage, current_A=20.0)
    assert car.send(car.power_delivery(ChargeProgress.Stop)) == []
    assert car.demands()[-1].phase is Phase.OFF
    (answer,) = car.see(stage=Stage.OPENING, current_A=0.0)
    assert answer.ResponseCode is ResponseCode.OK
