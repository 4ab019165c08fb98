"""One EVSE's stage with devices that are only memory: what trips is ordered open in the same cycle, and what may recover does."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoint.model.demand import Phase, PilotCommand, StageDemand
from chargepoint.model.faults import (
    CATALOGUE,
    LOAD_WAIT_S,
    MAY_WAIT_FOR_CURRENT,
    FaultCleared,
    FaultCode,
    InterlockTripped,
    Severity,
)
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor, ControlPilot, EvseImage, Lock, MeterRegisters, Stage, TokenPresented
from chargepoint.model.io import BoardFault, SafetyInput
from chargepoint.model.limits import Interval, rated
from chargepoint.model.readings import Reading
from chargepoint.ports import (
    InsulationState,
    IoCommand,
    IoState,
    PowerModuleCapabilities,
    PowerModuleCommand,
    PowerModuleState,
    Reversal,
)
from chargepoint.power.dc_outlet import DcOutlet
from chargepoint.power.dc_sequence import RAMP_DOWN_TIMEOUT_S
from chargepoint.power.evse_io import IoWiring
from chargepoint.power.evse_stage import NOT_HEARD_YET, EvseHardware, EvseStage
from chargepoint.power.interlock_view import StageRatings
from chargepoint.safety.envelope import Envelope
from tests.joined.flat_io import FlatIo
from tests.joined.orders import changed, dc_order

TICK_S = 0.01
LEASE_S = 0.5


class FakeBoard(FlatIo):
    """Closes and opens as ordered; latches are a test's to set, and cleared only with every output off."""

    def __init__(self) -> None:
        super().__init__()
        self.car = ControlPilot.C
        self.latched: frozenset[BoardFault] = frozenset()
        self.changes: dict[str, Any] = {}
        self.clears = 0

    def clear_latched(self) -> None:
        self.clears += 1
        if not self.ordered.contactor and not self.ordered.discharge:
            self.latched = frozenset()

    def show(self, now_s: float) -> None:
        closed = self.ordered.contactor
        pilot = ControlPilot.F if self.ordered.pilot is PilotCommand.F else self.car
        state = IoState(
            pilot=pilot,
            duty_percent=self.ordered.duty_percent,
            pilot_high_V=6.0,
            pilot_low_V=-12.0,
            lock=Lock.LOCKED if self.ordered.lock else Lock.UNLOCKED,
            contactor_positive_closed=closed,
            contactor_negative_closed=closed,
            precharge_closed=False,
            discharge_closed=self.ordered.discharge,
            contactor_commanded=closed,
            proximity_ohm=1500.0,
            open_inputs=frozenset(),
            latched=self.latched,
            temperatures_degC=(30.0, 35.0),
        )
        self.state = Reading(replace(state, **self.changes), now_s)


class FakeModule:
    """Its output follows at once; a battery holds its terminals once the contactor is closed for transfer."""

    name = "psu"
    identity_error = ""

    def __init__(self) -> None:
        self.ordered = PowerModuleCommand()
        self.capabilities: PowerModuleCapabilities | None = PowerModuleCapabilities(
            0.0, 1000.0, 60.0, 60.0, 50_000.0, 50_000.0, 1000.0, Reversal.VIA_ZERO, 0.1, None
        )
        self.volts, self.amps = 0.0, 0.0
        self.car_open = self.stays_on = False
        self.battery_V, self.full = 400.0, False
        self.faults: tuple[str, ...] = ()
        self.state: Reading[PowerModuleState] | None = None

    def poll(self, now_s: float) -> None: ...

    def command(self, command: PowerModuleCommand) -> None:
        self.ordered = command

    def show(self, now_s: float, battery: bool) -> None:
        on = self.ordered.output_on or self.stays_on
        window_V = (self.ordered.voltage_min_V, self.ordered.voltage_max_V)
        free_V = window_V[self.ordered.current_A > 0] if on else 0.0
        self.volts = self.battery_V if battery and not self.car_open else free_V
        self.amps = (
            self.amps if self.stays_on else self.ordered.current_A if battery and on and not self.car_open else 0.0
        )
        if self.full:
            self.amps = min(self.amps, 0.0)
        self.state = Reading(PowerModuleState(self.volts, self.amps, on, self.faults), now_s)


class FakeMeter:
    """Counts what the module gives, times its own errors."""

    name = "meter"
    identity_error = ""

    def __init__(self) -> None:
        self.registers: MeterRegisters | None = None
        self.import_Wh, self.export_Wh = 1.0, 2.0
        self.gain, self.register_gain = 1.0, 1.0
        self._last_s: float | None = None

    def poll(self, now_s: float) -> None: ...

    def show(self, volts: float, amps: float, now_s: float) -> None:
        amps *= self.gain
        elapsed_s = 0.0 if self._last_s is None else now_s - self._last_s
        self._last_s = now_s
        energy_Wh = volts * amps * self.register_gain * elapsed_s / 3600
        self.import_Wh += max(0.0, energy_Wh)
        self.export_Wh += max(0.0, -energy_Wh)
        self.registers = MeterRegisters(
            float(int(self.import_Wh)), float(int(self.export_Wh)), volts, amps, volts * amps, now_s
        )


class FakeMonitor:
    name = "imd"
    identity_error = ""

    def __init__(self) -> None:
        self.state: Reading[InsulationState] | None = None
        self.measuring = False
        self.passed: bool | None = None
        self.will_pass = True
        self.tests = 0

    def poll(self, now_s: float) -> None: ...

    def enable(self, measuring: bool) -> None:
        self.measuring = measuring

    def start_self_test(self) -> None:
        self.tests += 1
        self.passed = self.will_pass

    def show(self, now_s: float) -> None:
        state = InsulationState(1e6, self.passed is not False, self.passed, self.measuring)
        self.state = Reading(state, now_s)


class FakeReader:
    name = "rfid"
    identity_error = ""
    waiting: tuple[str, ...] = ()

    def poll(self, now_s: float) -> None: ...

    def tokens(self) -> Iterator[str]:
        waiting, self.waiting = self.waiting, ()
        return iter(waiting)


def order(phase: Phase, **changes: Any) -> StageDemand:
    demand = StageDemand(
        EvseId(1), 0, LEASE_S, phase, PilotCommand.PWM, 5.0, True, 0.0,
        Interval(-1e6, 1e6), order=dc_order(450.0, 400.0, 300.0, 30.0, 30.0),
    )  # fmt: skip
    if phase is Phase.TRANSFER:
        demand = changed(demand, voltage_target_V=0.0)  # as in Dynamic mode
    return changed(demand, **changes)


def ratings(charge_W: float, discharge_W: float) -> StageRatings:
    limits = rated(920.0, 40.0, voltage_min_V=150.0, charge_power_max_W=charge_W, discharge_power_max_W=discharge_W)
    return StageRatings(Envelope(limits), 100.0, LEASE_S)


@dataclass
class Rig:
    ratings: StageRatings = field(default_factory=lambda: ratings(22_000.0, 20_000.0))
    silent: set[str] = field(default_factory=set)
    demand: StageDemand | None = None
    now_s: float = 500.0
    seq: int = 0
    events: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.board, self.module, self.meter, self.monitor = FakeBoard(), FakeModule(), FakeMeter(), FakeMonitor()
        self.reader = FakeReader()
        hardware = EvseHardware(
            IoWiring.of_one(self.board), DcOutlet(self.module, self.monitor, self.ratings), self.meter, self.reader
        )
        self.stage = EvseStage(EvseId(1), hardware, self.ratings)
        self.image: EvseImage | None = None

    def cycle(self) -> EvseImage:
        self.now_s += TICK_S
        transfer = self.image is not None and self.image.stage in (Stage.TRANSFER, Stage.RAMP_DOWN)
        if "board" not in self.silent:
            self.board.show(self.now_s)
        if "module" not in self.silent:
            self.module.show(self.now_s, battery=transfer and self.board.ordered.contactor)
        if "meter" not in self.silent:
            self.meter.show(self.module.volts, self.module.amps, self.now_s)
        if "monitor" not in self.silent:
            self.monitor.show(self.now_s)
        if self.demand is not None:
            self.seq += 1
            self.stage.take_demand(replace(self.demand, seq=self.seq), self.now_s)
        self.image = self.stage.cycle(self.now_s)
        self.stage.poll(self.now_s)
        self.events += self.stage.events()
        return self.image

    def run(self, seconds: float) -> EvseImage:
        image = self.cycle()
        for _ in range(round(seconds / TICK_S) - 1):
            image = self.cycle()
        return image

    def reach(self, stage: Stage, within_s: float = 10.0) -> EvseImage:
        for _ in range(round(within_s / TICK_S)):
            image = self.cycle()
            if image.stage is stage:
                return image
        raise AssertionError(f"{stage.name} not within {within_s} s: {self.image}")

    def transfer(self, power_W: float = 8000.0) -> None:
        self.run(0.05)
        self.demand = order(Phase.OFF)
        self.run(0.05)
        for phase, stage in (
            (Phase.CABLE_CHECK, Stage.CABLE_CHECKED),
            (Phase.PRE_CHARGE, Stage.PRE_CHARGED),
            (Phase.TRANSFER, Stage.TRANSFER),
        ):
            self.demand = order(phase, power_W=power_W)
            self.reach(stage)
        self.run(1.0)

    def tripped(self) -> list[FaultCode]:
        return [event.code for event in self.events if isinstance(event, InterlockTripped)]

    def cleared(self) -> list[FaultCode]:
        return [event.code for event in self.events if isinstance(event, FaultCleared)]


@pytest.fixture
def rig() -> Rig:
    return Rig()


# -- start -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("silent", "code"),
    [
        ("board", FaultCode.PILOT_BOARD_COMMUNICATION),
        ("module", FaultCode.POWER_MODULE_COMMUNICATION),
        ("meter", FaultCode.METER_COMMUNICATION),
        ("monitor", FaultCode.INSULATION_MONITOR),
    ],
)
def test_faulty_until_each_device_is_heard(rig: Rig, silent: str, code: FaultCode) -> None:
    rig.silent = {silent}
    image = rig.run(0.5)
    assert image.faults == {code}
    assert not image.permitted
    rig.silent = set()
    image = rig.run(0.05)
    assert image.faults == frozenset()
    assert image.permitted
    assert code in rig.cleared()


def test_before_anything_is_heard_everything_is_latched_and_off(rig: Rig) -> None:
    rig.silent = {"board", "module", "meter", "monitor"}
    rig.module.capabilities = None
    rig.demand = order(Phase.CABLE_CHECK)
    image = rig.run(1.0)
    assert image.faults >= NOT_HEARD_YET
    assert image.capabilities is None
    assert (image.pilot, image.contactor, image.voltage_V) == (ControlPilot.UNKNOWN, Contactor.UNKNOWN, None)
    assert rig.board.ordered == IoCommand()
    assert rig.module.ordered == PowerModuleCommand()


def test_a_session_goes_through_and_is_in_the_image(rig: Rig) -> None:
    rig.transfer()
    image = rig.cycle()
    assert (image.stage, image.phase, image.contactor) == (Stage.TRANSFER, Phase.TRANSFER, Contactor.CLOSED)
    assert image.applied_W == pytest.approx(8000.0)
    assert image.power_W == pytest.approx(8000.0)
    assert image.demand_seq == rig.seq
    assert (image.temperature_degC, image.insulation_ohm) == (35.0, 1e6)
    assert image.meter is not None and image.meter.export_Wh == 2.0
    assert rig.tripped() == []
    assert rig.cycle().seq == image.seq + 1


# -- trips -----------------------------------------------------------------------------------------------------------------

EMERGENCIES: list[tuple[dict[str, Any], FaultCode]] = [
    ({"open_inputs": frozenset({SafetyInput.EMERGENCY_CHAIN})}, FaultCode.EMERGENCY_STOP),
    ({"open_inputs": frozenset({SafetyInput.HARDWARE_CHAIN})}, FaultCode.HARDWARE_CHAIN_OPEN),
    ({"open_inputs": frozenset({SafetyInput.DOOR})}, FaultCode.DOOR_OPEN),
    ({"open_inputs": frozenset({SafetyInput.RCD})}, FaultCode.RCD),
    ({"latched": frozenset({BoardFault.EMERGENCY_STOP})}, FaultCode.EMERGENCY_STOP),
]


@pytest.mark.parametrize(("seen", "code"), EMERGENCIES, ids=str)
def test_an_emergency_is_ordered_open_in_the_cycle_that_saw_it(rig: Rig, seen: dict[str, Any], code: FaultCode) -> None:
    rig.transfer()
    assert rig.board.ordered.contactor
    rig.board.changes = seen
    image = rig.cycle()
    assert not rig.board.ordered.contactor
    assert rig.board.ordered.pilot is PilotCommand.F
    assert rig.module.ordered == PowerModuleCommand()
    assert code in image.faults
    assert not image.permitted
    assert image.stage is Stage.OPENING
    assert rig.tripped() == [code]


@pytest.mark.parametrize("pilot", [ControlPilot.A, ControlPilot.B])
def test_where_milliseconds_allow_the_module_goes_off_before_the_contactor(rig: Rig, pilot: ControlPilot) -> None:
    rig.transfer()
    rig.module.stays_on = True  # it takes its time
    rig.board.changes = {"pilot": pilot}
    image = rig.cycle()
    assert rig.module.ordered == PowerModuleCommand()
    assert rig.board.ordered.contactor, "the current is still there"
    assert rig.board.ordered.pilot is PilotCommand.F
    assert FaultCode.PILOT_LOST in image.faults and not image.permitted
    assert rig.run(LOAD_WAIT_S + TICK_S).stage is Stage.OPENING
    assert not rig.board.ordered.contactor, "at its bound, whatever flows"


def test_without_current_a_lost_pilot_opens_in_the_cycle_that_saw_it(rig: Rig) -> None:
    rig.transfer()
    rig.module.car_open = True
    rig.cycle()
    rig.board.changes = {"pilot": ControlPilot.B}
    assert rig.cycle().stage is Stage.OPENING
    assert not rig.board.ordered.contactor


def test_the_trip_is_told_once_with_its_detail(rig: Rig) -> None:
    rig.transfer()
    rig.board.changes = {"open_inputs": frozenset({SafetyInput.DOOR})}
    rig.run(1.0)
    trips = [event for event in rig.events if isinstance(event, InterlockTripped)]
    assert [(trip.code, trip.detail) for trip in trips] == [(FaultCode.DOOR_OPEN, "door contact is open")]


@pytest.mark.parametrize(
    ("silent", "code", "within_s"),
    [
        ("module", FaultCode.POWER_MODULE_COMMUNICATION, 0.52),
        ("meter", FaultCode.METER_COMMUNICATION, 2.02),
        ("monitor", FaultCode.INSULATION_MONITOR, 2.02),
    ],
)
def test_a_device_that_falls_silent_ends_the_session(rig: Rig, silent: str, code: FaultCode, within_s: float) -> None:
    rig.transfer()
    rig.silent = {silent}
    rig.run(within_s - 0.03)
    assert rig.tripped() == []
    image = rig.run(0.06)
    assert image.faults == {code}
    assert image.stage is Stage.RAMP_DOWN
    rig.run(2.5)
    assert not rig.board.ordered.contactor
    rig.silent = set()
    rig.demand = order(Phase.OFF)
    assert rig.reach(Stage.OFF).permitted


def test_a_silent_board_is_ordered_open_within_a_quarter_of_a_second(rig: Rig) -> None:
    rig.transfer()
    rig.silent = {"board"}
    rig.run(0.24)
    assert rig.tripped() == []
    rig.run(0.03)
    assert rig.tripped() == [FaultCode.PILOT_BOARD_COMMUNICATION]
    assert not rig.board.ordered.contactor
    assert rig.module.ordered == PowerModuleCommand()


def test_a_module_fault_ramps_down_and_clears_with_it(rig: Rig) -> None:
    rig.transfer()
    rig.module.faults = ("fan",)
    assert rig.cycle().stage is Stage.RAMP_DOWN
    rig.reach(Stage.FAULTED)
    assert rig.run(5.0).faults == {FaultCode.POWER_MODULE}
    rig.module.faults = ()
    assert rig.run(0.05).faults == frozenset()


def test_the_cable_checks_failure_is_latched_and_told(rig: Rig) -> None:
    rig.run(0.05)
    rig.monitor.will_pass = False
    rig.demand = order(Phase.OFF)
    rig.run(0.05)
    rig.demand = order(Phase.CABLE_CHECK)
    rig.reach(Stage.FAULTED)
    assert rig.tripped()[0] in (FaultCode.CABLE_CHECK, FaultCode.INSULATION_MONITOR)


def test_a_weld_is_seen_after_the_stop_and_needs_a_person(rig: Rig) -> None:
    rig.transfer()
    rig.demand = order(Phase.OFF)
    rig.reach(Stage.OPENING)
    stuck = {"contactor_positive_closed": True, "contactor_negative_closed": False, "contactor_commanded": False}
    rig.board.changes = stuck
    image = rig.run(0.6)
    assert FaultCode.CONTACTOR_WELDED in image.faults
    rig.board.changes, rig.board.latched = {}, frozenset({BoardFault.WELD})
    assert rig.reach(Stage.FAULTED).contactor is Contactor.WELDED
    rig.board.car = ControlPilot.A
    rig.run(20.0)
    assert rig.board.clears == 0
    assert rig.cycle().faults == {FaultCode.CONTACTOR_WELDED}
    rig.stage.reset_faults("a test")
    image = rig.run(0.5)
    assert rig.board.clears == 1
    assert image.faults == frozenset()


# -- the meter, the car, the board ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("power_W", [8000.0, -8000.0])
@pytest.mark.parametrize("gain", [0.5, 1.5])
def test_a_meter_that_measures_otherwise_than_the_module_stops_power_and_needs_a_person(
    rig: Rig, power_W: float, gain: float
) -> None:
    rig.transfer(power_W)
    rig.meter.gain = gain
    rig.run(4.5)
    assert rig.tripped() == []
    image = rig.run(1.0)
    assert rig.tripped() == [FaultCode.METER_PLAUSIBILITY]
    assert not image.permitted
    rig.demand = order(Phase.OFF)
    rig.board.car = ControlPilot.A
    assert rig.run(10.0).faults == {FaultCode.METER_PLAUSIBILITY}
    rig.stage.reset_faults("a test")
    assert rig.run(0.1).faults == frozenset()


@pytest.mark.parametrize("power_W", [8000.0, -8000.0])
def test_registers_that_count_otherwise_than_the_meter_measures_stop_power(rig: Rig, power_W: float) -> None:
    rig.transfer(power_W)
    rig.meter.register_gain = 1.5
    rig.run(10.0)
    assert rig.tripped() == []  # 11 Wh too much: within the resolution registers may have
    rig.run(25.0)
    assert rig.tripped() == [FaultCode.METER_PLAUSIBILITY]
    trip = next(event for event in rig.events if isinstance(event, InterlockTripped))
    assert ("out of" if power_W < 0 else "into") in trip.detail


@pytest.mark.slow
def test_a_long_transfer_both_ways_contradicts_no_meter(rig: Rig) -> None:
    rig.transfer(8000.0)
    for power_W in (15_000.0, -12_000.0, 0.0, 3000.0, -500.0):
        rig.demand = order(Phase.TRANSFER, power_W=power_W)
        rig.run(30.0)
    assert rig.tripped() == []


@pytest.mark.parametrize("power_W", [8000.0, -8000.0])
def test_a_car_that_opens_its_contactors_ends_the_transfer_and_may_come_again(rig: Rig, power_W: float) -> None:
    rig.transfer(power_W)
    rig.module.car_open = True
    rig.run(4.9)
    assert rig.tripped() == []
    rig.run(0.3)
    assert rig.tripped() == [FaultCode.NO_CURRENT]
    rig.demand = order(Phase.OFF)
    rig.reach(Stage.OFF)
    assert rig.run(0.1).faults == frozenset()


def test_a_full_battery_ends_nothing_and_gives_back_later(rig: Rig) -> None:
    rig.transfer(8000.0)
    assert rig.demand is not None
    rig.module.battery_V = rig.demand.dc.limits.voltage_max_V - 1.0
    rig.run(1.0)
    rig.module.full = True
    rig.run(30.0)
    rig.demand = order(Phase.TRANSFER, power_W=-8000.0)
    rig.run(5.0)
    assert rig.module.amps < -10.0
    assert rig.tripped() == []


def test_a_board_that_opened_for_its_supply_is_told_by_name_and_recovers(rig: Rig) -> None:
    rig.transfer()
    rig.board.latched = frozenset({BoardFault.SUPPLY})
    rig.board.changes = {"contactor_positive_closed": False, "contactor_negative_closed": False}
    rig.run(0.5)
    assert rig.tripped() == [FaultCode.PILOT_BOARD_SUPPLY]
    rig.demand, rig.board.changes = order(Phase.OFF), {}
    rig.reach(Stage.OFF)
    assert rig.run(0.5).faults == frozenset()


def test_a_voltage_left_at_the_output_is_told_before_the_next_car_comes(rig: Rig) -> None:
    rig.transfer()
    rig.demand = order(Phase.OFF)
    rig.reach(Stage.DISCHARGING_OUTPUT)
    rig.module.show = lambda now_s, battery: None  # type: ignore[method-assign]
    for _ in range(300):
        rig.module.state = Reading(PowerModuleState(380.0, 0.0, False, ()), rig.now_s + TICK_S)
        image = rig.cycle()
    assert image.faults == {FaultCode.OUTPUT_NOT_DISCHARGED}
    assert image.stage is Stage.FAULTED
    rig.stage.reset_faults("a test")
    rig.module.state = Reading(PowerModuleState(380.0, 0.0, False, ()), rig.now_s + TICK_S)
    assert rig.cycle().faults == {FaultCode.OUTPUT_NOT_DISCHARGED}


# -- the process itself ------------------------------------------------------------------------------------------------------


def test_having_stood_still_is_one_fault_with_its_own_words_and_is_over_when_all_are_heard_again(rig: Rig) -> None:
    rig.transfer()
    rig.now_s += 3.0
    rig.stage.process_stalled(3.0, rig.now_s + TICK_S)
    rig.silent, rig.demand = {"board", "module", "meter", "monitor"}, None
    rig.board.latched = frozenset({BoardFault.WATCHDOG})  # it opened by itself after half a second
    opened = {"contactor_positive_closed": False, "contactor_negative_closed": False, "pilot": ControlPilot.F}
    rig.board.changes = opened
    rig.run(0.03)
    assert rig.cycle().faults == {FaultCode.PROCESS_STALLED}
    rig.silent, rig.demand = {"module", "meter", "monitor"}, order(Phase.TRANSFER, power_W=8000.0)
    rig.run(0.3)
    rig.silent, rig.board.changes = set(), {}
    rig.run(5.0)
    trips = [event for event in rig.events if isinstance(event, InterlockTripped)]
    assert [(trip.code, trip.detail) for trip in trips] == [
        (FaultCode.PROCESS_STALLED, "the power process itself did not run for 3.0 s")
    ]
    assert not rig.board.ordered.contactor
    rig.demand = order(Phase.OFF)
    image = rig.run(1.0)
    assert (image.stage, image.faults) == (Stage.OFF, frozenset())
    assert rig.board.clears >= 1


def test_a_device_that_is_not_heard_again_after_it_is_silent_by_its_own_fault(rig: Rig) -> None:
    rig.transfer()
    rig.now_s += 3.0
    rig.stage.process_stalled(3.0, rig.now_s + TICK_S)
    rig.silent = {"meter"}
    rig.run(9.0)
    assert rig.tripped() == [FaultCode.PROCESS_STALLED]
    rig.run(1.5)
    assert rig.tripped() == [FaultCode.PROCESS_STALLED, FaultCode.METER_COMMUNICATION]


def test_standing_still_so_shortly_that_nothing_is_stale_is_told_all_the_same(rig: Rig) -> None:
    rig.transfer()
    rig.now_s += 0.21
    rig.stage.process_stalled(0.21, rig.now_s + TICK_S)
    assert rig.cycle().stage is Stage.RAMP_DOWN
    assert rig.tripped() == [FaultCode.PROCESS_STALLED]


@pytest.mark.parametrize("broken", ["board", "module", "meter", "none"])
def test_a_defect_leaves_everything_off_until_a_person_resets_it(rig: Rig, broken: str) -> None:
    """Also one in a driver that cannot even take the order to switch off: the others still hear theirs."""
    rig.transfer()
    device: Any = {"board": rig.board, "module": rig.module, "meter": rig.meter, "none": rig.reader}[broken]

    def refuse(*_: object) -> None:
        raise RuntimeError("a defect")

    device.command = refuse
    image = rig.stage.fail_safe(ValueError("a defect"), rig.now_s)
    del device.command
    assert (image.stage, image.faults, image.permitted) == (Stage.FAULTED, {FaultCode.INTERNAL}, False)
    assert rig.module.ordered == PowerModuleCommand() or broken == "module"
    assert not rig.board.ordered.contactor or broken == "board"
    image = rig.run(10.0)
    assert image.faults == {FaultCode.INTERNAL}
    assert not rig.board.ordered.contactor
    assert rig.module.ordered == PowerModuleCommand()
    assert [(event.code, event.detail) for event in rig.events if isinstance(event, InterlockTripped)] == [
        (FaultCode.INTERNAL, "ValueError: a defect")
    ]
    rig.demand = order(Phase.OFF)
    rig.stage.reset_faults("a test")
    assert rig.run(0.2).faults == frozenset()
    rig.transfer()


# -- leases ----------------------------------------------------------------------------------------------------------------


def test_silence_of_the_daemon_ends_power(rig: Rig) -> None:
    rig.transfer()
    rig.demand = None
    rig.run(LEASE_S - 0.02)
    assert rig.tripped() == []
    image = rig.run(0.05)
    assert image.stage is Stage.RAMP_DOWN
    assert image.phase is Phase.OFF
    assert rig.tripped() == [FaultCode.LEASE_LOST]
    rig.run(0.3)
    assert not rig.board.ordered.contactor
    rig.run(5.0)
    assert rig.cleared()[-1] is FaultCode.LEASE_LOST
    assert rig.cycle().permitted  # the next daemon finds it ready


@pytest.mark.parametrize("lease_s", [3600.0, float("inf")])
def test_no_demand_is_obeyed_longer_than_our_own_lease(rig: Rig, lease_s: float) -> None:
    rig.transfer()
    rig.demand = None
    rig.stage.take_demand(order(Phase.TRANSFER, power_W=8000.0, seq=10**6, lease_s=lease_s), rig.now_s)
    assert rig.run(LEASE_S + 0.05).stage is Stage.RAMP_DOWN


@pytest.mark.parametrize("lease_s", [0.0, -5.0])
def test_a_lease_of_nothing_is_no_demand(rig: Rig, lease_s: float) -> None:
    rig.run(0.05)
    rig.demand = order(Phase.CABLE_CHECK, lease_s=lease_s)
    image = rig.run(1.0)
    assert (image.stage, image.phase) == (Stage.OFF, Phase.OFF)


def test_an_older_demand_is_ignored_while_a_newer_holds(rig: Rig) -> None:
    rig.transfer()
    rig.demand = None
    rig.stage.take_demand(order(Phase.TRANSFER, power_W=-8000.0, seq=rig.seq - 1), rig.now_s)
    rig.stage.take_demand(order(Phase.TRANSFER, power_W=-8000.0, seq=rig.seq), rig.now_s)
    assert rig.cycle().target_W == pytest.approx(8000.0)
    rig.stage.take_demand(order(Phase.TRANSFER, power_W=4000.0, seq=rig.seq + 1), rig.now_s)
    assert rig.cycle().target_W == pytest.approx(4000.0)


def test_a_new_daemon_counts_afresh_after_the_old_one_is_gone(rig: Rig) -> None:
    rig.transfer()
    rig.demand = None
    rig.stage.withdraw_demand()
    rig.stage.take_demand(order(Phase.TRANSFER, power_W=4000.0, seq=1), rig.now_s)
    assert rig.cycle().target_W == pytest.approx(4000.0)


def test_the_old_demand_still_runs_out_after_its_daemon_is_gone(rig: Rig) -> None:
    rig.transfer()
    rig.demand = None
    rig.stage.withdraw_demand()
    assert rig.cycle().stage is Stage.TRANSFER
    assert rig.run(LEASE_S + 0.05).stage is Stage.RAMP_DOWN


# -- ratings and voltage ---------------------------------------------------------------------------------------------------


def test_the_evses_own_ratings_hold_whatever_the_daemon_and_the_module_say() -> None:
    rig = Rig(ratings(6000.0, 0.0))
    rig.transfer(20_000.0)
    assert rig.run(1.0).target_W == pytest.approx(6000.0)
    rig.demand = order(Phase.TRANSFER, power_W=-20_000.0)
    image = rig.run(2.0)
    assert image.target_W == 0.0
    assert rig.module.ordered.current_A == 0.0
    assert image.capabilities is not None
    assert (image.capabilities.charge_power_max_W, image.capabilities.discharge_power_max_W) == (6000.0, 0.0)


def test_the_cars_maximum_is_remembered_while_a_stopping_demand_names_none(rig: Rig) -> None:
    rig.transfer()
    rig.demand = order(Phase.OFF, voltage_limit_V=0.0)
    rig.cycle()
    rig.module.show = lambda now_s, battery: None  # type: ignore[method-assign]
    rig.module.state = Reading(PowerModuleState(560.0, 20.0, True, ()), rig.now_s + 0.01)
    rig.cycle()
    assert FaultCode.OVER_VOLTAGE_EMERGENCY in rig.tripped()


def test_the_cars_maximum_is_forgotten_with_the_session(rig: Rig) -> None:
    rig.transfer()
    rig.demand = order(Phase.OFF, voltage_limit_V=0.0)
    rig.reach(Stage.OFF)
    rig.run(0.05)
    rig.module.show = lambda now_s, battery: None  # type: ignore[method-assign]
    rig.module.state = Reading(PowerModuleState(900.0, 0.0, False, ()), rig.now_s + 0.01)
    rig.cycle()
    assert rig.tripped() == []


# -- recovery --------------------------------------------------------------------------------------------------------------


def test_the_boards_watchdog_latch_after_our_restart_clears_by_itself(rig: Rig) -> None:
    rig.board.latched = frozenset({BoardFault.WATCHDOG})
    image = rig.run(0.5)
    assert rig.board.clears == 1
    assert image.faults == frozenset()
    rig.transfer()
    assert rig.tripped() == [FaultCode.PILOT_BOARD_WATCHDOG]


def test_a_latch_the_board_keeps_is_asked_for_at_a_civil_rate(rig: Rig) -> None:
    rig.board.changes = {"latched": frozenset({BoardFault.WATCHDOG})}
    rig.run(2.0)
    assert 5 <= rig.board.clears <= 11


def test_nothing_is_cleared_on_the_board_while_power_is_on(rig: Rig) -> None:
    rig.transfer()
    rig.board.latched = frozenset({BoardFault.WATCHDOG})
    rig.stage.reset_faults("a test")
    rig.run(0.2)
    assert rig.board.clears == 0


def test_a_diode_fault_clears_with_the_car_and_not_before(rig: Rig) -> None:
    rig.run(0.05)
    rig.demand = order(Phase.OFF)
    rig.board.latched = frozenset({BoardFault.DIODE})
    rig.run(2.0)
    assert (rig.board.clears, rig.cycle().faults) == (0, {FaultCode.PILOT_DIODE})
    rig.board.car = ControlPilot.A
    image = rig.run(0.1)
    assert rig.board.clears == 1
    assert image.faults == frozenset()


def test_a_lost_pilot_clears_when_the_car_has_left(rig: Rig) -> None:
    rig.transfer()
    rig.demand = order(Phase.OFF, voltage_limit_V=0.0)
    rig.board.car = ControlPilot.A
    rig.run(2.0)
    assert rig.tripped() == [FaultCode.PILOT_LOST]
    assert rig.cycle().faults == {FaultCode.PILOT_LOST}  # state F: the departure is not seen yet
    assert rig.run(6.0).faults == frozenset()


def test_an_emergency_stop_needs_a_person_and_one_reset_is_enough(rig: Rig) -> None:
    rig.transfer()
    rig.board.changes, rig.board.latched = (
        {"open_inputs": frozenset({SafetyInput.EMERGENCY_CHAIN})},
        frozenset({BoardFault.EMERGENCY_STOP}),
    )
    rig.demand = order(Phase.OFF)
    rig.reach(Stage.FAULTED)
    rig.board.changes = {}
    assert rig.run(10.0).faults == {FaultCode.EMERGENCY_STOP}
    rig.stage.reset_faults("a test")
    assert rig.run(0.5).faults == frozenset()


def test_a_reset_with_the_button_still_pressed_changes_nothing(rig: Rig) -> None:
    rig.run(0.05)
    rig.board.changes = {"open_inputs": frozenset({SafetyInput.EMERGENCY_CHAIN})}
    rig.run(1.0)
    rig.stage.reset_faults("a test")
    assert rig.run(3.0).faults == {FaultCode.EMERGENCY_STOP}
    rig.board.changes = {}
    assert rig.run(3.0).faults == {FaultCode.EMERGENCY_STOP}  # that reset is used up


def test_a_reset_runs_the_self_test_again_that_failed(rig: Rig) -> None:
    rig.run(0.05)
    rig.monitor.passed = False
    assert rig.run(0.5).faults == {FaultCode.INSULATION_MONITOR}
    rig.stage.reset_faults("a test")
    assert rig.run(0.1).faults == frozenset()
    assert rig.monitor.tests == 1


# -- the rest --------------------------------------------------------------------------------------------------------------


def test_tokens_come_up_as_events(rig: Rig) -> None:
    rig.reader.waiting = ("04A2B3C4D5E6F7", "DEADBEEF")
    rig.cycle()
    tokens = [event for event in rig.events if isinstance(event, TokenPresented)]
    assert [token.value for token in tokens] == ["04A2B3C4D5E6F7", "DEADBEEF"]
    assert rig.stage.events() == []


def test_switched_off_at_the_end_the_lock_stays_as_it_is(rig: Rig) -> None:
    rig.transfer()
    rig.stage.switch_off()
    assert rig.module.ordered == PowerModuleCommand()
    assert rig.board.ordered == IoCommand(lock=True)


@pytest.mark.parametrize(
    ("positive", "negative", "commanded", "seen"),
    [
        (True, True, True, Contactor.CLOSED),
        (True, True, False, Contactor.CLOSED),
        (True, False, True, Contactor.OPEN),
        (False, True, False, Contactor.CLOSED),
        (False, False, True, Contactor.OPEN),
        (False, False, False, Contactor.OPEN),
    ],
)
def test_contactor_from_mirrors_and_command(
    rig: Rig, positive: bool, negative: bool, commanded: bool, seen: Contactor
) -> None:
    """One closed pole is not closed while closing, and not open while opening."""
    rig.board.changes = {
        "contactor_positive_closed": positive,
        "contactor_negative_closed": negative,
        "contactor_commanded": commanded,
    }
    assert rig.cycle().contactor is seen


# -- anything at all ---------------------------------------------------------------------------------------------------------

MISHAPS = st.one_of(
    st.tuples(st.just("silent"), st.sets(st.sampled_from(["board", "module", "meter", "monitor"]), max_size=2)),
    st.tuples(st.just("pilot"), st.sampled_from(ControlPilot)),
    st.tuples(st.just("latched"), st.frozensets(st.sampled_from(list(BoardFault)), max_size=2)),
    st.tuples(
        st.just("board"),
        st.sampled_from([{}, {"open_inputs": frozenset({SafetyInput.DOOR})}, {"contactor_positive_closed": False}]),
    ),
    st.tuples(st.just("phase"), st.sampled_from([None, *Phase])),
    st.tuples(st.just("power"), st.floats(-30_000, 30_000)),
    st.tuples(st.just("car_open"), st.booleans()),
    st.tuples(st.just("gain"), st.floats(-1.0, 2.0)),
    st.tuples(st.just("module"), st.sampled_from([(), ("fan",)])),
    st.tuples(st.just("late"), st.floats(0.2, 5.0)),
    st.tuples(st.just("defect"), st.none()),
    st.tuples(st.just("reset"), st.none()),
    st.tuples(st.just("session"), st.floats(-15_000, 15_000)),
)


class Judge:
    """Looks at what is ordered after each cycle: the promises of the whole stage."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.tests_before = rig.monitor.tests
        self.no_demand_since_s: float | None = None
        self.emergency_s: float | None = None

    def cycle(self) -> None:
        rig = self.rig
        was_closed = rig.board.ordered.contactor
        image = rig.cycle()
        board, module = rig.board.ordered, rig.module.ordered
        if any(CATALOGUE[code].severity is Severity.EMERGENCY for code in image.faults):
            assert module == PowerModuleCommand(), image.faults
            self.emergency_s = rig.now_s if self.emergency_s is None else self.emergency_s
            emergencies = {code for code in image.faults if CATALOGUE[code].severity is Severity.EMERGENCY}
            waits = emergencies <= MAY_WAIT_FOR_CURRENT
            assert not board.contactor or (waits and rig.now_s - self.emergency_s <= LOAD_WAIT_S + 0.001), image.faults
        else:
            self.emergency_s = None
        if board.contactor and not was_closed:
            self.tests_before = rig.monitor.tests
        if not board.contactor:
            assert not module.output_on
        if image.stage in (Stage.PRE_CHARGE, Stage.PRE_CHARGED, Stage.TRANSFER):
            assert rig.monitor.tests > self.tests_before, "energised without a cable check since the contactor closed"
        if rig.demand is not None:
            self.no_demand_since_s = None
        elif self.no_demand_since_s is None:
            self.no_demand_since_s = rig.now_s
        elif rig.now_s - self.no_demand_since_s > LEASE_S + RAMP_DOWN_TIMEOUT_S + 2 * TICK_S:
            assert not board.contactor and module.current_A == 0.0

    def run(self, cycles: int) -> None:
        for _ in range(cycles):
            self.cycle()


def mishap(rig: Rig, judge: Judge, kind: str, value: Any) -> None:
    match kind:
        case "silent":
            rig.silent = value
        case "pilot":
            rig.board.car = value
        case "latched":
            rig.board.latched = value
        case "board":
            rig.board.changes = value
        case "phase":
            rig.demand = None if value is None else order(value)
        case "power":
            rig.demand = None if rig.demand is None else replace(rig.demand, power_W=value)
        case "car_open":
            rig.module.car_open = value
        case "gain":
            rig.meter.gain = value
        case "module":
            rig.module.faults = value
        case "late":
            rig.now_s += value
            rig.stage.process_stalled(value, rig.now_s + TICK_S)
        case "defect":
            rig.stage.fail_safe(RuntimeError("a defect"), rig.now_s)
        case "reset":
            rig.stage.reset_faults("a test")
        case _:
            well(rig, judge, value)


def well(rig: Rig, judge: Judge, power_W: float) -> None:
    """Everything is put right, and a session begins."""
    rig.silent, rig.board.car, rig.board.changes = set(), ControlPilot.C, {}
    rig.board.latched, rig.module.faults, rig.module.car_open, rig.meter.gain = frozenset(), (), False, 1.0
    rig.demand = order(Phase.OFF)
    judge.run(350)
    rig.stage.reset_faults("a test")
    judge.run(120)
    for phase in (Phase.CABLE_CHECK, Phase.PRE_CHARGE, Phase.TRANSFER):
        rig.demand = order(phase, power_W=power_W)
        judge.run(60)


@pytest.mark.slow
@given(st.lists(st.tuples(MISHAPS, st.integers(1, 120)), min_size=1, max_size=12))
def test_whatever_happens_the_stage_keeps_its_promises(story: list[tuple[tuple[str, Any], int]]) -> None:
    rig = Rig()
    judge = Judge(rig)
    well(rig, judge, 8000.0)
    assert rig.image is not None and rig.image.stage is Stage.TRANSFER  # else the promises would hold for want of power
    for (kind, value), cycles in story:
        mishap(rig, judge, kind, value)
        judge.run(cycles)
    rig.demand = None
    judge.run(300)


# -- a restart ---------------------------------------------------------------------------------------------------------------


def test_a_restart_is_no_way_around_a_latch_and_its_reset_has_an_author(rig: Rig) -> None:
    rig.run(0.05)
    rig.board.changes = {"open_inputs": frozenset({SafetyInput.EMERGENCY_CHAIN})}
    rig.run(0.1)
    kept = dict(rig.stage.operator_latches)
    assert set(kept) == {FaultCode.EMERGENCY_STOP}
    hardware = EvseHardware(
        IoWiring.of_one(rig.board), DcOutlet(rig.module, rig.monitor, rig.ratings), rig.meter, rig.reader
    )
    rig.stage, rig.board.changes, rig.events = EvseStage(EvseId(1), hardware, rig.ratings, kept), {}, []
    rig.demand = order(Phase.CABLE_CHECK)
    image = rig.run(3.0)
    assert image.faults == {FaultCode.EMERGENCY_STOP}
    assert not rig.board.ordered.contactor
    rig.stage.reset_faults("central system")  # from afar: a person looks first
    assert rig.run(2.0).faults == {FaultCode.EMERGENCY_STOP}
    rig.stage.reset_faults("local command")
    assert rig.run(0.1).faults == frozenset()
    authors = {event.code: event.author for event in rig.events if isinstance(event, FaultCleared)}
    assert authors[FaultCode.EMERGENCY_STOP] == "local command"
    assert authors[FaultCode.METER_COMMUNICATION] == ""
    assert rig.stage.operator_latches == {}


def test_a_record_that_cannot_be_written_stops_power_until_a_person_resets_it(rig: Rig) -> None:
    rig.transfer()
    rig.stage.note_record_trouble("disk full")
    assert rig.cycle().faults == {FaultCode.LATCH_RECORD}
    rig.stage.note_record_trouble("")
    rig.demand = order(Phase.OFF)
    assert rig.run(4.0).faults == {FaultCode.LATCH_RECORD}
    rig.stage.reset_faults("a test")
    assert rig.run(0.1).faults == frozenset()
