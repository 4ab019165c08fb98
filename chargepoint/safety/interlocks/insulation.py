"""Rows of insulation and of the voltages against protective earth."""

from __future__ import annotations

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Stage
from chargepoint.model.io import SafetyInput
from chargepoint.safety.interlocks.inputs import InterlockInputs
from chargepoint.safety.interlocks.row import DC_ONLY, Interlock

EARTH_SMALL_RATING_V = 500.0
EARTH_BOUND_V = 550.0
EARTH_SHARE = 1.1
"""Each pole against protective earth: rating up to 500 V: below 550 V; above: below 1.1 times the present voltage
(IEC 61851-23 6.3.1.112.2; docs/sources/safety.md 1.2, grade B)."""


def _insulation(i: InterlockInputs) -> str | None:
    if not i.energised or i.insulation_ohm is None or i.insulation_ohm >= i.envelope.insulation_limit_ohm:
        return None
    return f"{i.insulation_ohm / 1000:.0f} kohm: at least {i.envelope.insulation_limit_ohm / 1000:.0f} kohm"


def _insulation_relay(i: InterlockInputs) -> str | None:
    if not i.energised or SafetyInput.INSULATION_RELAY not in i.open_inputs:
        return None
    return "the monitor's hard-wired output reports a fault"


def _insulation_unknown(i: InterlockInputs) -> str | None:
    if not i.energised or i.insulation_ohm is not None:
        return None
    return "no valid value while energised"


def _insulation_monitor(i: InterlockInputs) -> str | None:
    return None if i.process_stalled else i.insulation_monitor_trouble or None


def _voltage_to_earth(i: InterlockInputs) -> str | None:
    if i.stage is not Stage.TRANSFER or i.voltage_to_earth_V is None or i.module_voltage_V is None:
        return None
    small = i.envelope.voltage_max_V <= EARTH_SMALL_RATING_V
    bound_V = EARTH_BOUND_V if small else EARTH_SHARE * i.module_voltage_V
    seen_V = max(i.voltage_to_earth_V)
    return f"{seen_V:.0f} V between a pole and protective earth: below {bound_V:.0f} V" if seen_V >= bound_V else None


ROWS = (
    Interlock(FaultCode.INSULATION, "insulation resistance below its limit", _insulation, 0.2, DC_ONLY),
    Interlock(FaultCode.INSULATION, "the monitor's hard-wired relay reports a fault", _insulation_relay, 0.2, DC_ONLY),
    Interlock(
        FaultCode.INSULATION_MONITOR,
        "monitor silent, frozen, faulty, or failed its test",
        _insulation_monitor,
        0.0,
        DC_ONLY,
    ),
    # IEC 61557-8 response time (grade D)
    Interlock(FaultCode.INSULATION_MONITOR, "no valid value while energised", _insulation_unknown, 10.0, DC_ONLY),
    # EVerest: at least two failures over at least 2 s
    Interlock(FaultCode.VOLTAGE_TO_EARTH, "a pole too high against protective earth", _voltage_to_earth, 2.0, DC_ONLY),
)
