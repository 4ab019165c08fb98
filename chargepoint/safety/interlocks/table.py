"""The whole interlock table, and its evaluation with the delays.

An input that is not known (None) counts as the dangerous answer. Delays are counted from the first cycle that saw the condition.
"""

from __future__ import annotations

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Stage
from chargepoint.safety.interlocks import (
    alternating,
    chain,
    contactors,
    devices,
    heat,
    insulation,
    output,
    pilot,
    process,
)
from chargepoint.safety.interlocks.inputs import InterlockInputs
from chargepoint.safety.interlocks.row import Interlock, Outlet

TABLE: tuple[Interlock, ...] = (
    *process.ROWS,
    *chain.ROWS,
    *pilot.ROWS,
    *output.ROWS,
    *alternating.ROWS,
    *contactors.ROWS,
    *insulation.ROWS,
    *heat.ROWS,
    *devices.ROWS,
)


def table_of(outlet: Outlet) -> tuple[Interlock, ...]:
    """The rows that count at an outlet of this kind. A device that this kind has not got has no row."""
    return tuple(row for row in TABLE if outlet in row.outlets)


BY_SEQUENCE: dict[FaultCode, str] = {
    FaultCode.CABLE_CHECK: "a step of the cable check failed",
    FaultCode.SHORT_CIRCUIT: "no voltage with 2 A in the cable check: the cable is short-circuited",
    FaultCode.PRE_CHARGE: "pre-charge voltage not reached in time",
    FaultCode.OUTPUT_NOT_DISCHARGED: "output above 60 V after the discharge",
    FaultCode.INTERNAL: "an exception in this EVSE's part of a cycle",
}
"""Faults that no row sees: a step of the sequence, or the stage itself, reports them."""


class Interlocks:
    """The table with its delays for one EVSE."""

    def __init__(self, table: tuple[Interlock, ...] = TABLE) -> None:
        self._table = table
        self._since_s: dict[Interlock, float] = {}
        self._counted_s: dict[Interlock, float] = {}
        """Of each row that recurs its time above zero."""
        self._last_s: float | None = None

    @property
    def pending(self) -> bool:
        """A condition held at the last evaluation, or a little before: it has tripped, or its delay runs."""
        return bool(self._since_s) or bool(self._counted_s)

    def evaluate(self, inputs: InterlockInputs) -> dict[FaultCode, str]:
        """Codes whose condition has held for its delay, with the detail to report."""
        tripped: dict[FaultCode, str] = {}
        since_s: dict[Interlock, float] = {}
        passed_s = 0.0 if self._last_s is None else max(0.0, inputs.now_s - self._last_s)
        self._last_s = inputs.now_s
        if inputs.limits_fell or inputs.stage is Stage.OFF:
            self._counted_s.clear()
        for row in self._table:
            detail = row.condition(inputs)
            if detail is None:
                if self._counted_s and row in self._counted_s:
                    self._count(row, -passed_s)
                continue
            since_s[row] = self._since_s.get(row, inputs.now_s)
            held_s = inputs.now_s - since_s[row]
            if row.recurs:
                held_s = max(held_s, self._count(row, passed_s if row in self._since_s else -passed_s))
            if held_s >= row.delay_s:
                tripped.setdefault(row.code, detail)
        self._since_s = since_s
        return tripped

    def _count(self, row: Interlock, passed_s: float) -> float:
        """The time of a row that recurs, from 0 to its delay: what has tripped is over at the latest after one delay more."""
        counted_s = min(row.delay_s, self._counted_s.get(row, 0.0) + passed_s)
        if counted_s > 0.0:
            self._counted_s[row] = counted_s
        else:
            self._counted_s.pop(row, None)
        return counted_s
