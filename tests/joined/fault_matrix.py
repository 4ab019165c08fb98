"""The fault matrix: how each row of the interlock table is caused in the plant, and where in a session the row can trip.

`INJECTIONS` names every row of a DC outlet by code and cause, `BY_STEP` every fault that a step of the sequence reports. Most causes are
faults of the plant. A cause that the devices of this plant cannot show comes from the port instead, with the reason beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Any, cast

from chargepoint.model.demand import Phase, StageDemand
from chargepoint.model.faults import FaultCode, InterlockTripped, ResetRule
from chargepoint.model.ids import EvseId
from chargepoint.model.image import BusHealth, MeterRegisters, Stage
from chargepoint.model.io import ModuleFault
from chargepoint.model.readings import Reading
from chargepoint.ports import Bus, EnergyMeter, PowerModule, PowerModuleState
from chargepoint.power.dc_outlet import DcOutlet
from chargepoint.power.evse_io import IoWiring
from chargepoint.power.evse_stage import EvseHardware, EvseStage
from chargepoint.power.interlock_view import StageRatings
from chargepoint.safety.interlocks.row import Outlet
from chargepoint.safety.interlocks.table import table_of
from chargepoint.safety.wear import LOAD_OPENINGS_MAX, Wear
from drivers.pilot.generic_io import GenericIoBoard
from hil.plant.board import CP_SHORT, LOCK_FAULT, PP
from hil.plant.faults import inject
from hil.plant.insulation import SELF_TEST_S
from tests.unit.power.conftest import MemoryWire, PlantLoop


class Moment(Enum):
    """Where the session is when the cause comes."""

    PLUGGED = "plugged"
    CABLE_CHECK = "cable check"
    CABLE_CHECKED = "cable checked"
    PRE_CHARGE = "pre-charge"
    PRE_CHARGED = "pre-charged"
    CHARGE = "transfer, charging"
    DISCHARGE = "transfer, discharging"
    RAMP_DOWN = "ramp down"


ALL = frozenset(Moment)
BEFORE_TRANSFER = frozenset({Moment.CABLE_CHECK, Moment.PRE_CHARGE, Moment.PRE_CHARGED})
TRANSFER = frozenset({Moment.CHARGE, Moment.DISCHARGE})
CLOSED = ALL - {Moment.PLUGGED}
STEADY = CLOSED - {Moment.RAMP_DOWN}
"""Where the contactor is closed, and stays so without a fault."""


class _Bus:
    """A wire in memory as the stage knows it."""

    def __init__(self, wire: MemoryWire) -> None:
        self.name = wire.master.name
        self._wire = wire

    def health(self) -> BusHealth:
        return self._wire.master.health()


class _ShownModule:
    """The module with a state that shows more than its profile can."""

    def __init__(self, module: PowerModule) -> None:
        self._module = module
        self.shown: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    @property
    def state(self) -> Reading[PowerModuleState] | None:
        state = self._module.state
        return state and Reading(replace(state.value, **self.shown), state.taken_at_s)


class _ShownMeter:
    """The meter with an alarm that its profile cannot show."""

    def __init__(self, meter: EnergyMeter) -> None:
        self._meter = meter
        self.alarm = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._meter, name)

    @property
    def registers(self) -> MeterRegisters | None:
        registers = self._meter.registers
        return registers and replace(registers, alarm=self.alarm)


class MatrixLoop(PlantLoop):
    """A plant loop whose proximity contact is wired, whose wires can be pulled, and which notes when what opened and closed."""

    def __init__(
        self,
        kept: Mapping[FaultCode, str] = MappingProxyType({}),
        number: int = 1,
        slow: MemoryWire | None = None,
    ) -> None:
        super().__init__(number, slow)
        self.plant.insulation.self_test_s = 0.3
        if kept:
            self.stage = EvseStage(EvseId(number), self._hardware(), self.ratings(), kept)
        self.watch = self._note
        self.ordered_open_s: float | None = None
        self.contacts_open_s: float | None = None
        self.no_current_s: float | None = None
        self.closings: list[float] = []
        """When the contactor was ordered closed since `injected`."""
        self._was_ordered = False
        self.injected_s = 0.0
        self.silenced: StageDemand | None = None
        """What the daemon demanded before it fell silent."""

    def ratings(self) -> StageRatings:
        return replace(super().ratings(), proximity_required=True)

    def _hardware(self) -> EvseHardware:
        hardware = super()._hardware()
        self.board_driver = cast(GenericIoBoard, hardware.io.pilot)
        outlet = cast(DcOutlet, hardware.outlet)
        self.shown_module, self.shown_meter = _ShownModule(outlet.module), _ShownMeter(hardware.meter)
        return replace(
            hardware,
            io=IoWiring.of_one(self.board_driver),
            outlet=DcOutlet(cast(PowerModule, self.shown_module), outlet.insulation, self.ratings()),
            meter=cast(EnergyMeter, self.shown_meter),
            buses=(cast(Bus, _Bus(self.fast)), cast(Bus, _Bus(self.slow))),
        )

    def lead(self, moment: Moment) -> None:
        """From unplugged to this moment."""
        if moment is Moment.CABLE_CHECK:  # the device's own duration: a fault before the self-test is in the verdict
            self.plant.insulation.self_test_s = SELF_TEST_S
        match moment:
            case Moment.PLUGGED:
                self.plug()
                self.run(0.7)
            case Moment.CHARGE:
                self.reach(Stage.TRANSFER)
            case Moment.DISCHARGE:
                self.reach(Stage.TRANSFER, power_W=-11_000.0)
            case _:
                self.reach(Stage[moment.name])

    def inject(self, injection: Injection) -> None:
        """Let the cause come; from now on what opens and closes is noted."""
        self.events.clear()
        self.injected_s, self.closings = self.now_s, []
        self.ordered_open_s = self.contacts_open_s = self.no_current_s = None
        self._was_ordered = self.board_driver.ordered.contactor
        injection.apply(self, True)

    def pull(self, wire: MemoryWire, out: bool) -> None:
        """Pull the adapter of a wire, or plug it in again."""
        wire._request = wire._reply = None
        if out:
            wire.master.disconnected(self.now_s, "pulled")
        else:
            wire.master.connected(self.now_s)

    @property
    def current_A(self) -> float:
        """The larger of what the module drives and what flows into the cable, a magnitude."""
        driven_A = sum(module.current_A for module in self.plant.modules.values())
        return max(abs(driven_A), abs(self.plant.circuit.output_A))

    @property
    def current_is_negative(self) -> bool:
        """The car gives."""
        return self.plant.circuit.output_A < 0

    @property
    def closed(self) -> bool:
        """Both main contacts are closed."""
        return self.plant.board.positive.closed and self.plant.board.negative.closed

    @property
    def trips(self) -> dict[FaultCode, float]:
        """When each fault was latched since `inject`."""
        return {event.code: event.at_s for event in self.events if isinstance(event, InterlockTripped)}

    def _note(self) -> None:
        ordered = self.board_driver.ordered.contactor
        if ordered and not self._was_ordered:
            self.closings.append(self.now_s)
        self._was_ordered = ordered
        if not ordered and self.ordered_open_s is None:
            self.ordered_open_s = self.now_s
        if not self.closed and self.contacts_open_s is None:
            self.contacts_open_s = self.now_s
        if self.current_A >= 1.0:
            self.no_current_s = None
        elif self.no_current_s is None:
            self.no_current_s = self.now_s


@dataclass(frozen=True, slots=True)
class Injection:
    """How a cause comes (True) and goes (False).

    `trips`: the moments in which the fault must be latched, at most `within_s` after the row's own delay. That is the age of a reading,
    the period of a poll and of the cycle, and what the plant itself needs. In every other moment the session must only stay safe.
    `others`: faults that may come along. `open_s`: how long after the fault the contactor may stay closed, where another device
    than ours opens it. `why`: the reason of anything unusual.
    """

    apply: Callable[[MatrixLoop, bool], None]
    trips: frozenset[Moment] = ALL
    within_s: float = 0.15
    others: frozenset[FaultCode] = frozenset()
    open_s: float | None = None
    stays_closed: bool = False
    clears: ResetRule | None = None
    """How the fault clears, where the cause or the board's own latch makes another rule of it."""
    begins: bool = False
    """While plugged the cause shows only after the cable check was ordered."""
    why: str = ""


def plant(name: str, value: float | str | None = None, **more: Any) -> Injection:
    """A fault of the plant by its name."""
    return Injection(lambda loop, on: inject(loop.plant, name, on, value), **more)


def module_shows(why: str, *, within_s: float = 0.15, **shown: Any) -> Injection:
    """The module's port shows this, for the profile of this module has no register for it."""

    def apply(loop: MatrixLoop, on: bool) -> None:
        loop.shown_module.shown = shown if on else {}

    return Injection(apply, within_s=within_s, why=why)


def grid(kind: ModuleFault) -> Injection:
    """A grid event that the module reports."""
    why = "the profile of this module maps no alarm to a kind of fault"
    return module_shows(why, faults=(kind.value,), kinds=frozenset({kind}))


def _stall(loop: MatrixLoop, on: bool) -> None:
    if on:
        loop.stage.process_stalled(1.0, loop.now_s)


def _overrun(loop: MatrixLoop, on: bool) -> None:
    loop.stage.note_overrun("50 cycles late" if on else "")


def _record(loop: MatrixLoop, on: bool) -> None:
    loop.stage.note_record_trouble("disk full" if on else "")


def _daemon(loop: MatrixLoop, on: bool) -> None:
    if on:
        loop.silenced = loop.demand
        loop.demand = None
    else:
        loop.demand = loop.silenced


def _module_over_current(loop: MatrixLoop, on: bool) -> None:
    _drives(loop, on, 60.0, -60.0)


def _module_reversed(loop: MatrixLoop, on: bool) -> None:
    _drives(loop, on, -20.0, 20.0)


def _module_exceeds(loop: MatrixLoop, on: bool) -> None:
    _drives(loop, on, 38.0, -38.0)


def _drives(loop: MatrixLoop, on: bool, charging_A: float, discharging_A: float) -> None:
    discharging = loop.current_is_negative
    inject(loop.plant, "over_current", on, discharging_A if discharging else charging_A)


def _leak_before_transfer(loop: MatrixLoop, on: bool) -> None:
    """A module that forgets its limit of 2 A, and a leak of 100 ohm through which 4 A flow at 400 V."""
    inject(loop.plant, "leak", on, 100.0)
    inject(loop.plant, "over_current", on, 4.0)


def _welded(loop: MatrixLoop, on: bool) -> None:
    inject(loop.plant, "contactor_welded", on)
    if on and loop.demand is not None:
        loop.order(Phase.OFF)


def _worn(loop: MatrixLoop, on: bool) -> None:
    loop.stage._view.wear.wear = Wear(1000, LOAD_OPENINGS_MAX) if on else Wear()


def _insulation_value(loop: MatrixLoop, on: bool) -> None:
    """Below our own limit and above the monitor's alarm, so that its relay stays closed."""
    loop.plant.insulation.alarm_below_ohm = 1000.0 if on else 100_000.0
    inject(loop.plant, "insulation", on, 50_000.0)


def _meter_alarm(loop: MatrixLoop, on: bool) -> None:
    loop.shown_meter.alarm = "tampered" if on else ""


def _fast_bus(loop: MatrixLoop, on: bool) -> None:
    loop.pull(loop.fast, on)


def _no_pre_charge(loop: MatrixLoop, on: bool) -> None:
    inject(loop.plant, "module_follows", on, 0.0)


def _not_discharged(loop: MatrixLoop, on: bool) -> None:
    inject(loop.plant, "discharge_open", on)
    if on:
        loop.order(Phase.OFF)


def _defect(loop: MatrixLoop, on: bool) -> None:
    if on:
        loop.stage.fail_safe(RuntimeError("a defect"), loop.now_s)


_F = FaultCode
_SILENT = frozenset(
    {
        _F.PILOT_BOARD_COMMUNICATION,
        _F.POWER_MODULE_COMMUNICATION,
        _F.METER_COMMUNICATION,
        _F.INSULATION_MONITOR,
        _F.PILOT_BOARD_WATCHDOG,
    }
)
_UNLOADED = frozenset({_F.OVER_VOLTAGE_EMERGENCY, _F.CHECK_OVER_CURRENT})
"""What a wrong current comes to where no battery takes it."""
_BOARD_POLL_S = 0.35
"""A board that restarts its reading or falls silent: 0.25 s until its image is too old, and a round of polls."""

INJECTIONS: dict[tuple[FaultCode, str], Injection] = {}


def _row(code: FaultCode, cause: str, injection: Injection) -> None:
    INJECTIONS[code, cause] = injection


def _only(code: FaultCode, injection: Injection) -> None:
    """The injection of a code that has one row."""
    (cause,) = (row.cause for row in table_of(Outlet.DC) if row.code is code)
    _row(code, cause, injection)


_only(_F.PROCESS_STALLED, Injection(_stall, why="the process of this test cannot be stopped"))
_only(_F.CYCLE_OVERRUN, Injection(_overrun, why="time is virtual here, no cycle is late"))
_only(_F.LATCH_RECORD, Injection(_record, why="there is no file here"))
_only(_F.LEASE_LOST, Injection(_daemon, trips=STEADY, within_s=0.55))

_only(_F.EMERGENCY_STOP, plant("e_stop"))
_only(_F.HARDWARE_CHAIN_OPEN, plant("chain_open"))
_only(_F.RCD, plant("rcd"))
_only(_F.DOOR_OPEN, plant("door_open"))
_only(_F.TILT, plant("tilt", others=frozenset({_F.HARDWARE_CHAIN_OPEN})))
_only(_F.SURGE_ARRESTER, plant("surge_arrester"))
_only(_F.FAN, plant("fan"))

_only(_F.PILOT_BOARD_SUPPLY, plant("board_supply"))
_only(_F.PILOT_BOARD_FAULT, plant("board_latch", 1 << 14))
_only(_F.PILOT_BOARD_WATCHDOG, plant("board_watchdog", others=frozenset({_F.PILOT_LOST, _F.CONTACTOR_OPENED})))
_row(
    _F.PILOT_LOST,
    "pilot not C or D while energised: unplugged, stopped, or wire broken",
    plant(
        "pilot_lost", trips=STEADY, clears=ResetRule.AUTO, why="a broken wire shows state A, in which the pilot rests"
    ),
)
_row(
    _F.PILOT_LOST,
    "board latched a short circuit of the pilot",
    plant("board_latch", CP_SHORT, clears=ResetRule.UNPLUG, why="the board keeps its bit until the car is gone"),
)
_only(
    _F.PILOT_SHORT,
    plant(
        "pilot_short",
        trips=frozenset({Moment.PLUGGED}),
        others=frozenset({_F.PILOT_LOST}),
        why="with the contactor closed the lost state C trips first, and the pilot goes to F",
    ),
)
_only(_F.PILOT_DUTY, plant("pilot_duty", within_s=0.7, trips=ALL - {Moment.RAMP_DOWN}))
_row(_F.PILOT_DIODE, "board latched a missing diode", plant("diode_missing"))
_row(_F.PILOT_DIODE, "low side of the PWM is not negative with a car plugged", plant("diode_unlatched"))
_row(_F.PROXIMITY, "board latched a fault of the proximity contact", plant("board_latch", PP))
_row(
    _F.PROXIMITY,
    "proximity contact short, or open with a car plugged",
    plant("proximity", 0, within_s=0.4),
)
_row(_F.CONNECTOR_LOCK, "lock not closed while energised", plant("lock_opens", trips=STEADY))
_row(_F.CONNECTOR_LOCK, "board latched a fault of the lock", plant("board_latch", LOCK_FAULT))

_only(
    _F.OVER_VOLTAGE_EMERGENCY,
    plant(
        "over_voltage",
        300.0,
        trips=BEFORE_TRANSFER | TRANSFER,
        within_s=0.5,
        others=frozenset({_F.OVER_VOLTAGE, _F.CHECK_OVER_CURRENT, _F.VOLTAGE_PLAUSIBILITY}),
        why="300 uF need some milliseconds to rise by 100 V at the 2 A of a pre-charge",
    ),
)
_row(
    _F.OVER_CURRENT,
    "current above 110 % of the rating",
    Injection(_module_over_current, trips=TRANSFER, others=_UNLOADED),
)
_row(
    _F.OVER_CURRENT,
    "meter shows more than 110 % of the rating",
    plant("meter_gain", 3.0, trips=frozenset({Moment.CHARGE}), within_s=0.7, others=frozenset({_F.METER_PLAUSIBILITY})),
)
_only(
    _F.OVER_VOLTAGE,
    plant(
        "over_voltage",
        70.0,
        trips=frozenset({Moment.CHARGE, Moment.PRE_CHARGED}),
        within_s=0.4,
        others=frozenset({_F.PRE_CHARGE, _F.CHECK_OVER_CURRENT, _F.CABLE_CHECK, _F.OVER_VOLTAGE_EMERGENCY}),
    ),
)
_only(
    _F.CHECK_OVER_CURRENT,
    Injection(
        _leak_before_transfer,
        trips=BEFORE_TRANSFER,
        within_s=0.5,
        others=frozenset({_F.SHORT_CIRCUIT, _F.CABLE_CHECK, _F.REVERSE_CURRENT}),
    ),
)
_only(_F.REVERSE_CURRENT, Injection(_module_reversed, trips=TRANSFER, others=_UNLOADED))
_only(_F.CURRENT_EXCEEDED, Injection(_module_exceeds, trips=TRANSFER, others=_UNLOADED))
_only(_F.NO_CURRENT, plant("car_opens_contactors", trips=TRANSFER, within_s=0.3))
_only(_F.MODULE_NOT_FOLLOWING, plant("module_follows", 0.3, trips=TRANSFER, within_s=0.3))

_only(_F.CONTACTOR_WELDED, Injection(_welded, within_s=1.5, stays_closed=True, others=frozenset({_F.REVERSE_CURRENT})))
_only(
    _F.CONTACTOR_NOT_CLOSED,
    plant(
        "contactor_no_close",
        trips=frozenset({Moment.PLUGGED}),
        within_s=0.7,
        begins=True,
        others=frozenset({_F.CONTACTOR_OPENED}),
        why="a contact that is closed already and falls off is an opening without an order",
    ),
)
_only(_F.CONTACTOR_OPENED, plant("coil_supply", trips=STEADY, others=frozenset({_F.CONTACTOR_NOT_CLOSED})))
_only(_F.RELAY_STUCK, plant("relay_stuck", "precharge", others=frozenset({_F.CONTACTOR_OPENED})))
_only(_F.CONTACTOR_WORN, Injection(_worn, why="counts of years; the count itself is tested in tests/unit/safety"))

_row(
    _F.INSULATION,
    "insulation resistance below its limit",
    Injection(
        _insulation_value, trips=TRANSFER | {Moment.PRE_CHARGED, Moment.PRE_CHARGE, Moment.CABLE_CHECK}, within_s=3.5
    ),
)
_row(
    _F.INSULATION,
    "the monitor's hard-wired relay reports a fault",
    plant("imd_relay", trips=TRANSFER | {Moment.PRE_CHARGED, Moment.PRE_CHARGE}),
)
_row(
    _F.INSULATION_MONITOR,
    "monitor silent, frozen, faulty, or failed its test",
    plant("imd_error", within_s=1.2, others=frozenset({_F.INSULATION, _F.CABLE_CHECK})),
)
_row(
    _F.INSULATION_MONITOR,
    "no valid value while energised",
    plant(
        "imd_blind",
        trips=TRANSFER | {Moment.PRE_CHARGED, Moment.PRE_CHARGE},
        within_s=1.0,
        others=frozenset({_F.CABLE_CHECK}),
    ),
)
_only(_F.VOLTAGE_TO_EARTH, plant("voltage_to_earth", trips=TRANSFER, within_s=1.0))

_row(_F.OVER_TEMPERATURE, "board latched an over-temperature", plant("over_temperature", within_s=0.4))
_row(
    _F.OVER_TEMPERATURE,
    "a contact or the cable at 90 °C",
    plant("temperature_sensor", 95.0, within_s=0.4),
)
_only(_F.TEMPERATURE_UNKNOWN, plant("temperature_sensor", within_s=0.4))
_only(_F.TEMPERATURE_SENSOR, plant("temperature_sensor", "positive", within_s=0.4))
_only(_F.MODULE_TEMPERATURE, module_shows("this module has no register of its temperature", temperature_degC=90.0))
_only(_F.CABINET_TEMPERATURE, plant("cabinet_temperature", 75.0, within_s=0.4))

_only(
    _F.PILOT_BOARD_COMMUNICATION,
    plant(
        "board_silent",
        within_s=_BOARD_POLL_S,
        open_s=0.6,
        others=frozenset({_F.PILOT_BOARD_WATCHDOG, _F.CONTACTOR_OPENED}),
        why="a board that does not hear us opens by its own watchdog, 0.5 s after the last order",
    ),
)
_only(_F.POWER_MODULE_COMMUNICATION, plant("module_silent", within_s=0.8))
_only(_F.METER_COMMUNICATION, plant("meter_silent", within_s=2.6))
_only(
    _F.WRONG_DEVICE,
    plant("board_map", 2, within_s=_BOARD_POLL_S, others=_SILENT | {_F.CONTACTOR_OPENED}, open_s=0.6),
)
_only(
    _F.BUS_DEAD,
    Injection(
        _fast_bus, within_s=_BOARD_POLL_S, others=_SILENT | {_F.CONTACTOR_OPENED}, open_s=0.6, why="as a silent board"
    ),
)
_only(_F.POWER_MODULE, plant("module_alarm", within_s=0.3))
_only(_F.MODULE_DEGRADED, module_shows("there is one module in this plant", degraded=("psu-2: silent",)))
_only(
    _F.MODULE_AT_TWO_OUTPUTS,
    module_shows("this plant has no stack", kinds=frozenset({ModuleFault.TWO_OUTPUTS})),
)
_only(
    _F.VOLTAGE_PLAUSIBILITY,
    plant("meter_voltage", 0.8, trips=TRANSFER, within_s=0.7),
)
_row(_F.METER_PLAUSIBILITY, "module and meter current apart", plant("meter_gain", 0.5, trips=TRANSFER, within_s=0.7))
_row(
    _F.METER_PLAUSIBILITY,
    "module and meter energy apart: runs backwards, or wrong factor",
    plant("meter_backwards", trips=TRANSFER, within_s=14.0, others=frozenset({_F.METER_COMMUNICATION})),
)


def _meter_fault() -> Injection:
    return Injection(_meter_alarm, within_s=0.5, why="the profile of this meter maps no alarm")


_only(_F.METER_FAULT, _meter_fault())
_only(_F.GRID_TRIP, grid(ModuleFault.GRID_TRIP))
_only(_F.PHASE_LOSS, grid(ModuleFault.PHASE_LOSS))
_only(_F.GRID_VOLTAGE, grid(ModuleFault.GRID_VOLTAGE))
_only(_F.GRID_FREQUENCY, grid(ModuleFault.GRID_FREQUENCY))

BY_STEP: dict[FaultCode, Injection] = {
    _F.CABLE_CHECK: plant(
        "module_follows",
        0.0,
        trips=frozenset({Moment.PLUGGED}),
        within_s=11.0,
        begins=True,
        others=frozenset({_F.PRE_CHARGE, _F.NO_CURRENT, _F.MODULE_NOT_FOLLOWING}),
        why="the test voltage is not reached; a failed self-test has the monitor's own row",
    ),
    _F.SHORT_CIRCUIT: plant(
        "leak",
        1.0,
        trips=frozenset({Moment.PLUGGED}),
        within_s=2.0,
        begins=True,
        others=frozenset({_F.PRE_CHARGE, _F.CABLE_CHECK, _F.METER_PLAUSIBILITY, _F.OVER_CURRENT}),
        why="the test is at the start of the cable check; in a transfer the battery feeds the short circuit, and the fuse ends it",
    ),
    _F.PRE_CHARGE: Injection(
        _no_pre_charge,
        trips=frozenset({Moment.PRE_CHARGE}),
        within_s=11.0,
        others=frozenset({_F.CABLE_CHECK, _F.NO_CURRENT, _F.MODULE_NOT_FOLLOWING}),
    ),
    _F.OUTPUT_NOT_DISCHARGED: Injection(
        _not_discharged,
        trips=frozenset({Moment.CABLE_CHECK, Moment.PRE_CHARGED, Moment.CHARGE, Moment.DISCHARGE, Moment.RAMP_DOWN}),
        within_s=5.0,
    ),
    _F.INTERNAL: Injection(_defect),
}

EXTRA: dict[str, tuple[frozenset[FaultCode], Injection]] = {}
"""Causes beyond the rows: their name, the faults of which one must come, and the injection."""


def _extra(name: str, codes: set[FaultCode], injection: Injection) -> None:
    EXTRA[name] = (frozenset(codes), injection)


for _ms in (1, 5, 9, 10, 12, 15, 20):
    _extra(
        f"coil dip of {_ms} ms",
        {_F.CONTACTOR_OPENED},
        plant(
            "coil_dip",
            _ms / 1000,
            trips=STEADY if _ms >= 12 else frozenset(),
            why="under 10 ms the contact does not move",
        ),
    )
_extra("contact bounces 5 ms", {_F.CONTACTOR_OPENED}, plant("contactor_bounce", 0.005, trips=STEADY))
_extra("board frozen", {_F.PILOT_BOARD_COMMUNICATION}, plant("board_frozen", within_s=0.4, others=_SILENT, open_s=0.6))
_extra(
    "board restarts",
    {_F.PILOT_BOARD_COMMUNICATION, _F.CONTACTOR_OPENED, _F.PILOT_LOST},
    plant("board_restart", within_s=0.4, trips=STEADY, others=_SILENT | {_F.CONTACTOR_OPENED, _F.PILOT_LOST}),
)
_extra(
    "module frozen",
    {_F.METER_PLAUSIBILITY, _F.VOLTAGE_PLAUSIBILITY, _F.CURRENT_EXCEEDED, _F.POWER_MODULE_COMMUNICATION},
    plant("module_frozen", trips=frozenset(), others=frozenset(FaultCode)),
)
_extra(
    "module restarts",
    {_F.POWER_MODULE, _F.POWER_MODULE_COMMUNICATION},
    plant("module_restart", 0.3, trips=TRANSFER, within_s=1.0, others=frozenset({_F.NO_CURRENT})),
)
_extra(
    "meter frozen",
    {_F.METER_PLAUSIBILITY, _F.METER_COMMUNICATION},
    plant("meter_frozen", trips=TRANSFER, within_s=15.0),
)
_extra(
    "self-test fails",
    {_F.INSULATION_MONITOR},
    plant(
        "imd_self_test",
        trips=frozenset({Moment.CABLE_CHECK}),
        within_s=4.0,
        others=frozenset({_F.INSULATION, _F.CABLE_CHECK}),
    ),
)
_extra("insulation monitor silent", {_F.INSULATION_MONITOR}, plant("imd_silent", within_s=2.8))
_extra(
    "insulation monitor frozen",
    {_F.INSULATION_MONITOR},
    plant("imd_frozen", within_s=2.8, trips=TRANSFER | {Moment.PRE_CHARGED}, others=frozenset({_F.CABLE_CHECK})),
)
_extra("discharge relay stuck", {_F.RELAY_STUCK}, plant("relay_stuck", "discharge", within_s=2.0))
_extra("proximity open", {_F.PROXIMITY}, plant("proximity", 0xFFFF, within_s=1.5))
_extra("sensor short", {_F.TEMPERATURE_UNKNOWN}, plant("temperature_sensor", -60.0, within_s=1.5))
_extra(
    "slow bus pulled",
    {_F.BUS_DEAD},
    Injection(
        lambda loop, on: loop.pull(loop.slow, on),
        within_s=4.2,
        why="the row waits 2 s for an adapter that comes back",
        others=_SILENT,
    ),
)
