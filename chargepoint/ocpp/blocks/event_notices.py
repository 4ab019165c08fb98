"""N07 NotifyEvent: which events are notified, which are stored until they are answered, and their ids. Shared by the blocks that have events."""

from __future__ import annotations

from chargepoint.ocpp.blocks.block import StationNow
from chargepoint.ocpp.blocks.effects import Effect, Effects, Post, Send, WriteJournal
from chargepoint.ocpp.device_model import DeviceModel, Variable
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.monitors import Triggered
from chargepoint.ocpp.schemas import Payload
from chargepoint.store.rows import Keep

SPACE = "monitoring"
EVENT_PAGE = 8
"""EventData per NotifyEvent."""
QUEUED_MAX = 1000
"""Events stored during one absence of the central system. Further ones are lost, and the journal says so."""
LOWEST_SEVERITY = 9

_OF_MONITORS = ("CustomMonitor", "PreconfiguredMonitor")

_LEVEL, _EVENT_ID = "level", "event-id"
_EVENT_IDS_AT_ONCE = 100_000
_EVENT_ID_MAX = 2**31 - _EVENT_IDS_AT_ONCE


class EventNotices:
    """An event is stored until it is answered where its severity permits (`OfflineQueuingSeverity`, N07.FR.04). Else it is sent once."""

    def __init__(self, model: DeviceModel, kept: Kept) -> None:
        self._model = model
        self._settings = kept.space(SPACE)
        self._next_event_id = 0
        self._last_event_id = -1
        self._queued = 0

    @property
    def enabled(self) -> bool:
        """MonitoringCtrlr/Enabled: where it is false, nothing is notified."""
        return self._model.flag("MonitoringCtrlr/Enabled")

    @property
    def level(self) -> int:
        """The highest severity number that is notified."""
        return int(self._settings.get(_LEVEL, LOWEST_SEVERITY))

    def keep_level(self, severity: int) -> Keep:
        """The effect that keeps another level."""
        return self._settings.keep(_LEVEL, severity)

    @property
    def queuing_severity(self) -> int:
        """The highest severity number whose events are stored while there is no connection."""
        return self._model.integer("MonitoringCtrlr/OfflineQueuingSeverity")

    def started(self) -> Effects:
        """Ids of events go on where those of the earlier process ended."""
        first = int(self._settings.get(_EVENT_ID, 0)) % _EVENT_ID_MAX
        self._next_event_id, self._last_event_id = first, first + _EVENT_IDS_AT_ONCE
        return (self._settings.keep(_EVENT_ID, self._last_event_id),)

    def connected(self) -> None:
        """What was stored can leave now."""
        self._queued = 0

    def notify(self, events: list[tuple[int, Payload]], now: StationNow, *, rare: bool = False) -> Effects:
        """Events of one moment, each with its severity. Those to be stored and those sent once go in messages of their own.

        `rare`: they cannot come in numbers, and are stored also where a monitor made them.
        """
        if not self.enabled:
            return ()
        stored: list[Payload] = []
        once: list[Payload] = []
        queuing = self.queuing_severity
        effects: list[Effect] = []
        for severity, event in events:
            if severity > self.level:  # N05.FR.03, N07.FR.15
                continue
            event = {"eventId": self._next_event_id, "timestamp": now.wire, **event}
            self._next_event_id += 1
            if now.version.names_monitor_origin:
                event["severity"] = severity
            many = now.connected and not rare and event["eventNotificationType"] in _OF_MONITORS
            if severity > queuing or many:  # while connected, many events must not stand before what is billed
                once.append(event)
            elif now.connected or self._queued < QUEUED_MAX:  # N07.FR.04, N08.FR.03
                stored.append(event)
                self._queued += 0 if now.connected else 1
            elif self._queued == QUEUED_MAX:
                self._queued += 1
                text = f"more than {QUEUED_MAX} events wait for the central system: further ones are lost"
                effects.append(WriteJournal("!", text))
        if self._next_event_id >= self._last_event_id:
            effects += self.started()
        effects += [Post("NotifyEvent", payload) for payload in _messages(stored, now)]
        effects += [Send("NotifyEvent", payload, waits=True) for payload in _messages(once, now)]
        return tuple(effects)


def of_monitor(triggered: Triggered, row: Variable, now: StationNow) -> tuple[int, Payload]:
    """The severity and the eventData of a monitor that was triggered; `row`: its variable (N07.FR.06)."""
    monitor = triggered.monitor
    event: Payload = {
        "trigger": triggered.trigger,
        "actualValue": triggered.actual[:2500],
        "eventNotificationType": monitor.origin.value,
        "variableMonitoringId": monitor.monitor_id,
        **row.place,
    }
    if monitor.kind.threshold:
        event["cleared"] = triggered.cleared
    return monitor.severity, in_its_transaction(event, row.evse_id, now)


def in_its_transaction(event: Payload, evse_id: int | None, now: StationNow) -> Payload:
    """The eventData with the transaction that runs at this EVSE, where one does."""
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
