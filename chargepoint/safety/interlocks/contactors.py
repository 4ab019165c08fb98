"""Rows of the output contactors and the relays beside them."""

from __future__ import annotations

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Contactor
from chargepoint.model.io import BoardFault, SafetyInput
from chargepoint.safety.interlocks.chain import CHAIN_ELEMENTS
from chargepoint.safety.interlocks.inputs import InterlockInputs
from chargepoint.safety.interlocks.row import DC_ONLY, Interlock

_BOARD_OPENS_FOR = frozenset(
    {
        BoardFault.EMERGENCY_STOP,
        BoardFault.WATCHDOG,
        BoardFault.OVER_TEMPERATURE,
        BoardFault.SUPPLY,
        BoardFault.DOOR,
        BoardFault.RCD,
        BoardFault.CHAIN,
    }
)
"""What the pilot/IO board latches when it opens by itself, where the cause has a row of its own."""


def _welded(i: InterlockInputs) -> str | None:
    if i.contactor_commanded or i.contactor not in (Contactor.CLOSED, Contactor.WELDED) or not i.pilot_board_alive:
        return None
    return "mirror contact still closed although the contactor is commanded open"


def _contactor_opened(i: InterlockInputs) -> str | None:
    if BoardFault.OPENED in i.board_latched:
        return "board latched a contactor that opened although its coil was driven"
    if not i.contactor_opened or i.process_stalled:
        return None
    chain = not i.open_inputs & (CHAIN_ELEMENTS | {SafetyInput.HARDWARE_CHAIN, SafetyInput.TILT})
    if not chain or i.board_latched & _BOARD_OPENS_FOR:
        return None  # the contactor did what it should; each of these has its own row, and its own reset
    cause = (
        f"latched {', '.join(sorted(fault.value for fault in i.board_latched))}"
        if i.board_latched
        else "reports no cause"
    )
    return f"contactor opened without an order; the board {cause}"


def _contactor_refused(i: InterlockInputs) -> str | None:
    return "board latched a contactor that did not close" if BoardFault.NO_CLOSE in i.board_latched else None


def _relay_stuck(i: InterlockInputs) -> str | None:
    return i.relay_stuck or None


def _worn(i: InterlockInputs) -> str | None:
    return i.contactor_worn or None


ROWS = (
    # docs/sources/safety.md 1.2: open, wait, mirror contact again
    Interlock(
        FaultCode.CONTACTOR_WELDED, "mirror contact closed although ordered open, or the board latched it", _welded, 0.5
    ),
    Interlock(FaultCode.CONTACTOR_NOT_CLOSED, "board latched a contactor that did not close", _contactor_refused),
    Interlock(
        FaultCode.CONTACTOR_OPENED, "contactor opened, or dipped for milliseconds, without an order", _contactor_opened
    ),
    Interlock(
        FaultCode.RELAY_STUCK, "pre-charge or discharge relay closed although ordered open", _relay_stuck, 0.3, DC_ONLY
    ),
    Interlock(FaultCode.CONTACTOR_WORN, "contactor broke more currents than it bears", _worn),
)
