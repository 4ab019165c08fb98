"""Profiles: shipped ones are clean, mistakes are found with their place, values decode and encode."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.unusable import UnusableDevice
from drivers.profile.codec import OutOfClamp, PointCodec, resolve_params
from drivers.profile.load import PROFILES, load, parse, shipped
from drivers.profile.schema import DeviceProfile, ProfileError

GOOD = """
schema = 1
id = "m"
class = "powermeter"
vendor = "v"
model = "m"
source = "a manual, page 3"
[identify]
point = "voltage_V"
regex = "."
[blocks.b]
fc = 3
start = 0
count = 10
every_ms = 100
[points.voltage_V]
block = "b"
addr = 0
type = "u16"
scale = 0.1
maps_to = "voltage_V"
[points.current_A]
block = "b"
addr = 1
type = "i16"
maps_to = "current_A"
[points.power_W]
block = "b"
addr = 2
type = "i32"
maps_to = "power_W"
[points.import_Wh]
block = "b"
addr = 4
type = "u32"
maps_to = "import_Wh"
[points.export_Wh]
block = "b"
addr = 6
type = "u32"
word_order = "little"
maps_to = "export_Wh"
[[test]]
point = "voltage_V"
regs = [4001]
value = 400.1
"""


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_profiles_are_clean(path: Path) -> None:
    profile = load(path)
    assert profile.id == path.stem
    assert profile.vectors


def test_the_little_good_one_is_good() -> None:
    assert parse(GOOD, "m.toml").points["export_Wh"].high_word_first is False


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('vendor = "v"', 'vendor = "v"\ncolour = "red"', "unknown key"),
        ("addr = 6", "addr = 9", "outside block b (0..9)"),
        ("scale = 0.1", "scale = 0", "[points.voltage_V] scale = 0: every value would be 0"),
        ("scale = 0.1", 'scale = 0.1\nunit = "mV"', "unit = 'mV': what maps_to 'voltage_V' is in V"),
        ("scale = 0.1", "scale = 0.1\nrange = [9, 1]", "range = [9, 1]: the lower one first"),
        ("scale = 0.1", 'scale = 0.1\nrange = ["a", 1]', "'a': no such parameter; add [params.a]"),
        ("scale = 0.1", "scale = 0.1\nwrite_fc = 6\nclamp = [9, 1]", "clamp = [9, 1]: the lower one first"),
        (
            "[points.voltage_V]",
            '[params]\ns = { default = false }\n[points.voltage_V]\nscale_by = ["s"]',
            "'s': a switch, or its bounds hold 0, cannot scale",
        ),
        (
            "[points.voltage_V]",
            '[params]\ns = { default = 1, min = 0, max = 2 }\n[points.voltage_V]\nscale_over = ["s"]',
            "'s': a switch, or its bounds hold 0, cannot scale",
        ),
        ("regs = [4001]", "regs = [70000]", "[[test]] 0 regs: each from 0 to 65535"),
        (
            "[identify]",
            "[bus]\nbackoff_min_ms = 900\nbackoff_max_ms = 20\n[identify]",
            "[bus] backoff_min_ms = 900: at most backoff_max_ms (20)",
        ),
        (
            "[points.voltage_V]",
            "[blocks.c]\nfc = 3\nstart = 50\ncount = 10\nonce = true\n[points.voltage_V]",
            "[blocks.c] count = 10: as many as [blocks.b] by the same function",
        ),
        ("addr = 6", "addr = 5", "overlaps import_Wh"),
        ('type = "u16"', 'type = "u17"', "one of u16"),
        ("fc = 3", "fc = 1", "whole number from 3 to 4"),
        ("count = 10", "count = 126", "whole number from 1 to 125"),
        ('source = "a manual, page 3"', 'source = "?"', "a citation"),
        ("value = 400.1", "value = 400.2", "decodes to 400.1, expected 400.2"),
        ("regs = [4001]", "regs = [1, 2]", "2 given, u16 has 1"),
        ("scale = 0.1", "scale = 0.1\nwrite_fc = 6", "needs clamp"),
        ("scale = 0.1", "scale = 0.1\nwrite_fc = 5\nclamp = [0, 1]", "function 5 goes with type coil"),
        ('type = "i32"', 'type = "i32"\nwrite_fc = 6\nclamp = [0, 1]', "one register only"),
        ("scale = 0.1", 'scale_by = ["ct"]', "no such parameter; add [params.ct]"),
        ("scale = 0.1", 'scale_point = "nowhere"', "read them together"),
        ('maps_to = "export_Wh"', "", "no point maps_to 'export_Wh'"),
        ('point = "voltage_V"\nregex', 'point = "name"\nregex', "no such point"),
        ('regex = "."', 'regex = "("', "[identify] regex"),
        ("[[test]]", '[faults]\n"voltage_V.x" = "y"\n[[test]]', "no such bit"),
        ("[[test]]", '[actions.start]\nsteps = [{ write = "voltage_V", value = 1 }]\n[[test]]', "no writable point"),
        ("schema = 1", "schema = 2", "whole number from 1 to 1"),
        ("schema = 1", "schema = ", "correct the TOML"),
    ],
)
def test_mistakes_are_found_and_placed(old: str, new: str, expected: str) -> None:
    assert old in GOOD
    with pytest.raises(ProfileError) as caught:
        parse(GOOD.replace(old, new, 1), "m.toml")
    assert expected in str(caught.value)
    assert str(caught.value).startswith("m.toml: ")


def test_a_power_module_without_a_verified_stop_is_refused() -> None:
    text = (PROFILES / "ea_psb_10000.toml").read_text()
    stop = text.index("[actions.stop]")
    spoiled = text[:stop] + text[stop:].replace('  { expect = "state.output", value = 0, within_ms = 1000 },\n', "", 1)
    with pytest.raises(ProfileError, match="a stop that is not verified is no stop"):
        parse(spoiled, "ea.toml")


def test_unknown_profiles_are_answered_with_the_known_ones() -> None:
    with pytest.raises(ProfileError, match=r"known are abb_b23, .*, ea_psb_10000, .*, trumpf_truconvert_dc1000"):
        shipped("../../etc/passwd")


def test_parameters_are_required_bounded_and_known() -> None:
    profile = shipped("ea_psb_10000")
    good = {"nominal_voltage_V": 1000.0, "nominal_current_A": 40, "nominal_power_W": 30_000}
    assert resolve_params(profile, good)["full_scale_raw"] == 52428
    for change, expected in (
        ({"nominal_voltage_V": 1.0}, "a number from 10 to 2000"),
        ({"nominal_voltage_V": True}, "a number from 10 to 2000"),
        ({"volts": 3}, "knows no such parameter"),
    ):
        with pytest.raises(UnusableDevice, match=expected):
            resolve_params(profile, {**good, **change})
    with pytest.raises(UnusableDevice, match="required by profile"):
        resolve_params(profile, {})


def _codec(profile: DeviceProfile, point: str) -> PointCodec:
    params = {"nominal_voltage_V": 1000.0, "nominal_current_A": 40.0, "nominal_power_W": 30_000.0}
    return PointCodec(profile.points[point], {"full_scale_raw": 52428.0, **params})


def test_ea_scale_100_percent_is_cccc() -> None:
    codec = _codec(shipped("ea_psb_10000"), "voltage_set_V")
    assert codec.encode(1000.0) == (0xCCCC,)
    assert codec.encode(0.0) == (0,)
    for outside in (1000.1, -0.1, float("nan"), float("inf")):
        with pytest.raises(OutOfClamp):
            codec.encode(outside)


@given(st.floats(0, 1000))
def test_set_points_come_back_within_half_a_step(voltage_V: float) -> None:
    codec = _codec(shipped("ea_psb_10000"), "voltage_set_V")
    back = codec.decode(codec.encode(voltage_V))
    assert isinstance(back, float)
    assert abs(back - voltage_V) <= 0.5 * 1000 / 52428 + 1e-9


def test_sentinels_and_ranges_are_no_numbers() -> None:
    points = shipped("sunspec_714_dc").points
    assert PointCodec(points["import_Wh"], {}).decode((0xFFFF,) * 4, 0) is None
    assert PointCodec(points["voltage_V"], {}).decode((5000,), 1) is None  # 50 kV
    assert PointCodec(points["voltage_V"], {}).decode((5000,), None) is None
    resistance = PointCodec(shipped("bender_isoev425").points["resistance_ohm"], {})
    assert resistance.decode((0x7FC0, 0)) is None  # NaN
    assert resistance.decode((0x7F80, 0)) is None  # infinity


@given(st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4))
def test_no_registers_make_decoding_raise(registers: list[int]) -> None:
    for name in ("ea_psb_10000", "sunspec_714_dc", "acrel_djsf1352", "bender_isoev425"):
        profile = shipped(name)
        params = {"nominal_voltage_V": 1.0, "nominal_current_A": 1.0, "nominal_power_W": 1.0, "full_scale_raw": 52428.0}
        for point in profile.points.values():
            words = (registers * 40)[: point.length]
            value = PointCodec(point, params).decode(words, -3)
            assert value is None or isinstance(value, float | str)
