"""Several modules as one, in virtual time: one dies, falls silent, wakes up, or drives more than it was ordered."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.readings import Reading
from chargepoint.ports import PowerModuleCapabilities, PowerModuleCommand, PowerModuleState, Reversal
from drivers.power_module.array import ALIVE_S, PowerModuleArray
from drivers.power_module.sharing import Sharer, shares

TICK_S = 0.01
OFF = PowerModuleCommand()


class FakeModule:
    """A module with a delay on its bus, and faults. `flowing_A` is the truth, `state` is what it reports.

    `cut` breaks its bus: it hears and says nothing, and goes on for `comm_loss_s`. `dead`: its supply is gone.
    """

    def __init__(
        self, name: str, rating_A: float = 40.0, delay_s: float = 0.1, comm_loss_s: float | None = 2.0
    ) -> None:
        self.name = name
        self.rating_A = rating_A
        self.comm_loss_s = comm_loss_s
        self.flowing_A = 0.0
        self.on = False
        self.cut = self.dead = False
        self.alarm = ""
        self.excess_A = 0.0
        self.identity_error = ""
        self.commands: list[PowerModuleCommand] = []
        self.state: Reading[PowerModuleState] | None = None
        self._heard_s = 0.0
        self._acting = OFF
        self._delay_s = delay_s
        self._on_the_way: deque[tuple[float, PowerModuleCommand]] = deque()
        self._now_s = 0.0

    @property
    def capabilities(self) -> PowerModuleCapabilities | None:
        power_W = self.rating_A * 500.0
        return PowerModuleCapabilities(
            150.0,
            1000.0,
            self.rating_A,
            self.rating_A,
            power_W,
            power_W,
            400.0,
            Reversal.VIA_ZERO,
            0.5,
            self.comm_loss_s,
        )

    def command(self, command: PowerModuleCommand) -> None:
        assert abs(command.current_A) <= self.rating_A + 1e-9
        self.commands.append(command)

    def poll(self, now_s: float) -> None:
        self._now_s = now_s
        if self.commands and not self.cut and not self.dead:
            self._on_the_way.append((now_s + self._delay_s, self.commands[-1]))
            self._heard_s = now_s
        while self._on_the_way and self._on_the_way[0][0] <= now_s:
            self._acting = self._on_the_way.popleft()[1]
        lost = self.comm_loss_s is not None and now_s - self._heard_s > self.comm_loss_s
        if self.dead or lost or self.alarm:
            self._acting = OFF
        self.on = self._acting.output_on
        self.flowing_A = self._acting.current_A + self.excess_A if self.on else 0.0
        if not self.cut and not self.dead:
            faults = (self.alarm,) if self.alarm else ()
            self.state = Reading(PowerModuleState(400.0, self.flowing_A, self.on, faults), now_s)


class Bench:
    def __init__(self, *modules: FakeModule) -> None:
        self.modules = modules
        self.array = PowerModuleArray("array", modules)
        self.now_s = 10.0
        self.orders: deque[tuple[float, float]] = deque()
        self.order_A = 0.0
        self.worst_A = 0.0

    def order(self, current_A: float, seconds: float = 1.0) -> None:
        self.order_A = current_A
        self.array.command(PowerModuleCommand(True, current_A, 450.0, 300.0) if current_A else OFF)
        self.run(seconds)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.now_s += TICK_S
            self.array.poll(self.now_s)
            self.orders.append((self.now_s, self.order_A))
            while self.orders[0][0] < self.now_s - 0.15:  # an order is on its way for 0.1 s
                self.orders.popleft()
            highest_A = max((order_A for _, order_A in self.orders), key=abs)
            if all(order_A * highest_A >= 0 for _, order_A in self.orders):
                self.worst_A = max(self.worst_A, abs(self.flowing_A) - abs(highest_A))

    @property
    def flowing_A(self) -> float:
        return sum(module.flowing_A for module in self.modules)

    @property
    def state(self) -> PowerModuleState:
        assert self.array.state is not None
        return self.array.state.value


@pytest.fixture
def bench() -> Bench:
    bench = Bench(FakeModule("m1"), FakeModule("m2"), FakeModule("m3"))
    bench.run(0.3)
    return bench


def test_modules_of_different_ratings_each_take_their_part() -> None:
    bench = Bench(FakeModule("m1", 20.0), FakeModule("m2", 40.0), FakeModule("m3", 60.0))
    bench.run(0.3)
    capabilities = bench.array.capabilities
    assert capabilities is not None and capabilities.charge_current_max_A == 120.0
    bench.order(-60.0)
    assert [module.flowing_A for module in bench.modules] == pytest.approx([-10.0, -20.0, -30.0])
    bench.order(120.0, 2.0)
    assert bench.flowing_A == pytest.approx(120.0)


def test_the_rest_takes_over_for_one_that_reports_a_fault(bench: Bench) -> None:
    bench.order(30.0)
    bench.modules[1].alarm = "fan fault"
    bench.run(0.8)
    assert [module.flowing_A for module in bench.modules] == pytest.approx([15.0, 0.0, 15.0])
    assert bench.state.faults == () and bench.state.degraded == ("m2: fan fault",)
    capabilities = bench.array.capabilities
    assert capabilities is not None and capabilities.charge_current_max_A == 80.0
    assert bench.worst_A <= 1e-6


def test_a_silent_module_counts_as_driving_until_its_own_time_out(bench: Bench) -> None:
    bench.order(30.0)
    bench.modules[0].cut = True
    bench.run(1.5)
    assert bench.modules[0].flowing_A == 10.0  # it goes on
    assert [module.flowing_A for module in bench.modules[1:]] == pytest.approx([10.0, 10.0])
    assert bench.state.degraded == ("m1: silent",)
    bench.run(3.0)
    assert [module.flowing_A for module in bench.modules] == pytest.approx([0.0, 15.0, 15.0])
    assert bench.worst_A <= 1e-6


def test_a_silent_module_without_a_time_out_counts_as_driving_until_it_is_measured_off() -> None:
    bench = Bench(FakeModule("m1", comm_loss_s=None), FakeModule("m2"))
    bench.run(0.3)
    bench.order(30.0)
    bench.modules[0].cut = True
    bench.run(60.0)
    assert [module.flowing_A for module in bench.modules] == pytest.approx([15.0, 15.0])
    bench.modules[0].cut = False
    bench.run(1.0)
    assert [module.flowing_A for module in bench.modules] == pytest.approx([0.0, 30.0])
    assert bench.worst_A <= 1e-6


def test_less_is_ordered_than_a_silent_module_may_drive(bench: Bench) -> None:
    bench.order(60.0)
    bench.modules[0].cut = True
    bench.run(0.7)
    bench.order(15.0, 0.5)
    assert [module.flowing_A for module in bench.modules] == pytest.approx([20.0, 0.0, 0.0])


def test_a_dead_module_is_replaced_once_its_time_out_has_passed(bench: Bench) -> None:
    bench.order(90.0)
    bench.modules[2].dead = True
    bench.run(0.9)
    assert bench.flowing_A == pytest.approx(60.0)
    bench.run(2.5)
    assert bench.flowing_A == pytest.approx(80.0)  # all that the two can do
    assert bench.worst_A <= 1e-6


def test_one_that_wakes_up_stays_off_until_the_array_was_off(bench: Bench) -> None:
    bench.order(30.0)
    bench.modules[0].cut = True
    bench.run(4.0)
    bench.modules[0].cut = False
    bench.run(2.0)
    assert [module.flowing_A for module in bench.modules] == pytest.approx([0.0, 15.0, 15.0])
    assert bench.state.degraded == ("m1: silent",)
    bench.order(0.0)
    assert bench.state.degraded == ()
    bench.order(30.0)
    assert [module.flowing_A for module in bench.modules] == pytest.approx([10.0, 10.0, 10.0])


def test_one_that_drives_more_than_ordered_shows_and_is_ordered_off(bench: Bench) -> None:
    bench.order(30.0)
    bench.modules[1].excess_A = 8.0
    bench.run(0.5)
    assert bench.state.current_A == pytest.approx(38.0)
    bench.run(1.0)
    assert bench.state.degraded == ("m2: drives 18.0 A, ordered 10.0 A",)
    assert bench.state.faults == ()
    bench.run(1.0)
    assert bench.flowing_A == pytest.approx(30.0)


def test_one_that_drives_on_although_it_was_ordered_off_leaves_less_to_the_rest(bench: Bench) -> None:
    bench.order(30.0)
    stuck = bench.modules[1]
    stuck.command = lambda command: None  # type: ignore[method-assign]
    stuck.excess_A = 8.0
    bench.run(3.0)
    assert bench.state.current_A == pytest.approx(30.0)
    assert bench.flowing_A == pytest.approx(30.0)  # 18 A of it through the one that does not obey


def test_the_direction_turns_only_when_nothing_flows_the_other_way_anywhere(bench: Bench) -> None:
    bench.order(30.0)
    bench.modules[0].cut = True
    bench.run(0.7)
    for _ in range(130):
        bench.order(-30.0, TICK_S)
        assert not (any(m.flowing_A > 1.0 for m in bench.modules) and any(m.flowing_A < 0.0 for m in bench.modules))
    bench.run(2.5)
    assert [module.flowing_A for module in bench.modules] == pytest.approx([0.0, -15.0, -15.0])


def test_all_dead_is_the_fault(bench: Bench) -> None:
    bench.order(30.0)
    for module in bench.modules:
        module.alarm = "input under-voltage"
    bench.run(0.1)
    assert bench.state.faults == tuple(f"m{i}: input under-voltage" for i in (1, 2, 3))


def test_the_power_rating_bounds_a_share() -> None:
    bench = Bench(FakeModule("m1"), FakeModule("m2", 10.0))
    bench.run(0.3)
    small = bench.modules[1]
    small.rating_A = 10.0
    bench.order(45.0)
    assert [module.flowing_A for module in bench.modules] == pytest.approx([36.0, 9.0])


MISHAPS = st.sampled_from(["cut", "dead", "alarm", "mend", "none"])


@given(
    st.lists(st.floats(10.0, 60.0), min_size=2, max_size=4),
    st.lists(st.tuples(st.floats(-100.0, 100.0), MISHAPS, st.integers(0, 3), st.floats(0.05, 3.0)), max_size=6),
)
def test_whatever_happens_nobody_is_above_its_order_and_the_sum_is_never_above_what_was_ordered(
    ratings_A: list[float], script: list[tuple[float, str, int, float]]
) -> None:
    bench = Bench(*(FakeModule(f"m{i}", rating_A) for i, rating_A in enumerate(ratings_A)))
    bench.run(0.3)
    highest_A: deque[tuple[float, float, float]] = deque()
    for order_A, mishap, which, seconds in script:
        module = bench.modules[which % len(bench.modules)]
        match mishap:
            case "cut" | "dead":
                setattr(module, mishap, True)
            case "alarm":
                module.alarm = "fault"
            case "mend":
                module.cut = module.dead = False
                module.alarm = ""
        bench.order_A = order_A
        bench.array.command(PowerModuleCommand(True, order_A, 450.0, 300.0))
        for _ in range(round(seconds / TICK_S)):
            bench.run(TICK_S)
            unheard_A = [m.flowing_A for m in bench.modules if m.cut]
            highest_A.append((bench.now_s, max(0.0, order_A), min(0.0, order_A)))
            # a module that falls silent in the moment of a smaller order drives its old share until its silence shows
            while highest_A[0][0] < bench.now_s - ALIVE_S - 0.15:
                highest_A.popleft()
            # what a module with a broken bus drives on with nobody can take back
            over_A = max(max(high_A for _, high_A, _ in highest_A), sum(a for a in unheard_A if a > 0))
            under_A = min(min(low_A for *_, low_A in highest_A), sum(a for a in unheard_A if a < 0))
            assert sum(m.flowing_A for m in bench.modules if m.flowing_A > 0) <= over_A + 1e-6
            assert sum(m.flowing_A for m in bench.modules if m.flowing_A < 0) >= under_A - 1e-6


def test_with_equal_shares_of_who_is_left_the_sum_would_have_been_above() -> None:
    """Why what may flow counts: two of three at 28 A take 14 each, while the silent third drives on with 9.3."""
    naive_A = 28.0 / 3 + 2 * 14.0
    counted = shares(28.0, [Sharer("silent", 0.0, 28.0 / 3), Sharer("b", 40.0, 28.0 / 3), Sharer("c", 40.0, 28.0 / 3)])
    assert naive_A > 37.0
    assert 28.0 / 3 + sum(counted.values()) == pytest.approx(28.0)
