"""An AC outlet behind a vendor's charge controller: it charges, follows a set-point, and ends; and what opens when the controller is silent."""

from __future__ import annotations

import pytest

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Contactor, ControlPilot, Stage
from tests.joined.controller_loop import ControllerLoop
from tests.unit.power.conftest import TICK_S

BOUNDS_S = {"phoenix_ev_cc_ac1": 1.2, "evse_din": 2.0}
"""How old the state of each may be, as its profile and docs/hardware.md state."""

MIRROR_S = 0.1
"""From the order to the line to open contacts, the kernel's edges included."""


@pytest.fixture(params=sorted(BOUNDS_S))
def loop(request: pytest.FixtureRequest) -> ControllerLoop:
    return ControllerLoop(request.param)


def test_a_car_charges_follows_a_set_point_and_ends(loop: ControllerLoop) -> None:
    loop.charge(16.0)
    assert loop.box.limit_A == 16.0
    assert loop.largest_A == pytest.approx(16.0, abs=0.1)
    assert loop.image is not None and loop.image.contactor is Contactor.CLOSED
    assert loop.image.duty_percent is None
    loop.offer(10.5)
    loop.until(lambda: loop.box.limit_A == 10.0, 6.5)  # whole amperes, never more than ordered
    loop.run(0.1)
    loop.follow_pilot()
    loop.run(8.0)
    assert loop.at(Stage.TRANSFER) and loop.largest_A == pytest.approx(10.0, abs=0.1)
    loop.plant.car.ordered_W = 0.0
    loop.run(1.0)
    loop.plant.car.pilot = "B"
    loop.until(lambda: loop.at(Stage.OFF), 2.0)
    loop.run(3.0)
    assert not loop.plant.contactor_closed and loop.plant.opened_under_A < 1.0
    assert loop.trips == {}


def test_a_stop_takes_the_pwm_away_and_opens_without_a_fault(loop: ControllerLoop) -> None:
    loop.charge(16.0)
    loop.stop()
    loop.until(lambda: loop.plant.duty_percent is None, 2.0)
    loop.plant.car.ordered_W = 0.0
    loop.until(lambda: loop.at(Stage.OFF), 8.0)
    loop.run(3.0)
    assert not loop.plant.contactor_closed and loop.trips == {}


def test_a_controller_that_falls_silent_under_current_is_cut_off_by_the_line_after_its_own_bound(
    loop: ControllerLoop,
) -> None:
    loop.charge(16.0)
    loop.box.silent = True
    silent_s, bound_s = loop.now_s, BOUNDS_S[loop.profile.id]
    loop.until(lambda: not loop.plant.contactor_closed, 5.0)
    assert bound_s - 1.0 <= loop.now_s - silent_s <= bound_s + TICK_S + MIRROR_S
    assert loop.box.relay_closed  # the controller itself goes on: the line opened
    assert set(loop.trips) == {FaultCode.PILOT_BOARD_COMMUNICATION}
    loop.run(2.0)
    assert not loop.plant.contactor_closed


def test_silent_lines_have_their_own_bound_and_not_that_of_the_controller(loop: ControllerLoop) -> None:
    loop.charge(16.0)
    lost_s = loop.now_s
    loop.lines_bus.close()  # the chip is gone: the kernel lets the line go
    loop.until(lambda: FaultCode.PILOT_BOARD_COMMUNICATION in loop.trips, 3.0)
    assert loop.now_s - lost_s <= 0.25 + 2 * TICK_S
    assert not loop.box.line_closed


def test_the_emergency_stop_is_on_the_lines_and_does_not_wait_for_the_controller(loop: ControllerLoop) -> None:
    loop.charge(16.0)
    loop.plant.board.inputs.emergency_chain = False
    loop.box.silent = True
    pressed_s = loop.now_s
    loop.until(lambda: FaultCode.EMERGENCY_STOP in loop.trips, 1.0)
    assert loop.now_s - pressed_s <= 0.05
    assert not loop.box.line_closed


def test_one_lost_answer_ends_nothing(loop: ControllerLoop) -> None:
    loop.charge(16.0)
    every_s = max(
        block.every_s or 0.0 for block in loop.profile.blocks.values() if block.function != 3 or block.count > 1
    )
    loop.box.silent = True
    loop.run(every_s)
    loop.box.silent = False
    loop.run(8.0)  # also while a late answer may still come
    assert loop.trips == {} and loop.at(Stage.TRANSFER)


def test_a_relay_that_falls_off_while_the_car_asks_is_an_opening_without_an_order(loop: ControllerLoop) -> None:
    loop.charge(16.0)
    loop.box.relay_fails = True
    failed_s = loop.now_s
    loop.until(lambda: loop.at(Stage.OPENING) or loop.at(Stage.OFF), 0.5)
    loop.until(lambda: FaultCode.CONTACTOR_OPENED in loop.trips, 4.0)
    assert BOUNDS_S[loop.profile.id] <= loop.now_s - failed_s <= BOUNDS_S[loop.profile.id] + 0.2
    assert loop.image is not None and loop.image.pilot is ControlPilot.C


def test_a_controller_that_keeps_its_current_is_not_believed(loop: ControllerLoop) -> None:
    loop.charge(16.0)
    loop.box.keeps = True
    loop.offer(8.0)
    loop.until(lambda: FaultCode.PILOT_BOARD_COMMUNICATION in loop.trips, 10.0)
    assert "look at its own settings" in loop.controller.identity_error
    loop.until(lambda: not loop.plant.contactor_closed, 0.2)


def test_a_welded_contactor_is_seen_by_the_lines(loop: ControllerLoop) -> None:
    loop.charge(16.0)
    loop.plant.car.ordered_W = 0.0
    loop.run(1.0)
    for pole in (loop.plant.board.positive, loop.plant.board.negative):
        pole.welded = True
    loop.stop()
    loop.run(10.0)
    assert FaultCode.CONTACTOR_WELDED in loop.trips
