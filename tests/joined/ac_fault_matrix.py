"""The fault matrix of an AC outlet: how each row of its interlock table is caused, and where in a session the row can trip.

`INJECTIONS` names every row by code and cause, as `fault_matrix.py` does for a DC outlet. Most causes are faults of the plant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, cast

from chargepoint.model.demand import AcOrder, Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCode
from chargepoint.model.image import MeterRegisters, Stage
from chargepoint.model.limits import Interval
from chargepoint.ports import EnergyMeter
from chargepoint.safety.wear import LOAD_OPENINGS_MAX, Wear
from drivers.meter.profiled import ProfiledMeter
from hil.plant.ac_faults import inject_ac
from hil.plant.board import CP_SHORT, LOCK_FAULT, PP
from tests.joined.ac_loop import CHARGE_W, DISCHARGE_W, AcLoop
from tests.unit.power.conftest import MemoryWire


class Moment(Enum):
    """Where the session is when the cause comes."""

    OFF = "plugged, no duty cycle"
    OFFERED = "5 % offered"
    CLOSED = "closed, nothing flows"
    CHARGE = "charging"
    FEED = "feeding"
    RAMP_DOWN = "asked to stop"


ALL = frozenset(Moment)
FLOWING = frozenset({Moment.CHARGE, Moment.FEED})
STEADY = FLOWING | {Moment.CLOSED}
"""The contactor is closed, and stays so without a fault."""
PWM = ALL - {Moment.OFF}


class _ShownMeter:
    """The meter with an alarm that its profile cannot show, and one that stands still at zero."""

    def __init__(self, meter: ProfiledMeter) -> None:
        self._meter = meter
        self.alarm = ""
        self.blind = False
        self._counted: MeterRegisters | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._meter, name)

    @property
    def registers(self) -> MeterRegisters | None:
        registers = self._meter.registers
        if registers is None or registers.ac is None:
            return registers
        if not self.blind:
            self._counted = None
            return replace(registers, alarm=self.alarm)
        counted = self._counted = self._counted or registers
        none = (0.0,) * len(registers.ac.current_A)
        phases = replace(registers.ac, current_A=none, power_W=none)
        return replace(counted, taken_at_s=registers.taken_at_s, current_A=0.0, power_W=0.0, ac=phases)


class AcMatrixLoop(AcLoop):
    """An AC loop with a wired proximity contact, that notes when the contactor was ordered and seen open and closed."""

    def __init__(self, number: int = 1, wires: tuple[MemoryWire, MemoryWire] | None = None) -> None:
        super().__init__(number, proximity=True, wires=wires)
        self.watch = self._note
        self.ordered_open_s: float | None = None
        self.contacts_open_s: float | None = None
        self.closings: list[float] = []
        """When the contactor was ordered closed since `injected_s`."""
        self.injected_s = 0.0
        self.silenced: StageDemand | None = None
        """What the daemon demanded before it fell silent."""
        self._was_ordered = False

    def meter(self) -> EnergyMeter:
        self.shown_meter = _ShownMeter(self.meter_driver)
        return cast(EnergyMeter, self.shown_meter)

    def lead(self, moment: Moment) -> None:
        """From unplugged to this moment."""
        match moment:
            case Moment.OFF:
                self.plug()
                assert self.demand is not None
                self.demand = replace(self.demand, pilot=PilotCommand.X1, duty_percent=100.0)
                self.run(0.7)
            case Moment.OFFERED:
                self.plug()
            case Moment.CLOSED:
                self.transfer(0.0)
                self.order(Phase.TRANSFER)
                self.run(0.3)
            case Moment.CHARGE:
                self.transfer(CHARGE_W)
            case Moment.FEED:
                self.transfer(DISCHARGE_W)
            case Moment.RAMP_DOWN:
                self.transfer(CHARGE_W)
                self.order(Phase.OFF)
                self.until(lambda: self.at(Stage.RAMP_DOWN))

    def inject(self, injection: AcInjection) -> None:
        """Let the cause come; from now on what opens and closes is noted."""
        self.events.clear()
        self.injected_s, self.closings = self.now_s, []
        self.ordered_open_s = self.contacts_open_s = None
        self._was_ordered = self.board_driver.ordered.contactor
        injection.apply(self, True)

    def _note(self) -> None:
        ordered = self.board_driver.ordered.contactor
        if ordered and not self._was_ordered:
            self.closings.append(self.now_s)
        self._was_ordered = ordered
        if not ordered and self.ordered_open_s is None:
            self.ordered_open_s = self.now_s
        if not self.plant.contactor_closed and self.contacts_open_s is None:
            self.contacts_open_s = self.now_s


@dataclass(frozen=True, slots=True)
class AcInjection:
    """How a cause comes (True) and goes (False).

    `trips`: the moments in which the fault must be latched, at most `within_s` after the row's own delay: the age of a reading, the
    period of a poll and of the cycle. In every other moment the session must only stay safe. `others`: faults that may come
    along. `shared`: the cause is one of all EVSEs, so that another one may be stopped too.
    """

    apply: Callable[[AcMatrixLoop, bool], None]
    trips: frozenset[Moment] = ALL
    within_s: float = 0.15
    others: frozenset[FaultCode] = frozenset()
    stays_closed: bool = False
    open_s: float = 0.0
    """How long after the fault the contactor may stay closed, where another device than ours opens it."""
    begins: bool = False
    """Where nothing is closed yet the cause shows only after a transfer was ordered."""
    shared: bool = False


def plant(name: str, value: float | str | None = None, **more: Any) -> AcInjection:
    """A fault of the plant by its name."""
    return AcInjection(lambda loop, on: inject_ac(loop.plant, name, on, value), **more)


def _stall(loop: AcMatrixLoop, on: bool) -> None:
    if on:
        loop.stage.process_stalled(1.0, loop.now_s)


def _overrun(loop: AcMatrixLoop, on: bool) -> None:
    loop.stage.note_overrun("50 cycles late" if on else "")


def _record(loop: AcMatrixLoop, on: bool) -> None:
    loop.stage.note_record_trouble("disk full" if on else "")


def _daemon(loop: AcMatrixLoop, on: bool) -> None:
    if on:
        loop.silenced, loop.demand = loop.demand, None
    else:
        loop.demand = loop.silenced


def _welded(loop: AcMatrixLoop, on: bool) -> None:
    inject_ac(loop.plant, "contactor_welded", on)
    if on:
        loop.order(Phase.OFF)
        loop.plant.car.ordered_W = 0.0


def _worn(loop: AcMatrixLoop, on: bool) -> None:
    loop.stage._view.wear.wear = Wear(1000, LOAD_OPENINGS_MAX) if on else Wear()


def _over_rating(loop: AcMatrixLoop, on: bool) -> None:
    """40 A in each phase, in the direction of now."""
    sign = -1.0 if loop.plant.car.power_W < 0 else 1.0
    inject_ac(loop.plant, "car_disobeys", on, sign * 40.0 * 690.0)


def _over_limit(loop: AcMatrixLoop, on: bool) -> None:
    """The car goes on with 16 A in each phase where it was given 8 A."""
    _amend(loop, limit_A=8.0 if on else 16.0)


def _over_power(loop: AcMatrixLoop, on: bool) -> None:
    if loop.demand is not None:
        bound_W = 5_000.0 if on else 11_000.0
        loop.demand = replace(loop.demand, limits_W=Interval(-bound_W, bound_W))


def _one_phase(loop: AcMatrixLoop, on: bool) -> None:
    _amend(loop, phases=1 if on else 3)


def _suspend(loop: AcMatrixLoop, on: bool) -> None:
    if loop.demand is not None:
        power_W = 0.0 if on else 11_000.0
        loop.demand = replace(loop.demand, limits_W=Interval(-power_W, power_W))


def _no_discharge(loop: AcMatrixLoop, on: bool) -> None:
    if loop.demand is not None:
        loop.demand = replace(loop.demand, limits_W=Interval(0.0 if on else -11_000.0, 11_000.0))


def _amend(loop: AcMatrixLoop, limit_A: float = 16.0, phases: int = 3) -> None:
    if loop.demand is not None:
        loop.order(loop.demand.phase, loop.demand.power_W, limit_A, phases)


def _ventilation(loop: AcMatrixLoop, on: bool) -> None:
    """The car shows state D; what it showed before is what it goes back to."""
    loop.plant.car.pilot = "D" if on else "C"


def _meter_alarm(loop: AcMatrixLoop, on: bool) -> None:
    loop.shown_meter.alarm = "tampered" if on else ""


def _registers_stand(loop: AcMatrixLoop, on: bool) -> None:
    """A meter whose registers no longer count what its power says: they stand still in the plant."""
    loop.plant.meter.voltage_gain = 0.2 if on else 1.0


def _meter_blind(loop: AcMatrixLoop, on: bool) -> None:
    """A meter that shows nothing of the current, and counts nothing; the car reports what it draws."""
    loop.shown_meter.blind = on
    if loop.demand is not None and isinstance(loop.demand.order, AcOrder):
        said_W = loop.plant.car.power_W if on else None
        loop.demand = replace(loop.demand, order=replace(loop.demand.order, car_power_W=said_W))


def _fast_bus(loop: AcMatrixLoop, on: bool) -> None:
    wire = loop.fast
    wire._request = wire._reply = None
    if on:
        wire.master.disconnected(loop.now_s, "pulled")
    else:
        wire.master.connected(loop.now_s)


_F = FaultCode
_BOARD_POLL_S = 0.35
_METER_POLL_S = 1.0
"""Its blocks come each 0.2 and 0.4 s, and the oldest of them is the age of all."""
_CHAIN = frozenset({_F.CONTACTOR_OPENED})
_LOST_BOARD = frozenset({_F.PILOT_BOARD_COMMUNICATION, _F.PILOT_BOARD_WATCHDOG, _F.CONTACTOR_OPENED, _F.PILOT_LOST})
_GRID = frozenset({_F.PHASE_LOSS, _F.GRID_VOLTAGE, _F.GRID_FREQUENCY, _F.ISLANDING})

INJECTIONS: dict[tuple[FaultCode, str], AcInjection] = {
    (_F.PROCESS_STALLED, "process did not run: stopped, starved, or the machine was suspended"): AcInjection(
        _stall, shared=True
    ),
    (_F.CYCLE_OVERRUN, "cycle late again and again"): AcInjection(_overrun),
    (_F.LATCH_RECORD, "record of latched faults cannot be written or read"): AcInjection(_record),
    (_F.LEASE_LOST, "no valid demand from the daemon while energised"): AcInjection(_daemon, STEADY, 0.55),
    (_F.EMERGENCY_STOP, "emergency-stop chain open, or the board latched an opening"): plant("e_stop", others=_CHAIN),
    (_F.HARDWARE_CHAIN_OPEN, "hardware safety chain open by an element without an input"): plant(
        "chain_open", others=_CHAIN
    ),
    (_F.RCD, "residual-current device tripped"): plant("rcd", others=_CHAIN),
    (_F.DOOR_OPEN, "door contact open"): plant("door_open", others=_CHAIN),
    (_F.TILT, "tilt sensor tripped"): plant("tilt", others=frozenset({_F.HARDWARE_CHAIN_OPEN})),
    (_F.SURGE_ARRESTER, "surge arrester at its end"): plant("surge_arrester"),
    (_F.FAN, "fan fault contact open"): plant("fan"),
    (_F.PILOT_BOARD_SUPPLY, "board latched a fault of its supply"): plant("board_supply", others=_CHAIN),
    (_F.PILOT_BOARD_FAULT, "board latched a bit that this software does not know"): plant("board_latch", 1 << 14),
    (_F.PILOT_BOARD_WATCHDOG, "board opened because the power process was silent"): plant(
        "board_watchdog", others=_LOST_BOARD
    ),
    (_F.PILOT_LOST, "board latched a short circuit of the pilot"): plant("board_latch", CP_SHORT),
    (_F.PILOT_LOST, "pilot in A, E or F while the contactor is closed: unplugged, or wire broken"): plant(
        "pilot_lost", trips=STEADY
    ),
    (_F.PILOT_SHORT, "pilot in state E while X1 or PWM is ordered"): plant(
        "pilot_short", trips=frozenset({Moment.OFF, Moment.OFFERED}), others=frozenset({_F.PILOT_LOST})
    ),
    (_F.PILOT_DUTY, "measured duty is not the ordered one"): plant(
        "pilot_duty", trips=PWM - {Moment.RAMP_DOWN}, within_s=0.7
    ),
    (_F.PILOT_DIODE, "board latched a missing diode"): plant("diode_missing", trips=PWM),
    (_F.PILOT_DIODE, "low side of the PWM is not negative with a car plugged"): plant("diode_unlatched", trips=PWM),
    (_F.PROXIMITY, "board latched a fault of the proximity contact"): plant("board_latch", PP),
    (_F.PROXIMITY, "proximity contact short, or open with a car plugged"): plant("proximity", 0, within_s=0.4),
    (_F.CONNECTOR_LOCK, "lock not closed while energised"): plant("lock_opens", trips=STEADY),
    (_F.CONNECTOR_LOCK, "board latched a fault of the lock"): plant("board_latch", LOCK_FAULT),
    (_F.VENTILATION, "car asks for ventilation (state D) where there is none"): AcInjection(_ventilation),
    (_F.OVER_CURRENT, "a phase above 110 % of the rating"): AcInjection(_over_rating, FLOWING, _METER_POLL_S),
    (_F.CURRENT_EXCEEDED, "a phase above the current that the car was given"): AcInjection(_over_limit, FLOWING),
    (_F.CURRENT_EXCEEDED, "more power than may flow at this moment"): AcInjection(_over_power, FLOWING),
    (_F.CURRENT_EXCEEDED, "current in a phase that the car was not given"): AcInjection(_one_phase, FLOWING),
    (_F.CURRENT_EXCEEDED, "car draws although it was given no power"): AcInjection(
        _suspend, FLOWING, others=frozenset({_F.REVERSE_CURRENT})
    ),
    (_F.REVERSE_CURRENT, "car feeds although it may not discharge"): AcInjection(
        _no_discharge, frozenset({Moment.FEED}), others=frozenset({_F.CURRENT_EXCEEDED})
    ),
    (_F.METER_PLAUSIBILITY, "phases flow in opposite directions: a meter wired wrongly"): plant(
        "phase_reversed", 2, trips=FLOWING, within_s=_METER_POLL_S, others=frozenset({_F.METER_PLAUSIBILITY})
    ),
    (_F.METER_PLAUSIBILITY, "meter's power and registers apart: frozen, or runs backwards"): AcInjection(
        _registers_stand, FLOWING, 16.0
    ),
    (_F.METER_PLAUSIBILITY, "meter shows nothing while the car reports power"): AcInjection(
        _meter_blind, FLOWING, _METER_POLL_S
    ),
    (_F.ISLANDING, "grid outside its window while the car feeds"): plant(
        "grid_frequency", 53.0, trips=frozenset({Moment.FEED}), within_s=1.3, others=_GRID
    ),
    (_F.CONTACTOR_WELDED, "mirror contact closed although ordered open, or the board latched it"): AcInjection(
        _welded, STEADY | {Moment.RAMP_DOWN}, 7.5, stays_closed=True
    ),
    (_F.CONTACTOR_NOT_CLOSED, "board latched a contactor that did not close"): plant(
        "contactor_no_close",
        trips=frozenset({Moment.OFFERED}),
        within_s=0.7,
        begins=True,
        others=_CHAIN,
    ),
    (_F.CONTACTOR_OPENED, "contactor opened, or dipped for milliseconds, without an order"): plant(
        "coil_supply", trips=STEADY, others=frozenset({_F.CONTACTOR_NOT_CLOSED})
    ),
    (_F.CONTACTOR_WORN, "contactor broke more currents than it bears"): AcInjection(_worn),
    (_F.OVER_TEMPERATURE, "board latched an over-temperature"): plant("over_temperature", within_s=0.4, others=_CHAIN),
    (_F.OVER_TEMPERATURE, "a contact or the cable at 90 °C"): plant("temperature_sensor", 95.0, within_s=0.4),
    (_F.TEMPERATURE_UNKNOWN, "both contact sensors open, short or absent"): plant("temperature_sensor", within_s=0.4),
    (_F.TEMPERATURE_SENSOR, "one contact sensor open, short or absent"): plant(
        "temperature_sensor", "positive", within_s=0.4
    ),
    (_F.CABINET_TEMPERATURE, "cabinet too hot"): plant("cabinet_temperature", within_s=0.4),
    (_F.PILOT_BOARD_COMMUNICATION, "pilot/IO board silent, or its image frozen"): plant(
        "board_silent", within_s=_BOARD_POLL_S, others=_LOST_BOARD, open_s=1.0
    ),
    (_F.METER_COMMUNICATION, "meter silent"): plant("meter_silent", within_s=2.2),
    (_F.WRONG_DEVICE, "a device is not of the configured type or configuration"): plant(
        "board_map", within_s=0.7, others=_LOST_BOARD, open_s=1.0
    ),
    (_F.BUS_DEAD, "the wire of a device is gone"): AcInjection(
        _fast_bus, within_s=_BOARD_POLL_S, others=_LOST_BOARD | {_F.METER_COMMUNICATION}, open_s=1.0, shared=True
    ),
    (_F.METER_FAULT, "the meter's own alarm"): AcInjection(_meter_alarm),
    (_F.PHASE_LOSS, "a phase is lost, by converter or meter"): plant(
        "phase_lost", 2, within_s=_METER_POLL_S, others=_GRID | {_F.METER_PLAUSIBILITY}
    ),
    (_F.GRID_VOLTAGE, "grid voltage outside its window, by converter or meter"): plant(
        "grid_voltage",
        170.0,
        within_s=_METER_POLL_S,
        others=_GRID | {_F.CURRENT_EXCEEDED},
        trips=ALL - {Moment.RAMP_DOWN},
    ),
    (_F.GRID_FREQUENCY, "grid frequency outside its window, by converter or meter"): plant(
        "grid_frequency", 53.0, within_s=1.5, others=_GRID, trips=ALL - {Moment.RAMP_DOWN}
    ),
}
