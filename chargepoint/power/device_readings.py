"""The readings of one EVSE's devices in one cycle: a reading that is too old is None."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chargepoint.model.image import Contactor, ControlPilot, Lock, MeterRegisters
from chargepoint.model.io import BoardFault
from chargepoint.model.readings import Reading, fresh
from chargepoint.ports import (
    InsulationState,
    IoState,
    PowerModuleCapabilities,
    PowerModuleState,
)

MODULE_MAX_AGE_S = 0.5
METER_MAX_AGE_S = 2.0
INSULATION_MAX_AGE_S = 2.0  # docs/sources/hardware.md 3: older than 2 s is a fault


@dataclass(frozen=True, slots=True)
class DeviceReadings:
    """This cycle's readings, stale ones None. `contactor` from command and mirror contacts together."""

    io: IoState | None
    module: PowerModuleState | None
    meter: MeterRegisters | None
    insulation: InsulationState | None
    contactor: Contactor
    insulation_taken_at_s: float | None = None
    """When the monitor measured; None while it is silent."""
    capabilities: PowerModuleCapabilities | None = None
    """The power module's, within the ratings of this EVSE; None until it said what it is, and at an AC outlet."""

    @property
    def everyone(self) -> bool:
        """No device is silent."""
        return None not in (self.io, self.module, self.meter, self.insulation)

    @property
    def pilot(self) -> ControlPilot:
        """UNKNOWN while a port is silent."""
        return ControlPilot.UNKNOWN if self.io is None else self.io.pilot

    @property
    def lock(self) -> Lock:
        """UNDEFINED while a port is silent."""
        return Lock.UNDEFINED if self.io is None else self.io.lock

    @property
    def voltage_V(self) -> float | None:
        """At the module's terminals."""
        return None if self.module is None else self.module.voltage_V

    @property
    def current_A(self) -> float | None:
        """The module's, positive into the car."""
        return None if self.module is None else self.module.current_A

    @property
    def power_W(self) -> float | None:
        """The module's, positive into the car. What the meter's registers count is compared with it."""
        return None if self.module is None else self.module.voltage_V * self.module.current_A

    @property
    def pole_current_A(self) -> float | None:
        """The largest that one contact of the output contactor carries, a magnitude."""
        return None if self.module is None else abs(self.module.current_A)

    @property
    def insulation_trouble(self) -> str:
        """Why the insulation monitor is not to be relied on; empty while it is."""
        if self.insulation is None:
            return f"no answer or no new measurement for {INSULATION_MAX_AGE_S:.0f} s"
        if self.insulation.self_test_passed is False:
            return "failed its self-test"
        return "" if self.insulation.healthy else "reports a device error"

    @property
    def insulation_ohm(self) -> float | None:
        """None also while the monitor has no valid value."""
        return None if self.insulation is None else self.insulation.resistance_ohm

    def recent_meter_current_A(self, now_s: float) -> float | None:
        """The meter's current, if as young as the module's must be: it may stand in for that."""
        meter = self.meter
        return meter.current_A if meter is not None and now_s - meter.taken_at_s <= MODULE_MAX_AGE_S else None


def is_news(now: tuple[object, ...], judged: tuple[object, ...]) -> bool:
    """Whether one of these readings holds another value than the one judged last, in the same order. A value that came once
    more is no news, nor is its age."""
    if len(now) != len(judged):
        return True
    for after, before in zip(now, judged, strict=True):
        if after is before:
            continue
        if isinstance(after, Reading) and isinstance(before, Reading):
            if after.value is not before.value and after.value != before.value:
                return True
        elif _value_of(after) != _value_of(before):
            return True
    return False


def _value_of(reading: object) -> object:
    if isinstance(reading, MeterRegisters):
        return replace(reading, taken_at_s=0.0)
    return reading.value if isinstance(reading, Reading) else reading


NOTHING_READ = DeviceReadings(None, None, None, None, Contactor.UNKNOWN)
"""When nothing that was read is to be trusted."""


@dataclass(frozen=True, slots=True)
class AcReadings(DeviceReadings):
    """This cycle's readings of an AC outlet: a meter of alternating current in the place of module and monitor."""

    @property
    def everyone(self) -> bool:
        """No device is silent."""
        return self.io is not None and self.meter is not None

    @property
    def voltage_V(self) -> float | None:
        """RMS from phase to neutral, the mean of all phases. The meter is wired before the contactor."""
        return None if self.meter is None else self.meter.voltage_V

    @property
    def current_A(self) -> float | None:
        """The signed sum of the active currents of all phases."""
        return None if self.meter is None else self.meter.current_A

    @property
    def power_W(self) -> float | None:
        """The meter's own active power, positive into the car."""
        return None if self.meter is None else self.meter.power_W

    @property
    def pole_current_A(self) -> float | None:
        """The largest active current of a phase, a magnitude."""
        return None if self.meter is None else _largest_A(self.meter)

    @property
    def insulation_trouble(self) -> str:
        """An AC outlet has no insulation monitor."""
        return ""

    def recent_meter_current_A(self, now_s: float) -> float | None:
        """The largest active current of a phase, a magnitude, if the reading is young."""
        meter = self.meter
        return _largest_A(meter) if meter is not None and now_s - meter.taken_at_s <= MODULE_MAX_AGE_S else None


def _largest_A(meter: MeterRegisters) -> float:
    return abs(meter.current_A) if meter.ac is None else max(map(abs, meter.ac.current_A))


def young_enough_ac(io: IoState | None, registers: MeterRegisters | None, now_s: float) -> AcReadings:
    """As `young_enough`, for an AC outlet."""
    young = registers if registers is not None and now_s - registers.taken_at_s <= METER_MAX_AGE_S else None
    return AcReadings(io, None, young, None, _contactor(io))


def young_enough(
    io: IoState | None,
    module: Reading[PowerModuleState] | None,
    registers: MeterRegisters | None,
    insulation: Reading[InsulationState] | None,
    now_s: float,
    capabilities: PowerModuleCapabilities | None = None,
) -> DeviceReadings:
    """The last reading of each device, where it is young enough to decide by. `io` was judged by its age already."""
    return DeviceReadings(
        io=io,
        module=fresh(module, now_s, MODULE_MAX_AGE_S),
        meter=registers if registers is not None and now_s - registers.taken_at_s <= METER_MAX_AGE_S else None,
        insulation=fresh(insulation, now_s, INSULATION_MAX_AGE_S),
        contactor=_contactor(io),
        insulation_taken_at_s=None if insulation is None else insulation.taken_at_s,
        capabilities=capabilities,
    )


def _contactor(io: IoState | None) -> Contactor:
    if io is None:
        return Contactor.UNKNOWN
    if BoardFault.WELD in io.latched:
        return Contactor.WELDED
    poles = (io.contactor_positive_closed, io.contactor_negative_closed)
    if all(poles):
        return Contactor.CLOSED
    return Contactor.CLOSED if any(poles) and not io.contactor_commanded else Contactor.OPEN
