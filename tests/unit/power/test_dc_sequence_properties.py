"""What holds whatever happens: random inputs into interlocks, latches and sequence together, as the stage joins them."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chargepoint.model.demand import Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCode, Severity
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor, ControlPilot, Lock, Stage
from chargepoint.model.io import BoardFault, SafetyInput
from chargepoint.model.limits import Interval, rated
from chargepoint.ports import InsulationState, PowerModuleCapabilities, PowerModuleCommand, Reversal
from chargepoint.power.dc_sequence import RAMP_DOWN_TIMEOUT_S, UNHEARD_RAMP_DOWN_S, DcSequence
from chargepoint.power.ramp import Ramp
from chargepoint.power.sequence import SequenceInputs, SequenceOutputs
from chargepoint.safety.contactor_watch import ContactorWatch
from chargepoint.safety.envelope import Envelope
from chargepoint.safety.interlocks.inputs import InterlockInputs
from chargepoint.safety.interlocks.table import Interlocks
from chargepoint.safety.latches import Latches
from tests.joined.orders import dc_order

pytestmark = pytest.mark.slow

ENVELOPE = Envelope(rated(920.0, 40.0))
MAY_FEED = {Stage.CABLE_CHECK, Stage.PRE_CHARGE, Stage.PRE_CHARGED, Stage.TRANSFER, Stage.RAMP_DOWN}
OPEN = {Stage.OFF, Stage.OPENING, Stage.DISCHARGING_OUTPUT, Stage.FAULTED}
FORWARD = {
    Stage.OFF: {Stage.OFF, Stage.CABLE_CHECK, Stage.FAULTED, Stage.DISCHARGING_OUTPUT},
    Stage.CABLE_CHECK: {Stage.CABLE_CHECK, Stage.CABLE_CHECKED, Stage.RAMP_DOWN, Stage.OPENING},
    Stage.CABLE_CHECKED: {Stage.CABLE_CHECKED, Stage.PRE_CHARGE, Stage.RAMP_DOWN, Stage.OPENING},
    Stage.PRE_CHARGE: {Stage.PRE_CHARGE, Stage.PRE_CHARGED, Stage.RAMP_DOWN, Stage.OPENING},
    Stage.PRE_CHARGED: {Stage.PRE_CHARGED, Stage.PRE_CHARGE, Stage.TRANSFER, Stage.RAMP_DOWN, Stage.OPENING},
    Stage.TRANSFER: {Stage.TRANSFER, Stage.RAMP_DOWN, Stage.OPENING},
    Stage.RAMP_DOWN: {Stage.RAMP_DOWN, Stage.OPENING},
    Stage.OPENING: {Stage.OPENING, Stage.DISCHARGING_OUTPUT},
    Stage.DISCHARGING_OUTPUT: {Stage.DISCHARGING_OUTPUT, Stage.OFF, Stage.FAULTED},
    Stage.FAULTED: {Stage.FAULTED, Stage.OFF, Stage.CABLE_CHECK, Stage.DISCHARGING_OUTPUT},
}


def capabilities(reversal: Reversal) -> PowerModuleCapabilities:
    return PowerModuleCapabilities(0.0, 1000.0, 40.0, 35.0, 30_000.0, 20_000.0, 1000.0, reversal, 0.1, None)


@dataclass
class World:
    """What the inputs say now. `cooperative`: contactor and voltage follow the orders, so that a session gets far."""

    demand: StageDemand | None = None
    pilot: ControlPilot = ControlPilot.C
    lock: Lock = Lock.LOCKED
    contactor: Contactor | None = None
    volts: float | None = 0.0
    amps: float | None = 0.0
    meter_amps: float | None = None
    ohm: float | None = 1e6
    monitor_healthy: bool = True
    board_alive: bool = True
    chain_closed: bool = True
    identified: bool = True
    degC: float | None = 30.0
    following: bool = True
    latched: frozenset[BoardFault] = frozenset()
    process_stalled: str = ""


class Rig:
    """Interlocks, latches and sequence in the order of `EvseStage.cycle`, with every promise checked at each step."""

    def __init__(self, reversal: Reversal = Reversal.VIA_ZERO) -> None:
        self.world = World()
        self.capabilities = capabilities(reversal)
        self.reversal = reversal
        self.sequence = DcSequence(ENVELOPE, Ramp(100.0, reversal, 0.1))
        self.interlocks, self.latches, self.watch = Interlocks(), Latches(), ContactorWatch()
        self.opened = False
        self.now_s = 50.0
        self.out: SequenceOutputs | None = None
        self.demand_lost_s: float | None = None
        self.unheard_s: float | None = None
        self.tested = False
        self.checked = False
        self.limit_A = 0.0

    def step(self, dt_s: float = 0.01) -> None:
        world, before = self.world, self.sequence.stage
        self.now_s += dt_s
        commanded = self.out is not None and self.out.io.contactor
        contactor = world.contactor or (Contactor.CLOSED if commanded else Contactor.OPEN)
        if world.following:
            self._follow(commanded)
        seen = contactor if world.board_alive else Contactor.UNKNOWN
        self.opened = self.watch.step(self.now_s, ordered=commanded, contactor=seen, coil_on=None)
        active = self.interlocks.evaluate(self._inputs(before, contactor, commanded))
        power_off = before in (Stage.OFF, Stage.FAULTED) and not commanded
        gone = world.pilot is ControlPilot.A
        self.latches.step(active, power_off=power_off, car_gone=gone)
        severity = self.latches.severity
        inputs = SequenceInputs(
            now_s=self.now_s,
            demand=world.demand,
            severity=severity,
            pilot=world.pilot if world.board_alive else ControlPilot.UNKNOWN,
            lock=world.lock if world.board_alive else Lock.UNDEFINED,
            contactor=contactor if world.board_alive else Contactor.UNKNOWN,
            voltage_V=world.volts,
            current_A=world.amps,
            meter_current_A=world.meter_amps,
            insulation=InsulationState(world.ohm, world.monitor_healthy, self.tested or None, True),
            capabilities=self.capabilities if world.identified else None,
            temperature_degC=world.degC,
            open_now=self.opened,
        )
        out = self.sequence.step(inputs)
        self.tested = out.insulation_self_test or (self.tested and out.stage is Stage.CABLE_CHECK)
        self.latches.step({**active, **out.failures}, power_off=power_off, car_gone=gone)
        self._judge(before, out, inputs, dt_s, commanded)
        self.out = out

    def _follow(self, commanded: bool) -> None:
        world, out = self.world, self.out
        if world.volts is None or out is None:
            return
        if out.stage is Stage.TRANSFER and commanded:
            world.amps = out.module.current_A
        else:
            world.amps = 0.0
            goal_V = out.module.voltage_max_V if out.module.output_on else 0.0
            world.volts += min(max(goal_V - world.volts, -60.0), 60.0)

    def _inputs(self, stage: Stage, contactor: Contactor, commanded: bool) -> InterlockInputs:
        world, alive = self.world, self.world.board_alive
        return InterlockInputs(
            now_s=self.now_s,
            envelope=ENVELOPE,
            stage=stage,
            lease_valid=world.demand is not None,
            pilot_board_alive=alive,
            power_module_alive=world.volts is not None,
            meter_alive=True,
            insulation_monitor_trouble="" if world.monitor_healthy else "silent",
            pilot=world.pilot if alive else ControlPilot.UNKNOWN,
            lock=world.lock if alive else Lock.UNDEFINED,
            contactor=contactor if alive else Contactor.UNKNOWN,
            contactor_commanded=commanded,
            contactor_opened=self.opened,
            open_inputs=frozenset() if world.chain_closed else frozenset({SafetyInput.EMERGENCY_CHAIN}),
            board_latched=world.latched if alive else frozenset(),
            car_voltage_max_V=450.0,
            car_voltage_named_V=450.0,
            module_voltage_V=world.volts,
            module_current_A=world.amps,
            module_faults=(),
            meter_voltage_V=world.volts,
            meter_current_A=world.meter_amps,
            energy=None,
            commanded_current_A=self.sequence.commanded_current_A,
            allowed_current_A=self.sequence.allowed_current_A,
            battery_full=False,
            insulation_ohm=world.ohm,
            temperature_degC=world.degC,
            process_stalled=world.process_stalled,
        )

    def _judge(self, before: Stage, out: SequenceOutputs, i: SequenceInputs, dt_s: float, commanded: bool) -> None:
        module = out.module
        feeding = module.output_on and module.current_A != 0.0
        assert not feeding or out.stage in MAY_FEED
        assert out.stage in FORWARD[before] or before is out.stage
        assert out.io.contactor is (out.stage not in OPEN)
        if i.severity is Severity.EMERGENCY:
            assert not out.io.contactor and module == PowerModuleCommand()
            assert out.io.pilot in (PilotCommand.F, PilotCommand.X1)
        if i.open_now:
            assert not out.io.contactor and module == PowerModuleCommand()
        if i.severity is not None:
            assert out.stage not in (Stage.CABLE_CHECK, Stage.CABLE_CHECKED, Stage.PRE_CHARGE, Stage.TRANSFER)
        if out.io.contactor and not commanded:  # the moment of closing
            assert i.pilot.ready and i.lock is Lock.LOCKED and i.contactor is Contactor.OPEN
            assert i.demand is not None and i.demand.phase is Phase.CABLE_CHECK
            assert i.voltage_V is not None and i.voltage_V < 60.0
        if out.stage is Stage.CABLE_CHECKED and before is Stage.CABLE_CHECK:
            assert self.tested or (i.insulation is not None and i.insulation.self_test_passed)
            assert i.voltage_V is not None and i.voltage_V < 60.0
            self.checked = True
        if out.stage in (Stage.PRE_CHARGE, Stage.TRANSFER):
            assert self.checked
        if out.stage in OPEN:
            self.checked = False
        assert module.voltage_max_V <= 920.0
        self._judge_current(out, i, dt_s)
        if i.demand is not None or out.stage in OPEN:
            self.demand_lost_s = None
        elif self.demand_lost_s is None:
            self.demand_lost_s = self.now_s
        else:
            assert self.now_s - self.demand_lost_s <= RAMP_DOWN_TIMEOUT_S + dt_s + 1e-6

        if out.stage is not Stage.RAMP_DOWN or i.current_A is not None:
            self.unheard_s = None
        elif self.unheard_s is None:
            self.unheard_s = self.now_s
        else:
            assert self.now_s - self.unheard_s <= UNHEARD_RAMP_DOWN_S + dt_s + 1e-6

    def _judge_current(self, out: SequenceOutputs, i: SequenceInputs, dt_s: float) -> None:
        amps = out.module.current_A
        if out.stage in (Stage.CABLE_CHECK, Stage.PRE_CHARGE, Stage.PRE_CHARGED):
            assert amps in (0.0, 2.0)
            return
        if out.stage is Stage.TRANSFER:
            assert i.demand is not None
            order = i.demand
            bound_A = (
                min(order.dc.limits.charge_current_max_A, 40.0)
                if amps > 0
                else min(order.dc.limits.discharge_current_max_A, 35.0)
            )
            if i.voltage_V is not None and i.voltage_V > 0 and i.capabilities is not None:
                low_W, high_W = order.limits_W.low, order.limits_W.high
                bound_A = min(bound_A, max(0.0, high_W if amps > 0 else -low_W) / i.voltage_V)
            # a limit that has just fallen is reached at the ramp's slope, never overstepped further
            self.limit_A = max(bound_A, self.limit_A - 100.0 * min(dt_s, 0.2))
            assert abs(amps) <= self.limit_A + 1e-6
        elif out.stage is Stage.RAMP_DOWN:
            assert abs(amps) <= self.limit_A + 1e-6
            self.limit_A = min(self.limit_A, abs(amps))
        else:
            assert amps == 0.0
            self.limit_A = 0.0


def order(
    phase: Phase, power_W: float, charge_A: float, discharge_A: float, low_W: float, high_W: float
) -> StageDemand:
    return StageDemand(
        EvseId(1), 1, 0.5, phase, PilotCommand.PWM, 5.0, True, power_W,
        Interval(low_W, high_W), order=dc_order(450.0, 400.0, 300.0, charge_A, discharge_A),
    )  # fmt: skip


phases = st.sampled_from([Phase.OFF, Phase.CABLE_CHECK, Phase.PRE_CHARGE, *[Phase.TRANSFER] * 3])
watts = st.floats(-40_000, 40_000)
amperes = st.floats(0, 60)
orders = st.builds(order, phases, watts, amperes, amperes, st.floats(-40_000, 0), st.floats(0, 40_000))
volts = st.none() | st.floats(0, 1300)
currents = st.none() | st.floats(-60, 60)


class Anything(RuleBasedStateMachine):
    """Sessions that go well for a while, and anything at all happening to them."""

    @initialize(reversal=st.sampled_from(Reversal))
    def begin(self, reversal: Reversal) -> None:
        self.rig = Rig(reversal)

    @rule(cycles=st.integers(1, 60), dt_s=st.sampled_from([0.01, 0.02, 0.1]))
    def pass_time(self, cycles: int, dt_s: float) -> None:
        for _ in range(cycles):
            self.rig.step(dt_s)

    @rule(demand=orders)
    def a_demand(self, demand: StageDemand) -> None:
        self.rig.world.demand = demand
        self.rig.step()

    @rule(demand=orders)
    def a_good_session(self, demand: StageDemand) -> None:
        """All is well until TRANSFER is reached, or something latched forbids it."""
        rig = self.rig
        rig.world = World()
        rig.latches.ask_reset()
        for phase in (Phase.CABLE_CHECK, Phase.PRE_CHARGE, Phase.TRANSFER):
            rig.world.demand = order(phase, demand.power_W, 30.0, 30.0, -20_000.0, 20_000.0)
            for _ in range(80):
                rig.step()

    @rule()
    def no_demand(self) -> None:
        self.rig.world.demand = None

    @rule(pilot=st.sampled_from(ControlPilot))
    def pilot(self, pilot: ControlPilot) -> None:
        self.rig.world.pilot = pilot

    @rule(lock=st.sampled_from(Lock))
    def lock(self, lock: Lock) -> None:
        self.rig.world.lock = lock

    @rule(contactor=st.none() | st.sampled_from(Contactor))
    def contactor(self, contactor: Contactor | None) -> None:
        self.rig.world.contactor = contactor

    @rule(volts=volts, amps=currents, following=st.booleans())
    def readings(self, volts: float | None, amps: float | None, following: bool) -> None:
        world = self.rig.world
        world.volts, world.amps, world.following = volts, amps, following

    @rule(ohm=st.none() | st.floats(0, 2e6), healthy=st.booleans())
    def insulation(self, ohm: float | None, healthy: bool) -> None:
        self.rig.world.ohm, self.rig.world.monitor_healthy = ohm, healthy

    @rule(alive=st.booleans(), chain=st.booleans(), identified=st.booleans())
    def devices(self, alive: bool, chain: bool, identified: bool) -> None:
        world = self.rig.world
        world.board_alive, world.chain_closed, world.identified = alive, chain, identified

    @rule(meter_amps=currents)
    def meter(self, meter_amps: float | None) -> None:
        self.rig.world.meter_amps = meter_amps

    @rule(
        latched=st.frozensets(st.sampled_from(list(BoardFault)), max_size=2),
        process_stalled=st.sampled_from(["", "x"]),
    )
    def board_and_process(self, latched: frozenset[BoardFault], process_stalled: str) -> None:
        self.rig.world.latched, self.rig.world.process_stalled = latched, process_stalled

    @rule(degC=st.none() | st.floats(0, 120))
    def heat(self, degC: float | None) -> None:
        self.rig.world.degC = degC

    @rule()
    def reset(self) -> None:
        self.rig.latches.ask_reset()

    @invariant()
    def a_latched_emergency_leaves_nothing_closed(self) -> None:
        """Beside what `Rig.step` asserts, seen from outside; one that cleared in this step is latched no more."""
        rig = getattr(self, "rig", None)
        if rig is not None and rig.out is not None and rig.latches.severity is Severity.EMERGENCY:
            rig.step()
            assert rig.latches.severity is not Severity.EMERGENCY or not rig.out.io.contactor


TestAnything = Anything.TestCase
TestAnything.settings = settings(stateful_step_count=30)


def test_the_good_session_of_the_machine_reaches_transfer() -> None:
    """Else the properties above would hold for want of power."""
    machine = Anything()
    machine.begin(Reversal.VIA_ZERO)
    machine.a_good_session(order(Phase.TRANSFER, 8000.0, 30.0, 30.0, -20_000.0, 20_000.0))
    assert machine.rig.out is not None
    assert machine.rig.out.stage is Stage.TRANSFER
    assert machine.rig.out.module.current_A > 15.0
    assert machine.rig.latches.codes == frozenset()


@given(st.sampled_from(Reversal), st.lists(st.tuples(watts, st.integers(1, 80)), min_size=2, max_size=8))
def test_the_commanded_current_changes_sign_only_through_zero(
    reversal: Reversal, story: list[tuple[float, int]]
) -> None:
    machine = Anything()
    machine.begin(reversal)
    rig = machine.rig
    machine.a_good_session(order(Phase.TRANSFER, 0.0, 30.0, 30.0, -20_000.0, 20_000.0))
    before_A, zeros, direction = 0.0, 0, 0
    for power_W, cycles in story:
        rig.world.demand = order(Phase.TRANSFER, power_W, 30.0, 30.0, -20_000.0, 20_000.0)
        for _ in range(cycles):
            rig.step()
            assert rig.out is not None and rig.out.stage is Stage.TRANSFER
            amps = rig.out.module.current_A
            sign = (amps > 0) - (amps < 0)
            if sign and direction and sign != direction and reversal is not Reversal.SEAMLESS:
                assert before_A == 0.0 and zeros >= 10  # 0.1 s of the module's reversal time
            zeros = zeros + 1 if amps == 0.0 else 0
            direction = sign or direction
            before_A = amps


@given(st.integers(0, 300), st.sampled_from(FaultCode))
def test_with_the_demand_gone_the_contactor_opens_in_time(cycles: int, code: FaultCode) -> None:
    machine = Anything()
    machine.begin(Reversal.VIA_ZERO)
    rig = machine.rig
    machine.a_good_session(order(Phase.TRANSFER, 12_000.0, 30.0, 30.0, -20_000.0, 20_000.0))
    for _ in range(cycles):
        rig.step()
    rig.latches.step({code: "drawn"}, power_off=False, car_gone=False)
    rig.world.demand = None
    rig.world.amps, rig.world.following = None, False
    for _ in range(round(RAMP_DOWN_TIMEOUT_S / 0.01) + 2):
        rig.step()
    assert rig.out is not None and not rig.out.io.contactor
