"""Allowed and hardly meant: each doubtful value is a warning with its line, and prevents nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargepoint.config.doubts import doubts
from chargepoint.config.load import study_text
from chargepoint.power.wiring import doubtful_buses, examine

FILE = Path("site.toml")
HARDWARE = """\
[bus.main]
port = "/dev/x"
baud = 115200
[power_module.psu]
driver = "profile"
profile = "ea_psb_10000"
bus = "main"
unit = 1
params = { nominal_voltage_V = 1000.0, nominal_current_A = 40.0, nominal_power_W = 30000.0 }
[meter.m]
driver = "profile"
profile = "METER"
bus = "main"
unit = 2
params = { PARAMS }
[insulation_monitor.i]
driver = "bender"
profile = "bender_isoev425"
bus = "main"
unit = 3
[pilot_board.io]
driver = "generic_io"
bus = "main"
unit = 4
[evse.1]
pilot = "io"
power_modules = ["psu"]
meter = "m"
insulation = "i"
current_max_A = 40.0
"""
GOOD = HARDWARE.replace("METER", "sunspec_714_dc").replace("PARAMS", "base_address = 40070")
PASSWORD = '[csms]\npassword_file = "/etc/password"\n'


def warned(text: str) -> list[str]:
    """The warnings of a text that has no mistakes, without the file's name."""
    findings = study_text(text, FILE, [examine], [doubts, doubtful_buses])
    assert findings.mistakes == ()
    assert findings.config() is not None
    return [str(warning).removeprefix("site.toml:") for warning in findings.warnings]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "[energy]\nminimum_soc_percent = 0.2",
            "2: [energy] minimum_soc_percent = 0.2: 0.2 %; did you mean 20 %? Write 20",
        ),
        (
            "[energy]\nsite_import_max_W = 43",
            "2: [energy] site_import_max_W = 43: 43 W; did you mean 43 kW? Write 43000",
        ),
        ("[energy]\ndefault_power_W = 11", "2: [energy] default_power_W = 11: 11 W; did you mean 11 kW? Write 11000"),
        ('[bus.b]\nport = "/dev/x"\nbaud = 11520', "3: [bus.b] baud = 11520: no common rate; did you mean 115200?"),
        ('[bus.b]\nport = "/dev/x"\nbaud = 9500', "3: [bus.b] baud = 9500: no common rate; did you mean 9600?"),
    ],
)
def test_a_value_out_of_scale_is_doubted(text: str, warning: str) -> None:
    assert warned(f"{text}\n{PASSWORD}") == [warning]


@pytest.mark.parametrize("text", ["[energy]\nminimum_soc_percent = 0", "[energy]\nsite_export_max_W = 0"])
def test_zero_is_meant(text: str) -> None:
    assert warned(f"{text}\n{PASSWORD}") == []


def test_an_evse_above_its_module_is_doubted() -> None:
    assert [w for w in warned(GOOD + "discharge_power_max_W = 31000\n" + PASSWORD) if "evse" in w] == [
        "31: [evse.1] discharge_power_max_W = 31000: its power modules give 30000 W (nominal_power_W of psu); "
        "write at most 30000, or correct the modules"
    ]
    text = GOOD.replace("current_max_A = 40.0\n", "current_max_A = 400.0\n") + PASSWORD
    assert any("current_max_A = 400: its power modules give 40 A" in warning for warning in warned(text))


def test_thirty_watts_of_an_evse_are_doubted() -> None:
    warnings = warned(GOOD + "charge_power_max_W = 30\n" + PASSWORD)
    assert any("charge_power_max_W = 30: 30 W; did you mean 30 kW? Write 30000" in warning for warning in warnings)


@pytest.mark.parametrize(
    ("meter", "params", "slow"),
    [("sunspec_714_dc", "base_address = 40070", ["16: [insulation_monitor.i]"]),
     ("acrel_djsf1352", "invert = false", ["10: [meter.m]", "16: [insulation_monitor.i]"])],
)  # fmt: skip
def test_a_slow_device_on_the_pilot_boards_wire_is_doubted(meter: str, params: str, slow: list[str]) -> None:
    text = HARDWARE.replace("METER", meter).replace("PARAMS", params) + PASSWORD
    found = [w for w in warned(text) if "shared with [pilot_board.io]" in w]
    lines = {"10: [meter.m]": "13: [meter.m]", "16: [insulation_monitor.i]": "19: [insulation_monitor.i]"}
    assert [w.split(" bus")[0] for w in found] == [lines[place] for place in slow]
    assert "260 ms, at most 150 ms" in found[-1]


def test_the_identity_in_the_url_is_doubted() -> None:
    assert len(warned('[csms]\nurl = "ws://host/ocpp/CP70"\nidentity = "CP7"\n')) == 1  # that of the password
    (_, first) = warned('[csms]\nurl = "ws://host/ocpp/CP7"\nidentity = "CP7"\n')
    assert first.startswith("2: [csms] url = 'ws://host/ocpp/CP7': it ends with the identity")
    assert first.endswith("write 'ws://host/ocpp'")


def test_profile_1_without_a_password_is_doubted() -> None:
    assert "anybody who knows the identity can pose as this station" in warned("[csms]\n")[0]
    assert warned(PASSWORD) == []
    assert warned("[csms]\nenabled = false\n") == []


def test_warnings_and_mistakes_come_together() -> None:
    findings = study_text("[energy]\nminimum_soc_percent = 0.2\n[power]\nlease_s = 9\n", FILE, [], [doubts])
    assert [m.line for m in findings.mistakes] == [4]
    assert 2 in [w.line for w in findings.warnings]


@pytest.mark.parametrize(("number", "warnings"), [(1, 0), (2, 1), (7, 1)])
def test_evse_numbers_have_no_gap(number: int, warnings: int) -> None:
    text = PASSWORD + GOOD.replace("[evse.1]", f"[evse.{number}]")
    found = [line for line in warned(text) if "without a gap" in line]
    assert len(found) == warnings
    assert all("write [evse.1]" in line and f"[evse] {number}" in line for line in found), found


def test_evse_numbers_mean_nothing_without_a_central_system() -> None:
    assert not any("gap" in line for line in warned("[csms]\nenabled = false\n" + GOOD.replace("evse.1", "evse.7")))


def test_a_log_of_session_keys_is_doubted() -> None:
    (found,) = warned('[iso15118]\ntls_key_log_file = "/tmp/session.keys"\n' + PASSWORD)
    assert found.startswith("2: [iso15118] tls_key_log_file = '/tmp/session.keys': the secrets of every TLS session")
    assert warned(PASSWORD) == []
    assert warned('[iso15118]\nenabled = false\ntls_key_log_file = "/tmp/session.keys"\n' + PASSWORD) == []
