"""Measurements taken from a record: statistics of a signal, weighted by time. Pure functions."""

from __future__ import annotations

import math

from hil.record.record import BenchRecord
from hil.scenario.value_test import number_of, text_of


class NotMeasured(Exception):
    """The record does not hold what the measurement needs; the text says what is missing, and when."""


def statistic(
    record: BenchRecord, signal: str, evse: int, what: str, from_s: float, to_s: float, against: float = 0.0
) -> float:
    """Mean, max, min, rms_error (distance from `against`), first, last or change (last minus first) of a signal.

    A value counts as long as it was held. Raises NotMeasured where the signal was unknown at any moment of this time.
    """
    pieces = _pieces(record, signal, evse, from_s, to_s)
    values = [value for value, _ in pieces]
    match what:
        case "max":
            return max(values)
        case "min":
            return min(values)
        case "first":
            return values[0]
        case "last":
            return values[-1]
        case "change":
            return values[-1] - values[0]
        case "mean":
            return _mean(pieces)
        case "rms_error":
            return math.sqrt(_mean([((value - against) ** 2, for_s) for value, for_s in pieces]))
    raise ValueError(f"statistic {what!r}: not one of mean, max, min, rms_error, first, last, change")


def _pieces(record: BenchRecord, signal: str, evse: int, from_s: float, to_s: float) -> list[tuple[float, float]]:
    """Each value and how long it was held; a moment without length is one value."""
    held = list(record.history(signal, evse, from_s, to_s))
    if not held or held[0].from_s > from_s:
        raise NotMeasured(f"{signal} was unknown at {from_s:.2f} s of the record")
    ends_s = [each.from_s for each in held[1:]] + [to_s]
    pieces = []
    for each, end_s in zip(held, ends_s, strict=True):
        value = number_of(each.value)
        if value is None:
            raise NotMeasured(f"{signal} was {text_of(each.value)}, no number, at {each.from_s:.2f} s of the record")
        pieces.append((value, end_s - each.from_s))
    return pieces


def _mean(pieces: list[tuple[float, float]]) -> float:
    total_s = sum(for_s for _, for_s in pieces)
    if total_s <= 0.0:
        return pieces[-1][0]
    return sum(value * for_s for value, for_s in pieces) / total_s
