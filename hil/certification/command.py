"""`./run hil certify`: the command line of the suite."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

import click

from hil.certification import catalogue, pics
from hil.certification.catalogue import SHORT_NAMES, CatalogueRow
from hil.certification.ours import OurStation
from hil.certification.results import CaseOutcome, CaseVerdict, summary
from hil.certification.runner import Runner
from hil.certification.station_under_test import BenchRefused, StationUnderTest

EXIT_FAILED = 1
EXIT_UNUSABLE = 2


@click.command()
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    type=click.Choice([*SHORT_NAMES, "all"]),
    help="cases of this profile; repeatable",
)
@click.option("--case", "ids", multiple=True, metavar="ID", help="this case, like B_01; repeatable")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="write the result as JSON")
@click.option(
    "--pics",
    "pics_file",
    type=click.Path(path_type=Path, exists=True),
    default=pics.OWN_FILE,
    help="what the station claims",
)
def main(profiles: tuple[str, ...], ids: tuple[str, ...], json_file: Path | None, pics_file: Path) -> None:
    """Judge a station by the OCPP 2.0.1 Part 6 cases. Exit 0: nothing failed. 1: a case failed or is undecided. 2: no run."""
    try:
        statement = pics.load(pics_file)
        wanted = () if "all" in profiles else profiles
        rows = catalogue.select(catalogue.load(), wanted, ids)
    except (ValueError, OSError) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_UNUSABLE)
    with tempfile.TemporaryDirectory(prefix="certify-") as folder:
        station = OurStation(Path(folder) / "station", statement.configured, sdp_port=25_118)
        try:
            outcomes = asyncio.run(_run(station, statement, rows, Path(folder)))
        except BenchRefused as error:
            click.echo(str(error), err=True)
            sys.exit(EXIT_UNUSABLE)
    result = {
        "station": station.name,
        "summary": summary(outcomes),
        "cases": [outcome.as_json() for outcome in outcomes],
    }
    if json_file is not None:
        json_file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    click.echo(json.dumps(result["summary"]))
    bad = (CaseVerdict.FAILED, CaseVerdict.UNDECIDED)
    sys.exit(EXIT_FAILED if any(outcome.verdict in bad for outcome in outcomes) else 0)


async def _run(
    station: StationUnderTest, statement: pics.Pics, rows: tuple[CatalogueRow, ...], folder: Path
) -> list[CaseOutcome]:
    async with Runner(station, statement, folder) as runner:
        return await runner.run(rows, _line)


def _line(outcome: CaseOutcome) -> None:
    if outcome.verdict not in (CaseVerdict.NOT_APPLICABLE, CaseVerdict.NOT_WRITTEN):
        click.echo(
            f"{outcome.row.case_id} {outcome.verdict.value:10} {outcome.seconds:6.1f} s  {outcome.reason} {outcome.restored}"
        )
