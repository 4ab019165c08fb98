"""The message sequence of a page: car, station and central system, time downwards. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from hil.record.line import RecordLine
from hil.report.exchange import (
    ExchangedMessage,
    ExchangeMark,
    ExchangeRow,
    FoldedMessages,
    MessageWay,
    rows_of,
)
from hil.report.markup import Html, joined, tag
from hil.report.page_limits import PageLimits, shortened
from hil.report.timeline_part import MARK_SIGNS

_CLASSES = {
    MessageWay.CAR_TO_STATION: "car right",
    MessageWay.STATION_TO_CAR: "car left",
    MessageWay.STATION_TO_CSMS: "csms right",
    MessageWay.CSMS_TO_STATION: "csms left",
    MessageWay.CAR_EVENT: "car event",
}


def exchange(entries: Iterable[RecordLine], limits: PageLimits, several: bool) -> Html:
    """The whole section. `several`: the station has more than one EVSE, and each row names its own."""
    rows = rows_of(entries)
    if not any(isinstance(row, ExchangedMessage | FoldedMessages) for row in rows):
        return tag("p", "The record holds no message.", class_="quiet")
    shown, missing = _ends(rows, limits.rows)
    left = limits.content_chars
    parts: list[Html] = []
    for place, row in enumerate(shown):
        if missing and place == len(shown) // 2:
            parts.append(tag("p", f"{missing} rows are left out here: the record holds them.", class_="gap"))
        content = None
        if isinstance(row, ExchangedMessage) and row.content not in (None, {}):
            text = json.dumps(row.content, indent=1, ensure_ascii=False)
            content = shortened(text, limits.message_chars)
            if len(content) > left:
                content = "The content is left out, because this page would be too large: the record holds it."
            left -= len(content)
        parts.append(_row(row, content, several))
    head = tag(
        "div",
        tag("span", "time s", class_="time"),
        tag("span", tag("b", "car"), tag("b", "station"), tag("b", "central system"), class_="ends"),
        class_="head",
    )
    search = tag(
        "label",
        "show ",
        tag("input", type="search", id="message-filter", placeholder="name, code or content"),
        class_="filter script-only",
    )
    hint = tag("p", "Click a message for its content.", class_="quiet")
    return joined([search, hint, tag("div", head, *parts, class_="exchange", id="exchange")])


def _ends(rows: Sequence[ExchangeRow], most: int) -> tuple[list[ExchangeRow], int]:
    """All, or the first and the last half of what may be; and how many are missing."""
    if len(rows) <= most:
        return list(rows), 0
    half = max(1, most // 2)
    return [*rows[:half], *rows[-half:]], len(rows) - 2 * half


def _row(row: ExchangeRow, content: str | None, several: bool) -> Html:
    match row:
        case ExchangedMessage():
            return _message(row, content, several)
        case FoldedMessages():
            slowest = f", slowest answer {row.slowest_ms:.3g} ms" if row.slowest_ms else ""
            names = shortened(" · ".join(row.names), 300)
            text = f"{names} × {row.repeats}"
            detail = f"until {row.to_s:.3f} s{slowest}{_of(row.evse, several)}"
            lane = tag("span", tag("span", text, tag("small", detail), class_="text"), class_="path")
            return tag(
                "div",
                _time(row.at_s),
                lane,
                class_=f"row fold {'car' if row.of_car else 'csms'}",
                data_at=f"{row.at_s:.4f}",
            )
        case ExchangeMark():
            sign = MARK_SIGNS.get(row.kind, "·")
            text = f"{sign} {shortened(row.text, 300)}{_of(row.evse, several)}"
            return tag(
                "div",
                _time(row.at_s),
                tag("span", tag("span", text), class_="between-text"),
                class_=f"row between {row.kind}",
                data_at=f"{row.at_s:.4f}",
            )


def _message(row: ExchangedMessage, content: str | None, several: bool) -> Html:
    bad = row.code.startswith("FAILED") or row.code in ("Rejected", "Faulted") or row.way is MessageWay.CAR_EVENT
    took = f" {row.took_ms:.3g} ms" if row.took_ms else ""
    small = shortened(" ".join(word for word in (row.code, row.note) if word), 200) + took + _of(row.evse, several)
    text = tag("span", shortened(row.name, 120), tag("small", small) if small else None, class_="text")
    line = joined([_time(row.at_s), tag("span", text, class_="path")])
    kind = f"row message {_CLASSES[row.way]}{' bad' if bad else ''}"
    if content is None:
        return tag("div", line, class_=kind, data_at=f"{row.at_s:.4f}")
    return tag("details", tag("summary", line), tag("pre", content), class_=kind, data_at=f"{row.at_s:.4f}")


def _time(at_s: float) -> Html:
    return tag("span", f"{at_s:.3f}", class_="time")


def _of(evse: int, several: bool) -> str:
    return f" · EVSE {evse}" if several and evse else ""
