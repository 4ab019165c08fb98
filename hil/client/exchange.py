"""Requests, answers and events as bytes, over a Unix socket or HTTP. A core: no socket, no clock."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from hil.client.errors import BenchGone, refusal_of

DEFAULT_PORT = 8765


@dataclass(frozen=True, slots=True)
class BenchPlace:
    """Where a bench listens: `path` of a Unix socket, or `host` and `port`. `token`: of a bench that wants one."""

    path: str = ""
    host: str = ""
    port: int = 0
    token: str | None = None

    @classmethod
    def parse(cls, place: str, token: str | None = None) -> BenchPlace:
        """From `http://HOST:PORT`, or the path of a socket. Raises ValueError."""
        if "://" not in place:
            return cls(path=place)
        parts = urlsplit(place)
        if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(f"place = {place!r}: http://HOST:PORT, or the path of a socket, is needed")
        return cls(host=parts.hostname, port=parts.port or DEFAULT_PORT, token=token)

    def __str__(self) -> str:
        return self.path or f"http://{self._authority}"

    @property
    def _authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def call(self, request: Mapping[str, Any]) -> bytes:
        """A request, as it is sent on a connection of its own."""
        body = json.dumps(request, allow_nan=False).encode()
        if self.path:
            return body + b"\n"
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return self._head("POST", "/do", length) + body

    def subscription(self, filter: Mapping[str, Any]) -> bytes:
        """What begins a stream of events on a connection of its own."""
        if self.path:
            return self.call({"do": "subscribe", **filter})
        shown = {name: ",".join(value) if isinstance(value, list) else value for name, value in filter.items()}
        query = "&".join(f"{name}={quote(str(value), safe=',')}" for name, value in shown.items())
        return self._head("GET", f"/events?{query}", "")

    def _head(self, method: str, target: str, more: str) -> bytes:
        """HTTP/1.0: the answer ends with the connection, and has no chunks."""
        token = "" if self.token is None else f"Authorization: Bearer {self.token}\r\n"
        return f"{method} {target} HTTP/1.0\r\nHost: {self._authority}\r\n{token}{more}\r\n".encode()

    def answer(self, received: bytes) -> dict[str, Any]:
        """The answer in what was received until its end. Raises Refused, Expired, or BenchGone where it is none."""
        body = received
        if not self.path:
            _, _, body = received.partition(b"\r\n\r\n")
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise BenchGone(
                f"{self}: {'no bench answers here: ' + repr(received[:80]) if received else 'it went away'}"
            )
        if not answer.get("ok"):
            raise refusal_of(answer)
        return {name: value for name, value in answer.items() if name != "ok"}


@dataclass(slots=True)
class EventReading:
    """Bytes of a stream of events in, events out. `begun`: the bench took the subscription."""

    place: BenchPlace
    begun: bool = False
    _left: bytes = b""
    _status: str = ""
    _data: list[bytes] = field(default_factory=list)

    def feed(self, received: bytes) -> Iterator[dict[str, Any]]:
        """The events that are complete with these bytes. Raises Refused, or BenchGone where nobody answers as a bench does."""
        *lines, self._left = (self._left + received).split(b"\n")
        for line in lines:
            yield from self._line(line.rstrip(b"\r")) if self.place.path else self._http_line(line.rstrip(b"\r"))

    def _line(self, line: bytes) -> Iterator[dict[str, Any]]:
        answer = _object(line, self.place)
        if "event" in answer:
            yield answer["event"]
        elif not answer.get("ok"):
            raise refusal_of(answer)
        else:
            self.begun = True

    def _http_line(self, line: bytes) -> Iterator[dict[str, Any]]:
        if not self._status:
            self._status = line.decode("latin-1")
        elif not self.begun:
            if " 200 " in self._status:
                self.begun = not line
            elif line.startswith(b"{"):
                raise refusal_of(_object(line, self.place))
        elif line.startswith(b"data:"):
            self._data.append(line[5:].strip())
        elif not line and self._data:
            data, self._data = b"\n".join(self._data), []
            yield _object(data, self.place)


def _object(data: bytes, place: BenchPlace) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BenchGone(f"{place}: no bench answers here: {data[:80]!r}")
    return found
