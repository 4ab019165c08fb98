"""The page of a report folder: all runs, counted, filtered, with a link to each page. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hil.report.markup import Html, joined, tag
from hil.report.page import document
from hil.report.page_limits import PageAssets, shortened
from hil.report.reported_run import VERDICT_SIGNS, ReportedRun
from hil.report.steps_part import verdict_badge

REASON_MAX = 400
TAGS_MAX = 80


def draw_index(runs: Sequence[tuple[ReportedRun, str]], assets: PageAssets) -> str:
    """Each run with the name of its page; an empty name: it has none."""
    counts = Counter(run.verdict for run, _ in runs)
    bench_s, seconds = sum(run.bench_s for run, _ in runs), sum(run.seconds for run, _ in runs)
    began = next((run.began for run, _ in runs if run.began), "").replace("T", " ").replace("+00:00", " UTC")
    summary = joined(
        joined([verdict_badge(verdict), f" {counts[verdict]} "])
        for verdict in (*VERDICT_SIGNS, *sorted(set(counts) - set(VERDICT_SIGNS)))
        if counts[verdict]
    )
    tags = Counter(tag_name for run, _ in runs for tag_name in run.tags)
    verdicts = (
        tag("button", f"{verdict} {count}", type="button", data_word=verdict) for verdict, count in counts.items()
    )
    chosen = (
        tag("button", f"{name} {count}", type="button", data_word=name) for name, count in tags.most_common(TAGS_MAX)
    )
    tools = tag(
        "div",
        tag("input", type="search", id="run-filter", placeholder="name, tag or reason", aria_label="filter"),
        tag("p", *verdicts, *chosen, class_="tools"),
        tag("output", id="shown"),
        class_="script-only",
    )
    head = tag(
        "tr",
        tag("th", "verdict"),
        tag("th", "run"),
        *(tag("th", word, class_="right") for word in ("bench s", "computer s", "factor")),
    )
    rows = (_row(run, page) for run, page in runs)
    table = tag("table", tag("thead", head), tag("tbody", *rows), id="runs")
    body = joined(
        [
            tag("h1", "Runs"),
            tag("p", summary, f"of {len(runs)} runs; {bench_s:.0f} s of the bench in {seconds:.0f} s; {began}"),
            tag(
                "p",
                "For programs: ",
                *(
                    part
                    for name in ("results.json", "junit.xml", "measurements.csv")
                    for part in (tag("a", name, href=name), " ")
                ),
                class_="downloads",
            ),
            tools,
            tag("div", table, class_="wide"),
        ]
    )
    return document("Runs", body, assets, assets.index_script)


def _row(run: ReportedRun, page: str) -> Html:
    name = tag("a", run.name, href=page) if page else tag("span", run.name)
    where = f"line {run.line}: " if run.line else ""
    reason = tag("div", where, shortened(run.reason, REASON_MAX), class_="reason") if run.reason else None
    tags = tag("small", ", ".join(run.tags)) if run.tags else None
    factor = f"{run.bench_s / run.seconds:.1f} ×" if run.virtual and run.seconds > 0 else "–"
    return tag(
        "tr",
        tag("td", verdict_badge(run.verdict)),
        tag("td", name, " ", tags, reason),
        tag("td", f"{run.bench_s:.1f}", class_="number"),
        tag("td", f"{run.seconds:.1f}", class_="number"),
        tag("td", factor, class_="number"),
        data_tags="\n".join((*run.tags, run.verdict)),
    )
