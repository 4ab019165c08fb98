"""The contract of an outlet: what of one EVSE depends on its kind, DC or AC. `dc_outlet.py` and `ac_outlet.py` fulfil it.

The stage has everything else: inputs and outputs, meter, interlocks, latches, lease, image. It does not know which kind it has.
"""

from __future__ import annotations

from typing import Protocol

from chargepoint.model.demand import StageDemand
from chargepoint.model.faults import FaultCode
from chargepoint.model.image import MeterRegisters, StageCapabilities
from chargepoint.model.limits import PowerLimits
from chargepoint.ports import Device, IoState
from chargepoint.power.device_guard import DeviceGuard
from chargepoint.power.device_readings import DeviceReadings
from chargepoint.power.sequence import PowerSequence, SequenceOutputs
from chargepoint.power.stack_wish import StackWish
from chargepoint.safety.ac_flow import AcFlow
from chargepoint.safety.interlocks.row import Outlet


class PowerOutlet(Protocol):
    """The devices, the sequence and the capabilities that one kind of outlet has beside those of every EVSE."""

    @property
    def kind(self) -> Outlet:
        """Chooses the rows of the interlock table."""

    @property
    def contacts(self) -> tuple[str, str]:
        """The contacts of its connector that have the first two temperature sensors, in words."""

    @property
    def devices(self) -> tuple[Device, ...]:
        """Its own devices. The IO devices and the meter are the stage's."""

    @property
    def not_heard_yet(self) -> frozenset[FaultCode]:
        """The faults of its own devices: latched at the start, until each device gave a first valid answer."""

    @property
    def sequence(self) -> PowerSequence | None:
        """None until its devices said what they are."""

    def last_shown(self, registers: MeterRegisters | None) -> tuple[object, ...]:
        """The meter's registers and the last reading of each of its devices, in one order. Raises what a driver raises."""

    @property
    def judged(self) -> tuple[object, ...]:
        """What `last_shown` was at the last `read`."""

    def read(
        self, io: IoState | None, registers: MeterRegisters | None, guard: DeviceGuard, now_s: float
    ) -> DeviceReadings:
        """Everything that is young enough to decide by. `io` was judged by its age already, `registers` not yet."""

    def capabilities(self, seen: DeviceReadings, share: float) -> StageCapabilities | None:
        """What the image shows: the ratings, and at an AC outlet at most `share` of the rated current."""

    def ac_flow(self, seen: DeviceReadings, demand: StageDemand | None) -> AcFlow | None:
        """What the AC rows of the interlock table look at; None at a DC outlet."""

    def obey(self, out: SequenceOutputs, guard: DeviceGuard) -> None:
        """Give the sequence's orders to its own devices."""

    def order_off(self, guard: DeviceGuard) -> None:
        """Order its own devices off, whatever the sequence says. Never raises."""

    def begin_anew(self) -> None:
        """Forget the sequence after a defect: the next one knows nothing, and obeys no demand that came before."""

    def reset_asked(self, seen: DeviceReadings, guard: DeviceGuard) -> None:
        """Somebody asks for a reset while the power is off: begin what a device needs for that."""

    def wish(self, demand: StageDemand | None, rated: PowerLimits) -> StackWish:
        """What this EVSE wants of a stack of modules. `demand` None: no valid lease."""
