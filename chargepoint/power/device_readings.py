"""The readings of one EVSE's devices in one cycle: a reading that is too old is None."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chargepoint.model.image import Contactor, ControlPilot, Lock, MeterRegisters
from chargepoint.model.readings import Reading, fresh
from chargepoint.ports import (
    InsulationState,
    PilotBoardState,
    PowerModuleState,
)

PILOT_MAX_AGE_S = 0.25
MODULE_MAX_AGE_S = 0.5
METER_MAX_AGE_S = 2.0
INSULATION_MAX_AGE_S = 2.0  # docs/sources/hardware.md 3: older than 2 s is a fault


@dataclass(frozen=True, slots=True)
class DeviceReadings:
    """This cycle's readings, stale ones None. `contactor` from command and mirror contacts together."""

    board: PilotBoardState | None
    module: PowerModuleState | None
    meter: MeterRegisters | None
    insulation: InsulationState | None
    contactor: Contactor

    @property
    def everyone(self) -> bool:
        """No device is silent."""
        return None not in (self.board, self.module, self.meter, self.insulation)

    @property
    def pilot(self) -> ControlPilot:
        """UNKNOWN while the board is silent."""
        return ControlPilot.UNKNOWN if self.board is None else self.board.pilot

    @property
    def lock(self) -> Lock:
        """UNDEFINED while the board is silent."""
        return Lock.UNDEFINED if self.board is None else self.board.lock

    @property
    def voltage_V(self) -> float | None:
        """At the module's terminals."""
        return None if self.module is None else self.module.voltage_V

    @property
    def current_A(self) -> float | None:
        """The module's, positive into the car."""
        return None if self.module is None else self.module.current_A

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


Readings = tuple[
    Reading[PilotBoardState] | None,
    Reading[PowerModuleState] | None,
    MeterRegisters | None,
    Reading[InsulationState] | None,
]
"""The last reading of each device, whatever its age."""


def news(now: Readings, judged: Readings | None) -> bool:
    """Whether a reading holds another value than the one judged last. A value that came once more is no news, nor is its age."""
    if judged is None:
        return True
    for after, before in zip(now, judged, strict=True):
        if after is before:
            continue
        if after is None or before is None:
            return True
        if isinstance(after, MeterRegisters) or isinstance(before, MeterRegisters):
            if _values_of(after) != _values_of(before):
                return True
        elif after.value is not before.value and after.value != before.value:
            return True
    return False


def _values_of(reading: object) -> object:
    return replace(reading, taken_at_s=0.0) if isinstance(reading, MeterRegisters) else reading


NOTHING_READ = DeviceReadings(None, None, None, None, Contactor.UNKNOWN)
"""When nothing that was read is to be trusted."""


def young_enough(
    pilot: Reading[PilotBoardState] | None,
    module: Reading[PowerModuleState] | None,
    registers: MeterRegisters | None,
    insulation: Reading[InsulationState] | None,
    now_s: float,
) -> DeviceReadings:
    """The last reading of each device, where it is young enough to decide by."""
    board = fresh(pilot, now_s, PILOT_MAX_AGE_S)
    return DeviceReadings(
        board=board,
        module=fresh(module, now_s, MODULE_MAX_AGE_S),
        meter=registers if registers is not None and now_s - registers.taken_at_s <= METER_MAX_AGE_S else None,
        insulation=fresh(insulation, now_s, INSULATION_MAX_AGE_S),
        contactor=_contactor(board),
    )


def _contactor(board: PilotBoardState | None) -> Contactor:
    if board is None:
        return Contactor.UNKNOWN
    if "weld" in board.latched:
        return Contactor.WELDED
    poles = (board.contactor_positive_closed, board.contactor_negative_closed)
    if all(poles):
        return Contactor.CLOSED
    return Contactor.CLOSED if any(poles) and not board.contactor_commanded else Contactor.OPEN
