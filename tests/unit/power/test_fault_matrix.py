"""Every cause of the interlock table in every moment of a session: the fault in time, current and contactor safe, no restart by itself.

Time is virtual. Drivers, register maps and wires are the real ones (`conftest.py`); `tests/joined/fault_matrix.py` has the injections.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator

import pytest

from chargepoint.model.demand import Phase
from chargepoint.model.faults import (
    CATALOGUE,
    CONTROLLED_STOP_S,
    LOAD_WAIT_S,
    MAY_WAIT_FOR_CURRENT,
    FaultCode,
    ResetRule,
    Severity,
)
from chargepoint.model.image import Stage
from chargepoint.safety.interlocks.row import Outlet
from chargepoint.safety.interlocks.table import BY_SEQUENCE, TABLE, table_of
from hil.plant.board import CONTACTOR
from tests.joined.fault_matrix import ALL, BY_STEP, EXTRA, INJECTIONS, TRANSFER, Injection, MatrixLoop, Moment
from tests.unit.power.conftest import STEP_S, TICK_S

EMERGENCY_S = 0.1
"""From the fault to open contacts and no current: IEC 61851-1 Table A.6 (docs/sources/safety.md 2, grade B)."""

ERROR_S = 2.5
"""The ramp of 2 s at most, and the contactor."""

AUTO_CLEARS_S = 6.0
"""Discharge of the output, the devices' answers, and the release of the board's own latch."""

Case = tuple[frozenset[FaultCode], float, Injection, Moment]

DC_ROWS = table_of(Outlet.DC)


def cases() -> list[object]:
    return list(_cases())


def _cases() -> Iterator[object]:
    """Every injection while the car charges, and in one more moment, which follows from its name. All moments take ten minutes
    together: FAULT_MATRIX=all ./run test tests/unit/power/test_fault_matrix.py."""
    named: list[tuple[str, frozenset[FaultCode], float, Injection]] = []
    for row in DC_ROWS:
        found = INJECTIONS.get((row.code, row.cause))
        if found is not None:
            named.append((f"{row.code.name}: {row.cause}", frozenset({row.code}), row.delay_s, found))
    named += [(code.name, frozenset({code}), 0.0, found) for code, found in BY_STEP.items()]
    named += [(name, codes, 0.0, found) for name, (codes, found) in EXTRA.items()]
    for name, codes, delay_s, injection in named:
        for moment in _moments(name):
            marks = () if moment is Moment.CHARGE else pytest.mark.slow
            yield pytest.param((codes, delay_s, injection, moment), id=f"{name} [{moment.value}]", marks=marks)


def _moments(name: str) -> list[Moment]:
    others = [moment for moment in Moment if moment is not Moment.CHARGE]
    first = zlib.crc32(name.encode())
    chosen = others if os.environ.get("FAULT_MATRIX") == "all" else [others[first % len(others)]]
    return [Moment.CHARGE, *chosen]


def test_every_row_of_the_table_has_an_injection() -> None:
    rows = {(row.code, row.cause) for row in DC_ROWS}
    assert not {f"{code.name}: {cause}" for code, cause in rows - set(INJECTIONS)}, "rows without an injection"
    assert not set(INJECTIONS) - rows, "injections of rows that are gone"
    assert set(BY_STEP) == set(BY_SEQUENCE)
    assert {row.code for row in TABLE} | set(BY_STEP) == set(FaultCode)


def test_every_injection_trips_somewhere() -> None:
    assert not [key for key, injection in INJECTIONS.items() if not injection.trips]
    assert not [code for code, injection in BY_STEP.items() if not injection.trips]


@pytest.mark.parametrize("case", cases())
def test_fault_in_this_moment(case: Case) -> None:
    codes, delay_s, injection, moment = case
    loop = MatrixLoop()
    loop.lead(moment)
    loop.run(0.0 if moment in (Moment.RAMP_DOWN, Moment.CABLE_CHECK, Moment.PRE_CHARGE) else 0.05)
    before_A, stage = loop.current_A, loop.image.stage if loop.image is not None else Stage.OFF
    loop.inject(injection)
    if injection.begins and moment is Moment.PLUGGED:
        loop.order(Phase.CABLE_CHECK)
    bound_s = delay_s + injection.within_s + TICK_S
    seen = _until_tripped(loop, codes, bound_s + 1.0)
    assert set(loop.trips) <= codes | injection.others, loop.tripped()
    if seen is None:
        assert moment not in injection.trips, f"not tripped within {bound_s + 1.0:.2f} s; {loop.image}"
        loop.run(1.0)
    else:
        code, at_s = seen
        # where it need not be seen at all, it may be seen later
        assert at_s - loop.injected_s <= bound_s or moment not in injection.trips, (
            f"after {at_s - loop.injected_s:.3f} s"
        )
        _reacts(loop, code, at_s, injection, moment, stage, before_A)
    _stays_open(loop, injection, thorough=moment is Moment.CHARGE)


def _until_tripped(loop: MatrixLoop, codes: frozenset[FaultCode], within_s: float) -> tuple[FaultCode, float] | None:
    for _ in range(round(within_s / TICK_S)):
        loop.run(TICK_S)
        for code, at_s in loop.trips.items():
            if code in codes:
                return code, at_s
    return None


def _reacts(
    loop: MatrixLoop, code: FaultCode, at_s: float, injection: Injection, moment: Moment, stage: Stage, before_A: float
) -> None:
    """What the severity promises."""
    match CATALOGUE[code].severity:
        case Severity.EMERGENCY:
            _opens(loop, at_s, injection, EMERGENCY_S)
            assert loop.ordered_open_s is not None
            waits_s = LOAD_WAIT_S if code in MAY_WAIT_FOR_CURRENT else 0.0
            assert loop.ordered_open_s - at_s <= waits_s + 2 * TICK_S or injection.stays_closed
        case Severity.ERROR:
            _opens(loop, at_s, injection, ERROR_S)
        case Severity.STOP:
            if moment in TRANSFER:
                loop.run(1.0)
                assert loop.at(Stage.TRANSFER) and abs(loop.current_A - before_A) < 1.0
                assert loop.image is not None and loop.image.permitted
            _opens(loop, at_s, injection, CONTROLLED_STOP_S + ERROR_S)
        case Severity.DERATE:
            if moment in TRANSFER:
                loop.run(1.0)
                most_A = before_A if code is FaultCode.MODULE_DEGRADED else 0.5 * 40.0
                assert loop.at(Stage.TRANSFER) and 1.0 < loop.current_A <= most_A + 1.0
        case Severity.WARNING:
            if moment in TRANSFER:
                loop.run(1.0)
                assert loop.at(stage) and abs(loop.current_A - before_A) < 1.0
    if CATALOGUE[code].severity in (Severity.DERATE, Severity.WARNING):
        assert loop.image is not None and loop.image.permitted


def _opens(loop: MatrixLoop, at_s: float, injection: Injection, within_s: float) -> None:
    until_s = at_s + (within_s if injection.open_s is None else max(within_s, injection.open_s))
    while loop.now_s < until_s + 2 * TICK_S:
        loop.step()
        if not loop.closed and loop.no_current_s is not None and not loop.board_driver.ordered.contactor:
            break
    assert loop.no_current_s is not None and loop.no_current_s <= until_s, f"{loop.current_A:.1f} A"
    assert not loop.board_driver.ordered.contactor
    assert injection.stays_closed or (loop.contacts_open_s is not None and loop.contacts_open_s <= until_s)
    assert loop.image is not None


def _stays_open(loop: MatrixLoop, injection: Injection, *, thorough: bool) -> None:
    """With the same demand nothing closes again, whether the cause stays or goes. Nor by a cable check that follows without an end."""
    opened = not loop.board_driver.ordered.contactor
    if not opened:
        return
    loop.closings.clear()
    loop.run(0.5 if thorough else 0.2)
    injection.apply(loop, False)
    loop.run(2.5 if thorough else 0.8)
    if loop.demand is not None and loop.demand.phase is not Phase.OFF:
        loop.order(Phase.CABLE_CHECK)
        loop.run(1.0 if thorough else 0.3)
    assert loop.closings == [], f"closed again at {loop.closings}, opened at {loop.ordered_open_s}"


@pytest.mark.parametrize("key", [pytest.param(key, id=f"{key[0].name}: {key[1]}") for key, found in INJECTIONS.items()])
def test_latch_rule_once_the_cause_is_gone(key: tuple[FaultCode, str]) -> None:
    """AUTO clears and lets a new session begin; RESTING waits for the pilot, UNPLUG for the car, OPERATOR for a person."""
    code, injection = key[0], INJECTIONS[key]
    loop = MatrixLoop()
    loop.lead(Moment.CHARGE if Moment.CHARGE in injection.trips else sorted(injection.trips, key=lambda m: m.value)[0])
    loop.inject(injection)
    if injection.begins:
        loop.order(Phase.CABLE_CHECK)
    row = next(row for row in DC_ROWS if (row.code, row.cause) == key)
    assert _until_tripped(loop, frozenset({code}), row.delay_s + injection.within_s + 1.0) is not None
    loop.run(0.5)
    loop.order(Phase.OFF)
    loop.run(4.0)
    injection.apply(loop, False)
    if code is FaultCode.NO_CURRENT:
        loop.plant.car.contactors_wanted = False
    rule = injection.clears or CATALOGUE[code].reset
    loop.order(Phase.OFF)
    loop.run(AUTO_CLEARS_S)
    assert loop.image is not None
    assert (code in loop.image.faults) is (rule is not ResetRule.AUTO), loop.image.faults
    assert injection.others or rule is not ResetRule.AUTO or not loop.image.faults
    _begins(loop, not loop.image.faults)
    if rule is ResetRule.AUTO:
        return
    loop.plant.car.contactors_wanted = False
    loop.plant.car.pilot = "B"
    loop.run(2.0)
    assert (code in loop.image.faults) is (rule is not ResetRule.RESTING)
    loop.plant.unplug()
    loop.run(6.0)
    assert (code in loop.image.faults) is (rule is ResetRule.OPERATOR)
    loop.stage.reset_faults("a test")
    loop.run(3.0)
    assert code not in loop.image.faults


def _begins(loop: MatrixLoop, wanted: bool) -> None:
    """A fresh demand, from nothing to a cable check, closes the contactor or does not."""
    loop.plant.car.contactors_wanted = False
    loop.closings.clear()
    loop.order(Phase.CABLE_CHECK)
    loop.run(1.5)
    assert bool(loop.closings) is wanted, loop.image
    loop.order(Phase.OFF)
    loop.run(4.0)


@pytest.mark.parametrize("code", [code for code in FaultCode if CATALOGUE[code].reset is ResetRule.OPERATOR])
def test_operator_latch_survives_a_new_process(code: FaultCode) -> None:
    loop = MatrixLoop(kept={code: "before the restart"})
    loop.plug()
    loop.run(1.0)
    loop.order(Phase.CABLE_CHECK)
    loop.run(2.0)
    assert loop.image is not None and code in loop.image.faults and not loop.closed
    assert loop.stage.operator_latches[code] == "before the restart"
    loop.order(Phase.OFF)
    loop.stage.reset_faults("a test")
    loop.run(3.0)
    assert code not in loop.image.faults


def test_a_new_process_obeys_no_cable_check_that_an_old_one_may_have_begun() -> None:
    loop = MatrixLoop()
    loop.plant.plug()
    loop.plant.car.pilot = "C"
    loop.order(Phase.CABLE_CHECK)
    loop.run(6.0)
    assert loop.image is not None and loop.image.permitted and loop.closings == []
    _begins_after_off(loop)


def test_after_a_defect_and_its_reset_the_same_demand_begins_nothing() -> None:
    loop = MatrixLoop()
    loop.lead(Moment.CABLE_CHECK)
    loop.stage.fail_safe(RuntimeError("a defect"), loop.now_s)
    loop.run(4.0)
    loop.stage.reset_faults("a test")
    loop.closings.clear()
    loop.run(4.0)
    assert loop.image is not None and not loop.image.faults and loop.closings == []
    _begins_after_off(loop)


def _begins_after_off(loop: MatrixLoop) -> None:
    loop.order(Phase.OFF)
    loop.run(0.5)
    loop.order(Phase.CABLE_CHECK)
    loop.until(lambda: loop.at(Stage.CABLE_CHECK), 5.0)


@pytest.mark.parametrize("stall_s", [0.42, 0.46, 0.49, 0.6])
def test_a_process_that_wakes_after_the_watchdog_repeats_no_order_to_close(stall_s: float) -> None:
    """The board counts from the last write, which came before the stall."""
    loop = MatrixLoop()
    loop.lead(Moment.CHARGE)
    for _ in range(round((stall_s + 0.1) / STEP_S)):
        loop.now_s += STEP_S
        loop.plant.step(STEP_S)
    assert not loop.plant.board.request & CONTACTOR  # its watchdog opened
    for wire in (loop.fast, loop.slow):
        wire._request = wire._reply = None
        wire.master.drop_queued(loop.now_s)
    loop.stage.process_stalled(stall_s, loop.now_s)
    loop._tick_at_s = loop.now_s
    for _ in range(2000):
        loop.step()
        assert not loop.plant.board.request & CONTACTOR, f"ordered closed at {loop.now_s}"


def test_all_moments_are_led_to() -> None:
    assert {Moment.PLUGGED, *TRANSFER} < ALL
