"""Rows of voltage and current at the output."""

from __future__ import annotations

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Stage
from chargepoint.safety.charge_end import nothing_A
from chargepoint.safety.envelope import (
    NO_CURRENT_A,
    OVER_VOLTAGE_MARGIN_V,
    PRE_CHARGE_CURRENT_A,
    TEST_VOLTAGE_TOLERANCE_V,
    cable_check_voltage_V,
    emergency_over_voltage_V,
)
from chargepoint.safety.interlocks.inputs import InterlockInputs
from chargepoint.safety.interlocks.row import DC_ONLY, Interlock

CHECK_CURRENT_MARGIN_A = 1.5
"""How far a module may exceed the 2 A of cable check and pre-charge: its regulation up to 50 A (docs/sources/safety.md 1.2, grade D)."""

FOLLOWS_SHARE = 0.5
"""A module that gives less than this share of what is commanded does not follow (own rule)."""


def _highest_voltage_V(i: InterlockInputs) -> float:
    return max((v for v in (i.module_voltage_V, i.meter_voltage_V) if v is not None), default=0.0)


def _over_voltage_emergency(i: InterlockInputs) -> str | None:
    """Above Table 103 for what was negotiated. A car that lowers its maximum below the present voltage has not raised the
    voltage: that is an error and ends in order (`_over_voltage`), so the highest maximum it named counts (own rule)."""
    evse_V = i.envelope.voltage_max_V
    car_V = i.car_voltage_named_V if i.active and i.car_voltage_named_V > 0 else evse_V
    bound_V = emergency_over_voltage_V(min(car_V, evse_V))
    if not i.energised or i.stage is Stage.RAMP_DOWN:
        # the cable check itself goes to 1.1 times the car's maximum, which for 750 and 850 V is the bound exactly; one that
        # fails is ramped down from there
        bound_V = max(bound_V, cable_check_voltage_V(car_V, evse_V) + TEST_VOLTAGE_TOLERANCE_V)
    seen_V = _highest_voltage_V(i)
    return f"{seen_V:.2f} V: at most {bound_V:.0f} V" if seen_V > bound_V else None


def _over_voltage(i: InterlockInputs) -> str | None:
    if not i.energised:
        return None
    known = i.car_voltage_max_V > 0
    bound_V = (i.car_voltage_max_V if known else i.envelope.voltage_max_V) + OVER_VOLTAGE_MARGIN_V
    seen_V = _highest_voltage_V(i)
    if seen_V <= bound_V:
        return None
    whose = "the car's maximum" if known else "the EVSE's maximum, the car's is not known"
    return f"{seen_V:.1f} V: at most {bound_V:.1f} V ({whose}, and {OVER_VOLTAGE_MARGIN_V:.0f} V)"


def _over_current(i: InterlockInputs) -> str | None:
    bound_A = 1.1 * i.envelope.current_max_A + NO_CURRENT_A
    if i.module_current_A is None or abs(i.module_current_A) <= bound_A:
        return None
    return f"{i.module_current_A:.1f} A: magnitude at most {bound_A:.1f} A (110 % of the rating)"


def _reverse_current(i: InterlockInputs) -> str | None:
    if i.stage is not Stage.TRANSFER or i.module_current_A is None:
        return None
    against = i.module_current_A * i.commanded_current_A < 0 or i.commanded_current_A == 0
    # a big module's zero is not exact: 2 % of the rating, at least 2 A (own rule)
    if not against or abs(i.module_current_A) <= max(2.0, 0.02 * i.envelope.current_max_A):
        return None
    return f"{i.module_current_A:.1f} A while {i.commanded_current_A:.1f} A is commanded"


def _current_exceeded(i: InterlockInputs) -> str | None:
    """What the car and the grid allow is in the command, so more than commanded is more than allowed (V2G20-2188)."""
    if i.stage is not Stage.TRANSFER or i.module_current_A is None:
        return None
    commanded_A, seen_A = abs(i.commanded_current_A), abs(i.module_current_A)
    # docs/sources/safety.md 1.2: regulation to 1.5 A up to 50 A, 3 % above; a module may be off by twice that (own rule)
    bound_A = commanded_A + max(3.0, 0.06 * commanded_A, 0.02 * i.envelope.current_max_A)
    if i.module_current_A * i.commanded_current_A <= 0 or seen_A <= bound_A:
        return None  # the other direction, and commanded zero, are a reverse current
    return f"{i.module_current_A:.1f} A: magnitude at most {bound_A:.1f} A for {i.commanded_current_A:.1f} A commanded"


def _no_current(i: InterlockInputs) -> str | None:
    """Nothing flows though much more than nothing is asked for: the car opened its contactors, or its battery is at its end.

    Asked for, not commanded: with the car gone from the line a discharging module pulls its terminals to the battery's floor,
    and there nothing is commanded any more.

    While it lasts the module stands at the end of its voltage window, far from the battery perhaps, and a car that closed
    again would close on that difference (pre-charge allows 20 V). No clause was found that says when to stop: IEC 61851-23
    does not specify reverse transfer for CCS, and ISO 15118-20 leaves opening under load to the car. The 5 s of the table are
    those after which EVerest pauses without energy (docs/sources/safety.md 6); they also cover a car that closes its contactors up to 3 s
    after PowerDelivery (3). A full battery is excepted (`charge_end.py`): so ends every charge of a car that leaves the end to us,
    and it may give back later. Own rule.
    """
    if i.stage is not Stage.TRANSFER or i.module_current_A is None:
        return None
    if i.allowed_current_A > 0 and i.battery_full:
        return None
    least_A = nothing_A(i.envelope)
    if abs(i.allowed_current_A) < 3.0 * least_A or abs(i.module_current_A) >= least_A:
        return None
    at = "" if i.module_voltage_V is None else f" at {i.module_voltage_V:.0f} V"
    return f"{i.module_current_A:.1f} A{at} while {i.allowed_current_A:.1f} A is asked for"


def _meter_over_current(i: InterlockInputs) -> str | None:
    """A current that the module does not see: out of the battery, into a short circuit between module and car."""
    bound_A = 1.1 * i.envelope.current_max_A + NO_CURRENT_A
    if i.meter_current_A is None or abs(i.meter_current_A) <= bound_A:
        return None
    return f"meter shows {i.meter_current_A:.1f} A: magnitude at most {bound_A:.1f} A (110 % of the rating)"


def _check_over_current(i: InterlockInputs) -> str | None:
    """Source: IEC 61851-23 CC.6.1 and CC.6.2: at most 2 A in cable check and pre-charge (docs/sources/safety.md 1.1, grade C)."""
    if i.stage not in (Stage.CABLE_CHECK, Stage.CABLE_CHECKED, Stage.PRE_CHARGE, Stage.PRE_CHARGED):
        return None
    bound_A = PRE_CHARGE_CURRENT_A + CHECK_CURRENT_MARGIN_A
    if i.module_current_A is None or abs(i.module_current_A) <= bound_A:
        return None
    return f"{i.module_current_A:.1f} A before the transfer: magnitude at most {bound_A:.1f} A"


def _not_following(i: InterlockInputs) -> str | None:
    """Less than asked for in the right direction, and the battery is not the reason: the voltage stands inside the window."""
    if i.stage is not Stage.TRANSFER or i.module_current_A is None or i.module_voltage_V is None or i.battery_full:
        return None
    wanted_A, seen_A = i.commanded_current_A, i.module_current_A
    if abs(wanted_A) < 3.0 * nothing_A(i.envelope) or seen_A * wanted_A <= 0 or abs(seen_A) < nothing_A(i.envelope):
        return None  # no current at all, and the other direction, have rows of their own
    at_its_end_V = i.voltage_max_now_V - 2 * OVER_VOLTAGE_MARGIN_V
    if abs(seen_A) >= FOLLOWS_SHARE * abs(wanted_A) or (wanted_A > 0 and 0 < at_its_end_V <= i.module_voltage_V):
        return None
    return f"{seen_A:.1f} A at {i.module_voltage_V:.0f} V while {wanted_A:.1f} A is commanded: at least half"


ROWS = (
    Interlock(
        FaultCode.OVER_VOLTAGE_EMERGENCY, "output above IEC 61851-23 Table 103", _over_voltage_emergency, 0.0, DC_ONLY
    ),
    Interlock(FaultCode.OVER_CURRENT, "current above 110 % of the rating", _over_current, 0.05, DC_ONLY, recurs=True),
    # two readings of a meter: one alone may be wrong
    Interlock(
        FaultCode.OVER_CURRENT,
        "meter shows more than 110 % of the rating",
        _meter_over_current,
        0.25,
        DC_ONLY,
        recurs=True,
    ),
    Interlock(FaultCode.OVER_VOLTAGE, "output above the car's maximum", _over_voltage, 0.4, DC_ONLY),  # CC.6.2: 400 ms
    Interlock(
        FaultCode.CHECK_OVER_CURRENT, "more than 2 A in cable check or pre-charge", _check_over_current, 0.1, DC_ONLY
    ),
    Interlock(FaultCode.REVERSE_CURRENT, "current flows against the command", _reverse_current, 0.5, DC_ONLY),
    Interlock(FaultCode.CURRENT_EXCEEDED, "more current than commanded", _current_exceeded, 1.0, DC_ONLY),
    Interlock(FaultCode.NO_CURRENT, "no current though it is asked for", _no_current, 5.0, DC_ONLY),
    Interlock(FaultCode.MODULE_NOT_FOLLOWING, "less than half of the commanded current", _not_following, 10.0, DC_ONLY),
)
