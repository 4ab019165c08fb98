"""The steps with live hardware, each as a generator: it takes the readings of a moment and gives the order until the next. Pure.

A step ends by returning its result. Its runner orders everything to rest afterwards, and also when it breaks off the step.
Each step has a bound of its own; none waits for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace

from chargepoint.commissioning.measure import Measure, StepResult, failed, judged, not_run
from chargepoint.commissioning.needs import SAFE_V
from chargepoint.commissioning.outlet import AT_REST, REST, Link, OutletOrder, OutletReadings
from chargepoint.model.demand import PilotCommand
from chargepoint.model.image import ControlPilot, Lock
from chargepoint.model.indicator import Lamp
from chargepoint.ports import PowerModuleCommand

Step = Generator[OutletOrder, OutletReadings, StepResult]
"""Send it readings, get the next order. The first `next` gives the order at rest."""
_Wait = Generator[OutletOrder, OutletReadings, float | None]

LOCK_MAX_S = 4.0
"""A lock moves within 2 s, and its board watches it for twice as long (own rule, grade D)."""
LOCKED_S = 2.0
PILOT_S = 3.0
PILOT_SETTLE_S = 0.5
CONTACTOR_MAX_S = 1.0
"""From the order to close to the order to open."""
CLOSES_MAX_MS = 100.0
"""The board latches a contact that takes longer as «did not close» (docs/pilot-board.md)."""
OPENS_MAX_MS = 100.0
BOUNCE_WATCH_S = 0.3
DISCHARGE_S = 0.5
RELAY_MAX_S = 1.0
MODULE_S = 3.0
MODULE_START_S = 8.0
"""A module takes some seconds to prepare and start."""
TEST_VOLTAGE_MAX_V = 50.0
TEST_CURRENT_A = 1.0
VOLTAGE_TOLERANCE_V = 3.0
"""Between set-point, module and meter, at 50 V (own rule, grade D)."""
METER_SEES_V = 5.0
"""Less at the meter, while the module holds its voltage, means that the meter sits behind the contactor (own rule)."""
SELF_TEST_MAX_S = 40.0
MEASURE_S = 5.0
LAMP_S = 2.0

TWELVE_V = (11.0, 13.0)
"""State A: +12 V with the tolerance of the measurement (docs/sources/safety.md 2)."""
MINUS_TWELVE_V = (-13.0, -11.0)
DUTY_TOLERANCE_PERCENT = 1.0

_PWM_5 = replace(AT_REST, pilot=PilotCommand.PWM, duty_percent=5.0)


def _until(order: OutletOrder, good: Callable[[OutletReadings], bool], seen: OutletReadings, within_s: float) -> _Wait:
    """Give this order until the readings are good; the seconds it took, or None when its time is over."""
    began_s = seen.now_s
    while True:
        seen = yield order
        if good(seen):
            return seen.now_s - began_s
        if seen.now_s - began_s > within_s:
            return None


def _hold(
    order: OutletOrder, seen: OutletReadings, for_s: float
) -> Generator[OutletOrder, OutletReadings, OutletReadings]:
    """Give this order for so long; the last readings."""
    until_s = seen.now_s + for_s
    while seen.now_s < until_s:
        seen = yield order
    return seen


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def lock(hold_s: float = LOCKED_S) -> Step:
    """Lock the connector, hold it for a moment, unlock it."""
    seen = yield REST
    locked = OutletOrder(replace(AT_REST, lock=True))
    locks_s = yield from _until(locked, lambda now: now.lock is Lock.LOCKED, seen, LOCK_MAX_S)
    if locks_s is not None:
        seen = yield from _hold(locked, seen, hold_s)
    unlocks = yield from unlock()
    return judged(Measure("locks in", _ms(locks_s), "ms", high=LOCK_MAX_S * 1000), *unlocks.measures)


def unlock() -> Step:
    """Unlock the connector."""
    seen = yield REST
    unlocks_s = yield from _until(REST, lambda now: now.lock is Lock.UNLOCKED, seen, LOCK_MAX_S)
    return judged(Measure("unlocks in", _ms(unlocks_s), "ms", high=LOCK_MAX_S * 1000))


def pilot_x1(for_s: float = PILOT_S) -> Step:
    """+12 V without a duty cycle."""
    seen = yield REST
    seen = yield from _hold(REST, seen, for_s)
    if seen.pilot is None:
        return failed("the control pilot is silent")
    high_V = seen.pilot.high_V
    levels = [] if high_V is None else [Measure("high", high_V, "V", *TWELVE_V)]
    return judged(Measure("state", seen.pilot.pilot.name, expected="A"), *levels)


def pilot_pwm(for_s: float = PILOT_S) -> Step:
    """A duty cycle of 5 %, read back."""
    seen = yield REST
    seen = yield from _hold(OutletOrder(_PWM_5), seen, for_s)
    if seen.pilot is None:
        return failed("the control pilot is silent")
    if seen.pilot.duty_percent is None:
        return not_run("the device of the pilot does not measure the duty cycle that it shows")
    low, high = 5.0 - DUTY_TOLERANCE_PERCENT, 5.0 + DUTY_TOLERANCE_PERCENT
    return judged(
        Measure("duty", seen.pilot.duty_percent, "%", low, high),
        Measure("high", seen.pilot.high_V, "V", *TWELVE_V),
        Measure("low", seen.pilot.low_V, "V", *MINUS_TWELVE_V),
    )


def pilot_f(for_s: float = PILOT_S) -> Step:
    """-12 V: the outlet is not available. A car cannot be seen meanwhile."""
    seen = yield REST
    if seen.pilot is not None and seen.pilot.high_V is None:
        return not_run("the device of the pilot measures no levels, so -12 V cannot be seen")
    seen = yield from _hold(OutletOrder(replace(AT_REST, pilot=PilotCommand.F)), seen, for_s)
    shows = None if seen.pilot is None else seen.pilot.pilot.name
    back_s = yield from _until(REST, lambda now: now.pilot_state is ControlPilot.A, seen, PILOT_S)
    return judged(
        Measure("state", shows, expected="F"), Measure("back at A in", _ms(back_s), "ms", high=PILOT_S * 1000)
    )


def discharge() -> Step:
    """The relay of the discharge resistor, closed and open by its feedback."""
    seen = yield REST
    closed = OutletOrder(replace(AT_REST, discharge=True))
    closes_s = yield from _until(closed, lambda now: now.discharge_closed is True, seen, DISCHARGE_S)
    seen = yield REST
    opens_s = yield from _until(REST, lambda now: now.discharge_closed is False, seen, RELAY_MAX_S)
    return judged(
        Measure("closes in", _ms(closes_s), "ms", high=DISCHARGE_S * 1000),
        Measure("opens in", _ms(opens_s), "ms", high=RELAY_MAX_S * 1000),
    )


def contactor() -> Step:
    """Close the contactor without voltage, count its bounces, open it, and see that no contact is welded.

    The pilot shows 5 % meanwhile: a board closes only then. Closed for `CONTACTOR_MAX_S` at most.
    """
    seen = yield REST
    ready, closed = OutletOrder(_PWM_5), OutletOrder(replace(_PWM_5, contactor=True))
    shows_s = yield from _until(
        ready, lambda now: now.pilot is not None and (now.pilot.duty_percent or 0.0) > 1.0, seen, 1.0
    )
    if shows_s is None:
        return failed("the pilot does not show its duty cycle, without which the board keeps the contactor open")
    seen = yield from _hold(ready, seen, PILOT_SETTLE_S)
    began_s = seen.now_s
    closes_s: float | None = None
    bounces, was_closed = 0, False
    while seen.now_s - began_s < (
        CONTACTOR_MAX_S if closes_s is None else min(CONTACTOR_MAX_S, closes_s + BOUNCE_WATCH_S)
    ):
        seen = yield closed
        if any(not abs(value_V) < SAFE_V for value_V in seen.output_voltages_V.values() if value_V is not None):
            return failed(f"voltage came to the output while the contactor closed: more than {SAFE_V:.0f} V")
        if seen.closed and closes_s is None:
            closes_s = seen.now_s - began_s
        bounces += was_closed and seen.closed is False
        was_closed = bool(seen.closed)
    seen = yield ready
    opens_s = yield from _until(ready, lambda now: now.open is True, seen, RELAY_MAX_S)
    return judged(
        Measure("closes in", _ms(closes_s), "ms", high=CLOSES_MAX_MS),
        Measure("bounces seen", float(bounces), "", high=0.0),
        Measure("opens in", _ms(opens_s), "ms", high=OPENS_MAX_MS),
        Measure("welded", seen.open is not True and opens_s is None, expected=False),
    )


def module_enable(name: str) -> Step:
    """Switch the module on with 0 A, and off again."""
    return _module(name, 0.0, TEST_VOLTAGE_MAX_V)


def module_voltage(name: str, voltage_V: float = TEST_VOLTAGE_MAX_V) -> Step:
    """Let the module hold this voltage at its open output for `MODULE_S`. Raises ValueError above `TEST_VOLTAGE_MAX_V`."""
    if not 0 < voltage_V <= TEST_VOLTAGE_MAX_V:
        raise ValueError(f"voltage {voltage_V:g} V: more than 0 and at most {TEST_VOLTAGE_MAX_V:g} V; name a lower one")
    return _module(name, TEST_CURRENT_A, voltage_V)


def _module(name: str, current_A: float, voltage_V: float) -> Step:
    seen = yield REST
    can = seen.capabilities.get(name)
    if can is None:
        return not_run(f"{name} has not identified itself; see its supply, its bus, unit and profile")
    if can.voltage_min_V > voltage_V:
        return not_run(f"the least voltage of {name} is {can.voltage_min_V:.0f} V, this step gives {voltage_V:.0f} V")
    on = OutletOrder(module=name, module_command=PowerModuleCommand(True, current_A, voltage_V, 0.0))

    def is_on(now: OutletReadings) -> bool:
        state = now.modules.get(name)
        return state is not None and state.output_on

    def is_off(now: OutletReadings) -> bool:
        state = now.modules.get(name)
        return state is not None and not state.output_on

    on_s = yield from _until(on, is_on, seen, MODULE_START_S)
    measures = [Measure("on in", _ms(on_s), "ms", high=MODULE_START_S * 1000)]
    if on_s is not None:
        seen = yield on
        seen = yield from _hold(on, seen, MODULE_S)
        state = seen.modules.get(name)
        if current_A > 0:
            low, high = voltage_V - VOLTAGE_TOLERANCE_V, voltage_V + VOLTAGE_TOLERANCE_V
            measures.append(Measure("module", None if state is None else state.voltage_V, "V", low, high))
            measures += _by_meter(seen, low, high)
        flows_A = None if state is None else abs(state.current_A)
        measures.append(Measure("current", flows_A, "A", high=TEST_CURRENT_A))
    seen = yield REST
    off_s = yield from _until(REST, is_off, seen, MODULE_START_S)
    measures.append(Measure("off in", _ms(off_s), "ms", high=MODULE_START_S * 1000))
    return judged(*measures)


def _by_meter(seen: OutletReadings, low_V: float, high_V: float) -> list[Measure]:
    """The meter's voltage beside the module's. A meter behind the open contactor shows none: then it has no limit."""
    if seen.meter is None:
        return []
    voltage_V = seen.meter.voltage_V
    if abs(voltage_V) < METER_SEES_V:
        return [Measure("meter, behind the open contactor", voltage_V, "V")]
    return [Measure("meter", voltage_V, "V", low_V, high_V)]


def insulation_self_test() -> Step:
    """Let the insulation monitor test itself."""
    seen = yield REST
    began_s = seen.now_s
    seen = yield OutletOrder(self_test=True)
    test_s = yield from _until(
        REST,
        lambda now: now.insulation is not None and now.insulation.self_test_passed is not None,
        seen,
        SELF_TEST_MAX_S - (seen.now_s - began_s),
    )
    seen = yield REST
    passed = None if seen.insulation is None or test_s is None else seen.insulation.self_test_passed
    return judged(
        Measure("result", passed, expected=True),
        Measure("time", None if test_s is None else round(test_s, 2), "s", high=SELF_TEST_MAX_S),
    )


def insulation_measure() -> Step:
    """Switch the measurement on, show its value, switch it off."""
    seen = yield REST
    on = OutletOrder(measuring=True)
    seen = yield from _hold(on, seen, MEASURE_S)
    state = seen.insulation
    off = OutletOrder(measuring=False)
    off_s = yield from _until(
        off, lambda now: now.insulation is not None and not now.insulation.measuring, seen, MEASURE_S
    )
    resistance = None if state is None or state.resistance_ohm is None else state.resistance_ohm / 1000
    return judged(
        Measure("measures", None if state is None else state.measuring, expected=True),
        Measure("resistance", resistance, "kohm", low=0.0),
        Measure("off in", _ms(off_s), "ms", high=MEASURE_S * 1000),
    )


def relays(links: frozenset[Link]) -> Step:
    """The contactors of a matrix one by one, each closed and open by its feedback, with nothing powered."""
    seen = yield REST
    measures = []
    for link in sorted(links):
        only = OutletOrder(links=frozenset({link}))
        closes_s = yield from _until(only, lambda now, only=only: now.links == only.links, seen, RELAY_MAX_S)  # type: ignore[misc]
        seen = yield REST
        opens_s = yield from _until(REST, lambda now: now.links == frozenset(), seen, RELAY_MAX_S)
        seen = yield REST
        name = f"{link[0]} to EVSE {link[1]}"
        measures.append(Measure(f"{name} closes in", _ms(closes_s), "ms", high=RELAY_MAX_S * 1000))
        measures.append(Measure(f"{name} opens in", _ms(opens_s), "ms", high=RELAY_MAX_S * 1000))
    return judged(*measures)


def lamps() -> Step:
    """Each lamp alone for `LAMP_S`, in the order green, blue, red. Nobody measures light: a person looks."""
    seen = yield REST
    for lamp in Lamp:
        seen = yield from _hold(OutletOrder(lamps=frozenset({lamp})), seen, LAMP_S)
    return judged(Measure("lit one by one", ", ".join(lamp.value for lamp in Lamp)))


def clear_latched() -> Step:
    """Ask the board to clear what it latched, and wait for it. A cause that is still there is latched again."""
    seen = yield REST
    seen = yield OutletOrder(clear_latched=True)
    cleared_s = yield from _until(REST, lambda now: now.latched == frozenset(), seen, 2.0)
    return judged(Measure("cleared in", _ms(cleared_s), "ms", high=2000.0))
