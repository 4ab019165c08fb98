"""The IO board's own rules: what it refuses and what it does without any host."""

from __future__ import annotations

import pytest

from hil.plant.board import (
    CLEAR_KEY,
    CONTACTOR,
    DIODE,
    E_STOP,
    LOCK,
    NO_CLOSE,
    OVER_TEMPERATURE,
    SUPPLY,
    WATCHDOG,
    WELD,
    Board,
)
from hil.plant.pilot import Generator, PilotState

STEP_S = 0.002


class Host:
    """Writes to the board as a host does, unless it is dead."""

    def __init__(self) -> None:
        self.board = Board()
        self.request = 0
        self.generator = Generator.PWM
        self.car = "C"
        self.dead = False

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            if not self.dead:
                b = self.board
                b.write(b.sequence, int(self.generator), 500, self.request, ~self.request & 0xFFFF)
            self.board.step(self.car, True, True, STEP_S)

    @property
    def closed(self) -> bool:
        return self.board.positive.closed and self.board.negative.closed


@pytest.fixture
def host() -> Host:
    host = Host()
    host.run(0.1)
    return host


def test_closes_and_opens(host: Host) -> None:
    host.request = CONTACTOR
    host.run(0.05)
    assert host.closed
    host.request = 0
    host.run(0.02)
    assert not host.closed


def test_refuses_without_active_duty(host: Host) -> None:
    host.generator = Generator.X1
    host.request = CONTACTOR
    host.run(0.2)
    assert not host.closed
    assert host.board.refused_closings == 1


@pytest.mark.parametrize("name", ["emergency_chain", "door_closed", "rcd"])
def test_opens_and_refuses_when_the_chain_opens(host: Host, name: str) -> None:
    host.request = CONTACTOR
    host.run(0.1)
    setattr(host.board.inputs, name, False)
    host.dead = True  # nobody tells it to
    host.run(0.02)
    assert not host.closed
    host.dead = False
    host.run(0.2)
    assert not host.closed


def test_emergency_stop_stays_latched_until_cleared_without_request(host: Host) -> None:
    host.board.inputs.emergency_chain = False
    host.run(0.05)
    host.board.inputs.emergency_chain = True
    host.request = CONTACTOR
    host.run(0.05)
    assert host.board.latched & E_STOP
    assert not host.closed
    assert not host.board.clear(CLEAR_KEY)
    host.request = LOCK
    host.run(0.05)
    assert not host.board.clear(0x1234)
    assert host.board.clear(CLEAR_KEY)
    assert host.board.latched == 0


def test_watchdog_opens_and_drives_f(host: Host) -> None:
    host.request = CONTACTOR
    host.run(0.1)
    host.dead = True
    host.run(0.95)
    assert host.closed
    host.run(0.15)
    assert not host.closed
    assert host.board.latched & WATCHDOG
    assert host.board.pilot is PilotState.F


def test_a_host_that_repeats_an_old_echo_does_not_kick(host: Host) -> None:
    echo = host.board.sequence
    for _ in range(700):
        host.board.write(echo, 3, 500, 0, 0xFFFF)
        host.board.step("C", True, True, STEP_S)
    assert host.board.latched & WATCHDOG


def test_the_two_channels_must_agree(host: Host) -> None:
    board = host.board
    board.write(board.sequence, 3, 500, CONTACTOR, ~CONTACTOR & 0xFFFC)
    assert board.request == 0
    assert board.ignored_writes == 1


def test_weld_and_no_close_are_latched_from_the_mirrors(host: Host) -> None:
    host.request = CONTACTOR
    host.run(0.1)
    host.board.negative.welded = True
    host.request = 0
    host.run(0.3)
    assert host.board.latched & WELD
    other = Host()
    other.board.positive.stuck_open = True
    other.request = CONTACTOR
    other.run(0.3)
    assert other.board.latched & NO_CLOSE


def test_heat_opens(host: Host) -> None:
    host.request = CONTACTOR
    host.run(0.1)
    host.board.temperature_degC = 95.0
    host.run(0.05)
    assert not host.closed
    assert host.board.latched & OVER_TEMPERATURE


def test_a_missing_diode_is_latched(host: Host) -> None:
    host.board.step("B", False, True, STEP_S)
    assert host.board.latched & DIODE


def test_lock_moves_and_can_be_stuck(host: Host) -> None:
    host.request = LOCK
    host.run(0.1)
    assert host.board.lock_state == 3
    host.run(0.3)
    assert host.board.lock_state == 2
    host.board.lock_stuck = True
    host.request = 0
    host.run(1.0)
    assert host.board.lock_state == 4


def test_a_low_supply_opens_and_stays_latched_until_cleared(host: Host) -> None:
    host.request = CONTACTOR
    host.run(0.05)
    assert host.closed
    host.board.supply_low = True
    host.run(0.02)
    assert not host.closed
    host.board.supply_low = False
    host.run(0.1)
    assert host.board.latched & SUPPLY
    assert not host.closed
    host.request = 0
    host.run(0.02)
    assert host.board.clear(CLEAR_KEY)
    host.request = CONTACTOR
    host.run(0.1)
    assert host.closed
