"""`./run bench fuzz-ocpp [--frames N] [--seed N] [--version ocpp2.0.1|ocpp2.1] [--json]`: a hostile central system in front of our station client.

The station is the OCPP client with store, files and blocks, on a real WebSocket of the loopback, in this process. After each frame:
the answer is the one that Part 4 demands, or there is none; what was refused has changed nothing. Half of the frames go to a station
with a running transaction. Each version has half of the frames.

`faults` are the promises broken. Without a fault the program ends with code 0.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from chargepoint.app.clock import SystemClock
from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.commands import CommandResult, StationCommand
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.status import ConnectorStatus, EvseState
from chargepoint.ocpp.blocks.effects import KeepFile
from chargepoint.ocpp.client import OcppClient
from chargepoint.ocpp.performer import Reply
from chargepoint.ocpp.rpc import MAX_MESSAGE_CHARS, CallReceived
from chargepoint.ocpp.version import OCPP_2_0_1, OCPP_2_1, VERSIONS, OcppVersion
from chargepoint.store.database import Store
from chargepoint.store.rows import Keep, Write
from tests.bench.cars import rss_MB
from tests.bench.ocpp_central import answer_to
from tests.bench.ocpp_payloads import Payloads, has_huge_number, spoilt

FRAMES = 200_000
IDENTITY = "CP-FUZZ"
PATIENCE_S = 20.0
SLOWING = "RetryBackOff"
"""A central system may well order that a station connects again after ten minutes only: nobody here waits for that."""
FAULTS_MAX = 50
NOTE_FRAMES = 5000
TOO_LONG_FOR_SOCKET = (1 << 20) + 1
UNREADABLE = "-1"
IDLE = EvseState(EvseId(1), ConnectorStatus.AVAILABLE, False, None, None, False, 22e3, 11e3, None, None, True)
CHARGING = replace(
    IDLE,
    status=ConnectorStatus.OCCUPIED,
    plugged=True,
    transaction_id=TransactionId("tx-1"),
    id_token=IdToken("04A1B2C3", IdTokenType.ISO14443),
    discharge_negotiated=True,
    voltage_V=400.0,
    transaction_started_s=0.0,
)

QUIET_REFUSALS = frozenset(
    {"NotSupported", "PropertyConstraintViolation", "OccurrenceConstraintViolation", "FormatViolation"}
)
"""What a block may answer to a payload that fits its schema."""

_ANSWERING: ContextVar[bool] = ContextVar("answering", default=False)


class FuzzedStation:
    """The client and what it stands on. `changes`: what was kept or ordered to answer a CALL, since the last `forget`."""

    def __init__(self, folder: Path, port: int, version: OcppVersion) -> None:
        self.evses = [IDLE, replace(IDLE, evse_id=EvseId(2))]
        self.changes: list[str] = []
        self.store = Store.open(folder / "station.db")
        submit = self.store._submit

        def noted(writes: tuple[Write, ...], settle: Any) -> None:
            for write in writes:
                self._note(write)
            submit(writes, settle)

        self.store._submit = noted  # type: ignore[method-assign]
        section = CsmsSection(
            url=f"ws://127.0.0.1:{port}",
            identity=IDENTITY,
            versions=(version.subprotocol,),
            reconnect_min_s=0.05,
            reconnect_max_s=1.0,
            call_timeout_s=5.0,
            ping_interval_s=0,
        )
        station = StationSection(state_dir=folder)
        self.client = OcppClient(
            section, station, self.store, self, SystemClock(), logging.getLogger("ocpp"), folder / "certs"
        )
        self.supported = self.client._station.supported
        reply = self.client._performer.reply

        async def noting(call: CallReceived) -> Reply:
            """What is kept or ordered in this context belongs to the answer, not to the station's own work."""
            answering = _ANSWERING.set(True)
            try:
                return await reply(call)
            finally:
                _ANSWERING.reset(answering)

        self.client._performer.reply = noting  # type: ignore[method-assign]
        self.reconnects: list[str] = []
        """Why the station ended its connection by itself: a new password, for one."""
        outlets = self.client._performer._outlets

        def noting_reconnect(why: str) -> None:
            self.reconnects.append(why)
            outlets.reconnect(why)

        self.client._performer._outlets = replace(outlets, reconnect=noting_reconnect)
        write_files = self.client._performer._write_files

        async def noting_files(files: list[KeepFile]) -> None:
            if _ANSWERING.get():
                self.changes += [f"file {effect.name}" for effect in files]
            await write_files(files)

        self.client._performer._write_files = noting_files  # type: ignore[method-assign]

    def _note(self, write: Write) -> None:
        if _ANSWERING.get() and isinstance(write, Keep):
            self.changes.append(f"{write.space}/{write.key}")

    def forget(self) -> None:
        self.changes.clear()

    def charge(self, charging: bool) -> None:
        """A transaction runs at EVSE 1, or none."""
        if (self.evses[0] is CHARGING) is not charging:
            self.evses[0] = CHARGING if charging else IDLE
            self.client.states_changed()

    # -- what the client asks of a station

    def evse_states(self) -> tuple[EvseState, ...]:
        return tuple(self.evses)

    def command(self, command: StationCommand) -> CommandResult:
        if _ANSWERING.get():
            self.changes.append(type(command).__name__)
        return CommandResult(True)

    def firmware_version(self) -> str:
        return "fuzz"


class HostileCsms:
    """Answers the station's CALLs well or badly, and has its answers in a queue."""

    def __init__(self, payloads: Payloads, version: OcppVersion, order: random.Random) -> None:
        self._payloads = payloads
        self._version = version
        self._order = order
        self.socket: ServerConnection | None = None
        self.connections = 0
        self.answers: asyncio.Queue[list[Any]] = asyncio.Queue()
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self.hostile = False

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Its port."""
        server: Server
        async with serve(
            self._serve,
            "127.0.0.1",
            0,
            subprotocols=[Subprotocol(self._version.subprotocol)],
            compression=None,
            ping_interval=None,
            max_size=None,
            close_timeout=0.5,
        ) as server:
            yield server.sockets[0].getsockname()[1]

    async def _serve(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.connections += 1
        with contextlib.suppress(ConnectionClosed):
            async for frame in socket:
                await self._heard(socket, frame)
        if self.socket is socket:
            self.socket = None

    async def _heard(self, socket: ServerConnection, frame: str | bytes) -> None:
        message = json.loads(frame)
        if message[0] != 2:
            self.answers.put_nowait(message)
            return
        unique_id, action, payload = message[1:]
        if self._payloads.codes(f"{action}Request", payload):
            self.faults.append(f"the station's own {action} breaks its schema: {frame[:300]!r}")
        self.counts["calls of the station"] += 1
        answer = json.dumps([3, unique_id, answer_to(action)])
        if self.hostile and action not in ("BootNotification", "Heartbeat") and self._order.random() < 0.3:
            for text in self._hostile_answers(unique_id, action):
                await socket.send(text)
                self.counts["hostile answers"] += 1
        await socket.send(answer)

    def _hostile_answers(self, unique_id: str, action: str) -> list[str]:
        order = self._order
        made = self._payloads.made(f"{action}Response", order)
        match order.randrange(6):
            case 0:
                wrong = spoilt(made, order)  # what cannot be read is no answer, and is tried as a frame of its own
                return [] if has_huge_number(wrong) else [json.dumps([3, unique_id, wrong])]
            case 1:
                return [json.dumps([4, unique_id, order.choice(["InternalError", "", "x" * 500]), "no", {}])]
            case 2:
                return [json.dumps([3, unique_id, made])] * 2
            case 3:
                return [json.dumps([3, unique_id]), json.dumps([4, unique_id]), json.dumps([3, 5, {}])]
            case 4:
                return [json.dumps([5, unique_id, "InternalError", "", {}])] if self._version is OCPP_2_1 else []
            case _:
                return [json.dumps([3, unique_id, made, "more"])]

    async def up(self) -> ServerConnection:
        """The station's connection, once there is one."""
        async with asyncio.timeout(PATIENCE_S):
            while self.socket is None:
                await asyncio.sleep(0.005)
        return self.socket


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame and what must come of it. `codes`: the errors that may be answered; empty: no CALLERROR is due by its form."""

    kind: str
    data: str | bytes
    unique_id: str | None = None
    """Under which id the answer comes; None: none may come."""
    codes: frozenset[str] = frozenset()
    action: str = ""
    as_text: bool = False
    """Bytes that go out as a text frame."""
    ends: bool = False
    """RFC 6455 demands that the connection ends."""


@dataclass
class Frames:
    """Makes them."""

    payloads: Payloads
    version: OcppVersion
    supported: frozenset[str]
    order: random.Random
    number: int = 0
    actions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.actions = sorted(self.version.known_actions)

    def next(self) -> Frame:
        """One more."""
        self.number += 1
        unique_id = f"f{self.number}"
        choice = self.order.random()
        if choice < 0.35:
            return self._call(unique_id, well=True)
        if choice < 0.75:
            return self._call(unique_id, well=False)
        return self._malformed(unique_id)

    def _call(self, unique_id: str, *, well: bool) -> Frame:
        order = self.order
        action = order.choice(self.actions) if order.random() < 0.1 else order.choice(sorted(self.supported))
        payload: Any = self.payloads.made(f"{action}Request", order)
        if not well:
            payload = spoilt(payload, order)
        kind = "well formed" if well else "spoilt payload"
        text = json.dumps([2, unique_id, action, payload], ensure_ascii=order.random() < 0.5)
        if len(text) > MAX_MESSAGE_CHARS or has_huge_number(payload):
            return Frame(f"{kind}, unreadable", text, UNREADABLE, frozenset({"RpcFrameworkError"}), action)
        if action not in self.supported:
            return Frame("not supported", text, unique_id, frozenset({"NotSupported"}), action)
        codes = self.payloads.codes(f"{action}Request", payload)
        return Frame(kind, text, unique_id, frozenset(codes), action)

    def _malformed(self, unique_id: str) -> Frame:
        order = self.order
        framework = frozenset({"RpcFrameworkError"})
        good = ["Reset", {"type": "OnIdle"}]

        def call(
            kind: str, message: Any, answered: str | None = UNREADABLE, codes: frozenset[str] = framework
        ) -> Frame:
            return Frame(kind, json.dumps(message), answered, codes)

        unknown_types = [0, 1, 7, -2, 2.5, "2", None, True, [2], 10**9]
        if self.version is OCPP_2_0_1:
            unknown_types += [5, 6]
        unsupported = frozenset({"MessageTypeNotSupported"})
        makers: list[Callable[[], Frame]] = [
            lambda: Frame("not JSON", order.choice(["", " ", "{", "[2,", "nonsense", "[2]]", "\ufeff[]", '[2,"a"']), UNREADABLE, framework),
            lambda: Frame("binary", order.randbytes(order.randint(0, 60)), UNREADABLE, framework),
            lambda: Frame("binary JSON", json.dumps([2, unique_id, *good]).encode(), UNREADABLE, framework),
            lambda: call("no array", order.choice([{}, None, 5, "x", True, {"2": unique_id}])),
            lambda: call("short", order.choice([[2], [2, None], [2, 5, *good], [2, "", *good], [2, "x" * 37, *good]])),
            lambda: call("wrong length", order.choice([[2, unique_id], [2, unique_id, "Reset"], [2, unique_id, *good, {}], [2, unique_id, {}, "Reset"], [2, unique_id, None, {}]]), unique_id),
            lambda: call("type", [order.choice(unknown_types), unique_id, *good], unique_id, unsupported),
            lambda: call("type without id", [order.choice(unknown_types)], UNREADABLE, unsupported),
            lambda: call("unknown action", [2, unique_id, order.choice(["reset", "Dance", "", "ResetRequest", "x" * 5000]), {}], unique_id, frozenset({"NotImplemented"})),
            lambda: call("unasked result", [3, order.choice([unique_id, "", 5, None, "x" * 50]), {}], None),
            lambda: call("unasked error", [4, unique_id, "InternalError", "", {}], None),
            lambda: call("bad answers", order.choice([[3], [4], [3, unique_id], [4, unique_id], [3, unique_id, []], [4, unique_id, 5, 5, 5]]), None),
            lambda: Frame("number out of range", f'[2,"{unique_id}","Reset",{{"type":"OnIdle","evseId":{order.choice(["1e999", "NaN", "-Infinity", "9" * 5000])}}}]', UNREADABLE, framework),
            lambda: Frame("lone surrogate", f'[2,"{unique_id}","Reset",{{"type":"\\ud800"}}]', UNREADABLE, framework),
            lambda: Frame("too deep", "[" * order.choice([1500, 50_000]), UNREADABLE, framework),
            lambda: Frame("deep in an action", f'[2,"{unique_id}","DataTransfer",{{"vendorId":"x","data":{"[" * 3000}{"]" * 3000}}}]', UNREADABLE, framework),
            lambda: Frame("too long", json.dumps([2, unique_id, "DataTransfer", {"vendorId": "x", "data": "y" * MAX_MESSAGE_CHARS}]), UNREADABLE, framework),
        ]  # fmt: skip
        if self.version is OCPP_2_1:
            send = "NotifyPeriodicEventStream"
            makers += [
                lambda: call("SEND", order.choice([[6, unique_id, send, {}], [6], [6, unique_id], [6, unique_id, 5, []]]), None),
                lambda: call("result error", order.choice([[5, unique_id, "InternalError", "", {}], [5], [5, unique_id, 5]]), None),
            ]  # fmt: skip
        if order.random() < 0.01:
            return order.choice(
                [
                    Frame("not UTF-8", b'[2,"\xff\xfe","Reset",{}]', as_text=True, ends=True),
                    Frame("longer than the socket takes", "x" * TOO_LONG_FOR_SOCKET, ends=True),
                ]
            )
        return order.choice(makers)()


class Errors(logging.Handler):
    """Exceptions and errors that the station wrote to its log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: Counter[str] = Counter()
        self.exceptions: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info is not None:
            self.exceptions.append(logging.Formatter().format(record)[-1500:])
        self.lines[str(record.msg)[:80]] += 1


class Fuzz:
    """One version's run."""

    def __init__(self, version: OcppVersion, seed: int, folder: Path) -> None:
        self.version = version
        self.order = random.Random(seed)
        self.folder = folder
        self.payloads = Payloads(version)
        self.csms = HostileCsms(self.payloads, version, self.order)
        self.counts: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.faults: list[str] = []

    async def run(self, frames: int, note: Callable[[str], None]) -> dict[str, Any]:
        """So many frames; the figures."""
        errors = Errors()
        logging.getLogger("ocpp").addHandler(errors)
        logging.getLogger("ocpp").propagate = False
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: errors.exceptions.append(repr(context)))
        async with self.csms.listening() as port:
            station = FuzzedStation(self.folder, port, self.version)
            running = asyncio.create_task(station.client.run())
            rows = station.client._station.model._rows
            self.payloads.places = [row.place for row in rows if not row.name.startswith(SLOWING)]
            made = Frames(self.payloads, self.version, station.supported, self.order)
            while not station.client.online:
                await asyncio.sleep(0.01)
            self.csms.hostile = True
            before = _figures()
            began_s = time.monotonic()
            for number in range(frames):
                if number == frames // 4:
                    before = _figures()  # caches and bounded memories are full
                await self._one(station, made)
                if running.done():
                    self.faults.append(f"the client ended: {running.exception()!r}")
                if len(self.faults) >= FAULTS_MAX or running.done():
                    break
                if number % NOTE_FRAMES == NOTE_FRAMES - 1:
                    note(f"{self.version.subprotocol} {number + 1:>8} frames  {_figures()}  faults {len(self.faults)}")
            took_s = time.monotonic() - began_s
            self.csms.hostile = False
            await self._settled(station)
            self._compare_disk(station)
            after = _figures()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            station.store.close()
        logging.getLogger("ocpp").removeHandler(errors)
        self.faults += [f"exception: {text}" for text in errors.exceptions[:5]] + self.csms.faults[:20]
        for line, count in errors.lines.items():
            if "our " in line:
                self.faults.append(f"log: {line} ({count} times)")
        return {
            "frames": self.counts.total(),
            "seconds": round(took_s, 1),
            "by_kind": dict(sorted(self.counts.items())),
            "answers": dict(sorted(self.codes.items())),
            "calls_of_the_station": self.csms.counts["calls of the station"],
            "hostile_answers": self.csms.counts["hostile answers"],
            "connections": self.csms.connections,
            "errors_in_log": dict(errors.lines),
            "rss_MB": [before["rss_MB"], after["rss_MB"]],
            "tasks": [before["tasks"], after["tasks"]],
            "descriptors": [before["descriptors"], after["descriptors"]],
            "faults": self.faults[:FAULTS_MAX],
        }

    async def _one(self, station: FuzzedStation, made: Frames) -> None:
        frame = made.next()
        if self.order.random() < 0.02:
            station.charge(self.order.random() < 0.5)
            await self._settled(station)
        self.counts[frame.kind] += 1
        connections = self.csms.connections
        socket = await self.csms.up()
        station.forget()
        twice = frame.unique_id not in (None, UNREADABLE) and self.order.random() < 0.02
        try:
            for _ in range(2 if twice else 1):  # an id that comes twice is answered twice
                await socket.send(frame.data, text=True if frame.as_text else None)
            if frame.ends:
                await self._ended(station, connections)
                return
            faults = len(self.faults)
            for _ in range(2 if twice else 1):
                await self._judge(station, frame)
            if len(self.faults) > faults:  # whatever was not awaited shall not count against the next frame
                await asyncio.sleep(0.1)
                self._forget_answers()
        except (ConnectionClosed, TimeoutError) as error:
            if not station.reconnects:
                self.faults.append(f"{type(error).__name__} after {_shown(frame)}")
            await self._ended(station, connections)
            station.reconnects.clear()

    async def _judge(self, station: FuzzedStation, frame: Frame) -> None:
        if frame.unique_id is None:
            probe = [2, "probe", "GetLocalListVersion", {}]
            socket = await self.csms.up()
            await socket.send(json.dumps(probe))
        answer = await self._answer()
        while answer[0] == 5:  # the station refuses an answer to its own CALL (2.1)
            answer = await self._answer()
        if frame.unique_id is None:
            if answer[:2] != [3, "probe"]:
                self.faults.append(f"an answer {answer} to {_shown(frame)}")
            return
        kind, unique_id = answer[0], answer[1]
        if unique_id != frame.unique_id:
            self.faults.append(f"answer {str(answer)[:200]}, not under {frame.unique_id}, to {_shown(frame)}")
            return
        if kind == 3:
            self.codes["CALLRESULT"] += 1
            if frame.codes:
                self.faults.append(f"CALLRESULT {answer}; expected {sorted(frame.codes)} to {_shown(frame)}")
            elif wrong := self.payloads.codes(f"{frame.action}Response", answer[2]):
                self.faults.append(f"answer breaks its schema {wrong}: {answer} to {_shown(frame)}")
            return
        code = answer[2]
        self.codes[code] += 1
        if len(answer) != 5 or not isinstance(answer[3], str) or len(answer[3]) > 255 or answer[4] != {}:
            self.faults.append(f"shape of {answer} to {_shown(frame)}")
        if code not in (frame.codes or QUIET_REFUSALS):
            self.faults.append(f"{answer}; expected {sorted(frame.codes) or 'a result'} to {_shown(frame)}")
        if station.changes:
            self.faults.append(f"{code}, but changed {station.changes[:5]}: {_shown(frame)}")

    async def _answer(self) -> list[Any]:
        """Raises TimeoutError where none comes, or the connection has ended."""
        connections, until_s = self.csms.connections, time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    return await self.csms.answers.get()
            if self.csms.socket is None or self.csms.connections != connections or time.monotonic() > until_s:
                raise TimeoutError

    async def _ended(self, station: FuzzedStation, connections: int) -> None:
        """The station connects again; what it wanted to answer on the old connection is forgotten."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while self.csms.connections == connections or not station.client.online:
                    await asyncio.sleep(0.01)
        except TimeoutError:
            self.faults.append("the station did not connect again")
        await self._settled(station)
        self._forget_answers()

    def _forget_answers(self) -> None:
        while not self.csms.answers.empty():
            self.csms.answers.get_nowait()

    async def _settled(self, station: FuzzedStation) -> None:
        """Nothing of what happened before is on its way any more."""
        await asyncio.sleep(0.02)

    def _compare_disk(self, station: FuzzedStation) -> None:
        """What the blocks believe is what the next process will read."""
        for name, space in station.client._station.kept._spaces.items():
            on_disk = station.store.kept(name)
            if json.dumps(dict(space)) != json.dumps(on_disk):
                self.faults.append(f"space {name} in memory is not what is on the disk")


def _shown(frame: Frame) -> str:
    return f"{frame.kind} {frame.data[:400]!r}"


def _figures() -> dict[str, Any]:
    return {
        "rss_MB": rss_MB(os.getpid()),
        "tasks": len(asyncio.all_tasks()),
        "descriptors": len(os.listdir("/proc/self/fd")),
    }


def measure(version: OcppVersion, frames: int, seed: int, note: Callable[[str], None]) -> dict[str, Any]:
    """One version."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(Fuzz(version, seed, Path(folder)).run(frames, note))


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench fuzz-ocpp", description=__doc__)
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--version", choices=list(VERSIONS), default=None, help="only this one")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    versions = list(VERSIONS.values()) if options.version is None else [VERSIONS[options.version]]

    def note(text: str) -> None:
        if not options.json:
            print(text, file=sys.stderr)

    figures = {v.subprotocol: measure(v, options.frames // len(versions), options.seed, note) for v in versions}
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, of_version in figures.items():
            for what, value in of_version.items():
                print(f"{name} {what:22} {value}")
    sys.exit(any(of_version["faults"] for of_version in figures.values()))


if __name__ == "__main__":
    main()
