"""Bender isoEV425 / isoCHA425HV. Fulfils chargepoint.ports.InsulationMonitor; registers in profiles/bender_isoev425.toml.

The state's age is that of the device's own measurement counter: a monitor that answers but no longer measures ages.
While it is stopped or in self-test the counter may stand, so then the answer itself counts.
During a self-test the driver asks for the test's status again and again: a short test must not begin and end between two polls.
Source: docs/sources/hardware.md 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from chargepoint.model.readings import Reading
from chargepoint.ports import DevicePoint, InsulationState
from drivers.modbus.master import Master
from drivers.modbus.transaction import Outcome, Priority, WriteDone, WriteRegisters
from drivers.profile.codec import Params
from drivers.profile.polled import PolledProfile
from drivers.profile.schema import DeviceProfile

SELF_TEST_MAX_S = 30.0
SELF_TEST_BEGINS_S = 5.0
_DEVICE_ERROR = 2
_INVALID = 3
_SELF_TEST_KEY = 0x5445
_RETRY_S = 0.5


class BenderMonitor:
    """Wishes (`enable`, `start_self_test`) are written until the device shows them."""

    def __init__(self, name: str, profile: DeviceProfile, params: Params, unit: int, master: Master) -> None:
        self.name = name
        self._polled = PolledProfile(name, profile, params, unit, master, self._take)
        self._master = master
        self._wanted: bool | None = None
        self._retry_at_s = {"running": -1e9, "self_test": -1e9}
        self._writing = False
        self._test_asked = False
        self._test_started_s: float | None = None
        self._test_seen = False
        self._test_passed: bool | None = None
        self._counter: float | None = None
        self._alive_at_s: float | None = None
        self._state: Reading[InsulationState] | None = None
        self._now_s = 0.0

    def enable(self, measuring: bool) -> None:
        """Measure, or be silent."""
        if self._wanted is not measuring:
            self._wanted, self._retry_at_s["running"] = measuring, -1e9

    def start_self_test(self) -> None:
        """Begin a self-test; the result shows in the state."""
        self._test_asked, self._test_seen = True, False
        self._test_passed, self._test_started_s = None, None
        self._retry_at_s["self_test"] = -1e9
        self._publish()

    @property
    def state(self) -> Reading[InsulationState] | None:
        """Last state; its age is that of the device's own measurement counter."""
        return self._state

    @property
    def identity_error(self) -> str:
        """Why the device is not taken for the one configured; empty if it is, or has not answered yet."""
        return self._polled.identity_error

    def points(self) -> Iterator[DevicePoint]:
        """Every register of the profile, as read last."""
        return self._polled.points()

    def poll(self, now_s: float) -> None:
        """Queue the reads that are due, and the wishes the device does not show yet."""
        self._now_s = now_s
        self._polled.calm = not self._wanted and not self._test_asked and self._test_started_s is None
        self._poll_blocks(now_s)
        if not self._polled.identified:
            return
        if self._test_started_s is not None:
            self._watch_self_test(now_s)  # its time-outs need no answer
        if self._writing:
            return
        running = self._polled.number("running")
        if self._test_asked:
            self._write("self_test", _SELF_TEST_KEY, now_s, self._self_test_written)
        elif self._wanted is not None and running is not None and bool(running) != self._wanted:
            self._write("running", int(self._wanted), now_s, self._running_written)

    def _poll_blocks(self, now_s: float) -> None:
        """Queue the reads that are due; the status of a self-test is due as soon as the last one is there."""
        if self._test_started_s is not None:
            self._polled.refresh("resistance")
        self._polled.poll(now_s)

    def _write(self, point: str, value: int, now_s: float, done: object) -> None:
        if now_s < self._retry_at_s[point]:
            return
        self._writing, self._retry_at_s[point] = True, now_s + _RETRY_S

        def finished(outcome: Outcome) -> None:
            self._writing = False
            if isinstance(outcome, WriteDone) and callable(done):
                done(outcome.at_s)

        request = WriteRegisters(self._polled.unit, self._polled.address(point), (value,))
        self._master.submit(request, finished, Priority.SETPOINT)

    def _self_test_written(self, at_s: float) -> None:
        self._test_asked, self._test_started_s = False, at_s
        # only this first read overtakes the others: a meter on the same wire must be heard during a long self-test
        self._polled.refresh("resistance", overtaking=True)
        self._polled.poll(at_s)

    def _running_written(self, at_s: float) -> None:
        self._polled.refresh("control")

    def _watch_self_test(self, now_s: float) -> None:
        assert self._test_started_s is not None
        testing = self._polled.bit("resistance_status.test") not in (0, None)
        error = self._polled.bit("resistance_status.alarm") == _DEVICE_ERROR
        elapsed_s = now_s - self._test_started_s
        self._test_seen = self._test_seen or testing
        over = (self._test_seen and not testing) or (not self._test_seen and elapsed_s > SELF_TEST_BEGINS_S)
        if error or elapsed_s > SELF_TEST_MAX_S or over:
            self._test_passed = self._test_seen and not testing and not error
            self._test_started_s = None
            self._publish()

    def _take(self, block: str, at_s: float) -> None:
        if not self._polled.identified:
            return
        counter = self._polled.number("update_counter")
        testing = self._test_started_s is not None
        if counter != self._counter or self._alive_at_s is None or testing or not self._measuring():
            if block != "control":
                self._alive_at_s = at_s
            self._counter = counter
        if block == "resistance":
            if self._test_started_s is not None:
                self._watch_self_test(at_s)
                self._poll_blocks(at_s)
            self._publish()

    def _measuring(self) -> bool:
        return bool(self._polled.number("running"))

    def _to_earth_V(self) -> tuple[float, float] | None:
        """Magnitudes; None before the first, without a valid value, and during a self-test, which shifts them itself."""
        polled = self._polled
        plus_V, minus_V = polled.number("plus_to_earth_V"), polled.number("minus_to_earth_V")
        shows = polled.bit("plus_status.range") not in (_INVALID, None) and not polled.bit("plus_status.test")
        if plus_V is None or minus_V is None or not shows or self._test_started_s is not None:
            return None
        return abs(plus_V), abs(minus_V)

    def _publish(self) -> None:
        if self._alive_at_s is None or "resistance_status" not in self._polled.values:
            return
        polled = self._polled
        valid = polled.bit("resistance_status.range") != _INVALID and self._measuring()
        error = _DEVICE_ERROR in (polled.bit("resistance_status.alarm"), polled.bit("counter_status.alarm"))
        state = InsulationState(
            resistance_ohm=polled.number("resistance_ohm") if valid and not error else None,
            healthy=not error and self._test_passed is not False,
            self_test_passed=self._test_passed,
            measuring=self._measuring(),
            voltage_to_earth_V=None if error else self._to_earth_V(),
        )
        self._state = Reading(state, self._alive_at_s)
