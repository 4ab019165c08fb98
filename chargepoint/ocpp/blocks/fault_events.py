"""N07 Faults: each fault of the station is a hard-wired notification, and Problem of the whole station a hard-wired monitor.

The fault of a connector lock is reported twice: for the lock (G05.FR.02), and for its EVSE.
"""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.model.faults import CATALOGUE, FaultCleared, FaultCode, InterlockTripped, Severity
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import Effect, Effects, SharedEvent
from chargepoint.ocpp.blocks.event_notices import EventNotices, in_its_transaction, of_monitor
from chargepoint.ocpp.device_model import DeviceModel, Variable
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.monitors import FIRST_HARD_WIRED_ID, MonitorKind, MonitorOrigin, Triggered, VariableMonitor
from chargepoint.ocpp.schemas import Payload

FAULT_SPACE = "reported-faults"
RECONCILE_S = 3.0
"""So long a fault may be reported and not present, or present and not reported, before the block believes what is present."""
PROBLEM = "ChargingStation/Problem"
PROBLEM_SEVERITY = 4
"""Of the hard-wired monitor: an error."""
PROBLEM_MONITOR = VariableMonitor(
    FIRST_HARD_WIRED_ID, PROBLEM, MonitorKind.DELTA, 1.0, PROBLEM_SEVERITY, origin=MonitorOrigin.HARD_WIRED
)
"""It changes with the first fault and with the end of the last one."""

LOCK = "ConnectorPlugRetentionLock"
CONNECTOR_ID = 1
"""Every EVSE here has one connector."""

_SEVERITIES = {
    Severity.EMERGENCY: 1,
    Severity.ERROR: 2,
    Severity.STOP: 4,
    Severity.DERATE: 5,
    Severity.WARNING: 6,
}


@dataclass(frozen=True, slots=True)
class FaultChange:
    """A fault came, or with `cleared` went. `detail`: what was measured, for people."""

    evse_id: int
    code: FaultCode
    detail: str = ""
    cleared: bool = False

    @property
    def key(self) -> str:
        """Under which the fault is kept while it lasts."""
        return f"{self.evse_id}/{self.code.name}"


class FaultEventsBlock(FunctionalBlock):
    """Neither monitoring base nor request switches these events off, level and Enabled do."""

    def __init__(self, model: DeviceModel, notices: EventNotices, kept: Kept) -> None:
        super().__init__()
        self._model = model
        self._notices = notices
        self._faults = kept.space(FAULT_SPACE)
        """The faults the central system was notified of, under `evse/NAME`."""
        self._differ_since_s: float | None = None

    @property
    def deadline_s(self) -> float | None:
        """When a difference between faults is believed."""
        return None if self._differ_since_s is None else self._differ_since_s + RECONCILE_S

    def tick(self, now: StationNow) -> Effects:
        """Compare what is present with what was reported."""
        return self._reconcile(now)

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """A fault came or went."""
        match event:
            case InterlockTripped(evse_id, code, _, detail):
                return self._change([FaultChange(int(evse_id), code, detail)], now)
            case FaultCleared(evse_id, code):
                return self._change([FaultChange(int(evse_id), code, cleared=True)], now)
            case _:
                return ()

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        """Problem of the station, of each EVSE and of each lock: whether it has a fault."""
        if row.name != "Problem":
            return None
        heard = [evse for evse in now.evses if evse.heard and row.evse_id in (None, int(evse.evse_id))]
        if row.component == LOCK:
            failed = any(FaultCode.CONNECTOR_LOCK in evse.faults for evse in heard)
            return None if not heard else "true" if failed else "false"
        return None if not heard else "true" if any(evse.faults for evse in heard) else "false"

    # -- inside ------------------------------------------------------------------------------------------------------

    def _change(self, changes: list[FaultChange], now: StationNow) -> Effects:
        """A hard-wired notification for each coming and each end, and the event of the hard-wired monitor."""
        before = set(self._faults)
        after = set(before)
        keeps: list[Effect] = []
        events: list[tuple[int, Payload]] = []
        for change in changes:
            if (change.key in after) is not change.cleared:
                continue
            after ^= {change.key}
            keeps.append(self._faults.forget(change.key) if change.cleared else self._faults.keep(change.key, True))
            severity = _SEVERITIES[CATALOGUE[change.code].severity]
            if change.code is FaultCode.CONNECTOR_LOCK:
                events.append((severity, _lock_problem(change, now)))
            events.append((severity, self._notification(change, now)))
        if bool(before) is not bool(after):
            problem = Triggered(PROBLEM_MONITOR, "Delta", "true" if after else "false")
            events.append(of_monitor(problem, self._model.row(PROBLEM), now))
        return (*keeps, *self._notices.notify(events, now))

    def _notification(self, change: FaultChange, now: StationNow) -> Payload:
        """The eventData of a fault."""
        kind = CATALOGUE[change.code]
        evse = now.evse(change.evse_id)
        others = evse is not None and any(other is not change.code for other in evse.faults)
        event: Payload = {
            "trigger": "Alerting",
            "actualValue": "true" if not change.cleared or others else "false",
            "cleared": change.cleared,
            "techCode": change.code.name,
            "techInfo": ": ".join(part for part in (kind.title, change.detail, kind.remedy) if part)[:500],
            "eventNotificationType": "HardWiredNotification",
            "component": {"name": "EVSE", "evse": {"id": change.evse_id}},
            "variable": {"name": "Problem"},
        }
        return in_its_transaction(event, change.evse_id, now)

    def _reconcile(self, now: StationNow) -> Effects:
        """Faults whose coming or end nobody reported: those of an earlier process, or of a lost link to the power process."""
        known = {int(evse.evse_id) for evse in now.evses if evse.heard}
        present = {f"{evse.evse_id}/{code.name}" for evse in now.evses if evse.heard for code in evse.faults}
        reported = {key for key in self._faults if int(key.partition("/")[0]) in known}
        if present == reported:
            self._differ_since_s = None
            return ()
        if self._differ_since_s is None:
            self._differ_since_s = now.monotonic_s
        if now.monotonic_s < self._differ_since_s + RECONCILE_S:
            return ()
        self._differ_since_s = None
        changes: list[FaultChange] = []
        unknown: list[Effect] = []
        for key in sorted(present ^ reported):
            number, _, name = key.partition("/")
            if name in FaultCode.__members__:
                changes.append(FaultChange(int(number), FaultCode[name], cleared=key in reported))
            else:
                unknown.append(self._faults.forget(key))
        return (*unknown, *self._change(changes, now))


def _lock_problem(change: FaultChange, now: StationNow) -> Payload:
    """The eventData of a connector lock that failed, or that is well again. G05.FR.02, in the form of TC_G_20."""
    event: Payload = {
        "trigger": "Delta",
        "actualValue": "false" if change.cleared else "true",
        "cleared": change.cleared,
        "techCode": change.code.name,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": LOCK, "evse": {"id": change.evse_id, "connectorId": CONNECTOR_ID}},
        "variable": {"name": "Problem"},
    }
    return in_its_transaction(event, change.evse_id, now)
