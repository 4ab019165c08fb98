"""ScheduleExchange: schedules of what is foreseen, waiting for them, and the station's mobility needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.iso15118.conversation.situation import Inquiry
from chargepoint.iso15118.iso20 import schedule_exchange as message
from chargepoint.iso15118.iso20.services import MobilityNeedsMode
from chargepoint.iso15118.iso20.session import Session
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages.common_messages import (
    Dynamic_SEReqControlMode,
    Scheduled_SEReqControlMode,
    ScheduleExchangeReq,
)
from chargepoint.iso15118.messages.common_types import Processing, ResponseCode
from chargepoint.iso15118.rational import number, rational
from chargepoint.model.car import CarEnergy, ControlMode, EnergyService, ScheduleOffered
from chargepoint.model.car_questions import ForeseePower, PowerForeseen, PowerPiece
from tests.unit.iso15118.iso20.dc_situation import HEADER, UTC_S, answered, choice, held, refused, session, situation

PIECES = (PowerPiece(3600.0, 22_000.0, 20_000.0), PowerPiece(82_800.0, 11_000.0, 0.0))


def scheduled(points: int = 1024, **energy: Any) -> ScheduleExchangeReq:
    mode = Scheduled_SEReqControlMode(**energy)
    return ScheduleExchangeReq(Header=HEADER, MaximumSupportingPoints=points, Scheduled_SEReqControlMode=mode)


def dynamic(**more: Any) -> ScheduleExchangeReq:
    values = {
        "DepartureTime": 7200,
        "EVTargetEnergyRequest": rational(30_000),
        "EVMaximumEnergyRequest": rational(40_000),
        "EVMinimumEnergyRequest": rational(-10_000),
        **more,
    }
    mode = Dynamic_SEReqControlMode(**values)
    return ScheduleExchangeReq(Header=HEADER, MaximumSupportingPoints=12, Dynamic_SEReqControlMode=mode)


def before(service: EnergyService = EnergyService.DC_BPT, **more: Any) -> Session:
    return session(State.SCHEDULE_EXCHANGE, choice(service, ControlMode.SCHEDULED), **more)


def respond(
    asked: ScheduleExchangeReq, at_session: Session, pieces: tuple[PowerPiece, ...] = PIECES, **more: Any
) -> Any:
    """The reply once the station has answered what the message asked."""
    first = held(message.respond(asked, at_session, situation(**more)))
    assert isinstance(first.ask, ForeseePower)
    inquiry = Inquiry(1, first.ask, 999.0, PowerForeseen(pieces))
    return message.respond(asked, at_session, situation(inquiry=inquiry, **more))


def entries(schedule: Any) -> list[tuple[int, float]]:
    return [(e.Duration, number(e.Power)) for e in schedule.PowerSchedule.PowerScheduleEntries.PowerScheduleEntry]


def test_charge_is_positive_discharge_negative_and_both_within_what_was_announced() -> None:
    response, after = answered(respond(scheduled(), before()))
    (offered,) = response.Scheduled_SEResControlMode.ScheduleTuple
    assert offered.ScheduleTupleID == 1
    assert entries(offered.ChargingSchedule) == [(3600, 22_000), (82_800, 11_000)]
    assert entries(offered.DischargingSchedule) == [(3600, -18_000), (82_800, 0)]  # the car gives 18 kW at most
    assert offered.ChargingSchedule.PowerSchedule.TimeAnchor == UTC_S
    assert after.state is State.CABLE_CHECK
    (event,) = message.learned(scheduled(), before(), after, situation())
    assert isinstance(event, ScheduleOffered)
    assert event.offer == after.schedule


def test_a_charging_service_has_no_discharging_schedule() -> None:
    response, _ = answered(respond(scheduled(), before(EnergyService.DC)))
    assert response.Scheduled_SEResControlMode.ScheduleTuple[0].DischargingSchedule is None


def test_prices_are_one_level_because_no_tariff_is_known() -> None:
    response, _ = answered(respond(scheduled(), before()))
    schedule = response.Scheduled_SEResControlMode.ScheduleTuple[0].ChargingSchedule
    assert schedule.AbsolutePriceSchedule is None
    assert schedule.PriceLevelSchedule.NumberOfPriceLevels == 0
    (entry,) = schedule.PriceLevelSchedule.PriceLevelScheduleEntries.PriceLevelScheduleEntry
    assert entry.Duration == 86_400


@pytest.mark.parametrize(
    ("departure", "horizon_s"), [(None, 86_400), (0, 86_400), (60, 60), (100_000, 100_000), (2**32 - 1, 604_800)]
)
def test_the_horizon_is_the_departure_or_a_day(departure: int | None, horizon_s: int) -> None:
    waiting = held(message.respond(scheduled(DepartureTime=departure), before(), situation()))
    assert isinstance(waiting.ask, ForeseePower)
    assert waiting.ask.horizon_s == horizon_s


@pytest.mark.parametrize(("points", "asked"), [(12, 12), (1024, 1024), (1, 12), (65_535, 1024)])
def test_the_cars_points_are_kept_within_the_schema(points: int, asked: int) -> None:
    waiting = held(message.respond(scheduled(points), before(), situation()))
    assert isinstance(waiting.ask, ForeseePower)
    assert waiting.ask.points == asked


@given(st.lists(st.tuples(st.integers(1, 5000), st.floats(0, 60_000), st.floats(0, 60_000)), min_size=1, max_size=60))
def test_fewer_entries_never_promise_more(raw: list[tuple[int, float, float]]) -> None:
    pieces = tuple(PowerPiece(float(d), c, b) for d, c, b in raw)
    response, after = answered(respond(scheduled(12), before(), pieces))
    (offered,) = response.Scheduled_SEResControlMode.ScheduleTuple
    found = entries(offered.ChargingSchedule)
    assert len(found) <= 12
    assert sum(duration for duration, _ in found) == sum(d for d, _, _ in raw)
    assert after.schedule is not None
    assert after.schedule.allowed_by(pieces, UTC_S)


def test_while_nobody_answers_it_is_ongoing_with_a_control_mode() -> None:
    question = held(message.respond(scheduled(), before(), situation())).ask
    assert question is not None
    at = situation(inquiry=Inquiry(1, question, 980.0), time_is_up=True)
    response, after = answered(message.respond(scheduled(), before(), at))
    assert response.EVSEProcessing is Processing.Ongoing
    assert response.Scheduled_SEResControlMode is not None
    assert after.state is State.SCHEDULE_EXCHANGE


def test_after_55_s_without_an_answer_the_station_is_to_blame() -> None:
    question = held(message.respond(scheduled(), before(), situation())).ask
    assert question is not None
    found = refused(message.respond(scheduled(), before(), situation(inquiry=Inquiry(1, question, 944.0))))
    assert (found.code, found.ours) == (ResponseCode.FAILED, True)


def test_the_answer_of_an_earlier_round_does_not_count() -> None:
    question = held(message.respond(scheduled(), before(), situation())).ask
    assert question is not None
    inquiry = Inquiry(1, question, 999.0, PowerForeseen(PIECES))
    later = before(schedule_round=1)
    assert held(message.respond(scheduled(), later, situation(inquiry=inquiry))).ask != question


def test_an_energy_request_that_is_not_made_is_not_known() -> None:
    _, after = answered(respond(scheduled(), before(energy=CarEnergy(target_Wh=1.0))))
    assert (after.energy.target_Wh, after.energy.departure_at_s) == (None, None)


@pytest.mark.parametrize("mode", list(ControlMode))
def test_the_other_control_mode_is_refused(mode: ControlMode) -> None:
    asked = dynamic() if mode is ControlMode.SCHEDULED else scheduled()
    found = refused(message.respond(asked, session(State.SCHEDULE_EXCHANGE, choice(mode=mode)), situation()))
    assert found.code is ResponseCode.FAILED


def needs(mobility: MobilityNeedsMode, asked: ScheduleExchangeReq, **view: Any) -> tuple[Any, Any, Any]:
    at_session = session(State.SCHEDULE_EXCHANGE, choice(mobility=mobility))
    response, _ = answered(message.respond(asked, at_session, situation(**view)))
    mode = response.Dynamic_SEResControlMode
    return mode.DepartureTime, mode.MinimumSOC, mode.TargetSOC


def test_where_the_car_alone_says_what_it_needs_the_station_says_nothing() -> None:
    said = needs(
        MobilityNeedsMode.EVCC, dynamic(MinimumSOC=30, TargetSOC=80), departure_s=60.0, minimum_soc_percent=20.0
    )
    assert said == (None, None, None)


def test_where_the_station_says_too_the_cars_word_comes_first() -> None:
    station: dict[str, Any] = {"departure_s": 3600.0, "minimum_soc_percent": 20.0, "target_soc_percent": 90.0}
    assert needs(MobilityNeedsMode.SECC, dynamic(), **station) == (3600, 20, 90)
    assert needs(MobilityNeedsMode.SECC, dynamic(MinimumSOC=40, TargetSOC=70), **station) == (3600, 40, 70)
    assert needs(MobilityNeedsMode.SECC, dynamic(MinimumSOC=90, TargetSOC=70), **station) == (3600, 70, 70)
    assert needs(MobilityNeedsMode.SECC, dynamic()) == (7200, None, None)


def test_a_renegotiated_schedule_leads_straight_to_power_delivery() -> None:
    renegotiating = replace(session(State.SCHEDULE_EXCHANGE), renegotiating=True)
    _, after = answered(message.respond(dynamic(), renegotiating, situation()))
    assert after.state is State.POWER_DELIVERY


def test_a_departure_that_comes_nearer_does_not_ask_again() -> None:
    """A car repeats its request while the station thinks; its DepartureTime has become less."""
    first = held(message.respond(scheduled(DepartureTime=3600), before(), situation()))
    assert first.ask is not None
    inquiry = Inquiry(1, first.ask, 999.0)
    again = held(message.respond(scheduled(DepartureTime=3590), before(), situation(inquiry=inquiry)))
    assert again.ask == first.ask
