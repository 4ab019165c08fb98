"""Whole sessions of a scripted car against the engine: every response's content, every event in its order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.common_types import EvseNotification, Processing, ResponseCode
from chargepoint.iso15118.rational import number, rational
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import (
    AuthorizationWanted,
    CarConnected,
    CarDemandChanged,
    CarIdentified,
    CarSessionEnded,
    ControlMode,
    EnergyService,
    ProfileNamed,
    QuestionAsked,
    ScheduleOffered,
    ServiceSelected,
    SessionEnd,
    WishFollowed,
)
from chargepoint.model.demand import Phase
from chargepoint.model.image import Stage
from chargepoint.model.limits import Interval
from chargepoint.model.station_view import Wish, WishForCar

if TYPE_CHECKING:
    from tests.unit.iso15118.iso20.conftest import ScriptedCar


DYNAMIC, SCHEDULED = ControlMode.DYNAMIC, ControlMode.SCHEDULED
WAYS = [(DYNAMIC, True), (SCHEDULED, True), (DYNAMIC, False), (SCHEDULED, False)]
ALL_WAYS = pytest.mark.parametrize(("mode", "bidirectional"), WAYS)
NewCar = Callable[..., "ScriptedCar"]


@ALL_WAYS
def test_a_whole_session(new_car: NewCar, order: list[State], mode: ControlMode, bidirectional: bool) -> None:
    car = new_car(mode, bidirectional)
    car.agree()
    answers = []
    for state in order:
        began_s = car.now.utc_s
        answers += (step := car.step(state))
        assert all(began_s <= answer.Header.TimeStamp <= car.now.utc_s for answer in step)
    for answer in answers:
        assert answer.Header.SessionID == car.session_id
        assert answer.ResponseCode.value.startswith("OK")
    assert car.secc.ended
    kinds = [type(e) for e in car.events if not isinstance(e, CarDemandChanged)]
    asked = [QuestionAsked, ScheduleOffered] if mode is SCHEDULED else []
    assert kinds == [
        CarConnected,
        CarIdentified,
        AuthorizationWanted,
        ServiceSelected,
        *asked,
        *([ProfileNamed] if mode is ControlMode.SCHEDULED else []),
        WishFollowed,
        CarSessionEnded,
    ]
    phases = [d.phase for d in car.demands()]
    assert sorted(set(phases)) == [Phase.OFF, Phase.CABLE_CHECK, Phase.PRE_CHARGE, Phase.TRANSFER]
    rising = phases[phases.index(Phase.CABLE_CHECK) : len(phases) - phases[::-1].index(Phase.TRANSFER)]
    assert rising == sorted(rising)
    assert phases[-1] is Phase.OFF
    service = EnergyService.DC_BPT if bidirectional else EnergyService.DC
    assert {(d.service, d.control_mode) for d in car.demands()} == {(service, mode)}
    assert next(e for e in car.events if isinstance(e, ServiceSelected)).service is service
    end = car.events[-1]
    assert (end.end, end.evse_id) == (SessionEnd.TERMINATED, 1)


def test_the_connection_and_the_car_are_told(new_car: NewCar) -> None:
    car = new_car().reach(State.SESSION_SETUP)
    (connected,) = car.events
    assert (connected.protocol, connected.tls, connected.peer) == ("ISO 15118-20 DC", None, "fe80::1")
    answer = car.step(State.SESSION_SETUP)[0]
    assert answer.ResponseCode is ResponseCode.OK_NewSessionEstablished
    assert answer.EVSEID == "DE*OCP*E1"
    identified = car.events[-1]
    assert (identified.evcc_id, identified.session_id) == ("WMIV1234567890ABCDEX", bytes.fromhex("0102030405060708"))


def test_an_old_session_is_never_joined(new_car: NewCar) -> None:
    car = new_car().reach(State.SESSION_SETUP)
    car.session_id = bytes.fromhex("ffeeddccbbaa9988")
    answer = car.ask(car.request(cm.SessionSetupReq))
    assert answer.ResponseCode is ResponseCode.OK_NewSessionEstablished
    assert answer.Header.SessionID == bytes.fromhex("0102030405060708")


def test_an_unprintable_name_does_not_reach_the_journal(new_car: NewCar) -> None:
    car = new_car().reach(State.SESSION_SETUP)
    car.ask(cm.SessionSetupReq(Header=car.header(), EVCCID="A\n\x1b[2J" + "B" * 5000))
    name = car.events[-1].evcc_id
    assert name.isprintable()
    assert len(name) == 255


# -- authorisation ----------------------------------------------------------------------------------------------------


def test_authorization_offers_eim_alone(new_car: NewCar) -> None:
    car = new_car().reach(State.AUTHORIZATION_SETUP)
    answer = car.step(State.AUTHORIZATION_SETUP)[0]
    assert answer.AuthorizationServices == (cm.Authorization.EIM,)
    assert answer.EIM_ASResAuthorizationMode is not None
    assert answer.PnC_ASResAuthorizationMode is None
    assert answer.CertificateInstallationService is False


@pytest.mark.parametrize(
    ("authorized", "code", "processing", "state"),
    [
        (None, ResponseCode.OK, Processing.Ongoing_WaitingForCustomerInteraction, State.AUTHORIZATION),
        (False, ResponseCode.WARNING_EIMAuthorizationFailure, Processing.Finished, State.AUTHORIZATION),
        (True, ResponseCode.OK, Processing.Finished, State.SERVICE_DISCOVERY),
    ],
)
def test_authorization_answers_what_the_station_decided(
    new_car: NewCar, authorized: bool | None, code: ResponseCode, processing: Processing, state: State
) -> None:
    car = new_car().reach(State.AUTHORIZATION)
    car.see(authorized=authorized)
    answer = car.ask(car.request(cm.AuthorizationReq))
    assert (answer.ResponseCode, answer.EVSEProcessing) == (code, processing)
    assert car.secc.session.state is state
    assert not car.secc.ended


def test_a_car_may_wait_for_its_driver_and_go_on(new_car: NewCar) -> None:
    car = new_car().reach(State.AUTHORIZATION)
    car.see(authorized=None)
    for _ in range(200):
        assert car.ask(car.request(cm.AuthorizationReq)).EVSEProcessing is not Processing.Finished
        car.wait(1.0)
    car.see(authorized=True)
    assert car.ask(car.request(cm.AuthorizationReq)).EVSEProcessing is Processing.Finished


def test_plug_and_charge_chosen_although_not_offered_is_a_warning(new_car: NewCar) -> None:
    car = new_car().reach(State.AUTHORIZATION)
    request = cm.AuthorizationReq(
        Header=car.header(),
        SelectedAuthorizationService=cm.Authorization.PnC,
        EIM_AReqAuthorizationMode=cm.EIM_AReqAuthorizationMode(),
    )
    answer = car.ask(request)
    assert answer.ResponseCode is ResponseCode.WARNING_AuthorizationSelectionInvalid
    assert not car.secc.ended
    assert car.ask(car.request(cm.AuthorizationReq)).ResponseCode is ResponseCode.OK


# -- services ---------------------------------------------------------------------------------------------------------


def test_services_are_offered_bidirectional_first(new_car: NewCar) -> None:
    car = new_car().reach(State.SERVICE_DISCOVERY)
    answer = car.step(State.SERVICE_DISCOVERY)[0]
    assert [s.ServiceID for s in answer.EnergyTransferServiceList.Service] == [6, 2]
    assert answer.ServiceRenegotiationSupported is True
    assert answer.VASList is None


@pytest.mark.parametrize(("supported", "offered"), [((2,), [2]), ((1, 6), [6]), ((5,), [6, 2])])
def test_services_are_narrowed_to_what_the_car_supports(
    new_car: NewCar, supported: tuple[int, ...], offered: list[int]
) -> None:
    car = new_car().reach(State.SERVICE_DISCOVERY)
    request = cm.ServiceDiscoveryReq(Header=car.header(), SupportedServiceIDs=cm.ServiceIDList(ServiceID=supported))
    answer = car.ask(request)
    assert [s.ServiceID for s in answer.EnergyTransferServiceList.Service] == offered


def test_a_station_that_cannot_discharge_offers_no_bpt(new_car: NewCar) -> None:
    car = new_car(bidirectional=False, discharge=False).reach(State.SERVICE_DISCOVERY)
    answer = car.step(State.SERVICE_DISCOVERY)[0]
    assert [s.ServiceID for s in answer.EnergyTransferServiceList.Service] == [2]
    bidirectional = new_car(discharge=False).reach(State.SERVICE_DETAIL)
    answer = bidirectional.ask(cm.ServiceDetailReq(Header=bidirectional.header(), ServiceID=6))
    assert answer.ResponseCode is ResponseCode.FAILED_ServiceIDInvalid


@pytest.mark.parametrize("bidirectional", [True, False])
def test_parameter_sets_are_complete(new_car: NewCar, bidirectional: bool) -> None:
    car = new_car(bidirectional=bidirectional).reach(State.SERVICE_DETAIL)
    answer = car.step(State.SERVICE_DETAIL)[0]
    assert answer.ServiceID == car.service_id
    sets = {
        s.ParameterSetID: {p.Name: p.intValue for p in s.Parameter} for s in answer.ServiceParameterList.ParameterSet
    }
    common = {"Connector": 2, "MobilityNeedsMode": 1, "Pricing": 0}
    if bidirectional:
        common |= {"BPTChannel": 1, "GeneratorMode": 1}  # unified channel, grid following
    dynamic = {**common, "ControlMode": 2}
    assert sets == {1: dynamic, 2: {**common, "ControlMode": 1}, 3: {**dynamic, "MobilityNeedsMode": 2}}


def test_the_first_parameter_set_is_the_preferred_mode(new_car: NewCar) -> None:
    car = new_car(modes=(SCHEDULED, DYNAMIC)).reach(State.SERVICE_DETAIL)
    first = car.step(State.SERVICE_DETAIL)[0].ServiceParameterList.ParameterSet[0]
    assert {p.Name: p.intValue for p in first.Parameter}["ControlMode"] == 1


@pytest.mark.parametrize("service", [0, 1, 5, 7, 65535])
def test_details_of_a_service_never_offered_are_refused(new_car: NewCar, service: int) -> None:
    car = new_car().reach(State.SERVICE_DETAIL)
    answer = car.ask(cm.ServiceDetailReq(Header=car.header(), ServiceID=service))
    assert answer.ResponseCode is ResponseCode.FAILED_ServiceIDInvalid
    assert answer.ServiceID == service
    assert car.secc.ended


def test_details_may_be_asked_again_before_selecting(new_car: NewCar) -> None:
    car = new_car().reach(State.SERVICE_SELECTION)
    assert car.ask(cm.ServiceDetailReq(Header=car.header(), ServiceID=2)).ResponseCode is ResponseCode.OK
    assert car.step(State.SERVICE_SELECTION)[0].ResponseCode is ResponseCode.OK


@pytest.mark.parametrize(
    ("service", "parameter_set", "code"),
    [
        (65, 1, ResponseCode.FAILED_NoEnergyTransferServiceSelected),
        (1, 1, ResponseCode.FAILED_ServiceSelectionInvalid),
        (6, 4, ResponseCode.FAILED_ServiceSelectionInvalid),
        (2, 0, ResponseCode.FAILED_ServiceSelectionInvalid),
    ],
)
def test_a_selection_that_was_not_offered_is_refused(
    new_car: NewCar, service: int, parameter_set: int, code: ResponseCode
) -> None:
    car = new_car().reach(State.SERVICE_SELECTION)
    chosen = cm.SelectedService(ServiceID=service, ParameterSetID=parameter_set)
    answer = car.ask(cm.ServiceSelectionReq(Header=car.header(), SelectedEnergyTransferService=chosen))
    assert answer.ResponseCode is code
    assert car.secc.ended
    assert not any(isinstance(e, ServiceSelected) for e in car.events)


def test_a_value_added_service_never_offered_is_refused(new_car: NewCar) -> None:
    car = new_car().reach(State.SERVICE_SELECTION)
    chosen = cm.SelectedService(ServiceID=6, ParameterSetID=1)
    extras = cm.SelectedServiceList(SelectedService=(cm.SelectedService(ServiceID=65, ParameterSetID=1),))
    request = cm.ServiceSelectionReq(Header=car.header(), SelectedEnergyTransferService=chosen, SelectedVASList=extras)
    assert car.ask(request).ResponseCode is ResponseCode.FAILED_ServiceSelectionInvalid


# -- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bidirectional", [True, False])
def test_parameters_are_exchanged(new_car: NewCar, bidirectional: bool) -> None:
    car = new_car(bidirectional=bidirectional).reach(State.CHARGE_PARAMETER_DISCOVERY)
    mode = car.step(State.CHARGE_PARAMETER_DISCOVERY)[0].DC_CPDResEnergyTransferMode
    assert number(mode.EVSEMaximumChargePower) == 22_000
    assert number(mode.EVSEMaximumChargeCurrent) == 32
    assert (number(mode.EVSEMinimumVoltage), number(mode.EVSEMaximumVoltage)) == (150, 1000)
    assert isinstance(mode, dc.BPT_DC_CPDResEnergyTransferMode) is bidirectional
    if bidirectional:
        assert number(mode.EVSEMaximumDischargePower) == -20_000
        assert number(mode.EVSEMaximumDischargeCurrent) == -30
    limits = car.demands()[-1].limits
    assert (limits.charge_power_max_W, limits.voltage_min_V, limits.voltage_max_V) == (50_000, 280, 450)
    assert limits.discharge_power_max_W == (18_000 if bidirectional else 0)
    assert car.demands()[-1].energy.target_soc_percent == 80


@pytest.mark.parametrize("bidirectional", [True, False])
def test_parameters_of_the_other_service_are_refused(new_car: NewCar, bidirectional: bool) -> None:
    car = new_car(bidirectional=bidirectional).reach(State.CHARGE_PARAMETER_DISCOVERY)
    car.bidirectional = not bidirectional
    answer = car.ask(car.charge_parameters())
    assert answer.ResponseCode is ResponseCode.FAILED_WrongChargeParameter
    mode = answer.DC_CPDResEnergyTransferMode  # paired with what the car sent: its schema expects that one
    assert isinstance(mode, dc.BPT_DC_CPDResEnergyTransferMode) is not bidirectional
    assert number(mode.EVSEMaximumChargePower) == 0
    assert car.secc.ended
    assert car.demands() == []


@pytest.mark.parametrize(("low_V", "high_V"), [(20, 149), (1001, 1200), (450, 280), (0, 0)])
def test_voltages_that_do_not_meet_are_refused(new_car: NewCar, low_V: float, high_V: float) -> None:
    car = new_car().reach(State.CHARGE_PARAMETER_DISCOVERY)
    request = car.charge_parameters(EVMinimumVoltage=rational(low_V), EVMaximumVoltage=rational(high_V))
    assert car.ask(request).ResponseCode is ResponseCode.FAILED_WrongChargeParameter
    assert car.secc.ended


@pytest.mark.parametrize("sign", [1, -1])
def test_either_sign_of_the_discharge_limits_is_a_magnitude(new_car: NewCar, sign: int) -> None:
    car = new_car().reach(State.CHARGE_PARAMETER_DISCOVERY)
    car.ask(
        car.charge_parameters(
            EVMaximumDischargePower=rational(sign * 7000), EVMaximumDischargeCurrent=rational(sign * 20)
        )
    )
    limits = car.demands()[-1].limits
    assert (limits.discharge_power_max_W, limits.discharge_current_max_A) == (7000, 20)
    for before in (State.SCHEDULE_EXCHANGE, State.CABLE_CHECK, State.PRE_CHARGE, State.POWER_DELIVERY):
        car.step(before)
    car.ask(car.charge_loop(EVMaximumDischargePower=rational(sign * 5000)))
    assert car.demands()[-1].limits.discharge_power_max_W == 5000


def test_without_a_power_stage_parameters_are_refused(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_PARAMETER_DISCOVERY)
    car.see(capabilities=None)
    assert car.ask(car.charge_parameters()).ResponseCode is ResponseCode.FAILED
    assert car.events[-1].end is SessionEnd.STOPPED_BY_STATION


# -- schedule ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("departure", "duration"), [(7200, 7200), (None, 86_400), (0, 86_400), (4294967295, 604_800)])
def test_the_schedule_holds_until_departure(new_car: NewCar, departure: int | None, duration: int) -> None:
    car = new_car(SCHEDULED).reach(State.SCHEDULE_EXCHANGE)
    answer = car.ask(car.schedule_exchange(DepartureTime=departure))
    assert answer.EVSEProcessing is Processing.Finished
    (offered,) = answer.Scheduled_SEResControlMode.ScheduleTuple
    for schedule, power_W in ((offered.ChargingSchedule, 22_000), (offered.DischargingSchedule, -18_000)):
        assert schedule.PowerSchedule.TimeAnchor == car.now.utc_s
        (entry,) = schedule.PowerSchedule.PowerScheduleEntries.PowerScheduleEntry
        assert (entry.Duration, number(entry.Power)) == (duration, power_W)
        assert schedule.PriceLevelSchedule.TimeAnchor == car.now.utc_s


def test_a_charging_car_gets_no_discharging_schedule(new_car: NewCar) -> None:
    car = new_car(SCHEDULED, bidirectional=False).reach(State.SCHEDULE_EXCHANGE)
    (offered,) = car.step(State.SCHEDULE_EXCHANGE)[0].Scheduled_SEResControlMode.ScheduleTuple
    assert offered.DischargingSchedule is None


@pytest.mark.parametrize(
    ("of_car", "of_station", "told"),
    [((30, 80), None, (30, 80)), ((90, 80), None, (80, 80)), ((None, 15), 20, (15, 15)), ((None, None), 20, (20, 80))],
)
def test_minimum_soc_is_never_above_target(
    new_car: NewCar, of_car: tuple[int | None, int | None], of_station: float | None, told: tuple[int, int]
) -> None:
    car = new_car()
    car.parameter_set = 3  # Dynamic with the station's mobility needs
    car.reach(State.SCHEDULE_EXCHANGE)
    car.see(minimum_soc_percent=of_station)
    mode = car.ask(car.schedule_exchange(MinimumSOC=of_car[0], TargetSOC=of_car[1])).Dynamic_SEResControlMode
    assert (mode.MinimumSOC, mode.TargetSOC) == told
    assert mode.DepartureTime == 7200


@pytest.mark.parametrize(("departure_s", "told"), [(1e12, 4294967295), (-5.0, 0), (60.9, 60)])
def test_a_departure_of_the_station_fits_its_field(new_car: NewCar, departure_s: float, told: int) -> None:
    car = new_car()
    car.parameter_set = 3
    car.reach(State.SCHEDULE_EXCHANGE)
    car.see(departure_s=departure_s, minimum_soc_percent=250.0)
    mode = car.ask(car.schedule_exchange(MinimumSOC=None)).Dynamic_SEResControlMode
    assert (mode.DepartureTime, mode.MinimumSOC) == (told, 80)
    for before in (State.CABLE_CHECK, State.PRE_CHARGE, State.POWER_DELIVERY):
        car.step(before)
    assert car.ask(car.charge_loop()).CLResControlMode.DepartureTime == told


@pytest.mark.parametrize("mode", [DYNAMIC, SCHEDULED])
def test_a_schedule_of_the_other_mode_is_refused(new_car: NewCar, mode: ControlMode) -> None:
    car = new_car(mode).reach(State.SCHEDULE_EXCHANGE)
    car.mode = SCHEDULED if mode is DYNAMIC else DYNAMIC
    assert car.ask(car.schedule_exchange()).ResponseCode is ResponseCode.FAILED
    assert car.secc.ended


def test_energy_requests_reach_the_demand_with_their_signs(new_car: NewCar) -> None:
    car = new_car().reach(State.CABLE_CHECK)
    demand = car.demands()[-1]
    energy = demand.energy
    assert (energy.target_Wh, energy.max_Wh, energy.min_Wh) == (30_000, 40_000, -10_000)
    assert (energy.max_v2x_Wh, energy.min_v2x_Wh) == (20_000, -5_000)
    assert energy.departure_at_s == pytest.approx(demand.at_s + 7200, abs=60)


# -- cable check and pre-charge ---------------------------------------------------------------------------------------


def test_cable_check_is_ongoing_until_the_stage_has_checked(new_car: NewCar) -> None:
    car = new_car().reach(State.CABLE_CHECK)
    car.see(stage=Stage.CABLE_CHECKED)  # left over from another session: not this one's check
    assert car.ask(car.request(dc.DC_CableCheckReq)).EVSEProcessing is Processing.Ongoing
    assert car.demands()[-1].phase is Phase.CABLE_CHECK
    car.see(stage=Stage.CABLE_CHECK)
    car.wait(9)
    assert car.ask(car.request(dc.DC_CableCheckReq)).EVSEProcessing is Processing.Ongoing
    car.see(stage=Stage.CABLE_CHECKED)
    assert car.ask(car.request(dc.DC_CableCheckReq)).EVSEProcessing is Processing.Finished
    assert car.secc.session.state is State.PRE_CHARGE


@pytest.mark.parametrize("change", [{"cable_check_failed": True}, {"permitted": False}, {"may_energise": False}])
def test_a_failed_cable_check_is_told(new_car: NewCar, change: dict[str, Any]) -> None:
    car = new_car().reach(State.CABLE_CHECK)
    car.ask(car.request(dc.DC_CableCheckReq))
    car.see(stage=Stage.FAULTED, **change)
    answer = car.ask(car.request(dc.DC_CableCheckReq))
    assert (answer.ResponseCode, answer.EVSEProcessing) == (ResponseCode.FAILED, Processing.Finished)
    assert car.secc.ended
    assert car.events[-1].end is SessionEnd.STOPPED_BY_STATION


def test_cable_check_has_a_budget_of_38_s(new_car: NewCar) -> None:
    car = new_car().reach(State.CABLE_CHECK)
    car.ask(car.request(dc.DC_CableCheckReq))
    car.see(stage=Stage.CABLE_CHECK)
    began_s = car.t
    while car.t < began_s + 35.0:
        car.wait(5.0)
        assert car.ask(car.request(dc.DC_CableCheckReq)).ResponseCode is ResponseCode.OK
    car.wait(began_s + 38.1 - car.t)
    assert car.ask(car.request(dc.DC_CableCheckReq)).ResponseCode is ResponseCode.FAILED


def test_pre_charge_ongoing_never_leads_to_power(new_car: NewCar) -> None:
    car = new_car().reach(State.PRE_CHARGE)
    for volts in (10.0, 200.0, 399.0):
        car.see(stage=Stage.PRE_CHARGED, voltage_V=volts)
        answer = car.ask(car.pre_charge(Processing.Ongoing))
        assert (answer.ResponseCode, number(answer.EVSEPresentVoltage)) == (ResponseCode.OK, volts)
    answer = car.ask(car.power_delivery())
    assert answer.ResponseCode is ResponseCode.FAILED_SequenceError
    assert Phase.TRANSFER not in [d.phase for d in car.demands()]


@pytest.mark.parametrize(("asked_V", "target_V"), [(400, 400), (20_000, 450), (-400, 400)])
def test_the_pre_charge_target_is_cut_to_the_cars_own_maximum(new_car: NewCar, asked_V: float, target_V: float) -> None:
    car = new_car().reach(State.PRE_CHARGE)
    car.ask(car.pre_charge(Processing.Ongoing, asked_V))
    demand = car.demands()[-1]
    assert (demand.phase, demand.target_voltage_V) == (Phase.PRE_CHARGE, target_V)


@pytest.mark.parametrize("change", [{"voltage_V": None}, {"permitted": False}, {"may_energise": False}])
def test_pre_charge_without_a_stage_is_refused(new_car: NewCar, change: dict[str, Any]) -> None:
    car = new_car().reach(State.PRE_CHARGE)
    car.see(**change)
    assert car.ask(car.pre_charge()).ResponseCode is ResponseCode.FAILED


# -- power delivery ---------------------------------------------------------------------------------------------------


def test_start_is_answered_once_the_stage_transfers(new_car: NewCar) -> None:
    car = new_car().reach(State.POWER_DELIVERY)
    assert car.send(car.power_delivery()) == []
    assert car.demands()[-1].phase is Phase.TRANSFER  # the stage must know before it can follow
    assert car.see(stage=Stage.PRE_CHARGED) == []
    assert car.wait(1.0) == []
    (answer,) = car.see(stage=Stage.TRANSFER)
    assert answer.ResponseCode is ResponseCode.OK
    assert car.secc.session.state is State.CHARGE_LOOP


def test_start_is_refused_when_its_time_is_up(new_car: NewCar) -> None:
    car = new_car().reach(State.POWER_DELIVERY)
    car.send(car.power_delivery())
    assert car.secc.deadline_s == pytest.approx(car.t + 1.4)
    assert car.wait(1.39) == []
    (answer,) = car.wait(0.02)
    assert answer.ResponseCode is ResponseCode.FAILED_PowerDeliveryNotApplied
    assert answer.EVSEStatus.EVSENotification is EvseNotification.Terminate
    assert car.events[-1].end is SessionEnd.STOPPED_BY_STATION


def test_start_is_refused_at_once_when_power_is_forbidden(new_car: NewCar) -> None:
    car = new_car().reach(State.POWER_DELIVERY)
    car.send(car.power_delivery())
    (answer,) = car.see(permitted=False)
    assert answer.ResponseCode is ResponseCode.FAILED_PowerDeliveryNotApplied


def test_a_car_that_is_not_ready_is_answered_and_nothing_begins(new_car: NewCar) -> None:
    car = new_car().reach(State.POWER_DELIVERY)
    for _ in range(3):
        answer = car.ask(car.power_delivery(processing=Processing.Ongoing, profile_W=None))
        assert answer.ResponseCode is ResponseCode.OK
    assert car.secc.session.state is State.POWER_DELIVERY
    assert Phase.TRANSFER not in [d.phase for d in car.demands()]


def test_power_delivery_in_the_loop_leads_nowhere_back(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    assert car.ask(car.power_delivery(processing=Processing.Ongoing)).ResponseCode is ResponseCode.OK
    assert car.secc.session.state is State.CHARGE_LOOP
    assert car.ask(car.pre_charge()).ResponseCode is ResponseCode.FAILED_SequenceError


def test_stop_is_answered_once_the_current_is_gone(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop())
    assert car.send(car.power_delivery(cm.ChargeProgress.Stop)) == []
    assert car.demands()[-1].phase is Phase.OFF
    assert car.see(stage=Stage.RAMP_DOWN) == []
    (answer,) = car.see(stage=Stage.OPENING)
    assert answer.ResponseCode is ResponseCode.OK
    assert car.secc.session.state is State.WELDING_DETECTION


def test_stop_is_answered_at_its_time_even_if_the_current_stays(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.send(car.power_delivery(cm.ChargeProgress.Stop))
    (answer,) = car.wait(1.6)
    assert answer.ResponseCode is ResponseCode.OK
    assert car.demands()[-1].phase is Phase.OFF


@pytest.mark.parametrize("progress", [cm.ChargeProgress.Start, cm.ChargeProgress.Stop])
def test_a_request_while_one_is_held_is_out_of_order(new_car: NewCar, progress: cm.ChargeProgress) -> None:
    start = progress is cm.ChargeProgress.Start
    car = new_car().reach(State.POWER_DELIVERY if start else State.CHARGE_LOOP)
    assert car.send(car.power_delivery(progress)) == []
    answer = car.ask(car.charge_loop())
    assert isinstance(answer, dc.DC_ChargeLoopRes)
    assert answer.ResponseCode is ResponseCode.FAILED_SequenceError
    assert car.see(stage=Stage.TRANSFER) == []
    assert car.secc.ended


@pytest.mark.parametrize(
    ("profile_W", "tuple_id", "code"),
    [
        ((22_000,), 2, ResponseCode.FAILED_ScheduleSelectionInvalid),
        ((22_000, 22_500), 1, ResponseCode.FAILED_EVPowerProfileInvalid),
        ((-18_700,), 1, ResponseCode.FAILED_EVPowerProfileInvalid),
    ],
)
def test_a_profile_outside_the_schedule_is_refused(
    new_car: NewCar, profile_W: tuple[float, ...], tuple_id: int, code: ResponseCode
) -> None:
    car = new_car(SCHEDULED).reach(State.POWER_DELIVERY)
    answer = car.ask(car.power_delivery(profile_W=profile_W, tuple_id=tuple_id))
    assert answer.ResponseCode is code
    assert car.events[-1].end is SessionEnd.PROTOCOL_ERROR


def test_a_profile_inside_the_schedule_is_taken(new_car: NewCar) -> None:
    car = new_car(SCHEDULED).reach(State.POWER_DELIVERY)
    assert car.send(car.power_delivery(profile_W=(22_000, 0, -18_000))) == []
    assert car.see(stage=Stage.TRANSFER)[0].ResponseCode is ResponseCode.OK


@pytest.mark.parametrize(
    ("progress", "code"),
    [
        (cm.ChargeProgress.Standby, ResponseCode.WARNING_StandbyNotAllowed),
        (cm.ChargeProgress.ScheduleRenegotiation, ResponseCode.WARNING_ScheduleRenegotiationFailed),
    ],
)
def test_standby_and_renegotiation_before_the_transfer_are_warnings(
    new_car: NewCar, progress: cm.ChargeProgress, code: ResponseCode
) -> None:
    car = new_car().reach(State.POWER_DELIVERY)
    assert car.ask(car.power_delivery(progress)).ResponseCode is code
    assert car.step(State.POWER_DELIVERY)[0].ResponseCode is ResponseCode.OK


def test_standby_is_refused_with_a_warning_where_the_station_has_none(new_car: NewCar) -> None:
    car = new_car(standby=False).reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop())
    answer = car.ask(car.power_delivery(cm.ChargeProgress.Standby))
    assert answer.ResponseCode is ResponseCode.WARNING_StandbyNotAllowed
    assert car.ask(car.charge_loop()).ResponseCode is ResponseCode.OK
    assert not car.demands()[-1].standby


# -- charge loop ------------------------------------------------------------------------------------------------------


@ALL_WAYS
def test_the_loop_tells_what_is_measured_and_what_may_flow(
    new_car: NewCar, mode: ControlMode, bidirectional: bool
) -> None:
    car = new_car(mode, bidirectional).reach(State.CHARGE_LOOP)
    car.see(voltage_V=401.5, current_A=-7.25, limits_W=Interval(-4000.0, 11_000.0))
    answer = car.ask(car.charge_loop(meter=True))
    assert (number(answer.EVSEPresentVoltage), number(answer.EVSEPresentCurrent)) == (401.5, -7.25)
    assert answer.EVSEStatus is None
    exported_Wh = 700 if bidirectional else None
    assert (answer.MeterInfo.ChargedEnergyReadingWh, answer.MeterInfo.BPT_DischargedEnergyReadingWh) == (
        5000,
        exported_Wh,
    )
    limits = answer.CLResControlMode
    assert type(limits).__name__ == type(car.control_mode(mode, bidirectional)).__name__.replace("Req", "Res")
    assert number(limits.EVSEMaximumChargePower) == 11_000
    assert number(limits.EVSEMaximumChargeCurrent) == 32
    if bidirectional:
        assert number(limits.EVSEMaximumDischargePower) == -4000
        assert number(limits.EVSEMaximumDischargeCurrent) == -30
    assert car.demands()[-1].energy.soc_percent == 55
    assert car.ask(car.charge_loop(meter=False)).MeterInfo is None


def test_limits_are_never_above_those_announced(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    capabilities = car.inputs.capabilities
    assert capabilities is not None
    better = type(capabilities)(100.0, 1500.0, 500.0, 500.0, 1e6, 1e6)  # derating ended since
    for limits_W in (Interval(-1e9, 1e9), Interval(-5.0, -1.0), Interval(0.0, 0.0), Interval(3000.0, 1e300)):
        car.see(capabilities=better, limits_W=limits_W)
        told = car.ask(car.charge_loop()).CLResControlMode
        assert 0 <= number(told.EVSEMaximumChargePower) <= 22_000
        assert -20_000 <= number(told.EVSEMaximumDischargePower) <= 0
        assert 0 <= number(told.EVSEMaximumChargeCurrent) <= 32
        assert -30 <= number(told.EVSEMaximumDischargeCurrent) <= 0
        assert number(told.EVSEMaximumVoltage) <= 1000
        assert number(told.EVSEMinimumVoltage) >= 150


def test_the_car_may_tighten_and_release_its_limits_but_not_exceed_them(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.ask(
        car.charge_loop(
            EVMaximumChargePower=rational(8000), EVMaximumVoltage=rational(420), EVMinimumVoltage=rational(300)
        )
    )
    limits = car.demands()[-1].limits
    assert (limits.charge_power_max_W, limits.voltage_max_V, limits.voltage_min_V) == (8000, 420, 300)
    car.ask(
        car.charge_loop(
            EVMaximumChargePower=rational(90_000), EVMaximumVoltage=rational(900), EVMinimumVoltage=rational(10)
        )
    )
    limits = car.demands()[-1].limits
    assert (limits.charge_power_max_W, limits.voltage_max_V, limits.voltage_min_V) == (50_000, 450, 280)


@ALL_WAYS
def test_a_loop_of_another_control_mode_is_refused(new_car: NewCar, mode: ControlMode, bidirectional: bool) -> None:
    for other_mode, other_direction in WAYS:
        if (other_mode, other_direction) == (mode, bidirectional):
            continue
        car = new_car(mode, bidirectional).reach(State.CHARGE_LOOP)
        car.see(voltage_V=402.0, current_A=9.0)
        answer = car.ask(car.charge_loop(car.control_mode(other_mode, other_direction)))
        assert answer.ResponseCode is ResponseCode.FAILED
        assert (number(answer.EVSEPresentVoltage), number(answer.EVSEPresentCurrent)) == (402, 9)
        assert car.events[-1].end is SessionEnd.PROTOCOL_ERROR


def test_a_stop_of_the_station_is_told_in_the_loop(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.wish(Wish.TERMINATE)
    answer = car.ask(car.charge_loop())
    assert answer.ResponseCode is ResponseCode.OK
    assert answer.EVSEStatus.EVSENotification is EvseNotification.Terminate
    assert answer.EVSEStatus.NotificationMaxDelay == 0


def test_a_stop_of_the_station_is_told_with_power_delivery(new_car: NewCar) -> None:
    car = new_car().reach(State.POWER_DELIVERY)
    car.send(car.power_delivery())
    (answer,) = car.see(stage=Stage.TRANSFER, wish=WishForCar(Wish.TERMINATE, 0.0))
    assert answer.EVSEStatus.EVSENotification is EvseNotification.Terminate


@ALL_WAYS
def test_an_emergency_is_told_in_the_loop(new_car: NewCar, mode: ControlMode, bidirectional: bool) -> None:
    car = new_car(mode, bidirectional).reach(State.CHARGE_LOOP)
    car.see(emergency=True, permitted=False, stage=Stage.FAULTED, voltage_V=3.5, current_A=0.0)
    answer = car.ask(car.charge_loop())
    assert answer.ResponseCode is ResponseCode.FAILED_ContactorError
    assert answer.EVSEStatus.EVSENotification is EvseNotification.Terminate
    assert number(answer.EVSEPresentVoltage) == 3.5
    assert number(answer.CLResControlMode.EVSEMaximumChargePower) == 0
    expected = type(car.control_mode(mode, bidirectional)).__name__.replace("Req", "Res")
    assert type(answer.CLResControlMode).__name__ == expected
    assert car.events[-1].end is SessionEnd.STOPPED_BY_STATION


@pytest.mark.parametrize("change", [{"voltage_V": None}, {"current_A": None}, {"capabilities": None}])
def test_a_loop_without_a_power_stage_is_refused_with_terminate(new_car: NewCar, change: dict[str, Any]) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.see(**change)
    answer = car.ask(car.charge_loop())
    assert answer.ResponseCode is ResponseCode.FAILED
    assert answer.EVSEStatus.EVSENotification is EvseNotification.Terminate
    assert car.events[-1].end is SessionEnd.STOPPED_BY_STATION


def test_a_scheduled_car_asks_for_current_and_keeps_its_last_voltage(new_car: NewCar) -> None:
    car = new_car(SCHEDULED).reach(State.CHARGE_LOOP)
    for volts, kept_V in ((410, 410), (0, 410), (-5, 410), (1e9, 450)):
        car.ask(car.charge_loop(EVTargetCurrent=rational(-12), EVTargetVoltage=rational(volts)))
        demand = car.demands()[-1]
        assert (demand.target_current_A, demand.target_voltage_V) == (-12, kept_V)


def test_the_voltage_of_the_pre_charge_bounds_nothing_in_the_loop(new_car: NewCar) -> None:
    """A Dynamic car names no target in its loop; its battery's voltage of a moment ago must not hold its current at zero."""
    car = new_car().reach(State.CHARGE_LOOP)
    assert car.demands()[-1].target_voltage_V is None
    car.ask(car.charge_loop())
    assert car.demands()[-1].target_voltage_V is None


def test_display_parameters_are_kept_when_not_repeated(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.ask(car.charge_loop(soc=61))
    car.ask(car.charge_loop(soc=None))
    assert car.demands()[-1].energy.soc_percent == 61
    assert car.demands()[-1].energy.minimum_soc_percent == 30


# -- the end ----------------------------------------------------------------------------------------------------------


def test_welding_detection_may_take_several_turns(new_car: NewCar) -> None:
    car = new_car().reach(State.WELDING_DETECTION)
    for volts, processing in ((380.0, Processing.Ongoing), (40.0, Processing.Ongoing), (8.0, Processing.Finished)):
        car.see(voltage_V=volts)
        answer = car.ask(dc.DC_WeldingDetectionReq(Header=car.header(), EVProcessing=processing))
        assert number(answer.EVSEPresentVoltage) == volts
    assert car.secc.session.state is State.SESSION_STOP


@pytest.mark.parametrize(
    ("state", "how", "code"),
    [
        (State.SESSION_STOP, cm.ChargingSession.Pause, ResponseCode.FAILED_PauseNotAllowed),
        (State.CABLE_CHECK, cm.ChargingSession.Pause, ResponseCode.FAILED_PauseNotAllowed),
        (
            State.CABLE_CHECK,
            cm.ChargingSession.ServiceRenegotiation,
            ResponseCode.FAILED_NoServiceRenegotiationSupported,
        ),
    ],
)
def test_pause_and_renegotiation_out_of_place_are_refused_by_name(
    new_car: NewCar, state: State, how: cm.ChargingSession, code: ResponseCode
) -> None:
    car = new_car().reach(state)
    answer = car.ask(cm.SessionStopReq(Header=car.header(), ChargingSession=how))
    assert answer.ResponseCode is code
    assert car.events[-1].end is SessionEnd.PROTOCOL_ERROR


def test_the_peer_going_is_told_once(new_car: NewCar) -> None:
    car = new_car().reach(State.CHARGE_LOOP)
    car.secc.peer_gone("the car closed the connection")
    car.secc.peer_gone("again")
    assert car.answers() == []
    ends = [e for e in car.events if isinstance(e, CarSessionEnded)]
    assert [(e.end, e.detail) for e in ends] == [(SessionEnd.CONNECTION_LOST, "the car closed the connection")]
    assert car.secc.deadline_s is None


def test_nothing_is_answered_after_the_end(new_car: NewCar) -> None:
    car = new_car().reach(State.SESSION_STOP)
    car.step(State.SESSION_STOP)
    assert car.send(car.request(cm.SessionStopReq)) == []
    assert car.wait(100) == []
    assert car.send_bytes(frame(PayloadType.MAINSTREAM, b"\x00")) == []
