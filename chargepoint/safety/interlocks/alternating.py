"""Rows of an AC outlet: its phases, the car's obedience, the end of the grid, ventilation.

The car converts, and nothing here can lower its current. So these rows open the contactor where the car does not obey.
No clause gives their times and margins; they are own rules (grade D). A car adapts within 5 s (docs/sources/safety.md 2, grade B).
"""

from __future__ import annotations

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import ControlPilot, Stage
from chargepoint.safety.envelope import NO_CURRENT_A
from chargepoint.safety.interlocks.inputs import InterlockInputs
from chargepoint.safety.interlocks.row import AC_ONLY, Interlock

ADAPTS_S = 5.5
"""A car follows a new current within 5 s (docs/sources/safety.md 2, grade B); the meter's age comes on top. The rows of a limit recur: a car
that is above its limit for 4.5 s and below it for 0.6 s, again and again, trips too."""

TWO_READINGS_S = 0.5
"""A meter is read each 0.2 to 0.4 s: one reading alone may be wrong."""

NOTHING_A, NOTHING_SHARE = 2.0, 0.02
"""What a phase may show at no current: 2 A, or 2 % of the rating (own rule)."""


POWER_MARGIN_W = 1000.0
"""How far all phases together may be above their limit, where the share of that is less: about 1.5 A in each of three."""


REPORTED_W, BLIND_SHARE, BLIND_S = 1000.0, 0.1, 10.0
"""A car that reports this power draws some. A meter that shows less than this share of it for so long is blind (own rule, grade D): a car
may report what it is about to draw."""


def _nothing_A(rated_A: float) -> float:
    return max(NOTHING_A, NOTHING_SHARE * rated_A)


def _over_current(i: InterlockInputs) -> str | None:
    if i.ac is None or (seen_A := i.ac.largest_A) is None:
        return None
    bound_A = 1.1 * i.ac.rated_A + NO_CURRENT_A
    if seen_A <= bound_A:
        return None
    return f"a phase carries {seen_A:.1f} A: at most {bound_A:.1f} A (110 % of the rating)"


def _limit_exceeded(i: InterlockInputs) -> str | None:
    """Each phase that the car was given, against the current it was given there."""
    ac = i.ac
    if ac is None or i.stage is not Stage.TRANSFER or not ac.limits_A or not ac.currents_A:
        return None
    for number, (current_A, limit_A) in enumerate(zip(ac.currents_A, ac.limits_A, strict=False), 1):
        bound_A = limit_A + max(NO_CURRENT_A, ac.over_share * limit_A)
        if abs(current_A) > bound_A:
            seen = f"L{number} carries {abs(current_A):.1f} A"
            return f"{seen}: at most {bound_A:.1f} A where the car was given {limit_A:.1f} A"
    return None


def _power_exceeded(i: InterlockInputs) -> str | None:
    """All phases together, against what site, central system and ratings allow in this direction."""
    ac = i.ac
    if ac is None or i.stage is not Stage.TRANSFER or not ac.limits_A or ac.power_W is None or ac.suspended:
        return None
    limit_W = ac.charge_max_W if ac.power_W >= 0 else ac.discharge_max_W
    bound_W = limit_W + max(POWER_MARGIN_W, ac.over_share * limit_W)
    if abs(ac.power_W) <= bound_W:
        return None
    return f"{ac.power_W:.0f} W: magnitude at most {bound_W:.0f} W where {limit_W:.0f} W may flow"


def _wrong_phases(i: InterlockInputs) -> str | None:
    ac = i.ac
    if ac is None or i.stage is not Stage.TRANSFER or not ac.limits_A:
        return None
    bound_A = _nothing_A(ac.rated_A)
    for number, current_A in enumerate(ac.currents_A[ac.phases_given :], ac.phases_given + 1):
        if abs(current_A) > bound_A:
            given = f"{ac.phases_given} phase{'s' if ac.phases_given > 1 else ''}"
            return f"L{number} carries {abs(current_A):.1f} A: at most {bound_A:.1f} A where the car was given {given}"
    return None


def _draws_suspended(i: InterlockInputs) -> str | None:
    ac = i.ac
    if ac is None or i.stage is not Stage.TRANSFER or not ac.limits_A or not ac.suspended:
        return None
    seen_A, bound_A = ac.largest_A, _nothing_A(ac.rated_A)
    if seen_A is None or seen_A <= bound_A:
        return None
    return f"a phase carries {seen_A:.1f} A: at most {bound_A:.1f} A where the car was given no power"


def _feeds_unasked(i: InterlockInputs) -> str | None:
    ac = i.ac
    if ac is None or i.stage is not Stage.TRANSFER or not ac.limits_A or ac.may_discharge or not ac.currents_A:
        return None
    seen_A, bound_A = min(ac.currents_A), _nothing_A(ac.rated_A)
    return f"{seen_A:.1f} A out of the car: at least -{bound_A:.1f} A without discharge" if seen_A < -bound_A else None


def _phases_opposed(i: InterlockInputs) -> str | None:
    ac = i.ac
    if ac is None or i.stage is not Stage.TRANSFER or not ac.currents_A:
        return None
    low_A, high_A, bound_A = min(ac.currents_A), max(ac.currents_A), _nothing_A(ac.rated_A)
    if low_A >= -bound_A or high_A <= bound_A:
        return None
    return f"phases at {low_A:.1f} A and {high_A:.1f} A: one direction in all phases"


def _meter_energy(i: InterlockInputs) -> str | None:
    """Registers that count otherwise than the meter's own power adds up: frozen, backwards, or with a wrong factor."""
    if i.ac is None or i.stage is not Stage.TRANSFER or i.energy is None:
        return None
    return i.energy.contradiction("the meter's power", "its registers")


def _meter_blind(i: InterlockInputs) -> str | None:
    """A meter that stands still at zero shows no contradiction in itself. Only the car's own report does, where its protocol has one."""
    ac = i.ac
    if ac is None or i.stage is not Stage.TRANSFER or ac.car_power_W is None or ac.power_W is None:
        return None
    said_W = abs(ac.car_power_W)
    if said_W < REPORTED_W or abs(ac.power_W) >= BLIND_SHARE * said_W:
        return None
    return f"meter shows {ac.power_W:.0f} W while the car reports {ac.car_power_W:.0f} W: at least a tenth of that"


def _islanding(i: InterlockInputs) -> str | None:
    """The car's inverter leaves a grid that is gone by itself (docs/sources/safety.md 4.1). The contactor makes it sure."""
    if i.ac is None or not i.active or not i.ac.feeds:
        return None
    window = i.grid
    for number, voltage_V in enumerate(i.phase_voltages_V, 1):
        if not window.voltage_low_V <= voltage_V <= window.voltage_high_V:
            bounds = f"{window.voltage_low_V:.0f} to {window.voltage_high_V:.0f} V"
            return f"L{number} at {voltage_V:.0f} V while the car feeds: {bounds}"
    frequency_Hz = i.frequency_Hz
    if frequency_Hz is None or window.frequency_low_Hz <= frequency_Hz <= window.frequency_high_Hz:
        return None
    bounds = f"{window.frequency_low_Hz:g} to {window.frequency_high_Hz:g} Hz"
    return f"{frequency_Hz:.2f} Hz while the car feeds: {bounds}"


def _pilot_gone(i: InterlockInputs) -> str | None:
    """State B is no fault: so ends a car its charge, and the sequence opens in the same cycle."""
    if i.ac is None or i.pilot.plugged or not i.active or not i.pilot_board_alive:
        return None
    if i.process_stalled and i.pilot is ControlPilot.F:
        return None  # the board's own answer to our silence
    seen_A = i.ac.largest_A
    if i.stage is Stage.RAMP_DOWN and seen_A is not None and seen_A < NO_CURRENT_A:
        return None
    return f"control pilot in state {i.pilot.name}: B, C or D while the contactor is closed"


def _ventilation(i: InterlockInputs) -> str | None:
    if i.ac is None or i.ac.ventilated or i.pilot is not ControlPilot.D:
        return None
    return "car in state D asks for ventilation: this place has none"


ROWS = (
    Interlock(
        FaultCode.PILOT_LOST,
        "pilot in A, E or F while the contactor is closed: unplugged, or wire broken",
        _pilot_gone,
        0.0,
        AC_ONLY,
    ),
    Interlock(
        FaultCode.VENTILATION, "car asks for ventilation (state D) where there is none", _ventilation, 0.2, AC_ONLY
    ),
    Interlock(
        FaultCode.OVER_CURRENT,
        "a phase above 110 % of the rating",
        _over_current,
        TWO_READINGS_S,
        AC_ONLY,
        recurs=True,
    ),
    Interlock(
        FaultCode.CURRENT_EXCEEDED,
        "a phase above the current that the car was given",
        _limit_exceeded,
        ADAPTS_S,
        AC_ONLY,
        recurs=True,
    ),
    Interlock(
        FaultCode.CURRENT_EXCEEDED,
        "more power than may flow at this moment",
        _power_exceeded,
        ADAPTS_S,
        AC_ONLY,
        recurs=True,
    ),
    Interlock(
        FaultCode.CURRENT_EXCEEDED,
        "current in a phase that the car was not given",
        _wrong_phases,
        ADAPTS_S,
        AC_ONLY,
        recurs=True,
    ),
    Interlock(
        FaultCode.CURRENT_EXCEEDED,
        "car draws although it was given no power",
        _draws_suspended,
        ADAPTS_S,
        AC_ONLY,
        recurs=True,
    ),
    Interlock(
        FaultCode.REVERSE_CURRENT,
        "car feeds although it may not discharge",
        _feeds_unasked,
        ADAPTS_S,
        AC_ONLY,
        recurs=True,
    ),
    Interlock(
        FaultCode.METER_PLAUSIBILITY,
        "phases flow in opposite directions: a meter wired wrongly",
        _phases_opposed,
        ADAPTS_S,
        AC_ONLY,
    ),
    Interlock(
        FaultCode.METER_PLAUSIBILITY,
        "meter's power and registers apart: frozen, or runs backwards",
        _meter_energy,
        1.0,
        AC_ONLY,
    ),
    Interlock(
        FaultCode.METER_PLAUSIBILITY, "meter shows nothing while the car reports power", _meter_blind, BLIND_S, AC_ONLY
    ),
    Interlock(FaultCode.ISLANDING, "grid outside its window while the car feeds", _islanding, 0.0, AC_ONLY),
)
