"""Files that a page offers from itself: each stands in a link, compressed where it is long. Pure."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from collections.abc import Iterable, Sequence

from hil.record import json_lines
from hil.record.line import LineKind, RecordLine
from hil.report.markup import Html, tag
from hil.report.reported_run import ReportedMeasurement

PLAIN_MAX_BYTES = 100_000
"""A longer file is compressed."""


def signals_csv(entries: Iterable[RecordLine]) -> str:
    """One line for each change of a signal."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["at_s", "evse", "source", "signal", "value"])
    for entry in entries:
        if entry.kind is LineKind.VALUE:
            value = entry.value if isinstance(entry.value, str) else json.dumps(entry.value, ensure_ascii=False)
            writer.writerow([f"{entry.at_s:.6f}", entry.evse, entry.seer.value, entry.name, value])
    return text.getvalue()


def measurements_csv(measured: Iterable[ReportedMeasurement]) -> str:
    """One line for each measurement; a value that could not be taken is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["line", "evse", "measurement", "value", "unit", "limit", "verdict", "from_s", "to_s"])
    for each in measured:
        times = ("" if at_s is None else f"{at_s:.6f}" for at_s in (each.from_s, each.to_s))
        value = "" if each.value is None else repr(each.value)
        writer.writerow([each.line, each.evse, each.name, value, each.unit, each.limit, each.verdict, *times])
    return text.getvalue()


def links(entries: Sequence[RecordLine], measured: Sequence[ReportedMeasurement], name: str, most_bytes: int) -> Html:
    """A link for each file that fits, the smallest first; and the names of those that do not."""
    files = [
        (f"{name}.jsonl", "application/json", "".join(json_lines.write(entries))),
        (f"{name}-signals.csv", "text/csv", signals_csv(entries)),
    ]
    if measured:
        files.append((f"{name}-measurements.csv", "text/csv", measurements_csv(measured)))
    made = sorted((_encoded(*file) for file in files), key=lambda each: len(each[1]))
    parts: list[Html | str] = []
    missing = []
    for file_name, url in made:
        most_bytes -= len(url)
        if most_bytes < 0:
            missing.append(file_name)
        else:
            parts += [tag("a", file_name, href=url, download=file_name), " "]
    if missing:
        parts.append(f"Too large for this page: {', '.join(missing)}; the record lies beside results.json.")
    return tag("p", "Download: ", *parts, class_="downloads")


def _encoded(name: str, kind: str, text: str) -> tuple[str, str]:
    data = text.encode("utf-8", "replace")
    if len(data) > PLAIN_MAX_BYTES:
        name, kind, data = f"{name}.gz", "application/gzip", gzip.compress(data, mtime=0)
    return name, f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
