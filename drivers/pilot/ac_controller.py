"""An AC charge controller of a vendor, described by a profile of class ac_controller. Fulfils chargepoint.ports.IoDevice, with the pilot alone.

Such a controller measures the pilot by itself, shows the duty cycle of the current that it is given, and switches a coil by itself. It answers
each 250 to 500 ms: how old its state may be is in its profile. It is no contactor for us: it has no mirror contacts, and while it is silent nobody
can order it open. So the EVSE names another device for contactors, and another one for the emergency stop.

Nothing is written before the controller identified itself, and only what differs from what it reads back. A controller that keeps more
than it was ordered is not believed any more: it has no state, and says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from chargepoint.model.demand import PilotCommand
from chargepoint.model.image import ControlPilot
from chargepoint.model.pilot_duty import named_current_A
from chargepoint.model.readings import Reading
from chargepoint.ports import DevicePoint, IoPorts, PilotAbility, PilotReading
from drivers.modbus.master import Master
from drivers.modbus.transaction import (
    Failed,
    Outcome,
    Priority,
    Read,
    ReadDone,
    WriteCoil,
    WriteDone,
    WriteRegister,
    WriteRegisters,
)
from drivers.profile.codec import Params, resolve
from drivers.profile.polled import PolledProfile
from drivers.profile.schema import ControllerManners, DeviceProfile, Point

ABILITIES = frozenset({PilotAbility.SWITCHES_COIL})
"""Of every controller: it reports the state alone. What it measures to find that state it keeps to itself."""

LEAST_A = 6.0
COIL_EVERY_S = 0.5
RETRY_S, AGAIN_S, SELDOM_S = 0.5, 2.0, 60.0
"""Until the same is written once more: after a write that failed; where the controller shows more than it was given; and where it shows less, or
does not show it. So a controller that keeps less is not worn by writes."""

CONFIRM_S = 2.5
"""So long after an order the controller may still show more than it was ordered (own rule): a write and two reads of the limit may be lost."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What the controller shall do. `limit_A` 0: it offers no current; `allowed` False: it is switched off, too."""

    limit_A: float = 0.0
    allowed: bool = False

    def is_less_than(self, other: _Order) -> bool:
        return self.limit_A < other.limit_A or (other.allowed and not self.allowed)


class AcController:
    """`state` of its port is None before it identified itself, and while it does not obey. Off is the default."""

    def __init__(self, name: str, profile: DeviceProfile, params: Params, unit: int, master: Master) -> None:
        assert profile.controller is not None  # the check of the profile found it
        self.name = name
        self._manners: ControllerManners = profile.controller
        self._unit, self._master = unit, master
        points = {point.maps_to: point for point in profile.points.values() if point.write_function is not None}
        self._limit = points["current_limit_A"]
        self._enable, self._off = points.get("enable"), points.get("off")
        low, high = self._limit.clamp or (0.0, 0.0)
        self._lowest_A, self._highest_A = resolve(low, params), resolve(high, params)
        self._polled = PolledProfile(name, profile, params, unit, master, self._take)
        self._state_block = profile.points[self._manners.state.partition(".")[0]].block
        self._ordered = _Order()
        self._priority = Priority.SETPOINT
        self._excess_since_s: float | None = None
        self._shown_at_s = -1e9
        """When limit or coil were read last."""
        self._coil_on: bool | None = None
        self._coil_due_s = -1e9
        self._coil_asked = False
        self._written: dict[str, tuple[int, float, bool]] = {}
        """Of each point what was written last, when, and whether that failed."""
        self._disobeys = ""
        self._port = ControllerPilot(self)
        self._ports = IoPorts(pilot=self._port)

    @property
    def max_age_s(self) -> float:
        """As the profile states."""
        return self._manners.max_age_s

    @property
    def ports(self) -> IoPorts:
        """The pilot alone."""
        return self._ports

    @property
    def identity_error(self) -> str:
        """Why it is not the device that is configured, or does not obey; empty if neither."""
        return self._polled.identity_error or self._disobeys

    def points(self) -> Iterator[DevicePoint]:
        """Every register of the profile, as read last."""
        return self._polled.points()

    def show(self, command: PilotCommand, duty_percent: float) -> None:
        """Take this as the order from now on; the next poll writes it. What asks for less goes out before everything else."""
        order = self._order(command, duty_percent)
        if order == self._ordered:
            return
        self._priority = Priority.STOP if order.is_less_than(self._ordered) else Priority.SETPOINT
        self._ordered = order
        if not self._disobeys:
            self._excess_since_s = None
        self._written.clear()

    def poll(self, now_s: float) -> None:
        """Queue the reads that are due, and what the controller has not taken yet."""
        self._polled.poll(now_s)
        if not self._polled.identified:
            self._port.state = self._coil_on = self._excess_since_s = None
            self._disobeys = ""
            self._written.clear()
            return
        if self._enable is not None and now_s >= self._coil_due_s and not self._coil_asked:
            self._coil_due_s, self._coil_asked = now_s + COIL_EVERY_S, True
            self._master.submit(Read(self._unit, 1, self._enable.address, 1), self._coil_read, Priority.SLOW)
        self._judge(now_s)
        self._write(now_s, self._priority)
        self._priority = Priority.SETPOINT

    def _order(self, command: PilotCommand, duty_percent: float) -> _Order:
        """A current that it cannot name is none. X1 asks a car in C to stop; F and E switch off."""
        wanted_A = named_current_A(duty_percent) if command is PilotCommand.PWM else None
        step_A = self._limit.scale
        limit_A = 0.0 if wanted_A is None else (wanted_A + 1e-6) // step_A * step_A
        if limit_A < max(LEAST_A, self._lowest_A):
            softly = self._lowest_A <= 0.0 and command in (PilotCommand.PWM, PilotCommand.X1)
            return _Order(allowed=softly)
        return _Order(min(limit_A, self._highest_A), allowed=True)

    def _take(self, block: str, at_s: float) -> None:
        if block == self._limit.block:
            self._shown_at_s = at_s
        if block != self._state_block or not self._polled.identified or self._disobeys:
            return
        raw = self._polled.number(self._manners.state) if "." not in self._manners.state else None
        number = self._polled.bit(self._manners.state) if raw is None else int(raw)
        pilot = next((one for one, code in self._manners.states.items() if code == number), ControlPilot.UNKNOWN)
        before = self._port.state
        if before is not None and at_s < before.taken_at_s:
            return  # perhaps a copy of an older answer: what is known already is younger
        if before is not None and before.value.pilot is pilot:
            self._port.state = Reading(before.value, at_s)
        else:
            self._port.state = Reading(PilotReading(pilot, None, None, None, None), at_s)

    def _judge(self, now_s: float) -> None:
        """Whether it keeps more than it was ordered, for longer than an order may take. What a silent one keeps is not known."""
        heard = now_s - self._shown_at_s <= self.max_age_s
        excess, self._disobeys = self._excess() if heard else "", ""
        if not excess:
            self._excess_since_s = None
            return
        if self._excess_since_s is None:
            self._excess_since_s = now_s
        if now_s - self._excess_since_s > CONFIRM_S:
            self._port.state = None
            self._disobeys = f"{self.name}: {excess}; look at its own settings, and at who else writes to it"

    def _excess(self) -> str:
        """In words what it shows beyond its order; empty: nothing. Of one that cannot name 0 A the switch alone says that it offers none."""
        ordered, limit_A = self._ordered, self._polled.number(self._limit.name)
        if not ordered.allowed and self._lowest_A > 0.0:
            return "it is enabled although it was switched off" if self._is_allowed() else ""
        if limit_A is None:
            known = self._limit.name in self._polled.values
            return f"its {self._limit.name} is no current up to {self._highest_A:g} A" if known else ""
        if limit_A > ordered.limit_A:
            return f"{self._limit.name} = {limit_A:g} A: at most {ordered.limit_A:g} A was ordered"
        return ""

    def _is_allowed(self) -> bool | None:
        """As read back; None: not known, or there is no such point."""
        if self._enable is not None:
            return self._coil_on
        bits = None if self._off is None else self._polled.bit(f"{self._off.name}.off")
        return None if bits is None else not bits

    def _write(self, now_s: float, priority: Priority) -> None:
        """What differs from what was read back. Off goes first; a current goes before the permission to draw it."""
        ordered = self._ordered
        if not ordered.allowed:
            self._switch(on=False, now_s=now_s, priority=priority)
        name, shown_A = self._limit.name, self._polled.number(self._limit.name)
        nameable = ordered.limit_A >= self._lowest_A and (ordered.allowed or self._lowest_A <= 0.0)
        if nameable and (shown_A != ordered.limit_A or name not in self._written):
            again_s = AGAIN_S if shown_A is not None and shown_A > ordered.limit_A else SELDOM_S
            self._submit(self._limit, self._polled.codecs[name].encode(ordered.limit_A)[0], now_s, priority, again_s)
        if ordered.allowed:
            self._switch(on=True, now_s=now_s, priority=priority)

    def _switch(self, *, on: bool, now_s: float, priority: Priority) -> None:
        if self._enable is not None:
            if self._coil_on is not on or self._enable.name not in self._written:
                self._submit(self._enable, int(on), now_s, priority, SELDOM_S if self._coil_on is None else AGAIN_S)
        elif self._off is not None:
            held = int(self._polled.number(self._off.name) or 0)
            value = held & ~1 if on else held | 1
            if value != held:
                self._submit(self._off, value, now_s, priority, SELDOM_S)

    def _submit(self, point: Point, value: int, now_s: float, priority: Priority, again_s: float) -> None:
        """Write; the same once more only after `again_s`, so that writes leave time for reads."""
        before = self._written.get(point.name)
        if before is not None and before[0] == value and now_s - before[1] < (RETRY_S if before[2] else again_s):
            return
        self._written[point.name] = (value, now_s, False)
        address = self._polled.address(point.name)
        request = (
            WriteCoil(self._unit, address, bool(value))
            if point.write_function == 5
            else WriteRegister(self._unit, address, value)
            if point.write_function == 6
            else WriteRegisters(self._unit, address, (value,))
        )
        done = partial(self._done, point.name, value)
        self._master.submit(request, done, priority, key=(self.name, point.name))

    def _done(self, name: str, value: int, outcome: Outcome) -> None:
        """What was taken is read back at once."""
        if isinstance(outcome, WriteDone):
            self._coil_due_s = -1e9
            if self._limit.block is not None:
                self._polled.refresh(self._limit.block, overtaking=True)
        elif self._written.get(name, (None,))[0] == value:
            self._written[name] = (value, outcome.at_s, True)

    def _coil_read(self, outcome: Outcome) -> None:
        self._coil_asked = False
        if isinstance(outcome, ReadDone):
            self._coil_on, self._shown_at_s = outcome.registers[0] == 1, outcome.at_s
        elif isinstance(outcome, Failed) and outcome.exception_code:
            self._coil_due_s += 60.0  # it does not show its coil: what was written counts


class ControllerPilot:
    """Fulfils PilotPort."""

    abilities = ABILITIES

    def __init__(self, controller: AcController) -> None:
        self._controller = controller
        self.state: Reading[PilotReading] | None = None

    def show(self, command: PilotCommand, duty_percent: float) -> None:
        """A duty cycle is shown as its current; a smaller one than that of 6 A is none."""
        self._controller.show(command, duty_percent)
