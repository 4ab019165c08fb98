"""States as lanes: which word held from when to when; and the marks of single moments. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hil.record.line import Json, LineKind, RecordLine
from hil.record.record import BenchRecord
from hil.report.reported_run import ReportedRun

TITLE_MAX = 300

LANES = (
    ("stage", "stage"),
    ("charging_state", "charging state"),
    ("decided_by", "set-point by"),
    ("pilot", "pilot"),
    ("contactor", "contactor"),
    ("lock", "lock"),
    ("faults", "faults"),
    ("connector_status", "connector"),
    ("car_phase", "car"),
)
"""Signal and label of each lane of an EVSE."""

STATION_LANES = (("central_system", "central system"),)

_QUIET = frozenset({"", "open", "unlocked", "OFF", "A", "Available", "default", "no transaction", "none", "UNKNOWN"})
_ACTIVE = frozenset({"closed", "TRANSFER", "C", "D", "Charging"})
_BAD = frozenset({"FAULTED", "E", "F", "INVALID", "stuck", "Faulted", "offline"})


@dataclass(frozen=True, slots=True)
class LaneSpan:
    """`word` held from `from_s` to `to_s`. `tone`: quiet, usual, active, bad or many."""

    from_s: float
    to_s: float
    word: str
    title: str
    tone: str


@dataclass(frozen=True, slots=True)
class StateLane:
    """One lane, its spans in order."""

    label: str
    spans: tuple[LaneSpan, ...]


@dataclass(frozen=True, slots=True)
class TimeMark:
    """A moment. `kind`: action, fault, heal, trip or failed."""

    at_s: float
    kind: str
    text: str
    evse: int = 0


def lanes_of(
    record: BenchRecord, evse: int, signals: Iterable[tuple[str, str]], spans_max: int
) -> tuple[StateLane, ...]:
    """The lanes of these signals that have a value. More spans than `spans_max` in a lane are joined to «n changes»."""
    found = []
    for signal, label in signals:
        spans = _spans(record, signal, evse)
        if spans:
            found.append(StateLane(label, tuple(_joined(spans, record.ends_s, spans_max))))
    return tuple(found)


def _spans(record: BenchRecord, signal: str, evse: int) -> list[LaneSpan]:
    """Of a set-point each change of its reason is a span of its own, too."""
    names = [signal, "explanation"] if signal == "decided_by" else [signal]
    times_s = [at_s for at_s in record.change_times(names, evse, -1.0, record.ends_s) if at_s >= 0.0]
    spans = []
    for from_s, to_s in pairwise([*times_s, record.ends_s]):
        word = _word(signal, record.value_at(signal, evse, from_s))
        title = f"{word}, {from_s:.3f} to {to_s:.3f} s"
        if signal == "decided_by":
            title += f": {record.value_at('explanation', evse, from_s)}"
        spans.append(LaneSpan(from_s, to_s, word, title[:TITLE_MAX], _tone(signal, word)))
    return spans


def _word(signal: str, value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "none"
    if signal == "charging_state" and value == "":
        return "no transaction"
    return "unknown" if value is None else str(value)


def _tone(signal: str, word: str) -> str:
    if word in _QUIET:
        return "quiet"
    if signal == "faults" or word in _BAD:
        return "bad"
    return "active" if word in _ACTIVE else "usual"


def _joined(spans: Sequence[LaneSpan], end_s: float, spans_max: int) -> list[LaneSpan]:
    """As they are where they are few; else neighbours that are shorter than one part in `spans_max` of the run become one."""
    if len(spans) <= spans_max:
        return list(spans)
    shortest_s = end_s / spans_max
    found: list[LaneSpan] = []
    crowd: list[LaneSpan] = []

    def close() -> None:
        if len(crowd) == 1:
            found.append(crowd[0])
        elif crowd:
            words = sorted({each.word for each in crowd})
            text = f"{len(crowd)} changes" if len(words) > 1 else words[0]
            title = f"{len(crowd)} changes: {', '.join(words)}, {crowd[0].from_s:.3f} to {crowd[-1].to_s:.3f} s"
            tone = "many" if len(words) > 1 else crowd[0].tone
            found.append(LaneSpan(crowd[0].from_s, crowd[-1].to_s, text, title[:TITLE_MAX], tone))
        crowd.clear()

    for span in spans:
        if span.to_s - span.from_s >= shortest_s:
            close()
            found.append(span)
        else:
            crowd.append(span)
            if crowd[-1].to_s - crowd[0].from_s >= shortest_s:
                close()
    close()
    return found


def marks_of(
    run: ReportedRun, record: BenchRecord, entries: Sequence[RecordLine], evses: Iterable[int]
) -> list[TimeMark]:
    """Actions, faults caused and healed, trips, and the moment at which the run failed; by time."""
    marks = []
    for entry in entries:
        if entry.kind is LineKind.ACTION:
            kind = "heal" if entry.name.startswith("heal ") else "fault" if "." in entry.name else "action"
            marks.append(TimeMark(entry.at_s, kind, action_text(entry), entry.evse))
    for evse in evses:
        before: set[str] = set()
        for held in record.history("faults", evse, 0.0, record.ends_s):
            now = {str(each) for each in held.value} if isinstance(held.value, list) else set()
            if fresh := now - before:
                marks.append(TimeMark(held.from_s, "trip", ", ".join(sorted(fresh)), evse))
            before = now
    if (failed_s := run.failed_at_s) is not None:
        marks.append(TimeMark(failed_s, "failed", run.verdict))
    return sorted(marks, key=lambda mark: mark.at_s)


def action_text(entry: RecordLine) -> str:
    """A verb or a fault with its arguments."""
    arguments = entry.value if isinstance(entry.value, dict) else {}
    words = ", ".join(f"{name} {value}" for name, value in arguments.items())
    return f"{entry.name} ({words})" if words else entry.name
