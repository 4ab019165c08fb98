"""An AC outlet whose pilot is a vendor's charge controller: what must stand beside it, and what `check` warns of."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargepoint.config.load import ConfigError, parse
from chargepoint.power.wiring import build, doubtful_buses, doubtful_devices, examine

FILE = Path("site.toml")
SITE = """
[bus.a]
port = "/dev/ttyS1"
baud = 9600
format = "8N1"
[bus.chip]
kind = "gpio"
port = "/dev/gpiochip0"
[meter.m]
driver = "profile"
profile = "eastron_sdm630"
bus = "a"
unit = 2
[pilot_board.box]
driver = "ac_controller"
profile = "phoenix_ev_cc_ac1"
bus = "a"
unit = 4
[pilot_board.lines]
driver = "gpio"
bus = "chip"
params = { contactor = 23, contactor_positive_feedback = 24, contactor_negative_feedback = 25, emergency_chain = 17 }
[evse.1]
outlet = "ac"
connector_type = "cType2"
pilot = "box"
contactors = "lines"
safety_inputs = ["lines"]
temperature = "none"
meter = "m"
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE, examine)
    return [str(mistake).partition("[evse.1] ")[2] for mistake in caught.value.mistakes]


@pytest.mark.parametrize("profile", ["phoenix_ev_cc_ac1", "evse_din"])
def test_a_controller_beside_lines_is_an_outlet(profile: str) -> None:
    station = build(parse(SITE.replace("phoenix_ev_cc_ac1", profile), FILE, examine))
    assert len(station.stages) == 1


def test_a_controller_alone_has_no_contactor_and_no_emergency_stop() -> None:
    alone = SITE.replace('contactors = "lines"\nsafety_inputs = ["lines"]\n', "")
    assert mistakes(alone) == [
        "contactors = 'box': this device has no contactors; name the [pilot_board.…] that has, in [evse.1] contactors",
        "safety_inputs = 'box': this device has no safety inputs; name the [pilot_board.…] that has, in [evse.1] safety_inputs",
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("emergency_chain = 17", "door = 17"), "nobody watches the emergency stop"),
        (('meter = "m"\n', 'meter = "m"\ninterface = "eth1"\n'), "it cannot show the 5 %"),
        (('"cType2"', '"sType2"\nlock = "lines"'), "a socket needs the resistor of the plug"),
        (('"cType2"', '"sType2"'), "this device has no lock"),
        (('temperature = "none"\n', ""), "has no contact sensors"),
        (('meter = "m"\n', 'meter = "m"\nproximity = "required"\n'), "does not measure the proximity contact"),
        (('profile = "phoenix_ev_cc_ac1"', 'profile = "eastron_sdm630"'), ""),
    ],
)
def test_what_it_cannot_do_is_a_mistake(change: tuple[str, str], expected: str) -> None:
    assert any(expected in line for line in mistakes(SITE.replace(*change)))


def test_check_warns_of_what_nobody_measures_and_of_what_the_source_leaves_open() -> None:
    config = parse(SITE, FILE, examine)
    said = [str(mistake) for mistake in doubtful_devices(config)]
    assert any("nothing here measures the duty cycle" in line for line in said)
    assert any("nothing here measures both levels" in line for line in said)
    assert any("not verified: no time-out of its own is known" in line for line in said)


def test_a_slow_device_widens_the_bound_of_its_own_wire_alone() -> None:
    config = parse(SITE, FILE, examine)
    assert list(doubtful_buses(config)) == []  # the meter holds the wire for 0.26 s: the box bears 0.72 s
    board = SITE.replace('driver = "ac_controller"\nprofile = "phoenix_ev_cc_ac1"', 'driver = "generic_io"')
    config = parse(board.replace('contactors = "lines"\n', ""), FILE, examine)
    assert any("at most 150 ms are good" in str(mistake) for mistake in doubtful_buses(config))


@pytest.mark.parametrize("profile", ["phoenix_ev_cc_ac1", "evse_din"])
def test_a_controller_alone_does_not_fill_its_bus(profile: str) -> None:
    text = SITE.replace("phoenix_ev_cc_ac1", profile).replace('bus = "a"\nunit = 2', 'bus = "b"\nunit = 2')
    config = parse('[bus.b]\nport = "/dev/ttyS2"\n' + text, FILE, examine)
    assert not [str(mistake) for mistake in doubtful_devices(config) if mistake.key[0] == "bus"]
