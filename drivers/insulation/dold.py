"""Dold RN5893. Fulfils chargepoint.ports.InsulationMonitor; registers in profiles/dold_rn5893.toml.

The device's own Modbus time-out is switched on before anything else: a monitor that nobody asks reports a fault by its relays. The
measurement is stopped and started by a bit of the control word, and a self-test needs it on. The device has no counter of
measurements: the state's age is that of its answer. Settings in its EEPROM are never written.
Source: docs/sources/hardware.md 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from chargepoint.model.readings import Reading
from chargepoint.ports import DevicePoint, InsulationState
from drivers.modbus.master import Master
from drivers.modbus.transaction import Outcome, Priority, WriteDone, WriteRegister
from drivers.profile.codec import Params
from drivers.profile.polled import PolledProfile
from drivers.profile.schema import DeviceProfile

RESISTANCE_MAX_OHM = 2e6
"""The device shows no more: 0xFFFF means «above»."""

SELF_TEST_MAX_S = 30.0
SELF_TEST_BEGINS_S = 5.0
_SELF_TEST, _STOP = 0x0010, 0x0100
_RETRY_S = 0.5
_VALID = ("measuring", "alarm", "pre-alarm")
_TESTING = ("self-test", "advanced test")


class DoldMonitor:
    """Wishes (`enable`, `start_self_test`) are written until the device shows them."""

    def __init__(self, name: str, profile: DeviceProfile, params: Params, unit: int, master: Master) -> None:
        self.name = name
        self._polled = PolledProfile(name, profile, params, unit, master, self._take)
        self._master = master
        self._timeout_ms = int(params["timeout_ms"])
        self._wanted: bool | None = None
        self._writing = False
        self._retry_at_s = -1e9
        self._test_asked = False
        self._test_started_s: float | None = None
        self._test_seen = False
        self._test_passed: bool | None = None
        self._seen_at_s: dict[str, float] = {}
        self._state: Reading[InsulationState] | None = None

    def enable(self, measuring: bool) -> None:
        """Measure, or be silent."""
        if self._wanted is not measuring:
            self._wanted, self._retry_at_s = measuring, -1e9

    def start_self_test(self) -> None:
        """Begin a self-test; the result shows in the state."""
        self._test_asked, self._test_seen = True, False
        self._test_passed, self._test_started_s = None, None
        self._retry_at_s = -1e9
        self._publish()

    @property
    def state(self) -> Reading[InsulationState] | None:
        """Last state; its age is that of the device's answer."""
        return self._state

    @property
    def identity_error(self) -> str:
        """Why the device is not taken for the one configured; empty if it is, or has not answered yet."""
        return self._polled.identity_error

    def points(self) -> Iterator[DevicePoint]:
        """Every register of the profile, as read last."""
        return self._polled.points()

    def poll(self, now_s: float) -> None:
        """Queue the reads that are due, and the next wish the device does not show yet."""
        if self._test_started_s is not None:
            self._polled.refresh("state")
        self._polled.poll(now_s)
        if not self._polled.identified or "control" not in self._polled.values:
            return
        if self._test_started_s is not None:
            self._watch_self_test(now_s)
        if self._writing or now_s < self._retry_at_s:
            return
        if self._polled.number("timeout_ms") != self._timeout_ms:
            self._write("timeout_ms", self._timeout_ms, now_s)
        elif not self._polled.bit("timeout_enabled.on"):
            self._write("timeout_enabled", 1, now_s)
        elif self._wanted is not None and self._wanted == bool(self._polled.bit("control.stop")):
            self._write("control", 0 if self._wanted else _STOP, now_s)
        elif self._test_asked and self._measuring():
            self._write("control", _SELF_TEST, now_s, test=True)

    def _write(self, point: str, value: int, now_s: float, test: bool = False) -> None:
        self._writing, self._retry_at_s = True, now_s + _RETRY_S

        def done(outcome: Outcome) -> None:
            self._writing = False
            if isinstance(outcome, WriteDone):
                self._retry_at_s = -1e9
                self._polled.refresh("control")
                # what was read of this register is older than the write
                self._polled.assume(point, float(value))
                if test:
                    self._test_asked, self._test_started_s = False, outcome.at_s

        request = WriteRegister(self._polled.unit, self._polled.address(point), value)
        self._master.submit(request, done, Priority.SETPOINT)

    def _watch_self_test(self, now_s: float) -> None:
        assert self._test_started_s is not None
        testing = self._shows(*_TESTING)
        elapsed_s = now_s - self._test_started_s
        self._test_seen = self._test_seen or testing
        over = (self._test_seen and not testing) or (not self._test_seen and elapsed_s > SELF_TEST_BEGINS_S)
        if self._broken() or elapsed_s > SELF_TEST_MAX_S or over:
            self._test_passed = self._test_seen and not testing and not self._broken()
            self._test_started_s = None
            self._publish()

    def _take(self, block: str, at_s: float) -> None:
        if not self._polled.identified or block == "control":
            return
        self._seen_at_s[block] = at_s
        if self._test_started_s is not None:
            self._watch_self_test(at_s)
        self._publish()

    def _shows(self, *words: str) -> bool:
        return any(self._polled.bit(f"state.{word}") for word in words)

    def _broken(self) -> bool:
        return self._shows("error") or not self._polled.bit("device_fault.none")

    def _measuring(self) -> bool:
        return self._shows(*_VALID)

    def _publish(self) -> None:
        if len(self._seen_at_s) < 2:
            return
        resistance_ohm = self._polled.number("resistance_ohm")
        valid = self._measuring() and not self._broken() and resistance_ohm is not None
        state = InsulationState(
            resistance_ohm=min(resistance_ohm, RESISTANCE_MAX_OHM) if valid and resistance_ohm is not None else None,
            healthy=not self._broken() and self._test_passed is not False,
            self_test_passed=self._test_passed,
            measuring=self._measuring(),
        )
        self._state = Reading(state, min(self._seen_at_s.values()))
