"""Which wire may wait for a wake-up that comes anyway, and what is decoded again."""

from __future__ import annotations

import pytest

from drivers.modbus.frame import sealed
from drivers.modbus.rtu import RtuMaster
from drivers.modbus.transaction import Priority, Read
from drivers.profile.codec import resolve_params
from drivers.profile.load import shipped
from drivers.profile.polled import PolledProfile


def _master(*priorities: Priority) -> RtuMaster:
    master = RtuMaster("bus", 115200)
    master.connected(0.0)
    for place, priority in enumerate(priorities):
        master.submit(Read(1, 3, place, 1), lambda outcome: None, priority)
    return master


@pytest.mark.parametrize(
    ("priorities", "unhurried"),
    [
        ((), True),
        ((Priority.SLOW,), True),
        ((Priority.SLOW, Priority.FAST), False),
        ((Priority.SETPOINT,), False),
        ((Priority.STOP,), False),
    ],
)
def test_only_slow_reads_may_wait(priorities: tuple[Priority, ...], unhurried: bool) -> None:
    assert _master(*priorities).unhurried is unhurried


def test_a_fast_read_that_is_out_may_not_wait() -> None:
    master = _master(Priority.FAST)
    assert master.to_send(1.0)
    assert not master.unhurried


def test_nothing_is_sent_in_the_moment_of_an_answer_and_the_next_request_after_the_silence() -> None:
    master = _master(Priority.FAST, Priority.FAST)
    assert master.to_send(1.0)
    master.receive(sealed(bytes((1, 3, 2, 0, 5))), 1.01)
    assert master.answered == 1
    assert master.to_send(1.01) == b""
    assert master.deadline_s is not None and 1.0117 < master.deadline_s < 1.013
    assert master.to_send(master.deadline_s)


def test_a_value_that_was_assumed_gives_way_to_the_next_read_even_of_the_same_registers() -> None:
    profile = shipped("ea_psb_10000")
    nominal = {"nominal_voltage_V": 1000.0, "nominal_current_A": 40.0, "nominal_power_W": 30000.0}
    master = RtuMaster("bus", 115200)
    polled = PolledProfile("psu", profile, resolve_params(profile, nominal), 1, master, lambda block, at_s: None)
    block = profile.blocks["settings"]
    polled._decode(block, (0, 0, 0, 0, 0))
    polled.assume("voltage_set_V", 400.0)
    assert polled.number("voltage_set_V") == 400.0
    polled._decode(block, (0, 0, 0, 0, 0))
    assert polled.number("voltage_set_V") == 0.0
