"""What [iso15118] and [evse.N] say about the wire to the car."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargepoint.config.load import ConfigError, parse

FILE = Path("site.toml")
TWO = """\
[evse.1]
outlet = "ac"
connector_type = "cType2"
interface = "plc1"
pilot = "p1"
meter = "e1"
[evse.2]
outlet = "ac"
connector_type = "cType2"
interface = "{}"
pilot = "p2"
meter = "e2"
[bus.b]
port = "/dev/b"
[pilot_board]
p1 = {{driver = "generic_io", bus = "b", unit = 1}}
p2 = {{driver = "generic_io", bus = "b", unit = 2}}
[meter]
e1 = {{driver = "profile", profile = "eastron-sdm630", bus = "b", unit = 3}}
e2 = {{driver = "profile", profile = "eastron-sdm630", bus = "b", unit = 4}}
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    return [str(mistake).removeprefix("site.toml:") for mistake in caught.value.mistakes]


def test_two_connectors_never_share_a_modem() -> None:
    assert mistakes(TWO.format("plc1")) == [
        "10: [evse.2] interface = 'plc1': already used by [evse.1]; "
        "each connector has a PLC modem of its own: name its interface, or remove the key"
    ]
    assert parse(TWO.format("plc2"), FILE).evse[2].interface == "plc2"


@pytest.mark.parametrize("prefix", ["", "DE OCP", "DE\\u0007", "ÄÖ"])
def test_an_evse_id_has_letters_digits_and_asterisks(prefix: str) -> None:
    (line,) = mistakes(f'[iso15118]\nevse_id_prefix = "{prefix}"\n{TWO.format("plc2")}')
    assert line.startswith("2: [iso15118] evse_id_prefix = ")
    assert "letters, digits and *" in line
