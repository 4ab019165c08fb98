"""[evse.N] slac: what it needs, and what is of no use without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargepoint.app.site_check import missing_interfaces
from chargepoint.config.load import ConfigError, parse

FILE = Path("site.toml")
DEMO = (Path(__file__).resolve().parents[3] / "config" / "demo-ac.toml").read_text()


def site(*lines: str) -> str:
    """The AC demo with these lines in its EVSE, and without its own interface."""
    kept = [line for line in DEMO.splitlines() if not line.startswith("interface")]
    at = kept.index("[evse.1]") + 1
    return "\n".join([*kept[:at], *lines, *kept[at:]])


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_the_default_is_none() -> None:
    evse = parse(site(), FILE).evse[1]
    assert (evse.slac, evse.slac_interface, evse.slac_attenuation_offset_dB) == ("none", None, 0.0)


def test_a_modem_with_its_interface_is_good() -> None:
    lines = ('interface = "eth1"', 'slac = "modem"', 'slac_interface = "eth2"', "slac_attenuation_offset_dB = 4.5")
    evse = parse(site(*lines), FILE).evse[1]
    assert (evse.slac, evse.slac_interface, evse.slac_attenuation_offset_dB) == ("modem", "eth2", 4.5)


def test_slac_without_an_interface() -> None:
    found = mistakes(site('slac = "modem"'))
    assert len(found) == 1
    assert "[evse.1] interface: is required by slac = 'modem'" in found[0]


@pytest.mark.parametrize("line", ['slac_interface = "eth2"', "slac_attenuation_offset_dB = 3.0"])
def test_keys_of_slac_without_slac(line: str) -> None:
    found = mistakes(site('interface = "eth1"', line))
    assert len(found) == 1
    assert "with slac = 'none'; write slac = \"modem\", or remove the key" in found[0]


@pytest.mark.parametrize("offset_dB", ["-1", "41"])
def test_an_offset_has_bounds(offset_dB: str) -> None:
    assert mistakes(site('interface = "eth1"', 'slac = "modem"', f"slac_attenuation_offset_dB = {offset_dB}"))


def test_without_conversations_a_match_leads_nowhere() -> None:
    text = site('interface = "eth1"', 'slac = "modem"').replace("[iso15118]", "[iso15118]\nenabled = false", 1)
    assert any("would find nobody to talk to" in found for found in mistakes(text))


def test_an_interface_that_is_not_there_is_doubtful() -> None:
    lines = ('interface = "lo"', 'slac = "modem"', 'slac_interface = "modem-9"')
    found = list(missing_interfaces(parse(site(*lines), FILE)))
    assert [mistake.key for mistake in found] == [("evse", 1, "slac_interface")]
