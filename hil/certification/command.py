"""`./run hil certify`: the command line of the suite."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from hil.attach import private_network
from hil.bench.site import free_port
from hil.certification import catalogue, pics, result_files
from hil.certification.catalogue import SHORT_NAMES, CatalogueRow
from hil.certification.json_lines import JsonLinesStation
from hil.certification.ours import OurStation
from hil.certification.planted import FAULTS, PlantedFault
from hil.certification.proof import FaultProof, prove
from hil.certification.results import CaseOutcome, CaseVerdict, summary
from hil.certification.runner import Runner
from hil.certification.station_under_test import BenchRefused, StationUnderTest

EXIT_FAILED = 1
EXIT_UNUSABLE = 2
QUIET = (CaseVerdict.NOT_APPLICABLE, CaseVerdict.NOT_WRITTEN)
"""Verdicts that the terminal shows as a number only, unless one asks for these cases by id."""

_COLOURS = {CaseVerdict.PASSED: "green", CaseVerdict.FAILED: "red", CaseVerdict.UNDECIDED: "yellow"}


def _output(name: str, words: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(f"--{name}", f"{name}_file", type=click.Path(path_type=Path, dir_okay=False), help=words)


@click.command()
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    type=click.Choice([*SHORT_NAMES, "all"]),
    help="cases of this profile; repeatable; default: all",
)
@click.option("--case", "ids", multiple=True, metavar="ID", help="this case (B_01) or block (B); repeatable")
@_output("json", "write the result as JSON")
@_output("junit", "write the result as JUnit XML")
@_output("html", "write the result as a page with every frame")
@click.option("--station", "command", metavar="COMMAND", help="another station: a command that talks JSON lines")
@click.option(
    "--pics",
    "pics_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=pics.OWN_FILE,
    help="what the station claims and how it is configured; default: our own station's",
)
@click.option(
    "--planted",
    "fault_names",
    multiple=True,
    type=click.Choice(["all", *(fault.name for fault in FAULTS)]),
    help="prove that the suite finds this fault: its cases (or those of --case) without it and with it; repeatable",
)
@click.option(
    "--cables", type=click.IntRange(0), hidden=True, help="cables to lay: this is a network namespace of its own"
)
def main(
    profiles: tuple[str, ...],
    ids: tuple[str, ...],
    json_file: Path | None,
    junit_file: Path | None,
    html_file: Path | None,
    command: str | None,
    pics_file: Path,
    fault_names: tuple[str, ...],
    cables: int | None,
) -> None:
    """Judge a station by the charging-station cases of OCPP 2.0.1 Part 6.

    Exit status 0: nothing failed. 1: a case failed or is undecided. 2: the run could not take place.

    With --planted, 0: every planted fault was found. 1: one was not.
    """
    try:
        statement = pics.load(pics_file)
        every = catalogue.load()
        rows = catalogue.select(every, () if "all" in profiles else profiles, ids)
    except (ValueError, OSError) as error:
        click.echo(f"certify: {error}", err=True)
        sys.exit(EXIT_UNUSABLE)
    if command is None and cables is None:
        _start_inside(len(statement.configured.connectors))
    folder = Path(tempfile.mkdtemp(prefix="certify-"))
    station: StationUnderTest
    if command is None:
        wires = private_network.lay_cables(cables) if cables else ()
        station = OurStation(folder / "station", statement.configured, free_port(), wires)
    else:
        station = JsonLinesStation(command)
    faults = FAULTS if "all" in fault_names else tuple(fault for fault in FAULTS if fault.name in fault_names)
    proofs: list[FaultProof] = []
    outcomes: list[CaseOutcome] = []
    try:
        if faults:

            def cases_of(fault: PlantedFault) -> tuple[CatalogueRow, ...]:
                return catalogue.select(every, (), ids or fault.cases)

            proofs = asyncio.run(_prove(station, statement, folder, faults, cases_of))
        else:
            outcomes = asyncio.run(_run(station, statement, rows, folder, shows_all=bool(ids)))
    except BenchRefused as error:
        click.echo(f"certify: {error}", err=True)
        sys.exit(EXIT_UNUSABLE)
    except KeyboardInterrupt:
        sys.exit(EXIT_UNUSABLE)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if proofs:
        _finish_proof(proofs, json_file)
    for file, make in (
        (json_file, result_files.as_json),
        (junit_file, result_files.as_junit),
        (html_file, result_files.as_page),
    ):
        if file is not None:
            file.write_text(make(station.name, outcomes), encoding="utf-8")
    _print_summary(outcomes)
    bad = (CaseVerdict.FAILED, CaseVerdict.UNDECIDED)
    sys.exit(EXIT_FAILED if any(outcome.verdict in bad for outcome in outcomes) else 0)


def _start_inside(evses: int) -> None:
    """Start anew in a network namespace of its own, where a car can come to each EVSE. Returns where that cannot be made."""
    if (why := private_network.problem()) is not None:
        click.echo(f"certify: a car talks at EVSE 1 only: {why}", err=True)
        return
    words = private_network.inside("hil.certification", *sys.argv[1:], "--cables", str(evses))
    os.execvp(words[0], words)


async def _run(
    station: StationUnderTest, statement: pics.Pics, rows: tuple[CatalogueRow, ...], folder: Path, *, shows_all: bool
) -> list[CaseOutcome]:
    done = 0

    def report(outcome: CaseOutcome) -> None:
        nonlocal done
        done += 1
        if shows_all or outcome.verdict not in QUIET:
            _print_line(outcome, f"{done}/{len(rows)}")

    async with Runner(station, statement, folder) as runner:
        return await runner.run(rows, report)


async def _prove(
    station: StationUnderTest,
    statement: pics.Pics,
    folder: Path,
    faults: tuple[PlantedFault, ...],
    cases_of: Callable[[PlantedFault], tuple[CatalogueRow, ...]],
) -> list[FaultProof]:
    async with Runner(station, statement, folder) as runner:
        return await prove(runner, faults, cases_of, _print_proof)


def _print_proof(proof: FaultProof) -> None:
    found = click.style("found" if proof.holds else "NOT found", fg="green" if proof.holds else "red")
    verdicts = f"{proof.without.verdict.value} without it, {proof.with_fault.verdict.value} with it"
    reason = proof.with_fault.reason or proof.without.reason
    click.echo(f"{proof.fault.name:34}{proof.without.row.case_id}  {found}  {verdicts}: {reason}")


def _finish_proof(proofs: list[FaultProof], json_file: Path | None) -> NoReturn:
    """Write the result and exit: 1 where a planted fault was not found by one of its cases."""
    found = sum(proof.holds for proof in proofs)
    names = {proof.fault.name for proof in proofs}
    click.echo(f"\n{found} of {len(proofs)} cases found their fault; {len(names)} faults")
    if json_file is not None:
        json_file.write_text(json.dumps([proof.as_json() for proof in proofs], indent=1), encoding="utf-8")
    sys.exit(0 if found == len(proofs) else EXIT_FAILED)


def _print_line(outcome: CaseOutcome, place: str) -> None:
    """One case: its place in the run, id, verdict, seconds, and the first failed check or whatever decided."""
    verdict = click.style(f"{outcome.verdict.value:14}", fg=_COLOURS.get(outcome.verdict))
    notes = "; ".join(note for note in (outcome.reason, outcome.restored) if note)
    click.echo(f"{place:>8}  {outcome.row.case_id}  {verdict} {outcome.seconds:6.1f} s  {notes}")


def _print_summary(outcomes: list[CaseOutcome]) -> None:
    found = summary(outcomes)
    click.echo()
    verdicts = [verdict.value for verdict in CaseVerdict]
    click.echo(f"{'block':>6}" + "".join(f"{verdict:>16}" for verdict in verdicts))
    for block, counts in found["blocks"].items():
        click.echo(f"{block:>6}" + "".join(f"{counts.get(verdict, 0):>16}" for verdict in verdicts))
    click.echo(f"{'all':>6}" + "".join(f"{found['verdicts'].get(verdict, 0):>16}" for verdict in verdicts))
    click.echo(f"\nof the mandatory cases: {json.dumps(found['mandatory'])}; {found['seconds']:.0f} s")
