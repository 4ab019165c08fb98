"""`./run hil report FOLDER` draws the pages of a finished report again; `./run hil plots [FILE]` brings the plotting library."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hil.report.plotting import PlottingMissing, prepare
from hil.report.report_files import write_pages

EXIT_UNUSABLE = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Pages of finished runs. How to read them: docs/scenarios.md."""


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def report(folder: Path) -> None:
    """Draw the pages of a report folder again, from its results.json and its records."""
    try:
        click.echo(write_pages(folder))
    except (OSError, ValueError) as error:
        click.echo(f"hil: {folder}: no page can be drawn: {error}", err=True)
        sys.exit(EXIT_UNUSABLE)


@main.command()
@click.argument("package", required=False, type=click.Path(path_type=Path))
def plots(package: Path | None) -> None:
    """Fetch the plotting library once, or take it from a package FILE (uplot-1.6.32.tgz of the npm registry).

    Exit status 2: it could not be had. Pages are drawn without it then, and cannot be zoomed.
    """
    try:
        prepare(package)
    except PlottingMissing as missing:
        click.echo(f"hil: {missing}", err=True)
        sys.exit(EXIT_UNUSABLE)


if __name__ == "__main__":
    main()
