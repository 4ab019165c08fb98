"""One power module on a CAN bus: asks, orders, and watches that the module does as ordered. Fulfils chargepoint.ports.PowerModule.

No I/O and no frame in here: the dialect makes frames, the bus carries them, time is a number. What holds for every family:

* An order to switch off goes before everything else, and takes the current set-point to zero with it. A set-point that an earlier
  session left in the module therefore never starts the next one (docs/sources/hardware.md 1.5).
* The output goes on only when the module has confirmed setting, voltage and current since it was last ordered off.
* The setting (working mode, voltage range) changes only with the output off and without current: off, rest, select, rest, on.
* Everything ordered is written again every 0.4 s, except an order to switch on that the module has followed: what went off by itself
  stays off. What is not confirmed within a second is a fault, as is a rejection.
* A module that answers «still starting» is waited for, at most 20 s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chargepoint.model.readings import Reading
from chargepoint.ports import PowerModuleCapabilities, PowerModuleCommand, PowerModuleState
from drivers.can.bus import CanLine
from drivers.can.frame import CanFilter, CanFrame
from drivers.can.send_queue import Urgency
from drivers.power_module.can_dialect import (
    Accepted,
    Bounds,
    Dialect,
    ModuleOrder,
    Quantity,
    Rejected,
    Shown,
    Status,
    Unreadable,
    capabilities,
)
from drivers.power_module.can_readings import CanReadings

REFRESH_S = 0.4
"""Own rule: below the 0.5 s that a public driver keeps with modules that switch off after 10 s (docs/sources/hardware.md 1.4)."""

CONFIRM_S = 1.0
"""Set-points and setting that are not confirmed for so long are a fault; so is an output that does not go off."""

ON_S = 5.0
"""How long an output may take to go on."""

GAP_S = 0.5
"""A module silent for longer may have restarted: nothing confirmed before counts."""

SMALL_A = 1.0
STARTING_MAX_S = 20.0
"""How long a module may answer «still starting» before that is a fault."""

VOLTAGE_TOLERANCE_V, CURRENT_TOLERANCE_A = 0.5, 0.1

_CONFIRMED_BY = {
    ModuleOrder.VOLTAGE: Quantity.VOLTAGE_SET,
    ModuleOrder.CURRENT: Quantity.CURRENT_SET,
    ModuleOrder.SETTING: Quantity.SETTING_SHOWN,
    ModuleOrder.OUTPUT: Quantity.STATUS,
}
_TOLERANCE = {ModuleOrder.VOLTAGE: VOLTAGE_TOLERANCE_V, ModuleOrder.CURRENT: CURRENT_TOLERANCE_A}
_ONCE = (ModuleOrder.SOFT_START_OFF, ModuleOrder.SETTING)


@dataclass(slots=True)
class _Ordered:
    """One order as it was last written."""

    value: float
    since_s: float
    """When this value was first wanted."""
    written_s: float = -math.inf
    confirmed: bool = False
    rejected: str = ""


class CanModule:
    """`capabilities` is None until the module reported its ratings; `state` None until it reported its state."""

    def __init__(self, name: str, dialect: Dialect, line: CanLine, bounds: Bounds | None = None) -> None:
        self.name = name
        self._dialect = dialect
        self._line = line
        self._bounds = bounds or Bounds()
        self._now_s = -math.inf
        self._command = PowerModuleCommand()
        self._readings = CanReadings(name, dialect, line)
        self._capabilities: PowerModuleCapabilities | None = None
        self._identity_error = ""
        self._orders: dict[ModuleOrder, _Ordered] = {}
        self._setting: float | None = None
        self._off_since_s: float | None = None
        self._setting_since_s = -math.inf
        self._was_on = False
        self._latched = ""
        self._starting_since_s: float | None = None
        self._state: Reading[PowerModuleState] | None = None
        line.listen(self)

    # -- the port ---------------------------------------------------------------------------------

    @property
    def capabilities(self) -> PowerModuleCapabilities | None:
        """None until the module reported its ratings."""
        return self._capabilities

    @property
    def state(self) -> Reading[PowerModuleState] | None:
        """Last state, as old as the oldest value in it; None before the first."""
        return self._state

    @property
    def identity_error(self) -> str:
        """Why the device is not taken for the one configured; empty if it is, or has not answered yet."""
        return self._identity_error

    def command(self, command: PowerModuleCommand) -> None:
        """Take this as the order from now on. Off, and less current, are queued before this returns."""
        if command == self._command:
            return
        self._command = command
        if not command.output_on:
            self._latched, self._was_on = "", False
        if self._capabilities is None:
            return  # a device of another kind is never written to
        if command.output_on:
            self._order_set_points()
        else:
            self._order_off()

    def poll(self, now_s: float) -> None:
        """Ask what is due, and take the next step towards what was ordered."""
        self._now_s = now_s
        self._readings.ask(now_s, identified=self._capabilities is not None)
        state = self._state
        if self._capabilities is None or state is None:
            self._refresh()
            return
        if now_s - state.taken_at_s > GAP_S:
            self._forget_confirmations()
        self._step(state)
        self._refresh()

    # -- the bus ----------------------------------------------------------------------------------

    @property
    def filters(self) -> tuple[CanFilter, ...]:
        """Frames of this module to us."""
        return self._dialect.filters

    @property
    def unanswered(self) -> int:
        """Questions without an answer since start."""
        return self._readings.unanswered

    @property
    def late(self) -> int:
        """Answers that nobody waited for since start."""
        return self._readings.late

    def queue_dropped(self) -> None:
        """Nothing that was queued was sent: ask again, and write again."""
        self._readings.forget_asked()
        for ordered in self._orders.values():
            ordered.written_s = -math.inf

    def receive(self, frame: CanFrame, now_s: float) -> bool:
        """Take a frame of this module. False: it is no valid answer."""
        answer = self._dialect.answer(frame)
        match answer:
            case Shown(quantity):
                taken = self._readings.take(answer)
                if taken:
                    self._identify()
                    self._compare(quantity)
                    self._put_together()
                return taken is not False
            case Accepted(order):
                ordered = self._orders.get(order)
                if ordered is not None and not self._read_back(order):
                    ordered.confirmed = True
                if ordered is not None:
                    ordered.rejected = ""
                self._starting_since_s = None
                return True
            case Rejected():
                self._take_rejection(answer, now_s)
                return True
            case Unreadable():
                return False

    # -- answers ----------------------------------------------------------------------------------

    def _take_rejection(self, rejected: Rejected, now_s: float) -> None:
        if rejected.passing:
            self._starting_since_s = now_s if self._starting_since_s is None else self._starting_since_s
            return
        if isinstance(rejected.subject, Quantity):
            self._readings.refused(rejected.subject)
            if rejected.subject in self._dialect.manners.ratings and self._capabilities is None:
                self._identity_error = (
                    f"{self.name}: answers the question for its {rejected.subject.value} with {rejected.why}; "
                    "it is another kind of module: check driver and address"
                )
            return
        ordered = self._orders.get(rejected.subject)
        if ordered is not None:
            ordered.rejected = f"rejects {rejected.subject.value} {ordered.value:g}: {rejected.why}"
            self._put_together()

    def _identify(self) -> None:
        wanted = self._dialect.manners.ratings
        if self._capabilities is not None or any(quantity not in self._readings.numbers for quantity in wanted):
            return
        ratings = self._dialect.ratings(
            {quantity: reading.value for quantity, reading in self._readings.numbers.items()}
        )
        numbers = (ratings.voltage_max_V, ratings.current_max_A, ratings.power_max_W)
        if not all(math.isfinite(number) and number > 0 for number in numbers):
            self._identity_error = (
                f"{self.name}: reports a rating of {ratings.voltage_max_V:g} V, {ratings.current_max_A:g} A, "
                f"{ratings.power_max_W:g} W: each must be above 0; check driver and address"
            )
            return
        self._identity_error = ""
        self._capabilities = capabilities(ratings, self._dialect.manners, self._bounds)

    def _put_together(self) -> None:
        if self._readings.status is not None:
            self._state = self._readings.state(self._faults(self._readings.status.value))

    def _faults(self, status: Status) -> tuple[str, ...]:
        faults = list(status.faults)
        if self._latched:
            faults.append(self._latched)
        for order, ordered in self._orders.items():
            if ordered.rejected:
                faults.append(ordered.rejected)
                continue
            if self._starting_since_s is not None:
                continue
            bound_s = ON_S if order is ModuleOrder.OUTPUT and ordered.value else CONFIRM_S
            if not ordered.confirmed and self._now_s - ordered.since_s > bound_s:
                faults.append(f"not following: {order.value} {ordered.value:g} is not confirmed within {bound_s:g} s")
        if self._readings.twice:
            faults.append("answers come twice: two modules have this address")
        if self._starting_since_s is not None and self._now_s - self._starting_since_s > STARTING_MAX_S:
            faults.append(f"still starting after {STARTING_MAX_S:g} s")
        return tuple(faults)

    # -- orders -----------------------------------------------------------------------------------

    def _step(self, reading: Reading[PowerModuleState]) -> None:
        """Begin, keep or end the output, by what is ordered and what the module shows."""
        state, wanted = reading.value, self._command
        self._watch(state)
        if not wanted.output_on or self._latched or (self._serious()):
            self._order_off()
            self._rest(state, reading.taken_at_s)
            return
        setting = self._dialect.setting_for(wanted.current_A, wanted.voltage_max_V)
        if setting is not None and setting != self._setting:
            self._order_off()
            self._was_on = False
            if self._rest(state, reading.taken_at_s):
                self._setting = None  # from here on the module may have either
                self._order(ModuleOrder.SETTING, setting, Urgency.SET_POINT)
                if self._orders[ModuleOrder.SETTING].confirmed:
                    self._setting, self._setting_since_s = setting, self._now_s
            return
        if self._dialect.manners.soft_start_ends:
            self._order(ModuleOrder.SOFT_START_OFF, 0.0, Urgency.SET_POINT)
        self._order_set_points()
        self._off_since_s = None
        rested = self._now_s - self._setting_since_s >= self._dialect.manners.setting_rest_s
        ready = state.output_on or all(
            self._orders[kind].confirmed for kind in (ModuleOrder.VOLTAGE, ModuleOrder.CURRENT)
        )
        if rested and ready:
            self._order(ModuleOrder.OUTPUT, 1.0, Urgency.SET_POINT)
            self._was_on = self._was_on or state.output_on

    def _watch(self, state: PowerModuleState) -> None:
        """An output that went off by itself, or with a fault, stays off until the module was ordered off."""
        if not self._command.output_on or self._latched:
            return
        serious = self._serious()
        if serious and (self._was_on or state.output_on):
            self._latched = f"{serious[0]} while on"
        elif self._was_on and not state.output_on:
            self._latched = "switched off by itself"

    def _serious(self) -> tuple[str, ...]:
        """What the module itself reports as a fault."""
        return () if self._readings.status is None else self._readings.status.value.faults

    def _rest(self, state: PowerModuleState, taken_at_s: float) -> bool:
        """Whether the output has been seen off and without current for the family's rest."""
        if state.output_on or abs(state.current_A) > SMALL_A:
            self._off_since_s = None
            return False
        if self._off_since_s is None:
            self._off_since_s = taken_at_s
        return taken_at_s - self._off_since_s >= self._dialect.manners.setting_rest_s

    def _order_off(self) -> None:
        """Off, in the queue before anything else; then no current, for the next time it goes on."""
        output = self._orders.get(ModuleOrder.OUTPUT)
        if output is None or output.value:
            self._line.withdraw(self.name, Urgency.SET_POINT)
        self._order(ModuleOrder.OUTPUT, 0.0, Urgency.STOP)
        self._order(ModuleOrder.CURRENT, 0.0, Urgency.SET_POINT)

    def _order_set_points(self) -> None:
        """Voltage and current of the command, as far as the present setting fits the direction; else no current."""
        wanted = self._command
        setting = self._dialect.setting_for(wanted.current_A, wanted.voltage_max_V)
        fits = setting is None or setting == self._setting
        current_A = abs(wanted.current_A) if fits else 0.0
        caps = self._capabilities
        if caps is not None:
            most_A = caps.charge_current_max_A if wanted.current_A > 0 else caps.discharge_current_max_A
            current_A = min(current_A, most_A)
        before = self._orders.get(ModuleOrder.CURRENT)
        less = before is not None and current_A < before.value
        if not fits:
            self._order(ModuleOrder.CURRENT, 0.0, Urgency.STOP)
            return
        # never above the order while charging, never below it while discharging: what the module cannot do it rejects
        voltage_V = wanted.voltage_min_V if wanted.current_A < 0 else wanted.voltage_max_V
        if caps is not None:
            low_V, high_V = caps.voltage_min_V, caps.voltage_max_V
            voltage_V = max(voltage_V, low_V) if wanted.current_A < 0 else min(voltage_V, high_V)
        known_V = self._orders.get(ModuleOrder.VOLTAGE)
        # while charging a lower voltage is less, while discharging a higher one is
        lower = known_V is not None and (voltage_V < known_V.value) == (wanted.current_A >= 0)
        self._order(ModuleOrder.VOLTAGE, voltage_V, Urgency.STOP if lower else Urgency.SET_POINT)
        self._order(ModuleOrder.CURRENT, current_A, Urgency.STOP if less else Urgency.SET_POINT)

    def _order(self, order: ModuleOrder, value: float, urgency: Urgency) -> None:
        """Write this order if it is new; `_refresh` writes it again and again."""
        before = self._orders.get(order)
        if before is not None and before.value == value:
            return
        entry = _Ordered(value, self._now_s)
        self._orders[order] = entry
        self._write(order, entry, urgency)
        if self._read_back(order):
            self._readings.hurry(_CONFIRMED_BY[order])

    def _refresh(self) -> None:
        for order, entry in self._orders.items():
            if order is ModuleOrder.SETTING and self._off_since_s is None:
                continue  # never while the output is on
            if order is ModuleOrder.OUTPUT and entry.value and (entry.confirmed or self._was_on):
                continue  # repeated, it could switch on again what went off by itself
            if not (order in _ONCE and entry.confirmed) and self._now_s - entry.written_s >= REFRESH_S:
                off = order is ModuleOrder.OUTPUT and entry.value == 0.0
                self._write(order, entry, Urgency.STOP if off else Urgency.SET_POINT)

    def _write(self, order: ModuleOrder, entry: _Ordered, urgency: Urgency) -> None:
        entry.written_s = self._now_s
        self._line.send(self._dialect.order(order, entry.value), urgency, self.name, order)

    # -- confirmations ----------------------------------------------------------------------------

    def _read_back(self, order: ModuleOrder) -> bool:
        manners = self._dialect.manners
        return (
            manners.setting_read_back
            if order is ModuleOrder.SETTING
            else order is ModuleOrder.OUTPUT
            or (manners.reads_back and order in (ModuleOrder.VOLTAGE, ModuleOrder.CURRENT))
        )

    def _compare(self, quantity: Quantity) -> None:
        """What the module shows against what it was ordered, where the question came after the order."""
        for order, confirmed_by in _CONFIRMED_BY.items():
            entry = self._orders.get(order)
            if confirmed_by is not quantity or entry is None or not self._read_back(order):
                continue
            shown = self._readings.shown(quantity)
            if shown is None or shown.taken_at_s <= entry.since_s:
                continue
            same = abs(shown.value - entry.value) <= _TOLERANCE.get(order, 0.0)
            if not same and entry.confirmed:  # it lost what it had confirmed
                entry.since_s = self._now_s
                entry.written_s = entry.written_s if order is ModuleOrder.SETTING else -math.inf
            if not same and order is ModuleOrder.SETTING:
                self._setting = None
            entry.confirmed = same

    def _forget_confirmations(self) -> None:
        """Of everything but the setting, which changes only while the output is off and shows when it is read."""
        for order, entry in self._orders.items():
            if order is not ModuleOrder.SETTING:
                entry.confirmed = False
                entry.since_s = self._now_s
        self._off_since_s = None
