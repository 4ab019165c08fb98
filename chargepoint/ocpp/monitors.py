"""Monitors of variables: which exist, and which of them a new value or the time triggers. OCPP 2.0.1 Part 2, N03 to N08.

A custom monitor survives a restart, and so does whether its threshold was passed (N07.FR.13, FR.14). The reference of a Delta monitor
and the rhythm of a Periodic monitor begin anew with the process.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum

from chargepoint.ocpp.kept import Space
from chargepoint.ocpp.moment import Moment
from chargepoint.store.rows import Json, Keep

SAMPLE_S = 1.0
"""Monitored values are read this often while there is a threshold or Delta monitor. A change that is shorter may be missed."""
INTERVAL_MIN_S, INTERVAL_MAX_S = 1.0, 366 * 86_400.0
FIRST_HARD_WIRED_ID, FIRST_CUSTOM_ID = 900, 1000
"""Ids below the first belong to preconfigured monitors."""


class MonitorKind(Enum):
    """MonitorEnumType of 2.0.1."""

    UPPER = "UpperThreshold"
    LOWER = "LowerThreshold"
    DELTA = "Delta"
    PERIODIC = "Periodic"
    ALIGNED = "PeriodicClockAligned"

    @property
    def threshold(self) -> bool:
        """It compares a number with its value."""
        return self in (MonitorKind.UPPER, MonitorKind.LOWER)

    @property
    def periodic(self) -> bool:
        """Its value is an interval in seconds."""
        return self in (MonitorKind.PERIODIC, MonitorKind.ALIGNED)


class MonitorOrigin(Enum):
    """Who made a monitor. The value is the eventNotificationType of its events (EventNotificationEnumType)."""

    HARD_WIRED = "HardWiredMonitor"
    PRECONFIGURED = "PreconfiguredMonitor"
    CUSTOM = "CustomMonitor"


class MonitoringBase(Enum):
    """MonitoringBaseEnumType. FactoryDefault and All activate the same preconfigured monitors here."""

    ALL = "All"
    FACTORY_DEFAULT = "FactoryDefault"
    HARD_WIRED_ONLY = "HardWiredOnly"


@dataclass(frozen=True, slots=True)
class VariableMonitor:
    """One monitor of the variable `key` (as `Variable.key`). `severity`: 0 (danger) to 9 (debug).

    `value`: a threshold, a difference, or an interval in s. `transaction`: active only during one.
    `exceeded`: the threshold was passed, and the central system was notified of that.
    """

    monitor_id: int
    key: str
    kind: MonitorKind
    value: float
    severity: int
    transaction: bool = False
    origin: MonitorOrigin = MonitorOrigin.CUSTOM
    exceeded: bool = False

    def to_json(self) -> Json:
        """What is kept of a custom monitor."""
        return {
            "key": self.key,
            "kind": self.kind.value,
            "value": self.value,
            "severity": self.severity,
            "transaction": self.transaction,
            "exceeded": self.exceeded,
        }


@dataclass(frozen=True, slots=True)
class Triggered:
    """A monitor that is to be notified. `trigger`: EventTriggerEnumType. `cleared`: the value is back within its threshold."""

    monitor: VariableMonitor
    trigger: str
    actual: str
    cleared: bool = False


class Monitors:
    """Hard-wired, preconfigured and custom monitors. A custom one takes the place of the preconfigured one with its id (N04.FR.15).

    A hard-wired monitor is not sampled: whoever wired it knows when its variable changes.
    """

    def __init__(
        self, hard_wired: Iterable[VariableMonitor], preconfigured: Iterable[VariableMonitor], kept: Space
    ) -> None:
        self._hard_wired = {monitor.monitor_id: monitor for monitor in hard_wired}
        self._preconfigured = {monitor.monitor_id: monitor for monitor in preconfigured}
        self._kept = kept
        self._references: dict[int, str] = {}
        """Of each Delta monitor, by id: the value it was set at, or notified with."""
        self._due_s: dict[int, float] = {}
        """Of each periodic monitor, by id: when it is notified next (monotonic s)."""
        self._sample_at_s = 0.0
        self._understood: dict[str, tuple[Json, VariableMonitor | None]] = {}
        """By key: the kept entry and what it means. Each entry is read once, because every tick asks for all of them."""

    # -- which there are -----------------------------------------------------------------------------------------------

    def active(self, base: MonitoringBase) -> tuple[VariableMonitor, ...]:
        """All that work under this base, by id."""
        found = dict(self._hard_wired)
        if base is not MonitoringBase.HARD_WIRED_ONLY:
            found.update(self._preconfigured)
        found.update((monitor.monitor_id, monitor) for monitor in self.custom)
        return tuple(found[number] for number in sorted(found))

    def sampled(self, base: MonitoringBase) -> tuple[VariableMonitor, ...]:
        """Those of `active` whose values are read: all but the hard-wired ones."""
        return tuple(monitor for monitor in self.active(base) if monitor.origin is not MonitorOrigin.HARD_WIRED)

    @property
    def custom(self) -> tuple[VariableMonitor, ...]:
        """Those the central system set. A kept entry that cannot be read does not count."""
        return tuple(monitor for key, entry in self._kept.items() if (monitor := self._read(key, entry)) is not None)

    def _read(self, key: str, entry: Json) -> VariableMonitor | None:
        known = self._understood.get(key)
        if known is None or known[0] is not entry:
            known = self._understood[key] = entry, _from_json(key, entry)
        return known[1]

    def free_id(self, taken: Iterable[int] = ()) -> int:
        """An id no monitor has; `taken`: ids given to others in the same step."""
        return max((FIRST_CUSTOM_ID - 1, *taken, *(monitor.monitor_id for monitor in self.custom))) + 1

    def keep(self, monitor: VariableMonitor) -> Keep:
        """The effect that keeps this custom monitor."""
        return self._kept.keep(str(monitor.monitor_id), monitor.to_json())

    def forget(self, monitor_id: int) -> Keep:
        """The effect that forgets this custom monitor."""
        self.renew(monitor_id)
        return self._kept.forget(str(monitor_id))

    def forget_all(self) -> tuple[Keep, ...]:
        """The effects that forget every custom monitor."""
        return tuple(self.forget(monitor.monitor_id) for monitor in self.custom)

    def renew(self, monitor_id: int) -> None:
        """This monitor is new or gone: its reference and its rhythm begin anew, and values are read at once."""
        self._references.pop(monitor_id, None)
        self._due_s.pop(monitor_id, None)
        self._sample_at_s = 0.0

    # -- what triggers -------------------------------------------------------------------------------------------------

    def deadline_s(self, active: Iterable[VariableMonitor]) -> float | None:
        """When `sample` must be called (monotonic s); None while there is no monitor."""
        return min(
            (
                self._due_s.get(monitor.monitor_id, 0.0) if monitor.kind.periodic else self._sample_at_s
                for monitor in active
            ),
            default=None,
        )

    def reads(self, now_s: float) -> bool:
        """Whether `sample` reads values at this moment (monotonic s)."""
        return now_s >= self._sample_at_s

    def sample(
        self,
        active: Iterable[VariableMonitor],
        works: Callable[[VariableMonitor], bool],
        read: Callable[[VariableMonitor], str | None],
        now: Moment,
    ) -> tuple[Triggered, ...]:
        """What is to be notified now.

        `works`: False for a monitor that waits for a transaction. `read` gives a value; None: unknown now, nothing follows from it.
        """
        values_due = self.reads(now.monotonic_s)
        if values_due:
            self._sample_at_s = now.monotonic_s + SAMPLE_S
        found = []
        for monitor in active:
            if not works(monitor):
                self._references.pop(monitor.monitor_id, None)
                self._due_s[monitor.monitor_id] = math.inf
            elif monitor.kind.periodic:
                if self._is_due(monitor, now) and (actual := read(monitor)) is not None:
                    found.append(Triggered(monitor, "Periodic", actual))  # N08.FR.05 to FR.07
            elif values_due and (actual := read(monitor)) is not None:
                triggered = self._compare(monitor, actual)
                if triggered is not None:
                    found.append(triggered)
        return tuple(found)

    def _is_due(self, monitor: VariableMonitor, now: Moment) -> bool:
        due_s = self._due_s.get(monitor.monitor_id)
        due = due_s is not None and now.monotonic_s >= due_s
        if due or due_s in (None, math.inf):
            wait_s = monitor.value
            if monitor.kind is MonitorKind.ALIGNED:
                wait_s -= math.fmod(now.utc_s, monitor.value)
            elif due_s is not None and due_s < math.inf and due_s + wait_s > now.monotonic_s:
                wait_s -= now.monotonic_s - due_s  # a late tick does not shift the rhythm
            self._due_s[monitor.monitor_id] = now.monotonic_s + wait_s
        return due

    def _compare(self, monitor: VariableMonitor, actual: str) -> Triggered | None:
        number = number_of(actual)
        if monitor.kind is MonitorKind.DELTA:
            reference = self._references.setdefault(monitor.monitor_id, actual)
            before = number_of(reference)
            if number is not None and before is not None:
                changed = abs(number - before) > monitor.value  # N07.FR.18
            else:
                changed = actual != reference  # N07.FR.19
            if not changed:
                return None
            self._references[monitor.monitor_id] = actual
            return Triggered(monitor, "Delta", actual)
        if number is None:
            return None
        beyond = number > monitor.value if monitor.kind is MonitorKind.UPPER else number < monitor.value
        if beyond == monitor.exceeded:
            return None
        return Triggered(monitor, "Alerting", actual, cleared=not beyond)  # N07.FR.02, FR.16, FR.17

    def after(self, triggered: Triggered) -> Keep | None:
        """The effect that keeps what became of a threshold."""
        if not triggered.monitor.kind.threshold:
            return None
        return self.keep(replace(triggered.monitor, exceeded=not triggered.cleared))


def number_of(text: str) -> float | None:
    """A finite number, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _from_json(key: str, entry: Json) -> VariableMonitor | None:
    try:
        return VariableMonitor(
            int(key),
            str(entry["key"]),
            MonitorKind(entry["kind"]),
            float(entry["value"]),
            int(entry["severity"]),
            bool(entry["transaction"]),
            exceeded=bool(entry["exceeded"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
