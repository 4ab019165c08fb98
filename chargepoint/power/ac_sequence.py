"""The AC sequence of one EVSE: off, closing, transfer, asked to stop, open. The car converts; this station closes, measures and protects.

Pure. Order and figures: IEC 61851-1 as far as docs/sources/safety.md 2 gives them (grades there). A car without digital
communication reads its current from the pilot's duty (`model/pilot_duty.py`); with it the duty is 5 %.
"""

from __future__ import annotations

from chargepoint.model.demand import AcOrder, Phase, PilotCommand, StageDemand
from chargepoint.model.faults import FaultCode, Severity
from chargepoint.model.image import Contactor, ControlPilot, Lock, Stage
from chargepoint.ports import IoCommand, PowerModuleCommand
from chargepoint.power.sequence import SequenceInputs, SequenceOutputs
from chargepoint.safety.envelope import NO_CURRENT_A

CLOSE_TIMEOUT_S = 3.0
"""From C and permission to closed contacts (IEC 61851-1 Table A.6 sequence 4; docs/sources/safety.md 2, grade A/B)."""

STOP_WAIT_S = 6.0
"""A car that is shown no PWM leaves C within this; then the contactor opens under load (sequence 10.2, grade B)."""

ERROR_WAIT_S = 3.0
"""After an error the car has half of that (own rule)."""

NOT_OPEN_WAIT_S = 3.0
"""Longer than the 1.4 s within which a car gets its answer to PowerDelivery(Stop) (own rule)."""

DIGITAL_STOP_S = 1.0
"""So long a car with digital communication keeps its 5 % in a stop: it ends by messages, and reads a lost PWM as a lost
session (own rule)."""

DIGITAL_DUTY_PERCENT = (3.0, 7.0)
"""A duty in these bounds asks for digital communication (docs/sources/safety.md 2, grade B)."""

PILOT_F_S = 4.0
"""State F is shown this long after an emergency, then a steady 12 V (docs/sources/safety.md 2: E/F step 4 s)."""

_CLOSED = {Stage.CLOSING, Stage.TRANSFER, Stage.RAMP_DOWN}
"""The contactor is commanded closed in these stages. RAMP_DOWN: the car is asked to stop drawing."""

_NO_MODULE = PowerModuleCommand()


class AcSequence:
    """One EVSE's sequence. `step` is called each cycle; nothing in it waits.

    `ventilated`: the place may serve cars that need ventilation (state D); without it state D is as B. `demand_spent`: nothing
    closes before a demand came that asks for nothing (as `DcSequence`).
    """

    def __init__(self, *, ventilated: bool = False, demand_spent: bool = False) -> None:
        self._ventilated = ventilated
        self._stage = Stage.OFF
        self._entered_s = 0.0
        self._demand_spent = demand_spent
        self._failures: dict[FaultCode, str] = {}
        self._emergency_since_s: float | None = None
        self._locked = False

    @property
    def stage(self) -> Stage:
        """Where it is."""
        return self._stage

    @property
    def commanded_current_A(self) -> float:
        """The car commands its current."""
        return 0.0

    @property
    def allowed_current_A(self) -> float:
        """The car commands its current."""
        return 0.0

    @property
    def charge_voltage_V(self) -> float:
        """The grid has its voltage."""
        return 0.0

    @property
    def waits_for_current(self) -> bool:
        """Only the car can lower its current, in seconds."""
        return False

    def step(self, i: SequenceInputs) -> SequenceOutputs:
        """One cycle: trips first, then a withdrawn demand, then the stage's own work."""
        self._failures = {}
        if i.off_demanded or (i.demand is not None and not _asks(i.demand)):
            self._demand_spent = False  # a daemon that fell silent asked for nothing: what it asked before stays spent
        if i.severity is not Severity.EMERGENCY:
            self._emergency_since_s = None
        elif self._emergency_since_s is None:
            self._emergency_since_s = i.now_s
        if self._stage in _CLOSED and (i.severity is Severity.EMERGENCY or i.open_now):
            self._enter(Stage.OPENING, i.now_s)
        elif self._stage is Stage.TRANSFER and (i.severity is not None or not _asks(i.demand)):
            self._enter(Stage.RAMP_DOWN, i.now_s)
        elif self._stage is Stage.CLOSING and (i.severity is not None or not _asks(i.demand)):
            self._enter(Stage.OPENING, i.now_s)
        self._work(i)
        return SequenceOutputs(
            stage=self._stage,
            io=self._io(i),
            module=_NO_MODULE,
            insulation_measuring=False,
            insulation_self_test=False,
            target_W=i.demand.power_W if i.demand is not None and self._stage is Stage.TRANSFER else 0.0,
            applied_W=(i.voltage_V or 0.0) * (i.current_A or 0.0),
            limited_by="",
            failures=self._failures,
        )

    def _enter(self, stage: Stage, now_s: float) -> None:
        self._stage, self._entered_s = stage, now_s
        if stage in (Stage.RAMP_DOWN, Stage.OPENING):
            self._demand_spent = True

    def _work(self, i: SequenceInputs) -> None:
        match self._stage:
            case Stage.CLOSING:
                self._closing(i)
            case Stage.TRANSFER:
                self._transfer(i)
            case Stage.RAMP_DOWN:
                self._ask_to_stop(i)
            case Stage.OPENING:
                self._opening(i)
            case _:
                self._off(i)

    def _opening(self, i: SequenceInputs) -> None:
        """A contactor that is welded, or not known, ends this stage too, but late: the car hears of it from the daemon first,
        and only in OFF or FAULTED a person may reset the fault."""
        waited_s = i.now_s - self._entered_s
        if (i.contactor is Contactor.OPEN and waited_s > 0.0) or (
            i.contactor in (Contactor.WELDED, Contactor.UNKNOWN) and waited_s > NOT_OPEN_WAIT_S
        ):
            self._stage = Stage.OFF

    def _off(self, i: SequenceInputs) -> None:
        self._stage = Stage.OFF if i.severity is None else Stage.FAULTED
        if self._stage is Stage.FAULTED or not _asks(i.demand) or self._demand_spent:
            return
        if self._ready(i.pilot) and i.lock is Lock.LOCKED and i.contactor is Contactor.OPEN:
            self._enter(Stage.CLOSING, i.now_s)

    def _ready(self, pilot: ControlPilot) -> bool:
        return pilot is ControlPilot.C or (self._ventilated and pilot is ControlPilot.D)

    def _closing(self, i: SequenceInputs) -> None:
        if not self._ready(i.pilot):
            self._enter(Stage.OPENING, i.now_s)
        elif i.contactor is Contactor.CLOSED:
            self._enter(Stage.TRANSFER, i.now_s)
        elif i.now_s - self._entered_s > CLOSE_TIMEOUT_S:
            self._failures[FaultCode.CONTACTOR_NOT_CLOSED] = f"no mirror contact within {CLOSE_TIMEOUT_S:.0f} s"
            self._enter(Stage.OPENING, i.now_s)

    def _transfer(self, i: SequenceInputs) -> None:
        if not self._ready(i.pilot) or i.contactor is Contactor.OPEN:
            self._enter(Stage.OPENING, i.now_s)  # the car stopped by itself, or was unplugged: within 100 ms

    def _ask_to_stop(self, i: SequenceInputs) -> None:
        seen_A = i.current_A if i.meter_current_A is None else i.meter_current_A
        quiet = seen_A is not None and abs(seen_A) < NO_CURRENT_A
        patience_s = STOP_WAIT_S if i.severity is None else ERROR_WAIT_S
        if quiet or not self._ready(i.pilot) or i.now_s - self._entered_s > patience_s:
            self._enter(Stage.OPENING, i.now_s)

    def _io(self, i: SequenceInputs) -> IoCommand:
        closed = self._stage in _CLOSED
        pilot, duty_percent = self._pilot(i)
        live = i.contactor in (Contactor.CLOSED, Contactor.WELDED)
        unclear = i.contactor is Contactor.UNKNOWN and self._locked  # as before: it may be live
        self._locked = closed or live or unclear or (i.demand is not None and i.demand.lock)
        return IoCommand(
            pilot=pilot,
            duty_percent=duty_percent,
            contactor=closed,
            lock=self._locked,
        )

    def _pilot(self, i: SequenceInputs) -> tuple[PilotCommand, float]:
        if self._emergency_since_s is not None:
            shown = i.now_s - self._emergency_since_s >= PILOT_F_S and self._stage is Stage.FAULTED
            return (PilotCommand.X1, 100.0) if shown else (PilotCommand.F, 0.0)
        if self._stage is Stage.RAMP_DOWN and not self._ends_by_messages(i):
            return PilotCommand.X1, 100.0  # no PWM: the car is asked to leave C
        if i.demand is None:
            return PilotCommand.F, 0.0
        return i.demand.pilot, i.demand.duty_percent

    def _ends_by_messages(self, i: SequenceInputs) -> bool:
        """For a moment the daemon's own order stays on the pilot: the car hears of the stop from there."""
        low, high = DIGITAL_DUTY_PERCENT
        digital = i.demand is not None and low <= i.demand.duty_percent <= high
        return digital and i.now_s - self._entered_s < DIGITAL_STOP_S


def _asks(demand: StageDemand | None) -> bool:
    """The daemon wants the contactor closed, and says for how many phases and what current."""
    return demand is not None and demand.phase is Phase.TRANSFER and isinstance(demand.order, AcOrder)
