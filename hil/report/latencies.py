"""How long things took: from an action to its effect, and from a request to its answer. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hil.record.line import LineKind, RecordLine, Seer
from hil.report.exchange import message_of
from hil.report.reported_run import ReportedRun


@dataclass(frozen=True, slots=True)
class EffectTime:
    """Seconds from an action to what it brought about."""

    words: str
    took_s: float
    limit: str
    verdict: str


@dataclass(frozen=True, slots=True)
class AnswerTimes:
    """Milliseconds from request to answer, as the car saw them."""

    name: str
    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def effect_times(run: ReportedRun) -> list[EffectTime]:
    """Measured times, and of each expectation that was met the time since the last action before it."""
    found = []
    action_s: float | None = None
    action = ""
    for step in run.steps:
        if step.kind in ("do", "inject", "heal") and step.began_s is not None:
            action_s, action = step.began_s, f"{step.kind if step.kind != 'do' else ''} {step.words}".strip()
        measured = step.measured
        if measured is not None and measured.unit == "s" and measured.value is not None and measured.from_s is not None:
            found.append(
                EffectTime(f"{measured.name}, line {step.line}", measured.value, measured.limit, measured.verdict)
            )
        elif step.kind == "expect" and step.held_from_s is not None and action_s is not None:
            words = f"{action} → {step.words}, line {step.line}"
            found.append(EffectTime(words, max(0.0, step.held_from_s - action_s), "", step.verdict))
    return found


def answer_times(entries: Iterable[RecordLine]) -> list[AnswerTimes]:
    """By message, the slowest first."""
    by_name: dict[str, list[float]] = {}
    for entry in entries:
        if entry.kind is LineKind.MESSAGE and entry.seer is Seer.CAR:
            message = message_of(entry)
            if message.took_ms is not None and math.isfinite(message.took_ms):
                by_name.setdefault(message.name, []).append(message.took_ms)
    found = [
        AnswerTimes(name, len(times), share_of(times, 0.5), share_of(times, 0.99), max(times))
        for name, times in by_name.items()
    ]
    return sorted(found, key=lambda each: -each.max_ms)


def share_of(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
