"""`./run bench fuzz-car [--frames N] [--seed N] [--outlet DC|AC] [--json]`: mutated frames over real sockets, then a good car.

A station without power electronics runs in a process of its own: SECC, control, arbiter and book, with an obedient stage. This
process walks a session to some message, sends mutated frames until the connection ends, and connects anew. One figure for each
promise: unhandled exceptions, log lines of one cause in one second, memory, descriptors, tasks, absurd orders, the next car.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from chargepoint.app.log_repeats import cause_of
from chargepoint.iso15118.exi.codec import NS_CM, ExiError, decode, encode
from chargepoint.iso15118.messages.common_messages import AuthorizationReq, ScheduleExchangeReq, SessionSetupRes
from chargepoint.iso15118.messages.common_types import Processing
from chargepoint.iso15118.messages.dc import DC_CableCheckReq
from chargepoint.iso15118.sdp import Security
from chargepoint.iso15118.v2gtp import HEADER, FrameReceived, Framing, PayloadType, frame
from hil.simulators.evcc.misbehaviour import CHANGES, changed
from hil.simulators.evcc.order import NAMESPACES, row_of
from hil.simulators.evcc.wire import discover
from tests.joined.outlet import DC_OUTLET, OUTLETS, Outlet
from tests.joined.visit import VirtualSite

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 100_000
PER_CONNECTION_MAX = 8
CONNECTIONS_PER_NOTE = 2000
REPEATED = (AuthorizationReq, ScheduleExchangeReq, DC_CableCheckReq)
NEXT_CAR_PATIENCE_S = 30.0
ANSWER_PATIENCE_S = 3.0
IGNORED_PATIENCE_S = 0.002
"""How long an answer is waited for where the station may ignore the frame."""

Walk = list[tuple[int, Any]]
"""Payload type and request of each message of a good session."""


# -- mutations -------------------------------------------------------------------------------------------------------


def flipped(payload: bytes, order: random.Random) -> bytes:
    """One to eight bits are wrong."""
    data = bytearray(payload)
    for _ in range(order.randint(1, 8)):
        data[order.randrange(len(data))] ^= 1 << order.randrange(8)
    return bytes(data)


def cut(payload: bytes, order: random.Random) -> bytes:
    """The end is missing; the header is right."""
    return payload[: order.randrange(len(payload))]


def stuffed(payload: bytes, order: random.Random) -> bytes:
    """Random bytes somewhere in it."""
    at = order.randrange(len(payload))
    return payload[:at] + order.randbytes(order.randint(1, 40)) + payload[at:]


def spliced(payload: bytes, order: random.Random) -> bytes:
    """Its parts in another order."""
    at = order.randrange(len(payload))
    return payload[at:] + payload[:at]


_PAYLOADS: tuple[Callable[[bytes, random.Random], bytes], ...] = (flipped, flipped, flipped, cut, stuffed, spliced)
_TYPES = (0x8001, 0x8002, 0x8003, 0x8004, 0x8005, 0x8006, 0x8101, 0x8102, 0x8103, 0x8104, 0x9000, 0x0000, 0xFFFF)


def mutated(payload_type: int, request: Any, walk: Walk, order: random.Random) -> bytes:
    """One wrong frame made of a good request."""
    payload = encode(request)
    kind = order.randrange(12)
    if kind < 6:
        return frame(payload_type, _PAYLOADS[kind](payload, order))
    if kind == 6:
        return frame(order.choice(_TYPES), payload)
    if kind == 7:
        other_type, other = order.choice(walk)
        return frame(other_type, encode(other))
    if kind == 8:
        with contextlib.suppress(ExiError):  # a value that the schema does not allow cannot be written
            return frame(payload_type, encode(changed(request, order.choice(list(CHANGES)), order.randint(1, 2))))
    if kind == 9:
        length = order.choice((0, 1, len(payload) - 1, len(payload) + 1, 1 << 16, 1 << 30, (1 << 32) - 1))
        return HEADER.pack(1, 0xFE, payload_type, length) + payload
    if kind == 10:
        return flipped(frame(payload_type, payload)[:8], order) + payload
    return order.randbytes(order.randint(1, 200))


# -- the car's side -----------------------------------------------------------------------------------------------------


class Wire:
    """One TCP connection to the station, blocking."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("::1", port), timeout=ANSWER_PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._framing = Framing()
        self._answers: list[bytes] = []
        self.open = True

    def send(self, data: bytes) -> None:
        """Bytes to the station; a connection that broke is closed."""
        try:
            self._socket.sendall(data)
        except OSError:
            self.open = False

    def answer(self, patience_s: float) -> bytes | None:
        """The next answer's payload; None: there is none in time, or the connection ended."""
        until_s = time.monotonic() + patience_s
        while not self._answers and self.open:
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not select.select([self._socket], [], [], left_s)[0]:
                return None
            try:
                data = self._socket.recv(65536)
            except OSError:
                data = b""
            self.open = bool(data)
            self._answers += [e.payload for e in self._framing.receive(data) if isinstance(e, FrameReceived)]
        return self._answers.pop(0) if self._answers else None

    def reset(self) -> None:
        """Away without a farewell: no port stays in use."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


def good_session(outlet: Outlet = DC_OUTLET) -> Walk:
    """The requests of a good session at this outlet, as the virtual car sends them; what it repeats while the station works comes once."""
    entries = VirtualSite(outlet=outlet).visit().car.log.entries
    requests = [e.message for e in entries if e.direction == ">"]
    once = [r for before, r in pairwise([None, *requests]) if type(r) is not type(before) or type(r) not in REPEATED]
    return [(int(row_of(type(request).__name__).payload_type), request) for request in once]


def of_session(walk: Walk, session_id: bytes) -> Walk:
    """The requests with this session's id."""
    return [
        (kind, replace(request, Header=replace(request.Header, SessionID=session_id)))
        if hasattr(request, "Header")
        else (kind, request)
        for kind, request in walk
    ]


def exchanged(wire: Wire, kind: int, request: Any) -> bytes | None:
    """The answer to one good request, repeated while the station works on it; None where there is none."""
    until_s = time.monotonic() + ANSWER_PATIENCE_S
    while time.monotonic() < until_s:
        wire.send(frame(kind, encode(request)))
        answer = wire.answer(ANSWER_PATIENCE_S)
        if answer is None or type(request) not in REPEATED:
            return answer
        if getattr(decode(NAMESPACES[PayloadType(kind)], answer), "EVSEProcessing", None) is Processing.Finished:
            return answer
    return None


def walked(wire: Wire, walk: Walk, depth: int) -> Walk | None:
    """Exchange the first `depth` messages; the walk with the session's id, or None where the station ended it."""
    for index in range(depth):
        kind, request = walk[index]
        answer = exchanged(wire, kind, request)
        if answer is None:
            return None
        if index == 1:
            setup = decode(NS_CM, answer)
            assert isinstance(setup, SessionSetupRes)
            walk = walk[:2] + of_session(walk[2:], setup.Header.SessionID)
    return walk


def depth_of(length: int, order: random.Random) -> int:
    """At which message the mutated frames begin: the first ones are cheap, the deep ones have more to break."""
    choice = order.random()
    if choice < 0.7:
        return order.randrange(2)
    return order.randrange(2, 5) if choice < 0.9 else order.randrange(5, length)


def fuzz(port: int, frames: int, order: random.Random, note: Callable[[int], None], good: Walk) -> Counter[str]:
    """Send so many mutated frames made of the requests of a good session; what happened, counted."""
    counts: Counter[str] = Counter()
    while counts["frames"] < frames:
        try:
            wire = Wire(port)
        except OSError:
            counts["connections refused"] += 1
            time.sleep(0.01)
            continue
        counts["connections"] += 1
        depth = depth_of(len(good), order)
        walk = walked(wire, good, depth)
        if walk is None:
            counts["walks ended early"] += 1
        for _ in range(order.randint(1, PER_CONNECTION_MAX)):
            if walk is None or not wire.open:
                break
            kind, request = walk[depth]
            data = mutated(kind, request, walk, order)
            if order.random() < 0.05:
                data = data[: len(data) // 2]
            wire.send(data)
            counts["frames"] += 1
            counts[f"at {type(request).__name__}"] += 1
            answer = wire.answer(IGNORED_PATIENCE_S)
            counts["answers"] += answer is not None
        wire.reset()
        if counts["connections"] % CONNECTIONS_PER_NOTE == 0:
            note(counts["frames"])
    return counts


def slow_loris(port: int, good: Walk, *, stalls: bool) -> float:
    """A car that sends one byte each 50 ms (and stops half-way): seconds until it is answered, or the next car is."""
    kind, request = good[0]
    began_s = time.monotonic()
    wire, data = Wire(port), frame(kind, encode(request))
    for index in range(len(data) // 2 if stalls else len(data)):
        wire.send(data[index : index + 1])
        time.sleep(0.05)
    if stalls:
        while not next_car_served(port, good):
            if time.monotonic() > began_s + NEXT_CAR_PATIENCE_S:
                raise RuntimeError(f"no next car is served within {NEXT_CAR_PATIENCE_S:g} s")
            time.sleep(0.1)
    elif wire.answer(ANSWER_PATIENCE_S) is None:
        raise RuntimeError("the slow car was not answered")
    wire.reset()
    return time.monotonic() - began_s


def next_car_served(port: int, good: Walk) -> bool:
    """A good session from its first message to its last."""
    wire = Wire(port)
    done = walked(wire, good, len(good))
    wire.reset()
    return done is not None


# -- the figures ------------------------------------------------------------------------------------------------------------


class StationProcess:
    """The station in a process of its own; `ask` gives its figures."""

    def __init__(self, log: Path, count: int = 1, outlet: Outlet = DC_OUTLET) -> None:
        self.log = log
        with log.open("w") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.joined.served", str(count), outlet.energy],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                text=True,
            )
        ports = [asyncio.run(discover("lo", Security.NONE, int(port))) for port in self.ask()["sdp_ports"]]
        self.ports = [found.port for found, _ in ports]
        self.port = self.ports[0]

    def ask(self) -> dict[str, Any]:
        """Its figures now."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("figures\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> int:
        """End it; its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(20)


def warnings_of_one_cause(log: Path) -> int:
    """The most lines of one cause that any second of the log has; lines of the story (`=`, `*`) have a bound of their own."""
    counts: Counter[tuple[str, str]] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        second, _, text = line.partition(" ")
        if " ! " not in text:
            continue
        text = re.sub(r" \(\d+ more in the last second\)$", "", text)
        counts[second.partition(".")[0], cause_of(text)] += 1
    return max(counts.values(), default=0)


def measure(frames: int, seed: int, *, quiet: bool, outlet: Outlet = DC_OUTLET) -> dict[str, Any]:
    """Everything once."""
    good = good_session(outlet)
    with tempfile.TemporaryDirectory() as folder:
        station = StationProcess(Path(folder) / "station.log", outlet=outlet)

        def note(done: int) -> None:
            if not quiet:
                print(f"{done:>9} frames  {station.ask()}", file=sys.stderr)

        fuzz(
            station.port, min(frames, 2000), random.Random(seed), note, good
        )  # caches are warm before the first figures
        before, began_s = station.ask(), time.monotonic()
        counts = fuzz(station.port, frames, random.Random(seed + 1), note, good)
        took_s = time.monotonic() - began_s
        time.sleep(1.5)
        loris = {
            "answered_s": slow_loris(station.port, good, stalls=False),
            "next_car_s": slow_loris(station.port, good, stalls=True),
        }
        served = next_car_served(station.port, good)
        time.sleep(1.0)
        after = station.ask()
        code = station.close()
        return {
            "outlet": outlet.energy,
            "frames": counts["frames"],
            "connections": counts["connections"],
            "answers": counts["answers"],
            "connections_refused": counts["connections refused"],
            "frames_at": {n.removeprefix("at "): c for n, c in sorted(counts.items()) if n.startswith("at ")},
            "seconds": round(took_s, 1),
            "unhandled_exceptions": after["exceptions"],
            "absurd_orders": after["absurd_orders"],
            "log_lines": len(station.log.read_text(errors="replace").splitlines()),
            "warnings_of_one_cause_in_one_second": warnings_of_one_cause(station.log),
            "rss_MB": [before["rss_MB"], after["rss_MB"]],
            "descriptors": [before["descriptors"], after["descriptors"]],
            "tasks": [before["tasks"], after["tasks"]],
            "slow_loris": {name: round(seconds, 2) for name, seconds in loris.items()},
            "next_car_served": served,
            "exit_code": code,
        }


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench fuzz-car", description=__doc__)
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--outlet", choices=list(OUTLETS), default="DC")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.frames, options.seed, quiet=options.json, outlet=OUTLETS[options.outlet])
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:38} {value}")


if __name__ == "__main__":
    main()
