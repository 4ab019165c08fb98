"""Rows of the power process itself and of the daemon's orders."""

from __future__ import annotations

from chargepoint.model.faults import FaultCode
from chargepoint.safety.interlocks.inputs import InterlockInputs
from chargepoint.safety.interlocks.row import Interlock


def _process_stalled(i: InterlockInputs) -> str | None:
    return i.process_stalled or None


def _lease(i: InterlockInputs) -> str | None:
    return None if i.lease_valid or i.process_stalled or not i.active else "no valid demand from the daemon"


def _overrun(i: InterlockInputs) -> str | None:
    return i.overrun or None


def _record(i: InterlockInputs) -> str | None:
    return i.record_trouble or None


ROWS = (
    Interlock(
        FaultCode.PROCESS_STALLED,
        "process did not run: stopped, starved, or the machine was suspended",
        _process_stalled,
    ),
    Interlock(FaultCode.CYCLE_OVERRUN, "cycle late again and again", _overrun),
    Interlock(FaultCode.LATCH_RECORD, "record of latched faults cannot be written or read", _record),
    Interlock(FaultCode.LEASE_LOST, "no valid demand from the daemon while energised", _lease),
)
