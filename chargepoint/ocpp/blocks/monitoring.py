"""N02 to N08 Monitoring: monitors set, reported and cleared; NotifyEvent for what they find, and for each fault of the station."""

from __future__ import annotations

from collections.abc import Callable

from chargepoint.model.faults import CATALOGUE, FaultCleared, FaultCode, InterlockTripped, Severity
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.device_data import selects
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    CallRefusal,
    Effect,
    Effects,
    Post,
    Send,
    SharedEvent,
    VariableSet,
    WriteJournal,
    status,
)
from chargepoint.ocpp.device_model import NUMERIC, DeviceModel, Mutability, Variable
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.monitors import (
    INTERVAL_MAX_S,
    INTERVAL_MIN_S,
    MonitoringBase,
    MonitorKind,
    Monitors,
    Triggered,
    VariableMonitor,
)
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.variables.monitoring import MAX_MONITORS

SPACE, MONITOR_SPACE, FAULT_SPACE = "monitoring", "monitors", "reported-faults"
REPORT_PAGE = 16
"""MonitoringData per NotifyMonitoringReport."""
EVENT_PAGE = 8
"""EventData per NotifyEvent."""
QUEUED_MAX = 1000
"""Events stored during one absence of the central system. Further ones are lost, and the journal says so."""
RECONCILE_S = 3.0
"""So long a fault may be reported and not present, or present and not reported, before the block believes what is present."""
PRECONFIGURED_SEVERITY = 7

_BASE, _LEVEL, _EVENT_ID = "base", "level", "event-id"
_EVENT_IDS_AT_ONCE = 100_000
_EVENT_ID_MAX = 2**31 - _EVENT_IDS_AT_ONCE
_SEVERITIES = {Severity.EMERGENCY: 1, Severity.ERROR: 2, Severity.WARNING: 6}
_CRITERIA: dict[str, tuple[MonitorKind, ...]] = {
    "ThresholdMonitoring": (MonitorKind.UPPER, MonitorKind.LOWER),  # N02.FR.12
    "DeltaMonitoring": (MonitorKind.DELTA,),  # N02.FR.13
    "PeriodicMonitoring": (MonitorKind.PERIODIC, MonitorKind.ALIGNED),  # N02.FR.14
}
_KINDS = {kind.value: kind for kind in MonitorKind}


class MonitoringBlock(FunctionalBlock):
    """Faults are hard-wired notifications: neither base nor request switches them off, level and Enabled do.

    An event is stored until it is answered where its severity permits (`OfflineQueuingSeverity`, N07.FR.04). Else it is sent once, or is
    lost while there is no connection.
    """

    def __init__(self, model: DeviceModel, kept: Kept) -> None:
        super().__init__()
        self._model = model
        self._settings = kept.space(SPACE)
        self._faults = kept.space(FAULT_SPACE)
        """The faults the central system was notified of, under `evse/NAME`."""
        preconfigured = (
            VariableMonitor(
                number, row.key, MonitorKind.DELTA, 1.0, PRECONFIGURED_SEVERITY, transaction=False, custom=False
            )
            for number, row in enumerate(model.rows_named("EVSE", "AvailabilityState"), start=1)
        )
        self._monitors = Monitors(preconfigured, kept.space(MONITOR_SPACE))
        self._next_event_id = 0
        self._last_event_id = -1
        self._queued = 0
        self._differ_since_s: float | None = None
        self.calls = {
            "SetVariableMonitoring": self._set_monitors,
            "ClearVariableMonitoring": self._clear_monitors,
            "SetMonitoringBase": self._set_base,
            "SetMonitoringLevel": self._set_level,
            "GetMonitoringReport": self._get_report,
        }

    # -- settings ------------------------------------------------------------------------------------------------------

    @property
    def base(self) -> MonitoringBase:
        """Before the central system chose one: only what is hard-wired, since StatusNotification reports the states anyway."""
        return MonitoringBase(self._settings.get(_BASE, MonitoringBase.HARD_WIRED_ONLY.value))

    @property
    def level(self) -> int:
        """The highest severity number that is notified."""
        return int(self._settings.get(_LEVEL, 9))

    @property
    def _enabled(self) -> bool:
        return self._model.flag("MonitoringCtrlr/Enabled")

    def _set_base(self, request: Payload, now: StationNow) -> CallAnswer:
        """N03."""
        base = MonitoringBase(request["monitoringBase"])
        effects: Effects = (self._settings.keep(_BASE, base.value),)
        if base is not MonitoringBase.ALL:  # N03.FR.04, FR.05
            effects = (*effects, *self._monitors.forget_all())
        return CallAnswer(status("Accepted"), effects)

    def _set_level(self, request: Payload, now: StationNow) -> CallAnswer:
        """N05."""
        severity = request["severity"]
        if not 0 <= severity <= 9:  # N05.FR.02
            return CallAnswer(status("Rejected", "ValueOutOfRange", f"severity {severity}: 0 to 9"))
        return CallAnswer(status("Accepted"), (self._settings.keep(_LEVEL, severity),))

    # -- monitors set and cleared --------------------------------------------------------------------------------------

    def _set_monitors(self, request: Payload, now: StationNow) -> CallAnswer | CallRefusal:
        """N04: an answer for each element; an element that is refused leaves the others as they are."""
        wanted = request["setMonitoringData"]
        too_many = self._too_many("SetVariableMonitoring", "setMonitoringData", wanted)
        if too_many is not None:
            return too_many
        present = {monitor.monitor_id: monitor for monitor in self._active()}
        custom = {monitor.monitor_id for monitor in self._monitors.custom}
        results: list[Payload] = []
        keeps: list[Effect] = []
        for data in wanted:
            outcome = self._judge(data, present, custom)
            result: Payload = {name: data[name] for name in ("type", "severity", "component", "variable")}
            if isinstance(outcome, VariableMonitor):
                present[outcome.monitor_id] = outcome
                custom.add(outcome.monitor_id)
                self._monitors.renew(outcome.monitor_id)
                keeps.append(self._monitors.keep(outcome))
                result = {"id": outcome.monitor_id, "status": "Accepted", **result}
            else:
                result = {**outcome, **result}
            results.append(result)
        return CallAnswer({"setMonitoringResult": results}, tuple(keeps))

    def _judge(self, data: Payload, present: dict[int, VariableMonitor], custom: set[int]) -> VariableMonitor | Payload:
        """The monitor that is wanted, or the status that refuses it."""
        row = self._model.find(data)
        if isinstance(row, str):
            return status(row)  # N04.FR.03, FR.04
        if not self._enabled:
            return status("Rejected", "NotEnabled", "MonitoringCtrlr/Enabled is false")
        kind, severity, value = _KINDS.get(data["type"]), data["severity"], float(data["value"])
        if kind is None or not _may_monitor(row, kind) or "periodicEventStream" in data:
            return status("UnsupportedMonitorType", "UnsupportedRequest", f"{row.name}: no monitor {data['type']}")
        problem = _out_of_range(row, kind, severity, value)
        if problem:
            return status("Rejected", "ValueOutOfRange", problem)
        number = data.get("id")
        old = present.get(number) if number is not None else None
        if number is not None and (old is None or old.key != row.key):  # N04.FR.13, FR.16
            why = f"no monitor {number}" if old is None else f"monitor {number} is of another variable"
            return status("Rejected", "NotFound", why)
        twin = (row.key, kind, severity)
        if any(m.monitor_id != number and (m.key, m.kind, m.severity) == twin for m in present.values()):
            return status("Duplicate")  # N04.FR.10
        if number is None and len(custom) >= MAX_MONITORS:
            return status("Rejected", "OutOfStorage", f"{MAX_MONITORS} monitors are set: clear some first")
        exceeded = old is not None and old.kind is kind and old.exceeded  # N07.FR.11
        number = self._monitors.free_id(custom) if number is None else number  # N04.FR.11, FR.12
        return VariableMonitor(
            number, row.key, kind, value, severity, data.get("transaction", False), exceeded=exceeded
        )

    def _clear_monitors(self, request: Payload, now: StationNow) -> CallAnswer | CallRefusal:
        """N06. What a cleared monitor had found is not notified as cleared (N07.FR.12)."""
        too_many = self._too_many("ClearVariableMonitoring", "id", request["id"])
        if too_many is not None:
            return too_many
        custom = {monitor.monitor_id for monitor in self._monitors.custom}
        present = {monitor.monitor_id for monitor in self._active()}
        results: list[Payload] = []
        effects: list[Effect] = []
        for number in request["id"]:
            if number in custom:
                custom.discard(number)
                present.discard(number)
                effects.append(self._monitors.forget(number))
                results.append({"id": number, "status": "Accepted"})
            elif number in present:  # N06.FR.03: a base activated it, only a base switches it off
                refused = status("Rejected", "UnsupportedRequest", "preconfigured: use SetMonitoringBase")
                results.append({"id": number, **refused})
            else:
                results.append({"id": number, "status": "NotFound"})  # N06.FR.02
        return CallAnswer({"clearMonitoringResult": results}, tuple(effects))

    def _too_many(self, action: str, field: str, items: list[Payload]) -> CallRefusal | None:
        """N04.FR.09, N06.FR.06."""
        limit = self._model.integer(f"MonitoringCtrlr/ItemsPerMessage[{action}]")
        if len(items) <= limit:
            return None
        return CallRefusal("OccurrenceConstraintViolation", f"{field}: {len(items)} elements, at most {limit}")

    # -- reports -------------------------------------------------------------------------------------------------------

    def _get_report(self, request: Payload, now: StationNow) -> CallAnswer | CallRefusal:
        """N02: criteria select kinds of monitors, component variables select rows; both given: both must hold."""
        selection = request.get("componentVariable")
        limit = self._model.integer("DeviceDataCtrlr/ItemsPerMessage[GetReport]")
        if selection is not None and len(selection) > limit:  # N02.FR.07
            text = f"componentVariable: {len(selection)} elements, at most {limit}"
            return CallRefusal("OccurrenceConstraintViolation", text)
        criteria = request.get("monitoringCriteria")
        kinds = MonitorKind if criteria is None else [kind for name in criteria for kind in _CRITERIA[name]]
        data: dict[str, Payload] = {}
        for monitor in self._active():
            row = self._model.row(monitor.key)
            if monitor.kind not in kinds or (selection is not None and not any(selects(s, row) for s in selection)):
                continue
            entry = data.setdefault(monitor.key, {**row.place, "variableMonitoring": []})
            entry["variableMonitoring"].append(_reported(monitor, now))
        if not data:
            return CallAnswer(status("EmptyResultSet"))  # N02.FR.10
        found = list(data.values())
        pages = [found[i : i + REPORT_PAGE] for i in range(0, len(found), REPORT_PAGE)]
        sends = tuple(
            Send(
                "NotifyMonitoringReport",
                {
                    "requestId": request["requestId"],  # N02.FR.04
                    "generatedAt": now.wire,
                    "seqNo": number,  # N02.FR.09
                    "tbc": number < len(pages) - 1,
                    "monitor": page,
                },
            )
            for number, page in enumerate(pages)
        )
        return CallAnswer(status("Accepted"), then=sends)

    # -- what happens ----------------------------------------------------------------------------------------------------

    @property
    def deadline_s(self) -> float | None:
        """When values are read next, or when a difference between faults is believed."""
        monitors_s = self._monitors.deadline_s(self._active()) if len(self._monitors) and self._enabled else None
        faults_s = None if self._differ_since_s is None else self._differ_since_s + RECONCILE_S
        return min((s for s in (monitors_s, faults_s) if s is not None), default=None)

    def started(self, now: StationNow) -> Effects:
        """Ids of events go on where those of the earlier process ended."""
        first = int(self._settings.get(_EVENT_ID, 0)) % _EVENT_ID_MAX
        self._next_event_id, self._last_event_id = first, first + _EVENT_IDS_AT_ONCE
        return (self._settings.keep(_EVENT_ID, self._last_event_id),)

    def connected(self, now: StationNow, offline_s: float) -> Effects:
        """What was stored can leave now."""
        self._queued = 0
        return ()

    def tick(self, now: StationNow) -> Effects:
        """Values are read at most once a second, and only while somebody monitors them."""
        return (*self._reconcile(now), *(self._sample(now) if len(self._monitors) and self._enabled else ()))

    def _sample(self, now: StationNow) -> Effects:

        def works(monitor: VariableMonitor) -> bool:
            return not monitor.transaction or self._in_transaction(monitor, now)

        found = self._monitors.sample(self._active(), works, self._read, now.moment)
        keeps = (keep for triggered in found if (keep := self._monitors.after(triggered)) is not None)
        return (*keeps, *self._notify([self._event(triggered, now) for triggered in found], now))

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """A fault came or went; a variable was set whose value nobody may read."""
        match event:
            case InterlockTripped(evse_id, code, _, detail):
                return self._fault(int(evse_id), code, now, detail)
            case FaultCleared(evse_id, code):
                return self._fault(int(evse_id), code, now, cleared=True)
            case VariableSet(key) if self._enabled:
                written = [m for m in self._active() if m.key == key and self._is_write_only(m)]
                events = [self._event(Triggered(monitor, "Delta", ""), now) for monitor in written]  # N07.FR.10
                return self._notify(events, now)
            case _:
                return ()

    def _active(self) -> tuple[VariableMonitor, ...]:
        """All that work now. A kept monitor of a variable that is gone does not."""
        return tuple(monitor for monitor in self._monitors.active(self.base) if self._model.has(monitor.key))

    def _is_write_only(self, monitor: VariableMonitor) -> bool:
        return self._model.row(monitor.key).mutability is Mutability.WRITE_ONLY

    def _read(self, monitor: VariableMonitor) -> str | None:
        return None if self._is_write_only(monitor) else self._model.present(self._model.row(monitor.key))

    def _in_transaction(self, monitor: VariableMonitor, now: StationNow) -> bool:
        evse_id = self._model.row(monitor.key).evse_id
        return any(e.transaction_id is not None for e in now.evses if evse_id in (None, int(e.evse_id)))

    def _event(self, triggered: Triggered, now: StationNow) -> tuple[int, Payload]:
        """Its severity, and the eventData (N07.FR.06)."""
        monitor = triggered.monitor
        row = self._model.row(monitor.key)
        event: Payload = {
            "trigger": triggered.trigger,
            "actualValue": triggered.actual[:2500],
            "eventNotificationType": monitor.notification_type,
            "variableMonitoringId": monitor.monitor_id,
            **row.place,
        }
        if monitor.kind.threshold:
            event["cleared"] = triggered.cleared
        return monitor.severity, _in_its_transaction(event, row.evse_id, now)

    # -- faults --------------------------------------------------------------------------------------------------------

    def _fault(
        self, evse_id: int, code: FaultCode, now: StationNow, detail: str = "", *, cleared: bool = False
    ) -> Effects:
        """A hard-wired notification, once for its coming and once for its end."""
        key, kind = f"{evse_id}/{code.name}", CATALOGUE[code]
        if (key in self._faults) is not cleared:
            return ()
        evse = now.evse(evse_id)
        others = evse is not None and any(other is not code for other in evse.faults)
        event: Payload = {
            "trigger": "Alerting",
            "actualValue": "true" if not cleared or others else "false",
            "cleared": cleared,
            "techCode": code.name,
            "techInfo": ": ".join(part for part in (kind.title, detail, kind.remedy) if part)[:500],
            "eventNotificationType": "HardWiredNotification",
            "component": {"name": "EVSE", "evse": {"id": evse_id}},
            "variable": {"name": "Problem"},
        }
        keep = self._faults.forget(key) if cleared else self._faults.keep(key, True)
        severity = _SEVERITIES[kind.severity]
        events = [(severity, _in_its_transaction(event, evse_id, now))] if self._enabled else []
        return (keep, *self._notify(events, now))

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
        effects: list[Effect] = []
        for key in sorted(present ^ reported):
            number, _, name = key.partition("/")
            if name in FaultCode.__members__:
                effects += self._fault(int(number), FaultCode[name], now, cleared=key in reported)
            else:
                effects.append(self._faults.forget(key))
        return tuple(effects)

    # -- NotifyEvent -----------------------------------------------------------------------------------------------------

    def _notify(self, events: list[tuple[int, Payload]], now: StationNow) -> Effects:
        """Events of one moment. Those to be stored and those sent once go in messages of their own."""
        stored: list[Payload] = []
        once: list[Payload] = []
        queuing = self._model.integer("MonitoringCtrlr/OfflineQueuingSeverity")
        effects: list[Effect] = []
        for severity, event in events:
            if severity > self.level:  # N05.FR.03, N07.FR.15
                continue
            event = {"eventId": self._next_event_id, "timestamp": now.wire, **event}
            self._next_event_id += 1
            if now.version.names_monitor_origin:
                event["severity"] = severity
            if severity > queuing:
                once.append(event)
            elif now.connected or self._queued < QUEUED_MAX:  # N07.FR.04, N08.FR.03
                stored.append(event)
                self._queued += 0 if now.connected else 1
            elif self._queued == QUEUED_MAX:
                self._queued += 1
                text = f"more than {QUEUED_MAX} events wait for the central system: further ones are lost"
                effects.append(WriteJournal("!", text))
        if self._next_event_id >= self._last_event_id:
            effects += self.started(now)
        effects += [Post("NotifyEvent", payload) for payload in _messages(stored, now)]
        effects += [Send("NotifyEvent", payload, waits=True) for payload in _messages(once, now)]
        return tuple(effects)

    # -- variables -------------------------------------------------------------------------------------------------------

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        """Base, level, and whether an EVSE has a fault."""
        if row.component == "MonitoringCtrlr":
            live: dict[str, Callable[[], str]] = {
                "ActiveMonitoringBase": lambda: self.base.value,
                "ActiveMonitoringLevel": lambda: str(self.level),
            }
            return live[row.name]() if row.name in live else None
        if row.component == "EVSE" and row.name == "Problem" and row.evse_id is not None:
            evse = now.evse(row.evse_id)
            return None if evse is None or not evse.heard else "true" if evse.faults else "false"
        return None


def _may_monitor(row: Variable, kind: MonitorKind) -> bool:
    """Thresholds compare numbers; a value that nobody may read can only be notified as changed."""
    if not row.monitored or (row.mutability is Mutability.WRITE_ONLY and kind is not MonitorKind.DELTA):
        return False
    return not kind.threshold or row.data_type in NUMERIC


def _out_of_range(row: Variable, kind: MonitorKind, severity: int, value: float) -> str:
    """Why these numbers are refused; "" where they are good."""
    if not 0 <= severity <= 9:
        return f"severity {severity}: 0 to 9"
    low, high = 0.0, float("inf")
    if kind.periodic:
        low, high = INTERVAL_MIN_S, INTERVAL_MAX_S
    elif kind.threshold:  # N04.FR.06; Delta: N04.FR.14
        low = float("-inf") if row.minimum is None else row.minimum
        high = float("inf") if row.maximum is None else row.maximum
    return "" if low <= value <= high else f"value {value:g} of a {kind.value} monitor: {low:g} to {high:g}"


def _reported(monitor: VariableMonitor, now: StationNow) -> Payload:
    report: Payload = {
        "id": monitor.monitor_id,
        "transaction": monitor.transaction,
        "value": monitor.value,
        "type": monitor.kind.value,
        "severity": monitor.severity,
    }
    if now.version.names_monitor_origin:
        report["eventNotificationType"] = monitor.notification_type
    return report


def _in_its_transaction(event: Payload, evse_id: int | None, now: StationNow) -> Payload:
    evse = None if evse_id is None else now.evse(evse_id)
    if evse is None or evse.transaction_id is None:
        return event
    return {**event, "transactionId": str(evse.transaction_id)}


def _messages(events: list[Payload], now: StationNow) -> list[Payload]:
    """NotifyEvent payloads; the first has seqNo 0 (N07.FR.07)."""
    pages = [events[i : i + EVENT_PAGE] for i in range(0, len(events), EVENT_PAGE)]
    return [
        {"generatedAt": now.wire, "seqNo": number, "tbc": number < len(pages) - 1, "eventData": page}
        for number, page in enumerate(pages)
    ]
