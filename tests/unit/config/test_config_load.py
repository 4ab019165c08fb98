"""Loading: every mistake at once, each with file, line, value, bound and remedy."""

from pathlib import Path

import pytest

from chargepoint.config.load import ConfigError, parse

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
    assert "site.toml:6: [bus.main] baud: = 9999999" in text
    assert "921600" in text
    assert "did you mean identity?" in text
    assert "lease_s" in text
    assert "'required', 'optional' or 'off'" in text
    assert all(m.remedy for m in mistakes)


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
    assert "use one of: main" in mistake.remedy


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
