"""The DC sequence of one EVSE: off, cable check, pre-charge, transfer, ramp down, open, discharge.

Pure: what it sees goes in with the time, what it commands comes out. Order and figures: IEC 61851-23 Annex CC as far as
facts/safety.md 1.1 and 1.2 give them (grades there). Ramping lives in `ramp.py`, interlocks in `chargepoint.safety`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chargepoint.model.demand import Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCode, Severity
from chargepoint.model.image import Contactor, ControlPilot, Lock, Stage
from chargepoint.ports import InsulationState, PilotBoardCommand, PowerModuleCapabilities, PowerModuleCommand
from chargepoint.power.law import power_W as law_power_W
from chargepoint.power.ramp import Ramp
from chargepoint.safety.envelope import (
    NO_CURRENT_A,
    PRE_CHARGE_CURRENT_A,
    PRE_CHARGE_TOLERANCE_V,
    SAFE_VOLTAGE_V,
    Envelope,
    cable_check_voltage_V,
    temperature_factor,
)

CONTACTOR_CLOSE_TIMEOUT_S = 5.0
CABLE_CHECK_VOLTAGE_TIMEOUT_S = 10.0
CABLE_CHECK_TOLERANCE_V = 10.0
SELF_TEST_TIMEOUT_S = 30.0
INSULATION_VALUE_TIMEOUT_S = 5.0
VOLTAGE_DOWN_TIMEOUT_S = 10.0
PRE_CHARGE_TIMEOUT_S = 10.0
RAMP_DOWN_TIMEOUT_S = 2.0
STOP_RAMP_A_PER_S = 100.0  # facts/safety.md 1.2: down at least 100 A/s in a normal stop (grade D)
ERROR_RAMP_A_PER_S = 200.0  # facts/safety.md 1.2: at least 200 A/s in an emergency (grade D)
CONTACTOR_OPEN_WAIT_S = 0.1
OUTPUT_DISCHARGE_TIMEOUT_S = 2.5
CONTACTOR_BOUNCE_S = 0.1
PILOT_F_S = 4.0
"""State F is shown this long after an emergency (facts/safety.md 2: E/F step 4 s), then a steady 12 V: only with that can
the car's departure be seen, which the reset of many faults waits for."""


@dataclass(frozen=True, slots=True)
class SequenceInputs:
    """What the sequence sees in one cycle. None: not known or too old. `demand` None: no valid lease."""

    now_s: float
    demand: StageDemand | None
    severity: Severity | None
    pilot: ControlPilot
    lock: Lock
    contactor: Contactor
    voltage_V: float | None
    current_A: float | None
    insulation: InsulationState | None
    capabilities: PowerModuleCapabilities | None
    temperature_degC: float | None
    frequency_Hz: float | None = None


@dataclass(frozen=True, slots=True)
class SequenceOutputs:
    """What is commanded. `failures` are to be latched by the caller before the next cycle."""

    stage: Stage
    board: PilotBoardCommand
    module: PowerModuleCommand
    insulation_measuring: bool
    insulation_self_test: bool
    target_W: float
    applied_W: float
    limited_by: str
    failures: dict[FaultCode, str] = field(default_factory=dict)


_OPEN = {Stage.OFF, Stage.OPENING, Stage.DISCHARGING_OUTPUT, Stage.FAULTED}


class DcSequence:
    """One EVSE's sequence. `step` is called each cycle; nothing in it waits."""

    def __init__(self, envelope: Envelope, ramp: Ramp) -> None:
        self._envelope = envelope
        self._ramp = ramp
        self._stage = Stage.OFF
        self._entered_s = 0.0
        self._check_step = 0
        self._check_step_s = 0.0
        self._self_test = False
        self._target_W = 0.0
        self._limited_by = ""
        self._failures: dict[FaultCode, str] = {}
        self._test_V = 0.0
        self._not_closed_since_s: float | None = None
        self._waiting_low_since_s: float | None = None
        self._stop_from_A = 0.0
        self._window_V = (0.0, 0.0)
        self._pilot = (PilotCommand.F, 0.0)
        self._pilot_f_since_s: float | None = None

    @property
    def stage(self) -> Stage:
        """Where it is."""
        return self._stage

    @property
    def commanded_current_A(self) -> float:
        """What the ramp commands now, signed."""
        return self._ramp.current_A

    def step(self, i: SequenceInputs) -> SequenceOutputs:
        """One cycle: trips first, then a withdrawn demand, then the stage's own work."""
        self._failures, self._self_test = {}, False
        self._target_W, self._limited_by = 0.0, ""
        if i.severity is Severity.EMERGENCY and self._stage not in _OPEN:
            self._ramp.reset()
            self._enter(Stage.OPENING, i.now_s)
        elif self._stage not in _OPEN and self._stage is not Stage.RAMP_DOWN and self._must_stop(i):
            self._enter(Stage.RAMP_DOWN, i.now_s)
        module = self._work(i)
        return SequenceOutputs(
            stage=self._stage,
            board=self._board(i),
            module=module,
            insulation_measuring=self._stage not in (Stage.OFF, Stage.FAULTED),
            insulation_self_test=self._self_test,
            target_W=self._target_W,
            applied_W=self._ramp.current_A * (i.voltage_V or 0.0),
            limited_by=self._limited_by,
            failures=self._failures,
        )

    def _must_stop(self, i: SequenceInputs) -> bool:
        if i.severity is not None or i.demand is None or i.demand.phase is Phase.OFF:
            return True
        # going back (TRANSFER to PRE_CHARGE, say) is a stop too: the sequence only moves forward
        done = {Stage.CABLE_CHECK: 1, Stage.CABLE_CHECKED: 1, Stage.PRE_CHARGE: 2, Stage.PRE_CHARGED: 2}
        return int(i.demand.phase) < done.get(self._stage, 3)

    def _enter(self, stage: Stage, now_s: float) -> None:
        self._stage, self._entered_s = stage, now_s
        self._check_step, self._check_step_s = 0, now_s
        self._not_closed_since_s = self._waiting_low_since_s = None
        self._stop_from_A = abs(self._ramp.current_A)

    def _fail(self, code: FaultCode, detail: str, now_s: float) -> PowerModuleCommand:
        self._failures[code] = detail
        self._enter(Stage.RAMP_DOWN, now_s)
        return PowerModuleCommand()

    def _work(self, i: SequenceInputs) -> PowerModuleCommand:
        match self._stage:
            case Stage.OFF | Stage.FAULTED:
                return self._off(i)
            case Stage.CABLE_CHECK:
                return self._cable_check(i)
            case Stage.CABLE_CHECKED:
                assert i.demand is not None
                if i.demand.phase >= Phase.PRE_CHARGE:
                    self._enter(Stage.PRE_CHARGE, i.now_s)
                return PowerModuleCommand()
            case Stage.PRE_CHARGE | Stage.PRE_CHARGED:
                return self._pre_charge(i)
            case Stage.TRANSFER:
                return self._transfer(i)
            case Stage.RAMP_DOWN:
                return self._ramp_down(i)
            case Stage.OPENING:
                if i.now_s - self._entered_s >= CONTACTOR_OPEN_WAIT_S and i.contactor is not Contactor.CLOSED:
                    self._enter(Stage.DISCHARGING_OUTPUT, i.now_s)
                return PowerModuleCommand()
            case Stage.DISCHARGING_OUTPUT:
                low = i.voltage_V is not None and i.voltage_V < SAFE_VOLTAGE_V
                if low or i.now_s - self._entered_s >= OUTPUT_DISCHARGE_TIMEOUT_S:
                    self._enter(Stage.FAULTED if i.severity else Stage.OFF, i.now_s)
                return PowerModuleCommand()

    def _off(self, i: SequenceInputs) -> PowerModuleCommand:
        self._ramp.reset()
        if i.severity is not None:
            self._stage, self._waiting_low_since_s = Stage.FAULTED, None
            return PowerModuleCommand()
        self._stage = Stage.OFF
        demand = i.demand
        if demand is None or demand.phase is not Phase.CABLE_CHECK:
            self._waiting_low_since_s = None
            return PowerModuleCommand()  # every session begins with a cable check; no other way in
        if not i.pilot.ready or i.lock is not Lock.LOCKED or i.capabilities is None:
            return PowerModuleCommand()  # not yet: the daemon's own time-out speaks
        if i.contactor is not Contactor.OPEN or demand.voltage_limit_V <= SAFE_VOLTAGE_V:
            return PowerModuleCommand()  # a contactor that is closed already, or a test at no voltage, proves nothing
        if i.voltage_V is None or i.voltage_V >= SAFE_VOLTAGE_V:
            if self._waiting_low_since_s is None:
                self._waiting_low_since_s = i.now_s
            if i.voltage_V is not None and i.now_s - self._waiting_low_since_s > VOLTAGE_DOWN_TIMEOUT_S:
                self._failures[FaultCode.CABLE_CHECK] = (
                    f"output at {i.voltage_V:.0f} V before closing: below {SAFE_VOLTAGE_V:.0f} V"
                )
            return PowerModuleCommand()
        self._test_V = cable_check_voltage_V(demand.voltage_limit_V, self._max_voltage_V(i))
        self._enter(Stage.CABLE_CHECK, i.now_s)
        return PowerModuleCommand()

    def _stays_closed(self, i: SequenceInputs) -> bool:
        """The mirror contacts say closed, or have said otherwise for no longer than a bounce."""
        if i.contactor is Contactor.CLOSED:
            self._not_closed_since_s = None
            return True
        if self._not_closed_since_s is None:
            self._not_closed_since_s = i.now_s
        return i.now_s - self._not_closed_since_s < CONTACTOR_BOUNCE_S

    def _next_check(self, now_s: float) -> None:
        self._check_step += 1
        self._check_step_s = now_s

    def _cable_check(self, i: SequenceInputs) -> PowerModuleCommand:
        test_V = self._test_V
        energised = PowerModuleCommand(True, PRE_CHARGE_CURRENT_A, test_V, 0.0)
        waited_s = i.now_s - self._check_step_s
        at_test_V = i.voltage_V is not None and abs(i.voltage_V - test_V) <= CABLE_CHECK_TOLERANCE_V
        if self._check_step > 0 and not self._stays_closed(i):
            return self._fail(FaultCode.CONTACTOR_NOT_CLOSED, "contactor opened during the cable check", i.now_s)
        match self._check_step:
            case 0:  # close and see the mirror contacts
                if i.contactor is Contactor.CLOSED:
                    self._next_check(i.now_s)
                elif waited_s > CONTACTOR_CLOSE_TIMEOUT_S:
                    detail = f"no mirror contact within {CONTACTOR_CLOSE_TIMEOUT_S:.0f} s"
                    return self._fail(FaultCode.CONTACTOR_NOT_CLOSED, detail, i.now_s)
                return PowerModuleCommand()
            case 1:  # bring the test voltage up with 2 A: a short circuit never gets there
                if at_test_V:
                    self._self_test = True
                    self._next_check(i.now_s)
                elif waited_s > CABLE_CHECK_VOLTAGE_TIMEOUT_S:
                    seen = "unknown" if i.voltage_V is None else f"{i.voltage_V:.0f} V"
                    return self._fail(FaultCode.CABLE_CHECK, f"test voltage {seen}: {test_V:.0f} V wanted", i.now_s)
                return energised
            case 2:  # self-test at test voltage, each time (CC.4.1.3)
                passed = None if i.insulation is None else i.insulation.self_test_passed
                if passed:
                    self._next_check(i.now_s)
                elif passed is False:
                    return self._fail(FaultCode.CABLE_CHECK, "insulation monitor failed its self-test", i.now_s)
                elif waited_s > SELF_TEST_TIMEOUT_S:
                    detail = f"insulation self-test not done in {SELF_TEST_TIMEOUT_S:.0f} s"
                    return self._fail(FaultCode.CABLE_CHECK, detail, i.now_s)
                return energised
            case 3:  # the measurement itself
                value = None if i.insulation is None else i.insulation.resistance_ohm
                if value is None or not at_test_V:  # what was measured at less voltage proves nothing
                    if waited_s > INSULATION_VALUE_TIMEOUT_S:
                        detail = f"no valid insulation value at {test_V:.0f} V"
                        return self._fail(FaultCode.CABLE_CHECK, detail, i.now_s)
                    return energised
                if value < self._envelope.insulation_limit_ohm:
                    bound_kohm = self._envelope.insulation_limit_ohm / 1000
                    detail = f"{value / 1000:.0f} kohm at {test_V:.0f} V: at least {bound_kohm:.0f} kohm"
                    return self._fail(FaultCode.INSULATION, detail, i.now_s)
                self._next_check(i.now_s)
                return PowerModuleCommand()
            case _:  # back below 60 V before Finished (facts/safety.md 1.1 step 7)
                if i.voltage_V is not None and i.voltage_V < SAFE_VOLTAGE_V:
                    self._enter(Stage.CABLE_CHECKED, i.now_s)
                elif waited_s > VOLTAGE_DOWN_TIMEOUT_S:
                    return self._fail(FaultCode.CABLE_CHECK, "output did not fall below 60 V", i.now_s)
                return PowerModuleCommand()

    def _pre_charge(self, i: SequenceInputs) -> PowerModuleCommand:
        assert i.demand is not None
        if self._stage is Stage.PRE_CHARGED and i.demand.phase is Phase.TRANSFER:
            self._ramp.reset()
            self._enter(Stage.TRANSFER, i.now_s)
            return self._transfer(i)
        target_V = min(i.demand.voltage_target_V, i.demand.voltage_limit_V, self._max_voltage_V(i))
        if target_V <= 0:  # the car has not named one yet: nothing to match
            return PowerModuleCommand()
        matched = i.voltage_V is not None and abs(i.voltage_V - target_V) <= PRE_CHARGE_TOLERANCE_V
        if self._stage is Stage.PRE_CHARGE:
            if matched:
                self._enter(Stage.PRE_CHARGED, i.now_s)
            elif i.now_s - self._entered_s > PRE_CHARGE_TIMEOUT_S:
                seen = "unknown" if i.voltage_V is None else f"{i.voltage_V:.0f} V"
                detail = f"{seen}: within {PRE_CHARGE_TOLERANCE_V:.0f} V of {target_V:.0f} V"
                return self._fail(FaultCode.PRE_CHARGE, detail, i.now_s)
        elif not matched:
            self._enter(Stage.PRE_CHARGE, i.now_s)  # the car moved its target: not pre-charged any more
        return PowerModuleCommand(True, PRE_CHARGE_CURRENT_A, target_V, 0.0)

    def _transfer(self, i: SequenceInputs) -> PowerModuleCommand:
        target_A = self._target_A(i)
        step = self._ramp.step(target_A, i.current_A, i.now_s)
        assert i.demand is not None
        # kept for the ramp down, when there may be no demand any more, and while the module does not say what it is
        if i.capabilities is not None:
            self._window_V = (min(i.demand.voltage_limit_V, self._max_voltage_V(i)), i.demand.voltage_floor_V)
        return PowerModuleCommand(step.output_on, step.current_A, *self._window_V)

    def _target_A(self, i: SequenceInputs) -> float:
        """Watts wanted, cut by limits, over the present voltage; names the cut in `_limited_by`."""
        demand, capabilities = i.demand, i.capabilities
        assert demand is not None
        if capabilities is None or i.voltage_V is None or i.voltage_V < SAFE_VOLTAGE_V:
            self._limited_by = "no voltage reading"
            return 0.0
        wanted_W = demand.power_W
        if demand.law is not None:
            by_law_W = law_power_W(demand.law, i.frequency_Hz)
            if by_law_W is None:
                self._limited_by = "no grid frequency"
                return 0.0
            wanted_W = by_law_W
        power_W = demand.limits_W.clamp(wanted_W)
        if power_W != wanted_W:
            self._limited_by = "limits"
        heat = temperature_factor(i.temperature_degC)
        charge_A = min(demand.charge_current_limit_A, capabilities.charge_current_max_A)
        discharge_A = min(demand.discharge_current_limit_A, capabilities.discharge_current_max_A)
        envelope = self._envelope
        charge_W = min(capabilities.charge_power_max_W, envelope.charge_power_max_W)
        discharge_W = min(capabilities.discharge_power_max_W, envelope.discharge_power_max_W)
        charge_A = min(charge_A, charge_W / i.voltage_V, envelope.current_max_A * heat)
        discharge_A = min(discharge_A, discharge_W / i.voltage_V, envelope.current_max_A * heat)
        if power_W < 0 and i.voltage_V <= demand.voltage_floor_V:
            discharge_A = 0.0
        wanted_A = power_W / i.voltage_V
        target_A = min(max(wanted_A, -discharge_A), charge_A)
        if target_A != wanted_A:
            self._limited_by = "temperature" if heat < 1.0 else "current"
        self._target_W = target_A * i.voltage_V
        return target_A

    def _ramp_down(self, i: SequenceInputs) -> PowerModuleCommand:
        # steep enough to be at zero in half the time: what opens at the time-out opens under load
        least = ERROR_RAMP_A_PER_S if i.severity else STOP_RAMP_A_PER_S
        rate = max(least, self._ramp.rate_A_per_s, self._stop_from_A / (RAMP_DOWN_TIMEOUT_S / 2))
        step = self._ramp.step(0.0, i.current_A, i.now_s, rate)
        quiet = i.current_A is not None and abs(i.current_A) < NO_CURRENT_A and step.current_A == 0.0
        if quiet or i.now_s - self._entered_s > RAMP_DOWN_TIMEOUT_S:
            self._ramp.reset()
            self._enter(Stage.OPENING, i.now_s)
            return PowerModuleCommand()
        if step.current_A == 0.0:
            return PowerModuleCommand()
        return PowerModuleCommand(True, step.current_A, *self._window_V)

    def _max_voltage_V(self, i: SequenceInputs) -> float:
        module_V = i.capabilities.voltage_max_V if i.capabilities is not None else 0.0
        return min(self._envelope.voltage_max_V, module_V)

    def _board(self, i: SequenceInputs) -> PilotBoardCommand:
        closed = self._stage not in _OPEN
        demand = i.demand
        if i.severity is Severity.EMERGENCY:
            self._pilot = self._emergency_pilot(i)
        elif demand is not None:
            self._pilot = (demand.pilot, demand.duty_percent)
        elif not closed:
            self._pilot = (PilotCommand.F, 0.0)  # else as before: the car may see the ramp down through
        if i.severity is not Severity.EMERGENCY:
            self._pilot_f_since_s = None
        return PilotBoardCommand(
            pilot=self._pilot[0],
            duty_percent=self._pilot[1],
            contactor=closed,
            discharge=self._stage is Stage.DISCHARGING_OUTPUT or self._lowering_after_check or self._lowering_before(i),
            lock=closed or self._live(i) or (demand is not None and demand.lock),
        )

    def _emergency_pilot(self, i: SequenceInputs) -> tuple[PilotCommand, float]:
        if self._pilot_f_since_s is None:
            self._pilot_f_since_s = i.now_s
        shown = i.now_s - self._pilot_f_since_s >= PILOT_F_S
        return (PilotCommand.X1, 100.0) if shown and self._stage is Stage.FAULTED else (PilotCommand.F, 0.0)

    @property
    def _lowering_after_check(self) -> bool:
        return self._stage is Stage.CABLE_CHECK and self._check_step > 3

    def _lowering_before(self, i: SequenceInputs) -> bool:
        """What is left at the module when its own discharge was cut short (a board that opened everything, say) would
        else fail the next cable check; for as long as that discharge lasts, and never towards the car."""
        since_s = self._waiting_low_since_s
        waiting = self._stage is Stage.OFF and since_s is not None and i.contactor is Contactor.OPEN
        return waiting and since_s is not None and i.now_s - since_s <= OUTPUT_DISCHARGE_TIMEOUT_S

    def _live(self, i: SequenceInputs) -> bool:
        """The connector may carry voltage: keep it locked. Unknown counts as live while plugged.

        The voltage is the module's: once off with the contactor seen open, it is not the connector's, and a module
        that has fallen silent must not hold the car.
        """
        opened = i.contactor is Contactor.OPEN
        if self._stage is Stage.OFF and opened:
            return False
        if i.voltage_V is None:
            return i.pilot.plugged and not (self._stage is Stage.FAULTED and opened)
        return i.voltage_V >= SAFE_VOLTAGE_V
