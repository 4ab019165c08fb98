"""The course of a session of the virtual car: schedules, profiles, pauses, renegotiations, standby, notifications, metering."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import EvseNotification, Processing, ResponseCode
from chargepoint.iso15118.rational import number
from chargepoint.iso15118.v2gtp import PayloadType
from hil.simulators.evcc.memory import Credentials
from hil.simulators.evcc.orders import OrderContactors, OrderDisconnection, OrderPilot
from hil.simulators.evcc.plan import CarPlan, CarWish
from hil.simulators.evcc.spec import CarSpec

TWO_ENTRIES = ((43_200, 11_000.0), (43_200, 4000.0))


def starts(car: Any) -> list[cm.PowerDeliveryReq]:
    return [r for r in car.log.requests("PowerDeliveryReq") if r.ChargeProgress is cm.ChargeProgress.Start]


def progresses(car: Any) -> list[str]:
    return [r.ChargeProgress.value for r in car.log.requests("PowerDeliveryReq")]


# -- schedules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "powers_W"),
    [
        ("fitting", [8000.0, 4000.0]),
        ("too_high", [16_500.0, 6000.0]),
        ("across_borders", [11_000.0]),
        ("zero", [0.0, 0.0]),
        ("none", None),
    ],
)
def test_the_profile_keeps_the_schedule_or_breaks_it(
    trip: Any, new_station: Any, profile: str, powers_W: list[float] | None
) -> None:
    spec = CarSpec(control_mode="scheduled", scheduled_power_W=8000.0)
    car = trip(CarPlan(profile=profile), new_station(schedule=TWO_ENTRIES), spec).run(loops=1)
    (start,) = starts(car)
    if powers_W is None:
        assert start.EVPowerProfile is None
        return
    assert start.EVPowerProfile is not None
    entries = start.EVPowerProfile.EVPowerProfileEntries.EVPowerProfileEntry
    assert [number(entry.Power) for entry in entries] == powers_W
    assert sum(entry.Duration for entry in entries) == 86_400
    chosen = start.EVPowerProfile.Scheduled_EVPPTControlMode
    assert chosen is not None and chosen.SelectedScheduleTupleID == 7


def test_a_wish_to_give_power_takes_the_discharging_schedule(trip: Any, new_station: Any, schedule: Any) -> None:
    def both_ways(_: Any, answer: Any) -> Any:
        offered = cm.ScheduleTuple(
            ScheduleTupleID=7,
            ChargingSchedule=schedule((86_400, 9000.0)),
            DischargingSchedule=schedule((86_400, -6000.0)),
        )
        return replace(answer, Scheduled_SEResControlMode=cm.Scheduled_SEResControlMode(ScheduleTuple=(offered,)))

    station = new_station(instead={("ScheduleExchangeReq", 1): both_ways})
    spec = CarSpec(control_mode="scheduled", scheduled_power_W=-8000.0)
    car = trip(CarPlan(), station, spec).run(loops=2)
    profile = starts(car)[0].EVPowerProfile
    assert profile is not None
    (entry,) = profile.EVPowerProfileEntries.EVPowerProfileEntry
    assert number(entry.Power) == -6000.0
    assert number(car.log.requests("DC_ChargeLoopReq")[0].CLReqControlMode.EVTargetCurrent) == -20.0
    assert car.violations == []


def test_an_unknown_tuple_and_a_tolerance_are_the_plans_matter(trip: Any, new_station: Any) -> None:
    plan = CarPlan(schedule_tuple="unknown", power_tolerance="not_confirmed")
    car = trip(plan, new_station(), CarSpec(control_mode="scheduled")).run(loops=1)
    profile = starts(car)[0].EVPowerProfile
    assert profile is not None and profile.Scheduled_EVPPTControlMode is not None
    choice = profile.Scheduled_EVPPTControlMode
    assert choice.SelectedScheduleTupleID != 7
    assert choice.PowerToleranceAcceptance is cm.PowerToleranceAcceptance.PowerToleranceNotConfirmed


def test_the_schedule_request_follows_the_plan(trip: Any, new_station: Any) -> None:
    plan = CarPlan(supporting_points_max=12, gives_departure_time=False, energy_offer=True)
    car = trip(plan, new_station(), CarSpec(control_mode="scheduled")).run(loops=1)
    (request,) = car.log.requests("ScheduleExchangeReq")
    assert request.MaximumSupportingPoints == 12
    assert request.Scheduled_SEReqControlMode.DepartureTime is None
    assert request.Scheduled_SEReqControlMode.EVEnergyOffer is not None


def test_an_unready_schedule_is_asked_again_and_not_for_ever(trip: Any, new_station: Any) -> None:
    def ongoing(_: Any, answer: Any) -> Any:
        return replace(answer, EVSEProcessing=Processing.Ongoing)

    station = new_station(instead={("ScheduleExchangeReq", n): ongoing for n in range(1, 4)})
    car = trip(CarPlan(), station).run(loops=1)
    assert (len(car.log.requests("ScheduleExchangeReq")), car.progress.error) == (4, None)
    station = new_station(instead={("ScheduleExchangeReq", n): ongoing for n in range(1, 2000)})
    assert trip(CarPlan(), station).run().progress.error == "ScheduleExchangeRes Ongoing for 60 s"


def test_power_delivery_may_be_polled_first(trip: Any, new_station: Any) -> None:
    car = trip(CarPlan(energy=("AC",), power_delivery_polls=3), new_station(services=(1,))).run(loops=1)
    assert [r.EVProcessing.value for r in starts(car)] == ["Ongoing"] * 3 + ["Finished"]


# -- the car's own wishes ---------------------------------------------------------------------------------------------


def test_a_pause_comes_back_to_the_same_session_at_charge_parameters(trip: Any, new_station: Any) -> None:
    plan = CarPlan(wishes=(CarWish("pause", at_loop=3, for_s=600.0),))
    session = trip(plan, new_station())
    began_s = session.now_s
    car = session.run(loops=6)
    assert (car.progress.error, car.violations) == (None, [])
    assert (session.connections, car.progress.sessions_joined, car.progress.loops) == (2, 1, 6)
    stops = [r.ChargingSession.value for r in car.log.requests("SessionStopReq")]
    assert stops == ["Pause", "Terminate"]
    setups = car.log.requests("SessionSetupReq")
    assert [s.Header.SessionID for s in setups] == [bytes(8), b"\1" * 8]
    again = car.log.names()[car.log.names().index("SessionStopReq") + 1 :]
    assert again[:3] == ["supportedAppProtocolReq", "SessionSetupReq", "DC_ChargeParameterDiscoveryReq"]
    assert session.now_s - began_s > 600.0


def test_a_station_that_forgot_the_session_gets_a_new_one(trip: Any, new_station: Any) -> None:
    plan = CarPlan(wishes=(CarWish("pause", at_loop=3, for_s=5.0),))
    car = trip(plan, new_station(joins=False)).run(loops=6)
    assert (car.progress.error, car.violations, car.progress.sessions_joined) == (None, [], 0)
    assert car.log.names().count("AuthorizationReq") == 2


def test_the_car_wakes_the_station_by_its_pilot(trip: Any, new_station: Any) -> None:
    plan = CarPlan(wishes=(CarWish("pause", at_loop=2, for_s=5.0),), wake_up_pulses=2)
    session = trip(plan, new_station())
    session.run(loops=4)
    history = session.body.history
    after = history[history.index(OrderDisconnection()) + 1 :]
    letters = [o.state for o in after if isinstance(o, OrderPilot)]
    assert letters[:5] == ["B", "C", "B", "C", "B"]


def test_a_refused_pause_ends_the_session(trip: Any, new_station: Any) -> None:
    plan = CarPlan(wishes=(CarWish("pause", at_loop=2),))
    car = trip(plan, new_station(codes={("SessionStopReq", 1): ResponseCode.FAILED_PauseNotAllowed})).run()
    assert car.progress.error == "SessionStopRes: FAILED_PauseNotAllowed"


def test_a_lost_connection_opens_the_contactors_and_comes_back(trip: Any, new_station: Any) -> None:
    plan = CarPlan(wishes=(CarWish("lose_tcp", at_loop=3, for_s=2.0),))
    session = trip(plan, new_station())
    car = session.run(loops=5)
    assert (car.progress.error, session.connections, car.progress.sessions_joined) == (None, 2, 1)
    history = session.body.history
    lost = history.index(OrderDisconnection(reset=True))
    assert OrderContactors(closed=False) in history[lost - 1 : lost + 2]
    assert OrderPilot("B") in history[lost : lost + 3]


def test_a_schedule_is_renegotiated_while_power_flows(trip: Any, new_station: Any) -> None:
    plan = CarPlan(wishes=(CarWish("schedule_renegotiation", at_loop=2),))
    session = trip(plan, new_station(), CarSpec(control_mode="scheduled"))
    car = session.run(loops=4)
    assert progresses(car) == ["Start", "ScheduleRenegotiation", "Start", "Stop"]
    assert len(car.log.requests("ScheduleExchangeReq")) == 2
    assert car.log.names().count("DC_CableCheckReq") == 1
    assert (car.progress.error, car.violations) == (None, [])


def test_a_refused_renegotiation_goes_on_as_before(trip: Any, new_station: Any) -> None:
    code = {("PowerDeliveryReq", 2): ResponseCode.WARNING_ScheduleRenegotiationFailed}
    plan = CarPlan(wishes=(CarWish("schedule_renegotiation", at_loop=2),))
    car = trip(plan, new_station(codes=code)).run(loops=4)
    assert (progresses(car), car.progress.error) == (["Start", "ScheduleRenegotiation", "Stop"], None)


def test_a_storm_of_renegotiations(trip: Any, new_station: Any) -> None:
    plan = CarPlan(wishes=(CarWish("schedule_renegotiation", at_loop=1, every_loops=1),))
    car = trip(plan, new_station()).run(loops=50)
    assert progresses(car).count("ScheduleRenegotiation") == 50
    assert car.progress.error is None


def test_a_service_is_renegotiated_on_the_same_connection(trip: Any, new_station: Any) -> None:
    plan = CarPlan(wishes=(CarWish("service_renegotiation", at_loop=2, change={"control_mode": "scheduled"}),))
    session = trip(plan, new_station())
    car = session.run(loops=4)
    assert (car.progress.error, car.violations, session.connections) == (None, [], 1)
    assert car.progress.control_mode == "scheduled"
    stops = [r.ChargingSession.value for r in car.log.requests("SessionStopReq")]
    assert stops == ["ServiceRenegotiation", "Terminate"]
    assert (len(car.log.requests("ServiceDiscoveryReq")), len(car.log.requests("AuthorizationReq"))) == (2, 1)


@pytest.mark.parametrize(
    ("refused", "sent"), [(False, ["Start", "Standby", "Start", "Stop"]), (True, ["Start", "Standby", "Stop"])]
)
def test_standby_is_entered_and_left(trip: Any, new_station: Any, refused: bool, sent: list[str]) -> None:
    codes = {("PowerDeliveryReq", 2): ResponseCode.WARNING_StandbyNotAllowed} if refused else {}
    plan = CarPlan(wishes=(CarWish("standby", at_loop=2), CarWish("leave_standby", at_loop=4)))
    car = trip(plan, new_station(codes=codes)).run(loops=6)
    assert (progresses(car), car.progress.error) == (sent, None)


def test_limits_change_in_the_loop(trip: Any, new_station: Any) -> None:
    plan = CarPlan(wishes=(CarWish("change", at_loop=2, change={"charge_power_max_W": 5000.0}),))
    car = trip(plan, new_station()).run(loops=3)
    limits = [number(r.CLReqControlMode.EVMaximumChargePower) for r in car.log.requests("DC_ChargeLoopReq")]
    assert limits == [50_000.0, 50_000.0, 5000.0]


def test_the_car_stops_at_its_target(trip: Any, new_station: Any) -> None:
    plan = CarPlan(stops_at_target=True, termination_code="Full", termination_explanation="80 % reached")
    session = trip(plan, new_station())

    def full(_: Any, answer: Any) -> Any:
        session.body.inlet = replace(session.body.inlet, soc_percent=80.0)
        return answer

    session.station.instead = {("DC_ChargeLoopReq", 4): full}
    car = session.run()
    assert (car.progress.loops, car.progress.error) == (5, None)
    (stop,) = car.log.requests("SessionStopReq")
    assert (stop.EVTerminationCode, stop.EVTerminationExplanation) == ("Full", "80 % reached")
    assert car.log.requests("DC_ChargeLoopReq")[-1].DisplayParameters.ChargingComplete is True


# -- the station's notifications --------------------------------------------------------------------------------------


def test_terminate_is_obeyed(trip: Any, new_station: Any) -> None:
    car = trip(CarPlan(), new_station(notify={3: EvseNotification.Terminate})).run()
    assert (car.progress.loops, car.progress.asked_to_stop, car.progress.error) == (3, True, None)


@pytest.mark.parametrize(
    ("reaction_s", "max_delay_s", "loops"), [(0.0, 60, 3), (1.0, 60, 13), (1.0, 0, 3), (9.0, 1, 13)]
)
def test_the_reaction_never_takes_longer_than_the_station_allows(
    trip: Any, new_station: Any, reaction_s: float, max_delay_s: int, loops: int
) -> None:
    notify = dict.fromkeys(range(3, 500), EvseNotification.Terminate)
    station = new_station(notify=notify, max_delay_s=max_delay_s)
    car = trip(CarPlan(reaction_s=reaction_s), station).run()
    assert car.progress.loops == pytest.approx(loops, abs=1)
    assert car.progress.notifications == ["Terminate"]


def test_a_notification_may_be_ignored(trip: Any, new_station: Any) -> None:
    car = trip(CarPlan(ignores=("Terminate",)), new_station(notify={3: EvseNotification.Terminate})).run(loops=9)
    assert car.progress.loops == 9


def test_a_pause_the_station_asks_for(trip: Any, new_station: Any) -> None:
    session = trip(CarPlan(), new_station(notify={3: EvseNotification.Pause}))
    car = session.run(loops=6)
    assert (session.connections, car.progress.sessions_joined, car.progress.error) == (2, 1, None)


def test_renegotiations_the_station_asks_for(trip: Any, new_station: Any) -> None:
    notify = {2: EvseNotification.ScheduleRenegotiation, 4: EvseNotification.ServiceRenegotiation}
    car = trip(CarPlan(), new_station(notify=notify)).run(loops=6)
    assert progresses(car) == ["Start", "ScheduleRenegotiation", "Start", "Stop", "Start", "Stop"]
    assert (len(car.log.requests("ServiceDiscoveryReq")), car.progress.error, car.violations) == (2, None, [])


def test_exit_standby_is_obeyed(trip: Any, new_station: Any) -> None:
    plan = CarPlan(wishes=(CarWish("standby", at_loop=2),))
    car = trip(plan, new_station(notify={5: EvseNotification.ExitStandby})).run(loops=7)
    assert progresses(car) == ["Start", "Standby", "Start", "Stop"]


def test_a_meter_reading_is_confirmed_on_its_own_payload_type(trip: Any, new_station: Any) -> None:
    station = new_station(notify={3: EvseNotification.MeteringConfirmation})
    car = trip(CarPlan(), station, credentials=Credentials()).run(loops=5)
    (confirmation,) = car.log.requests("MeteringConfirmationReq")
    assert confirmation.SignedMeteringData.MeterInfo.MeterID == "M1"
    assert confirmation.SignedMeteringData.SessionID == b"\1" * 8
    place = station.seen.index(confirmation)
    assert station.kinds[place] == PayloadType.METERING_CONFIRMATION
    assert (car.progress.error, car.violations, car.progress.loops) == (None, [], 5)


# -- loop -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("period_s", [1.0, 0.1, 0.02, 0.01])
def test_the_loop_keeps_its_pace(trip: Any, new_station: Any, period_s: float) -> None:
    spec = CarSpec(loop_period_s=period_s)
    car = trip(CarPlan(), new_station(), spec).run(loops=20)
    at_s = [e.at_s for e in car.log.entries if e.direction == ">" and e.name == "DC_ChargeLoopReq"]
    gaps = [late - early for early, late in itertools.pairwise(at_s)]
    assert gaps[:19] == pytest.approx([period_s] * 19)


def test_meter_info_is_requested_as_planned(trip: Any, new_station: Any) -> None:
    car = trip(CarPlan(meter_info_every_loops=2), new_station()).run(loops=4)
    assert [r.MeterInfoRequested for r in car.log.requests("DC_ChargeLoopReq")] == [False, True, False, True]


def test_all_display_parameters_are_sent(trip: Any, new_station: Any) -> None:
    plan = CarPlan(inlet_hot_from_loop=2)
    car = trip(plan, new_station(), CarSpec(capacity_Wh=40_000.0)).run(loops=2)
    first, second = (r.DisplayParameters for r in car.log.requests("DC_ChargeLoopReq"))
    assert (first.PresentSOC, first.MinimumSOC, first.TargetSOC, first.MaximumSOC) == (50, 20, 80, 100)
    assert number(first.BatteryEnergyCapacity) == 40_000.0
    # 12 kWh to the target at 400 V and 20 A
    assert (second.RemainingTimeToTargetSOC, second.RemainingTimeToMinimumSOC) == (5400, 0)
    assert (first.ChargingComplete, first.InletHot, second.InletHot) == (False, False, True)


@pytest.mark.parametrize("display", ["soc", "none"])
def test_less_may_be_displayed(trip: Any, new_station: Any, display: str) -> None:
    car = trip(CarPlan(display_parameters=display), new_station()).run(loops=1)
    (loop,) = car.log.requests("DC_ChargeLoopReq")
    if display == "none":
        assert loop.DisplayParameters is None
    else:
        assert (loop.DisplayParameters.PresentSOC, loop.DisplayParameters.TargetSOC) == (50, None)
