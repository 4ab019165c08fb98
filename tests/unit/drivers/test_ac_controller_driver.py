"""A vendor's AC charge controller by its driver alone: what it is written for each order, and when it is not believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.demand import PilotCommand
from chargepoint.model.image import ControlPilot
from chargepoint.model.pilot_duty import duty_percent
from chargepoint.ports import EVERY_MEASUREMENT, PilotAbility
from drivers.pilot.ac_controller import AcController
from drivers.profile.load import PROFILES, parse, shipped
from drivers.profile.schema import ProfileError
from hil.plant.ac_controller import AcControllerPlant
from hil.plant.board import Board
from hil.plant.pilot import PilotState
from hil.simulators.registers.ac_controller import FollowingAcController

if TYPE_CHECKING:
    from tests.unit.drivers.conftest import ScriptedBus

NAMES = ("evse_din", "phoenix_ev_cc_ac1")


class Rig:
    def __init__(self, scripted_bus: type[ScriptedBus], name: str) -> None:
        self.profile = shipped(name)
        self.box, self.board = AcControllerPlant(), Board(pilot=PilotState.B)
        self.registers = FollowingAcController(7, self.profile, {}, self.box, self.board)
        self.bus: Any = scripted_bus([self.registers])
        self.driver = AcController("box", self.profile, {}, 7, self.bus.master)

    def run(self, seconds: float) -> None:
        self.bus.run([self.driver], seconds)

    @property
    def writes(self) -> list[bytes]:
        return [frame for _, frame in self.bus.sent if frame[1] in (5, 6, 16)]


@pytest.fixture(params=NAMES)
def rig(request: pytest.FixtureRequest, scripted_bus: type[ScriptedBus]) -> Rig:
    return Rig(scripted_bus, request.param)


def test_it_is_switched_off_as_soon_as_it_is_known(rig: Rig) -> None:
    assert rig.box.allowed  # as it starts by itself
    rig.run(2.0)
    assert not rig.box.allowed
    state = rig.driver.ports.pilot and rig.driver.ports.pilot.state
    assert state is not None and state.value.pilot is ControlPilot.B
    assert (state.value.duty_percent, state.value.high_V, state.value.low_V) == (None, None, None)


def test_nothing_is_written_to_another_device(rig: Rig) -> None:
    rig.registers.show = lambda: rig.registers.values.update({"pilot_state": 0.0})  # type: ignore[method-assign]
    rig.driver.show(PilotCommand.PWM, duty_percent(16.0))
    rig.run(5.0)
    assert rig.writes == [] and rig.driver.identity_error and rig.driver.ports.pilot is not None
    assert rig.driver.ports.pilot.state is None


@pytest.mark.parametrize(
    ("command", "duty", "limit_A", "allowed"),
    [
        (PilotCommand.PWM, duty_percent(6.0), 6.0, True),
        (PilotCommand.PWM, duty_percent(16.0), 16.0, True),
        (PilotCommand.PWM, duty_percent(15.99), 15.0, True),
        (PilotCommand.PWM, duty_percent(32.0), 32.0, True),
        (PilotCommand.PWM, duty_percent(63.0), 63.0, True),
        (PilotCommand.PWM, 96.9, 80.0, True),
    ],
)
def test_a_duty_becomes_the_next_lower_current(
    rig: Rig, command: PilotCommand, duty: float, limit_A: float, allowed: bool
) -> None:
    rig.driver.show(command, duty)
    rig.run(3.0)
    assert (rig.box.limit_A, rig.box.allowed) == (limit_A, allowed)
    assert rig.driver.identity_error == ""


@pytest.mark.parametrize(
    ("command", "duty"),
    [(PilotCommand.PWM, 5.0), (PilotCommand.X1, 100.0), (PilotCommand.F, 0.0), (PilotCommand.PWM, 99.0)],
)
def test_an_order_without_a_current_offers_none(rig: Rig, command: PilotCommand, duty: float) -> None:
    rig.driver.show(PilotCommand.PWM, duty_percent(16.0))
    rig.run(3.0)
    rig.driver.show(command, duty)
    rig.run(1.0)
    assert not rig.box.allowed or rig.box.limit_A == 0.0
    if command is PilotCommand.F:
        assert not rig.box.allowed


def test_what_stands_is_not_written_again(rig: Rig) -> None:
    rig.driver.show(PilotCommand.PWM, duty_percent(16.0))
    rig.run(4.0)
    before = len(rig.writes)
    rig.run(20.0)
    assert len(rig.writes) == before


def test_one_that_restarted_gets_its_order_again_and_is_believed(rig: Rig) -> None:
    rig.driver.show(PilotCommand.PWM, duty_percent(10.0))
    rig.run(4.0)
    rig.box.limit_A = 32.0
    rig.run(2.4)
    assert rig.box.limit_A == 10.0 and rig.driver.identity_error == ""


def test_one_that_restarts_soon_after_its_order_gets_it_again_at_once(rig: Rig) -> None:
    rig.driver.show(PilotCommand.PWM, duty_percent(10.0))
    rig.run(3.0)
    rig.driver.show(PilotCommand.PWM, duty_percent(12.0))
    rig.run(1.5)
    rig.box.limit_A = 32.0
    rig.run(2.4)
    assert rig.box.limit_A == 12.0 and rig.driver.identity_error == ""


def test_one_that_keeps_more_than_ordered_has_no_state_until_it_obeys(rig: Rig) -> None:
    port = rig.driver.ports.pilot
    assert port is not None
    rig.driver.show(PilotCommand.PWM, duty_percent(16.0))
    rig.run(4.0)
    rig.box.keeps = True
    rig.driver.show(PilotCommand.PWM, duty_percent(8.0))
    rig.run(2.0)
    assert port.state is not None
    rig.run(3.0)
    assert port.state is None and "16 A: at most 8 A was ordered" in rig.driver.identity_error
    rig.box.keeps = False
    rig.run(4.0)
    assert port.state is not None and rig.driver.identity_error == ""


def test_one_that_is_set_lower_by_hand_is_believed(rig: Rig) -> None:
    rig.driver.show(PilotCommand.PWM, duty_percent(16.0))
    rig.run(4.0)
    rig.box.limit_A, rig.box.keeps = 8.0, True
    before = len(rig.writes)
    rig.run(50.0)
    assert rig.driver.identity_error == "" and len(rig.writes) <= before + 1


def test_its_state_ages_while_it_is_silent(rig: Rig) -> None:
    port = rig.driver.ports.pilot
    assert port is not None
    rig.run(3.0)
    silent_s = rig.bus.now_s
    rig.box.silent = True
    rig.run(rig.driver.max_age_s + 0.1)
    assert port.state is not None and port.state.taken_at_s <= silent_s
    assert port.state.age_s(rig.bus.now_s) > rig.driver.max_age_s


def test_it_measures_nothing_beside_the_state(rig: Rig) -> None:
    port = rig.driver.ports.pilot
    assert port is not None and not port.abilities & EVERY_MEASUREMENT
    assert PilotAbility.SHOWS_5_PERCENT not in port.abilities
    others = {name for name in ("contactors", "lock", "inputs", "temperatures") if getattr(rig.driver.ports, name)}
    assert others == set()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("max_age_ms = 1200", "max_age_ms = 900"), "max_age_ms = 900: one lost answer"),
        (('state = "pilot_state.letter"', 'state = "pilot_state.word"'), "no such point or bits"),
        (("B = 66\n", ""), "no number for B"),
        (('class = "ac_controller"', 'class = "grid_inverter"'), "a profile of class ac_controller has it"),
        (('maps_to = "enable"\n', ""), "nothing stops it"),
        (("A = 65\n", "A = 65\nG = 71\n"), "unknown key"),
    ],
)
def test_a_profile_that_promises_too_much_is_refused(change: tuple[str, str], expected: str) -> None:
    text = (shipped_text("phoenix_ev_cc_ac1")).replace(*change)
    with pytest.raises(ProfileError, match=expected):
        parse(text, "phoenix.toml")


def shipped_text(name: str) -> str:
    return (PROFILES / f"{name}.toml").read_text(encoding="utf-8")
