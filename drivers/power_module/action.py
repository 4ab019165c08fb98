"""One run of a profile's action: writes and expectations, one small verified step at a time, from the start when one fails.

After a confirmed write the next step follows at once. A point that is expected is read at once. So an action takes the time of
its exchanges on the wire. It does not wait for a polling period at each step.
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers.modbus.transaction import Failed, FailureKind, Outcome, Priority, WriteDone
from drivers.power_module.setpoints import RETRY_S, SetPoints
from drivers.profile.codec import resolve
from drivers.profile.polled import PolledProfile
from drivers.profile.schema import Expect, Write


class Action:
    """`prepare`, `start` or `stop` of a profile. Call `go_on` each poll until `done`, or `abandon` it."""

    def __init__(self, name: str, polled: PolledProfile, set_points: SetPoints) -> None:
        self.name = name
        self._polled = polled
        self._set_points = set_points
        self._steps = polled.profile.actions[name]
        self._step = 0
        self._waiting = False
        self._expect_until_s: float | None = None
        self._retry_at_s = -1e9
        self._abandoned = False
        self._arguments: Mapping[str, float] = {}

    @property
    def done(self) -> bool:
        """Every step was taken and confirmed."""
        return self._step >= len(self._steps)

    def abandon(self) -> None:
        """Outcomes that still come are not for this action any more."""
        self._abandoned = True

    def go_on(self, now_s: float, arguments: Mapping[str, float]) -> None:
        """Take the next step unless one is on its way. `arguments`: volts and amperes a step may write."""
        self._arguments = arguments
        while not self.done and not self._waiting and now_s >= self._retry_at_s:
            match self._steps[self._step]:
                case Write() as step:
                    self._write(step, arguments, now_s)
                case Expect() as step:
                    if not self._met(step, now_s):
                        return

    def _met(self, step: Expect, now_s: float) -> bool:
        name, _, part = step.point.partition(".")
        shown = self._polled.bit(step.point) if part else self._polled.number(name)
        if shown == step.value:
            self._step, self._expect_until_s = self._step + 1, None
            return True
        if self._expect_until_s is None:
            self._expect_until_s = now_s + step.within_s
        elif now_s > self._expect_until_s:
            self._again(now_s)
        return False

    def _write(self, step: Write, arguments: Mapping[str, float], now_s: float) -> None:
        if step.arg is not None:
            value = arguments[step.arg]
        else:
            assert step.value is not None
            value = resolve(step.value, self._polled.params)
        registers = self._set_points.encode(step.point, value)
        if registers is None:
            self._again(now_s)
            return
        self._waiting = True
        priority = Priority.STOP if self.name == "stop" else Priority.SETPOINT
        self._set_points.write(step.point, registers, priority, self._written)

    def _written(self, outcome: Outcome) -> None:
        if self._abandoned:
            return
        self._waiting = False
        # an undated echo says that the module answers; a stop goes on, and what it expects is read
        stopping = self.name == "stop" and isinstance(outcome, Failed) and outcome.kind is FailureKind.UNDATED
        if isinstance(outcome, WriteDone) or stopping:
            self._step += 1
            self._after_write(outcome.at_s)
        else:
            self._again(outcome.at_s)

    def _after_write(self, at_s: float) -> None:
        step = None if self.done else self._steps[self._step]
        if isinstance(step, Expect):
            self._polled.refresh_point(step.point)  # what is known of it is older than the write
        elif step is not None:
            self.go_on(at_s, self._arguments)

    def _again(self, at_s: float) -> None:
        self._step, self._expect_until_s, self._retry_at_s = 0, None, at_s + RETRY_S
