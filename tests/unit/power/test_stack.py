"""A stack of three modules and two EVSEs in virtual time: who has what, how a module moves, what breaks."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.ids import EvseId
from chargepoint.model.image import MeterRegisters
from chargepoint.model.io import ModuleFault
from chargepoint.model.readings import Reading
from chargepoint.ports import PowerModuleCapabilities, PowerModuleCommand, PowerModuleState, Reversal
from chargepoint.power.stack import MATCH_V, MOVE_PERIOD_S, Link
from chargepoint.power.stack_share import WAIT_S, ModuleStack
from chargepoint.power.stack_wish import StackWish
from drivers.power_module.array import PowerModuleArray

E1, E2 = EvseId(1), EvseId(2)
TICK_S = 0.02
RATING_A = 40.0
SLEW_S = 0.32
"""A module of this bench takes 0.1 s from 40 A to 0, and the bench moves by ticks."""
EVERYTHING = StackWish(True, 120.0)


class StackModule:
    """A module of 40 A whose output is at the voltage of what it is connected to. It discharges itself while it is off."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.identity_error = ""
        self.flowing_A = self.own_V = 0.0
        self.on = self.dead = self.stuck_on = False
        self.alarm = ""
        self.ordered = PowerModuleCommand()
        self.state: Reading[PowerModuleState] | None = None

    @property
    def capabilities(self) -> PowerModuleCapabilities | None:
        return PowerModuleCapabilities(
            150.0, 1000.0, RATING_A, RATING_A, 3e4, 3e4, 400.0, Reversal.VIA_ZERO, 0.5, comm_loss_s=2.0
        )

    def command(self, command: PowerModuleCommand) -> None:
        self.ordered = command

    def poll(self, now_s: float) -> None:
        """What it shows is shown by the bench."""

    def act(self, output_V: float | None, now_s: float) -> None:
        """A step at this output; None: connected to nothing."""
        self.on = not self.dead and not self.alarm and (self.ordered.output_on or self.stuck_on)
        goal_A = self.ordered.current_A if self.on and output_V is not None else 0.0
        self.flowing_A += min(max(goal_A - self.flowing_A, -400.0 * TICK_S), 400.0 * TICK_S)
        if not self.on:
            self.flowing_A = 0.0
        if output_V is not None:
            self.own_V = output_V
        elif self.on:
            self.own_V = min(self.ordered.voltage_max_V, self.own_V + 2000.0 * TICK_S)
        else:
            self.own_V = max(0.0, self.own_V - 100.0 * TICK_S)
        if not self.dead:
            faults = (self.alarm,) if self.alarm else ()
            self.state = Reading(PowerModuleState(self.own_V, self.flowing_A, self.on, faults), now_s)


class Matrix:
    """Contactors that close in 60 ms and open in 40 ms, and their faults."""

    def __init__(self, links: frozenset[Link]) -> None:
        self.name = "matrix"
        self.identity_error = ""
        self.links = links
        self.requested: frozenset[Link] = frozenset()
        self.closed: set[Link] = set()
        self.welded: set[Link] = set()
        self.stuck_open: set[Link] = set()
        self.silent = False
        self.state: Reading[frozenset[Link]] | None = None
        self._wanted_since_s: dict[Link, float] = {}

    def request(self, closed: frozenset[Link]) -> None:
        self.requested = closed

    def poll(self, now_s: float) -> None:
        """What it shows is shown by the bench."""

    def act(self, now_s: float) -> set[Link]:
        """A step; the contactors that changed."""
        before = set(self.closed)
        for link in self.links:
            if (link in self.requested) == (link in self.closed):
                self._wanted_since_s[link] = now_s
            took_s = now_s - self._wanted_since_s.get(link, now_s)
            if link in self.welded or (link in self.requested and link not in self.stuck_open and took_s >= 0.06):
                self.closed.add(link)
            elif link in self.stuck_open or (link not in self.requested and took_s >= 0.04):
                self.closed.discard(link)
        if not self.silent:
            self.state = Reading(frozenset(self.closed), now_s)
        return before ^ self.closed


class Meter:
    """Shows the voltage of the output."""

    def __init__(self) -> None:
        self.name = "meter"
        self.identity_error = ""
        self.registers: MeterRegisters | None = None

    def poll(self, now_s: float) -> None:
        """What it shows is shown by the bench."""


class StackBench:
    """`run` advances everything. `switched_A`: the most that a contactor of the matrix ever switched.

    `worst_A`: by how much more flowed than the greatest order of the last `SLEW_S`.
    """

    def __init__(self) -> None:
        self.now_s = 100.0
        self.modules = {name: StackModule(name) for name in "abc"}
        self.matrix = Matrix(frozenset((name, evse) for name in "abc" for evse in (E1, E2)))
        self.meters = {E1: Meter(), E2: Meter()}
        self.output_V = {E1: 0.0, E2: 0.0}
        self.wishes: dict[EvseId, StackWish] = {E1: StackWish(), E2: StackWish()}
        self.order_A = {E1: 0.0, E2: 0.0}
        self._orders_A = {evse: deque([0.0], maxlen=round(SLEW_S / TICK_S)) for evse in (E1, E2)}
        self.stack = ModuleStack("s", tuple(self.modules.values()), self.matrix, self.meters, PowerModuleArray)
        self.switched_A = self.worst_A = self.inrush_V = 0.0
        self.twice = False

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self._step()

    def _step(self) -> None:
        self.now_s += TICK_S
        before_V = {name: module.own_V for name, module in self.modules.items()}
        for name, evse in self.matrix.act(self.now_s):
            self.switched_A = max(self.switched_A, abs(self.modules[name].flowing_A))
            if (name, evse) in self.matrix.closed:
                self.inrush_V = max(self.inrush_V, abs(before_V[name] - self.output_V[evse]))
        for name, module in self.modules.items():
            at = [evse for module_name, evse in self.matrix.closed if module_name == name]
            self.twice |= len(at) > 1
            module.act(self.output_V[at[0]] if at else None, self.now_s)
        for evse, meter in self.meters.items():
            meter.registers = MeterRegisters(0.0, 0.0, self.output_V[evse], 0.0, 0.0, self.now_s)
            self._orders_A[evse].append(self.order_A[evse])
            self.worst_A = max(self.worst_A, self.flowing_A(evse) - max(self._orders_A[evse]))
            share = self.stack.shares[evse]
            rated_A = 0.0 if share.capabilities is None else share.capabilities.charge_current_max_A
            on = self.order_A[evse] != 0.0
            share.command(
                PowerModuleCommand(on, min(self.order_A[evse], rated_A), 500.0, 150.0) if on else PowerModuleCommand()
            )
            share.poll(self.now_s)
        self.stack.step(self.now_s, self.wishes)

    def charge(self, evse: EvseId, current_A: float, wish: StackWish = EVERYTHING) -> None:
        """This EVSE wants all it can get, and orders that current at 400 V."""
        self.wishes[evse], self.order_A[evse], self.output_V[evse] = wish, current_A, 400.0

    def stop(self, evse: EvseId) -> None:
        self.wishes[evse], self.order_A[evse] = StackWish(), 0.0

    def flowing_A(self, evse: EvseId) -> float:
        return sum(self.modules[name].flowing_A for name, at in self.matrix.closed if at == evse)

    @property
    def shared(self) -> Mapping[EvseId, int]:
        return {evse: len(share.serving) for evse, share in self.stack.shares.items()}

    def faults(self, evse: EvseId) -> tuple[str, ...]:
        reading = self.stack.shares[evse].state
        return ("silent",) if reading is None else reading.value.faults


@pytest.fixture
def bench() -> StackBench:
    made = StackBench()
    made.run(0.2)
    return made


def safe(bench: StackBench) -> bool:
    """What holds in every test."""
    return bench.switched_A <= 1.0 and not bench.twice and bench.inrush_V <= MATCH_V + 4.0 and bench.worst_A <= 1.0


def test_idle_evses_are_offered_everything_and_nothing_is_connected(bench: StackBench) -> None:
    for share in bench.stack.shares.values():
        assert share.capabilities is not None and share.capabilities.charge_current_max_A == 120.0
        assert share.state is not None and share.state.value == PowerModuleState(0.0, 0.0, False, ())
    assert bench.matrix.requested == frozenset()


def test_one_car_alone_gets_all_three(bench: StackBench) -> None:
    bench.charge(E1, 120.0)
    bench.run(3.0)
    assert bench.shared == {E1: 3, E2: 0}
    assert bench.flowing_A(E1) == pytest.approx(120.0)
    assert safe(bench)


def test_the_second_car_gets_one_and_the_first_keeps_two(bench: StackBench) -> None:
    bench.charge(E1, 120.0)
    bench.run(3.0)
    bench.charge(E2, 120.0)
    bench.run(5.0)
    assert bench.shared == {E1: 2, E2: 1}
    assert (bench.flowing_A(E1), bench.flowing_A(E2)) == pytest.approx((80.0, 40.0))
    bench.run(3 * MOVE_PERIOD_S)
    assert bench.shared == {E1: 2, E2: 1}
    assert safe(bench)


def test_the_second_module_moves_when_the_first_car_needs_less(bench: StackBench) -> None:
    bench.charge(E1, 120.0)
    bench.run(3.0)
    bench.charge(E2, 120.0)
    bench.run(MOVE_PERIOD_S + 3.0)
    bench.charge(E1, 30.0, StackWish(True, 30.0))
    bench.run(3.0)
    assert bench.shared == {E1: 1, E2: 2}
    assert bench.flowing_A(E1) == pytest.approx(30.0)
    assert safe(bench)


def test_modules_do_not_wander(bench: StackBench) -> None:
    """Two cars whose needs alternate each second: a module moves for fairness each 10 s at most."""
    bench.charge(E1, 120.0)
    bench.run(3.0)
    bench.charge(E2, 120.0)
    bench.run(5.0)
    moves, before = 0, dict(bench.shared)
    for second in range(60):
        greedy, modest = (E1, E2) if second % 2 else (E2, E1)
        bench.charge(greedy, 120.0)
        bench.charge(modest, 30.0, StackWish(True, 30.0))
        bench.run(1.0)
        moves += dict(bench.shared) != before
        before = dict(bench.shared)
    assert 1 <= moves <= 14  # each move shows at most twice: when the module leaves and when it arrives
    assert safe(bench)


def test_a_module_that_nobody_else_wants_stays(bench: StackBench) -> None:
    bench.charge(E1, 120.0)
    bench.run(3.0)
    bench.charge(E1, 10.0, StackWish(True, 10.0))
    bench.run(30.0)
    assert bench.shared == {E1: 3, E2: 0}


def test_one_module_dies_under_both(bench: StackBench) -> None:
    bench.charge(E1, 120.0)
    bench.run(3.0)
    bench.charge(E2, 120.0)
    bench.run(5.0)
    (only,) = bench.stack.shares[E2].serving
    bench.modules[only].dead = True
    bench.run(8.0)
    assert bench.shared == {E1: 1, E2: 1}
    assert (bench.flowing_A(E1), bench.flowing_A(E2)) == pytest.approx((40.0, 40.0))
    assert bench.faults(E1) == () and safe(bench)


def test_a_module_with_an_alarm_is_replaced_and_comes_back_when_it_is_well(bench: StackBench) -> None:
    bench.charge(E1, 60.0)
    bench.run(3.0)
    bench.modules["a"].alarm = "fan"
    bench.run(2.0)
    assert bench.flowing_A(E1) == pytest.approx(60.0) and bench.shared[E1] == 2
    bench.modules["a"].alarm = ""
    bench.run(15.0)
    assert bench.shared[E1] == 3
    assert safe(bench)


def test_an_evse_left_without_any_module_has_its_ordinary_fault(bench: StackBench) -> None:
    bench.charge(E1, 60.0)
    bench.run(3.0)
    for module in bench.modules.values():
        module.alarm = "hardware"
    bench.run(1.5)
    assert any("hardware" in fault or "no module is left" in fault for fault in bench.faults(E1))


def test_an_evse_that_never_gets_a_module_is_not_left_waiting(bench: StackBench) -> None:
    for module in bench.modules.values():
        module.alarm = "hardware"
    bench.run(0.5)
    bench.charge(E1, 2.0)
    bench.run(WAIT_S - 1.0)
    assert bench.faults(E1) == ()
    bench.run(2.0)
    assert bench.faults(E1) == ("stack s: no module is left for EVSE 1",)


def test_a_contactor_that_does_not_close_is_left_alone_and_another_module_comes(bench: StackBench) -> None:
    bench.matrix.stuck_open = {("a", E1)}
    bench.charge(E1, 120.0)
    bench.run(5.0)
    assert bench.stack.shares[E1].serving == {"b", "c"}
    assert ("a", E1) not in bench.matrix.requested
    state = bench.stack.shares[E1].state
    assert state is not None and any("does not close" in words for words in state.value.degraded)
    bench.matrix.stuck_open = set()
    bench.run(30.0)
    assert bench.stack.shares[E1].serving == {"b", "c"}  # not before a person resets it
    bench.stack.reset()
    bench.run(5.0)
    assert bench.stack.shares[E1].serving == {"a", "b", "c"}
    assert safe(bench)


def test_a_contactor_that_opens_by_itself_is_not_closed_again(bench: StackBench) -> None:
    bench.charge(E1, 90.0)
    bench.run(3.0)
    bench.matrix.stuck_open = {("b", E1)}
    bench.run(0.06)
    assert ("b", E1) not in bench.matrix.requested and not bench.modules["b"].ordered.output_on
    bench.matrix.stuck_open = set()
    bench.run(20.0)
    assert bench.stack.shares[E1].serving == {"a", "c"}
    assert bench.flowing_A(E1) == pytest.approx(80.0)
    assert not bench.twice and bench.worst_A <= 1.0


def test_a_welded_contactor_keeps_its_module_from_the_other_evse(bench: StackBench) -> None:
    bench.charge(E1, 120.0)
    bench.run(3.0)
    bench.matrix.welded = {(name, E1) for name in "abc"}
    bench.charge(E2, 40.0)
    bench.run(5.0)
    assert bench.flowing_A(E2) == 0.0 and not bench.twice
    assert not any(evse == E2 for _, evse in bench.matrix.requested)
    state = bench.stack.shares[E1].state
    assert state is not None and any("does not open" in words for words in state.value.degraded)
    assert bench.shared[E1] >= 1 and safe(bench)


def test_a_module_at_two_outputs_is_an_emergency_for_both(bench: StackBench) -> None:
    bench.charge(E1, 120.0)
    bench.run(3.0)
    bench.matrix.welded = {("a", E2)}
    bench.run(0.06)
    for share in bench.stack.shares.values():
        assert share.state is not None and ModuleFault.TWO_OUTPUTS in share.state.value.kinds
    assert not bench.modules["a"].ordered.output_on
    bench.matrix.welded = set()
    bench.run(2.0)
    for share in bench.stack.shares.values():  # until a person resets it
        assert share.state is not None and ModuleFault.TWO_OUTPUTS in share.state.value.kinds
    bench.stack.reset()
    bench.run(0.1)
    assert bench.faults(E2) == ()


def test_a_contactor_closed_without_an_order_bars_its_module(bench: StackBench) -> None:
    bench.matrix.welded = {("a", E2)}
    bench.run(0.1)
    bench.charge(E1, 120.0)
    bench.run(5.0)
    assert bench.stack.shares[E1].serving == {"b", "c"}
    assert not bench.modules["a"].ordered.output_on and safe(bench)


def test_a_silent_matrix_takes_the_power(bench: StackBench) -> None:
    bench.charge(E1, 120.0)
    bench.run(3.0)
    bench.matrix.silent = True
    bench.run(1.5)
    assert all(not module.ordered.output_on for module in bench.modules.values())
    assert bench.faults(E1) != ()
    assert safe(bench)


def test_a_module_that_does_not_go_off_is_not_disconnected(bench: StackBench) -> None:
    bench.charge(E1, 120.0)
    bench.run(3.0)
    for module in bench.modules.values():
        module.stuck_on = True
    bench.charge(E2, 40.0)
    bench.run(3.0)
    assert len(bench.matrix.closed) == 3 and bench.shared[E2] == 0


def test_the_stop_of_one_evse_does_not_disturb_the_other(bench: StackBench) -> None:
    bench.charge(E1, 70.0, StackWish(True, 70.0))
    bench.run(3.0)
    bench.charge(E2, 35.0)
    bench.run(12.0)
    bench.stop(E2)  # as an emergency stop does: off at once
    for _ in range(100):
        bench.run(TICK_S)
        assert bench.flowing_A(E1) == pytest.approx(70.0)
    assert safe(bench)


def test_all_off_at_the_end_of_the_process(bench: StackBench) -> None:
    bench.charge(E1, 120.0)
    bench.run(3.0)
    bench.stack.switch_off()
    bench.stack.disconnect()
    assert bench.matrix.requested == frozenset()
    assert all(not module.ordered.output_on for module in bench.modules.values())


HAPPENINGS = st.sampled_from(
    [
        "charge 1",
        "charge 2",
        "less 1",
        "less 2",
        "stop 1",
        "stop 2",
        "dies",
        "lives",
        "alarm",
        "silent",
        "weld",
        "open",
        "reset",
    ]
)


@pytest.mark.slow
@given(st.lists(st.tuples(HAPPENINGS, st.sampled_from("abc"), st.sampled_from([0.04, 0.3, 3.0])), max_size=10))
def test_whatever_happens_nothing_is_switched_live_and_no_module_is_at_two_outputs(
    happenings: list[tuple[str, str, float]],
) -> None:
    bench = StackBench()
    for what, name, wait_s in happenings:
        module, matrix = bench.modules[name], bench.matrix
        evse = E2 if what.endswith("2") else E1
        if what.startswith("charge"):
            bench.charge(evse, 100.0)
        elif what.startswith("less"):
            bench.charge(evse, 20.0, StackWish(True, 20.0))
        elif what.startswith("stop"):
            bench.stop(evse)
        elif what == "weld":
            matrix.welded = {link for link in matrix.closed if link[0] == name}
        elif what == "open":
            matrix.stuck_open = {link for link in matrix.links - matrix.closed if link[0] == name}
        elif what == "silent":
            matrix.silent = not matrix.silent
        elif what == "reset":
            bench.stack.reset()
        else:
            module.dead, module.alarm = what == "dies", "alarm" if what == "alarm" else ""
        bench.run(wait_s)
    assert bench.switched_A <= 1.0 and not bench.twice and bench.worst_A <= 1.0
    for evse, share in bench.stack.shares.items():
        assert all((name, evse) in bench.matrix.closed for name in share.serving if not bench.matrix.silent)
