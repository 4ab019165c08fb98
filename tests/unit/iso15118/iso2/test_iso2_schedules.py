"""Schedules and charging profiles of ISO 15118-2."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoint.iso15118.iso2.physical import watts
from chargepoint.iso15118.iso2.sa_schedule import sa_schedules
from chargepoint.iso15118.iso2.state import Iso2State
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.iso15118_2 import (
    ChargeProgress,
    EVSEProcessing,
    PhysicalValue,
    ResponseCode,
    UnitSymbol,
)
from chargepoint.iso15118.physical_value import number
from chargepoint.model.car import ProfileNamed, QuestionAsked, ScheduleOffered
from chargepoint.model.car_questions import PowerForeseen, PowerPiece
from chargepoint.model.image import Stage
from chargepoint.model.schedule_offer import ScheduleOffer
from tests.unit.iso15118.iso2.car import Iso2Car

DAY_S = 86_400


def entries_of(answer: Any) -> list[tuple[int, int | None, float]]:
    (offered,) = answer.SASchedules.SAScheduleTuple
    assert offered.SAScheduleTupleID == 1
    assert offered.SalesTariff is None
    return [
        (entry.TimeInterval.start, entry.TimeInterval.duration, number(entry.PMax))
        for entry in offered.PMaxSchedule.PMaxScheduleEntry
    ]


def parameters(car: Iso2Car, **changes: Any) -> Any:
    return car.reach(Iso2State.CHARGE_PARAMETER_DISCOVERY).ask(car.charge_parameters(**changes))


@pytest.mark.parametrize(("departure_s", "total_s"), [(None, DAY_S), (0, DAY_S), (7200, 7200), (3 * DAY_S, DAY_S)])
def test_the_schedule_lasts_until_the_car_leaves_or_a_day(departure_s: int | None, total_s: int) -> None:
    assert entries_of(parameters(Iso2Car(), DepartureTime=departure_s)) == [(0, total_s, 22_000.0)]


def test_a_forecast_becomes_entries_and_only_the_last_has_a_duration() -> None:
    car = Iso2Car()
    car.foreseen = (PowerPiece(600, 22_000.0, 0.0), PowerPiece(1800, 5_000.0, 0.0), PowerPiece(4800, 50_000.0, 0.0))
    answer = parameters(car, DepartureTime=7200, entries=29)
    assert entries_of(answer) == [(0, None, 22_000.0), (600, None, 5_000.0), (2400, 4800, 22_000.0)]
    (event,) = car.learned(ScheduleOffered)
    assert [p.charge_W for p in event.offer.pieces] == [22_000.0, 5_000.0, 22_000.0]
    assert {p.discharge_W for p in event.offer.pieces} == {0.0}


@pytest.mark.parametrize(("entries", "most"), [(None, 12), (0, 12), (12, 12), (29, 29), (192, 100), (5000, 100)])
def test_the_car_says_how_many_entries_it_reads(entries: int | None, most: int) -> None:
    car = Iso2Car()
    car.foreseen = tuple(PowerPiece(60, 1_000.0 * (n % 20 + 1), 0.0) for n in range(100))
    answer = parameters(car, entries=entries)
    assert len(entries_of(answer)) == most
    assert car.learned(QuestionAsked)[0].question.points == {None: 12, 0: 12, 5000: 1024}.get(entries, entries)


def test_the_power_is_that_of_the_outlet_and_not_of_the_car() -> None:
    """A car whose profile equals the outlet's power to the watt is right, whatever its own limits say."""
    car = Iso2Car(ac=True)
    answer = parameters(car)
    entry = answer.SASchedules.SAScheduleTuple[0].PMaxSchedule.PMaxScheduleEntry[0]
    assert number(entry.PMax) == 11_040
    taycan = ((0, watts(11_040)), (11_860, watts(4_000)), (12_911, watts(0)))
    car.send(car.power_delivery(profile=taycan))
    (started,) = car.see(stage=Stage.TRANSFER)
    assert started.ResponseCode is ResponseCode.OK
    (named,) = car.learned(ProfileNamed)
    assert named.schedule_id == 1
    assert [power_W for _, power_W in named.pieces] == [11_040.0, 4_000.0, 0.0]
    assert [duration_s for duration_s, _ in named.pieces][:2] == [11_860, 1_051]


def test_a_profile_in_other_digits_of_the_same_power_fits() -> None:
    car = Iso2Car()
    car.foreseen = (PowerPiece(DAY_S, 11_000.0, 0.0),)
    car.reach(Iso2State.POWER_DELIVERY)
    audi = PhysicalValue(Multiplier=2, Unit=UnitSymbol.W, Value=110)
    assert car.send(car.power_delivery(profile=((0, audi),))) == []  # held: the contactor closes


@pytest.mark.parametrize(
    "profile",
    [
        ((0, watts(22_000)), (1_000_000, watts(1_000))),  # outruns the schedule
        ((600, watts(22_000)),),  # begins later
        ((0, watts(1_000)), (0, watts(2_000))),  # two entries at once
        ((600, watts(1_000)), (300, watts(2_000))),  # goes back in time
    ],
)
def test_profiles_that_are_only_strange_are_taken(profile: tuple[tuple[int, PhysicalValue], ...]) -> None:
    car = Iso2Car().reach(Iso2State.POWER_DELIVERY)
    assert car.send(car.power_delivery(profile=profile)) == []
    assert not car.secc.ended


def test_a_profile_counts_from_the_schedule_or_from_the_request() -> None:
    car = Iso2Car()
    car.foreseen = (PowerPiece(600, 22_000.0, 0.0), PowerPiece(DAY_S - 600, 5_000.0, 0.0))
    car.reach(Iso2State.CHARGE_PARAMETER_DISCOVERY).ask(car.charge_parameters(entries=12))
    car.step(Iso2State.CABLE_CHECK)
    car.wait(5.0)
    car.step(Iso2State.PRE_CHARGE)
    follows = ((0, watts(22_000)), (600, watts(5_000)))
    assert car.send(car.power_delivery(profile=follows)) == []


def test_a_profile_that_leaves_the_schedule_in_a_later_piece_is_refused() -> None:
    car = Iso2Car()
    car.foreseen = (PowerPiece(600, 22_000.0, 0.0), PowerPiece(DAY_S - 600, 5_000.0, 0.0))
    car.reach(Iso2State.POWER_DELIVERY)
    answer = car.ask(car.power_delivery(profile=((0, watts(22_000)),)))
    assert answer.ResponseCode is ResponseCode.FAILED_ChargingProfileInvalid
    assert answer.EVSEStatus.EVSEStatusCode is iso2.DC_EVSEStatusCode.EVSE_Ready


def test_a_profile_with_the_stop_says_nothing() -> None:
    car = Iso2Car().reach(Iso2State.CHARGE_LOOP)
    car.send(car.power_delivery(ChargeProgress.Stop, profile=((0, watts(30_000)),), tuple_id=9))
    (answer,) = car.see(stage=Stage.OFF)
    assert answer.ResponseCode is ResponseCode.OK
    assert car.learned(ProfileNamed) == []


def test_while_the_station_makes_the_schedule_the_car_hears_ongoing_within_a_quarter_of_a_second() -> None:
    car = Iso2Car()
    car.answers_questions = False
    car.reach(Iso2State.CHARGE_PARAMETER_DISCOVERY)
    before_s = car.t
    answer = car.ask(car.charge_parameters())
    assert answer.EVSEProcessing is EVSEProcessing.Ongoing
    assert answer.SASchedules is None
    assert car.t - before_s <= 0.25
    (asked,) = car.learned(QuestionAsked)
    car.secc.answer(asked.number, PowerForeseen((PowerPiece(3600, 7_000.0, 0.0),)), car.now)
    answer = car.ask(car.charge_parameters())
    assert answer.EVSEProcessing is EVSEProcessing.Finished
    assert entries_of(answer) == [(0, 3600, 7_000.0)]


def test_the_station_knows_the_cars_limits_when_it_is_asked_for_a_schedule() -> None:
    car = Iso2Car()
    parameters(car)
    kinds = [type(event).__name__ for event in car.events]
    assert kinds.index("CarDemandChanged") < kinds.index("QuestionAsked")


@pytest.mark.parametrize("durations_s", [(0.3,), (0.2, 0.2), (0.4, 7200.0), (7200.0, 0.4)])
def test_pieces_shorter_than_half_a_second_leave_a_schedule_with_entries(durations_s: tuple[float, ...]) -> None:
    car = Iso2Car()
    car.foreseen = tuple(PowerPiece(duration_s, 5_000.0, 0.0) for duration_s in durations_s)
    entries = entries_of(parameters(car))
    assert len(entries) == 1
    assert entries[0] == (0, max(1, round(sum(durations_s))), 5_000.0)


def test_a_schedule_that_is_over_still_has_an_entry() -> None:
    over = ScheduleOffer(1, 1_000, (PowerPiece(60.0, 5_000.0, 0.0),))
    (offered,) = sa_schedules(over, 2_000).SAScheduleTuple
    (entry,) = offered.PMaxSchedule.PMaxScheduleEntry
    assert (entry.TimeInterval.start, entry.TimeInterval.duration) == (0, 1)
