"""A CAN power module in virtual time, against the model of each family on the plant's module."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from chargepoint.ports import PowerModuleCommand, PowerModuleState
from drivers.can.frame import CanFrame
from drivers.power_module.can_dialect import Bounds, Dialect
from drivers.power_module.can_module import CanModule
from drivers.power_module.infypower import MANNERS, InfypowerBeg1k075g
from drivers.power_module.uugreenpower import UuGreenPower
from drivers.power_module.winline import Winline
from hil.plant.module import ModulePlant
from hil.simulators.can_modules import CanModuleModel, InfypowerModel, UuGreenPowerModel, WinlineModel
from tests.unit.drivers.can_line import MemoryLine

OFF = PowerModuleCommand()
BATTERY_V, BATTERY_OHM = 400.0, 0.1


class Rig:
    """One module on a battery: current flows to the voltage set-point, within the current set-point."""

    def __init__(
        self, model: CanModuleModel | None = None, dialect: Dialect | None = None, bounds: Bounds | None = None
    ) -> None:
        self.model = model or InfypowerModel(3, ModulePlant())
        self.line = MemoryLine([self.model], self._flow)
        self.driver = CanModule("m1", dialect or InfypowerBeg1k075g(3), self.line, bounds)
        self.live = True

    def _flow(self, dt_s: float) -> None:
        plant = self.model.plant
        plant.starting_s = max(0.0, plant.starting_s - dt_s)
        plant.current_A = plant.wanted((plant.voltage_set_V - BATTERY_V) / BATTERY_OHM, dt_s) if self.live else 0.0
        plant.terminal_V = BATTERY_V + BATTERY_OHM * plant.current_A

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        return self.line.run([self.driver], seconds, until)

    def order(self, current_A: float, seconds: float = 1.0) -> None:
        self.driver.command(PowerModuleCommand(True, current_A, 450.0, 300.0))
        self.run(seconds)

    @property
    def state(self) -> PowerModuleState:
        assert self.driver.state is not None
        return self.driver.state.value

    def names(self) -> list[str]:
        return [name for name, _ in self.model.orders]


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.run(0.5)
    return rig


FAMILIES: dict[str, tuple[Callable[[], CanModuleModel], Callable[[], Dialect]]] = {
    "infypower": (lambda: InfypowerModel(3, ModulePlant()), lambda: InfypowerBeg1k075g(3)),
    "winline": (lambda: WinlineModel(3, ModulePlant()), lambda: Winline(3)),
    "uugreenpower": (lambda: UuGreenPowerModel(3, ModulePlant()), lambda: UuGreenPower(3)),
}


@pytest.fixture(params=sorted(FAMILIES))
def any_rig(request: pytest.FixtureRequest) -> Rig:
    model, dialect = FAMILIES[request.param]
    return Rig(model(), dialect())


def test_ratings_come_from_the_module_and_the_configuration_narrows_them() -> None:
    rig = Rig(bounds=Bounds(discharge_current_max_A=25.0, voltage_max_V=500.0))
    assert rig.driver.capabilities is None
    rig.run(0.5)
    capabilities = rig.driver.capabilities
    assert capabilities is not None
    assert (capabilities.charge_current_max_A, capabilities.discharge_current_max_A) == (40.0, 25.0)
    assert (capabilities.voltage_max_V, capabilities.charge_power_max_W) == (500.0, 30_000.0)
    assert capabilities.comm_loss_s == 10.0
    assert rig.driver.identity_error == ""


def test_each_family_charges_and_stops(any_rig: Rig) -> None:
    any_rig.run(0.6)
    any_rig.order(12.0, 6.0)
    assert any_rig.state.output_on and any_rig.state.faults == ()
    assert any_rig.state.current_A == pytest.approx(12.0, abs=0.1)
    any_rig.driver.command(OFF)
    any_rig.run(0.3)
    assert not any_rig.model.plant.output_on and any_rig.model.current_A == 0.0
    any_rig.run(1.5)
    assert any_rig.state.faults == ()


def test_a_set_point_left_by_an_earlier_session_is_zeroed_before_the_output_goes_on(any_rig: Rig) -> None:
    any_rig.model.current_A = 33.0
    any_rig.run(0.6)
    assert any_rig.model.current_A == 0.0
    seen: list[float] = []
    any_rig.driver.command(PowerModuleCommand(True, 5.0, 450.0, 300.0))

    def see() -> bool:
        seen.append(any_rig.model.plant.current_A)
        return False

    any_rig.run(6.0, see)
    assert max(seen) == pytest.approx(5.0, abs=0.1)


def test_the_mode_changes_only_with_the_output_off(rig: Rig) -> None:
    rig.order(10.0)
    assert rig.state.current_A == pytest.approx(10.0, abs=0.1)
    rig.model.orders.clear()
    rig.order(-10.0, 2.0)
    assert rig.state.current_A == pytest.approx(-10.0, abs=0.1)
    names = rig.names()
    assert ("output", 0.0) in rig.model.orders
    assert names.index("output") < names.index("inverter") < len(names) - 1 - names[::-1].index("output")
    assert rig.state.faults == ()


def test_a_mode_that_was_ordered_and_never_confirmed_is_not_taken_for_the_one_before(rig: Rig) -> None:
    """The module obeyed, its answers were lost, and then charging was ordered: it must not discharge."""
    rig.order(10.0)
    rig.driver.command(OFF)
    rig.run(0.3)
    rig.driver.command(PowerModuleCommand(True, -10.0, 450.0, 300.0))
    assert isinstance(rig.model, InfypowerModel)
    model = rig.model
    assert rig.run(1.0, lambda: model.inverter)
    rig.model.faults.add("silent")
    rig.driver.command(OFF)
    rig.run(0.1)
    rig.model.faults.clear()
    rig.run(0.5)
    rig.order(10.0, 2.0)
    assert not model.inverter and rig.state.current_A == pytest.approx(10.0, abs=0.1)


def test_the_order_to_switch_off_is_the_next_frame(rig: Rig) -> None:
    rig.order(10.0)
    rig.line.sent.clear()
    rig.driver.command(PowerModuleCommand(True, 20.0, 450.0, 300.0))
    rig.driver.command(OFF)
    rig.run(0.05)
    assert rig.line.sent[0][1].data.hex() == "11100000000000a1"
    assert "1002000000004e20" not in [frame.data.hex() for _, frame in rig.line.sent]


def test_less_current_overtakes_every_question(rig: Rig) -> None:
    rig.order(10.0)
    rig.line.sent.clear()
    rig.driver.command(PowerModuleCommand(True, 4.0, 450.0, 300.0))
    rig.run(0.01)
    assert rig.line.sent[0][1].data.hex() == "1002000000000fa0"


def test_everything_ordered_is_written_again_twice_a_second(rig: Rig) -> None:
    rig.order(10.0)
    rig.line.sent.clear()
    rig.run(2.0)
    times = [
        at_s for at_s, frame in rig.line.sent if frame.data[:2] == b"\x10\x02" and frame.can_id >> 16 & 0x3F == 0x24
    ]
    assert len(times) >= 4
    assert max(b - a for a, b in pairwise(times)) <= 0.5


def test_a_value_counts_from_its_question(rig: Rig) -> None:
    rig.run(1.0)
    assert rig.driver.state is not None
    assert rig.line.now_s - rig.driver.state.taken_at_s < 0.2
    rig.model.faults.add("deaf")
    rig.run(0.8)
    assert rig.line.now_s - rig.driver.state.taken_at_s > 0.6
    assert rig.driver.unanswered > 0
    rig.model.faults.clear()
    rig.run(0.2)
    before_s = rig.driver.state.taken_at_s
    rig.run(0.4)
    assert rig.driver.state.taken_at_s > before_s
    assert rig.line.now_s - rig.driver.state.taken_at_s < 0.2


def test_an_answer_nobody_asked_for_changes_nothing(rig: Rig) -> None:
    rig.run(0.5)
    before = rig.driver.state
    rig.driver.receive(CanFrame(0x02A3_F003, bytes.fromhex("4101000000100000")), rig.line.now_s)
    late = rig.driver.late
    rig.driver.receive(CanFrame(0x02A3_F003, bytes.fromhex("4101000000100000")), rig.line.now_s)
    assert rig.driver.late == late + 1
    assert before is not None and rig.state.voltage_V == before.value.voltage_V


def test_a_rejected_set_point_is_a_fault_in_words(rig: Rig) -> None:
    rig.model.plant.nominal_A = 8.0  # the module allows less than it reported
    rig.order(12.0)
    assert rig.state.faults == ("rejects current 12: bad data (3)",)
    assert not rig.model.plant.output_on


def test_orders_that_vanish_are_a_fault(rig: Rig) -> None:
    rig.order(10.0)
    rig.line.lost = lambda frame: frame.can_id >> 16 & 0x3F == 0x24
    rig.order(20.0, 0.9)
    assert rig.state.faults == ()
    rig.run(0.5)
    assert rig.state.faults == ("not following: current 20 is not confirmed within 1 s",)


def test_a_set_point_the_module_lost_is_written_again(rig: Rig) -> None:
    rig.order(10.0)
    rig.model.current_A = 3.0
    rig.run(0.5)
    assert rig.model.current_A == 10.0
    assert rig.state.faults == ()


def test_without_read_back_the_answer_to_the_order_confirms_it() -> None:
    rig = Rig(dialect=InfypowerBeg1k075g(3, replace(MANNERS, reads_back=False)))
    rig.run(0.5)
    rig.order(10.0)
    assert rig.state.current_A == pytest.approx(10.0, abs=0.1) and rig.state.faults == ()


def test_an_alarm_keeps_it_off_until_it_was_ordered_off(rig: Rig) -> None:
    rig.order(10.0)
    rig.model.plant.raise_alarm()
    rig.run(0.3)
    assert "module fault" in rig.state.faults
    rig.model.plant.alarm = False
    rig.run(2.0)
    assert rig.state.faults == ("module fault while on",)
    assert not rig.model.plant.output_on
    rig.driver.command(OFF)
    rig.run(0.3)
    rig.order(10.0)
    assert rig.state.faults == () and rig.model.plant.output_on


def test_an_output_that_goes_off_by_itself_stays_off(rig: Rig) -> None:
    rig.order(10.0)
    rig.model.on = False
    rig.model.apply()
    rig.run(0.3)
    assert rig.state.faults == ("switched off by itself",)
    rig.run(2.0)
    assert not rig.model.plant.output_on


@pytest.mark.parametrize("silent_s", [0.0, 0.3, 0.7, 3.0])
def test_the_order_to_switch_on_is_never_repeated_to_a_module_that_went_off(rig: Rig, silent_s: float) -> None:
    for moment in range(12):  # against every phase of the refresh
        rig.driver.command(OFF)
        rig.run(0.3)
        rig.order(10.0, 1.0 + 0.035 * moment)
        rig.model.faults.add("silent")
        rig.run(silent_s)
        rig.model.on = False
        rig.model.apply()
        rig.model.orders.clear()
        rig.run(0.05)
        rig.model.faults.clear()
        rig.run(1.0)
        assert ("output", 1.0) not in rig.model.orders
        assert rig.state.faults == ("switched off by itself",)


def test_a_module_that_was_silent_is_trusted_anew(rig: Rig) -> None:
    rig.order(10.0)
    rig.model.faults.add("deaf")
    rig.run(11.0)  # longer than its own time-out
    assert not rig.model.plant.output_on
    rig.model.faults.clear()
    rig.run(1.0)
    assert rig.state.faults == ("switched off by itself",)
    assert not rig.model.plant.output_on


@pytest.mark.parametrize("silent_s", [0.05, 0.3, 2.0])
def test_a_module_that_restarted_stays_off_until_it_was_ordered_off(rig: Rig, silent_s: float) -> None:
    rig.order(10.0)
    rig.model.plant.restart(silent_s)
    rig.run(silent_s + 1.0)
    assert rig.state.faults == ("switched off by itself",) and not rig.model.plant.output_on
    rig.driver.command(OFF)
    rig.run(0.5)
    rig.order(10.0)
    assert rig.state.current_A == pytest.approx(10.0, abs=0.1) and rig.state.faults == ()


def test_an_output_found_on_is_switched_off() -> None:
    rig = Rig()
    rig.model.on, rig.model.current_A, rig.model.voltage_V = True, 5.0, 450.0
    rig.model.apply()
    rig.run(0.6)
    assert not rig.model.plant.output_on and rig.model.current_A == 0.0


@pytest.mark.parametrize("fault", ["short_frames", "absurd"])
def test_nonsense_is_refused_and_counted_and_ages_the_state(any_rig: Rig, fault: str) -> None:
    any_rig.run(1.0)
    any_rig.model.faults.add(fault)
    any_rig.run(1.0)
    assert any_rig.line.refused > 3
    assert any_rig.driver.state is not None
    assert any_rig.line.now_s - any_rig.driver.state.taken_at_s > 0.5


def test_random_frames_between_the_answers_change_nothing(any_rig: Rig) -> None:
    any_rig.model.faults.add("babble")
    any_rig.run(0.6)
    any_rig.order(10.0, 6.0)
    assert any_rig.state.current_A == pytest.approx(10.0, abs=0.1) and any_rig.state.faults == ()


def test_two_modules_with_one_address_are_a_fault(any_rig: Rig) -> None:
    any_rig.run(1.0)
    any_rig.model.faults.add("repeats_id")
    any_rig.run(2.0)
    assert "answers come twice: two modules have this address" in any_rig.state.faults
    any_rig.model.faults.clear()
    any_rig.run(2.0)
    assert any_rig.state.faults == ()


def test_another_kind_of_module_is_not_taken_and_never_written_to() -> None:
    class Other(InfypowerModel):
        def _read(self, item: str) -> int | None:
            return None if item == "1111" else super()._read(item)

    rig = Rig(Other(3, ModulePlant()))
    rig.run(1.0)
    rig.order(10.0)
    assert "bad command (2)" in rig.driver.identity_error and "another kind of module" in rig.driver.identity_error
    assert rig.driver.capabilities is None
    assert rig.model.taken == 0


def test_a_module_without_a_rating_is_not_taken() -> None:
    rig = Rig(InfypowerModel(3, ModulePlant(nominal_A=0.0)))
    rig.run(1.0)
    assert "each must be above 0" in rig.driver.identity_error
    assert rig.driver.capabilities is None


def test_a_module_that_is_still_starting_is_waited_for(rig: Rig) -> None:
    assert isinstance(rig.model, InfypowerModel)
    rig.model.starting = True
    rig.driver.command(PowerModuleCommand(True, 10.0, 450.0, 300.0))
    rig.run(5.0)
    assert rig.state.faults == () and not rig.model.plant.output_on
    rig.model.starting = False
    rig.run(1.0)
    assert rig.state.current_A == pytest.approx(10.0, abs=0.1)


def test_a_module_that_starts_for_ever_is_a_fault(rig: Rig) -> None:
    assert isinstance(rig.model, InfypowerModel)
    rig.model.starting = True
    rig.driver.command(PowerModuleCommand(True, 10.0, 450.0, 300.0))
    rig.run(22.0)
    assert rig.state.faults == ("still starting after 20 s",)


def test_a_change_of_range_takes_its_rests() -> None:
    model = UuGreenPowerModel(1, ModulePlant())
    rig = Rig(model, UuGreenPower(1))
    rig.run(1.0)
    started_s = rig.line.now_s
    rig.driver.command(PowerModuleCommand(True, 10.0, 450.0, 300.0))
    assert rig.run(8.0, lambda: model.plant.output_on)
    assert not model.high_range
    assert rig.line.now_s - started_s >= 2.0
    rig.driver.command(PowerModuleCommand(True, 10.0, 600.0, 300.0))
    assert rig.run(1.0, lambda: not model.plant.output_on)
    off_s = rig.line.now_s
    assert rig.run(2.5, lambda: model.high_range)
    assert rig.line.now_s - off_s >= 1.9
    selected_s = rig.line.now_s
    assert rig.run(4.0, lambda: model.plant.output_on)
    assert rig.line.now_s - selected_s >= 1.9


def test_frames_dropped_after_a_stall_are_asked_and_written_anew(rig: Rig) -> None:
    rig.order(10.0)
    rig.line.sent.clear()
    rig.driver.queue_dropped()
    rig.run(0.05)
    items = {frame.data[:2].hex() for _, frame in rig.line.sent}
    assert {"4101", "4102", "1110", "1001", "1002"} <= items


def test_one_module_takes_a_tenth_of_a_bus_of_125_kbit_per_second(rig: Rig) -> None:
    rig.order(10.0)
    rig.line.sent.clear()
    rig.run(5.0)
    frames_per_s = 2 * len(rig.line.sent) / 5.0
    assert frames_per_s < 0.12 * 125_000 / 131  # an extended frame of 8 bytes has 131 bits without stuffing


def test_winline_sends_its_current_in_steps() -> None:
    model = WinlineModel(3, ModulePlant())
    rig = Rig(model, Winline(3))
    rig.run(1.0)
    rig.order(7.25, 1.0)
    written = [frame.data for _, frame in rig.line.sent if frame.data[:4] == bytes.fromhex("0300001b")]
    assert struct.unpack(">I", written[-1][4:])[0] == 7424
