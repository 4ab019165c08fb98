"""What must hold before and during a step with live hardware. Pure: readings in, a refusal in words out.

Nothing here can be overridden. What cannot be measured counts as dangerous.
"""

from __future__ import annotations

from enum import Enum

from chargepoint.commissioning.outlet import OutletReadings
from chargepoint.model.image import ControlPilot

SAFE_V = 60.0
"""Below this direct voltage a conductor may be touched (docs/sources/safety.md 1.2)."""


class Need(Enum):
    """One condition. Each is looked at before the step and each time that new readings come."""

    NO_CAR = "no car is plugged in"
    CHAIN_CLOSED = "every safety input is closed, and no device has latched a fault"
    NO_VOLTAGE = "less than 60 V at the output, by every device that measures there"
    MODULES_OFF = "every power module is off"
    CONTACTOR_OPEN = "the contactor is open"
    DC_OUTLET = "a DC outlet: an AC outlet has the grid before its contactor"


def refusal(need: Need, seen: OutletReadings) -> str:
    """Why the condition does not hold, with value and remedy; empty: it holds."""
    return _RULES[need](seen)


def _no_car(seen: OutletReadings) -> str:
    pilot = seen.pilot
    if pilot is None:
        return "the control pilot cannot be measured, so a car may be plugged in; see that the pilot board has supply and bus"
    if pilot.pilot is ControlPilot.A:
        return ""
    if pilot.pilot in (ControlPilot.B, ControlPilot.C, ControlPilot.D):
        return f"a car is plugged in: the control pilot is in state {pilot.pilot.name}{_level(pilot.high_V)}; unplug it"
    return (
        f"the control pilot shows state {pilot.pilot.name}{_level(pilot.high_V)} where +12 V (state A) is expected, so a car "
        "may be plugged in; unplug it, and look for a short or a fault of the pilot"
    )


def _level(high_V: float | None) -> str:
    """The pilot's level in brackets, where its device measures it."""
    return "" if high_V is None else f" ({high_V:+.1f} V)"


def _chain_closed(seen: OutletReadings) -> str:
    if seen.open_inputs is None:
        return "the safety inputs cannot be read; see that their device has supply and bus"
    if seen.open_inputs:
        names = ", ".join(sorted(one.value for one in seen.open_inputs))
        return f"safety inputs are open: {names}; close the doors, release the emergency stop, look at the wires"
    if seen.latched:
        names = ", ".join(sorted(one.value for one in seen.latched))
        return f"the board has latched {names}; remove the cause, then use the step clear-latched"
    return ""


def _no_voltage(seen: OutletReadings) -> str:
    measured = seen.output_voltages_V
    if not measured or (seen.meter is None and not seen.modules):
        return "nobody measures the voltage of the output; connect the meter or the module"
    for name, voltage_V in measured.items():
        if voltage_V is None:
            return f"the voltage of the output is not known: {name} is silent; see its supply and its bus"
        if not abs(voltage_V) < SAFE_V:
            return (
                f"{name} measures {voltage_V:.0f} V at the output, {SAFE_V:.0f} V are the limit; wait, or discharge it"
            )
    return ""


def _modules_off(seen: OutletReadings) -> str:
    for name, state in seen.modules.items():
        if state is None:
            return f"whether module {name} is off is not known: it is silent; see its supply and its bus"
        if state.output_on:
            return f"module {name} is on; wait until it is off"
    return ""


def _contactor_open(seen: OutletReadings) -> str:
    if seen.contactor is None:
        return "the contactor's feedback cannot be read; see that its device has supply and bus"
    if not seen.open:
        return "the feedback shows the contactor closed; look for a welded contact or a wrong feedback wire"
    return ""


def _dc_outlet(seen: OutletReadings) -> str:
    if seen.outlet == "dc":
        return ""
    return "an AC outlet has the grid before its contactor: this step would put mains voltage on the connector"


_RULES = {
    Need.NO_CAR: _no_car,
    Need.CHAIN_CLOSED: _chain_closed,
    Need.NO_VOLTAGE: _no_voltage,
    Need.MODULES_OFF: _modules_off,
    Need.CONTACTOR_OPEN: _contactor_open,
    Need.DC_OUTLET: _dc_outlet,
}
