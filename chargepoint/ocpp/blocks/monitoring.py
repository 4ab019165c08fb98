"""N02 to N08 Monitoring: monitors set, reported and cleared, and the events of those whose values are read."""

from __future__ import annotations

from collections.abc import Callable

from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.device_data import selects
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    CallRefusal,
    Effect,
    Effects,
    HardWiredNotification,
    Send,
    SharedEvent,
    VariableSet,
    status,
)
from chargepoint.ocpp.blocks.event_notices import SPACE, EventNotices, in_its_transaction, of_monitor
from chargepoint.ocpp.blocks.fault_events import PROBLEM_MONITOR
from chargepoint.ocpp.device_model import NUMERIC, DeviceModel, Mutability, Variable
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.monitors import (
    INTERVAL_MAX_S,
    INTERVAL_MIN_S,
    MonitoringBase,
    MonitorKind,
    MonitorOrigin,
    Monitors,
    Triggered,
    VariableMonitor,
)
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.variables.monitoring import MAX_MONITORS

MONITOR_SPACE = "monitors"
REPORT_PAGE = 16
"""MonitoringData per NotifyMonitoringReport."""
PRECONFIGURED_SEVERITY = 7

_BASE = "base"
_CRITERIA: dict[str, tuple[MonitorKind, ...]] = {
    "ThresholdMonitoring": (MonitorKind.UPPER, MonitorKind.LOWER),  # N02.FR.12
    "DeltaMonitoring": (MonitorKind.DELTA,),  # N02.FR.13
    "PeriodicMonitoring": (MonitorKind.PERIODIC, MonitorKind.ALIGNED),  # N02.FR.14
}
_WHY_NOT_CLEARED = {
    MonitorOrigin.PRECONFIGURED: "preconfigured: use SetMonitoringBase",
    MonitorOrigin.HARD_WIRED: "hard-wired: nothing clears it",
}
_KINDS = {kind.value: kind for kind in MonitorKind}


class MonitoringBlock(FunctionalBlock):
    """Monitors of variables. The one that is hard-wired has its events in `fault_events`.

    While there is no connection, a threshold or Delta monitor whose event would be lost is not judged. A periodic event is lost.
    """

    def __init__(self, model: DeviceModel, notices: EventNotices, kept: Kept) -> None:
        super().__init__()
        self._model = model
        self._notices = notices
        self._settings = kept.space(SPACE)
        preconfigured = (
            VariableMonitor(
                number, row.key, MonitorKind.DELTA, 1.0, PRECONFIGURED_SEVERITY, origin=MonitorOrigin.PRECONFIGURED
            )
            for number, row in enumerate(model.rows_named("EVSE", "AvailabilityState"), start=1)
        )
        self._monitors = Monitors((PROBLEM_MONITOR,), preconfigured, kept.space(MONITOR_SPACE))
        self._ran: dict[int, str] = {}
        """The transactions at the last reading of values, by EVSE."""
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
        return CallAnswer(status("Accepted"), (self._notices.keep_level(severity),))

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
        if not self._notices.enabled:
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
        if old is not None and old.origin is MonitorOrigin.HARD_WIRED:  # N04.FR.18
            return status("Rejected", "ReadOnly", f"monitor {number} is hard-wired")
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
        present = {monitor.monitor_id: monitor for monitor in self._active()}
        results: list[Payload] = []
        effects: list[Effect] = []
        for number in request["id"]:
            if number in custom:
                custom.discard(number)
                present.pop(number, None)
                effects.append(self._monitors.forget(number))
                results.append({"id": number, "status": "Accepted"})
            elif number in present:  # N06.FR.03
                refused = status("Rejected", "UnsupportedRequest", _WHY_NOT_CLEARED[present[number].origin])
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
        """When values are read next."""
        return self._monitors.deadline_s(self._sampled()) if self._notices.enabled else None

    def started(self, now: StationNow) -> Effects:
        """Ids of events go on."""
        return self._notices.started()

    def connected(self, now: StationNow, offline_s: float) -> Effects:
        """What was stored can leave now."""
        self._notices.connected()
        return ()

    def tick(self, now: StationNow) -> Effects:
        """Values are read at most once a second, and only while somebody monitors them."""
        return self._sample(now) if self._notices.enabled else ()

    def _sample(self, now: StationNow) -> Effects:
        """A monitor whose event would be lost now is judged when there is a connection again (remark at N07)."""
        queuing = self._notices.queuing_severity
        reads = self._monitors.reads(now.monotonic_s)
        monitors = [m for m in self._sampled() if now.connected or m.kind.periodic or m.severity <= queuing]

        def works(monitor: VariableMonitor) -> bool:
            return not monitor.transaction or self._in_transaction(monitor, now)

        found = self._monitors.sample(monitors, works, self._read, now.moment)
        keeps = (keep for triggered in found if (keep := self._monitors.after(triggered)) is not None)
        events = [self._event(triggered, now) for triggered in found]
        if reads and monitors:
            self._ran = {int(e.evse_id): str(e.transaction_id) for e in now.evses if e.transaction_id is not None}
        return (*keeps, *self._notices.notify(events, now))

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """A variable was set whose value nobody may read."""
        match event:
            case HardWiredNotification(evse_id, severity, what):
                return self._notices.notify([(severity, in_its_transaction(what, evse_id, now))], now)
            case VariableSet(key):
                written = [m for m in self._active() if m.key == key and self._is_write_only(m)]
                events = [
                    of_monitor(Triggered(m, "Delta", ""), self._model.row(m.key), now) for m in written
                ]  # N07.FR.10
                return self._notices.notify(events, now, rare=True)
            case _:
                return ()

    def _active(self) -> tuple[VariableMonitor, ...]:
        """All that work now. A kept monitor of a variable that is gone does not."""
        return tuple(monitor for monitor in self._monitors.active(self.base) if self._model.has(monitor.key))

    def _sampled(self) -> tuple[VariableMonitor, ...]:
        """Those of `_active` whose values are read."""
        return tuple(monitor for monitor in self._monitors.sampled(self.base) if self._model.has(monitor.key))

    def _is_write_only(self, monitor: VariableMonitor) -> bool:
        return self._model.row(monitor.key).mutability is Mutability.WRITE_ONLY

    def _read(self, monitor: VariableMonitor) -> str | None:
        return None if self._is_write_only(monitor) else self._model.present(self._model.row(monitor.key))

    def _in_transaction(self, monitor: VariableMonitor, now: StationNow) -> bool:
        evse_id = self._model.row(monitor.key).evse_id
        return any(e.transaction_id is not None for e in now.evses if evse_id in (None, int(e.evse_id)))

    def _event(self, triggered: Triggered, now: StationNow) -> tuple[int, Payload]:
        """Severity and eventData of a reading.

        A value that changed between two readings changed in the transaction that ran at the first of them (TC_N_20).
        """
        row = self._model.row(triggered.monitor.key)
        severity, event = of_monitor(triggered, row, now)
        ran = None if row.evse_id is None else self._ran.get(row.evse_id)
        return severity, event if ran is None else {"transactionId": ran, **event}

    # -- variables -------------------------------------------------------------------------------------------------------

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        """Base and level."""
        if row.component == "MonitoringCtrlr":
            live: dict[str, Callable[[], str]] = {
                "ActiveMonitoringBase": lambda: self.base.value,
                "ActiveMonitoringLevel": lambda: str(self._notices.level),
            }
            return live[row.name]() if row.name in live else None
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
        report["eventNotificationType"] = monitor.origin.value
    return report
