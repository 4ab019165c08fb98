"""The record as JSON lines: one entry a line, as it can be kept, compared and read again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from hil.record.line import Json, LineKind, RecordLine, Seer

_UNSAFE = re.compile("[\ud800-\udfff\x85\u2028\u2029]")
"""Half a surrogate pair, which no file in UTF-8 can hold; and what some readers take for the end of a line."""


def fields_of(entry: RecordLine) -> dict[str, Json]:
    """The entry as a JSON object. Times to the microsecond."""
    fields: dict[str, Json] = {
        "at_s": round(entry.at_s, 6),
        "evse": entry.evse,
        "source": entry.seer.value,
        "kind": entry.kind.value,
        "name": entry.name,
    }
    if entry.value is not None:
        fields["value"] = entry.value
    if entry.text:
        fields["text"] = entry.text
    return fields


def line_of(entry: RecordLine) -> str:
    """One line without its end."""
    fields = fields_of(entry)
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return json.dumps(fields, separators=(",", ":")) if _UNSAFE.search(text) else text


def write(entries: Iterable[RecordLine]) -> Iterator[str]:
    """Each entry as a line with its end."""
    for entry in entries:
        yield line_of(entry) + "\n"


def read(lines: Iterable[str]) -> Iterator[RecordLine]:
    """Each line as an entry. Raises ValueError with the number of a line that is none."""
    for number, line in enumerate(lines, start=1):
        try:
            fields = json.loads(line)
            yield RecordLine(
                float(fields["at_s"]),
                Seer(fields["source"]),
                LineKind(fields["kind"]),
                str(fields["name"]),
                fields.get("value"),
                int(fields["evse"]),
                str(fields.get("text", "")),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"line {number}: no entry of a record: {error}") from error
