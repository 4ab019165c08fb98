"""A run as files: JSON for programs, JUnit XML for build servers, one HTML page with every frame for people."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from hil.certification.frames import FrameRecord
from hil.certification.results import CaseOutcome, CaseVerdict, summary

FRAME_MAX_CHARACTERS = 4000
"""Of one frame on the page; reports of the device model are longer than anybody reads."""

_COLOURS = {
    CaseVerdict.PASSED: "#1a7f37",
    CaseVerdict.FAILED: "#cf222e",
    CaseVerdict.UNDECIDED: "#9a6700",
    CaseVerdict.NOT_APPLICABLE: "#57606a",
    CaseVerdict.NOT_WRITTEN: "#57606a",
}
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1100px; padding: 0 1em; }
table { border-collapse: collapse; width: 100%; } td, th { padding: .25em .6em; text-align: left; vertical-align: top; }
tr { border-bottom: 1px solid #d0d7de; } summary { cursor: pointer; } details { margin: .3em 0; }
pre { background: #f6f8fa; overflow-x: auto; padding: .6em; white-space: pre-wrap; word-break: break-all; }
.in { color: #0550ae; } .out { color: #116329; } .note { color: #57606a; font-style: italic; }
"""


def as_json(station: str, outcomes: Iterable[CaseOutcome]) -> str:
    """Everything but the frames of cases that passed."""
    outcomes = list(outcomes)
    document = {
        "station": station,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "summary": summary(outcomes),
        "cases": [outcome.as_json() for outcome in outcomes],
    }
    return json.dumps(document, indent=1) + "\n"


def as_junit(station: str, outcomes: Iterable[CaseOutcome]) -> str:
    """One testcase element per case. Undecided cases are errors; what did not run is skipped."""
    outcomes = list(outcomes)
    counts = {verdict: sum(outcome.verdict is verdict for outcome in outcomes) for verdict in CaseVerdict}
    suite = ElementTree.Element(
        "testsuite",
        name=f"OCPP 2.0.1 Part 6: {station}",
        tests=str(len(outcomes)),
        failures=str(counts[CaseVerdict.FAILED]),
        errors=str(counts[CaseVerdict.UNDECIDED]),
        skipped=str(counts[CaseVerdict.NOT_APPLICABLE] + counts[CaseVerdict.NOT_WRITTEN]),
        time=f"{sum(outcome.seconds for outcome in outcomes):.2f}",
    )
    tags = {CaseVerdict.FAILED: "failure", CaseVerdict.UNDECIDED: "error"}
    for outcome in outcomes:
        row = outcome.row
        element = ElementTree.SubElement(
            suite,
            "testcase",
            classname=f"block {row.block}",
            name=f"{row.case_id} {row.name}",
            time=f"{outcome.seconds:.2f}",
        )
        if outcome.verdict is not CaseVerdict.PASSED:
            tag = tags.get(outcome.verdict, "skipped")
            detail = ElementTree.SubElement(element, tag, message=_printable(outcome.reason))
            failed = [validation.words() for validation in outcome.validations if not validation.passed]
            detail.text = _printable("\n".join(failed))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def as_page(station: str, outcomes: Iterable[CaseOutcome]) -> str:
    """A page that needs no other file: the verdicts, and for each case its checks and frames."""
    outcomes = list(outcomes)
    rows = "\n".join(_row(outcome) for outcome in outcomes)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in summary(outcomes)["verdicts"].items())
    title = f"OCPP 2.0.1 certification cases: {html.escape(station)}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>\n'
        f"<h1>{title}</h1><p>{datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {len(outcomes)} cases, {counts}.</p>\n"
        f"<table><tr><th>case</th><th>verdict</th><th>s</th><th>what</th></tr>\n{rows}\n</table></html>\n"
    )


def _row(outcome: CaseOutcome) -> str:
    colour = _COLOURS[outcome.verdict]
    row = outcome.row
    words = html.escape(row.name)
    if outcome.reason:
        words += f"<br>{html.escape(outcome.reason)}"
    if outcome.validations or outcome.frames:
        words += _details(outcome)
    return (
        f'<tr id="{row.case_id}"><td>{row.case_id}</td><td style="color:{colour}">{outcome.verdict.value}</td>'
        f"<td>{outcome.seconds:.1f}</td><td>{words}</td></tr>"
    )


def _details(outcome: CaseOutcome) -> str:
    checks = "\n".join(
        f"{'ok  ' if validation.passed else 'FAIL'} {html.escape(validation.words())}"
        for validation in outcome.validations
    )
    began_s = outcome.frames[0].at_s if outcome.frames else 0.0
    frames = "\n".join(_frame(frame, began_s) for frame in outcome.frames)
    return (
        f"<details><summary>{len(outcome.validations)} checks, {len(outcome.frames)} frames</summary>"
        f"<pre>{checks}</pre><pre>{frames}</pre></details>"
    )


def _frame(frame: FrameRecord, began_s: float) -> str:
    text = frame.text if len(frame.text) <= FRAME_MAX_CHARACTERS else f"{frame.text[:FRAME_MAX_CHARACTERS]}…"
    arrow = {"in": "→", "out": "←"}.get(frame.direction, "·")
    return f'<span class="{frame.direction}">{frame.at_s - began_s:8.2f} {arrow} {html.escape(text)}</span>'


def _printable(text: Any) -> str:
    """Text without the control characters that XML does not have."""
    return "".join(character for character in str(text) if character >= " " or character in "\n\t")
