"""What the client sends and reads, as bytes: places, answers, and events in pieces of any size."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.client.errors import BenchGone, Expired, Refused
from hil.client.exchange import BenchPlace, EventReading

LINES, HTTP = BenchPlace.parse("/run/steer.sock"), BenchPlace.parse("http://127.0.0.1:80", token="t")
EVENTS = [{"number": 1, "kind": "value", "name": "pilot", "value": "Ü\n"}, {"kind": "lost", "name": "lost", "value": 3}]


def on_a_socket() -> bytes:
    lines = [{"ok": True, "subscription": 1}, *({"event": event, "subscription": 1} for event in EVENTS)]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def over_http() -> bytes:
    head = b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: events\n\n"
    return head + b"".join(b"id: 1\nevent: x\ndata: " + json.dumps(event).encode() + b"\n\n:\n\n" for event in EVENTS)


@given(st.booleans(), st.lists(st.integers(1, 40), max_size=20))
def test_events_are_the_same_in_pieces_of_any_size(http: bool, sizes: list[int]) -> None:
    reading, left = EventReading(HTTP if http else LINES), over_http() if http else on_a_socket()
    events: list[dict[str, Any]] = []
    for size in [*sizes, 1 << 20]:
        events += reading.feed(left[:size])
        left = left[size:]
    assert reading.begun
    assert events == EVENTS


def test_a_place_is_a_path_or_a_url() -> None:
    assert (HTTP.host, HTTP.port, str(HTTP)) == ("127.0.0.1", 80, "http://127.0.0.1:80")
    assert BenchPlace.parse("http://bench").port == 8765
    assert str(BenchPlace.parse("http://[::1]:5")) == "http://[::1]:5"
    assert str(LINES) == "/run/steer.sock"
    for wrong in ("https://x", "ftp://x", "http://", "http://x/y"):
        with pytest.raises(ValueError, match="HOST:PORT"):
            BenchPlace.parse(wrong)


def test_a_request_is_a_line_or_a_post_with_the_token() -> None:
    assert LINES.call({"do": "plug"}) == b'{"do": "plug"}\n'
    sent = HTTP.call({"do": "plug"})
    assert sent.startswith(b"POST /do HTTP/1.0\r\nHost: 127.0.0.1:80\r\n")
    assert b"Authorization: Bearer t\r\n" in sent
    assert sent.endswith(b'Content-Length: 14\r\n\r\n{"do": "plug"}')
    with pytest.raises(ValueError, match="JSON"):
        LINES.call({"power_W": float("nan")})


def test_an_answer_is_its_fields_or_what_the_bench_refused() -> None:
    assert LINES.answer(b'{"ok": true, "idle": true}\n') == {"idle": True}
    assert HTTP.answer(b'HTTP/1.0 200 OK\r\nX: y\r\n\r\n{"ok": true, "pid": 5}') == {"pid": 5}
    with pytest.raises(Refused, match="no reader") as refused:
        HTTP.answer(b'HTTP/1.0 409 Conflict\r\n\r\n{"ok": false, "error": "no reader", "left": ["a"]}')
    assert refused.value.answer["left"] == ["a"]
    with pytest.raises(Expired) as expired:
        LINES.answer(b'{"ok": false, "error": "x", "expired": true, "seen": {"pilot": "B"}}')
    assert expired.value.seen == {"pilot": "B"}
    for nothing in (b"", b"[1]", b"{", b'{"ok": tr'):
        with pytest.raises(BenchGone):
            LINES.answer(nothing)


def test_a_stream_that_is_refused_says_why() -> None:
    with pytest.raises(Refused, match="bearer token"):
        list(EventReading(HTTP).feed(b'HTTP/1.0 401 Unauthorized\r\n\r\n{"ok": false, "error": "the bearer token"}\n'))
    with pytest.raises(Refused, match="too many"):
        list(EventReading(LINES).feed(b'{"ok": false, "error": "too many"}\n'))
    with pytest.raises(BenchGone, match="no bench answers"):
        list(EventReading(LINES).feed(b"hello\n"))
