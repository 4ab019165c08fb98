"""Loading: every mistake at once, each with file, line, value, bound and remedy."""

from pathlib import Path

import pytest

from chargepoint.config.load import ConfigError, parse
from chargepoint.power.wiring import examine

FILE = Path("site.toml")

FIVE_MISTAKES = """\
[station]
model = "bidi-1"

[bus.main]
port = "/dev/ttyUSB0"
baud = 9999999

[csms]
url = "http://csms.example"
identiti = "CP1"

[power]
lease_s = 9.5

[iso15118]
tls = "maybe"
"""


def test_five_mistakes_are_all_reported_with_line_value_and_remedy() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(FIVE_MISTAKES, FILE)
    mistakes = caught.value.mistakes
    assert [m.line for m in mistakes] == [6, 9, 10, 13, 16]
    text = str(caught.value)
    assert "site.toml:6: [bus.main] baud = 9999999: " in text
    assert "921600" in text
    assert "did you mean identity?" in text
    assert "lease_s" in text
    assert "'required', 'optional' or 'off'" in text
    assert all(m.mistake.remedy for m in mistakes)


def test_cross_references_name_what_exists() -> None:
    text = """\
[bus.main]
port = "/dev/x"
[meter.m1]
driver = "profile"
bus = "mian"
"""
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    (mistake,) = caught.value.mistakes
    assert mistake.line == 5
    assert "use one of: main" in mistake.mistake.remedy


def test_two_devices_on_one_address_are_refused() -> None:
    text = """\
[bus.main]
port = "/dev/x"
[meter.m1]
driver = "profile"
bus = "main"
unit = 3
[meter.m2]
driver = "profile"
bus = "main"
unit = 3
"""
    with pytest.raises(ConfigError, match=r"already \[meter.m1\]"):
        parse(text, FILE)


SHARED = """\
[bus.a]
port = "/dev/ttyS1"
[bus.b]
port = "/dev/./ttyS1"
[bus.line]
kind = "line"
port = "/dev/ttyS2"
[token_reader.r1]
bus = "line"
[token_reader.r2]
bus = "line"
[power_module.p]
driver = "profile"
bus = "a"
unit = 1
[meter.m]
driver = "profile"
bus = "a"
unit = 2
[insulation_monitor.i]
driver = "bender"
bus = "a"
unit = 3
[pilot_board.io]
driver = "generic_io"
bus = "a"
unit = 4
[evse.1]
pilot = "io"
power_modules = ["p", "p"]
meter = "m"
insulation = "i"
token_reader = "r1"
[evse.2]
pilot = "io"
power_modules = ["p"]
meter = "m"
insulation = "i"
token_reader = "r1"
"""


def test_hardware_is_nowhere_used_twice() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(SHARED, FILE)
    assert [str(m).removeprefix("site.toml:").split("; ")[0] for m in caught.value.mistakes] == [
        "4: [bus.b] port = '/dev/./ttyS1': already [bus.a]",
        "11: [token_reader.r2] bus = 'line': already [token_reader.r1]",
        "30: [evse.1] power_modules = 'p': named twice",
        "35: [evse.2] pilot = 'io': already used by [evse.1]",
        "36: [evse.2] power_modules = 'p': already used by [evse.1]",
        "37: [evse.2] meter = 'm': already used by [evse.1]",
        "38: [evse.2] insulation = 'i': already used by [evse.1]",
        "39: [evse.2] token_reader = 'r1': already used by [evse.1]",
    ]


@pytest.mark.parametrize(
    ("csms", "expected"),
    [
        ('url = "wss://x"', ["security_profile = 1 with url"]),
        ('url = "wss://x"\nsecurity_profile = 2', ["password_file: is required"]),
        ('url = "wss://x"\nsecurity_profile = 3', ["certificate_file: is required", "key_file: is required"]),
        ("security_profile = 2", ["password_file: is required", "profiles 2 and 3 need"]),
        ("enabled = false\nsecurity_profile = 3", []),
    ],
)
def test_a_security_profile_says_all_it_lacks(csms: str, expected: list[str]) -> None:
    """A00.FR.004."""
    try:
        parse(f"[csms]\n{csms}\n", FILE)
        mistakes = []
    except ConfigError as error:
        mistakes = sorted(str(m) for m in error.mistakes)
    assert len(mistakes) == len(expected)
    assert all(part in line for part, line in zip(expected, mistakes, strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[power]\nlease_s = 0.1\ntick_ms = 50", "[power] lease_s = 0.1: at least three times tick_ms (50)"),
        (
            "[csms]\nreconnect_min_s = 9\nreconnect_max_s = 8",
            "[csms] reconnect_max_s = 8: at least reconnect_min_s (9)",
        ),
    ],
)
def test_two_times_that_do_not_go_together(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    assert [str(m).partition(": ")[2].split("; ")[0] for m in caught.value.mistakes] == [expected]


@pytest.mark.parametrize("text", ['[station]\nmodel = "a"\nmodel = "b"\n', "[station]\n[csms]\n[station]\n"])
def test_what_stands_twice_is_said_in_words_of_the_file(text: str) -> None:
    with pytest.raises(ConfigError, match="stands in the file once") as caught:
        parse(text, FILE)
    assert caught.value.mistakes[0].line == 3


def test_broken_syntax_names_its_line() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("[station]\nmodel = \n", FILE)
    assert caught.value.mistakes[0].line == 2


def test_an_empty_file_is_a_valid_configuration_with_everything_off() -> None:
    config = parse("", FILE)
    assert config.evse == {}


def test_a_schema_mistake_does_not_hide_a_dangling_name() -> None:
    text = """\
[bus.main]
port = "/dev/x"
baud = "fast"
[meter.m1]
driver = "profile"
bus = "mian"
[power]
tick_ms = 1
"""
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    assert [m.line for m in caught.value.mistakes] == [3, 6, 8]


HARDWARE_MISTAKES = """\
[bus.main]
port = "/dev/x"
baud = "fast"
[meter.m1]
driver = "profil"
bus = "main"
[meter.m2]
driver = "profile"
profile = "acrel_djsf1352"
bus = "main"
unit = 2
params = { ct = 5, invert = 3 }
[pilot_board.p1]
driver = "generic_io"
bus = "main"
unit = 3
params.watchdog_ms = 7
[pilot_board.p2]
bus = "main"
unit = 4
[evse.1]
pilot = "p2"
power_modules = ["psu"]
meter = "m1"
insulation = "imd"
"""


def test_mistakes_of_schema_names_and_drivers_are_told_together() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(HARDWARE_MISTAKES.replace('baud = "fast"', ""), FILE, examine)
    assert [str(m).removeprefix("site.toml:") for m in caught.value.mistakes] == [
        "5: [meter.m1] driver = 'profil': no such driver; known for meter: profile",
        "12: [meter.m2.params] ct: profile acrel_djsf1352 knows no such parameter; known are invert",
        "12: [meter.m2.params] invert = 3: true or false; correct it",
        "17: [pilot_board.p1.params] watchdog_ms = 7: whole milliseconds from 100 to 1000; correct it",
        "18: [pilot_board.p2] driver: is required; add it",
        "23: [evse.1] power_modules = 'psu': no such power_module; define [power_module.NAME] or use one of: none",
        "25: [evse.1] insulation = 'imd': no such insulation_monitor; "
        "define [insulation_monitor.NAME] or use one of: none",
    ]


def test_a_broken_bus_does_not_hide_what_hangs_on_it() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(HARDWARE_MISTAKES, FILE, examine)
    assert [m.line for m in caught.value.mistakes] == [3, 5, 12, 12, 17, 18, 23, 25]


@pytest.mark.parametrize("word", ["nan", "inf", "-inf"])
def test_no_number_is_not_a_number(word: str) -> None:
    with pytest.raises(ConfigError, match="finite"):
        parse(f"[power]\ninsulation_limit_ohm = {word}\n", FILE)


def test_a_wrong_item_of_a_list_is_reported_once_and_hides_nothing() -> None:
    text = """\
[iso15118]
control_modes = ["dynamic", "Scheduled", "Dynamic"]
[meter.m1]
driver = "profile"
bus = "mian"
"""
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    assert [(m.line, m.mistake.key) for m in caught.value.mistakes] == [
        (2, ("iso15118", "control_modes", 1)),
        (2, ("iso15118", "control_modes", 2)),
        (5, ("meter", "m1", "bus")),
    ]


def test_a_required_key_with_a_wrong_value_does_not_count_as_missing_too() -> None:
    text = """\
[evse.1]
pilot = "io1"
power_modules = []
meter = "m1"
insulation = "imd1"
"""
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    (mistake,) = [found for found in caught.value.mistakes if "power_modules" in found.mistake.key]
    assert mistake.line == 3
    assert "a list of 0: at least 1" in str(mistake)
    assert [found.mistake.key[-1] for found in caught.value.mistakes] == [
        "pilot",
        "power_modules",
        "meter",
        "insulation",
    ]


def test_one_value_where_a_list_is_needed_is_shown_as_a_list() -> None:
    with pytest.raises(ConfigError, match=r'write \["dynamic"\]'):
        parse('[iso15118]\ncontrol_modes = "dynamic"\n', FILE)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ws://host:931000", "Port out of range"),
        ("ws://host:port/path", "from 1 to 65535"),
        ("ws://", "names no host"),
        ("ws://:9000/path", "names no host"),
        ("ws://CP1:secret@host", "password_file"),
    ],
)
def test_an_address_that_leads_nowhere_is_a_mistake(url: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f'[csms]\nurl = "{url}"\n', FILE)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
