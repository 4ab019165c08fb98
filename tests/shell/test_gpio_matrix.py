"""The matrix of a stack on GPIO lines, over a chip that is made up."""

from __future__ import annotations

import pytest

from chargepoint.model.ids import EvseId
from chargepoint.ports import BusSpec, DeviceSpec
from drivers.gpio.bus import REREAD_S, GpioBus
from drivers.gpio.line import ACTIVE_S
from drivers.gpio.matrix import GpioMatrix
from tests.shell.test_gpio_bus import Chip

E1, E2 = EvseId(1), EvseId(2)
PARAMS: dict[str, float | int | str | bool] = {
    "a_to_1": 0, "a_to_1_feedback": 1, "a_to_2": 2, "a_to_2_feedback": 3, "b_to_1": 4, "b_to_1_feedback": 5
}  # fmt: skip


class MatrixBench:
    def __init__(self) -> None:
        self.chip = Chip()
        self.now_s = 10.0
        self.bus = GpioBus(BusSpec("chip", "gpio", "/dev/gpiochip0"), lambda: self.now_s, self.chip.open)
        self.matrix = GpioMatrix(DeviceSpec("x", "matrix", "gpio", "chip", 1, None, PARAMS), self.bus)
        self.run(2 * REREAD_S)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.01)):
            self.now_s += 0.01
            self.bus.pump(self.now_s)


@pytest.fixture
def bench() -> MatrixBench:
    return MatrixBench()


def test_what_is_requested_is_driven_and_what_feeds_back_is_closed(bench: MatrixBench) -> None:
    assert bench.matrix.links == {("a", E1), ("a", E2), ("b", E1)}
    bench.matrix.request(frozenset({("a", E1)}))
    bench.run(0.02)
    assert bench.chip.values[0] and not bench.chip.values[2] and not bench.chip.values[4]
    assert bench.matrix.state is not None and bench.matrix.state.value == frozenset()
    bench.chip.move(1, True, bench.now_s)
    bench.run(ACTIVE_S + 0.03)
    assert bench.matrix.state.value == {("a", E1)}
    bench.chip.move(1, False, bench.now_s)
    bench.run(0.03)
    assert bench.matrix.state.value == frozenset()


def test_a_module_is_never_driven_to_two_evses(bench: MatrixBench) -> None:
    bench.matrix.request(frozenset({("a", E1), ("a", E2), ("b", E1)}))
    bench.run(0.02)
    assert not bench.chip.values[0] and not bench.chip.values[2] and bench.chip.values[4]


def test_a_change_opens_before_it_closes(bench: MatrixBench) -> None:
    bench.matrix.request(frozenset({("a", E1)}))
    bench.run(0.02)
    bench.chip.history.clear()
    bench.matrix.request(frozenset({("a", E2)}))
    bench.run(0.02)
    changes = [one for one in bench.chip.history if one in ((0, False), (2, True))]
    assert changes[:2] == [(0, False), (2, True)]


def test_a_chip_that_is_gone_shows_nothing_new(bench: MatrixBench) -> None:
    assert bench.matrix.state is not None
    before_s = bench.matrix.state.taken_at_s
    bench.chip.broken = True
    bench.run(0.5)
    assert bench.matrix.state is None or bench.matrix.state.taken_at_s <= before_s + REREAD_S
