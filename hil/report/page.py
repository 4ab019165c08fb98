"""The page of one run: one HTML file that fetches nothing. Pure.

Everything that comes from a result or a record is escaped, and a policy in the page forbids it to load anything or to run
another script than its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping

from hil.record.record import BenchRecord
from hil.report.downloads import links
from hil.report.exchange_part import exchange
from hil.report.markup import Html, escaped, joined, number_text, tag
from hil.report.page_limits import PAGE_MAX_BYTES, PageAssets, PageLimits, shortened
from hil.report.reported_run import ReportedRun
from hil.report.steps_part import latencies, measurements, steps, verdict_badge
from hil.report.timeline_part import timeline

_SHARES = (1.0, 0.4, 0.1, 0.02, 0.003)
"""Of the usual limits: a page that is still too large is drawn again with less."""

_LATE = (
    "The station is asked only a few times a second for its set-point, stage, charging state, faults and connector: "
    "these may show a little late. What the plant saw stands at its very moment."
)


def draw(run: ReportedRun, record: BenchRecord, assets: PageAssets, source: str = "") -> str:
    """The page, below `PAGE_MAX_BYTES`. `source`: the text of the scenario file; empty: it is not shown.

    The record counts as known until the last step ended: signals that changed no more kept their value.
    """
    record.known_until(max((step.ended_s or 0.0 for step in run.steps), default=0.0))
    page = ""
    for share in _SHARES:
        page = _draw(run, record, assets, source, PageLimits().scaled(share))
        if len(page.encode("utf-8", "replace")) <= PAGE_MAX_BYTES:
            break
    return page


def _draw(run: ReportedRun, record: BenchRecord, assets: PageAssets, source: str, limits: PageLimits) -> str:
    entries = record.entries
    drawn = timeline(run, record, entries, limits)
    several = len(drawn.data["groups"]) > 1  # type: ignore[arg-type]
    plain = None
    if not assets.plot_script:
        plain = tag(
            "p",
            "This page was drawn without the plotting library, so the plots cannot be zoomed. Everything else is here. ",
            "To have it: ./run hil plots, then draw the pages again with ./run hil report FOLDER.",
            class_="quiet plain-plots",
        )
    buttons = (
        tag("button", word, type="button", id=name, title=title)
        for name, word, title in (
            ("zoom-in", "+", "zoom in"),
            ("zoom-out", "−", "zoom out"),
            ("zoom-left", "◀", "earlier"),
            ("zoom-right", "▶", "later"),
            ("zoom-all", "whole run", "show the whole run"),
        )
    )
    hint = tag("span", "drag in a plot to zoom, double-click for the whole run", class_="quiet hint")
    tools = tag("p", *buttons, " ", tag("output", id="window"), " ", hint, class_="tools script-only")
    body = joined(
        [
            _head(run, record),
            links(entries, run.measured, _file_stem(run.name), limits.download_bytes),
            tag("h2", "Timeline"),
            tools if assets.plot_script else plain,
            _legend(),
            tag("div", drawn.html, id="timeline"),
            tag("p", _LATE, class_="quiet"),
            tag("p", drawn.left_out, class_="quiet") if drawn.left_out else None,
            tag("h2", "Steps"),
            steps(run, limits.steps),
            measurements(run.measured),
            latencies(run, entries),
            tag("h2", "Messages"),
            exchange(entries, limits, several),
            _source(run, source, limits.source_chars),
        ]
    )
    return document(run.name, body, assets, assets.run_script, drawn.data, assets.plot_script)


def document(
    title: str, body: Html, assets: PageAssets, script: str, data: Mapping[str, object] | None = None, library: str = ""
) -> str:
    """A whole HTML file around this body. The policy lets the page load nothing, and run these scripts alone."""
    scripts = [each for each in (library, script) if each]
    allowed = " ".join(f"'sha256-{_digest(each)}'" for each in scripts)
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {allowed}; base-uri 'none'; form-action 'none'"
    head = joined(
        [
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=policy),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", shortened(title, 200)),
            tag("style", Html((assets.plot_style if library else "") + assets.style)),
        ]
    )
    island = tag("script", Html(_json(data)), type="application/json", id="run-data") if data is not None else Html("")
    code = joined(tag("script", Html(each)) for each in scripts)
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}</head>\n<body>\n{tag("main", body)}\n{island}{code}\n</body>\n</html>\n'


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def _json(data: object) -> str:
    """JSON that can end no element: no «less than» and no «ampersand» stands in it."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _head(run: ReportedRun, record: BenchRecord) -> Html:
    place = f"{run.file}:{run.line}" if run.line else run.file
    factor = f", {run.bench_s / run.seconds:.1f} times real time" if run.virtual and run.seconds > 0 else ""
    facts: list[tuple[str, str]] = [
        ("scenario", place),
        ("tags", ", ".join(run.tags)),
        ("started", run.began.replace("T", " ").replace("+00:00", " UTC")),
        ("lasted", f"{run.bench_s:.2f} s of the bench in {run.seconds:.1f} s of the computer{factor}"),
        ("bench", "all simulated, in virtual time" if run.virtual else "in real time"),
        ("seed", "" if run.seed is None else str(run.seed)),
        ("variables", _listed(run.variables)),
        ("needs", _listed(run.needs)),
        *((name.replace("_", " "), _plain(value)) for name, value in run.facts.items()),
        ("record", f"{len(record.entries)} lines until {record.ends_s:.3f} s"),
    ]
    rows = [
        joined([tag("dt", name), tag("dd", shortened(value, 600))]) for name, value in facts if value not in ("", "{}")
    ]
    reason = None
    if run.reason:
        where = f"line {run.line}: " if run.line else ""
        reason = tag("p", where, shortened(run.reason, 2000), class_="reason")
    again = tag("p", "Repeat: ", tag("code", shortened(run.repeat, 2000)), class_="repeat") if run.repeat else None
    return tag(
        "header",
        tag("h1", shortened(run.name, 300), " ", verdict_badge(run.verdict)),
        tag("p", shortened(run.about, 3000), class_="about") if run.about else None,
        reason,
        tag("dl", *rows),
        again,
    )


def _legend() -> Html:
    keys = (
        ("action", "▼ action"),
        ("fault", "⚡ fault caused"),
        ("heal", "✚ fault healed"),
        ("trip", "✖ fault reported"),
        ("failed", "✗ run failed"),
    )
    return tag("p", *(tag("span", word, class_=f"mark-key {kind}") for kind, word in keys), class_="legend")


def _source(run: ReportedRun, source: str, most: int) -> Html | None:
    if not source:
        return None
    lines = shortened(source, most).splitlines()
    failing = {step.line for step in run.steps if step.verdict in ("failed", "error")}
    rows = (
        tag("div", tag("span", f"{number:4} "), line, id=f"L{number}", class_="hit" if number in failing else None)
        for number, line in enumerate(lines, start=1)
    )
    return joined(
        [
            tag("h2", "Scenario"),
            tag("details", tag("summary", escaped(run.file or "file")), tag("pre", *rows), id="source"),
        ]
    )


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in values.items())


def _plain(value: object) -> str:
    if isinstance(value, float):
        return number_text(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _file_stem(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9=.+-]+", "-", name).strip("-.")[:60] or "run"
