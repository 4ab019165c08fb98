"""Dips of milliseconds on every input, at every stage, both ways: nothing the host did not order ever closes again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.faults import CATALOGUE, FaultCode
from chargepoint.model.image import Contactor, Stage
from chargepoint.safety.contactor_watch import SETTLE_S, ContactorWatch
from hil.plant.faults import inject

STAGES = (
    Stage.CABLE_CHECK,
    Stage.CABLE_CHECKED,
    Stage.PRE_CHARGE,
    Stage.PRE_CHARGED,
    Stage.TRANSFER,
    Stage.RAMP_DOWN,
)
CAUSES = {
    "e_stop": FaultCode.EMERGENCY_STOP,
    "door_open": FaultCode.DOOR_OPEN,
    "rcd": FaultCode.RCD,
    "chain_open": FaultCode.HARDWARE_CHAIN_OPEN,
    "coil_supply": FaultCode.CONTACTOR_OPENED,
}


class Closings:
    """Counts how often the output contactor closed, and the currents when it opened."""

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.closed = self._closed_now()
        self.opened = self.closings = self.opened_by_itself = 0

    def _closed_now(self) -> bool:
        board = self.loop.plant.board
        return bool(board.positive.closed and board.negative.closed)

    def __call__(self) -> None:
        now = self._closed_now()
        self.opened += self.closed and not now
        self.closings += now and not self.closed
        self.closed = now


def dip(loop: Any, fault: str, seconds: float) -> Closings:
    closings = Closings(loop)
    loop.watch = closings
    inject(loop.plant, fault, True)
    loop.run(seconds)
    inject(loop.plant, fault, False)
    loop.run(0.2)
    closings.opened_by_itself = closings.opened
    loop.order(
        Phase.OFF
    )  # the daemon ends its session; a demand that stayed would begin a new sequence after an AUTO fault
    loop.run(1.3)
    return closings


@pytest.mark.parametrize("power_W", [11_000.0, -11_000.0], ids=["charging", "discharging"])
@pytest.mark.parametrize(
    ("fault", "milliseconds"),
    # a coil without current for less than its delay does not open, and nothing shows it
    [(fault, ms) for fault in CAUSES for ms in (1, 4, 9, 14) if fault != "coil_supply" or ms > 10],
)
def test_a_dip_under_current_is_a_fault_and_nothing_closes_again(
    plant_loop: Any, fault: str, power_W: float, milliseconds: int
) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER, power_W)
    assert abs(loop.plant.circuit.output_A) > 25.0
    closings = dip(loop, fault, milliseconds / 1000)
    assert loop.tripped().keys() >= {CAUSES[fault]}, loop.tripped()
    assert not loop.plant.board.outputs & 1
    assert closings.closings == 0
    assert not loop.plant.modules["psu"].output_on
    assert loop.image.stage is Stage.FAULTED or CATALOGUE[CAUSES[fault]].reset.value == "auto"


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
@pytest.mark.parametrize("fault", CAUSES)
def test_a_dip_at_any_stage_ends_it(plant_loop: Any, fault: str, stage: Stage) -> None:
    loop = plant_loop
    loop.reach(stage)
    closings = dip(loop, fault, 0.014)
    assert CAUSES[fault] in loop.tripped()
    assert (closings.closings, closings.closed) == (0, False)


@pytest.mark.parametrize("offset_ms", range(0, 20, 3))
@pytest.mark.parametrize("milliseconds", [20, 30])
@pytest.mark.parametrize(("fault", "power_W"), [("door_open", 11_000.0), ("rcd", -11_000.0), ("coil_supply", 11_000.0)])
def test_an_older_board_that_closes_by_itself_is_ordered_open_at_the_first_sample(
    plant_loop: Any, fault: str, power_W: float, milliseconds: int, offset_ms: int
) -> None:
    """The board latches no cause but the emergency stop. It may close until our next sample, never for good. The contactor is
    open 10 ms longer than the dip: at least one of our samples falls into that."""
    loop = plant_loop
    inject(loop.plant, "board_latches_nothing", True)
    loop.reach(Stage.TRANSFER, power_W)
    loop.run(offset_ms / 1000)
    closings = dip(loop, fault, milliseconds / 1000)
    assert closings.opened_by_itself
    assert set(loop.tripped()) & {FaultCode.CONTACTOR_OPENED, CAUSES[fault]}
    assert not closings.closed
    assert not loop.plant.board.outputs & 1
    if FaultCode.CONTACTOR_OPENED in loop.tripped():
        assert loop.tripped()[FaultCode.CONTACTOR_OPENED] == (
            "contactor opened without an order; the board reports no cause"
        )


def test_after_an_opening_only_an_unplugging_and_a_full_new_sequence_bring_power_back(plant_loop: Any) -> None:
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    dip(loop, "coil_supply", 0.014)
    loop.plant.car.contactors_wanted = False
    loop.run(10.0)
    assert loop.image.faults == {FaultCode.CONTACTOR_OPENED}
    loop.plant.unplug()
    loop.until(lambda: not loop.image.faults)
    stages: list[Stage] = []
    loop.watch = lambda: stages.append(loop.image.stage) if loop.image.stage not in stages[-1:] else None
    loop.reach(Stage.TRANSFER)
    assert stages[-1] is Stage.TRANSFER
    assert [stage for stage in stages if stage in STAGES][:3] == [
        Stage.CABLE_CHECK,
        Stage.CABLE_CHECKED,
        Stage.PRE_CHARGE,
    ]


def test_a_board_watchdog_that_opened_takes_the_request_away_at_once(plant_loop: Any) -> None:
    """Its fault is no emergency; a request that stayed through the ramp down could close under voltage."""
    loop = plant_loop
    loop.reach(Stage.TRANSFER)
    loop.plant.board.latched |= 1 << 6
    loop.run(0.06)
    assert FaultCode.PILOT_BOARD_WATCHDOG in loop.tripped()
    assert not loop.plant.board.request & 1
    assert not loop.plant.modules["psu"].output_on or loop.plant.modules["psu"].source_current_A == 0.0


@pytest.mark.parametrize("older_board", [False, True])
def test_a_cable_check_that_a_dip_ended_never_begins_again_for_the_demand_that_stayed(
    plant_loop: Any, older_board: bool
) -> None:
    """An open door clears by itself: what may not come back is the closing that nobody ordered anew."""
    loop = plant_loop
    inject(loop.plant, "board_latches_nothing", older_board)
    loop.reach(Stage.CABLE_CHECK)
    closings = Closings(loop)
    loop.watch = closings
    inject(loop.plant, "door_open", True)
    loop.run(0.03)
    inject(loop.plant, "door_open", False)
    loop.run(8.0)
    assert FaultCode.DOOR_OPEN in loop.tripped()
    assert loop.image.faults == frozenset()
    assert (loop.image.stage, closings.closings) == (Stage.OFF, 0)
    loop.order(Phase.OFF)
    loop.run(0.1)
    loop.order(Phase.CABLE_CHECK)  # a new session
    loop.until(lambda: loop.at(Stage.CABLE_CHECK))


# -- the watch itself ------------------------------------------------------------------------------------------------------


def watched(
    samples: list[tuple[Contactor, bool | None]], ordered: Callable[[int], bool] = lambda n: True
) -> list[bool]:
    watch = ContactorWatch()
    return [
        watch.step(n * 0.01, ordered=ordered(n), contactor=contactor, coil_on=coil)
        for n, (contactor, coil) in enumerate(samples)
    ]


SETTLED = [(Contactor.CLOSED, True)] * (round(SETTLE_S / 0.01) + 1)


@pytest.mark.parametrize(
    "sample", [(Contactor.OPEN, True), (Contactor.OPEN, None), (Contactor.CLOSED, False), (Contactor.WELDED, True)]
)
def test_one_sample_is_enough_and_stays(sample: tuple[Contactor, bool | None]) -> None:
    assert watched([*SETTLED, sample, *SETTLED])[len(SETTLED) :] == [True] * (1 + len(SETTLED))


def test_a_bounce_while_closing_and_a_silent_board_are_no_opening() -> None:
    bounce = [(Contactor.CLOSED, True), (Contactor.OPEN, True)] * 5
    silence: list[tuple[Contactor, bool | None]] = [(Contactor.UNKNOWN, None)] * 3
    assert not any(watched([*bounce, *SETTLED, *silence, *SETTLED]))


def test_the_order_to_open_ends_the_watch() -> None:
    samples: list[tuple[Contactor, bool | None]] = [*SETTLED, *[(Contactor.OPEN, False)] * 5]
    assert not any(watched(samples, ordered=lambda n: n < len(SETTLED)))


def explained(*, car_leaves_s: float | None, pwm_ends_s: float | None = None) -> float | None:
    """When an opening at 1.0 s is reported, with a controller that explains within 2 s what it opened; the order goes at once."""
    watch = ContactorWatch(explained_within_s=2.0)
    for tick in range(600):
        now_s = tick / 100
        closed = now_s < 1.0
        leaves = car_leaves_s is not None and now_s >= car_leaves_s
        ended = pwm_ends_s is not None and now_s >= pwm_ends_s
        if watch.step(
            now_s,
            ordered=now_s < 1.01,
            contactor=Contactor.CLOSED if closed else Contactor.OPEN,
            coil_on=True,
            car_asks=not (leaves or ended),
        ):
            return now_s
    return None


def test_what_the_car_explains_in_time_is_no_opening_without_an_order() -> None:
    assert explained(car_leaves_s=2.9) is None
    assert explained(car_leaves_s=None, pwm_ends_s=0.9) is None


def test_what_nobody_explains_is_one_after_the_controllers_bound() -> None:
    seen_s = explained(car_leaves_s=None)
    assert seen_s is not None and 3.0 <= seen_s <= 3.02
    late_s = explained(car_leaves_s=3.5)
    assert late_s == seen_s
