"""`./run bench demo [--runs N] [--json]`: the main job played several times; medians of what a user waits for."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def once(folder: Path, number: int) -> dict[str, Any]:
    """One story's report."""
    report = folder / f"{number}.json"
    command = [sys.executable, "-m", "hil.demo", "--once", "--report", str(report), "--dir", str(folder / "demo")]
    subprocess.run([*command, "--sdp-port", "25120"], cwd=ROOT, check=True, capture_output=True)
    figures: dict[str, Any] = json.loads(report.read_text())
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        reports = [once(Path(folder), number) for number in range(options.runs)]

    def median(of: Callable[[dict[str, Any]], float]) -> float:
        return float(round(statistics.median(of(report) for report in reports), 3))

    figures = {
        "runs": options.runs,
        "ready_s": median(lambda r: r["ready_s"]),
        "first_loop_s": median(lambda r: r["first_loop_s"]),
        "first_loop_without_cable_check_s": median(lambda r: r["first_loop_s"] - _length(r, "cable_check")),
        "setpoint_latency_ms": {
            f"{wanted / 1000:+g} kW": median(partial(_latency_ms, wanted)) for wanted in (-10000.0, 5000.0)
        },
        "rss_MB": {name: median(partial(_rss_MB, name)) for name in ("daemon", "power")},
        "loop_lag_p99_ms": median(lambda r: r["daemon_loop_lag"]["p99_ms"]),
        "loop_lag_worst_ms": median(lambda r: r["daemon_loop_lag"]["worst_ms"]),
    }
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:34} {value}")


def _latency_ms(requested_W: float, report: dict[str, Any]) -> float:
    """From the central system's request for this power to the plant's measurement of it."""
    return next(float(s["latency_ms"]) for s in report["setpoints"] if s["requested_W"] == requested_W)


def _rss_MB(process: str, report: dict[str, Any]) -> float:
    return float(report["rss_MB"][process])


def _length(report: dict[str, Any], phase: str) -> float:
    found = next(p for p in report["phases"] if p["name"] == phase)
    return float(found["end_s"] - found["start_s"])


if __name__ == "__main__":
    main()
