"""What [evse.N] outlet needs: a DC outlet its devices, an AC outlet none of them and a connector that carries AC."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargepoint.config.load import ConfigError, load, parse
from chargepoint.model.ids import EvseId
from chargepoint.power.wiring import build, doubtful_devices, examine
from chargepoint.safety.interlocks.row import Outlet

ROOT = Path(__file__).resolve().parents[3]
FILE = Path("site.toml")
AC = '[evse.1]\noutlet = "ac"\nconnector_type = "cType2"\n'


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    return [str(mistake).removeprefix("site.toml:") for mistake in caught.value.mistakes]


def test_an_ac_outlet_has_nominal_values_of_its_own() -> None:
    evse = parse(site(), FILE).evse[1]
    assert (evse.outlet, evse.ac_voltage_V, evse.ac_frequency_Hz, evse.ac_phases) == ("ac", 230.0, 50.0, 3)
    assert (evse.ventilated, evse.ac_over_percent) == (False, 10.0)


def test_an_ac_outlet_without_devices_names_each_of_them() -> None:
    found = mistakes(AC)
    for key in ("pilot", "meter"):
        assert f"1: [evse.1] {key}: is required by outlet = 'ac'; add it" in found


def test_the_ac_demo_is_good() -> None:
    assert load(ROOT / "config" / "demo-ac.toml").evse[1].outlet == "ac"


def test_a_dc_outlet_without_devices_names_each_of_them() -> None:
    found = mistakes("[evse.1]\n")
    assert [line.partition(":")[0] for line in found] == ["1"] * 4
    for key in ("pilot", "power_modules", "meter", "insulation"):
        assert f"1: [evse.1] {key}: is required by outlet = 'dc'; add it, or write outlet = \"ac\"" in found


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('power_modules = ["psu"]', "power_modules"),
        ('insulation = "imd"', "insulation"),
        ("charge_power_max_W = 50000.0", "at most 22080"),
        ("ac_phases = 2", "1 or 3"),
    ],
)
def test_what_an_ac_outlet_cannot_have(line: str, words: str) -> None:
    assert any(words in found for found in mistakes(f"{AC}{line}\n"))


@pytest.mark.parametrize(("outlet", "connector"), [("ac", "cCCS2"), ("dc", "cType2")])
def test_the_connector_carries_what_the_outlet_delivers(outlet: str, connector: str) -> None:
    found = mistakes(f'[evse.1]\noutlet = "{outlet}"\nconnector_type = "{connector}"\n')
    assert any("connector_type" in line and connector in line for line in found)


SITE = """
[bus.a]
port = "/dev/ttyA"
[bus.b]
port = "/dev/ttyB"
[pilot_board.io]
driver = "generic_io"
bus = "a"
[meter.m]
driver = "profile"
profile = "PROFILE"
bus = "b"
[evse.1]
outlet = "ac"
connector_type = "sType2"
ac_phases = PHASES
current_max_A = 16.0
charge_power_max_W = 3600.0
pilot = "io"
meter = "m"
"""


def site(profile: str = "eastron_sdm630", phases: int = 3) -> str:
    return SITE.replace("PROFILE", profile).replace("PHASES", str(phases))


def test_a_meter_of_direct_current_does_not_fit_an_ac_outlet() -> None:
    with pytest.raises(ConfigError, match="a meter of direct current at an AC outlet"):
        parse(site("acrel_djsf1352"), FILE, examine)


@pytest.mark.parametrize("phases", [1, 3])
def test_an_ac_outlet_with_board_and_meter_is_built(phases: int) -> None:
    stage = build(parse(site(phases=phases), FILE, examine)).stages[EvseId(1)]
    assert stage._hw.outlet.kind is Outlet.AC
    assert stage._hw.grid_meter is stage._hw.meter  # frequency and voltages of the window come from its own meter
    assert stage._hw.io.discharge is None
    assert stage._ratings.grid.phases == phases
    assert stage._ratings.proximity_required  # at a socket the plug's resistor bounds the current
    names = [name for name, _ in stage.identity_errors]
    assert names == ["io", "m"]


@pytest.mark.parametrize(
    "line", ["current_max_A = 501.0", "charge_power_max_W = 1000001.0", "discharge_power_max_W = 1000001.0"]
)
def test_only_a_megawatt_connector_carries_more_than_500_A_or_1_MW(line: str) -> None:
    key = line.split(" = ")[0]
    of_ccs = mistakes(f'[evse.1]\nconnector_type = "cCCS2"\n{line}\n')
    assert any(key in found and "cMCS" in found for found in of_ccs)
    of_mcs = mistakes(f'[evse.1]\nconnector_type = "cMCS"\n{line}\n')
    assert not any(key in found for found in of_mcs)


def test_a_grid_meter_that_nothing_reads_is_a_warning() -> None:
    grid = '[meter.g]\ndriver = "profile"\nprofile = "eastron_sdm630"\nbus = "b"\nunit = 7\n[grid]\nmeter = "g"\n'
    config = parse(site() + grid, FILE, examine)
    assert any("nothing reads it" in str(doubt) for doubt in doubtful_devices(config))
    assert not any("nothing reads it" in str(doubt) for doubt in doubtful_devices(parse(site(), FILE)))


def test_a_dc_and_an_ac_outlet_share_one_power_process() -> None:
    demo = (ROOT / "config" / "demo.toml").read_text()
    ac = site().replace("[evse.1]", "[evse.3]").replace('"io"', '"io3"').replace('"m"', '"m3"')
    ac = ac.replace("[pilot_board.io]", "[pilot_board.io3]").replace("[meter.m]", "[meter.m3]")
    stages = build(parse(demo + ac, FILE, examine)).stages
    assert [stage._hw.outlet.kind for stage in stages.values()] == [Outlet.DC, Outlet.DC, Outlet.AC]
