"""Pages as files: one for each run of a report folder, and its index. Shell: reads and writes, decides nothing."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from hil.record import json_lines
from hil.record.record import BenchRecord
from hil.report.index_page import draw_index
from hil.report.page import draw
from hil.report.page_limits import PageAssets
from hil.report.plotting import library
from hil.report.reported_run import ReportedRun, read_runs

RESULTS = "results.json"
INDEX = "index.html"


@functools.cache
def page_assets() -> PageAssets:
    """Style and scripts of the pages, and the plotting library where it is there."""
    own = files("hil.report")
    style, run_script, index_script = (
        own.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "run_page.js", "index_page.js")
    )
    return PageAssets(style, run_script, index_script, *library())


def write_page(file: Path, run: ReportedRun, record: BenchRecord, source: str = "") -> None:
    """The page of one run into this file."""
    file.write_text(draw(run, record, page_assets(), source), encoding="utf-8", errors="replace")


def write_pages(folder: Path, document: Mapping[str, Any] | None = None) -> Path:
    """A page for each run of the folder, beside its record, and the index. Returns the index.

    `document`: what stands in `results.json`; without it that file is read. A run whose record cannot be read
    has no page, and the index says why. Raises ValueError where `results.json` is none, OSError where nothing can be written.
    """
    if document is None:
        document = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    listed = []
    for run in read_runs(document):
        page = f"{Path(run.record_file).stem}.html" if run.record_file else ""
        if page:
            try:
                record = _record(folder / Path(run.record_file).name)
            except (OSError, ValueError) as error:
                missing = f"no page: its record {run.record_file} cannot be read: {error}"
                run, page = replace(run, reason=f"{run.reason}; {missing}" if run.reason else missing), ""
            else:
                write_page(folder / page, run, record, _source(run.file))
        listed.append((run, page))
    index = folder / INDEX
    index.write_text(draw_index(listed, page_assets()), encoding="utf-8", errors="replace")
    return index


def _record(file: Path) -> BenchRecord:
    record = BenchRecord()
    with file.open(encoding="utf-8", errors="replace") as lines:
        record.extend(json_lines.read(lines))
    return record


def _source(file: str) -> str:
    """The text of the scenario, where it is still there."""
    try:
        return Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
