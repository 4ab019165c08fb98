"""A whole session of DIN 70121: what is answered, what the station learns, what of the car's habits does no harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chargepoint.iso15118 import protocols
from chargepoint.iso15118.conversation.settings import ProtocolName, SeccSettings
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.iso15118.din.state import DinState
from chargepoint.iso15118.exi.codec import NS_DIN
from chargepoint.iso15118.messages import din70121 as din
from chargepoint.iso15118.messages.app_protocol import ResponseCode as SapCode
from chargepoint.iso15118.messages.din70121 import (
    DC_EVErrorCode,
    DC_EVSEStatusCode,
    EVSENotification,
    EVSEProcessing,
    IsolationLevel,
    ResponseCode,
)
from chargepoint.iso15118.physical_value import number
from chargepoint.model.car import (
    AuthorizationWanted,
    CarIdentified,
    CarRemark,
    ControlMode,
    EnergyService,
    ProfileNamed,
    ScheduleOffered,
    ServiceSelected,
    SessionEnd,
    WishFollowed,
)
from chargepoint.model.car_questions import PowerPiece
from chargepoint.model.demand import Phase
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Stage
from chargepoint.model.limits import Interval
from chargepoint.model.station_view import Wish
from tests.unit.iso15118.car_on_connection import CAPABILITIES
from tests.unit.iso15118.din.conftest import ORDER, ev_status, physical

if TYPE_CHECKING:
    from tests.unit.iso15118.din.conftest import DinCar

NewCar = Callable[..., "DinCar"]
EVSE = EvseId(1)
SETTINGS = SeccSettings(1, "DE*OCP*E1", (EnergyService.DC,), (ControlMode.DYNAMIC,))


# -- a session -----------------------------------------------------------------------------------------------------------


def test_an_ordinary_session_from_offer_to_stop(new_car: NewCar) -> None:
    car = new_car()
    assert car.agree().ResponseCode is SapCode.OK_SuccessfulNegotiation
    answers = [answer for state in ORDER for answer in car.step(state)]
    assert [type(answer).__name__ for answer in answers] == [
        "SessionSetupRes",
        "ServiceDiscoveryRes",
        "ServicePaymentSelectionRes",
        "ContractAuthenticationRes",
        "ChargeParameterDiscoveryRes",
        "CableCheckRes",
        "CableCheckRes",
        "PreChargeRes",
        "PowerDeliveryRes",
        *["CurrentDemandRes"] * 3,
        "PowerDeliveryRes",
        "SessionStopRes",
    ]
    assert {answer.ResponseCode.value for answer in answers} == {"OK", "OK_NewSessionEstablished"}
    assert car.events[-1].end is SessionEnd.TERMINATED
    assert car.secc.kept is None


def test_what_the_station_learns(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    car.ask(car.current_demand(target_A=12, target_V=410))
    assert CarIdentified(EVSE, "3E89F8859407", bytes.fromhex("0102030405060708")) in car.events
    assert ServiceSelected(EVSE, EnergyService.DC, ControlMode.SCHEDULED) in car.events
    assert AuthorizationWanted(EVSE) in car.events
    phases = list(dict.fromkeys(demand.phase for demand in car.demands()))
    assert phases == [Phase.OFF, Phase.CABLE_CHECK, Phase.PRE_CHARGE, Phase.TRANSFER]
    demand = car.demands()[-1]
    assert (demand.service, demand.control_mode) == (EnergyService.DC, ControlMode.SCHEDULED)
    assert (demand.target_voltage_V, demand.target_current_A) == (410.0, 12.0)
    assert demand.energy.soc_percent == 55.0
    assert demand.limits.charge_power_max_W == 50_000.0
    assert demand.limits.discharge_power_max_W == 0.0
    assert demand.good_for_s == 0.5


def test_the_demand_is_known_when_the_schedule_is_asked_for(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CHARGE_PARAMETER_DISCOVERY)
    before = len(car.events)
    car.step(DinState.CHARGE_PARAMETER_DISCOVERY)
    names = [type(event).__name__ for event in car.events[before:]]
    assert names.index("CarDemandChanged") < names.index("QuestionAsked")


def test_what_else_a_car_says_reaches_the_station(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CHARGE_PARAMETER_DISCOVERY)
    car.ask(
        car.charge_parameters(
            EVEnergyCapacity=physical(60, 3),
            EVEnergyRequest=physical(22, 3),
            FullSOC=95,
            BulkSOC=80,
        )
    )
    demand = car.demands()[-1]
    assert (demand.energy.target_Wh, demand.energy.target_soc_percent) == (22_000.0, 80.0)
    assert (demand.display.capacity_Wh, demand.display.maximum_soc_percent) == (60_000.0, 95.0)
    car = new_car().reach(DinState.CURRENT_DEMAND)
    minutes = physical(30, unit=din.UnitSymbol.m)
    car.ask(car.current_demand(RemainingTimeToFullSoC=minutes, RemainingTimeToBulkSoC=physical(600)))
    display = car.demands()[-1].display
    assert (display.to_maximum_soc_s, display.to_target_soc_s) == (1800.0, 600.0)


def test_a_service_of_direct_current_paid_outside(new_car: NewCar) -> None:
    answer = new_car().reach(DinState.SERVICE_DISCOVERY).ask(din.ServiceDiscoveryReq())
    assert answer.PaymentOptions.PaymentOption == (din.PaymentOption.ExternalPayment,)
    assert answer.ChargeService.ServiceTag.ServiceID == 1
    assert answer.ChargeService.EnergyTransferType is din.EVSESupportedEnergyTransfer.DC_extended
    assert answer.ServiceList is None


def test_the_evse_id_is_sent_as_its_bytes(new_car: NewCar) -> None:
    answer = new_car().reach(DinState.SESSION_SETUP).step(DinState.SESSION_SETUP)[0]
    assert answer.EVSEID == b"DE*OCP*E1"


# -- authorisation and parameters ------------------------------------------------------------------------------------------


def test_the_car_asks_until_its_driver_comes(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CONTRACT_AUTHENTICATION)
    car.see(authorized=None)
    waiting = [car.ask(din.ContractAuthenticationReq()) for _ in range(3)]
    assert {(w.ResponseCode, w.EVSEProcessing) for w in waiting} == {(ResponseCode.OK, EVSEProcessing.Ongoing)}
    car.see(authorized=True)
    assert car.ask(din.ContractAuthenticationReq()).EVSEProcessing is EVSEProcessing.Finished


def test_parameters_are_ongoing_while_the_schedule_is_made(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CHARGE_PARAMETER_DISCOVERY)
    car.answers_questions = False
    began_s = car.t
    answer = car.ask(car.charge_parameters())
    assert car.t - began_s <= 0.3
    assert answer.EVSEProcessing is EVSEProcessing.Ongoing
    status = answer.EVSEChargeParameter.DC_EVSEStatus
    assert (status.EVSEStatusCode, status.EVSEIsolationStatus) == (DC_EVSEStatusCode.EVSE_Ready, IsolationLevel.Invalid)
    asked = next(e for e in car.events if type(e).__name__ == "QuestionAsked")
    car.answer(asked)
    assert car.ask(car.charge_parameters()).EVSEProcessing is EVSEProcessing.Finished


def test_one_schedule_of_a_day_with_the_most_that_is_foreseen(new_car: NewCar) -> None:
    car = new_car()
    car.foreseen = (PowerPiece(3600, 4_000.0, 0.0), PowerPiece(82_800, 9_000.0, 0.0))
    answer = car.reach(DinState.CHARGE_PARAMETER_DISCOVERY).step(DinState.CHARGE_PARAMETER_DISCOVERY)[0]
    (schedule,) = answer.SASchedules.SAScheduleTuple
    assert (schedule.SAScheduleTupleID, schedule.PMaxSchedule.PMaxScheduleID) == (1, 1)
    (entry,) = schedule.PMaxSchedule.PMaxScheduleEntry
    assert (entry.TimeInterval.start, entry.TimeInterval.duration, entry.PMax) == (0, 86_400, 9_000)
    (offered,) = [e.offer for e in car.events if isinstance(e, ScheduleOffered)]
    assert [(p.duration_s, p.charge_W) for p in offered.pieces] == [(86_400, 9_000.0)]


def test_a_strong_station_says_the_largest_power_that_fits(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CHARGE_PARAMETER_DISCOVERY)
    strong = replace(CAPABILITIES, charge_power_max_W=150_000.0, charge_current_max_A=375.0)
    car.see(capabilities=strong)
    car.foreseen = (PowerPiece(86_400, 150_000.0, 0.0),)
    answer = car.ask(car.charge_parameters(EVMaximumPowerLimit=physical(170, 3)))
    assert answer.SASchedules.SAScheduleTuple[0].PMaxSchedule.PMaxScheduleEntry[0].PMax == 32_767
    assert number(answer.EVSEChargeParameter.EVSEMaximumPowerLimit) == 150_000.0


def test_a_car_that_names_no_power_can_take_voltage_times_current(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CHARGE_PARAMETER_DISCOVERY)
    car.ask(car.charge_parameters(EVMaximumPowerLimit=None))
    assert car.demands()[-1].limits.charge_power_max_W == 450.0 * 125.0


@pytest.mark.parametrize("kind", ["DC_extended", "DC_core", "DC_combo_core"])
def test_each_kind_of_direct_current_through_this_plug(new_car: NewCar, kind: str) -> None:
    car = new_car().reach(DinState.CHARGE_PARAMETER_DISCOVERY)
    answer = car.ask(car.charge_parameters(din.EVRequestedEnergyTransfer(kind)))
    assert answer.ResponseCode is ResponseCode.OK


# -- status by step --------------------------------------------------------------------------------------------------------


def test_isolation_is_valid_from_the_finished_cable_check_on(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CABLE_CHECK)
    ongoing = car.ask(car.request(din.CableCheckReq))
    assert (ongoing.EVSEProcessing, ongoing.DC_EVSEStatus.EVSEIsolationStatus) == (
        EVSEProcessing.Ongoing,
        IsolationLevel.Invalid,
    )
    car.see(stage=Stage.CABLE_CHECKED)
    finished = car.ask(car.request(din.CableCheckReq))
    assert (finished.EVSEProcessing, finished.DC_EVSEStatus.EVSEIsolationStatus) == (
        EVSEProcessing.Finished,
        IsolationLevel.Valid,
    )
    assert finished.DC_EVSEStatus.EVSEStatusCode is DC_EVSEStatusCode.EVSE_Ready
    pre_charge = car.ask(car.pre_charge())
    assert pre_charge.DC_EVSEStatus.EVSEIsolationStatus is IsolationLevel.Valid


def test_no_pre_charge_while_the_station_asks_for_the_end(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CABLE_CHECK)
    car.ask(car.request(din.CableCheckReq))
    car.wish(Wish.TERMINATE)
    car.see(stage=Stage.CABLE_CHECKED)
    finished = car.ask(car.request(din.CableCheckReq))
    assert finished.DC_EVSEStatus.EVSEStatusCode is DC_EVSEStatusCode.EVSE_Shutdown
    assert car.secc.session.state is DinState.CABLE_CHECK
    car.wish(None)
    car.ask(car.request(din.CableCheckReq))
    assert car.secc.session.state is DinState.PRE_CHARGE


@pytest.mark.parametrize("wish", [Wish.TERMINATE, Wish.PAUSE])
def test_the_station_ends_by_its_status_code_and_never_by_a_notification(new_car: NewCar, wish: Wish) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    assert car.ask(car.current_demand()).DC_EVSEStatus.EVSEStatusCode is DC_EVSEStatusCode.EVSE_Ready
    car.wish(wish, 10.0)
    status = car.ask(car.current_demand()).DC_EVSEStatus
    assert status.EVSEStatusCode is DC_EVSEStatusCode.EVSE_Shutdown
    assert (status.EVSENotification, status.NotificationMaxDelay) == (EVSENotification.None_, 0)
    car.step(DinState.CURRENT_DEMAND)
    car.step(DinState.WELDING_DETECTION)
    assert WishFollowed(EVSE, Wish.TERMINATE) in car.events


def test_a_new_schedule_is_no_reason_to_end(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    car.wish(Wish.SCHEDULE_RENEGOTIATION, 10.0)
    assert car.ask(car.current_demand()).DC_EVSEStatus.EVSEStatusCode is DC_EVSEStatusCode.EVSE_Ready


def test_after_the_stop_the_status_is_shutdown(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    stopped = car.step(DinState.CURRENT_DEMAND)[-1]
    welding = car.ask(car.request(din.WeldingDetectionReq))
    for answer in (stopped.EVSEStatus, welding.DC_EVSEStatus):
        assert answer.EVSEStatusCode is DC_EVSEStatusCode.EVSE_Shutdown


def test_an_emergency_is_named(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    car.see(emergency=True)
    answer = car.ask(car.current_demand())
    assert answer.ResponseCode is ResponseCode.FAILED
    assert answer.DC_EVSEStatus.EVSEStatusCode is DC_EVSEStatusCode.EVSE_EmergencyShutdown


# -- the loop --------------------------------------------------------------------------------------------------------------


def test_the_loop_reports_what_is_measured_and_what_may_flow(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    car.see(voltage_V=401.5, current_A=11.5, limits_W=Interval(-20_000.0, 7_000.0))
    answer = car.ask(car.current_demand())
    assert (number(answer.EVSEPresentVoltage), number(answer.EVSEPresentCurrent)) == (401.5, 11.5)
    assert number(answer.EVSEMaximumPowerLimit) == 7_000.0
    assert number(answer.EVSEMaximumCurrentLimit) == 32.0
    assert number(answer.EVSEMaximumVoltageLimit) == 1000.0
    assert not answer.EVSEPowerLimitAchieved


def test_limits_of_each_message_hold_anew(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    seen = []
    for current_A, voltage_V in ((80, 410), (200, 460), (200, 0)):
        car.ask(
            car.current_demand(
                EVMaximumCurrentLimit=physical(current_A),
                EVMaximumVoltageLimit=physical(voltage_V),
                target_V=470,
            )
        )
        limits = car.demands()[-1].limits
        seen.append((limits.charge_current_max_A, limits.voltage_max_V, car.demands()[-1].target_voltage_V))
    assert seen == [(80.0, 410.0, 410.0), (200.0, 460.0, 460.0), (200.0, 460.0, 460.0)]


def test_a_negative_current_asks_for_none_and_a_negative_limit_lets_nothing_flow(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    car.ask(car.current_demand(target_A=-30, EVMaximumCurrentLimit=physical(-5), EVMaximumPowerLimit=physical(-5)))
    demand = car.demands()[-1]
    assert demand.target_current_A == 0.0
    assert (demand.limits.charge_current_max_A, demand.limits.charge_power_max_W) == (0.0, 0.0)


def test_a_car_may_be_late_in_the_loop_and_a_silent_one_is_taken_off_voltage(new_car: NewCar) -> None:
    """DIN has no bound for the loop alone: after 0.5 s the demand is worth nothing, after 10 s the session is over."""
    car = new_car().reach(DinState.CURRENT_DEMAND)
    car.ask(car.current_demand())
    car.wait(10.1)
    assert car.events[-1].end is SessionEnd.TIMEOUT
    assert "silence under voltage" in car.events[-1].detail


def test_a_car_that_pauses_in_its_loop_loses_its_power_and_not_its_session(new_car: NewCar) -> None:
    """DIN knows 60 s between two requests (V2G-DC-432)."""
    car = new_car().reach(DinState.CURRENT_DEMAND)
    car.ask(car.current_demand())
    spoke_s, demand = car.t, car.demands()[-1]
    car.wait(5.0)
    assert spoke_s - 0.1 <= demand.at_s <= spoke_s
    assert demand.good_for_s == 0.5
    assert car.demands()[-1] == demand
    assert car.ask(car.current_demand()).ResponseCode is ResponseCode.OK
    assert car.demands()[-1].at_s >= spoke_s + 5.0


def test_an_error_of_the_car_is_logged_once_and_ends_nothing(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    hot = ev_status(error=DC_EVErrorCode.FAILED_RESSTemperatureInhibit)
    for _ in range(3):
        assert car.ask(car.current_demand(DC_EVStatus=hot)).ResponseCode is ResponseCode.OK
    remarks = [e.text for e in car.events if isinstance(e, CarRemark)]
    assert remarks == ["the car reports FAILED_RESSTemperatureInhibit"]


# -- habits of real cars -----------------------------------------------------------------------------------------------------


def test_answers_are_paced(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    assert car.send(car.current_demand()) == []
    assert car.wait(0.019) == []
    assert len(car.wait(0.002)) == 1


def test_a_car_may_start_soon_although_the_voltage_is_not_its_own_yet(new_car: NewCar) -> None:
    """The target moves, the current is 0 A, PowerDelivery comes after four polls: the station matches the voltage and answers then."""
    car = new_car().reach(DinState.PRE_CHARGE)
    for target_V in (360, 365, 369, 369):
        assert car.ask(car.pre_charge(target_V, target_A=0)).ResponseCode is ResponseCode.OK
        car.see(voltage_V=499.9)
    assert car.demands()[-1].target_voltage_V == 369.0
    assert car.send(car.power_delivery(start=True)) == []
    car.wait(1.0)
    answers = [*car.see(stage=Stage.TRANSFER, voltage_V=369.0), *car.wait(0.03)]
    assert [a.ResponseCode for a in answers] == [ResponseCode.OK]
    assert car.ask(car.current_demand(target_A=0)).ResponseCode is ResponseCode.OK


@pytest.mark.parametrize(("target_V", "asked_V"), [(20_000, 450.0), (-380, 0.0), (0, 0.0), (200, 200.0)])
def test_a_wrong_voltage_in_the_first_pre_charge_is_cut_and_forgotten(
    new_car: NewCar, target_V: int, asked_V: float
) -> None:
    car = new_car().reach(DinState.PRE_CHARGE)
    assert car.ask(car.pre_charge(target_V)).ResponseCode is ResponseCode.OK
    assert car.demands()[-1].target_voltage_V == asked_V
    car.ask(car.pre_charge(400))
    assert car.demands()[-1].target_voltage_V == 400.0


def test_a_stop_from_the_loop_waits_for_the_power_to_go(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CURRENT_DEMAND)
    car.ask(car.current_demand())
    car.see(current_A=30.0)
    assert car.send(din.SessionStopReq()) == []
    assert car.demands()[-1].phase is Phase.OFF
    answers = [*car.see(stage=Stage.OFF, current_A=0.0), *car.wait(0.03)]
    assert [a.ResponseCode for a in answers] == [ResponseCode.OK]


def test_a_profile_is_taken_as_the_cars_plan_whatever_it_plans(new_car: NewCar) -> None:
    car = new_car().reach(DinState.PRE_CHARGE)
    car.ask(car.pre_charge())
    car.send(car.power_delivery(start=True, profile=((0, 32_767), (3600, 11_000))))
    answers = [*car.see(stage=Stage.TRANSFER), *car.wait(0.03)]
    assert [a.ResponseCode for a in answers] == [ResponseCode.OK]
    (named,) = [e for e in car.events if isinstance(e, ProfileNamed)]
    assert named.pieces == ((3600, 32_767.0), (82_800, 11_000.0))


def test_a_profile_out_of_order_is_no_plan(new_car: NewCar) -> None:
    car = new_car().reach(DinState.PRE_CHARGE)
    car.ask(car.pre_charge())
    car.send(car.power_delivery(start=True, profile=((3600, 1), (0, 2))))
    answers = [*car.see(stage=Stage.TRANSFER), *car.wait(0.03)]
    assert [a.ResponseCode for a in answers] == [ResponseCode.OK]
    assert not [e for e in car.events if isinstance(e, ProfileNamed)]


def test_zero_bytes_after_a_document_do_no_harm(new_car: NewCar) -> None:
    car = new_car().reach(DinState.CONTRACT_AUTHENTICATION)
    data = bytearray(car.frame_of(din.ContractAuthenticationReq()) + b"\0")
    data[4:8] = (len(data) - 8).to_bytes(4, "big")
    answers = car.send_bytes(bytes(data)) + car.wait(0.03)
    assert [a.EVSEProcessing for a in answers] == [EVSEProcessing.Finished]


# -- where it is served ------------------------------------------------------------------------------------------------------


def test_din_is_served_at_direct_current_only() -> None:
    def namespaces(*services: EnergyService) -> set[str]:
        return {p.namespace for p in protocols.served(replace(SETTINGS, services=services))}

    assert NS_DIN in namespaces(EnergyService.DC)
    assert NS_DIN in namespaces(EnergyService.DC_BPT)
    assert NS_DIN not in namespaces(EnergyService.AC)
    assert NS_DIN not in namespaces(EnergyService.MCS)
    without = replace(SETTINGS, protocols=(ProtocolName.ISO20,))
    assert NS_DIN not in {p.namespace for p in protocols.served(without)}


def test_din_is_spoken_without_encryption() -> None:
    assert NS_DIN in {p.namespace for p in protocols.spoken(SETTINGS, Peer("fe80::1"))}


def test_the_cars_best_choice_among_what_is_served_is_spoken_with_its_schema_id(new_car: NewCar) -> None:
    car = new_car()
    answer = car.ask(car.offer((NS_DIN, 0, 2), ("urn:tesla:din:2018:MsgDef", 2, 1)))
    assert (answer.ResponseCode, answer.SchemaID) == (SapCode.OK_SuccessfulNegotiation, 0)
