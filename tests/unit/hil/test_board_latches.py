"""What the simulated board latches of a dip that is over before anybody asks, and when it lets go."""

from __future__ import annotations

import pytest

from hil.plant.board import CHAIN, CLEAR_KEY, CONTACTOR, DOOR, OPENED, RCD, Board
from hil.plant.pilot import Generator

STEP_S = 0.002


def run(board: Board, seconds: float, request: int) -> None:
    for _ in range(round(seconds / STEP_S)):
        board.write(board.sequence, int(Generator.PWM), 500, request, ~request & 0xFFFF)
        board.step("C", True, True, STEP_S)


@pytest.fixture
def closed() -> Board:
    board = Board()
    run(board, 0.2, CONTACTOR)
    assert board.positive.closed and board.latched == 0
    return board


@pytest.mark.parametrize(("name", "bit"), [("door_closed", DOOR), ("rcd", RCD), ("chain_link", CHAIN)])
def test_a_dip_of_one_step_is_latched_by_name_and_keeps_the_contactor_open(closed: Board, name: str, bit: int) -> None:
    setattr(closed.inputs, name, False)
    run(closed, STEP_S, CONTACTOR)
    setattr(closed.inputs, name, True)
    run(closed, 0.5, CONTACTOR)
    assert closed.latched == bit
    assert not closed.positive.closed
    assert not closed.clear(CLEAR_KEY)  # the request is still there
    run(closed, 0.1, 0)
    assert closed.clear(CLEAR_KEY)
    run(closed, 0.2, CONTACTOR)
    assert closed.positive.closed


def test_a_coil_that_loses_its_supply_is_latched_as_an_opening(closed: Board) -> None:
    closed.coil_supply = False
    run(closed, 0.014, CONTACTOR)
    closed.coil_supply = True
    run(closed, 0.5, CONTACTOR)
    assert closed.latched == OPENED
    assert not closed.positive.closed


def test_an_ordered_opening_and_an_open_door_without_a_request_latch_nothing(closed: Board) -> None:
    run(closed, 0.2, 0)
    closed.inputs.door_closed = False
    run(closed, 0.1, 0)
    assert closed.latched == 0


def test_an_older_board_closes_again_by_itself(closed: Board) -> None:
    closed.latches_causes = False
    closed.inputs.door_closed = False
    run(closed, 0.014, CONTACTOR)
    assert not closed.positive.closed
    closed.inputs.door_closed = True
    run(closed, 0.1, CONTACTOR)
    assert closed.latched == 0
    assert closed.positive.closed
