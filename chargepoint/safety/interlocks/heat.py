"""Rows of temperatures. Less current comes first (`temperature.py`); these rows are the ends."""

from __future__ import annotations

from chargepoint.model.faults import FaultCode
from chargepoint.model.io import BoardFault
from chargepoint.safety.envelope import TEMPERATURE_STOP_DEGC
from chargepoint.safety.interlocks.inputs import InterlockInputs
from chargepoint.safety.interlocks.row import DC_ONLY, Interlock


def _board_too_hot(i: InterlockInputs) -> str | None:
    return "board opened because it was too hot" if BoardFault.OVER_TEMPERATURE in i.board_latched else None


def _temperature(i: InterlockInputs) -> str | None:
    if i.temperature_degC is None or i.temperature_degC < TEMPERATURE_STOP_DEGC:
        return None
    return f"{i.temperature_degC:.0f} °C: below {TEMPERATURE_STOP_DEGC:.0f} °C"


def _temperature_lost(i: InterlockInputs) -> str | None:
    return i.temperature_lost or None


def _temperature_doubt(i: InterlockInputs) -> str | None:
    return i.temperature_doubt or None


def _module_hot(i: InterlockInputs) -> str | None:
    return _above("power module", i.module_temperature_degC, i.heat.module_stop_degC)


def _cabinet_hot(i: InterlockInputs) -> str | None:
    return _above("cabinet", i.cabinet_temperature_degC, i.heat.cabinet_stop_degC)


def _above(what: str, seen_degC: float | None, stop_degC: float) -> str | None:
    if seen_degC is None or seen_degC < stop_degC:
        return None
    return f"{what} at {seen_degC:.0f} °C: below {stop_degC:.0f} °C"


ROWS = (
    Interlock(FaultCode.OVER_TEMPERATURE, "board latched an over-temperature", _board_too_hot),
    Interlock(FaultCode.OVER_TEMPERATURE, "a contact or the cable at 90 °C", _temperature, 1.0),
    Interlock(FaultCode.TEMPERATURE_UNKNOWN, "both contact sensors open, short or absent", _temperature_lost, 1.0),
    Interlock(FaultCode.TEMPERATURE_SENSOR, "one contact sensor open, short or absent", _temperature_doubt, 1.0),
    Interlock(FaultCode.MODULE_TEMPERATURE, "power module too hot", _module_hot, 1.0, DC_ONLY),
    Interlock(FaultCode.CABINET_TEMPERATURE, "cabinet too hot", _cabinet_hot, 1.0),
)
