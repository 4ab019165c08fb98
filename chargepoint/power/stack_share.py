"""The modules of a stack with their matrix, and each EVSE's share of them as an ordinary PowerModule.

`ModuleStack` carries the decisions of `stack.py` to modules and matrix. `StackShare` is what one EVSE has of it now. An EVSE orders the
modules it has without delay; which modules it has changes in `ModuleStack.step`, after every EVSE was judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from chargepoint.model.ids import EvseId
from chargepoint.model.image import MeterRegisters
from chargepoint.model.io import ModuleFault
from chargepoint.model.readings import Reading, fresh
from chargepoint.ports import (
    EnergyMeter,
    MatrixPort,
    ModuleGroup,
    PowerModule,
    PowerModuleCapabilities,
    PowerModuleCommand,
    PowerModuleState,
)
from chargepoint.power.assignment import StackModule, assign
from chargepoint.power.device_guard import DeviceGuard
from chargepoint.power.device_readings import METER_MAX_AGE_S, MODULE_MAX_AGE_S
from chargepoint.power.stack import Link, ModuleView, Stack, StackOrders
from chargepoint.power.stack_wish import StackWish
from chargepoint.safety.envelope import NO_CURRENT_A

MATRIX_MAX_AGE_S = 0.25
"""An older picture of the matrix counts as none, as with a pilot/IO board (own rule)."""

WAIT_S = 15.0
"""How long an EVSE that began waits for its first module; then its session ends by a fault of the power module."""

MATCH_A = 2.0
"""Current into a module's own output capacitor, connected to nobody: the bound of pre-charge (docs/sources/safety.md 1.1)."""

SILENT_MARGIN_S = 0.5
"""Added to a module's own time-out before a silent module counts as off."""

MakeGroup = Callable[[str, Sequence[PowerModule]], ModuleGroup]
"""Several modules as one: a name, and the modules it begins with."""


class StackShare:
    """One EVSE's share. Fulfils chargepoint.ports.PowerModule.

    While it has no module, its voltage is the meter's. Its current is that of modules that the matrix shows connected all the same:
    one that just left, or one behind a welded contactor; no current where nothing is connected.
    """

    def __init__(self, evse_id: EvseId, group: ModuleGroup, meter: EnergyMeter) -> None:
        self.name = group.name
        self.evse_id = evse_id
        self.group = group
        self.joined: frozenset[str] = frozenset()
        """Modules of the group, also those that are on their way out."""
        self.serving: frozenset[str] = frozenset()
        """Modules that may be ordered on."""
        self.offer: PowerModuleCapabilities | None = None
        """What the EVSE could have now."""
        self.doubly = False
        """One of the modules is at two outputs: a fault with a code of its own."""
        self.missing = ""
        """In words that no module came in time; empty while none is missing."""
        self.degraded: tuple[str, ...] = ()
        self.seen_at_s: float | None = None
        """When the matrix was last read; None: never."""
        self.others: tuple[PowerModule, ...] = ()
        """Modules that the matrix shows connected here, and that this EVSE does not have."""
        self._meter = meter

    @property
    def identity_error(self) -> str:
        """Of the modules that are here now."""
        return self.group.identity_error

    def poll(self, now_s: float) -> None:
        """Poll the modules that are here now, and share the order among them."""
        self.group.poll(now_s)

    def command(self, command: PowerModuleCommand) -> None:
        """Take this as the order from now on."""
        self.group.command(command)

    @property
    def capabilities(self) -> PowerModuleCapabilities | None:
        """Of the modules that are here; without any, what the EVSE could have now."""
        return (self.group.capabilities if self.serving else None) or self.offer

    @property
    def state(self) -> Reading[PowerModuleState] | None:
        """Of the modules that are here; without any, the voltage of the meter and no current."""
        reading = self.group.state if self.joined else self._alone()
        if reading is None:
            return None
        state = reading.value
        faults = tuple(filter(None, (*state.faults, self.missing)))
        kinds = state.kinds | {ModuleFault.TWO_OUTPUTS} if self.doubly else state.kinds
        degraded = tuple(dict.fromkeys((*state.degraded, *self.degraded)))
        return Reading(replace(state, faults=faults, kinds=kinds, degraded=degraded), reading.taken_at_s)

    @property
    def voltage_V(self) -> float | None:
        """At the module side of the output, as far as it is known; None: it is not."""
        reading = self.state
        return None if reading is None else reading.value.voltage_V

    def _alone(self) -> Reading[PowerModuleState] | None:
        registers: MeterRegisters | None = self._meter.registers
        if self.seen_at_s is None or registers is None or self.seen_at_s - registers.taken_at_s > METER_MAX_AGE_S:
            return None
        others = [fresh(module.state, self.seen_at_s, MODULE_MAX_AGE_S) for module in self.others]
        known = [state for state in others if state is not None]
        if len(known) < len(others) and not self.doubly:
            return None
        shown = PowerModuleState(
            voltage_V=max((registers.voltage_V, *(state.voltage_V for state in known))),
            current_A=sum(state.current_A for state in known),
            output_on=any(state.output_on for state in known),
            faults=(),
        )
        return Reading(shown, self.seen_at_s)


class ModuleStack:
    """One stack. Call `step` once after the cycles of its EVSEs, with what each wishes."""

    def __init__(
        self,
        name: str,
        modules: Sequence[PowerModule],
        matrix: MatrixPort,
        meters: Mapping[EvseId, EnergyMeter],
        make_group: MakeGroup,
    ) -> None:
        """`meters`: of each EVSE on this stack its own meter."""
        self.name = name
        self.shares = {
            evse: StackShare(evse, make_group(f"{name}-evse{evse}", ()), meter) for evse, meter in meters.items()
        }
        self.orders: StackOrders | None = None
        self._modules = {module.name: module for module in modules}
        self._matrix = matrix
        self._make_group = make_group
        self._guard = DeviceGuard()
        self._core = Stack(tuple(self._modules), tuple(self.shares), matrix.links)
        self._heard_s: dict[str, float] = {}
        self._comm_loss_s: dict[str, float | None] = dict.fromkeys(self._modules)
        self._waits_since_s: dict[EvseId, float] = {}
        self._had: set[EvseId] = set()
        """EVSEs that had a module since they began."""
        self._known: dict[frozenset[str], PowerModuleCapabilities | None] = {}

    def reset(self) -> None:
        """A person has looked at what was wrong with the matrix."""
        self._core.reset()

    def switch_off(self) -> None:
        """The process ends: every module off. Never raises."""
        for module in self._modules.values():
            self._order_off(module)

    def disconnect(self) -> None:
        """Open every contactor of the matrix, after the modules went off. Never raises."""
        self._guard.order(self._matrix, lambda: self._matrix.request(frozenset()))

    def step(self, now_s: float, wishes: Mapping[EvseId, StackWish]) -> StackOrders:
        """Decide, and order: first what goes off, then the contactors, then what may go on."""
        guard, matrix = self._guard, self._matrix
        guard.begin(now_s)
        guard.poll(matrix, now_s)
        closed = fresh(guard.read(matrix, lambda: matrix.state), now_s, MATRIX_MAX_AGE_S)
        views = [self._view(module, now_s) for module in self._modules.values()]
        outputs_V = {evse: self._voltage_V(share) for evse, share in self.shares.items()}
        orders = self.orders = self._core.step(now_s, wishes, views, closed, outputs_V)
        for share in self.shares.values():
            self._change(share, orders)
        self._note_others(closed, now_s)
        for name, module in self._modules.items():
            if any(name in share.joined for share in self.shares.values()):
                continue
            self._order_free(module, orders.matching_V.get(name))
            guard.poll(module, now_s)
        guard.order(matrix, lambda: matrix.request(orders.requests))
        for evse, share in self.shares.items():
            self._report(evse, share, orders, wishes, views, now_s)
        return orders

    def _voltage_V(self, share: StackShare) -> float | None:
        return self._guard.read(share, lambda: share.voltage_V)

    def _note_others(self, closed: frozenset[Link] | None, now_s: float) -> None:
        if closed is None:
            return
        for evse, share in self.shares.items():
            share.seen_at_s = now_s
            share.others = tuple(
                self._modules[name] for name, at in sorted(closed) if at == evse and name not in share.joined
            )

    def _view(self, module: PowerModule, now_s: float) -> ModuleView:
        guard, name = self._guard, module.name
        rated = guard.read(module, lambda: module.capabilities)
        reading = guard.read(module, lambda: module.state)
        state = fresh(reading, now_s, MODULE_MAX_AGE_S)
        if rated is not None:
            self._comm_loss_s[name] = rated.comm_loss_s
        if reading is not None:
            self._heard_s[name] = reading.taken_at_s
        if state is None:
            return ModuleView(name, 0.0, False, self._silent_off(name, now_s))
        off = not state.output_on and abs(state.current_A) < NO_CURRENT_A
        limit_A = 0.0 if rated is None else rated.current_max_A
        return ModuleView(name, limit_A, rated is not None and not state.faults, off, state.voltage_V)

    def _silent_off(self, name: str, now_s: float) -> bool:
        comm_loss_s, heard_s = self._comm_loss_s[name], self._heard_s.get(name)
        return comm_loss_s is not None and heard_s is not None and now_s - heard_s > comm_loss_s + SILENT_MARGIN_S

    def _change(self, share: StackShare, orders: StackOrders) -> None:
        serving = frozenset(name for name, evse in orders.serving.items() if evse == share.evse_id)
        for name in sorted(share.joined - serving):
            if name in orders.releasing:
                self._release(share, name)
            else:
                share.group.leave(name)
                self._order_off(self._modules[name])
        staying = frozenset(name for name in share.joined - serving if name in orders.releasing)
        for name in sorted(serving - share.joined):
            share.group.join(self._modules[name])
        share.joined, share.serving = serving | staying, serving

    def _release(self, share: StackShare, name: str) -> None:
        self._guard.order(self._modules[name], lambda: share.group.release(name))

    def _order_free(self, module: PowerModule, voltage_V: float | None) -> None:
        if voltage_V is None:
            self._order_off(module)
            return
        order = PowerModuleCommand(True, MATCH_A, voltage_V, 0.0)
        self._guard.order(module, lambda: module.command(order))

    def _order_off(self, module: PowerModule) -> None:
        self._guard.order(module, lambda: module.command(PowerModuleCommand()))

    def _report(
        self,
        evse: EvseId,
        share: StackShare,
        orders: StackOrders,
        wishes: Mapping[EvseId, StackWish],
        views: Sequence[ModuleView],
        now_s: float,
    ) -> None:
        waits = wishes.get(evse, StackWish()).active and not share.serving
        since_s = self._waits_since_s.setdefault(evse, now_s) if waits else None
        if since_s is None:
            self._waits_since_s.pop(evse, None)
        patience_s = MODULE_MAX_AGE_S if evse in self._had else WAIT_S
        late = since_s is not None and now_s - since_s > patience_s
        share.missing = f"stack {self.name}: no module is left for EVSE {evse}" if late else ""
        if share.serving:
            self._had.add(evse)
        elif not waits:
            self._had.discard(evse)
        share.doubly = evse in orders.doubly
        share.degraded = orders.troubles
        share.offer = self._guard.read(share, lambda: self._offer(evse, wishes, views))

    def _offer(
        self, evse: EvseId, wishes: Mapping[EvseId, StackWish], views: Sequence[ModuleView]
    ) -> PowerModuleCapabilities | None:
        """What all the modules could do that this EVSE would get, if it wanted as much as it can get."""
        useful = [
            StackModule(view.name, view.limit_A, self._reaches(view.name), self._at(view.name))
            for view in views
            if view.well
        ]
        wanted = {one: wish.current_A for one, wish in wishes.items() if wish.active and one != evse}
        goal = assign({**wanted, evse: float("inf")}, useful).goal
        mine = frozenset(name for name, at in goal.items() if at == evse)
        rated = self._together(mine or frozenset(self._modules))
        if mine or rated is None:
            return rated
        return replace(
            rated,
            charge_current_max_A=0.0,
            discharge_current_max_A=0.0,
            charge_power_max_W=0.0,
            discharge_power_max_W=0.0,
            charge_power_min_W=0.0,
            discharge_power_min_W=0.0,
        )

    def _reaches(self, name: str) -> frozenset[EvseId]:
        return frozenset(evse for module, evse in self._matrix.links if module == name)

    def _at(self, name: str) -> EvseId | None:
        return None if self.orders is None else self.orders.serving.get(name)

    def _together(self, names: frozenset[str]) -> PowerModuleCapabilities | None:
        """The same object for the same modules, for it is compared in each cycle."""
        rated = self._make_group(self.name, [self._modules[name] for name in sorted(names)]).capabilities
        if rated != self._known.get(names):
            self._known[names] = rated
        return self._known.get(names)
