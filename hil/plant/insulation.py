"""The insulation monitor: it measures about ten times a second and needs half a second to believe a change."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from hil.plant.sensor_error import Errors, shown

PERIOD_S = 0.1
SETTLE_S = 0.5
SELF_TEST_S = 2.0
"""A device's own duration; a bench may set a shorter one."""


SHORTEST_SELF_TEST_S = 0.04
"""The shortest self-test that a station sees on a bus of 38 400 baud. An exchange of the test's status takes about 20 ms there,
because of the gap that the device asks for. A shorter test ends unseen, and a test that nobody saw proves nothing."""


@dataclass(slots=True)
class InsulationPlant:
    """`measured_ohm` None until it has a value; the counter goes up with each measurement."""

    running: bool = True
    device_error: bool = False
    silent: bool = False
    frozen: bool = False
    """Answers, and measures no more: the counter stands."""
    blind: bool = False
    """Measures, and has no valid value."""
    relay_fault: bool = False
    """Only the hard-wired output reports a fault."""
    earth_shift_V: float = 0.0
    """How far the middle of the output is from protective earth."""
    alarm_below_ohm: float = 100_000.0
    prealarm_below_ohm: float = 500_000.0
    measured_ohm: float | None = None
    counter: int = 0
    voltage_V: float = 0.0
    self_test_s: float = SELF_TEST_S
    period_s: float = PERIOD_S
    """From one measurement to the next."""
    settle_s: float = SETTLE_S
    """How long a changed resistance must last before the monitor shows it. One that goes on falling is followed so much later."""
    self_test_left_s: float = 0.0
    self_test_failing: bool = False
    errors: Errors = field(default_factory=dict)
    """Of `insulation` (ohm)."""
    _since_s: float = 0.0
    _seen_ohm: deque[float] = field(default_factory=deque)
    """What each measurement of the last `settle_s` saw."""

    @property
    def self_testing(self) -> bool:
        """A self-test is under way."""
        return self.self_test_left_s > 0

    @property
    def relay_ok(self) -> bool:
        """The hard-wired output: no device error, and no measured value below the alarm."""
        return not (self.device_error or self.relay_fault) and not (
            self.measured_ohm is not None and self.measured_ohm < self.alarm_below_ohm
        )

    def start_self_test(self) -> None:
        """Takes `self_test_s`; a device in error fails it."""
        self.self_test_left_s = self.self_test_s

    def step(self, resistance_ohm: float, voltage_V: float, dt_s: float) -> None:
        """See the true resistance for one step."""
        self.voltage_V = voltage_V
        if self.self_test_left_s > 0:
            self.self_test_left_s = max(0.0, self.self_test_left_s - dt_s)
            if self.self_test_left_s == 0 and self.self_test_failing:
                self.device_error = True
        if self.frozen:
            return
        if not self.running or self.device_error:
            self.measured_ohm = None
            return
        self._since_s += dt_s
        if self._since_s >= self.period_s:
            self._since_s -= self.period_s
            self.counter = (self.counter + 1) & 0xFFFF
            self._measure(max(0.0, shown(self.errors, "insulation", resistance_ohm)))

    def _measure(self, resistance_ohm: float) -> None:
        """One measurement: the shown value moves as far as all measurements of the settling time agree."""
        seen = self._seen_ohm
        seen.append(resistance_ohm)
        while len(seen) > 1 + math.ceil(self.settle_s / self.period_s - 1e-9):
            seen.popleft()
        if self.measured_ohm is None:
            self.measured_ohm = resistance_ohm
        else:
            self.measured_ohm = min(max(self.measured_ohm, min(seen)), max(seen))
