"""An EVSE whose pilot is on a board and whose contactors, lock or emergency stop are on GPIO lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargepoint.config.load import ConfigError, parse
from chargepoint.power.wiring import build, examine

FILE = Path("site.toml")
SITE = """
[bus.a]
port = "/dev/ttyS1"
[bus.can]
kind = "can"
port = "can0"
[bus.chip]
kind = "gpio"
port = "/dev/gpiochip0"
[power_module.p]
driver = "infypower_beg1k075g"
bus = "can"
unit = 3
[meter.m]
driver = "profile"
profile = "acrel_djsf1352"
bus = "a"
unit = 2
[insulation_monitor.i]
driver = "bender"
profile = "bender_isoev425"
bus = "a"
unit = 3
[pilot_board.io]
driver = "generic_io"
bus = "a"
unit = 4
[pilot_board.lines]
driver = "gpio"
bus = "chip"
params = { LINES }
[evse.1]
pilot = "io"
power_modules = ["p"]
meter = "m"
insulation = "i"
KEYS
"""
CONTACTOR = "contactor = 23, contactor_positive_feedback = 24, contactor_negative_feedback = 25"


def site(lines: str, keys: str) -> str:
    return SITE.replace("LINES", lines).replace("KEYS", keys)


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE, examine)
    return [str(mistake).partition("[evse.1] ")[2] for mistake in caught.value.mistakes]


def test_contactors_and_emergency_stop_on_lines_the_rest_on_the_board() -> None:
    config = parse(
        site(f"{CONTACTOR}, emergency_chain = 17", 'contactors = "lines"\nsafety_inputs = ["lines"]'),
        FILE,
        examine,
    )
    station = build(config)
    assert len(station.stages) == 1
    assert {bus.name for bus in station.buses} == {"a", "can", "chip"}


def test_a_device_without_the_part_is_named() -> None:
    assert mistakes(site("emergency_chain = 17", 'lock = "lines"')) == [
        "lock = 'lines': this device has no lock; name the [pilot_board.…] that has, in [evse.1] lock"
    ]


def test_lines_alone_are_no_pilot() -> None:
    found = mistakes(site(f"{CONTACTOR}, door = 17", "").replace('pilot = "io"', 'pilot = "lines"'))
    assert {line.partition(" =")[0].partition(":")[0] for line in found} == {"safety_inputs", "pilot", "lock"}
    assert any("nobody watches the emergency stop" in line for line in found)


def test_a_board_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"contactors = 'other': no such pilot_board"):
        parse(site("door = 4", 'contactors = "other"'), FILE, examine)
