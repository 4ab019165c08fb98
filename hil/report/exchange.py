"""The message sequence: what car, station and central system sent each other, long repetitions folded. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from hil.record.line import Json, LineKind, RecordLine, Seer
from hil.report.lanes import action_text

PERIOD_MAX = 6
"""A repetition has at most so many messages before it begins anew."""
REPEATS_MIN = 5
"""Fewer repetitions than this are not folded."""


class MessageWay(Enum):
    """From whom to whom."""

    CAR_TO_STATION = "car to station"
    STATION_TO_CAR = "station to car"
    STATION_TO_CSMS = "station to central system"
    CSMS_TO_STATION = "central system to station"
    CAR_EVENT = "car"
    """Something that the car noted, and no message."""


@dataclass(frozen=True, slots=True)
class ExchangedMessage:
    """One message. `took_ms`: from request to answer, where the car knows it. `content`: None where the record does not keep it."""

    at_s: float
    way: MessageWay
    name: str
    evse: int
    code: str = ""
    note: str = ""
    took_ms: float | None = None
    content: Json = None

    @property
    def of_car(self) -> bool:
        """It is on the car's wire."""
        return self.way not in (MessageWay.STATION_TO_CSMS, MessageWay.CSMS_TO_STATION)


@dataclass(frozen=True, slots=True)
class FoldedMessages:
    """`repeats` times the same `names`, from `at_s` to `to_s`."""

    at_s: float
    to_s: float
    names: tuple[str, ...]
    repeats: int
    evse: int
    of_car: bool
    slowest_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ExchangeMark:
    """Something that the scenario did, or a note, between the messages."""

    at_s: float
    kind: str
    text: str
    evse: int


ExchangeRow = ExchangedMessage | FoldedMessages | ExchangeMark


def message_of(entry: RecordLine) -> ExchangedMessage:
    """A line of the record as a message."""
    value = entry.value if isinstance(entry.value, dict) else {}
    if entry.seer is Seer.CSMS:
        if set(value) == {"request", "answer"}:
            answer = value["answer"]
            code = str(answer.get("status", "")) if isinstance(answer, dict) else ""
            return ExchangedMessage(
                entry.at_s, MessageWay.CSMS_TO_STATION, entry.name, entry.evse, code, entry.text, None, entry.value
            )
        note = entry.text or " ".join(
            str(value[key]) for key in ("eventType", "triggerReason", "connectorStatus") if key in value
        )
        return ExchangedMessage(
            entry.at_s, MessageWay.STATION_TO_CSMS, entry.name, entry.evse, "", note, None, entry.value
        )
    direction = value.get("direction")
    way = {">": MessageWay.CAR_TO_STATION, "<": MessageWay.STATION_TO_CAR}.get(str(direction), MessageWay.CAR_EVENT)
    took_ms = value.get("took_ms")
    return ExchangedMessage(
        entry.at_s,
        way,
        entry.name,
        entry.evse,
        str(value.get("code", "")),
        entry.text,
        float(took_ms) if isinstance(took_ms, int | float) and not isinstance(took_ms, bool) else None,
        value.get("content"),
    )


def rows_of(entries: Iterable[RecordLine]) -> list[ExchangeRow]:
    """Messages, folded repetitions and marks, by time. A repetition does not reach over an action of the scenario."""
    streams: dict[tuple[bool, int], list[ExchangedMessage]] = {}
    rows: list[ExchangeRow] = []

    def close() -> None:
        for stream in streams.values():
            rows.extend(folded(stream))
        streams.clear()

    for entry in entries:
        if entry.kind is LineKind.MESSAGE:
            message = message_of(entry)
            streams.setdefault((message.of_car, message.evse), []).append(message)
        elif entry.kind is LineKind.ACTION:
            close()
            kind = "heal" if entry.name.startswith("heal ") else "fault" if "." in entry.name else "action"
            rows.append(ExchangeMark(entry.at_s, kind, action_text(entry), entry.evse))
        elif entry.kind is LineKind.NOTE:
            rows.append(ExchangeMark(entry.at_s, "note", entry.text, entry.evse))
    close()
    return sorted(rows, key=lambda row: row.at_s)


def folded(messages: Sequence[ExchangedMessage]) -> list[ExchangeRow]:
    """One wire's messages. Of a repetition the first and the last round stay, what lies between is one row."""
    keys = [(message.way, message.name, message.code, message.note) for message in messages]
    rows: list[ExchangeRow] = []
    place = 0
    while place < len(messages):
        period, repeats = _repetition(keys, place)
        if repeats < REPEATS_MIN:
            rows.append(messages[place])
            place += 1
            continue
        middle = messages[place + period : place + period * (repeats - 1)]
        rows.extend(messages[place : place + period])
        rows.append(_fold(middle, period, repeats - 2))
        rows.extend(messages[place + period * (repeats - 1) : place + period * repeats])
        place += period * repeats
    return rows


def _repetition(keys: Sequence[object], place: int) -> tuple[int, int]:
    """The shortest period that begins here and comes often enough, and how often it comes."""
    for period in range(1, PERIOD_MAX + 1):
        run = 0
        while place + run + period < len(keys) and keys[place + run] == keys[place + run + period]:
            run += 1
        repeats = 1 + run // period
        if repeats >= REPEATS_MIN:
            return period, repeats
    return 1, 1


def _fold(middle: Sequence[ExchangedMessage], period: int, repeats: int) -> FoldedMessages:
    slowest = max((message.took_ms for message in middle if message.took_ms is not None), default=None)
    names = tuple(message.name for message in middle[:period])
    return FoldedMessages(middle[0].at_s, middle[-1].at_s, names, repeats, middle[0].evse, middle[0].of_car, slowest)
