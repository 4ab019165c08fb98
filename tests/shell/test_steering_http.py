"""The door over HTTP: verbs, events, who may ask, and what is refused. Both clients of `hil.client` at the other end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hil.client import AsyncBench, Bench, BenchGone, Expired, Refused
from hil.client.exchange import BenchPlace
from hil.simulators.line_socket import Refused as RefusedByBench
from hil.steering.api import bench_api
from hil.steering.http_server import HttpServer, listen
from hil.steering.line_server import NAME, LineServer
from tests.unit.hil.steering.fake_bench import FakeObserved, fake_door

PATIENCE_S = 20.0
TOO_LONG = r"larger than|a line has at most"
TOKEN = "a-token-for-this-test"


class Served:
    """A door over HTTP and on a Unix socket."""

    def __init__(self, url: str, path: Path, observed: FakeObserved, server: HttpServer) -> None:
        self.url = url
        self.path = path
        self.observed = observed
        self.server = server

    @property
    def waits(self) -> int:
        return self.server._door._waits


@contextlib.asynccontextmanager
async def serving(folder: Path, token: str | None = None) -> AsyncIterator[Served]:
    door, observed = fake_door()
    observed.sees("contactor", "open")
    wire = listen("127.0.0.1", 0, has_token=token is not None)
    server = HttpServer(door, wire, token)
    await server.start()
    lines = asyncio.create_task(LineServer(door, folder / NAME).serve())
    while not (folder / NAME).exists():
        await asyncio.sleep(0.01)
    try:
        yield Served(f"http://127.0.0.1:{wire.getsockname()[1]}", folder / NAME, observed, server)
    finally:
        await server.stop()
        lines.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await lines


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path) as one:
        yield one


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S)) as one:
        yield one


async def until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


async def asked(answer: Any) -> tuple[int, dict[str, Any]]:
    async with answer as response:
        return response.status, json.loads(await response.text())


async def test_verbs_state_record_schema_and_page(served: Served, session: aiohttp.ClientSession) -> None:
    url = served.url
    assert await asked(session.post(f"{url}/do", json={"do": "plug", "evse": 2, "id": 5})) == (
        200,
        {"id": 5, "ok": True},
    )
    assert await asked(session.post(f"{url}/do/token", json={})) == (200, {"ok": True})
    assert await asked(session.post(f"{url}/do/plug")) == (200, {"ok": True})  # no body: no argument
    assert [(verb, arguments["evse"]) for verb, arguments in served.observed.done] == [
        ("plug", 2),
        ("token", 1),
        ("plug", 1),
    ]
    status, state = await asked(session.get(f"{url}/state?evse=2"))
    assert (status, state["evses"]) == (200, [1, 2])
    status, record = await asked(session.get(f"{url}/record?after=0&names=contactor,pilot"))
    assert [line["value"] for line in record["lines"]] == ["open"]
    async with session.get(f"{url}/schema") as response:
        assert await response.text() == bench_api()
    async with session.get(f"{url}/") as response:
        page = await response.text()
        assert "setpoint" in page
        assert "<script" not in page


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "words"),
    [
        ("/do", b"{", {}, 400, "no JSON"),
        ("/do", b"[1]", {}, 400, "a JSON object"),
        ("/do", b"[" * 100_000, {}, 400, "nested too deep"),
        ("/do", b'{"do":"plug"}', {"Content-Type": "text/plain"}, 400, "application/json"),
        ("/do", b'{"do":"dance"}', {}, 409, "one of"),
        ("/do/dance", b"{}", {}, 409, "one of"),
        ("/do/token", b'{"do":"plug"}', {}, 409, "do = 'plug' in the body, and 'token' in the address"),
        ("/do/setpoint", b'{"power_W":"much"}', {}, 409, "power_W = 'much'"),
        ("/do/subscribe", b"{}", {}, 409, "GET /events"),
        ("/do", b'{"do":"note","text":"' + b"x" * 2_000_000 + b'"}', {}, 413, "larger than"),
        ("/do/plug", b"{}", {"Host": "bench.example:80"}, 403, "Host"),
        ("/do/plug", b"{}", {"Host": "127.0.0.1.example"}, 403, "Host"),
        ("/do/plug", b"{}", {"Origin": "http://page.example"}, 403, "Origin"),
        ("/do/plug", b"{}", {"Origin": "null"}, 403, "Origin"),
        ("/nowhere", b"{}", {}, 404, "POST /do"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_its_reason(
    served: Served,
    session: aiohttp.ClientSession,
    path: str,
    body: bytes,
    headers: dict[str, str],
    status: int,
    words: str,
) -> None:
    sent = session.post(served.url + path, data=body, headers={"Content-Type": "application/json", **headers})
    found, answer = await asked(sent)
    assert found == status
    assert answer["ok"] is False
    assert words in answer["error"]
    assert served.observed.done == []


async def test_without_a_token_only_the_loopback_is_served() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "bench.example"):
        with pytest.raises(RefusedByBench, match="token-file"):
            listen(host, 0, has_token=False)
    listen("127.0.0.1", 0, has_token=False).close()
    listen("0.0.0.0", 0, has_token=True).close()


async def test_a_bench_with_a_token_wants_it(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    async with serving(tmp_path, TOKEN) as served:
        for given in (None, "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer \xe9"):
            headers = {} if given is None else {"Authorization": given}
            status, answer = await asked(session.post(f"{served.url}/do/plug", headers=headers))
            assert (status, answer["ok"]) == (401, False)
        assert served.observed.done == []
        bench = await asyncio.to_thread(Bench.connect, served.url, token=TOKEN)
        await asyncio.to_thread(bench.plug)
        assert [verb for verb, _ in served.observed.done] == ["plug"]
        with pytest.raises(Refused, match="bearer token"):
            await AsyncBench.connect(served.url)


async def test_a_client_that_dies_in_a_wait_leaves_nothing_behind(served: Served) -> None:
    async with aiohttp.ClientSession() as session:
        wait = {"do": "wait", "for": {"contactor": "closed"}, "within_s": 86_400}
        sent = asyncio.create_task(session.post(f"{served.url}/do", json=wait))
        await until(lambda: served.waits == 1)
        sent.cancel()
    await until(lambda: served.waits == 0)


async def test_two_hundred_clients_wait_at_once(served: Served) -> None:
    bench = AsyncBench(BenchPlace.parse(served.url))
    waits = [asyncio.ensure_future(bench.wait(contactor="closed", within_s=60)) for _ in range(200)]
    await until(lambda: served.waits == 200)
    served.observed.sees("contactor", "closed")
    assert all(answer["seen"] == {"contactor": "closed"} for answer in await asyncio.gather(*waits))


async def test_events_are_server_sent_and_go_on_behind_the_last_one(
    served: Served, session: aiohttp.ClientSession
) -> None:
    async with session.get(f"{served.url}/events?names=pilot") as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        served.observed.sees("pilot", "B")
        text = b""
        while b"data:" not in text or not text.endswith(b"\n\n"):
            text += await response.content.readany()
    assert b"event: value" in text
    number = int(text.partition(b"id: ")[2].partition(b"\n")[0])
    served.observed.sees("pilot", "C")
    async with session.get(f"{served.url}/events", headers={"Last-Event-ID": str(number)}) as response:
        text = b""
        while b"data:" not in text:
            text += await response.content.readany()
    assert b'"value": "C"' in text


@pytest.mark.parametrize("by", ["url", "path"])
async def test_the_plain_client_does_verbs_waits_and_events(served: Served, by: str) -> None:
    place = served.url if by == "url" else str(served.path)

    def work() -> None:
        bench = Bench.connect(place)
        bench.evse(2).plug()
        served.observed.refuses["token"] = "no reader at this EVSE; name another"
        with pytest.raises(Refused, match="no reader at this EVSE"):
            bench.token()
        with pytest.raises(Expired, match="contactor was open all the time") as expired:
            bench.wait(contactor="closed", within_s=0.3)
        assert expired.value.seen == {"contactor": "open"}
        events = bench.events(names=["pilot", "lock"], timeout_s=PATIENCE_S)
        threading.Timer(0.1, lambda: loop.call_soon_threadsafe(served.observed.sees, "pilot", "C")).start()
        assert next(events)["value"] == "C"
        events.close()  # type: ignore[attr-defined]
        with pytest.raises(Expired, match="no event came"):
            next(bench.events(names=["lock"], timeout_s=0.2))
        assert bench.record(names=["contactor"])["lines"][0]["name"] == "contactor"

    loop = asyncio.get_running_loop()
    await asyncio.to_thread(work)
    assert served.observed.done[0] == ("plug", {"evse": 2})


@pytest.mark.parametrize("by", ["url", "path"])
async def test_the_asynchronous_client_does_verbs_waits_and_events(served: Served, by: str) -> None:
    bench = await AsyncBench.connect(served.url if by == "url" else str(served.path))
    async with bench:
        await bench.plug(evse=2)
        waiting = asyncio.ensure_future(bench.wait({"pilot": "C"}, within_s=PATIENCE_S))
        events = bench.events(names=["pilot"], timeout_s=PATIENCE_S)
        first = asyncio.ensure_future(anext(events))
        await until(lambda: served.waits == 1 and served.server._door.watched._subscriptions)
        served.observed.sees("pilot", "C")
        assert (await first)["value"] == "C"
        assert (await waiting)["seen"] == {"pilot": "C"}
        await events.aclose()  # type: ignore[attr-defined]
        with pytest.raises(Expired):
            await bench.wait(contactor="closed", within_s=0.1)


async def test_where_no_bench_is_the_client_says_so(tmp_path: Path) -> None:
    for place in (str(tmp_path / "nothing.sock"), "http://127.0.0.1:9"):
        with pytest.raises(BenchGone, match="is the bench running"):
            Bench.connect(place)
        with pytest.raises(BenchGone):
            await AsyncBench.connect(place)
    with pytest.raises(ValueError, match="http://HOST:PORT"):
        Bench.connect("https://bench.example")


async def test_an_answer_that_does_not_come_in_time_is_said_and_not_asked_for_again(served: Served) -> None:
    served.observed.takes_s["plug"] = 1.0
    bench = AsyncBench(BenchPlace.parse(str(served.path)), timeout_s=0.2)
    with pytest.raises(BenchGone, match="no answer to plug in time"):
        await bench.plug()
    await until(lambda: served.observed.done)
    assert [verb for verb, _ in served.observed.done] == ["plug"]


@pytest.mark.parametrize("by", ["url", "path"])
async def test_a_request_of_two_megabytes_is_refused_with_the_reason(served: Served, by: str) -> None:
    bench = Bench(BenchPlace.parse(served.url if by == "url" else str(served.path)))
    with pytest.raises(Refused, match=TOO_LONG):
        await asyncio.to_thread(bench.note, "x" * 2_000_000)
    with pytest.raises(Refused, match=TOO_LONG):
        await AsyncBench(bench.place).note("x" * 2_000_000)
    assert served.observed.done == []


async def test_another_server_is_no_bench(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n<html>hello</html>")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(BenchGone, match="no bench answers here"):
        await AsyncBench.connect(url)
    server.close()
