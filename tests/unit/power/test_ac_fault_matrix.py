"""Every cause of the interlock table in every moment of an AC session: the fault in time, the contactor open, no restart by itself.

Time is virtual. Drivers, register maps and wires are the real ones; `tests/joined/ac_fault_matrix.py` has the injections. And with two
outlets on the same wires: what happens at one leaves the other alone.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.faults import CATALOGUE, CONTROLLED_STOP_S, FaultCode, ResetRule, Severity
from chargepoint.model.image import Stage
from chargepoint.power.ac_sequence import ERROR_WAIT_S
from chargepoint.safety.interlocks import alternating
from chargepoint.safety.interlocks.row import Interlock, Outlet
from chargepoint.safety.interlocks.table import table_of
from tests.joined.ac_fault_matrix import FLOWING, INJECTIONS, AcInjection, AcMatrixLoop, Moment
from tests.joined.ac_loop import CHARGE_W
from tests.unit.power.conftest import TICK_S, MemoryWire

ROWS = table_of(Outlet.AC)

EMERGENCY_S = 0.1
"""From the fault to open contacts: IEC 61851-1 Table A.6 (docs/sources/safety.md 2, grade B)."""

ERROR_S = ERROR_WAIT_S + 0.15
"""A car that does not stop by itself, and the contactor."""

Case = tuple[Interlock, AcInjection, Moment]


def cases() -> list[object]:
    return list(_cases())


def _cases() -> Iterator[object]:
    """Every injection while the car charges or feeds, and in one more moment; which of them follows from its name. All moments with
    FAULT_MATRIX=all."""
    for row in ROWS:
        injection = INJECTIONS.get((row.code, row.cause))
        if injection is None:
            continue
        for moment in _moments(row.cause):
            marks = () if moment in FLOWING else pytest.mark.slow
            yield pytest.param(
                (row, injection, moment), id=f"{row.code.name}: {row.cause} [{moment.value}]", marks=marks
            )


def _moments(name: str) -> list[Moment]:
    others = [moment for moment in Moment if moment not in FLOWING]
    first = zlib.crc32(name.encode())
    if os.environ.get("FAULT_MATRIX") == "all":
        return [*FLOWING, *others]
    flowing = sorted(FLOWING, key=lambda moment: moment.value)
    return [flowing[first % len(flowing)], others[first % len(others)]]


def test_every_row_of_the_table_has_an_injection() -> None:
    rows = {(row.code, row.cause) for row in ROWS}
    assert not {f"{code.name}: {cause}" for code, cause in rows - set(INJECTIONS)}, "rows without an injection"
    assert not set(INJECTIONS) - rows, "injections of rows that are gone"
    assert all(injection.trips for injection in INJECTIONS.values())


@pytest.mark.parametrize("case", cases())
def test_fault_in_this_moment(case: Case) -> None:
    row, injection, moment = case
    loop = AcMatrixLoop()
    loop.lead(moment)
    before_A, stage = loop.largest_A, Stage.OFF if loop.image is None else loop.image.stage
    loop.inject(injection)
    if injection.begins and moment is Moment.OFFERED:
        _begin(loop)
    bound_s = row.delay_s + injection.within_s + TICK_S
    seen = _until_tripped(loop, row.code, bound_s + 1.0)
    assert set(loop.trips) <= {row.code} | injection.others, loop.trips
    if seen is None:
        assert moment not in injection.trips, f"not tripped within {bound_s + 1.0:.2f} s; {loop.image}"
        loop.run(1.0)
    else:
        assert seen - loop.injected_s <= bound_s, f"after {seen - loop.injected_s:.3f} s"
        _reacts(loop, row.code, seen, injection, moment, stage, before_A)
    _stays_open(loop, injection)


def _begin(loop: AcMatrixLoop) -> None:
    loop.order(Phase.TRANSFER)
    loop.plant.car.pilot = "C"


def _until_tripped(loop: AcMatrixLoop, code: FaultCode, within_s: float) -> float | None:
    for _ in range(round(within_s / TICK_S)):
        loop.run(TICK_S)
        if code in loop.trips:
            return loop.trips[code]
    return None


def _reacts(
    loop: AcMatrixLoop,
    code: FaultCode,
    at_s: float,
    injection: AcInjection,
    moment: Moment,
    stage: Stage,
    before_A: float,
) -> None:
    """What the severity promises. Nothing at an AC outlet lowers the car's current but the car."""
    match CATALOGUE[code].severity:
        case Severity.EMERGENCY:
            _opens(loop, at_s, injection, EMERGENCY_S)
            assert injection.stays_closed or injection.open_s or (loop.ordered_open_s or 0.0) <= at_s + 2 * TICK_S
        case Severity.ERROR:
            _opens(loop, at_s, injection, ERROR_S)
        case Severity.STOP:
            if moment in FLOWING:
                loop.run(1.0)
                assert loop.at(Stage.TRANSFER) and abs(loop.largest_A - before_A) < 0.5
            _opens(loop, at_s, injection, CONTROLLED_STOP_S + ERROR_S)
        case Severity.DERATE:
            assert loop.image is not None and loop.image.permitted
            if moment in FLOWING:
                ac = loop.image.capabilities and loop.image.capabilities.ac
                assert loop.at(Stage.TRANSFER) and ac is not None and ac.current_max_A == 16.0
        case Severity.WARNING:
            assert loop.image is not None and loop.image.permitted
            if moment in FLOWING:
                loop.run(1.0)
                assert loop.at(stage) and abs(loop.largest_A - before_A) < 0.5


def _opens(loop: AcMatrixLoop, at_s: float, injection: AcInjection, within_s: float) -> None:
    until_s = at_s + max(within_s, injection.open_s)
    while loop.now_s < until_s + 2 * TICK_S and (loop.plant.contactor_closed or loop.board_driver.ordered.contactor):
        loop.step()
    assert not loop.board_driver.ordered.contactor
    assert injection.stays_closed or (loop.contacts_open_s is not None and loop.contacts_open_s <= until_s)
    assert injection.stays_closed or loop.largest_A == 0.0


def _stays_open(loop: AcMatrixLoop, injection: AcInjection) -> None:
    """With the same demand nothing closes again, whether the cause stays or goes."""
    if loop.board_driver.ordered.contactor:
        return
    if loop.demand is None or loop.demand.phase is Phase.OFF:
        return  # nothing is asked for
    loop.closings.clear()
    loop.run(0.5)
    injection.apply(loop, False)
    loop.plant.car.pilot = "C"
    loop.run(2.5)
    assert loop.closings == [], f"closed again at {loop.closings}"


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.code.name}: {row.cause}") for row in alternating.ROWS])
def test_latch_rule_once_the_cause_is_gone(row: Interlock) -> None:
    """AUTO clears by itself; RESTING waits for the pilot, UNPLUG for the car, OPERATOR for a person."""
    injection, rule = INJECTIONS[row.code, row.cause], CATALOGUE[row.code].reset
    loop = AcMatrixLoop()
    loop.lead(Moment.CHARGE if Moment.CHARGE in injection.trips else Moment.FEED)
    loop.inject(injection)
    assert _until_tripped(loop, row.code, row.delay_s + injection.within_s + 1.0) is not None
    loop.run(ERROR_S)
    injection.apply(loop, False)
    loop.plant.car.pilot, loop.plant.car.ordered_W = "C", 0.0
    loop.order(Phase.OFF)
    loop.run(4.5)
    assert (row.code in loop.trips) and loop.image is not None
    assert (row.code in loop.image.faults) is (rule is not ResetRule.AUTO)
    loop.plant.car.pilot = "B"
    loop.run(2.0)
    assert (row.code in loop.image.faults) is (rule not in (ResetRule.AUTO, ResetRule.RESTING))
    loop.plant.unplug()
    loop.run(2.0)
    assert (row.code in loop.image.faults) is (rule is ResetRule.OPERATOR)
    loop.stage.reset_faults("a test")
    loop.run(2.0)
    assert row.code not in loop.image.faults


class Neighbours:
    """Two outlets whose boards share one wire and whose meters share another, in one process."""

    def __init__(self) -> None:
        wires = (MemoryWire("fast", 115200, []), MemoryWire("slow", 38400, []))
        self.one, self.two = AcMatrixLoop(1, wires), AcMatrixLoop(2, wires)
        self._wires = wires
        for loop in (self.one, self.two):
            loop.order(Phase.OFF)
            loop.plant.plug()
        self.run(2.0)
        for loop in (self.one, self.two):
            _begin(loop)
        self.run(1.0)
        for loop in (self.one, self.two):
            loop.plant.car.ordered_W = CHARGE_W
        self.run(2.0)
        assert self.one.at(Stage.TRANSFER) and self.two.at(Stage.TRANSFER), (self.one.image, self.two.image)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.001)):
            for loop in (self.one, self.two):
                loop.step_plant()
            for wire in self._wires:
                wire.pump(self.one.now_s)
            stepped = [loop.step_stage() for loop in (self.one, self.two)]
            if any(stepped):
                for wire in self._wires:
                    wire.pump(self.one.now_s)
            for loop in (self.one, self.two):
                loop.watch()


@pytest.mark.slow
@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=f"{row.code.name}: {row.cause}")
        for row in ROWS
        if not INJECTIONS[row.code, row.cause].shared
    ],
)
def test_the_neighbour_goes_on(row: Interlock) -> None:
    pair, injection = Neighbours(), INJECTIONS[row.code, row.cause]
    pair.one.inject(injection)
    pair.two.events.clear()
    pair.two.contacts_open_s, pair.two.ordered_open_s = None, None
    for _ in range(round((row.delay_s + injection.within_s + ERROR_S) / 0.1)):
        pair.run(0.1)
        assert pair.two.largest_A == pytest.approx(CHARGE_W / 690.0, rel=0.01)
    if Moment.CHARGE in injection.trips:
        assert row.code in pair.one.trips
    assert (pair.two.contacts_open_s, pair.two.ordered_open_s) == (None, None)
    assert pair.two.trips == {} and pair.two.at(Stage.TRANSFER)
