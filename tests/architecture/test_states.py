"""docs/states.md is true: every arrow drawn is a change of state that the code makes, and the code makes no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepoint.evse.permit import Permission, Permit
from chargepoint.evse.plug_in import PlugIn
from chargepoint.evse.session import EvseSession
from chargepoint.evse.transaction_life import TransactionLife
from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages import dc
from chargepoint.iso15118.messages.common_types import Processing
from chargepoint.model.commands import StartTransaction
from chargepoint.model.demand import Phase
from chargepoint.model.ids import IdToken, IdTokenType
from chargepoint.model.image import Contactor, ControlPilot, Stage, TokenPresented
from chargepoint.model.status import AuthorizationStatus
from chargepoint.power import dc_sequence
from tests.architecture.state_diagrams import (
    ALLOWED,
    PAGE,
    ROOT,
    Arrows,
    diagram,
    secc_arrows,
    secc_part,
    with_secc_part,
)
from tests.unit.evse.conftest import EVSE, Station
from tests.unit.evse.test_evse_random import STEPS, do
from tests.unit.iso15118.iso20.ac_car import AC_ORDER, ScriptedAcCar
from tests.unit.iso15118.iso20.conftest import AC_MESSAGES, SESSION_ID, ScriptedCar
from tests.unit.power.test_dc_sequence_properties import FORWARD, Rig, World, order

TEXT = PAGE.read_text()
TOKEN = IdToken("R", IdTokenType.CENTRAL)
STAGES = diagram(TEXT, "## Stage of the power process")


def compared(drawn: Arrows, made: Arrows) -> list[str]:
    """What is drawn and never happens, and what happens and is not drawn, in words."""
    return [f"drawn, never made: {a} --> {b}" for a, b in sorted(drawn - made)] + [
        f"made, not drawn: {a} --> {b}" for a, b in sorted(made - drawn)
    ]


# -- SECC ------------------------------------------------------------------------------------------------------------


def test_the_generated_part_is_that_of_the_code() -> None:
    assert with_secc_part(TEXT) == TEXT, "run: .venv/bin/python -m tests.architecture.state_diagrams"


def test_a_changed_table_of_messages_changes_the_page() -> None:
    more = {**ALLOWED, State.CHARGE_LOOP: ALLOWED[State.CHARGE_LOOP] | {dc.DC_CableCheckReq}}
    less = {**ALLOWED, State.SESSION_STOP: frozenset[type]()}
    assert "ChargeLoop | AC_ChargeLoopReq, DC_CableCheckReq" in secc_part(more)
    assert secc_part(more) != secc_part() != secc_part(less)


def test_a_session_makes_the_changes_of_state_that_are_drawn_and_no_other() -> None:
    """Every message allowed in every state, sent to the engine."""
    drawn = {(a, b) for a, b, _ in secc_arrows(ALLOWED)}
    seen = set[tuple[State, State]]()
    for state, kinds in ALLOWED.items():
        for kind in kinds - AC_MESSAGES:
            for stage in (Stage.OFF, Stage.CABLE_CHECKED, Stage.TRANSFER):
                for ongoing in (False, True):
                    car = ScriptedCar().reach(state)
                    car.see(stage=stage)
                    for _ in range(2):  # the first CableCheckReq only begins the check
                        if not car.secc.ended and car.secc.session.state is state:
                            car.send(_going_on(car, kind) if ongoing else car.request(kind))
                        car.see(stage=Stage.CABLE_CHECK)  # a result from before the request does not count
                        car.see(stage=stage)
                    if not car.secc.ended and car.secc.session.state is not state:
                        seen.add((state, car.secc.session.state))
    seen |= a_pause_and_the_way_back() | another_schedule() | at_an_ac_outlet()
    assert compared(named(drawn), named(seen)) == []


def moved(car: ScriptedCar, request: Any) -> tuple[State, State]:
    """The states before and after this request."""
    before = car.secc.session.state
    car.ask(request)
    return before, car.secc.session.state


def a_pause_and_the_way_back() -> set[tuple[State, State]]:
    kept = ScriptedCar(leaf=b"certificate").reach(State.CHARGE_LOOP).secc.kept
    car = ScriptedCar(kept=kept, leaf=b"certificate")
    car.agree()
    car.session_id = SESSION_ID
    return {moved(car, car.request(cm.SessionSetupReq))}


def another_schedule() -> set[tuple[State, State]]:
    car = ScriptedCar().reach(State.CHARGE_LOOP)
    begun = moved(car, car.power_delivery(cm.ChargeProgress.ScheduleRenegotiation))
    return {begun, moved(car, car.schedule_exchange())}


def at_an_ac_outlet() -> set[tuple[State, State]]:
    """Every message of an AC session, and a stop before the transfer."""
    seen = set[tuple[State, State]]()
    for state in AC_ORDER[1:]:
        for request in ("charge_parameters", "schedule_exchange", "charge_loop", "power_delivery", "stop"):
            car = ScriptedAcCar().reach(state)
            made = car.power_delivery(cm.ChargeProgress.Stop) if request == "stop" else getattr(car, request)()
            if type(made) not in ALLOWED[state]:
                continue
            car.send(made)
            car.see(stage=Stage.OFF if request == "stop" else Stage.TRANSFER)
            seen.add((state, car.secc.session.state))
    return {(a, b) for a, b in seen if a is not b}


def named(arrows: set[tuple[State, State]]) -> Arrows:
    return {(a.value, b.value) for a, b in arrows}


def _going_on(car: ScriptedCar, kind: type) -> Any:
    """The request that goes the other way: not finished yet, or stop instead of start."""
    request = car.request(kind)
    if kind is cm.PowerDeliveryReq:
        return car.power_delivery(cm.ChargeProgress.Stop)
    return replace(request, EVProcessing=Processing.Ongoing) if hasattr(request, "EVProcessing") else request


# -- stage of the power process --------------------------------------------------------------------------------------


def stage_names(node: ast.AST) -> set[str]:
    """The stages that an expression names."""
    return {
        n.attr
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "Stage"
    }


def stages_in_the_code() -> Arrows:
    """From each stage every stage that its method, or one it calls, enters: guards are not looked at."""
    tree = ast.parse((ROOT / "chargepoint/power/dc_sequence.py").read_text())
    body = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "DcSequence").body
    methods = {n.name: n for n in body if isinstance(n, ast.FunctionDef)}

    def entered(name: str, done: frozenset[str]) -> set[str]:
        found = set[str]()
        for node in ast.walk(methods[name]):
            if isinstance(node, ast.Assign) and re.search(r"self\._stage\b", ast.unparse(node.targets[0])):
                found |= stage_names(node.value)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("self._"):
                called = ast.unparse(node.func).removeprefix("self.")
                if called == "_enter":
                    found |= stage_names(node.args[0])
                elif called in methods and called not in done:
                    found |= entered(called, done | {called})
        return found

    made: Arrows = set()
    for case in (n for n in ast.walk(methods["_work"]) if isinstance(n, ast.match_case)):
        call = next(n.func for n in ast.walk(case.body[0]) if isinstance(n, ast.Call))
        assert isinstance(call, ast.Attribute)
        for name in stage_names(case.pattern):
            made |= {(name, target) for target in entered(call.attr, frozenset({call.attr}))}
    for stage in set(Stage) - {Stage.CLOSING}:  # the two branches of `step` itself
        if stage not in dc_sequence._OPEN:
            made.add((stage.name, Stage.OPENING.name))
        if stage in dc_sequence._LEAST_PHASE:
            made.add((stage.name, Stage.RAMP_DOWN.name))
    return {(a, b) for a, b in made if a != b}


GUARDED = {("PRE_CHARGE", "TRANSFER")}
"""Entered by the method of two stages, from one of them only: `PRE_CHARGED` has to come in between."""


def test_every_stage_that_a_method_enters_is_drawn() -> None:
    assert compared(STAGES | GUARDED, stages_in_the_code()) == []


def test_the_arrows_are_those_that_the_random_steps_allow() -> None:
    """`FORWARD` is what every random step of the sequence is held against."""
    assert compared(STAGES, {(a.name, b.name) for a, targets in FORWARD.items() for b in targets if a is not b}) == []


class Recorded:
    """A rig whose changes of stage are noted."""

    def __init__(self, seen: Arrows) -> None:
        self.rig, self.seen = Rig(), seen

    def steps(self, count: int) -> None:
        for _ in range(count):
            before = self.rig.sequence.stage
            self.rig.step()
            after = self.rig.sequence.stage
            if after is not before:
                self.seen.add((before.name, after.name))

    def ask(self, phase: Phase) -> None:
        self.rig.world.demand = order(phase, 8000.0, 30.0, 30.0, -20_000.0, 20_000.0)

    def reach(self, stage: Stage) -> None:
        """By the shortest way."""
        self.rig.latches.ask_reset()
        for phase in (Phase.CABLE_CHECK, Phase.PRE_CHARGE, Phase.TRANSFER):
            for _ in range(100):
                if self.rig.sequence.stage is stage:
                    return
                self.ask(phase)
                self.steps(1)
        if self.rig.sequence.stage is not stage:
            self.rig.world.demand = None
        for _ in range(400):
            if self.rig.sequence.stage is stage:
                return
            self.steps(1)
        raise AssertionError(f"{stage.name} is not reached")


def no_demand(it: Recorded) -> None:
    it.rig.world.demand = None


def stop_under_current(it: Recorded) -> None:
    """Without a current the ramp down is over in the cycle in which it began."""
    it.rig.world.demand, it.rig.world.amps, it.rig.world.following = None, 10.0, False


def emergency(it: Recorded) -> None:
    it.rig.world.chain_closed = False


def another_voltage(it: Recorded) -> None:
    it.rig.world.volts, it.rig.world.following = 300.0, False


def silent_board(it: Recorded) -> None:
    """Too long for a discharge, and then heard again with a voltage left."""
    world = it.rig.world
    world.demand, world.board_alive, world.volts, world.following = None, False, 300.0, False
    it.steps(400)
    world.board_alive = True


def silent_board_and_slow_contactor(it: Recorded) -> None:
    silent_board(it)
    it.rig.world.contactor = Contactor.CLOSED
    it.steps(1)
    it.rig.world.contactor = Contactor.OPEN


def reset(it: Recorded) -> None:
    emergency(it)
    it.steps(300)
    it.rig.world = World()
    it.rig.latches.ask_reset()


def reset_under_demand(it: Recorded) -> None:
    reset(it)
    it.ask(Phase.CABLE_CHECK)


HAPPENINGS = (
    no_demand, stop_under_current, silent_board_and_slow_contactor, emergency, another_voltage, silent_board, reset, reset_under_demand,
)  # fmt: skip


@pytest.mark.slow
def test_every_arrow_of_the_stages_is_gone_along_and_no_other() -> None:
    seen: Arrows = set()
    for stage in set(Stage) - {Stage.CLOSING}:
        for happening in HAPPENINGS:
            it = Recorded(seen)
            if stage is Stage.FAULTED:
                emergency(it)
            else:
                it.reach(stage)
            happening(it)
            it.steps(400)
    assert compared(STAGES, seen) == []


def test_an_arrow_too_many_or_too_few_is_found() -> None:
    drawn = diagram(
        TEXT.replace("    CABLE_CHECK --> CABLE_CHECKED:", "    CABLE_CHECK --> TRANSFER:"),
        "## Stage of the power process",
    )
    assert compared(drawn, STAGES) == [
        "drawn, never made: CABLE_CHECK --> TRANSFER",
        "made, not drawn: CABLE_CHECK --> CABLE_CHECKED",
    ]  # fmt: skip


# -- session of the EVSE ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def session_arrows() -> dict[str, Arrows]:
    """The changes of the three machines of a session, over random lives."""
    seen: dict[str, Arrows] = {"### Plug-in": set(), "### Permission": set(), "### Transaction": set()}
    with pytest.MonkeyPatch.context() as patch:
        _record_attribute(patch, Permit, "state", seen["### Permission"], lambda permit: permit.state.name)
        _record_attribute(patch, EvseSession, "_plug_in", seen["### Plug-in"], _plug_in)
        _record_attribute(patch, PlugIn, "spent", seen["### Plug-in"], lambda plug_in: _spent(plug_in.spent))
        for name in ("begin", "order_stop", "end_when_due"):
            _record_call(patch, TransactionLife, name, seen["### Transaction"], _transaction)

        @settings(suppress_health_check=list(HealthCheck), max_examples=150, deadline=None, derandomize=True)
        @given(steps=st.lists(STEPS, max_size=40), everybody=st.booleans())
        def lives(steps: list[tuple[str, Any]], everybody: bool) -> None:
            station = Station(everybody)
            for step in steps:
                do(station, step)

        lives()
        _rare_ends()
    return seen


def _rare_ends() -> None:
    """Lives that chance seldom meets."""
    for status in (AuthorizationStatus.BLOCKED, None):
        station = Station()
        station.see(pilot=ControlPilot.B)
        station.present()
        if status is not None:
            station.answer(status)
        station.see(pilot=ControlPilot.A)
    for again in (TokenPresented(EVSE, "04FFFFFF", 0.0), StartTransaction(EVSE, TOKEN, 1, authorize=False)):
        station = Station()
        station.see(pilot=ControlPilot.B)
        station.present()
        station.answer(AuthorizationStatus.BLOCKED)
        station.feed(again)


def _plug_in(session: EvseSession) -> str:
    return "Unplugged" if session._plug_in is None else _spent(session._plug_in.spent)


def _spent(spent: bool) -> str:
    return "Spent" if spent else "PluggedIn"


def _transaction(life: TransactionLife) -> str:
    if not life.running:
        return "NotRunning"
    return "Running" if life.stop is None else "Stopping"


def _record_attribute(
    patch: pytest.MonkeyPatch, kind: type, name: str, seen: Arrows, state: Callable[[Any], str]
) -> None:
    """Note each change that an assignment of this attribute makes to what `state` says."""
    plain: Any = kind.__setattr__

    def assign(it: Any, attribute: str, value: Any) -> None:
        before = state(it) if attribute == name and hasattr(it, name) else None
        plain(it, attribute, value)
        if before is not None and state(it) != before:
            seen.add((before, state(it)))

    patch.setattr(kind, "__setattr__", assign)


def _record_call(patch: pytest.MonkeyPatch, kind: type, name: str, seen: Arrows, state: Callable[[Any], str]) -> None:
    plain = getattr(kind, name)

    def call(it: Any, *args: Any, **named: Any) -> Any:
        before = state(it)
        answer = plain(it, *args, **named)
        if state(it) != before:
            seen.add((before, state(it)))
        return answer

    patch.setattr(kind, name, call)


@pytest.mark.parametrize("heading", ["### Plug-in", "### Permission", "### Transaction"])
def test_the_arrows_of_the_session_are_those_of_random_lives(session_arrows: dict[str, Arrows], heading: str) -> None:
    assert compared(diagram(TEXT, heading), session_arrows[heading]) == []


# -- the tables behind the diagrams ----------------------------------------------------------------------------------


def test_every_state_of_an_enumeration_is_drawn() -> None:
    def drawn(arrows: Arrows) -> set[str]:
        return {name for arrow in arrows for name in arrow}

    at_ac = drawn(diagram(TEXT, "## Stage at an AC outlet"))
    assert drawn(STAGES) | at_ac == {stage.name for stage in Stage}
    assert drawn(diagram(TEXT, "### Permission")) == {permission.name for permission in Permission}
    assert {state for a, b, _ in secc_arrows(ALLOWED) for state in (a, b)} == set(State) - {State.ENDED}
