"""The site bus: which messages are due, and what becomes of the messages that come. A core, with time as an Instant.

A state is published when it changed, at most once in `state_interval_s`; unchanged it is repeated after `repeat_interval_s`. What is
published is always the newest: a state that could not leave in time is never queued.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from chargepoint.energy.connection import ConnectionBound
from chargepoint.model.ids import EvseId
from chargepoint.model.instant import Instant
from chargepoint.model.site_meter import SiteMeterReading
from chargepoint.model.station_status import EvseStatus
from chargepoint.model.status import EvseState
from chargepoint.site.desk import SiteDesk
from chargepoint.site.orders import OrderAnswer
from chargepoint.site.telemetry import capability, evse_telemetry, station_telemetry
from chargepoint.site.topics import Topics

ONLINE, OFFLINE = b"online", b"offline"
METER_SILENT_S = 10.0
"""An older value of the site's meter is not published (own rule)."""
COMPLAINT_EVERY_S = 60.0
"""The same complaint about meter values goes into the log once in this time."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to or from the broker. `response_topic`, `correlation`: properties of MQTT 5, where the sender gave them."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    response_topic: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class SiteView:
    """The station of this moment. `ramps_A_per_s` are ratings."""

    statuses: Mapping[EvseId, EvseStatus]
    states: Mapping[EvseId, EvseState]
    bounds: tuple[ConnectionBound, ...]
    central_system: str
    firmware_version: str
    ramps_A_per_s: Mapping[EvseId, float]
    reading: SiteMeterReading | None = None
    """Of the site's meter, where the station has one of its own."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Seconds: least time between two messages of one state, and longest."""

    state_s: float
    repeat_s: float


@dataclass(frozen=True, slots=True)
class _Published:
    payload: bytes
    at_s: float


class SiteBus:
    """Messages in and out. `discovery`: what home automation is to find, published with every connection."""

    def __init__(
        self,
        topics: Topics,
        desk: SiteDesk,
        view: Callable[[], SiteView],
        intervals: Intervals,
        discovery: tuple[Message, ...] = (),
    ) -> None:
        self._topics = topics
        self._desk = desk
        self._view = view
        self._intervals = intervals
        self._discovery = discovery
        self._published: dict[str, _Published] = {}
        self._complaint = ""
        self._complained_s = 0.0

    @property
    def will(self) -> Message:
        """What the broker publishes for the station when it is gone."""
        return Message(self._topics.availability, OFFLINE, retain=True)

    @property
    def refused_orders(self) -> int:
        """Since the start."""
        return self._desk.refused

    def connected(self) -> list[Message]:
        """A connection begins: availability and discovery; every state is due anew."""
        self._published.clear()
        return [Message(self._topics.availability, ONLINE, retain=True), *self._discovery]

    def take(self, message: Message, at: Instant) -> tuple[list[Message], str | None]:
        """A message came. The answers to it, and a line for the log where something was wrong."""
        if message.topic == self._topics.meter:
            return [], self._complain(self._desk.meter(message.payload, at, retained=message.retain), at)
        if message.topic != self._topics.order or not message.payload:  # an empty message clears a retained one
            return [], None
        answer = self._desk.order(message.payload, at, retained=message.retain)
        line = None if answer.accepted else f"order {answer.id!r} refused ({answer.code}): {answer.text}"
        return [self._answer(message, answer)], line

    def keep_time(self, at: Instant) -> None:
        """Let leases end. Call it at least once a second, also while there is no broker."""
        self._desk.keep_time(at)

    def due(self, at: Instant) -> list[Message]:
        """Every state whose message is due. Call it at least once a second while a broker is there."""
        self._desk.keep_time(at)
        view = self._view()
        found: list[Message] = []
        for evse_id, status in view.statuses.items():
            state = view.states[evse_id]
            paused = self._desk.paused(evse_id)
            self._due(found, self._topics.evse(evse_id), evse_telemetry(status, state, paused=paused), at)
            departure_s = self._desk.departure_s(evse_id, at.monotonic_s)
            can = capability(status, state, view.ramps_A_per_s[evse_id], departure_s)
            self._due(found, self._topics.capability(evse_id), can, at)
        reading = self._desk.reading if view.reading is None else view.reading
        if reading is not None and at.monotonic_s - reading.taken_at_s > METER_SILENT_S:
            reading = None
        station = station_telemetry(
            tuple(view.statuses.values()),
            view.bounds,
            reading,
            self._desk.station_setpoint_W,
            view.central_system,
            view.firmware_version,
        )
        self._due(found, self._topics.station, station, at)
        return found

    def _due(self, found: list[Message], topic: str, payload: Any, at: Instant) -> None:
        text = to_json(asdict(payload))
        last = self._published.get(topic)
        if last is not None:
            age_s = at.monotonic_s - last.at_s
            if age_s < self._intervals.state_s or (text == last.payload and age_s < self._intervals.repeat_s):
                return
        self._published[topic] = _Published(text, at.monotonic_s)
        found.append(Message(topic, text, retain=True))

    def _answer(self, message: Message, answer: OrderAnswer) -> Message:
        topic = message.response_topic
        if topic is None or not _may_answer_to(topic, self._topics) or self._describes_devices(topic):
            topic = self._topics.answer
        return Message(topic, answer.model_dump_json(exclude_none=True).encode(), correlation=message.correlation)

    def _describes_devices(self, topic: str) -> bool:
        """Home automation listens there, and believes the station."""
        prefixes = {one.topic.split("/")[0] for one in self._discovery}
        return topic.split("/")[0] in prefixes

    def _complain(self, complaint: str | None, at: Instant) -> str | None:
        if complaint is None:
            self._complaint = ""
            return None
        if complaint == self._complaint and at.monotonic_s - self._complained_s < COMPLAINT_EVERY_S:
            return None
        self._complaint, self._complained_s = complaint, at.monotonic_s
        return f"site meter: {complaint}"


def _may_answer_to(topic: str, topics: Topics) -> bool:
    """Not where we listen or where others believe us: an answer there would come back as an order, or pass for a state."""
    foreign = not (topic == topics.root or topic.startswith(f"{topics.root}/"))
    return 0 < len(topic) <= 256 and not set(topic) & set("+#\0") and (foreign or topic.startswith(f"{topics.answer}/"))


def to_json(plain: Any) -> bytes:
    """Compact, without NaN."""
    return json.dumps(plain, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()
