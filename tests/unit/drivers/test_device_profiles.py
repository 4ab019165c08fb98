"""What profiles learnt: AC phases, states in words, one signed current, a mode that needs a stop, exponents with bounds, bus load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.config.load import study_text
from chargepoint.model.unusable import UnusableDevice
from chargepoint.ports import BusSpec, DeviceSpec, PowerModuleCommand
from chargepoint.power.wiring import doubtful_devices, examine
from drivers import catalog
from drivers.insulation.dold import DoldMonitor
from drivers.meter.profiled import ProfiledMeter
from drivers.power_module.profiled import ProfiledModule
from drivers.profile.bus_load import profile_share
from drivers.profile.codec import PointCodec, defaults
from drivers.profile.load import PROFILES, parse, shipped
from drivers.profile.schema import ProfileError
from hil.plant.evse import EvsePlant
from hil.plant.module import ModulePlant
from hil.plant.pilot import Generator
from hil.simulators.registers.from_profile import FollowingModule, ProfileDevice, simulated_params
from tests.unit.config.test_config_doubts import GOOD, PASSWORD

if TYPE_CHECKING:
    from tests.unit.drivers.conftest import ScriptedBus

AC_METERS = sorted(file.stem for file in PROFILES.glob("*.toml") if shipped(file.stem).device_class == "powermeter_ac")


def test_there_are_twenty_devices_each_with_vectors_and_a_source() -> None:
    profiles = [shipped(file.stem) for file in PROFILES.glob("*.toml")]
    assert len(profiles) >= 20
    assert all(profile.vectors and len(profile.source) > 20 for profile in profiles)


def meter(scripted_bus: type[ScriptedBus], name: str, **changes: float) -> tuple[Any, ProfiledMeter, ProfileDevice]:
    profile = shipped(name)
    device = ProfileDevice(5, profile, defaults(profile))
    by_meaning = {point.maps_to: point.name for point in profile.points.values()}
    device.values |= {by_meaning[meaning]: value for meaning, value in changes.items()}
    bus = scripted_bus([device])
    return bus, ProfiledMeter("m", profile, defaults(profile), 5, bus.master), device


@pytest.mark.parametrize("name", AC_METERS)
def test_an_ac_meter_gives_its_phases_and_no_dc_output(scripted_bus: type[ScriptedBus], name: str) -> None:
    bus, driver, _ = meter(scripted_bus, name)
    bus.run([driver], 3.0)
    registers = driver.registers
    assert registers is not None and registers.ac is not None
    assert registers.ac.voltage_V == pytest.approx((230.0, 230.0, 230.0), rel=3e-3)
    assert registers.voltage_V == pytest.approx(230.0, rel=3e-3)
    assert registers.current_A == pytest.approx(30.0, rel=3e-3)
    assert registers.power_W == pytest.approx(6900.0, rel=1e-3)
    assert registers.ac.frequency_Hz in (None, 50.0)


def test_the_current_of_an_ac_meter_has_the_sign_of_its_power(scripted_bus: type[ScriptedBus]) -> None:
    changes = {f"power_L{i}_W": -2300.0 for i in (1, 2, 3)} | {"power_W": -6900.0, "current_L2_A": 12.0}
    bus, driver, _ = meter(scripted_bus, "eastron_sdm630", **changes)
    bus.run([driver], 2.0)
    assert driver.registers is not None and driver.registers.ac is not None
    assert driver.registers.ac.current_A == pytest.approx((-10.0, -10.0, -10.0)), (
        "the active current, not the magnitude"
    )
    assert driver.registers.current_A == pytest.approx(-30.0)
    assert driver.registers.power_W == pytest.approx(-6900.0)


def test_a_phase_without_voltage_has_no_active_current(scripted_bus: type[ScriptedBus]) -> None:
    bus, driver, _ = meter(scripted_bus, "eastron_sdm630", voltage_L3_V=0.4, power_L3_W=3.0)
    bus.run([driver], 2.0)
    assert driver.registers is not None and driver.registers.ac is not None
    assert driver.registers.ac.current_A[2] == 0.0


def test_power_drawn_and_power_given_are_one_signed_power(scripted_bus: type[ScriptedBus]) -> None:
    bus, driver, _ = meter(scripted_bus, "dzg_dvh4013", power_import_W=0.0, power_export_W=6900.0)
    bus.run([driver], 2.0)
    assert driver.registers is not None
    assert (driver.registers.power_W, driver.registers.current_A) == (pytest.approx(-6900.0), pytest.approx(-30.0))


@pytest.mark.parametrize(
    ("registers", "value"),
    [((0xFD01, 0xE240), 123.456), ((0xFDFE, 0x1DC0), -123.456), ((0x0200, 0x0005), 500.0), ((0x7F00, 0x0001), None)],
)
def test_packed_numbers(registers: tuple[int, int], value: float | None) -> None:
    codec = PointCodec(shipped("iskra_wm3m4").points["power_W"], {"invert": False})
    got = codec.decode(registers)
    assert got == (None if value is None else pytest.approx(value))


class Rig:
    """A module of a profile with a car behind it."""

    def __init__(self, scripted_bus: type[ScriptedBus], text: str, **params: float | bool) -> None:
        profile = parse(text, "profile.toml")
        given = simulated_params(profile) | params
        self.plant = ModulePlant()
        self.evse = EvsePlant(1, {"m": self.plant})
        self.device = FollowingModule(11, profile, given, self.plant)
        self.bus = scripted_bus([self.device], self._step)
        self.module = ProfiledModule("m", profile, given, 11, self.bus.master)
        self.evse.plug()
        self.evse.car.contactors_wanted = True
        self.evse.board.request, self.evse.board.generator = 1, Generator.PWM

    def _step(self, dt_s: float) -> None:
        for _ in range(5):
            self.evse.step(dt_s / 5)

    def run(self, seconds: float) -> None:
        self.bus.run([self.module], seconds)

    def order(self, current_A: float) -> None:
        self.module.command(PowerModuleCommand(True, current_A, 450.0, 300.0))


def text_of(name: str) -> str:
    return (PROFILES / f"{name}.toml").read_text()


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("generic_bidirectional", {}),
        ("trumpf_truconvert_dc1000", {}),
        ("trumpf_truconvert_dc1000", {"invert": True, "current_step_A": 0.1}),
    ],
)
def test_one_signed_current_goes_both_ways(
    scripted_bus: type[ScriptedBus], name: str, params: dict[str, float | bool]
) -> None:
    rig = Rig(scripted_bus, text_of(name), **params)
    rig.run(1.0)
    assert rig.module.capabilities is not None, rig.module.identity_error
    for current_A in (20.0, -15.0, 5.0):
        rig.order(current_A)
        rig.run(1.5)
        assert rig.module.state is not None
        state = rig.module.state.value
        assert (state.output_on, state.faults) == (True, ())
        assert state.current_A == pytest.approx(current_A, abs=0.6)
        assert rig.plant.current_A == pytest.approx(current_A, abs=0.6)
    rig.module.command(PowerModuleCommand())
    rig.run(1.0)
    assert not rig.plant.output_on


def test_a_state_in_words_shows_an_alarm(scripted_bus: type[ScriptedBus]) -> None:
    rig = Rig(scripted_bus, text_of("trumpf_truconvert_dc1000"))
    rig.run(0.5)
    rig.order(20.0)
    rig.run(1.0)
    rig.plant.raise_alarm()
    rig.run(0.5)
    assert rig.module.state is not None
    assert "alarm" in rig.module.state.value.faults
    assert not rig.module.state.value.output_on


MODE = """
[points.mode]
block = "settings"
addr = 106
type = "u16"
offset = -160
clamp = [0, 1]
write_fc = 6
"""


def test_a_direction_that_is_a_mode_is_written_while_the_output_is_off(scripted_bus: type[ScriptedBus]) -> None:
    text = text_of("generic_bidirectional").replace('reversal = "via_zero"', 'reversal = "stop_required"')
    text = text.replace("start = 100\ncount = 6", "start = 100\ncount = 7")
    text = text.replace("[points.remote]", MODE + "\n[points.remote]")
    text = text.replace(
        '  { write = "control", value = 1 },',
        '  { write = "mode", arg = "discharging" },\n  { write = "control", value = 1 },',
    )
    rig = Rig(scripted_bus, text)
    events: list[tuple[str, float]] = []
    taken = rig.device.written
    rig.device.written = lambda point, value: (events.append((point, value)), taken(point, value))[1]  # type: ignore[method-assign, func-returns-value]
    rig.run(0.5)
    rig.order(10.0)
    rig.run(1.0)
    rig.order(-10.0)
    rig.run(2.0)
    switching = [event for event in events if event[0] in ("mode", "control")]
    assert switching == [("mode", 0.0), ("control", 1.0), ("control", 0.0), ("mode", 1.0), ("control", 1.0)]
    assert rig.plant.current_A == pytest.approx(-10.0, abs=0.6)


@pytest.mark.parametrize("range_line", ["", "range = [-400, 400]\n"])
def test_an_exponent_without_sane_bounds_is_refused(range_line: str) -> None:
    text = text_of("acrel_djsf1352")
    assert text.count("range = [0, 9]\n") == 1
    with pytest.raises(
        ProfileError, match=r"\[points.power_exponent\] range: an exponent needs one inside \[-10, 10\]"
    ):
        parse(text.replace("range = [0, 9]\n", range_line), "x.toml")


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ('output = "operation.operation"', 'output = "operation.flying"', "no such bit or word"),
        ('invert_by = "invert"\nunit = "A"\nrange', 'invert_by = "nothing"\nunit = "A"\nrange', "no such switch"),
        ('transports = ["tcp"]', 'transports = ["pigeon"]', "one of serial, tcp"),
        ('transports = ["tcp"]', 'transports = ["serial", "tcp"]', "as many as"),
        ('arg = "current_A"', 'arg = "amperes"', "one of voltage_V"),
    ],
)
def test_what_cannot_be_is_refused(before: str, after: str, reason: str) -> None:
    text = text_of("trumpf_truconvert_dc1000")
    assert text.count(before) == 1
    with pytest.raises(ProfileError, match=reason):
        parse(text.replace(before, after), "x.toml")


def spec(kind: str, profile: str, driver: str = "profile") -> DeviceSpec:
    return DeviceSpec("d", kind, driver, "b", 1, profile, {})


SERIAL, TCP = BusSpec("b", "serial", "/dev/x"), BusSpec("b", "tcp", "192.0.2.1:502")


@pytest.mark.parametrize(
    ("bus", "device", "reason"),
    [
        (SERIAL, spec("power_module", "trumpf_truconvert_dc1000"), "is for tcp only; name a bus of kind tcp"),
        (SERIAL, spec("power_module", "sunspec_7xx_inverter"), "sets no DC voltage and no DC current"),
        (SERIAL, spec("insulation_monitor", "dold_rn5893", "bender"), "not a Bender monitor's"),
        (SERIAL, spec("insulation_monitor", "bender_isoev425", "dold"), "not a Dold monitor's"),
        (TCP, spec("power_module", "eastron_sdm72"), "which measures alternating current"),
    ],
)
def test_a_device_that_does_not_fit_is_refused_with_the_reason(bus: BusSpec, device: DeviceSpec, reason: str) -> None:
    with pytest.raises(UnusableDevice, match=reason):
        catalog.build_device(device, catalog.open_bus(bus))


def test_a_serial_device_runs_on_tcp_unchanged() -> None:
    bus = catalog.open_bus(TCP)
    assert isinstance(catalog.build_device(spec("meter", "eastron_sdm630"), bus), ProfiledMeter)


def mistakes(text: str) -> list[str]:
    return [str(mistake) for mistake in study_text(text, Path("site.toml"), [examine], []).mistakes]


def test_an_ac_meter_at_a_dc_outlet_is_refused() -> None:
    assert mistakes(GOOD + PASSWORD) == []
    (found,) = mistakes(
        GOOD.replace("sunspec_714_dc", "eastron_sdm630").replace("params = { base_address = 40070 }\n", "") + PASSWORD
    )
    assert "a meter of alternating current at a DC outlet" in found


def test_check_warns_of_a_full_bus_and_of_what_is_not_verified() -> None:
    findings = study_text(GOOD + PASSWORD, Path("site.toml"), [examine], [doubtful_devices])
    warnings = [str(warning) for warning in findings.warnings]
    (load,) = [warning for warning in warnings if "of this bus" in warning]
    assert "psu" in load and "io" in load and "at most 60% are good" in load
    assert any("'ea_psb_10000': not verified: full_scale_raw" in warning for warning in warnings)


def test_the_share_of_a_bus_falls_with_its_rate() -> None:
    slow, fast = (profile_share(shipped("eastron_sdm630"), baud, "8N1") for baud in (9600, 115200))
    assert slow > 0.5 > fast > 0.1


def test_a_dold_monitor_measures_stops_and_tests_itself(scripted_bus: type[ScriptedBus]) -> None:
    profile = shipped("dold_rn5893")
    device = ProfileDevice(4, profile, defaults(profile))
    device.values |= {"resistance_ohm": 500_000.0, "control": 0.0, "timeout_enabled": 0.0, "timeout_ms": 2000.0}
    bus = scripted_bus([device])
    monitor = DoldMonitor("i", profile, defaults(profile), 4, bus.master)
    monitor.enable(True)
    bus.run([monitor], 2.0)
    assert (device.values["timeout_enabled"], device.values["timeout_ms"]) == (1.0, 3000.0)
    assert monitor.state is not None and monitor.state.value.resistance_ohm == 500_000.0
    device.values["resistance_ohm"] = 6_553_500.0  # 0xFFFF: above what it can show
    bus.run([monitor], 1.0)
    assert monitor.state.value.resistance_ohm == 2e6
    monitor.start_self_test()
    bus.run([monitor], 0.3)
    assert device.values["control"] == 0x10
    device.values["state"] = 3.0
    bus.run([monitor], 1.0)
    assert (monitor.state.value.self_test_passed, monitor.state.value.resistance_ohm) == (None, None)
    device.values |= {"state": 1.0, "control": 0.0}
    bus.run([monitor], 1.0)
    assert monitor.state.value.self_test_passed is True
    monitor.enable(False)
    bus.run([monitor], 1.0)
    assert device.values["control"] == 0x100
    device.values["device_fault"] = 1.0
    bus.run([monitor], 1.0)
    assert (monitor.state.value.healthy, monitor.state.value.resistance_ohm) == (False, None)
