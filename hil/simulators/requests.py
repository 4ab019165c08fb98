"""Requests to a simulator: one JSON object per line, one JSON answer per line. Mistakes are answered, never raised."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

Request = dict[str, Any]
Answer = dict[str, Any]
Verbs = Mapping[str, Callable[[Request], Answer]]

LONGEST_LINE = 65_536
"""Bytes of one request."""


class RequestRefused(Exception):
    """A request that cannot be done: what, where, the value, its bound, and what to do."""

    def __init__(self, what: str, where: str, value: object, bound: str, remedy: str) -> None:
        super().__init__(what)
        self.answer = {"what": what, "where": where, "value": value, "bound": bound, "remedy": remedy}


def answer_line(verbs: Verbs, line: bytes, before: Callable[[], None]) -> bytes:
    """The answer to one line; `before` runs when the line is a JSON object, and brings the simulation up to now."""
    try:
        request = json.loads(line, parse_constant=_no_constant)
        if not isinstance(request, dict):
            raise RequestRefused(
                "a request is a JSON object", "line", type(request).__name__, "object", 'send {"do": …}'
            )
        before()
        answer = {"ok": True, **_verb(verbs, request)(request)}
    except RequestRefused as refused:
        answer = {"ok": False, "error": refused.answer}
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        what = f"{type(error).__name__}: {error}"
        answer = {
            "ok": False,
            "error": RequestRefused(what, "request", None, "see help", 'send {"do": "help"}').answer,
        }
    return json.dumps(answer).encode() + b"\n"


async def serve_lines(
    answer: Callable[[bytes], bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer the lines of one connection until it ends."""
    with contextlib.suppress(ConnectionError, ValueError, asyncio.CancelledError):
        while line := await reader.readline():
            writer.write(answer(line))
            await writer.drain()
    writer.close()


def _verb(verbs: Verbs, request: Request) -> Callable[[Request], Answer]:
    name = request.get("do")
    if not isinstance(name, str) or name not in verbs:
        raise RequestRefused("no such verb", "do", name, f"one of {', '.join(verbs)}", 'send {"do": "help"}')
    return verbs[name]


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def number(request: Request, name: str, low: float, high: float) -> float:
    """The number of this field. Raises RequestRefused where it is none, or outside `low` to `high`."""
    value = request[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise RequestRefused("not a number in its bounds", name, value, f"{low:g} to {high:g}", "correct the value")
    return float(value)


def one_of(request: Request, name: str, known: tuple[str, ...]) -> str:
    """The word of this field. Raises RequestRefused where it is none of `known`."""
    value = request[name]
    if value not in known:
        raise RequestRefused("not a known word", name, value, f"one of {', '.join(known)}", "correct the value")
    return str(value)


def flag(request: Request, name: str, default: bool) -> bool:
    """The truth value of this field, `default` where it is missing. Raises RequestRefused for anything else."""
    value = request.get(name, default)
    if not isinstance(value, bool):
        raise RequestRefused("not true or false", name, value, "true or false", "correct the value")
    return value
