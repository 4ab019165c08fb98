"""`python -m tests.interop.endurance [--sessions 50] [--json]`: sessions of an outside car in a row, without a restart of the station.

The car is the EVCC that `.ci/interop` installs, in a network namespace of its own; each session is a new process of it. The
demo's daemon and power process stay. Memory and descriptors of both are read after each session.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.interop.conftest import CONFIGS, EVCC, Station, drive, veth_pair

SETTLED_PATIENCE_S = 20.0
SESSIONS = 50
DROP_FIRST = 3
"""Sessions before memory is compared: caches fill."""


def process_of(folder: Path, *words: str) -> int:
    """The process id of the station's process whose command has these words and this folder."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if all(word in command for word in words) and any(str(folder) in word for word in command):
                    return int(entry.name)
    raise LookupError(f"no process {' '.join(words)} of {folder}")


def figures_of(pid: int) -> dict[str, float]:
    """Memory in MB, descriptors and threads."""
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "rss_MB": round(resident / 1e6, 1),
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": len(os.listdir(f"/proc/{pid}/task")),
    }


def endure(sessions: int, service: str, *, tls: bool, note: Any = lambda _: None) -> dict[str, Any]:
    """So many sessions in a row; the figures after the first ones and at the end."""
    packages = next(EVCC.glob("lib/python3.*/site-packages"))
    good, history = 0, []
    with tempfile.TemporaryDirectory() as place, veth_pair() as (near, space, far):
        folder = Path(place)
        wanted = json.loads((packages / CONFIGS / f"evcc_config_{service}.json").read_text())
        (folder / "car.json").write_text(json.dumps({**wanted, "useTls": tls}))
        station = Station(folder / "station", near, *(["--tls"] if tls else []))
        try:
            station.wait_ready()
            pids = {name: process_of(folder / "station", "chargepoint", name) for name in ("run", "power")}
            for number in range(1, sessions + 1):
                log = folder / f"car{number}.log"
                with contextlib.suppress(subprocess.TimeoutExpired):
                    drive(space, far, folder / "car.json", folder / "station" / "pki", tls, log)
                text = log.read_text()
                good += "SessionStopRes received" in text and "DC_ChargeLoopRes received" in text
                transactions = _settled(station, number)
                history.append({name: figures_of(pid) for name, pid in pids.items()})
                note(f"{number:>3} sessions, {good} complete, {len(transactions)} transactions  {history[-1]}")
            state = station.state()
            same = {name: process_of(folder / "station", "chargepoint", name) == pid for name, pid in pids.items()}
        finally:
            station.close()
        daemon = (folder / "station" / "log" / "daemon.log").read_text()
    first, last = history[min(DROP_FIRST, len(history)) - 1], history[-1]
    return {
        "sessions": sessions,
        "complete": good,
        "transactions_ended": sum(bool(t["ended"]) for t in state["central_system"]["transactions"]),
        "ocpp_violations": state["central_system"]["violations"],
        "unhandled_exceptions": daemon.count("Traceback"),
        "same_processes": same,
        "daemon": [first["run"], last["run"]],
        "power": [first["power"], last["power"]],
    }


def _settled(station: Station, number: int) -> list[dict[str, Any]]:
    """The transactions, once so many of them have ended."""
    until_s = time.monotonic() + SETTLED_PATIENCE_S
    while True:
        transactions: list[dict[str, Any]] = station.state()["central_system"]["transactions"]
        if sum(bool(t["ended"]) for t in transactions) >= number or time.monotonic() > until_s:
            return transactions
        time.sleep(0.3)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.interop.endurance", description=__doc__)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--service", choices=("dc", "dc_bpt"), default="dc_bpt")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = endure(
        options.sessions, options.service, tls=options.tls, note=lambda text: print(text, file=sys.stderr, flush=True)
    )
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:22} {value}")


if __name__ == "__main__":
    main()
