"""A car that speaks no protocol: the session orders a duty cycle, and the real AC stage closes, measures and opens by it."""

from __future__ import annotations

import pytest

from chargepoint.evse.events import (
    AuthorizationAnswered,
    AvailabilityChanged,
    BeginTransaction,
    EndTransaction,
    SessionOutput,
    TimePassed,
)
from chargepoint.evse.session import EvseSession
from chargepoint.model.commands import StopTransaction
from chargepoint.model.demand import AcOrder, Phase, PilotCommand, Setpoint, Source, StageDemand
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.image import Stage, TokenPresented
from chargepoint.model.limits import Interval
from chargepoint.model.pilot_duty import duty_percent
from chargepoint.model.status import AuthorizationStatus
from chargepoint.model.transactions import StopReason
from hil.plant.pilot import Generator
from tests.joined.ac_loop import AcLoop

EVSE = EvseId(1)
CARD = "04A1B2C3"


def current_of(duty: float) -> float:
    """What a car reads from the duty cycle (IEC 61851-1 Table A.8)."""
    if 10.0 <= duty <= 85.0:
        return 0.6 * duty
    return 2.5 * (duty - 64.0) if 85.0 < duty <= 97.0 else 0.0


class Place:
    """The session of an EVSE without a network, the real stage, and a car that draws what its pilot names."""

    def __init__(self, *, everybody: bool = False) -> None:
        self.session = EvseSession(
            EVSE,
            authorize_everybody=everybody,
            lease_s=0.5,
            ev_connection_timeout_s=lambda: 60.0,
            new_transaction_id=lambda: TransactionId("tx-1"),
            speaks=False,
        )
        self.loop = AcLoop()
        self.outputs: list[SessionOutput] = []
        self.power_W = 11_000.0
        self.wants = True
        """The car wants power: it goes to C while the pilot offers some."""

    def run(self, seconds: float) -> None:
        loop = self.loop
        for _ in range(round(seconds / 0.05)):
            loop.run(0.05)
            assert loop.image is not None
            self.outputs += self.session.feed(loop.image, loop.now_s)
            self.outputs += self.session.feed(TimePassed(), loop.now_s)
            setpoint = Setpoint(
                EVSE, self.power_W, Interval(-11_000.0, 22_000.0), Source.CSMS, None, "a test", loop.now_s + 9.0
            )
            loop.demand = self.session.stage_demand(setpoint, loop.now_s)
            self._drive(loop)

    def _drive(self, loop: AcLoop) -> None:
        duty, car = loop.plant.duty_percent, loop.plant.car
        offered = duty is not None and current_of(duty) > 0.0
        draws = car.plugged and self.wants and offered
        car.ordered_W = 690.0 * current_of(duty) if duty is not None and draws else 0.0
        car.pilot = "C" if draws or car.power_W > 0.0 else "B"  # the current goes first

    def authorise(self) -> None:
        self.session.feed(TokenPresented(EVSE, CARD, self.loop.now_s), self.loop.now_s)
        answer = AuthorizationAnswered(IdToken(CARD, IdTokenType.ISO14443), AuthorizationStatus.ACCEPTED)
        self.outputs += self.session.feed(answer, self.loop.now_s)

    def charging(self) -> Place:
        self.run(1.0)
        self.loop.plant.plug()
        self.run(1.0)
        self.authorise()
        self.run(4.0)
        assert self.loop.at(Stage.TRANSFER), self.loop.image
        return self

    @property
    def demand(self) -> StageDemand:
        assert self.loop.demand is not None
        return self.loop.demand


def test_before_the_card_the_pilot_offers_nothing_and_after_it_the_set_point_is_a_duty_cycle() -> None:
    """K02.FR.02: after authorisation the control pilot shows the greatest current that the profiles leave."""
    place = Place()
    place.run(1.0)
    place.loop.plant.plug()
    place.run(2.0)
    assert place.loop.plant.board.generator is Generator.X1 and not place.loop.plant.contactor_closed
    place.authorise()
    place.run(4.0)
    current_A = 11_000.0 / 690.0
    assert place.loop.plant.board.duty_percent == pytest.approx(duty_percent(current_A), abs=0.01)
    assert place.loop.plant.currents_A == pytest.approx((current_A,) * 3, rel=0.01)
    assert any(isinstance(output, BeginTransaction) for output in place.outputs)
    order = place.demand.order
    assert isinstance(order, AcOrder) and order.phases == 3
    assert order.phase_limits_A == pytest.approx((current_A,) * 3)


def test_another_set_point_is_another_duty_not_more_often_than_each_5_seconds() -> None:
    place = Place().charging()
    place.run(6.0)
    place.power_W = 6_900.0
    place.run(1.0)
    assert place.loop.plant.board.duty_percent == pytest.approx(duty_percent(10.0), abs=0.01)
    place.power_W = 5_520.0
    place.run(3.0)
    assert place.loop.plant.board.duty_percent == pytest.approx(duty_percent(10.0), abs=0.01)
    place.run(3.0)
    assert place.loop.plant.board.duty_percent == pytest.approx(duty_percent(8.0), abs=0.01)
    assert place.loop.at(Stage.TRANSFER) and set(place.loop.trips) == set()
    assert place.loop.largest_A == pytest.approx(8.0, rel=0.02)


def test_below_6_A_charging_is_suspended_and_goes_on_later() -> None:
    place = Place().charging()
    place.power_W = 3_000.0
    place.run(2.0)
    assert place.demand.pilot is PilotCommand.X1 and not place.loop.plant.contactor_closed
    place.power_W = 6_900.0
    place.run(8.0)
    assert place.loop.at(Stage.TRANSFER) and place.loop.largest_A == pytest.approx(10.0, rel=0.02)
    assert set(place.loop.trips) == set()


def test_a_car_that_pauses_in_b_is_opened_and_closed_again_in_c_within_its_transaction() -> None:
    place = Place().charging()
    place.wants = False
    place.run(1.0)
    assert not place.loop.plant.contactor_closed
    assert not any(isinstance(output, EndTransaction) for output in place.outputs)
    place.wants = True
    place.run(3.0)
    assert place.loop.at(Stage.TRANSFER) and set(place.loop.trips) == set()


def test_a_stop_takes_the_pwm_away_opens_and_ends_the_transaction() -> None:
    place = Place().charging()
    now_s = place.loop.now_s
    stop = StopTransaction(TransactionId("tx-1"))
    place.outputs += place.session.feed(stop, now_s)
    place.run(3.0)
    assert not place.loop.plant.contactor_closed and place.demand.phase is Phase.OFF
    assert place.loop.plant.opened_under_A < 1.0
    assert any(isinstance(output, EndTransaction) for output in place.outputs)
    place.run(6.0)
    assert place.loop.plant.board.generator is Generator.X1


def test_a_set_point_to_discharge_is_no_offer() -> None:
    place = Place().charging()
    place.power_W = -5_000.0
    place.run(3.0)
    assert place.demand.pilot is PilotCommand.X1 and place.demand.limits_W == Interval(0.0, 0.0)
    assert not place.loop.plant.contactor_closed


def test_where_everybody_may_charge_the_plug_is_enough() -> None:
    place = Place(everybody=True)
    place.run(1.0)
    place.loop.plant.plug()
    place.run(5.0)
    assert place.loop.at(Stage.TRANSFER)


def test_the_unplugged_pilot_offers_nothing() -> None:
    place = Place().charging()
    place.wants = False
    place.run(2.0)
    place.loop.plant.unplug()
    place.run(2.0)
    assert place.demand.pilot is PilotCommand.X1
    assert any(isinstance(output, EndTransaction) for output in place.outputs)


def test_an_evse_that_is_taken_out_of_service_charges_its_car_to_the_end_with_the_same_duty() -> None:
    place = Place().charging()
    place.session.feed(AvailabilityChanged(False), place.loop.now_s)
    place.run(2.0)
    assert place.loop.at(Stage.TRANSFER)
    assert place.loop.plant.board.duty_percent == pytest.approx(duty_percent(11_000.0 / 690.0), abs=0.01)


def test_after_a_restart_of_the_daemon_the_transaction_ends_for_nothing_proves_the_car() -> None:
    place = Place()
    place.loop.plant.plug()
    place.run(1.0)
    token = IdToken(CARD, IdTokenType.ISO14443)
    place.session.resume(
        TransactionId("tx-0"), token, StopReason.POWER_LOSS, place.loop.now_s, paused=False, started_s=1.0
    )
    place.run(5.0)
    assert place.demand.pilot is PilotCommand.X1 and not place.loop.plant.contactor_closed
    (end,) = [output for output in place.outputs if isinstance(output, EndTransaction)]
    assert end.reason is StopReason.POWER_LOSS


def test_where_everybody_may_charge_a_stopped_car_begins_no_second_transaction_until_it_is_plugged_anew() -> None:
    place = Place(everybody=True)
    place.run(1.0)
    place.loop.plant.plug()
    place.run(5.0)
    place.outputs += place.session.feed(StopTransaction(TransactionId("tx-1")), place.loop.now_s)
    place.run(6.0)
    assert len([output for output in place.outputs if isinstance(output, BeginTransaction)]) == 1
    assert place.session.transaction_id is None
    place.loop.plant.unplug()
    place.run(2.0)
    place.loop.plant.plug()
    place.run(5.0)
    assert place.loop.at(Stage.TRANSFER)
