"""The door over HTTP and JSON: one request, one answer; events as server-sent events. The description: `api.py`."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from hil.record.line import Json
from hil.simulators.line_socket import Refused
from hil.steering.api import bench_api
from hil.steering.door import Answer, SteeringDoor, as_line
from hil.steering.page import bench_page
from hil.steering.request import SteerRequest, request_of
from hil.steering.words import DOOR_WORDS

BODY_MAX_BYTES = 1 << 20
STREAMS_MAX = 100
HEARTBEAT_S = 10.0
"""An event stream that is silent for so long sends a comment, so that a client that has gone is noticed."""
REFUSED, UNREADABLE, NO_TOKEN, FOREIGN, TOO_LARGE, MISSING = 409, 400, 401, 403, 413, 404
_LISTS = ("kinds", "names")
_NUMBERS = ("after", "limit", "evse")

_Served = Callable[[web.Request], Awaitable[web.StreamResponse]]


def is_loopback(host: str) -> bool:
    """A name or address that only this computer reaches."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int, *, has_token: bool) -> socket.socket:
    """The socket of a server, before the bench may go into a network of its own. `port` 0: one that is free.

    Raises OSError, or Refused for another host than the loopback without a token.
    """
    if not is_loopback(host) and not has_token:
        raise Refused(f"--http {host}: without a token only the loopback is served; give --token-file FILE")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=256)


class HttpServer:
    """Serves one door at a socket of `listen`. On the loopback requests must name it as their host."""

    def __init__(self, door: SteeringDoor, wire: socket.socket, token: str | None = None) -> None:
        self._door = door
        self._wire = wire
        self._token = None if token is None else token.encode()
        self._runner: web.AppRunner | None = None
        self._streams = 0
        self._acting: set[asyncio.Task[Answer]] = set()
        self._loopback_only = is_loopback(wire.getsockname()[0])

    async def start(self) -> None:
        """Answer from now on."""
        app = web.Application(client_max_size=BODY_MAX_BYTES, middlewares=[self._guard])
        app.router.add_post("/do", self._do)
        app.router.add_post("/do/{verb}", self._do_verb)
        app.router.add_get("/state", self._read("state"))
        app.router.add_get("/record", self._read("record"))
        app.router.add_get("/events", self._events)
        app.router.add_get("/schema", self._schema)
        app.router.add_get("/", self._page)
        # a wait ends when its client goes; what acts on the bench is shielded from that
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.SockSite(self._runner, self._wire, backlog=256).start()

    async def stop(self) -> None:
        """Close all connections."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._wire.close()
        await asyncio.gather(*self._acting, return_exceptions=True)

    # -- requests ------------------------------------------------------------------------------------------------------

    async def _do(self, request: web.Request) -> web.StreamResponse:
        return await self._performed(await _body(request))

    async def _do_verb(self, request: web.Request) -> web.StreamResponse:
        body, verb = await _body(request), request.match_info["verb"]
        if body.get("do", verb) != verb:
            raise Refused(f"do = {body['do']!r} in the body, and {verb!r} in the address: leave one out")
        return await self._performed({**body, "do": verb})

    def _read(self, verb: str) -> _Served:
        async def read(request: web.Request) -> web.StreamResponse:
            return await self._performed({**_query(request), "do": verb})

        return read

    async def _performed(self, raw: dict[str, Json]) -> web.StreamResponse:
        request = request_of(raw)
        if request.waits:
            answer = await self._door.answer(request)
        else:
            task = asyncio.create_task(self._door.answer(request))
            self._acting.add(task)
            task.add_done_callback(self._acting.discard)
            answer = await asyncio.shield(task)
        return _json(answer, 200 if answer["ok"] else REFUSED)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        raw = _query(request)
        last = request.headers.get("Last-Event-ID", "")
        if last.isdecimal():
            raw["after"] = int(last)
        checked = request_of({**raw, "do": "subscribe"})
        wanted, after = self._door.filter_of(checked), checked.arguments.get("after")
        if self._streams >= STREAMS_MAX:
            raise Refused(f"{STREAMS_MAX} event streams are open: close some of them")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        self._streams += 1
        try:
            async with self._door.watched.subscribed(wanted, None if after is None else int(str(after))) as (
                subscription,
                stirred,
            ):
                await response.prepare(request)
                await response.write(b": events of the bench\n\n")
                while True:
                    try:
                        async with asyncio.timeout(HEARTBEAT_S):
                            await stirred.wait()
                    except TimeoutError:
                        await response.write(b":\n\n")
                        continue
                    stirred.clear()
                    for event in subscription.take():
                        await response.write(_event(event))
        except ConnectionError:
            return response
        finally:
            self._streams -= 1

    async def _schema(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text=bench_api(), content_type="application/json")

    async def _page(self, _: web.Request) -> web.StreamResponse:
        state = await self._door.answer(SteerRequest("state", {}))
        policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
        return web.Response(text=bench_page(DOOR_WORDS.values(), state), content_type="text/html", headers=headers)

    # -- who may ask ---------------------------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Served) -> web.StreamResponse:
        """Refusals are JSON, and every one has its reason."""
        if (foreign := self._foreign(request)) is not None:
            return _refusal(foreign, FOREIGN)
        if self._token is not None and not self._has_token(request):
            answer = _refusal("the bearer token is missing or wrong: send Authorization: Bearer TOKEN", NO_TOKEN)
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        try:
            return await handler(request)
        except Refused as error:
            return _refusal(str(error), REFUSED)
        except _Unreadable as error:
            return _refusal(str(error), UNREADABLE)
        except web.HTTPRequestEntityTooLarge:
            return _refusal(f"the body is larger than {BODY_MAX_BYTES} bytes: send less", TOO_LARGE)
        except web.HTTPException as error:
            known = "POST /do, POST /do/VERB, GET /state, /record, /events, /schema, /"
            return _refusal(f"{request.method} {request.path[:80]}: {error.reason}; there are {known}", error.status)

    def _foreign(self, request: web.Request) -> str | None:
        """Why a page of somebody else may have sent this; None: it did not. Against DNS rebinding and forged requests."""
        host = request.headers.get("Host", "")
        if self._loopback_only and not is_loopback(_without_port(host)):
            return f"Host = {host[:80]!r}: only 127.0.0.1, [::1] and localhost are served here"
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != host:
            return f"Origin = {origin[:80]!r}: pages of other hosts may not use this bench"
        return None

    def _has_token(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        sent = given.strip().encode("utf-8", "surrogateescape")
        return hmac.compare_digest(sent, self._token or b"") and scheme.lower() == "bearer"


class _Unreadable(ValueError):
    """The request has no JSON object."""


async def _body(request: web.Request) -> dict[str, Json]:
    """The JSON object of the body; none without a body. Raises _Unreadable, HTTPRequestEntityTooLarge."""
    body = await request.read()
    if not body:
        return {}
    if request.content_type != "application/json":  # what a form of a strange page can send is never this
        raise _Unreadable(f"Content-Type = {request.content_type!r}: application/json is needed")
    try:
        raw = json.loads(body.decode())
    except RecursionError:
        raise _Unreadable("the request is nested too deep") from None
    except ValueError as error:
        raise _Unreadable(f"the request is no JSON in UTF-8: {error}") from error
    if not isinstance(raw, dict):
        raise _Unreadable('a request is a JSON object, like {"do": "plug"}')
    return raw


def _query(request: web.Request) -> dict[str, Json]:
    """Numbers and lists with commas; what is no number goes on as text, and is refused by the words."""
    found: dict[str, Json] = {}
    for name, value in request.query.items():
        if name in _LISTS:
            found[name] = [part for part in value.split(",") if part]
        else:
            found[name] = int(value) if name in _NUMBERS and value.isdecimal() and len(value) < 18 else value
    return found


def _event(event: dict[str, Json]) -> bytes:
    number = f"id: {event['number']}\n" if "number" in event else ""
    return f"{number}event: {event['kind']}\ndata: ".encode() + as_line(event) + b"\n"


def _json(answer: Answer | dict[str, Any], status: int) -> web.Response:
    return web.Response(
        body=as_line(answer), status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def _refusal(error: str, status: int) -> web.Response:
    return _json({"ok": False, "error": error}, status)


def _without_port(host: str) -> str:
    """`[::1]:8765` is `::1`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
