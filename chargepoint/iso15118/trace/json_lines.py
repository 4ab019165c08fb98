"""The trace as JSON lines: one object per frame, written and read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chargepoint.iso15118.trace.disclosure import Disclosed
from chargepoint.iso15118.trace.frame import TracedFrame, WireDirection, type_name

LINE_MAX_BYTES = 1 << 20
"""A longer line is no line of a trace."""


class TraceUnreadable(ValueError):
    """A file that is no trace: says the line, what is wrong, and what is expected."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line read back. `message` maps the message's name to its content; None where there is none."""

    at_utc_s: float
    direction: WireDirection
    type_name: str
    length: int
    exi_hex: str
    message: dict[str, Any] | None
    note: str
    left_out: str = ""

    @property
    def name(self) -> str:
        """The message's name; for what was not decoded the payload type; for an event the note.

        ISO 15118-2 and DIN 70121 put each message into the body of a V2G_Message.
        """
        if self.message:
            root = next(iter(self.message))
            body = self.message[root].get("Body") if isinstance(self.message[root], dict) else None
            return next(iter(body), root) if isinstance(body, dict) else root
        return self.note if self.direction is WireDirection.EVENT else self.type_name

    @property
    def response_code(self) -> str:
        """The message's ResponseCode; empty where it has none. Also where ISO 15118-2 and DIN put the message into a body."""
        return _response_code(self.message, 4)


def line(frame: TracedFrame, disclosed: Disclosed) -> bytes:
    """One line, with its end."""
    payload = disclosed.payload
    fields: dict[str, Any] = {
        "at_utc": datetime.fromtimestamp(frame.at_utc_s, UTC).isoformat(timespec="microseconds"),
        "direction": frame.direction.value,
        "payload_type": f"0x{frame.payload_type:04x}",
        "type": type_name(frame.payload_type),
        "bytes": disclosed.length,
        "exi": None if payload is None else payload.hex(),
        "message": disclosed.message,
        "note": frame.note,
    }
    if disclosed.reason:
        fields["left_out"] = disclosed.reason
    if frame.direction is WireDirection.EVENT:
        fields = {name: fields[name] for name in ("at_utc", "direction", "note")}
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def read(lines: Iterable[bytes]) -> Iterator[Entry]:
    """The entries of a trace. Raises TraceUnreadable; a last line that was cut off, as by a full disk, is passed over."""
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        if len(raw) > LINE_MAX_BYTES:
            raise TraceUnreadable(f"line {number}: {len(raw)} bytes, at most {LINE_MAX_BYTES}; is this a trace?")
        try:
            entry = _entry(json.loads(raw))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            if not raw.endswith(b"\n"):
                return
            raise TraceUnreadable(f"line {number}: {error!r}; one JSON object of a trace expected") from error
        yield entry


def _entry(fields: dict[str, Any]) -> Entry:
    message = fields.get("message")
    if message is not None and not (isinstance(message, dict) and message):
        raise ValueError("message: an object with one name expected")
    return Entry(
        at_utc_s=datetime.fromisoformat(fields["at_utc"]).timestamp(),
        direction=WireDirection(fields["direction"]),
        type_name=str(fields.get("type", "")),
        length=int(fields.get("bytes", 0)),
        exi_hex=str(fields.get("exi") or ""),
        message=message,
        note=str(fields.get("note", "")),
        left_out=str(fields.get("left_out", "")),
    )


def _response_code(value: Any, depth: int) -> str:
    if not isinstance(value, dict) or depth == 0:
        return ""
    code = value.get("ResponseCode")
    if isinstance(code, str):
        return code
    return next((code for inner in value.values() if (code := _response_code(inner, depth - 1))), "")
