"""The cable check: is the way to the car insulated? One object per check, made when it begins.

Pure. Order: close, raise the voltage, let the monitor test itself, measure, lower the voltage (IEC 61851-23 Annex CC as far as
docs/sources/safety.md 1.1 steps 3 to 7 give it; grades there). With the contactor open the monitor would see only the station's own
side, and that is always dry: so it must stay closed throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chargepoint.model.faults import FaultCode
from chargepoint.model.image import Contactor
from chargepoint.ports import InsulationState, PowerModuleCommand
from chargepoint.safety.contactor_watch import SETTLE_S
from chargepoint.safety.envelope import PRE_CHARGE_CURRENT_A, SAFE_VOLTAGE_V, TEST_VOLTAGE_TOLERANCE_V, Envelope

CONTACTOR_CLOSE_TIMEOUT_S = 5.0
TEST_VOLTAGE_TIMEOUT_S = 10.0
SELF_TEST_TIMEOUT_S = 30.0
INSULATION_VALUE_TIMEOUT_S = 5.0
VOLTAGE_DOWN_TIMEOUT_S = 10.0

SHORT_CIRCUIT_S = 1.0
SHORT_CIRCUIT_OHM = 110.0
SHORT_CIRCUIT_LEAST_A = 0.5
"""The short-circuit test: the voltage is raised with 2 A, and a resistance of at most 110 ohm must be found. After the test less
than 5 A flow within 1 s. Source: IEC 61851-23 6.3.1.109, CC.7.6.20.3 and .7 (docs/sources/safety.md 1.1 step 4, grade B)."""


class CheckStep(Enum):
    """Where a check is."""

    CLOSE = "close"  # and see the mirror contacts closed without a bounce
    RAISE = "raise"  # to the test voltage with 2 A: a short circuit never gets there
    SELF_TEST = "self_test"  # of the monitor at test voltage, each time (CC.4.1.3)
    MEASURE = "measure"
    LOWER = "lower"  # below 60 V before Finished (docs/sources/safety.md 1.1 step 7)
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class CheckInputs:
    """What the check sees in one cycle. None: not known or too old."""

    now_s: float
    contactor: Contactor
    voltage_V: float | None
    insulation: InsulationState | None
    current_A: float | None = None
    insulation_taken_at_s: float | None = None
    """When the monitor measured: the age of its own counter."""


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """Why a check ended without passing: the fault to latch and its words."""

    code: FaultCode
    detail: str


class CableCheck:
    """One check at `test_voltage_V`; `step` is called each cycle until `passed` or a failure comes back.

    `envelope` has the least resistance that passes, and how long the monitor needs to show a fault.
    """

    def __init__(self, test_voltage_V: float, envelope: Envelope, now_s: float) -> None:
        self._test_V = test_voltage_V
        self._limit_ohm = envelope.insulation_limit_ohm
        self._reaction_s = envelope.insulation_reaction_s
        self._at_voltage_since_s = now_s
        self._step = CheckStep.CLOSE
        self._entered_s = now_s
        self._closed_since_s: float | None = None
        self._self_test_begins = False
        self._flows_since_s: float | None = None

    @property
    def passed(self) -> bool:
        """Everything was seen and the output is below 60 V again."""
        return self._step is CheckStep.PASSED

    @property
    def lowering(self) -> bool:
        """The output is to be discharged."""
        return self._step is CheckStep.LOWER

    @property
    def self_test_begins(self) -> bool:
        """In this cycle the insulation monitor gets the order to test itself."""
        return self._self_test_begins

    @property
    def module(self) -> PowerModuleCommand:
        """What the power module is to do now."""
        if self._step in (CheckStep.RAISE, CheckStep.SELF_TEST, CheckStep.MEASURE):
            return PowerModuleCommand(True, PRE_CHARGE_CURRENT_A, self._test_V, 0.0)
        return PowerModuleCommand()

    def step(self, i: CheckInputs) -> CheckFailure | None:
        """One cycle: go on to the next step if this one is done; a failure ends the check."""
        self._self_test_begins = False
        if self._step is not CheckStep.CLOSE and i.contactor is not Contactor.CLOSED:
            return CheckFailure(FaultCode.CONTACTOR_OPENED, "contactor opened during the cable check")
        match self._step:
            case CheckStep.CLOSE:
                return self._close(i)
            case CheckStep.RAISE:
                return self._raise(i)
            case CheckStep.SELF_TEST:
                return self._self_test(i)
            case CheckStep.MEASURE:
                return self._measure(i)
            case CheckStep.LOWER:
                return self._lower(i)
            case CheckStep.PASSED:
                return None

    def _close(self, i: CheckInputs) -> CheckFailure | None:
        if i.contactor is not Contactor.CLOSED:
            self._closed_since_s = None
        elif self._closed_since_s is None:
            self._closed_since_s = i.now_s
        elif i.now_s - self._closed_since_s >= SETTLE_S:
            self._go_to(CheckStep.RAISE, i.now_s)
            return None
        if self._waited_s(i) > CONTACTOR_CLOSE_TIMEOUT_S:
            detail = f"no mirror contact within {CONTACTOR_CLOSE_TIMEOUT_S:.0f} s"
            return CheckFailure(FaultCode.CONTACTOR_NOT_CLOSED, detail)
        return None

    def _raise(self, i: CheckInputs) -> CheckFailure | None:
        if self._at_test_voltage(i):
            self._self_test_begins = True
            self._at_voltage_since_s = i.now_s
            self._go_to(CheckStep.SELF_TEST, i.now_s)
        elif self._flowed_s(i) > SHORT_CIRCUIT_S and self._is_short(i):
            bound = f"at least {SHORT_CIRCUIT_OHM:.0f} ohm"
            detail = f"{i.voltage_V:.1f} V at {i.current_A:.1f} A after {SHORT_CIRCUIT_S:.0f} s: {bound}"
            return CheckFailure(FaultCode.SHORT_CIRCUIT, detail)
        elif self._waited_s(i) > TEST_VOLTAGE_TIMEOUT_S:
            seen = "unknown" if i.voltage_V is None else f"{i.voltage_V:.0f} V"
            return CheckFailure(FaultCode.CABLE_CHECK, f"test voltage {seen}: {self._test_V:.0f} V wanted")
        return None

    def _self_test(self, i: CheckInputs) -> CheckFailure | None:
        passed = None if i.insulation is None else i.insulation.self_test_passed
        if passed:
            self._go_to(CheckStep.MEASURE, i.now_s)
            return self._measure(i)  # what was read with the test's end counts already
        if passed is False:
            return CheckFailure(FaultCode.CABLE_CHECK, "insulation monitor failed its self-test")
        if self._waited_s(i) > SELF_TEST_TIMEOUT_S:
            detail = f"insulation self-test not done in {SELF_TEST_TIMEOUT_S:.0f} s"
            return CheckFailure(FaultCode.CABLE_CHECK, detail)
        return None

    def _measure(self, i: CheckInputs) -> CheckFailure | None:
        value_ohm = None if i.insulation is None else i.insulation.resistance_ohm
        if value_ohm is None or not self._at_test_voltage(i):  # what was measured at less voltage proves nothing
            if self._waited_s(i) > INSULATION_VALUE_TIMEOUT_S + self._reaction_s:
                return CheckFailure(FaultCode.CABLE_CHECK, f"no valid insulation value at {self._test_V:.0f} V")
            return None
        if value_ohm < self._limit_ohm:
            bound = f"at least {self._limit_ohm / 1000:.0f} kohm"
            detail = f"{value_ohm / 1000:.0f} kohm at {self._test_V:.0f} V: {bound}"
            return CheckFailure(FaultCode.INSULATION, detail)
        measured_s = i.now_s if i.insulation_taken_at_s is None else i.insulation_taken_at_s
        if measured_s - self._at_voltage_since_s < self._reaction_s:
            return None  # the monitor may not have seen yet what the test voltage shows
        self._go_to(CheckStep.LOWER, i.now_s)
        return None

    def _lower(self, i: CheckInputs) -> CheckFailure | None:
        if i.voltage_V is not None and i.voltage_V < SAFE_VOLTAGE_V:
            self._go_to(CheckStep.PASSED, i.now_s)
        elif self._waited_s(i) > VOLTAGE_DOWN_TIMEOUT_S:
            return CheckFailure(FaultCode.CABLE_CHECK, f"output did not fall below {SAFE_VOLTAGE_V:.0f} V")
        return None

    def _flowed_s(self, i: CheckInputs) -> float:
        """How long ago the current began: a module of a stack may come later than the order."""
        if self._flows_since_s is None and i.current_A is not None and i.current_A >= SHORT_CIRCUIT_LEAST_A:
            self._flows_since_s = i.now_s
        return 0.0 if self._flows_since_s is None else i.now_s - self._flows_since_s

    def _is_short(self, i: CheckInputs) -> bool:
        """A current without the voltage that belongs to it: what it flows through is less than any insulation."""
        if i.voltage_V is None or i.current_A is None or i.current_A < SHORT_CIRCUIT_LEAST_A:
            return False
        return i.voltage_V < SHORT_CIRCUIT_OHM * i.current_A

    def _go_to(self, step: CheckStep, now_s: float) -> None:
        self._step, self._entered_s = step, now_s

    def _waited_s(self, i: CheckInputs) -> float:
        return i.now_s - self._entered_s

    def _at_test_voltage(self, i: CheckInputs) -> bool:
        return i.voltage_V is not None and abs(i.voltage_V - self._test_V) <= TEST_VOLTAGE_TOLERANCE_V
