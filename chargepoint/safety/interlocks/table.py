"""The whole interlock table, and its evaluation with the delays.

An input that is not known (None) counts as the dangerous answer. Delays are counted from the first cycle that saw the condition.
"""

from __future__ import annotations

from chargepoint.model.faults import FaultCode
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

    @property
    def pending(self) -> bool:
        """A condition held at the last evaluation: it has tripped, or its delay runs."""
        return bool(self._since_s)

    def evaluate(self, inputs: InterlockInputs) -> dict[FaultCode, str]:
        """Codes whose condition has held for its delay, with the detail to report."""
        tripped: dict[FaultCode, str] = {}
        since_s: dict[Interlock, float] = {}
        for row in self._table:
            detail = row.condition(inputs)
            if detail is None:
                continue
            since_s[row] = self._since_s.get(row, inputs.now_s)
            if inputs.now_s - since_s[row] >= row.delay_s:
                tripped.setdefault(row.code, detail)
        self._since_s = since_s
        return tripped
