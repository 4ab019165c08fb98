"""A run as a report shows it: what `results.json` says of it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hil.record.line import Json

PASSED, FAILED, ERROR, SKIPPED, NOT_REACHED = "passed", "failed", "error", "skipped", "not reached"

VERDICT_SIGNS = {PASSED: "✓", FAILED: "✗", ERROR: "⚠", SKIPPED: "–", NOT_REACHED: "○"}
"""A sign beside each word, so that colour alone says nothing."""


FORMAT_READ = 1
"""Of `results.json`."""


@dataclass(frozen=True, slots=True)
class ReportedMeasurement:
    """`value`: None where it could not be taken."""

    name: str
    value: float | None
    unit: str
    limit: str
    verdict: str
    line: int = 0
    evse: int = 1
    from_s: float | None = None
    to_s: float | None = None


@dataclass(frozen=True, slots=True)
class ReportedStep:
    """Times are those of the record, in seconds; None: it was not reached."""

    line: int
    kind: str
    words: str
    verdict: str
    evse: int = 1
    about: str = ""
    round: str = ""
    began_s: float | None = None
    ended_s: float | None = None
    held_from_s: float | None = None
    reason: str = ""
    seen: tuple[str, ...] = ()
    """What was seen, in words."""
    measured: ReportedMeasurement | None = None


@dataclass(frozen=True, slots=True)
class ReportedRun:
    """One run. `bench_s`: on the bench's clock, `seconds`: on the computer's."""

    name: str
    verdict: str
    reason: str = ""
    file: str = ""
    line: int = 0
    about: str = ""
    tags: tuple[str, ...] = ()
    needs: Mapping[str, Json] = field(default_factory=dict)
    variables: Mapping[str, Json] = field(default_factory=dict)
    bench_s: float = 0.0
    seconds: float = 0.0
    virtual: bool = False
    seed: int | None = None
    repeat: str = ""
    record_file: str = ""
    began: str = ""
    """When the runs began, as ISO 8601."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    steps: tuple[ReportedStep, ...] = ()

    @property
    def measured(self) -> tuple[ReportedMeasurement, ...]:
        """All measurements, in the order of the steps."""
        return tuple(step.measured for step in self.steps if step.measured is not None)

    @property
    def failed_at_s(self) -> float | None:
        """The moment at which the deciding step ended; None: the run did not fail, or not at a moment."""
        if self.verdict not in (FAILED, ERROR):
            return None
        return next((step.ended_s for step in self.steps if step.verdict in (FAILED, ERROR)), None)


def read_runs(document: Mapping[str, Any]) -> tuple[ReportedRun, ...]:
    """All runs of a `results.json`. Raises ValueError where it is none."""
    if document.get("format") != FORMAT_READ:
        raise ValueError(f"results.json: format is {document.get('format')!r}, and {FORMAT_READ} can be read")
    try:
        began = str(document.get("began", ""))
        return tuple(_run(each, began) for each in document["runs"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no results.json: {error!r}") from error


def _run(fields: Mapping[str, Any], began: str) -> ReportedRun:
    return ReportedRun(
        name=str(fields["name"]),
        verdict=str(fields["verdict"]),
        reason=str(fields.get("reason", "")),
        file=str(fields.get("file", "")),
        line=int(fields.get("line", 0)),
        about=str(fields.get("about", "")),
        tags=_words(fields.get("tags", ())),
        needs=fields.get("needs", {}),
        variables=fields.get("variables", {}),
        bench_s=float(fields.get("bench_s", 0.0)),
        seconds=float(fields.get("seconds", 0.0)),
        virtual=bool(fields.get("virtual", False)),
        seed=fields.get("seed"),
        repeat=str(fields.get("repeat", "")),
        record_file=str(fields.get("record", "")),
        began=began,
        facts=fields.get("facts", {}),
        steps=tuple(_step(each) for each in fields.get("steps", ())),
    )


def _step(fields: Mapping[str, Any]) -> ReportedStep:
    measured = fields.get("measured")
    return ReportedStep(
        line=int(fields["line"]),
        kind=str(fields["kind"]),
        words=str(fields["words"]),
        verdict=str(fields["verdict"]),
        evse=int(fields.get("evse", 1)),
        about=str(fields.get("about", "")),
        round=str(fields.get("round", "")),
        began_s=_time(fields.get("began_s")),
        ended_s=_time(fields.get("ended_s")),
        held_from_s=_time(fields.get("held_from_s")),
        reason=str(fields.get("reason", "")),
        seen=tuple(_seen(each) for each in fields.get("seen", ())),
        measured=None if measured is None else _measurement(measured),
    )


def _measurement(fields: Mapping[str, Any]) -> ReportedMeasurement:
    return ReportedMeasurement(
        name=str(fields["name"]),
        value=_time(fields.get("value")),
        unit=str(fields.get("unit", "")),
        limit=str(fields.get("limit", "")),
        verdict=str(fields["verdict"]),
        line=int(fields.get("line", 0)),
        evse=int(fields.get("evse", 1)),
        from_s=_time(fields.get("from_s")),
        to_s=_time(fields.get("to_s")),
    )


def _seen(fields: Mapping[str, Any]) -> str:
    since_s = _time(fields.get("since_s"))
    since = "" if since_s is None else f" since {since_s:.3f} s"
    return f"{fields.get('signal')} {_value_text(fields.get('value'))}{since}"


def _value_text(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "(none)"
    return str(value) if value != "" else "(empty)"


def _words(value: Sequence[Any]) -> tuple[str, ...]:
    return tuple(str(each) for each in value)


def _time(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
