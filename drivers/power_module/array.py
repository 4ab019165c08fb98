"""Several power modules in parallel as one. Fulfils chargepoint.ports.PowerModule.

Equal shares among the modules that are well (identified, answering within half a second, no faults); one that is not is ordered
off and the rest go on with what they can (N-1). Who is not well when the output goes on, or drops out afterwards, stays off
until the whole array was ordered off: nothing is started into a circuit that is live. The array has faults only when no module is left.
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

ALIVE_S = 0.5
_SEVERITY = (Reversal.SEAMLESS, Reversal.VIA_ZERO, Reversal.STOP_REQUIRED)


class PowerModuleArray:
    """At least one module. Call `poll` like any device's; it polls the modules."""

    def __init__(self, name: str, modules: Sequence[PowerModule]) -> None:
        if not modules:
            raise ValueError(f"{name}: an array has at least one module")
        self.name = name
        self._modules = tuple(modules)
        self._command = PowerModuleCommand()
        self._out: dict[str, str] = {}
        self._now_s = -1e9

    @property
    def identity_error(self) -> str:
        """Of every module that is not the one configured."""
        return "; ".join(module.identity_error for module in self._modules if module.identity_error)

    def poll(self, now_s: float) -> None:
        """Poll all modules and share the order again: who is well may have changed."""
        self._now_s = now_s
        for module in self._modules:
            module.poll(now_s)
        self._share()

    def command(self, command: PowerModuleCommand) -> None:
        """Take this as the order from now on."""
        self._command = command
        if not command.output_on:
            self._out.clear()
        self._share()

    @property
    def capabilities(self) -> PowerModuleCapabilities | None:
        """What the modules that are well can do together; None while none has identified itself."""
        known = [m.capabilities for m in self._well() or self._modules if m.capabilities is not None]
        found = [capabilities for capabilities in known if capabilities is not None]
        if not found:
            return None
        losses = [c.comm_loss_s for c in found]
        return PowerModuleCapabilities(
            voltage_min_V=max(c.voltage_min_V for c in found),
            voltage_max_V=min(c.voltage_max_V for c in found),
            charge_current_max_A=len(found) * min(c.charge_current_max_A for c in found),
            discharge_current_max_A=len(found) * min(c.discharge_current_max_A for c in found),
            charge_power_max_W=len(found) * min(c.charge_power_max_W for c in found),
            discharge_power_max_W=len(found) * min(c.discharge_power_max_W for c in found),
            ramp_A_per_s=len(found) * min(c.ramp_A_per_s for c in found),
            reversal=max((c.reversal for c in found), key=_SEVERITY.index),
            reversal_time_s=max(c.reversal_time_s for c in found),
            comm_loss_s=None if None in losses else max(loss for loss in losses if loss is not None),
        )

    @property
    def state(self) -> Reading[PowerModuleState] | None:
        """Highest voltage, sum of currents, on if any is on; as old as the oldest module that is well."""
        well = self._well()
        readings = [m.state for m in well or self._modules]
        states = [reading for reading in readings if reading is not None]
        if not states:
            return None
        # a module ordered off but still answering counts in the sum: its current is real
        everyone = [m.state.value for m in self._modules if m.state is not None and self._answers(m)]
        shown = everyone or [reading.value for reading in states]
        faults = () if well else tuple(f"{m.name}: {why}" for m in self._modules for why in self._why_not(m))
        temperatures = [s.temperature_degC for s in shown if s.temperature_degC is not None]
        state = PowerModuleState(
            voltage_V=max(s.voltage_V for s in shown),
            current_A=sum(s.current_A for s in shown),
            output_on=any(s.output_on for s in shown),
            faults=faults,
            temperature_degC=max(temperatures, default=None),
        )
        return Reading(state, min(reading.taken_at_s for reading in states))

    def _answers(self, module: PowerModule) -> bool:
        return module.state is not None and module.state.age_s(self._now_s) <= ALIVE_S

    def _well(self) -> list[PowerModule]:
        return [module for module in self._modules if module.name not in self._out and self._is_well(module)]

    def _is_well(self, module: PowerModule) -> bool:
        state = module.state
        return (
            module.capabilities is not None and self._answers(module) and state is not None and not state.value.faults
        )

    def _why_not(self, module: PowerModule) -> tuple[str, ...]:
        said = () if module.state is None else module.state.value.faults
        return said or ((self._out[module.name],) if module.name in self._out else ())

    def _share(self) -> None:
        if self._command.output_on:
            for module in self._modules:
                if module.name not in self._out and not self._is_well(module):
                    self._out[module.name] = ", ".join(self._why_not(module)) or "dropped out"
        well = self._well()
        for module in self._modules:
            if module in well:
                module.command(replace(self._command, current_A=self._command.current_A / len(well)))
            else:
                module.command(PowerModuleCommand())
