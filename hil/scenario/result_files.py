"""Results as files: `results.json` for programs, `junit.xml` for build servers, `measurements.csv` for a spreadsheet, pages for people."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from hil.report.report_files import RESULTS, write_pages
from hil.scenario.result import RunResult, ScenarioVerdict

FORMAT = 1
"""Of `results.json`. It grows when a field changes its meaning or goes away; new fields may come without that."""

JUNIT = "junit.xml"
MEASUREMENTS = "measurements.csv"

_ELEMENTS = {
    ScenarioVerdict.FAILED: "failure",
    ScenarioVerdict.ERROR: "error",
    ScenarioVerdict.SKIPPED: "skipped",
}


def write_all(folder: Path, results: Sequence[RunResult], began: datetime) -> None:
    """All three, in this folder, with a page for each run and their index."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RESULTS).write_text(as_json(results, began), encoding="utf-8")
    (folder / JUNIT).write_text(as_junit(results, began), encoding="utf-8")
    (folder / MEASUREMENTS).write_text(as_csv(results), encoding="utf-8", newline="")
    write_pages(folder)


def as_json(results: Iterable[RunResult], began: datetime) -> str:
    """Everything but the records, which are files of their own beside it."""
    results = list(results)
    counts = {verdict.value: sum(result.verdict is verdict for result in results) for verdict in ScenarioVerdict}
    document = {
        "format": FORMAT,
        "began": began.astimezone(UTC).isoformat(timespec="seconds"),
        "verdicts": {name: count for name, count in counts.items() if count},
        "runs": [result.as_json() for result in results],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def as_junit(results: Iterable[RunResult], began: datetime) -> str:
    """One testcase for each run; tags, variables and measurements are its properties."""
    results = list(results)

    def count(verdict: ScenarioVerdict) -> str:
        return str(sum(result.verdict is verdict for result in results))

    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        name="hil scenarios",
        tests=str(len(results)),
        failures=count(ScenarioVerdict.FAILED),
        errors=count(ScenarioVerdict.ERROR),
        skipped=count(ScenarioVerdict.SKIPPED),
        time=f"{sum(result.seconds for result in results):.3f}",
        timestamp=began.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
    )
    for result in results:
        _testcase(suite, result)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def as_csv(results: Iterable[RunResult]) -> str:
    """One line for each measurement. A value that could not be taken is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["scenario", "file", "line", "evse", "measurement", "value", "unit", "limit", "verdict", "from_s", "to_s"]
    )
    for result in results:
        for measured in result.measured:
            writer.writerow(
                [
                    result.run.name,
                    str(result.run.file),
                    measured.line,
                    measured.evse,
                    measured.name,
                    "" if measured.value is None else repr(measured.value),
                    measured.unit,
                    measured.limit,
                    measured.verdict.value,
                    *("" if at_s is None else f"{at_s:.6f}" for at_s in (measured.from_s, measured.to_s)),
                ]
            )
    return text.getvalue()


def _testcase(suite: ElementTree.Element, result: RunResult) -> None:
    run = result.run
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=".".join((*run.file.parent.parts[-1:], run.file.name.split(".")[0])),
        name=_printable(run.name),
        file=str(run.file),
        line=str(result.line or 1),
        time=f"{result.seconds:.3f}",
    )
    properties = ElementTree.SubElement(case, "properties")
    named = [("tag", tag) for tag in run.tags]
    named += [(f"variable {name}", json.dumps(value, ensure_ascii=False)) for name, value in run.variables.items()]
    named += [("bench seconds", f"{result.bench_s:.3f}"), ("seed", str(result.seed)), ("repeat", result.repeat)]
    for measured in result.measured:
        value = "not measured" if measured.value is None else f"{measured.value!r} {measured.unit}".strip()
        limit = f", limit {measured.limit}" if measured.limit else ""
        named.append((f"measurement {measured.name}", f"{value}{limit}, {measured.verdict.value}"))
    for name, text in named:
        ElementTree.SubElement(properties, "property", name=_printable(name), value=_printable(text))
    if (element := _ELEMENTS.get(result.verdict)) is not None:
        place = f"{run.file}:{result.line}: " if result.line else ""
        detail = ElementTree.SubElement(case, element, message=_printable(f"{place}{result.reason}"))
        detail.text = _printable("\n".join((*step_lines(result), "", f"repeat: {result.repeat}")))


def step_lines(result: RunResult) -> list[str]:
    """One line for each step, for people: line, verdict, time, what, and why not."""
    lines = []
    for step in result.steps:
        time = f"{step.began_s:9.2f} s" if step.began_s is not None else " " * 11
        again = f" [{step.round}]" if step.round else ""
        why = f": {step.reason}" if step.reason else ""
        lines.append(f"line {step.line:4} {step.verdict.value:11} {time} {step.sentence}{again}{why}")
    return lines


def _printable(text: str) -> str:
    """Text without the characters that XML does not have."""
    return "".join(
        character
        for character in text
        if character in "\n\t"
        or " " <= character <= "\ud7ff"
        or "\ue000" <= character <= "\ufffd"
        or character > "\uffff"
    )
