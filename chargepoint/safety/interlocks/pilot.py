"""Rows of the control pilot, the proximity contact, the connector lock and the pilot/IO board itself."""

from __future__ import annotations

from chargepoint.model.demand import PilotCommand
from chargepoint.model.faults import FaultCode
from chargepoint.model.image import ControlPilot, Lock, Stage
from chargepoint.model.io import BoardFault
from chargepoint.safety.envelope import NO_CURRENT_A
from chargepoint.safety.interlocks.inputs import InterlockInputs
from chargepoint.safety.interlocks.row import DC_ONLY, Interlock

DUTY_TOLERANCE_PERCENT = 1.0
"""How far the measured duty may be from the ordered one (own rule; 5 % means digital communication from 3 to 7 %:
docs/sources/safety.md 2, grade D)."""

DIODE_LOW_V = -10.0
"""With the car's diode the low side of the PWM is -11.4 to -12.6 V (docs/sources/safety.md 2, grade B). Above this it is missing."""

PROXIMITY_OHM = (50.0, 4700.0)
"""A contact outside these bounds is short or open; the coding resistors are 100 to 1500 ohm (IEC 61851-1 Annex B, grade D)."""


def _pilot_lost(i: InterlockInputs) -> str | None:
    if i.pilot.ready or not i.active or not i.pilot_board_alive:
        return None
    if i.process_stalled and i.pilot is ControlPilot.F:
        return None  # the board's own answer to our silence
    quiet = i.module_current_A is not None and abs(i.module_current_A) < NO_CURRENT_A
    if i.stage is Stage.RAMP_DOWN and quiet:
        return None  # the car may go back to B once no current flows (docs/sources/safety.md 1.1 step 13)
    return f"control pilot in state {i.pilot.name}: C or D while energised{_whether_broken(i)}"


def _whether_broken(i: InterlockInputs) -> str:
    """State A under a locked connector is no unplugging: the pilot's wire is broken."""
    if i.pilot is not ControlPilot.A or not (i.lock is Lock.LOCKED or _is_plugged(i)):
        return ""
    return "; the connector is still there: the pilot wire is broken"


def _is_plugged(i: InterlockInputs) -> bool:
    return i.proximity_required and i.proximity_ohm is not None and _in_bounds(i.proximity_ohm)


def _in_bounds(ohm: float) -> bool:
    return PROXIMITY_OHM[0] <= ohm <= PROXIMITY_OHM[1]


def _pilot_short(i: InterlockInputs) -> str | None:
    return "board latched a short circuit of the control pilot" if BoardFault.PILOT_SHORT in i.board_latched else None


def _proximity(i: InterlockInputs) -> str | None:
    return "board latched a fault of the proximity contact" if BoardFault.PROXIMITY in i.board_latched else None


def _board_supply(i: InterlockInputs) -> str | None:
    return "board latched a fault of its supply and opened everything" if BoardFault.SUPPLY in i.board_latched else None


def _board_fault(i: InterlockInputs) -> str | None:
    return "board latched a bit that this software does not know" if BoardFault.UNKNOWN in i.board_latched else None


def _diode(i: InterlockInputs) -> str | None:
    return "board saw no diode" if BoardFault.DIODE in i.board_latched else None


def _board_watchdog(i: InterlockInputs) -> str | None:
    if BoardFault.WATCHDOG not in i.board_latched or i.process_stalled:
        return None
    return "board opened because it did not hear from us"


def _lock(i: InterlockInputs) -> str | None:
    if not i.active or i.lock is Lock.LOCKED or not i.pilot_board_alive:
        return None
    return f"connector lock is {i.lock.name.lower()}: locked while energised"


def _lock_fault(i: InterlockInputs) -> str | None:
    return "board latched a fault of the lock" if BoardFault.LOCK in i.board_latched else None


def _pilot_shorted(i: InterlockInputs) -> str | None:
    """Source: IEC 61851-1: state E is a short circuit of the pilot to protective earth, where we show X1 or PWM."""
    showing = i.pilot_command in (PilotCommand.X1, PilotCommand.PWM)
    return "control pilot at 0 V: short circuit to protective earth" if showing and i.pilot is ControlPilot.E else None


def _pilot_duty(i: InterlockInputs) -> str | None:
    if i.pilot_command is not PilotCommand.PWM or i.process_stalled or not i.pilot_board_alive:
        return None
    if i.duty_percent is None or abs(i.duty_percent - i.duty_ordered_percent) <= DUTY_TOLERANCE_PERCENT:
        return None
    bound = f"{DUTY_TOLERANCE_PERCENT:g} % around {i.duty_ordered_percent:g} %"
    return f"pilot duty measured {i.duty_percent:.2f} %: {bound}"


def _no_diode(i: InterlockInputs) -> str | None:
    if i.pilot_command is not PilotCommand.PWM or not i.pilot.plugged:
        return None
    if i.pilot_low_V is None or i.pilot_low_V <= DIODE_LOW_V:
        return None
    return f"low side of the pilot at {i.pilot_low_V:.1f} V: at most {DIODE_LOW_V:g} V"


def _proximity_measured(i: InterlockInputs) -> str | None:
    if not i.proximity_required or not i.pilot_board_alive:
        return None
    if i.proximity_ohm is None:
        return "proximity contact open while a car is plugged" if i.pilot.plugged else None
    if _in_bounds(i.proximity_ohm):
        return None
    low, high = PROXIMITY_OHM
    return f"proximity contact at {i.proximity_ohm:.0f} ohm: {low:.0f} to {high:.0f} ohm, or open"


ROWS = (
    Interlock(FaultCode.PILOT_BOARD_SUPPLY, "board latched a fault of its supply", _board_supply),
    Interlock(FaultCode.PILOT_BOARD_FAULT, "board latched a bit that this software does not know", _board_fault),
    Interlock(FaultCode.PILOT_BOARD_WATCHDOG, "board opened because the power process was silent", _board_watchdog),
    Interlock(
        FaultCode.PILOT_LOST,
        "pilot not C or D while energised: unplugged, stopped, or wire broken",
        _pilot_lost,
        0.0,
        DC_ONLY,
    ),
    Interlock(FaultCode.PILOT_LOST, "board latched a short circuit of the pilot", _pilot_short),
    Interlock(FaultCode.PILOT_SHORT, "pilot in state E while X1 or PWM is ordered", _pilot_shorted, 0.1),
    Interlock(FaultCode.PILOT_DUTY, "measured duty is not the ordered one", _pilot_duty, 1.0),
    Interlock(FaultCode.PILOT_DIODE, "board latched a missing diode", _diode),
    Interlock(FaultCode.PILOT_DIODE, "low side of the PWM is not negative with a car plugged", _no_diode, 0.2),
    Interlock(FaultCode.PROXIMITY, "board latched a fault of the proximity contact", _proximity),
    Interlock(FaultCode.PROXIMITY, "proximity contact short, or open with a car plugged", _proximity_measured, 1.0),
    Interlock(FaultCode.CONNECTOR_LOCK, "lock not closed while energised", _lock, 1.0),
    Interlock(FaultCode.CONNECTOR_LOCK, "board latched a fault of the lock", _lock_fault),
)
