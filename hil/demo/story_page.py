"""The demo's story as a page: the same page as that of a scenario, from a record that was kept beside the story."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chargepoint import __version__
from hil.bench.bench import EVSE, Bench
from hil.bench.observed_bench import ObservedBench
from hil.demo.story import Measured, PhaseTimes
from hil.record.line import Json, LineKind, RecordLine, Seer
from hil.report.report_files import write_page
from hil.report.reported_run import FAILED, PASSED, ReportedMeasurement, ReportedRun, ReportedStep

LOOK_EVERY_S = 0.2
_ACTIONS = ("plug_in", "authorise", "stop", "unplug")
_FACTS = ("boot_status", "protocol", "service", "control_mode", "tls")
_ENERGIES = ("energy_import_Wh", "plant_import_Wh", "energy_export_Wh", "plant_export_Wh", "first_loop_s", "ready_s")


class StoryRecord:
    """Keeps the record of a demo from its construction on: `keep` runs beside the story, `write` draws it."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._observed = ObservedBench(bench)

    async def keep(self) -> None:
        """Look until cancelled."""
        while True:
            await self._observed.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def write(
        self, file: Path, measured: Measured, figures: Mapping[str, Any], failed: str = "", step: str = ""
    ) -> None:
        """The page into this file. `failed`: why the story did not come to its end, in which `step`; empty: it did."""
        await self._observed.look()
        record = self._observed.record
        later_s = self._bench.started_s - self._observed.began_s
        steps = [_step(phase, later_s) for phase in measured.phases]
        flows = iter(measured.setpoints)
        for place, phase in enumerate(measured.phases):
            began_s = max(0.0, phase.start_s + later_s)
            if phase.name in _ACTIONS or phase.name.endswith("_kW"):
                record.add(RecordLine(began_s, Seer.BENCH, LineKind.ACTION, phase.name.replace("_", " "), None, EVSE))
            if phase.name.endswith("_kW") and (seen := next(flows, None)) is not None:
                took_s = seen.latency_ms / 1000
                name = f"{seen.requested_W / 1000:+g} kW by {seen.source}"
                applied = ReportedMeasurement(name, took_s, "s", "", PASSED, 0, EVSE, began_s, began_s + took_s)
                words = f"power_W {seen.measured_W:.0f}: {seen.explanation}"
                times = began_s, began_s + took_s
                measure = ReportedStep(
                    0, "measure", name, PASSED, EVSE, "", "", *times, seen=(words,), measured=applied
                )
                steps.insert(steps.index(_step(measured.phases[place], later_s)) + 1, measure)
        if failed:
            steps.append(
                ReportedStep(0, "story", step, FAILED, EVSE, "", "", record.ends_s, record.ends_s, reason=failed)
            )
        run = ReportedRun(
            name="The demo's story",
            verdict=FAILED if failed else PASSED,
            reason=failed,
            about="Boot, plug in, authorise, cable check, pre-charge, charge, discharge, charge, stop, unplug; played once by ./run demo.",
            tags=("demo",),
            bench_s=record.ends_s,
            seconds=record.ends_s,
            repeat=shlex.join(["./run", "demo", *sys.argv[1:]]),
            facts=_facts(figures),
            steps=tuple(steps),
        )
        write_page(file, run, record)


def _step(phase: PhaseTimes, later_s: float) -> ReportedStep:
    words = phase.name.replace("_", " ")
    began_s, ended_s = max(0.0, phase.start_s + later_s), max(0.0, phase.end_s + later_s)
    return ReportedStep(0, "story", words, PASSED, EVSE, began_s=began_s, ended_s=ended_s)


def _facts(figures: Mapping[str, Any]) -> dict[str, Json]:
    facts: dict[str, Json] = {"version": __version__, "python": sys.version.split()[0]}
    facts |= {name: figures[name] for name in _FACTS if figures.get(name) is not None}
    facts |= {name: round(float(figures[name]), 3) for name in _ENERGIES if figures.get(name) is not None}
    return facts
