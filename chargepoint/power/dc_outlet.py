"""A DC outlet: a power module and an insulation monitor, and the DC sequence that orders both."""

from __future__ import annotations

from dataclasses import fields

from chargepoint.model.demand import Phase, StageDemand
from chargepoint.model.faults import FaultCode
from chargepoint.model.image import MeterRegisters, Stage, StageCapabilities
from chargepoint.model.limits import PowerLimits
from chargepoint.ports import (
    Device,
    InsulationMonitor,
    IoState,
    PowerModule,
    PowerModuleCapabilities,
    PowerModuleCommand,
)
from chargepoint.power.dc_sequence import DcSequence
from chargepoint.power.device_guard import DeviceGuard
from chargepoint.power.device_readings import DeviceReadings, young_enough
from chargepoint.power.interlock_view import StageRatings
from chargepoint.power.ramp import Ramp
from chargepoint.power.sequence import SequenceOutputs
from chargepoint.power.stack_wish import StackWish, wish
from chargepoint.safety.interlocks.row import Outlet
from chargepoint.safety.temperature import CONTACTS


class DcOutlet:
    """Fulfils `chargepoint.power.outlet.PowerOutlet`."""

    kind = Outlet.DC
    contacts = CONTACTS
    not_heard_yet = frozenset({FaultCode.POWER_MODULE_COMMUNICATION, FaultCode.INSULATION_MONITOR})

    def __init__(self, module: PowerModule, insulation: InsulationMonitor, ratings: StageRatings) -> None:
        self.module = module
        self.insulation = insulation
        self.devices: tuple[Device, ...] = (module, insulation)
        self.sequence: DcSequence | None = None
        self.judged: tuple[object, ...] = ()
        self._ratings = ratings
        self._of_module: PowerModuleCapabilities | None = None
        self._rated: PowerModuleCapabilities | None = None
        self._shown: StageCapabilities | None = None
        self._output_V: float | None = None

    def last_shown(self, registers: MeterRegisters | None) -> tuple[object, ...]:
        """Meter, module and monitor."""
        return registers, self.module.state, self.insulation.state

    def read(
        self, io: IoState | None, registers: MeterRegisters | None, guard: DeviceGuard, now_s: float
    ) -> DeviceReadings:
        """The sequence exists from the moment the module has said what it is."""
        capabilities = guard.read(self.module, lambda: self.module.capabilities)
        module = guard.read(self.module, lambda: self.module.state)
        insulation = guard.read(self.insulation, lambda: self.insulation.state)
        self.judged = (registers, module, insulation)
        self._note(capabilities)
        seen = young_enough(io, module, registers, insulation, now_s, self._rated)
        self._output_V = seen.voltage_V
        return seen

    def capabilities(self, seen: DeviceReadings, share: float) -> StageCapabilities | None:
        """The module's within this EVSE's ratings. The sequence itself applies the share."""
        return self._shown

    def ac_flow(self, seen: DeviceReadings, demand: StageDemand | None) -> None:
        """A DC outlet has no phases."""

    def obey(self, out: SequenceOutputs, guard: DeviceGuard) -> None:
        """The module first."""
        guard.order(self.module, lambda: self.module.command(out.module))
        guard.order(self.insulation, lambda: self.insulation.enable(out.insulation_measuring))
        if out.insulation_self_test:
            guard.order(self.insulation, self.insulation.start_self_test)

    def order_off(self, guard: DeviceGuard) -> None:
        """The module drives nothing."""
        guard.order(self.module, lambda: self.module.command(PowerModuleCommand()))

    def begin_anew(self) -> None:
        """The next `read` makes a sequence that obeys no demand of before."""
        self.sequence = None

    def reset_asked(self, seen: DeviceReadings, guard: DeviceGuard) -> None:
        """A failed self-test leaves the monitor unhealthy until the next one."""
        if seen.insulation is not None and seen.insulation.self_test_passed is False:
            guard.order(self.insulation, self.insulation.start_self_test)

    def wish(self, demand: StageDemand | None, rated: PowerLimits) -> StackWish:
        """What the demand asks, or more where only the present modules bound that."""
        sequence = self.sequence
        if sequence is None or sequence.stage is Stage.FAULTED:
            return StackWish()
        if demand is None or demand.phase is Phase.OFF:
            return StackWish(sequence.stage is not Stage.OFF, abs(sequence.commanded_current_A))
        return wish(demand, rated, self._rated, self._output_V)

    def _note(self, module: PowerModuleCapabilities | None) -> None:
        """The module's capabilities within this EVSE's ratings: the sequence keeps them whatever the daemon asks."""
        if module is not self._of_module:  # they hardly ever change: not made anew in each cycle
            self._of_module = module
            self._rated = None if module is None else module.within(self._ratings.envelope.limits)
            self._shown = _shown(self._rated)
        if self.sequence is None and module is not None:
            rate = min(self._ratings.ramp_A_per_s, module.ramp_A_per_s)
            ramp = Ramp(rate, module.reversal, module.reversal_time_s)
            self.sequence = DcSequence(self._ratings.envelope, ramp, demand_spent=True)


def _shown(rated: PowerModuleCapabilities | None) -> StageCapabilities | None:
    """What the image shows of the module's capabilities."""
    if rated is None:
        return None
    return StageCapabilities(**{one.name: getattr(rated, one.name) for one in fields(PowerLimits)})
