"""The steps of bring-up on a made-up outlet in virtual time: what is ordered, for how long, and what is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from chargepoint.commissioning import steps
from chargepoint.commissioning.commands import COMMANDS, DeviceUnderTest, chosen, commands_for
from chargepoint.commissioning.measure import Measure, StepResult, StepVerdict
from chargepoint.commissioning.needs import Need, refusal
from chargepoint.commissioning.outlet import REST, OutletOrder, OutletReadings
from chargepoint.commissioning.points import outlet_points
from chargepoint.commissioning.steps import Step
from chargepoint.model.demand import PilotCommand
from chargepoint.model.ids import EvseId
from chargepoint.model.image import ControlPilot, Lock, MeterRegisters
from chargepoint.model.indicator import Lamp
from chargepoint.model.io import BoardFault, SafetyInput
from chargepoint.ports import (
    ContactorState,
    InsulationState,
    PilotReading,
    PowerModuleCapabilities,
    PowerModuleState,
    Reversal,
)

TURN_S = 0.01
CAN = PowerModuleCapabilities(0, 1000, 40, 40, 3e4, 3e4, 1000, Reversal.SEAMLESS, 0, None)


@dataclass
class MadeUpOutlet:
    """Follows its orders after 30 ms, unless a part is named in `dead`."""

    now_s: float = 100.0
    dead: frozenset[str] = frozenset()
    meter_V: float = 0.0
    capabilities: PowerModuleCapabilities | None = CAN
    bounce_at_s: float | None = None
    welded: bool = False
    history: list[tuple[float, OutletOrder]] = field(default_factory=list)

    def readings(self) -> OutletReadings:
        past = [order for at_s, order in self.history if at_s <= self.now_s - 0.03]
        order = past[-1] if past else REST
        io = order.io
        states = {PilotCommand.F: ControlPilot.F, PilotCommand.E: ControlPilot.E}
        duty = {PilotCommand.PWM: io.duty_percent, PilotCommand.X1: 100.0}.get(io.pilot, 0.0)
        low = 12.0 if io.pilot is PilotCommand.X1 else -12.0
        high = -12.0 if io.pilot is PilotCommand.F else 12.0
        closed = (io.contactor and "contactor" not in self.dead) or self.welded
        if self.bounce_at_s is not None and abs(self.now_s - self.bounce_at_s) < TURN_S / 2:
            closed = False
        on = order.module_command.output_on and "module" not in self.dead
        held_V = order.module_command.voltage_max_V if on and order.module_command.current_A > 0 else 0.0
        tested = any(one.self_test for _, one in self.history)
        return OutletReadings(
            now_s=self.now_s,
            pilot=PilotReading(states.get(io.pilot, ControlPilot.A), duty, high, low, None),
            contactor=ContactorState(closed, closed, io.contactor),
            lock=Lock.LOCKED if io.lock and "lock" not in self.dead else Lock.UNLOCKED,
            discharge_closed=io.discharge and "discharge" not in self.dead,
            open_inputs=frozenset(),
            latched=frozenset(),
            modules={"psu": PowerModuleState(held_V, 0.0, on, ())},
            capabilities={"psu": self.capabilities},
            meter=MeterRegisters(0.0, 0.0, self.meter_V, 0.0, 0.0, self.now_s),
            insulation=InsulationState(1e6, True, True if tested else None, bool(order.measuring)),
            links=order.links,
        )

    def run(self, step: Step, each: Callable[[OutletOrder], None] = lambda order: None) -> StepResult:
        order = next(step)
        while True:
            self.history.append((self.now_s, order))
            each(order)
            self.now_s += TURN_S
            try:
                order = step.send(self.readings())
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]

    def seconds(self, wanted: Callable[[OutletOrder], bool]) -> float:
        return TURN_S * sum(wanted(order) for _, order in self.history)


def value(result: StepResult, name: str) -> object:
    return next(measure.value for measure in result.measures if measure.name == name)


def test_the_contactor_closes_for_a_second_at_most_and_its_times_are_measured() -> None:
    outlet = MadeUpOutlet()
    result = outlet.run(steps.contactor())
    assert result.verdict is StepVerdict.PASS
    assert value(result, "closes in") == pytest.approx(30, abs=11)
    assert value(result, "opens in") == pytest.approx(30, abs=21)
    assert 0 < outlet.seconds(lambda order: order.io.contactor) <= steps.CONTACTOR_MAX_S
    assert not outlet.history[-1][1].io.contactor


def test_a_contactor_that_does_not_close_is_ordered_open_after_its_bound() -> None:
    outlet = MadeUpOutlet(dead=frozenset({"contactor"}))
    result = outlet.run(steps.contactor())
    assert result.verdict is StepVerdict.FAIL
    assert "closes in no value" in result.reason
    assert outlet.seconds(lambda order: order.io.contactor) <= steps.CONTACTOR_MAX_S + TURN_S


def test_a_bounce_is_counted() -> None:
    outlet = MadeUpOutlet()

    def note(order: OutletOrder) -> None:
        if order.io.contactor and outlet.bounce_at_s is None:
            outlet.bounce_at_s = outlet.now_s + 0.1

    result = outlet.run(steps.contactor(), note)
    assert value(result, "bounces seen") == 1.0
    assert result.verdict is StepVerdict.FAIL


def test_a_contact_that_stays_closed_is_called_welded() -> None:
    outlet = MadeUpOutlet()

    def weld(order: OutletOrder) -> None:
        outlet.welded = outlet.welded or order.io.contactor

    result = outlet.run(steps.contactor(), weld)
    assert result.verdict is StepVerdict.FAIL
    assert value(result, "welded") is True


def test_voltage_that_comes_while_the_contactor_closes_ends_the_step() -> None:
    outlet = MadeUpOutlet()

    def live(order: OutletOrder) -> None:
        outlet.meter_V = 400.0 if order.io.contactor else outlet.meter_V

    result = outlet.run(steps.contactor(), live)
    assert result.verdict is StepVerdict.FAIL
    assert "voltage came to the output" in result.reason
    assert outlet.seconds(lambda order: order.io.contactor) <= 3 * TURN_S


def test_the_lock_is_measured_both_ways_and_left_unlocked() -> None:
    outlet = MadeUpOutlet()
    result = outlet.run(steps.lock())
    assert result.verdict is StepVerdict.PASS
    assert outlet.readings().lock is Lock.UNLOCKED
    assert MadeUpOutlet(dead=frozenset({"lock"})).run(steps.lock()).verdict is StepVerdict.FAIL


def test_the_pilot_is_read_back() -> None:
    assert MadeUpOutlet().run(steps.pilot_pwm()).verdict is StepVerdict.PASS
    assert MadeUpOutlet().run(steps.pilot_x1()).verdict is StepVerdict.PASS
    assert MadeUpOutlet().run(steps.pilot_f()).verdict is StepVerdict.PASS


def test_the_discharge_relay_is_closed_for_half_a_second_at_most() -> None:
    outlet = MadeUpOutlet(dead=frozenset({"discharge"}))
    assert outlet.run(steps.discharge()).verdict is StepVerdict.FAIL
    assert outlet.seconds(lambda order: order.io.discharge) <= steps.DISCHARGE_S + 2 * TURN_S


def test_a_module_never_gets_more_than_50_V_and_1_A_and_the_contactor_stays_open() -> None:
    for step in (steps.module_enable("psu"), steps.module_voltage("psu"), steps.module_voltage("psu", 48.0)):
        outlet = MadeUpOutlet()
        result = outlet.run(step)
        assert result.verdict is StepVerdict.PASS, result
        commands = [order.module_command for _, order in outlet.history]
        assert max(command.voltage_max_V for command in commands) <= 50.0
        assert max(abs(command.current_A) for command in commands) <= 1.0
        assert not any(order.io.contactor for _, order in outlet.history)
        assert not commands[-1].output_on
    with pytest.raises(ValueError, match="at most 50 V"):
        steps.module_voltage("psu", 50.1)


def test_a_module_whose_least_voltage_is_higher_is_not_switched_on() -> None:
    outlet = MadeUpOutlet(capabilities=replace(CAN, voltage_min_V=150.0))
    result = outlet.run(steps.module_voltage("psu"))
    assert result.verdict is StepVerdict.NOT_RUN
    assert "150 V" in result.reason
    assert not any(order.module_command.output_on for _, order in outlet.history)


def test_a_meter_before_the_contactor_must_agree_with_the_module() -> None:
    assert MadeUpOutlet(meter_V=50.0).run(steps.module_voltage("psu")).verdict is StepVerdict.PASS
    wrong = MadeUpOutlet(meter_V=25.0).run(steps.module_voltage("psu"))
    assert wrong.verdict is StepVerdict.FAIL
    assert "meter 25 V" in wrong.reason


def test_the_insulation_monitor_is_left_off() -> None:
    assert MadeUpOutlet().run(steps.insulation_self_test()).verdict is StepVerdict.PASS
    outlet = MadeUpOutlet()
    assert outlet.run(steps.insulation_measure()).verdict is StepVerdict.PASS
    assert outlet.history[-1][1].measuring is False


def test_the_relays_of_a_matrix_close_one_by_one() -> None:
    links = frozenset({("a", EvseId(1)), ("a", EvseId(2)), ("b", EvseId(1))})
    outlet = MadeUpOutlet()
    result = outlet.run(steps.relays(links))
    assert result.verdict is StepVerdict.PASS
    assert len(result.measures) == 6
    assert max(len(order.links) for _, order in outlet.history) == 1
    assert {link for _, order in outlet.history for link in order.links} == links


class OfAController(MadeUpOutlet):
    """Its pilot reports the state alone."""

    def readings(self) -> OutletReadings:
        return replace(super().readings(), pilot=PilotReading(ControlPilot.A, None, None, None, None))


def test_what_a_controller_does_not_measure_is_not_judged() -> None:
    assert OfAController().run(steps.pilot_x1()).verdict is StepVerdict.PASS
    assert OfAController().run(steps.pilot_pwm()).verdict is StepVerdict.NOT_RUN
    assert OfAController().run(steps.pilot_f()).verdict is StepVerdict.NOT_RUN
    shown = {point.name for point in outlet_points("pilot_board", "box", OfAController().readings())}
    assert "port.pilot" in shown and not shown & {"port.pilot_high", "port.pilot_low", "port.duty"}


def test_each_lamp_is_lit_alone() -> None:
    outlet = MadeUpOutlet()
    assert outlet.run(steps.lamps()).verdict is StepVerdict.PASS
    lit = list(dict.fromkeys(order.lamps for _, order in outlet.history))
    assert lit == [frozenset(), frozenset({Lamp.GREEN}), frozenset({Lamp.BLUE}), frozenset({Lamp.RED})]


SAFE = MadeUpOutlet().readings()


@pytest.mark.parametrize(
    ("need", "change", "words"),
    [
        (Need.NO_CAR, {"pilot": None}, "cannot be measured"),
        (Need.NO_CAR, {"pilot": PilotReading(ControlPilot.B, 100, 9.0, 9.0, None)}, "a car is plugged in"),
        (Need.NO_CAR, {"pilot": PilotReading(ControlPilot.C, 5, 6.0, -12.0, None)}, "a car is plugged in"),
        (Need.NO_CAR, {"pilot": PilotReading(ControlPilot.C, None, None, None, None)}, "in state C; unplug it"),
        (Need.NO_CAR, {"pilot": PilotReading(ControlPilot.F, 0, -12.0, -12.0, None)}, "state F"),
        (Need.NO_CAR, {"pilot": PilotReading(ControlPilot.UNKNOWN, 0, 3.0, -12.0, None)}, "state UNKNOWN"),
        (Need.CHAIN_CLOSED, {"open_inputs": None}, "cannot be read"),
        (Need.CHAIN_CLOSED, {"open_inputs": frozenset({SafetyInput.DOOR})}, "door"),
        (Need.CHAIN_CLOSED, {"latched": frozenset({BoardFault.WELD})}, "weld"),
        (Need.NO_VOLTAGE, {"meter": None}, "meter is silent"),
        (Need.NO_VOLTAGE, {"modules": {"psu": None}}, "psu is silent"),
        (Need.NO_VOLTAGE, {"modules": {"psu": PowerModuleState(60.0, 0.0, False, ())}}, "60 V"),
        (Need.NO_VOLTAGE, {"modules": {"psu": PowerModuleState(-400.0, 0.0, False, ())}}, "-400 V"),
        (Need.NO_VOLTAGE, {"modules": {}, "meter": None}, "nobody measures"),
        (Need.MODULES_OFF, {"modules": {"psu": None}}, "is not known"),
        (Need.MODULES_OFF, {"modules": {"psu": PowerModuleState(0.0, 0.0, True, ())}}, "is on"),
        (Need.CONTACTOR_OPEN, {"contactor": None}, "cannot be read"),
        (Need.CONTACTOR_OPEN, {"contactor": ContactorState(True, False, False)}, "closed"),
        (Need.DC_OUTLET, {"outlet": "ac"}, "grid before its contactor"),
    ],
)
def test_what_is_not_safe_or_not_known_is_refused(need: Need, change: dict[str, object], words: str) -> None:
    assert refusal(need, SAFE) == ""
    assert words in refusal(need, replace(SAFE, **change))  # type: ignore[arg-type]


def test_a_voltage_that_is_no_number_is_refused() -> None:
    nan = replace(SAFE, modules={"psu": PowerModuleState(float("nan"), 0.0, False, ())})
    assert refusal(Need.NO_VOLTAGE, nan)


def test_every_command_that_moves_hardware_needs_that_no_car_is_there() -> None:
    assert all(Need.NO_CAR in command.begins for command in COMMANDS)
    assert {command.name for command in COMMANDS if Need.NO_CAR not in command.goes_on} == {"f"}


def test_a_contactor_command_needs_everything_off_and_no_voltage() -> None:
    contactor = next(command for command in COMMANDS if command.name == "contactor")
    assert set(contactor.begins) == set(Need)


def test_each_kind_of_device_has_its_own_commands() -> None:
    board = DeviceUnderTest("io", "pilot_board", frozenset({"pilot", "lock"}))
    assert [command.name for command in commands_for(board)] == ["lock", "unlock", "pwm", "x1", "f"]
    assert commands_for(DeviceUnderTest("m", "meter")) == ()


def test_a_command_line_is_read_or_refused_with_what_is_known() -> None:
    commands = commands_for(DeviceUnderTest("psu", "power_module"))
    command, number = chosen(commands, "voltage=48")
    assert (command.name, number) == ("voltage", 48.0)
    assert chosen(commands, "enable")[1] is None
    for text, words in (("fire", "known are: enable, voltage"), ("enable=3", "no value"), ("voltage=x", "no number")):
        with pytest.raises(ValueError, match=words):
            chosen(commands, text)


@pytest.mark.parametrize(
    ("measure", "good", "words"),
    [
        (Measure("x", 5.0, "V", 4.0, 6.0), True, "x 5 V (4 to 6 V)"),
        (Measure("x", 6.1, "V", 4.0, 6.0), False, "x 6.1 V (4 to 6 V)"),
        (Measure("x", None, "ms", high=10.0), False, "x no value (at most 10 ms)"),
        (Measure("x", float("nan"), "ms", high=10.0), False, "x nan ms (at most 10 ms)"),
        (Measure("x", False, expected=True), False, "x no (must be yes)"),
        (Measure("x", "A", expected="A"), True, "x A (must be A)"),
    ],
)
def test_a_measure_says_its_value_and_its_limit(measure: Measure, good: bool, words: str) -> None:
    assert measure.good is good
    assert str(measure) == words
