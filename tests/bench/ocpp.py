"""`./run bench ocpp [--rounds N] [--events N] [--json]`: how fast TransactionEvents reach the central system, beside the `ocpp` library.

Station and central system are processes of their own on the loopback. The central system (`ocpp_central.py`) is the same for both
stations (`ocpp_station.py`); so is the message. One CALL is on its way at a time, as OCPP demands.

* `round_trip_ms`: the median from the frame that the station sends to its validated answer. Rounds of ours and of the library take turns.
* `record_to_answer_ms`: the same from the record, or the library's request. Ours is rendered, validated and on the disk before it is sent.
* `drain_per_s`: events that waited for the connection. Ours wait on the disk and are deleted there; the library's wait in memory.
* `rss_MB`: of our station's process after the drain.
* `disk_commit_ms`: what one durable write of SQLite costs on this disk, as a share of the round trip that no program can save.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 6
PER_ROUND = 200
EVENTS = 5000
WARM_UP = 50
KINDS = ("ours", "library")


class Process:
    """A child that answers lines with lines of JSON."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def line(self) -> Any:
        """What it prints next. Raises RuntimeError where it has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with code {self._process.wait()}")
        return json.loads(line)

    def ask(self, request: str) -> Any:
        """Its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{request}\n")
        self._process.stdin.flush()
        return self.line()

    def close(self) -> None:
        """The end of its standard input ends it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def station(kind: str, port: int, folder: Path) -> Process:
    place = folder / f"{kind}-{time.monotonic_ns()}"
    place.mkdir()
    return Process("tests.bench.ocpp_station", kind, str(port), str(place))


def measure(folder: Path, rounds: int, events: int) -> dict[str, Any]:
    """Everything once."""
    central = Process("tests.bench.ocpp_central")
    port = central.line()
    load = os.getloadavg()[0]
    rounds_of: dict[str, list[list[list[float]]]] = {kind: [] for kind in KINDS}
    stations = {kind: station(kind, port, folder) for kind in KINDS}
    for kind in KINDS:
        stations[kind].ask(f"round_trips {WARM_UP}")
    for _ in range(rounds):
        for kind in KINDS:
            rounds_of[kind].append(stations[kind].ask(f"round_trips {PER_ROUND}"))
    for process in stations.values():
        process.close()
    per_s: dict[str, list[float]] = {kind: [] for kind in KINDS}
    rss_MB = 0.0
    for kind in KINDS * 2:
        process = station(kind, port, folder)
        per_s[kind].append(events / process.ask(f"drain {events}"))
        if kind == "ours":
            rss_MB = process.ask("figures")
        process.close()
    central.close()
    from_record, from_frame = ({k: [[trip[n] for trip in r] for r in rounds_of[k]] for k in KINDS} for n in (0, 1))
    return {
        "round_trip_ms": {kind: middle(from_frame[kind]) for kind in KINDS},
        "record_to_answer_ms": {kind: middle(from_record[kind]) for kind in KINDS},
        "round_trip_p99_ms": {kind: p99(from_frame[kind]) for kind in KINDS},
        "round_trip_each_round_ms": {kind: [middle([r]) for r in from_frame[kind]] for kind in KINDS},
        "record_to_answer_each_round_ms": {kind: [middle([r]) for r in from_record[kind]] for kind in KINDS},
        "drain_per_s": {kind: round(statistics.mean(per_s[kind])) for kind in KINDS},
        "drain_each_per_s": {kind: [round(rate) for rate in per_s[kind]] for kind in KINDS},
        "rss_MB": rss_MB,
        "disk_commit_ms": disk_commit_ms(folder),
        "events": events,
        "load_before": round(load, 2),
    }


def middle(rounds: list[list[float]]) -> float:
    """The median of every sample of these rounds."""
    return round(statistics.median(itertools.chain.from_iterable(rounds)), 3)


def p99(rounds: list[list[float]]) -> float:
    """One sample of a hundred is above it."""
    return round(statistics.quantiles(itertools.chain.from_iterable(rounds), n=100)[98], 3)


def disk_commit_ms(folder: Path, count: int = 200) -> float:
    """The median of one row, written durably by SQLite alone."""
    with sqlite3.connect(folder / "plain.db", isolation_level=None) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE plain (text TEXT)")
        took_ms: list[float] = []
        for _ in range(count):
            began_s = time.perf_counter()
            database.execute("INSERT INTO plain VALUES (?)", ("x" * 2000,))
            took_ms.append((time.perf_counter() - began_s) * 1000)
    return round(statistics.median(took_ms), 3)


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench ocpp", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.rounds, options.events)
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:26} {value}")


if __name__ == "__main__":
    main()
