"""Two EVSEs on a stack of modules: what the file must say, and what is built of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargepoint.config.load import ConfigError, parse
from chargepoint.power.stack_share import StackShare
from chargepoint.power.wiring import build, examine

FILE = Path("site.toml")
LINKS = tuple(f"{name}_to_{evse}" for name in "pqr" for evse in (1, 2))
LINES = "\n".join(f"{link} = {2 * i}\n{link}_feedback = {2 * i + 1}" for i, link in enumerate(LINKS))
EVSE = """
[meter.mN]
driver = "profile"
profile = "acrel_djsf1352"
bus = "bN"
unit = 2
[insulation_monitor.iN]
driver = "bender"
profile = "bender_isoev425"
bus = "bN"
unit = 3
[pilot_board.ioN]
driver = "generic_io"
bus = "bN"
unit = 4
[bus.bN]
port = "/dev/ttySN"
[evse.N]
pilot = "ioN"
stack = "main"
meter = "mN"
insulation = "iN"
"""
SITE = (
    """
[bus.can]
kind = "can"
port = "can0"
[bus.chip]
kind = "gpio"
port = "/dev/gpiochip0"
[stack.main]
modules = ["p", "q", "r"]
matrix = "x"
[matrix.x]
driver = "gpio"
bus = "chip"
[matrix.x.params]
"""
    + LINES
    + "".join(
        f'\n[power_module.{name}]\ndriver = "infypower_beg1k075g"\nbus = "can"\nunit = {unit}'
        for unit, name in enumerate("pqr", 3)
    )
    + EVSE.replace("N", "1")
    + EVSE.replace("N", "2")
)


def mistakes(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE, examine)
    return "\n".join(str(mistake) for mistake in caught.value.mistakes)


def test_each_evse_gets_its_share_and_the_buses_of_the_stack() -> None:
    station = build(parse(SITE, FILE, examine))
    (stack,) = station.stacks
    assert set(stack.shares) == {1, 2} and all(isinstance(share, StackShare) for share in stack.shares.values())
    for evse_id, buses in station.buses_of.items():
        assert {bus.name for bus in buses} == {f"b{evse_id}", "can", "chip"}
        hardware = station.stages[evse_id]._hw
        assert [bus.name for bus in hardware.buses] == [f"b{evse_id}"]  # a dead wire of one module stops nobody


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('matrix = "x"', 'matrix = "y"', "= 'y': no such matrix"),
        ('"p", "q", "r"]', '"p", "q", "z"]', "= 'z': no such power_module"),
        ('"p", "q", "r"]', '"p", "q", "r", "r"]', "named twice"),
        ('stack = "main"\nmeter = "m2"', 'stack = "other"\nmeter = "m2"', "= 'other': no such stack"),
        ('stack = "main"\nmeter = "m2"', 'stack = "main"\npower_modules = ["r"]\nmeter = "m2"', "beside power_modules"),
        ('stack = "main"\nmeter = "m2"', 'power_modules = ["r"]\nmeter = "m2"', "already used by [evse.2]"),
        ('"p", "q", "r"]', '"p", "q"]', "it connects r to EVSE 1, which are not both of this stack"),
        ("r_to_1 = 8\nr_to_1_feedback = 9\nr_to_2 = 10\nr_to_2_feedback = 11", "", "it connects r to no EVSE"),
        ("p_to_1_feedback = 1\n", "", "name the line of each contactor and of its feedback"),
        ("p_to_1 = 0\n", "p_at_1 = 0\n", "this driver knows no such parameter"),
        ("p_to_1 = 0\n", "p_to_1 = 5\n", "give each use a line of its own"),
        ('driver = "gpio"\nbus = "chip"', 'driver = "gpio"\nbus = "can"', "not a GPIO chip"),
    ],
)
def test_what_cannot_be_used_is_a_mistake_with_its_remedy(old: str, new: str, words: str) -> None:
    assert old in SITE
    assert words in mistakes(SITE.replace(old, new, 1))


def test_an_evse_that_the_matrix_does_not_reach() -> None:
    text = "\n".join(line for line in SITE.splitlines() if "_to_2" not in line)
    assert "it connects no module to EVSE 2" in mistakes(text)
