"""The power-module driver against a simulated EA PSB with its physics, in virtual time."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepoint.model.readings import fresh
from chargepoint.ports import PowerModuleCommand, PowerModuleState
from drivers.modbus.frame import sealed
from drivers.power_module.array import PowerModuleArray
from drivers.power_module.direction import Direction
from drivers.power_module.profiled import ProfiledModule
from drivers.profile.load import PROFILES, parse, shipped
from hil.plant.evse import EvsePlant
from hil.plant.module import ModulePlant
from hil.plant.pilot import Generator
from hil.simulators.registers.ea_psb import EaPsb

if TYPE_CHECKING:
    from tests.unit.drivers.conftest import ScriptedBus, Table


PARAMS = {
    "nominal_voltage_V": 1000.0,
    "nominal_current_A": 40.0,
    "nominal_power_W": 30_000.0,
    "full_scale_raw": 52428.0,
}
CHARGE = PowerModuleCommand(output_on=True, current_A=20.0, voltage_max_V=450.0, voltage_min_V=300.0)
DISCHARGE = PowerModuleCommand(output_on=True, current_A=-20.0, voltage_max_V=450.0, voltage_min_V=300.0)
OFF = PowerModuleCommand()


class Rig:
    """Driver, bus, simulated module, and a car with closed contactors behind it."""

    def __init__(self, scripted_bus: type[ScriptedBus], modules: int = 1, change: tuple[str, str] = ("", "")) -> None:
        self.evse = EvsePlant(1, {f"m{i}": ModulePlant() for i in range(modules)})
        self.plants = list(self.evse.modules.values())
        self.bus = scripted_bus([EaPsb(11 + i, plant) for i, plant in enumerate(self.plants)], self.step)
        profile = parse((PROFILES / "ea_psb_10000.toml").read_text().replace(*change), "changed.toml")
        self.modules = [ProfiledModule(f"m{i}", profile, PARAMS, 11 + i, self.bus.master) for i in range(modules)]
        self.module = self.modules[0]
        self.evse.plug()
        self.evse.car.contactors_wanted = True
        self.evse.board.request, self.evse.board.generator = 1, Generator.PWM

    def step(self, dt_s: float) -> None:
        for _ in range(5):
            self.evse.step(dt_s / 5)

    def run(self, seconds: float) -> None:
        self.bus.run(self.modules, seconds)

    def state(self) -> PowerModuleState:
        assert self.module.state is not None
        return self.module.state.value


@pytest.fixture
def rig(scripted_bus: type[ScriptedBus]) -> Rig:
    return Rig(scripted_bus)


def test_nothing_is_known_before_it_identified_itself(rig: Rig) -> None:
    assert rig.module.capabilities is None
    assert rig.module.state is None
    rig.run(0.2)
    assert rig.module.capabilities is not None
    assert rig.module.capabilities.charge_current_max_A == 40.0
    assert not rig.state().output_on
    assert all(frame[1] == 3 for _, frame in rig.bus.sent)  # it only read


def test_a_device_of_another_kind_is_never_written_to(
    scripted_bus: type[ScriptedBus], register_table: type[Table]
) -> None:
    stranger = register_table(11, dict.fromkeys(range(600), 16705))
    bus = scripted_bus([stranger])
    module = ProfiledModule("m", shipped("ea_psb_10000"), PARAMS, 11, bus.master)
    module.command(CHARGE)
    bus.run([module], 5.0)
    assert module.capabilities is None
    assert "check unit number and profile" in module.identity_error
    assert all(frame[1] == 3 for _, frame in bus.sent)


def test_start_set_stop(rig: Rig) -> None:
    rig.module.command(CHARGE)
    rig.run(1.0)
    assert rig.state().output_on
    assert rig.state().current_A == pytest.approx(20.0, abs=0.1)
    assert rig.plants[0].sink_current_A == 0.0
    rig.module.command(OFF)
    rig.run(0.3)
    assert not rig.state().output_on
    assert not rig.plants[0].output_on
    assert rig.plants[0].source_current_A == 0.0


def test_limits_are_zero_when_the_output_goes_on(rig: Rig) -> None:
    rig.plants[0].source_current_A = rig.plants[0].sink_current_A = 40.0  # left over from somebody else
    rig.module.command(CHARGE)
    seen: list[float] = []
    for _ in range(100):
        rig.run(0.01)
        if rig.plants[0].output_on:
            seen.append(rig.plants[0].source_current_A + rig.plants[0].sink_current_A)
    assert seen[0] == 0.0
    assert seen[-1] == pytest.approx(20.0, abs=0.01)


def test_reversal_goes_through_zero(rig: Rig) -> None:
    rig.module.command(CHARGE)
    rig.run(1.0)
    rig.module.command(DISCHARGE)
    both, lowest = [], 0.0
    for _ in range(100):
        rig.run(0.01)
        both.append(min(rig.plants[0].source_current_A, rig.plants[0].sink_current_A))
        lowest = min(lowest, rig.evse.circuit.battery_A)
    assert max(both) == 0.0
    assert rig.state().current_A == pytest.approx(-20.0, abs=0.1)
    assert lowest > -21.0
    assert rig.plants[0].voltage_set_V == pytest.approx(300.0, abs=0.02)


def test_a_module_that_must_stop_to_turn_is_stopped(scripted_bus: type[ScriptedBus]) -> None:
    rig = Rig(scripted_bus, change=('reversal = "via_zero"', 'reversal = "stop_required"'))
    rig.module.command(CHARGE)
    rig.run(1.0)
    rig.module.command(DISCHARGE)
    was_off = False
    for _ in range(150):
        rig.run(0.01)
        was_off = was_off or not rig.plants[0].output_on
        assert was_off or rig.plants[0].sink_current_A == 0.0
    assert was_off
    assert rig.state().current_A == pytest.approx(-20.0, abs=0.1)
    assert rig.state().faults == ()


def test_a_seamless_module_turns_at_once_but_never_has_both_limits(scripted_bus: type[ScriptedBus]) -> None:
    rig = Rig(scripted_bus, change=('reversal = "via_zero"', 'reversal = "seamless"'))
    rig.module.command(CHARGE)
    rig.run(1.0)
    rig.module.command(DISCHARGE)
    for _ in range(10):
        rig.run(0.01)
        assert min(rig.plants[0].source_current_A, rig.plants[0].sink_current_A) == 0.0
    assert rig.evse.circuit.battery_A == pytest.approx(-20.0, abs=0.2)


def test_a_module_that_would_switch_off_without_us_is_refreshed(scripted_bus: type[ScriptedBus]) -> None:
    rig = Rig(scripted_bus, change=('comm_loss = "none"', "comm_loss = 3000"))
    rig.module.command(CHARGE)
    rig.run(1.0)
    assert rig.module.capabilities is not None
    assert rig.module.capabilities.comm_loss_s == 3.0
    sent = len(rig.bus.sent)
    rig.run(4.0)
    refreshed = [frame for _, frame in rig.bus.sent[sent:] if frame[1] == 6 and frame[3] == 501 & 0xFF]
    assert 3 <= len(refreshed) <= 5


def test_less_goes_out_in_the_next_slot(rig: Rig) -> None:
    rig.module.command(CHARGE)
    rig.run(1.0)
    sent = len(rig.bus.sent)
    rig.module.command(PowerModuleCommand(True, 5.0, 450.0, 300.0))
    rig.run(0.01)
    first = next(frame for _, frame in rig.bus.sent[sent:])
    assert first[:4] == bytes((11, 6)) + (501).to_bytes(2, "big")


def test_only_changes_are_written(rig: Rig) -> None:
    rig.module.command(CHARGE)
    rig.run(1.0)
    sent = len(rig.bus.sent)
    rig.run(2.0)
    assert all(frame[1] == 3 for _, frame in rig.bus.sent[sent:])


def test_values_the_module_lost_are_written_again(rig: Rig) -> None:
    rig.module.command(CHARGE)
    rig.run(1.0)
    rig.plants[0].source_current_A = 3.0
    rig.run(1.5)
    assert rig.plants[0].source_current_A == pytest.approx(20.0, abs=0.01)


def test_set_points_outside_the_rating_are_refused_and_told(rig: Rig) -> None:
    rig.module.command(CHARGE)
    rig.run(1.0)
    rig.module.command(PowerModuleCommand(True, 55.0, 450.0, 300.0))
    rig.run(0.2)
    assert rig.plants[0].source_current_A == pytest.approx(20.0, abs=0.01)
    assert any("set-point refused: source_current_A = 55: from 0 to 40" in fault for fault in rig.state().faults)


def test_an_alarm_is_told_and_needs_an_off_before_the_next_start(rig: Rig) -> None:
    rig.module.command(CHARGE)
    rig.run(1.0)
    rig.plants[0].raise_alarm()
    rig.run(0.2)
    assert "alarm" in rig.state().faults
    rig.plants[0].alarm = False
    rig.run(1.0)
    assert not rig.plants[0].output_on
    rig.module.command(OFF)
    rig.run(0.1)
    rig.module.command(CHARGE)
    rig.run(1.0)
    assert rig.plants[0].output_on
    assert rig.state().faults == ()


def test_switched_off_at_its_own_panel(rig: Rig) -> None:
    rig.module.command(CHARGE)
    rig.run(1.0)
    rig.plants[0].output_on = False
    rig.run(1.0)
    assert not rig.plants[0].output_on
    assert "switched off by itself" in rig.state().faults


def test_silence_shows_as_age_and_everything_is_written_anew_afterwards(rig: Rig) -> None:
    rig.module.command(CHARGE)
    rig.run(1.0)
    rig.plants[0].silent = True
    rig.run(3.0)
    assert fresh(rig.module.state, rig.bus.now_s, 1.0) is None
    rig.plants[0].source_current_A = 1.0  # it restarted meanwhile
    rig.plants[0].silent = False
    rig.run(6.0)
    assert fresh(rig.module.state, rig.bus.now_s, 1.0) is not None
    assert rig.plants[0].source_current_A == pytest.approx(20.0, abs=0.01)


@pytest.mark.parametrize("silent_s", [0.0, 0.3, 0.8, 3.0])
@pytest.mark.parametrize("order", [CHARGE, DISCHARGE], ids=["charging", "discharging"])
def test_a_module_that_restarted_stays_off_until_ordered_off_and_then_is_prepared_anew(
    rig: Rig, order: PowerModuleCommand, silent_s: float
) -> None:
    rig.module.command(order)
    rig.run(1.0)
    plant = rig.plants[0]
    plant.restart(silent_s)
    rig.run(silent_s + 6.0)  # back-off included
    assert not plant.output_on
    assert "lost its remote mode: it restarted, or was taken over at its panel" in rig.state().faults
    rig.module.command(OFF)
    rig.run(0.2)
    assert rig.state().faults == ()
    rig.module.command(order)
    rig.run(1.5)
    assert rig.state().current_A == pytest.approx(order.current_A, abs=0.1)


def test_a_restart_in_the_middle_of_a_stop_does_not_leave_the_driver_stopping_for_ever(rig: Rig) -> None:
    """What is written then is refused, for want of the remote mode, and would be written again and again."""
    rig.module.command(CHARGE)
    rig.run(1.0)
    rig.plants[0].silent = True
    rig.run(0.2)
    rig.module.command(OFF)
    rig.run(0.2)
    rig.plants[0].silent = False
    rig.plants[0].restart(0.3)
    rig.run(1.0)
    rig.module.command(CHARGE)
    rig.run(3.0)
    assert rig.state().current_A == pytest.approx(20.0, abs=0.1)
    assert rig.state().faults == ()


def test_a_restart_in_the_middle_of_a_start_is_a_fault_until_ordered_off(rig: Rig) -> None:
    rig.run(0.2)
    rig.module.command(CHARGE)
    for _ in range(20):
        rig.run(0.01)
        if rig.plants[0].remote:
            break
    rig.run(0.03)
    rig.plants[0].restart(0.1)
    rig.run(3.0)
    assert not rig.plants[0].output_on
    assert any("lost its remote mode" in fault for fault in rig.state().faults)


def test_an_output_found_on_is_switched_off(rig: Rig) -> None:
    plant = rig.plants[0]
    plant.set_remote(True)
    plant.source_power_W = plant.sink_power_W = 30_000.0
    plant.voltage_set_V, plant.source_current_A = 450.0, 10.0
    plant.set_output(True)
    rig.run(0.5)
    assert not plant.output_on


def test_lost_writes_are_tried_again(rig: Rig) -> None:
    lost = iter([True, False, True, True, False, False, True] + [False] * 10_000)
    rig.bus.spoil = lambda request, reply: None if request[1] in (5, 6) and next(lost) else reply
    rig.module.command(CHARGE)
    rig.run(8.0)
    assert rig.state().current_A == pytest.approx(20.0, abs=0.1)


ORDERS = (
    OFF,
    CHARGE,
    DISCHARGE,
    PowerModuleCommand(True, 0.0, 450.0, 300.0),
    PowerModuleCommand(True, 5.0, 420.0, 300.0),
)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    story=st.lists(st.tuples(st.sampled_from(ORDERS), st.floats(0.05, 0.8)), min_size=1, max_size=6),
    losses=st.lists(st.sampled_from(["ok", "ok", "ok", "lost", "short", "bit"]), min_size=1, max_size=40),
)
def test_on_a_bad_line_it_never_does_what_was_not_ordered_and_ends_where_it_should(
    scripted_bus: type[ScriptedBus], story: list[tuple[PowerModuleCommand, float]], losses: list[str]
) -> None:
    rig = Rig(scripted_bus)
    rig.run(0.2)
    luck = cycle(losses)

    def spoil(request: bytes, reply: bytes | None) -> bytes | None:
        match next(luck):
            case "lost":
                return None
            case "short" if reply:
                return reply[:-2]
            case "bit" if reply:
                return reply[:-1] + bytes((reply[-1] ^ 4,))
        return reply

    rig.bus.spoil = spoil
    ever_on = False
    for order, seconds in story:
        ever_on = ever_on or order.output_on
        rig.module.command(order)
        for _ in range(round(seconds / 0.01)):
            rig.run(0.01)
            assert min(rig.plants[0].source_current_A, rig.plants[0].sink_current_A) == 0.0
            assert ever_on or not rig.plants[0].output_on
    rig.bus.spoil = lambda request, reply: reply
    rig.run(8.0)
    last = story[-1][0]
    assert rig.plants[0].output_on == last.output_on
    assert rig.plants[0].source_current_A == pytest.approx(max(0.0, last.current_A) * last.output_on, abs=0.01)
    assert rig.plants[0].sink_current_A == pytest.approx(max(0.0, -last.current_A) * last.output_on, abs=0.01)


def test_a_refusing_module_is_not_hammered(rig: Rig) -> None:
    rig.bus.spoil = lambda request, reply: (
        sealed(bytes((request[0], request[1] | 0x80, 4))) if request[1] in (5, 6) else reply
    )
    rig.module.command(CHARGE)
    rig.run(2.0)
    writes = [frame for _, frame in rig.bus.sent if frame[1] in (5, 6)]
    assert 2 <= len(writes) <= 10
    assert "exception 4" in rig.module.last_failure


def test_direction_turns_only_after_quiet() -> None:
    direction = Direction()
    direction.turn(10.0, 0.0, 1.0, 0.1)
    assert direction.sign == 1
    direction.turn(-10.0, 9.0, 2.0, 0.1)
    assert direction.arguments(DISCHARGE)["discharge_current_A"] == 0.0
    direction.turn(-10.0, 0.5, 2.1, 0.1)
    direction.turn(-10.0, 0.5, 2.15, 0.1)
    assert direction.sign == 1
    direction.turn(-10.0, 0.5, 2.2, 0.1)
    assert direction.sign == -1
    asked = {"voltage_V": 300.0, "charge_current_A": 0.0, "discharge_current_A": 20.0, "current_A": -20.0}
    window = {"voltage_max_V": 450.0, "voltage_min_V": 300.0, "discharging": 1.0}
    assert direction.arguments(DISCHARGE) == asked | window


def test_array_shares_equally_and_goes_on_with_one_less(scripted_bus: type[ScriptedBus]) -> None:
    rig = Rig(scripted_bus, modules=2)
    array = PowerModuleArray("array", rig.modules)
    rig.bus.run([array], 0.3)
    assert array.capabilities is not None
    assert array.capabilities.charge_current_max_A == 80.0
    array.command(PowerModuleCommand(True, 30.0, 450.0, 300.0))
    rig.bus.run([array], 1.0)
    assert [plant.source_current_A for plant in rig.plants] == pytest.approx([15.0, 15.0], abs=0.01)
    assert array.state is not None
    assert array.state.value.current_A == pytest.approx(30.0, abs=0.2)
    rig.plants[1].raise_alarm()
    rig.bus.run([array], 1.0)
    assert rig.plants[0].source_current_A == pytest.approx(30.0, abs=0.01)
    assert array.capabilities is not None
    assert array.capabilities.charge_current_max_A == 40.0
    assert array.state.value.faults == ()
    rig.plants[0].raise_alarm()
    rig.bus.run([array], 0.3)
    assert array.state.value.faults


@pytest.mark.parametrize("mishap", ["restart", "alarm", "silence"])
def test_a_module_that_dropped_out_stays_out_until_the_array_was_off(
    scripted_bus: type[ScriptedBus], mishap: str
) -> None:
    rig = Rig(scripted_bus, modules=2)
    array = PowerModuleArray("array", rig.modules)
    rig.bus.run([array], 0.3)
    order = PowerModuleCommand(True, 30.0, 450.0, 300.0)
    array.command(order)
    rig.bus.run([array], 1.0)
    lost = rig.plants[1]
    match mishap:
        case "restart":
            lost.restart(0.1)
        case "alarm":
            lost.raise_alarm()
        case _:
            lost.silent = True
    rig.bus.run([array], 0.8)
    lost.silent = lost.alarm = False
    rig.bus.run([array], 0.35)  # a stop into the silence goes out each third of a second
    for _ in range(80):
        rig.bus.run([array], 0.1)
        assert not (lost.output_on and lost.source_current_A > 0.0)
    assert rig.plants[0].source_current_A == pytest.approx(30.0, abs=0.01)
    assert array.state is not None and array.state.value.faults == ()
    array.command(OFF)
    rig.bus.run([array], 0.5)
    array.command(order)
    rig.bus.run([array], 1.5)
    assert [plant.source_current_A for plant in rig.plants] == pytest.approx([15.0, 15.0], abs=0.01)


def test_an_array_of_which_all_dropped_out_says_why(scripted_bus: type[ScriptedBus]) -> None:
    rig = Rig(scripted_bus, modules=2)
    array = PowerModuleArray("array", rig.modules)
    rig.bus.run([array], 0.3)
    array.command(PowerModuleCommand(True, 30.0, 450.0, 300.0))
    rig.bus.run([array], 1.0)
    for plant in rig.plants:
        plant.restart(0.2)
    rig.bus.run([array], 1.0)
    assert array.state is not None
    assert [fault for fault in array.state.value.faults if fault.startswith("m1: lost its remote mode")]
    assert not any(plant.output_on for plant in rig.plants)


def test_an_array_without_a_module_can_do_nothing() -> None:
    """A stack may lend an EVSE no module for a while."""
    array = PowerModuleArray("a", [])
    array.command(PowerModuleCommand(True, 10.0, 400.0, 0.0))
    array.poll(1.0)
    assert array.capabilities is None
    assert array.state is None


def test_the_quiet_time_at_an_ordered_zero_counts_so_that_the_guard_adds_nothing_to_the_ramps_wait() -> None:
    direction = Direction()
    direction.turn(10.0, 10.0, 1.0, 0.1)
    for at_s in (2.0, 2.05, 2.1):
        direction.turn(0.0, 0.2, at_s, 0.1)  # the ramp waits at zero
    assert direction.sign == 1
    direction.turn(-5.0, 0.2, 2.15, 0.1)
    assert direction.sign == -1


def test_a_current_that_came_back_at_an_ordered_zero_begins_the_quiet_time_anew() -> None:
    direction = Direction()
    direction.turn(10.0, 10.0, 1.0, 0.1)
    direction.turn(0.0, 0.2, 2.0, 0.1)
    direction.turn(0.0, 3.0, 2.05, 0.1)
    direction.turn(-5.0, 0.2, 2.15, 0.1)
    assert direction.sign == 1
    direction.turn(-5.0, 0.2, 2.25, 0.1)
    assert direction.sign == -1
