"""Several power modules in parallel as one. Fulfils chargepoint.ports.PowerModule.

* Each module that is well gets the same part of its own rating. Nobody is ordered above its rating, and what may flow together is
  never more than what was ordered (`sharing.py`, `may_flow.py`).
* A module that fails, falls silent or drives more than it was ordered is ordered off. The rest take its share within their own
  limits, as soon as it is measured off or its own time-out has passed. Until then it counts as driving its last order.
  Silence shows after 0.5 s: for so long a module that did not hear a smaller order may add its old share.
* A module that is not well when the output goes on, or drops out afterwards, stays off until the whole array was ordered off.
  So nothing is started into a circuit that is live.
* The direction changes only when nothing may flow in the other direction through any module.
* A module may join, off, while the others work, and may leave when it is off: a stack moves modules among EVSEs.
* The array has faults only when no module is left. Before that, `degraded` of its state has the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chargepoint.model.readings import Reading
from chargepoint.ports import (
    PowerModule,
    PowerModuleCapabilities,
    PowerModuleCommand,
    PowerModuleState,
    Reversal,
)
from drivers.power_module.may_flow import SMALL_A, MayFlow, tolerance_A
from drivers.power_module.sharing import Sharer, shares

ALIVE_S = 0.5
EXCEEDS_S = 1.0
"""A module that shows more than its order and the tolerance for so long does not follow."""

_SEVERITY = (Reversal.SEAMLESS, Reversal.VIA_ZERO, Reversal.STOP_REQUIRED)
_OFF = PowerModuleCommand()


class _Member:
    """One module of the array, with what the array remembers of it."""

    def __init__(self, module: PowerModule) -> None:
        self.module = module
        self.name = module.name
        self.flow = MayFlow()
        self.out = ""
        """Why it stays off until the array was ordered off; empty: it does not."""
        self.exceeds_since_s: float | None = None
        self.rated: PowerModuleCapabilities | None = None
        self.released = False
        """It is on its way to another output: ordered off, and only counted until it leaves."""

    def look(self, now_s: float) -> None:
        """Take over what the module shows."""
        self.rated = self.module.capabilities or self.rated
        self.flow.see(self.module.state, now_s, ALIVE_S)
        state = self.module.state
        if state is None or not self.answers(now_s):
            return
        ordered_A, shown_A = self.flow.order_A, state.value.current_A
        bound_A = abs(ordered_A) if shown_A * ordered_A > 0.0 else 0.0
        if abs(shown_A) <= bound_A + 2 * tolerance_A(bound_A):
            self.exceeds_since_s = None
        elif self.exceeds_since_s is None:
            self.exceeds_since_s = now_s

    def answers(self, now_s: float) -> bool:
        """Its state is young enough."""
        return self.module.state is not None and self.module.state.age_s(now_s) <= ALIVE_S

    def why_not(self, now_s: float) -> str:
        """Why it is not well, in words; empty if it is."""
        state = self.module.state
        if self.module.capabilities is None:
            return self.module.identity_error or "not identified"
        if state is None or not self.answers(now_s):
            return "silent"
        if state.value.faults:
            return ", ".join(state.value.faults)
        if self.exceeds_since_s is not None and now_s - self.exceeds_since_s > EXCEEDS_S:
            return f"drives {state.value.current_A:.1f} A, ordered {self.flow.order_A:.1f} A"
        return ""

    def may_flow_A(self, direction: int, now_s: float) -> float:
        """The most that may flow through it in that direction."""
        comm_loss_s = None if self.rated is None else self.rated.comm_loss_s
        return self.flow.may_flow_A(direction, now_s, comm_loss_s)

    def order(self, command: PowerModuleCommand, now_s: float) -> None:
        """Command the module, and remember it."""
        self.flow.ordered(command, now_s)
        self.module.command(command)


class PowerModuleArray:
    """Call `poll` like any device's; it polls the modules. An array without a module has neither state nor capabilities.

    Fulfils chargepoint.ports.ModuleGroup.
    """

    def __init__(self, name: str, modules: Sequence[PowerModule] = ()) -> None:
        self.name = name
        self._members = [_Member(module) for module in modules]
        self._command = _OFF
        self._now_s = -1e9

    def join(self, module: PowerModule) -> None:
        """The module is connected to this output now, and off: it takes its part of the order from now on."""
        self._members.append(_Member(module))

    def release(self, name: str) -> None:
        """Order this module off; the others take over its part when it may no longer drive anything."""
        for member in self._members:
            if member.name == name and not member.released:
                member.released = True
                member.order(_OFF, self._now_s)

    def leave(self, name: str) -> None:
        """The module is off, or is no longer connected here: it does not count any more and is not ordered from here."""
        self._members = [member for member in self._members if member.name != name]

    @property
    def identity_error(self) -> str:
        """Of every module that is not the one configured."""
        return "; ".join(member.module.identity_error for member in self._members if member.module.identity_error)

    def poll(self, now_s: float) -> None:
        """Poll all modules and share the order again: who is well may have changed."""
        self._now_s = now_s
        for member in self._members:
            member.module.poll(now_s)
        self._share()

    def command(self, command: PowerModuleCommand) -> None:
        """Take this as the order from now on."""
        self._command = command
        if not command.output_on:
            for member in self._members:
                member.out = ""
        self._share()

    @property
    def capabilities(self) -> PowerModuleCapabilities | None:
        """What the modules that are well can do together; None while none has identified itself."""
        well = [member.module.capabilities for member in self._well()]
        found = [c for c in well or [member.module.capabilities for member in self._members] if c is not None]
        if not found:
            return None
        losses = [c.comm_loss_s for c in found]
        charge_A = sum(c.charge_current_max_A for c in found)
        return PowerModuleCapabilities(
            voltage_min_V=max(c.voltage_min_V for c in found),
            voltage_max_V=min(c.voltage_max_V for c in found),
            charge_current_max_A=charge_A,
            discharge_current_max_A=sum(c.discharge_current_max_A for c in found),
            charge_power_max_W=sum(c.charge_power_max_W for c in found),
            discharge_power_max_W=sum(c.discharge_power_max_W for c in found),
            charge_power_min_W=sum(c.charge_power_min_W for c in found),
            discharge_power_min_W=sum(c.discharge_power_min_W for c in found),
            # a module's part of the slope is its part of the current
            ramp_A_per_s=min(
                (c.ramp_A_per_s * charge_A / c.charge_current_max_A for c in found if c.charge_current_max_A > 0.0),
                default=sum(c.ramp_A_per_s for c in found),
            ),
            reversal=max((c.reversal for c in found), key=_SEVERITY.index),
            reversal_time_s=max(c.reversal_time_s for c in found),
            comm_loss_s=None if None in losses else max(loss for loss in losses if loss is not None),
        )

    @property
    def state(self) -> Reading[PowerModuleState] | None:
        """Highest voltage, sum of currents, on if any is on; as old as the oldest module that is well."""
        well = self._well()
        readings = [member.module.state for member in well or self._members]
        states = [reading for reading in readings if reading is not None]
        if not states:
            return None
        # a module ordered off but still answering counts in the sum: its current is real
        everyone = [
            member.module.state.value
            for member in self._members
            if member.module.state is not None and member.answers(self._now_s)
        ]
        shown = everyone or [reading.value for reading in states]
        words = tuple(
            f"{member.name}: {why}"
            for member in self._members
            if not member.released and (why := member.out or member.why_not(self._now_s))
        )
        temperatures = [s.temperature_degC for s in shown if s.temperature_degC is not None]
        state = PowerModuleState(
            voltage_V=max(s.voltage_V for s in shown),
            current_A=sum(s.current_A for s in shown),
            output_on=any(s.output_on for s in shown),
            faults=() if well else words,
            temperature_degC=max(temperatures, default=None),
            degraded=words,
        )
        return Reading(state, min(reading.taken_at_s for reading in states))

    def _well(self) -> list[_Member]:
        return [member for member in self._members if self._is_well(member)]

    def _is_well(self, member: _Member) -> bool:
        return not member.released and not member.out and not member.why_not(self._now_s)

    def _share(self) -> None:
        now_s, wanted = self._now_s, self._command
        for member in self._members:
            member.look(now_s)
            why = member.why_not(now_s)
            if wanted.output_on and why and not member.out:
                member.out = why
            if member.out or why:
                member.flow.lost(now_s)
            else:
                member.flow.found()
        well = self._well()
        for member in self._members:
            if member not in well:
                member.order(_OFF, now_s)
        direction = 1 if wanted.current_A > 0 else -1
        opposed = any(member.may_flow_A(-direction, now_s) > SMALL_A for member in self._members)
        total_A = 0.0 if opposed or not wanted.output_on else abs(wanted.current_A)
        sharers = [
            Sharer(
                member.name, _limit_A(member, direction) if member in well else 0.0, member.may_flow_A(direction, now_s)
            )
            for member in self._members
        ]
        share_A = shares(total_A, sharers)
        for member in well:
            member.order(replace(wanted, current_A=direction * share_A[member.name]), now_s)


def _limit_A(member: _Member, direction: int) -> float:
    """What this module may be ordered in that direction, by its current and by its power at the present voltage."""
    rated, state = member.rated, member.module.state
    if rated is None:
        return 0.0
    limit_A = rated.charge_current_max_A if direction > 0 else rated.discharge_current_max_A
    power_W = rated.charge_power_max_W if direction > 0 else rated.discharge_power_max_W
    voltage_V = 0.0 if state is None else state.value.voltage_V
    return min(limit_A, power_W / voltage_V) if voltage_V > 0.0 else limit_A
