"""The message sequence of a trace as rows to draw: messages, silences, runs of repeated pairs. Pure, without any markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from chargepoint.iso15118.trace.frame import WireDirection
from chargepoint.iso15118.trace.json_lines import Entry

SILENCE_S = 1.0
"""A pause this long is drawn."""

STATION_SLOW_S, STATION_LATE_S = 1.5, 2.0
"""Station's time for most answers, and a car's patience for them: docs/sources/iso15118-20.md 7."""

RUN_ENDS_KEPT = 4
"""Of a run of equal request-and-answer pairs, this many pairs at each end are drawn."""


RUN_FOLDED_MIN = 4
"""Fewer pairs than this are not worth a row that hides them."""


class Grade(Enum):
    """How a row is coloured."""

    PLAIN = "plain"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message or event. `after_s` is the time since the message before, None for the first."""

    entry: Entry
    at_s: float
    after_s: float | None
    grade: Grade


@dataclass(frozen=True, slots=True)
class SilenceRow:
    """Nobody sent anything for `seconds`. `waiting_for`: whose turn it was."""

    seconds: float
    waiting_for: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class RunRow:
    """`pairs` more pairs of the same request and answer, which are not drawn."""

    pairs: int
    request: str
    from_s: float
    to_s: float
    slowest_answer_s: float


Row = MessageRow | SilenceRow | RunRow


def rows(entries: Sequence[Entry]) -> list[Row]:
    """What to draw, from top to bottom. Times count from the first entry."""
    if not entries:
        return []
    drawn = [_message(entries, number) for number in range(len(entries))]
    result: list[Row] = []
    for row in _folded(drawn):
        if isinstance(row, MessageRow) and row.after_s is not None and row.after_s >= SILENCE_S:
            result.append(_silence(row, drawn))
        result.append(row)
    return result


def grade_of(entry: Entry) -> Grade:
    """By the response code; a note on a frame, and every event, is at least a warning."""
    code = entry.response_code
    if code.upper().startswith("FAILED"):
        return Grade.FAILED
    if code.upper().startswith("WARNING") or entry.note:
        return Grade.WARNING
    return Grade.PLAIN


def _message(entries: Sequence[Entry], number: int) -> MessageRow:
    entry = entries[number]
    after_s = None if number == 0 else max(0.0, entry.at_utc_s - entries[number - 1].at_utc_s)
    grade = grade_of(entry)
    if grade is Grade.PLAIN and _answers(entries, number) and (after_s or 0.0) > STATION_SLOW_S:
        grade = Grade.WARNING
    return MessageRow(entry, entry.at_utc_s - entries[0].at_utc_s, after_s, grade)


def _answers(entries: Sequence[Entry], number: int) -> bool:
    """This entry is the station's answer to the entry before."""
    return (
        number > 0
        and entries[number].direction is WireDirection.TO_CAR
        and entries[number - 1].direction is WireDirection.FROM_CAR
    )


def _silence(row: MessageRow, drawn: Sequence[MessageRow]) -> SilenceRow:
    number = next(n for n, other in enumerate(drawn) if other is row)
    before = drawn[number - 1].entry.direction
    waiting_for = {WireDirection.FROM_CAR: "station", WireDirection.TO_CAR: "car"}.get(before, "nobody")
    seconds = row.after_s or 0.0
    grade = Grade.PLAIN
    if waiting_for == "station":
        grade = Grade.FAILED if seconds > STATION_LATE_S else Grade.WARNING if seconds > STATION_SLOW_S else grade
    return SilenceRow(seconds, waiting_for, grade)


def _folded(drawn: Sequence[MessageRow]) -> Iterator[MessageRow | RunRow]:
    """The middle of long runs of equal pairs becomes one row; a pair with a warning or a silence ends a run."""
    number = 0
    while number < len(drawn):
        pairs = _run_length(drawn, number)
        if pairs < 2 * RUN_ENDS_KEPT + RUN_FOLDED_MIN:
            yield from drawn[number : number + max(1, 2 * pairs)]
            number += max(1, 2 * pairs)
            continue
        first, last = number + 2 * RUN_ENDS_KEPT, number + 2 * (pairs - RUN_ENDS_KEPT)
        yield from drawn[number:first]
        yield RunRow(
            pairs=pairs - 2 * RUN_ENDS_KEPT,
            request=drawn[first].entry.name,
            from_s=drawn[first].at_s,
            to_s=drawn[last - 1].at_s,
            slowest_answer_s=max(row.after_s or 0.0 for row in drawn[first + 1 : last : 2]),
        )
        yield from drawn[last : number + 2 * pairs]
        number += 2 * pairs


def _run_length(drawn: Sequence[MessageRow], start: int) -> int:
    """How many pairs like the one at `start` follow each other without anything worth seeing."""
    pairs = 0
    while start + 2 * pairs + 1 < len(drawn):
        request, answer = drawn[start + 2 * pairs], drawn[start + 2 * pairs + 1]
        alike = (
            request.entry.direction is WireDirection.FROM_CAR
            and answer.entry.direction is WireDirection.TO_CAR
            and request.entry.name == drawn[start].entry.name
            and answer.entry.name == drawn[start + 1].entry.name
            and answer.entry.response_code == drawn[start + 1].entry.response_code
            and request.grade is answer.grade is Grade.PLAIN
        )
        quiet = (answer.after_s or 0.0) < SILENCE_S and (pairs == 0 or (request.after_s or 0.0) < SILENCE_S)
        if not (alike and quiet):
            break
        pairs += 1
    return pairs
