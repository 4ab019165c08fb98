"""Rows of the safety chain and of the cabinet's digital inputs."""

from __future__ import annotations

from chargepoint.model.faults import FaultCode
from chargepoint.model.io import BoardFault, SafetyInput
from chargepoint.safety.interlocks.inputs import InterlockInputs
from chargepoint.safety.interlocks.row import Interlock

CHAIN_ELEMENTS = frozenset({SafetyInput.EMERGENCY_CHAIN, SafetyInput.DOOR, SafetyInput.RCD})
"""Elements of the hardware chain that have an input, and so a row, of their own."""


def _emergency_stop(i: InterlockInputs) -> str | None:
    if SafetyInput.EMERGENCY_CHAIN in i.open_inputs:
        return "emergency-stop chain is open"
    if BoardFault.EMERGENCY_STOP in i.board_latched:  # shorter than our own look at the chain; the board saw it
        return "board latched an emergency stop"
    return None


def _hardware_chain(i: InterlockInputs) -> str | None:
    if BoardFault.CHAIN in i.board_latched:
        return "board latched an open hardware safety chain"
    if SafetyInput.HARDWARE_CHAIN not in i.open_inputs:
        return None
    if i.open_inputs & CHAIN_ELEMENTS:
        return None  # the element that opened it has its own row, and its own reset
    return "hardware safety chain is open"


def _door(i: InterlockInputs) -> str | None:
    if SafetyInput.DOOR in i.open_inputs:
        return "door contact is open"
    return "board latched an open door" if BoardFault.DOOR in i.board_latched else None


def _rcd(i: InterlockInputs) -> str | None:
    if SafetyInput.RCD in i.open_inputs:
        return "residual-current device reports a trip"
    return "board latched a trip of the residual-current device" if BoardFault.RCD in i.board_latched else None


def _tilt(i: InterlockInputs) -> str | None:
    return "tilt sensor: the charger is not upright" if SafetyInput.TILT in i.open_inputs else None


def _surge_arrester(i: InterlockInputs) -> str | None:
    return "surge arrester reports its end of life" if SafetyInput.SURGE_ARRESTER in i.open_inputs else None


def _fan(i: InterlockInputs) -> str | None:
    return "fan reports a fault" if SafetyInput.FAN in i.open_inputs else None


ROWS = (
    Interlock(FaultCode.EMERGENCY_STOP, "emergency-stop chain open, or the board latched an opening", _emergency_stop),
    Interlock(
        FaultCode.HARDWARE_CHAIN_OPEN, "hardware safety chain open by an element without an input", _hardware_chain
    ),
    Interlock(FaultCode.RCD, "residual-current device tripped", _rcd),
    Interlock(FaultCode.DOOR_OPEN, "door contact open", _door),
    Interlock(FaultCode.TILT, "tilt sensor tripped", _tilt),
    Interlock(FaultCode.SURGE_ARRESTER, "surge arrester at its end", _surge_arrester, 1.0),
    Interlock(FaultCode.FAN, "fan fault contact open", _fan, 1.0),
)
