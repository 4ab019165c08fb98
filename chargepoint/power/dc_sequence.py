"""The DC sequence of one EVSE: off, cable check, pre-charge, transfer, ramp down, open, discharge.

Pure: what it sees goes in with the time, what it commands comes out. Order and figures: IEC 61851-23 Annex CC as far as
docs/sources/safety.md 1.1 and 1.2 give them (grades there). The cable check's own steps are in `cable_check.py`, what shall flow in
`target.py`, ramping in `ramp.py`, interlocks in `chargepoint.safety`.
"""

from __future__ import annotations

from chargepoint.model.demand import Phase, PilotCommand
from chargepoint.model.faults import LOAD_WAIT_S, FaultCode, Severity
from chargepoint.model.image import Contactor, Lock, Stage
from chargepoint.ports import IoCommand, PowerModuleCommand
from chargepoint.power.cable_check import VOLTAGE_DOWN_TIMEOUT_S, CableCheck, CheckInputs
from chargepoint.power.ramp import Ramp
from chargepoint.power.sequence import SequenceInputs, SequenceOutputs
from chargepoint.power.target import CurrentTarget, charge_voltage_V, target
from chargepoint.safety.envelope import (
    NO_CURRENT_A,
    PRE_CHARGE_CURRENT_A,
    PRE_CHARGE_TOLERANCE_V,
    SAFE_VOLTAGE_V,
    Envelope,
    cable_check_voltage_V,
)

PRE_CHARGE_TIMEOUT_S = 10.0
RAMP_DOWN_TIMEOUT_S = 2.0
UNHEARD_RAMP_DOWN_S = 1.0
"""Seconds. A module that does not report its current is ordered down all the same. After this time the contactor opens, perhaps
under load, because the module may drive a current nobody commands. After an error docs/sources/safety.md 1.2 allows 1 s until the
current is below 5 A (grade D), and -25 allows more than 1 s after lost data (grade A). The silence of 0.5 s comes before that. A
contactor bears an opening under load about three times (grade B)."""
STOP_RAMP_A_PER_S = 100.0  # docs/sources/safety.md 1.2: down at least 100 A/s in a normal stop (grade D)
ERROR_RAMP_A_PER_S = 200.0  # docs/sources/safety.md 1.2: at least 200 A/s in an emergency (grade D)
CONTACTOR_OPEN_WAIT_S = 0.1
OUTPUT_DISCHARGE_TIMEOUT_S = 2.5
NO_LOAD_A = 5.0
"""A contactor that opens below this does not wear (own rule; the current that is to be reached in an emergency: docs/sources/safety.md 1.2)."""

PILOT_F_S = 4.0
"""State F is shown this long after an emergency (docs/sources/safety.md 2: E/F step 4 s), then a steady 12 V: only with that can
the car's departure be seen, which the reset of many faults waits for."""

_OFF = PowerModuleCommand()


_OPEN = {Stage.OFF, Stage.OPENING, Stage.DISCHARGING_OUTPUT, Stage.FAULTED}
"""The contactor is commanded closed in every other stage."""

_LEAST_PHASE = {
    Stage.CABLE_CHECK: Phase.CABLE_CHECK,
    Stage.CABLE_CHECKED: Phase.CABLE_CHECK,
    Stage.PRE_CHARGE: Phase.PRE_CHARGE,
    Stage.PRE_CHARGED: Phase.PRE_CHARGE,
    Stage.TRANSFER: Phase.TRANSFER,
}
"""What must at least be demanded to stay: going back (TRANSFER to PRE_CHARGE, say) is a stop, the sequence only moves forward."""


class DcSequence:
    """One EVSE's sequence. `step` is called each cycle; nothing in it waits."""

    def __init__(self, envelope: Envelope, ramp: Ramp, *, demand_spent: bool = False) -> None:
        """`demand_spent`: nothing begins before a demand came that asks for nothing. So it must be where an earlier
        sequence may have obeyed the same demand: in a process that started anew, and after a defect."""
        self._envelope = envelope
        self._ramp = ramp
        self._stage = Stage.OFF
        self._entered_s = 0.0
        self._check: CableCheck | None = None
        self._target = CurrentTarget()
        self._failures: dict[FaultCode, str] = {}
        self._waiting_low_since_s: float | None = None
        self._left_charged = False
        self._discharge_owed = False
        self._discharge_heard_s = 0.0
        self._last_s = 0.0
        self._demand_spent = demand_spent
        self._stop_from_A = 0.0
        self._window_V = (0.0, 0.0)
        self._pilot = (PilotCommand.F, 0.0)
        self._pilot_f_since_s: float | None = None
        self._emergency_since_s: float | None = None

    @property
    def stage(self) -> Stage:
        """Where it is."""
        return self._stage

    @property
    def commanded_current_A(self) -> float:
        """What the ramp commands now, signed."""
        return self._ramp.current_A

    @property
    def allowed_current_A(self) -> float:
        """What would be commanded if the battery were not at its floor, signed."""
        return self._target.allowed_A

    @property
    def waits_for_current(self) -> bool:
        """The module was ordered off in an emergency, and the contactor waits for its current: each cycle may end that."""
        return self._stage is Stage.RAMP_DOWN and self._emergency_since_s is not None

    @property
    def charge_voltage_V(self) -> float:
        """The highest output voltage of this pre-charge or transfer; 0 while nothing was named."""
        return self._window_V[0]

    def step(self, i: SequenceInputs) -> SequenceOutputs:
        """One cycle: trips first, then a withdrawn demand, then the stage's own work."""
        self._failures, self._target = {}, CurrentTarget()
        if i.off_demanded or (i.demand is not None and i.demand.phase < Phase.CABLE_CHECK):
            self._demand_spent = False  # a daemon that fell silent asked for nothing: what it asked before stays spent
        if i.severity is not Severity.EMERGENCY:
            self._emergency_since_s = None
        if (i.severity is Severity.EMERGENCY or i.open_now) and self._stage not in _OPEN:
            self._ramp.reset()
            if self._emergency_since_s is None:
                self._emergency_since_s = i.now_s
            if not self._may_wait(i):
                self._enter(Stage.OPENING, i.now_s)
            elif self._stage is not Stage.RAMP_DOWN:
                self._enter(Stage.RAMP_DOWN, i.now_s)
        elif self._stage in _LEAST_PHASE and self._must_stop(i):
            self._enter(Stage.RAMP_DOWN, i.now_s)
        module = self._work(i)
        self._tell_left_charged(i)
        self._last_s = i.now_s
        return SequenceOutputs(
            stage=self._stage,
            io=self._io(i),
            module=module,
            insulation_measuring=self._stage not in (Stage.OFF, Stage.FAULTED),
            insulation_self_test=self._check is not None and self._check.self_test_begins,
            target_W=self._target.power_W,
            applied_W=self._ramp.current_A * (i.voltage_V or 0.0),
            limited_by=self._target.limited_by,
            failures=self._failures,
        )

    def _may_wait(self, i: SequenceInputs) -> bool:
        """The module is off already; its current falls in milliseconds, and the contactor need not break it."""
        if i.open_now or not i.wait_for_current or i.current_A is None or self._emergency_since_s is None:
            return False
        return abs(i.current_A) >= NO_LOAD_A and i.now_s - self._emergency_since_s < LOAD_WAIT_S

    def _must_stop(self, i: SequenceInputs) -> bool:
        return i.severity is not None or i.demand is None or i.demand.phase < _LEAST_PHASE[self._stage]

    def _enter(self, stage: Stage, now_s: float) -> None:
        self._stage, self._entered_s = stage, now_s
        self._check = self._waiting_low_since_s = None
        self._discharge_heard_s = 0.0
        self._stop_from_A = abs(self._ramp.current_A)
        if stage in (Stage.RAMP_DOWN, Stage.OPENING):
            self._demand_spent = True

    def _fail(self, code: FaultCode, detail: str, now_s: float) -> PowerModuleCommand:
        self._failures[code] = detail
        self._enter(Stage.RAMP_DOWN, now_s)
        return _OFF

    # -- the stages --------------------------------------------------------------------------------

    def _work(self, i: SequenceInputs) -> PowerModuleCommand:
        match self._stage:
            case Stage.OFF | Stage.FAULTED:
                return self._off(i)
            case Stage.CABLE_CHECK:
                return self._cable_check(i)
            case Stage.CABLE_CHECKED:
                return self._cable_checked(i)
            case Stage.PRE_CHARGE | Stage.PRE_CHARGED:
                return self._pre_charge(i)
            case Stage.TRANSFER:
                return self._transfer(i)
            case Stage.RAMP_DOWN:
                return self._ramp_down(i)
            case Stage.OPENING:
                return self._opening(i)
            case Stage.DISCHARGING_OUTPUT:
                return self._discharging_output(i)
        return _OFF  # CLOSING: at an AC outlet only

    def _off(self, i: SequenceInputs) -> PowerModuleCommand:
        self._ramp.reset()
        self._window_V = (0.0, 0.0)
        if self._discharge_is_due(i):
            self._enter(Stage.DISCHARGING_OUTPUT, i.now_s)
            return _OFF
        if i.severity is not None:
            self._stage, self._waiting_low_since_s = Stage.FAULTED, None
            return _OFF
        self._stage = Stage.OFF
        demand = i.demand
        if demand is None or demand.phase is not Phase.CABLE_CHECK or self._demand_spent:
            self._waiting_low_since_s = None
            return (
                _OFF  # every session begins with a cable check, after a demand that asked for nothing; no other way in
            )
        if not i.pilot.ready or i.lock is not Lock.LOCKED or i.capabilities is None:
            return _OFF  # not yet: the daemon's own time-out speaks
        if i.contactor is not Contactor.OPEN or demand.dc.limits.voltage_max_V <= SAFE_VOLTAGE_V:
            return _OFF  # a contactor that is closed already, or a test at no voltage, proves nothing
        if i.voltage_V is None or i.voltage_V >= SAFE_VOLTAGE_V:
            self._wait_for_low_voltage(i)
            return _OFF
        test_V = cable_check_voltage_V(demand.dc.limits.voltage_max_V, self._max_voltage_V(i))
        self._enter(Stage.CABLE_CHECK, i.now_s)
        self._check = CableCheck(test_V, self._envelope, i.now_s)
        return _OFF

    def _wait_for_low_voltage(self, i: SequenceInputs) -> None:
        if self._waiting_low_since_s is None:
            self._waiting_low_since_s = i.now_s
        if i.voltage_V is not None and i.now_s - self._waiting_low_since_s > VOLTAGE_DOWN_TIMEOUT_S:
            self._failures[FaultCode.CABLE_CHECK] = (
                f"output at {i.voltage_V:.0f} V before closing: below {SAFE_VOLTAGE_V:.0f} V"
            )

    def _cable_check(self, i: SequenceInputs) -> PowerModuleCommand:
        check = self._check
        assert check is not None
        failure = check.step(
            CheckInputs(i.now_s, i.contactor, i.voltage_V, i.insulation, i.current_A, i.insulation_taken_at_s)
        )
        if failure is not None:
            self._fail(failure.code, failure.detail, i.now_s)
            if failure.code is FaultCode.CONTACTOR_OPENED:  # a request that stays could only close it again
                self._ramp.reset()
                self._enter(Stage.OPENING, i.now_s)
            return _OFF
        if check.passed:
            self._enter(Stage.CABLE_CHECKED, i.now_s)
        return check.module

    def _cable_checked(self, i: SequenceInputs) -> PowerModuleCommand:
        assert i.demand is not None
        if i.demand.phase >= Phase.PRE_CHARGE:
            self._enter(Stage.PRE_CHARGE, i.now_s)
        return _OFF

    def _pre_charge(self, i: SequenceInputs) -> PowerModuleCommand:
        assert i.demand is not None
        if self._stage is Stage.PRE_CHARGED and i.demand.phase is Phase.TRANSFER:
            self._ramp.reset()
            self._enter(Stage.TRANSFER, i.now_s)
            return self._transfer(i)
        target_V = min(i.demand.dc.voltage_target_V, i.demand.dc.limits.voltage_max_V, self._max_voltage_V(i))
        if target_V <= 0:  # the car has not named one yet: nothing to match
            return _OFF
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
        self._window_V = (target_V, 0.0)
        return PowerModuleCommand(True, PRE_CHARGE_CURRENT_A, target_V, 0.0)

    def _transfer(self, i: SequenceInputs) -> PowerModuleCommand:
        demand = i.demand
        assert demand is not None
        self._target = target(
            demand,
            self._envelope,
            i.capabilities,
            i.voltage_V,
            i.temperature_degC,
            i.frequency_Hz,
            i.temperature_share,
        )
        step = self._ramp.step(self._target.current_A, i.current_A, i.now_s)
        # kept for the ramp down, when there may be no demand any more, and while the module does not say what it is
        if i.capabilities is not None:
            self._window_V = (charge_voltage_V(demand, self._max_voltage_V(i)), demand.dc.limits.voltage_min_V)
        return PowerModuleCommand(step.output_on, step.current_A, *self._window_V)

    def _ramp_down(self, i: SequenceInputs) -> PowerModuleCommand:
        if self._emergency_since_s is not None:
            return _OFF  # only the contactor waits (`_may_wait`)
        # steep enough to be at zero in half the time: what opens at the time-out opens under load
        timeout_s = UNHEARD_RAMP_DOWN_S if i.current_A is None else RAMP_DOWN_TIMEOUT_S
        least = ERROR_RAMP_A_PER_S if i.severity else STOP_RAMP_A_PER_S
        rate = max(least, self._ramp.rate_A_per_s, self._stop_from_A / (timeout_s / 2))
        step = self._ramp.step(0.0, i.current_A, i.now_s, rate)
        seen_A = i.meter_current_A if i.current_A is None else i.current_A
        quiet = seen_A is not None and abs(seen_A) < NO_CURRENT_A and step.current_A == 0.0
        if quiet or i.now_s - self._entered_s > timeout_s:
            self._ramp.reset()
            self._enter(Stage.OPENING, i.now_s)
            return _OFF
        if step.current_A == 0.0:
            return _OFF
        return PowerModuleCommand(True, step.current_A, *self._window_V)

    def _opening(self, i: SequenceInputs) -> PowerModuleCommand:
        if i.now_s - self._entered_s >= CONTACTOR_OPEN_WAIT_S and i.contactor is not Contactor.CLOSED:
            self._enter(Stage.DISCHARGING_OUTPUT, i.now_s)
        return _OFF

    def _discharging_output(self, i: SequenceInputs) -> PowerModuleCommand:
        """For as long as the resistor bears it, counted while the board is heard: a silent one has opened that too, and
        proves nothing about it. What it missed is made up for when it is back."""
        low = i.voltage_V is not None and i.voltage_V < SAFE_VOLTAGE_V
        heard = i.contactor is not Contactor.UNKNOWN
        if heard:
            self._discharge_heard_s += i.now_s - max(self._last_s, self._entered_s)
        tried = self._discharge_heard_s >= OUTPUT_DISCHARGE_TIMEOUT_S
        silent = not heard and i.now_s - self._entered_s - self._discharge_heard_s >= OUTPUT_DISCHARGE_TIMEOUT_S
        if low or tried or silent:
            self._discharge_owed = not low and not tried
            # with a contactor that was not seen open the voltage may be the car's, and has its own fault
            self._left_charged = tried and not low and i.voltage_V is not None and i.contactor is Contactor.OPEN
            self._enter(Stage.FAULTED if i.severity else Stage.OFF, i.now_s)
        return _OFF

    def _discharge_is_due(self, i: SequenceInputs) -> bool:
        if i.voltage_V is not None and i.voltage_V < SAFE_VOLTAGE_V:
            self._discharge_owed = False
        return self._discharge_owed and i.voltage_V is not None and i.contactor is Contactor.OPEN

    def _tell_left_charged(self, i: SequenceInputs) -> None:
        """Report a voltage that a discharge left at the output, for as long as the voltage is there. A failed resistor or
        contactor must show before the next car comes. Source: docs/sources/safety.md 1.2: more than 60 V with both contactors
        open is a weld; latch, and never close again."""
        self._left_charged = self._left_charged and not (i.voltage_V is not None and i.voltage_V < SAFE_VOLTAGE_V)
        if self._left_charged:
            seen = "unknown" if i.voltage_V is None else f"{i.voltage_V:.0f} V"
            self._failures[FaultCode.OUTPUT_NOT_DISCHARGED] = (
                f"output at {seen} after {OUTPUT_DISCHARGE_TIMEOUT_S:.1f} s of discharge: below {SAFE_VOLTAGE_V:.0f} V"
            )

    def _max_voltage_V(self, i: SequenceInputs) -> float:
        module_V = i.capabilities.voltage_max_V if i.capabilities is not None else 0.0
        return min(self._envelope.voltage_max_V, module_V)

    # -- inputs and outputs ---------------------------------------------------------------------------------

    def _io(self, i: SequenceInputs) -> IoCommand:
        closed = self._stage not in _OPEN
        self._pilot = self._pilot_command(i)
        return IoCommand(
            pilot=self._pilot[0],
            duty_percent=self._pilot[1],
            contactor=closed,
            discharge=self._to_discharge(i),
            lock=closed or self._may_be_live(i) or (i.demand is not None and i.demand.lock),
        )

    def _pilot_command(self, i: SequenceInputs) -> tuple[PilotCommand, float]:
        if i.severity is Severity.EMERGENCY:
            return self._emergency_pilot(i)
        self._pilot_f_since_s = None
        if i.demand is not None:
            return i.demand.pilot, i.demand.duty_percent
        if self._stage in _OPEN:
            return PilotCommand.F, 0.0
        return self._pilot  # as before: the car may see the ramp down through

    def _emergency_pilot(self, i: SequenceInputs) -> tuple[PilotCommand, float]:
        if self._pilot_f_since_s is None:
            self._pilot_f_since_s = i.now_s
        shown = i.now_s - self._pilot_f_since_s >= PILOT_F_S
        return (PilotCommand.X1, 100.0) if shown and self._stage is Stage.FAULTED else (PilotCommand.F, 0.0)

    def _to_discharge(self, i: SequenceInputs) -> bool:
        match self._stage:
            case Stage.DISCHARGING_OUTPUT:
                # through a welded contactor the resistor would load the car's battery
                return i.contactor not in (Contactor.CLOSED, Contactor.WELDED)
            case Stage.CABLE_CHECK:
                return self._check is not None and self._check.lowering
            case Stage.OFF:
                return self._to_discharge_before_check(i)
            case _:
                return False

    def _to_discharge_before_check(self, i: SequenceInputs) -> bool:
        """Whether to discharge a voltage that an earlier, interrupted discharge left at the module.

        That voltage would else fail the next cable check. The discharge lasts as long as a normal one, and only happens with
        the contactor open.
        """
        if self._waiting_low_since_s is None or i.contactor is not Contactor.OPEN:
            return False
        return i.now_s - self._waiting_low_since_s <= OUTPUT_DISCHARGE_TIMEOUT_S

    def _may_be_live(self, i: SequenceInputs) -> bool:
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
