"""Steps, measurements and latencies of a page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hil.record.line import RecordLine
from hil.report.latencies import AnswerTimes, answer_times, effect_times
from hil.report.markup import Html, joined, number_text, seconds_text, tag
from hil.report.page_limits import shortened
from hil.report.reported_run import FAILED, PASSED, VERDICT_SIGNS, ReportedMeasurement, ReportedRun, ReportedStep

TEXT_MAX = 600
EFFECTS_MAX = 40
ANSWERS_MAX = 40


def verdict_badge(verdict: str) -> Html:
    """The word with its sign; the colour says the same once more."""
    tone = verdict.replace(" ", "-") if verdict in VERDICT_SIGNS else "unknown"
    return tag("span", f"{VERDICT_SIGNS.get(verdict, '?')} {verdict}", class_=f"verdict {tone}")


def steps(run: ReportedRun, most: int) -> Html:
    """A row for each step."""
    if not run.steps:
        return tag("p", "This run has no steps.", class_="quiet")
    shown = list(run.steps)
    missing = 0
    if len(shown) > most:
        important = [step for step in shown if step.verdict != PASSED or step.measured is not None]
        first = shown[: max(1, most - len(important))]
        chosen = {id(step) for step in (*first, *important)}
        shown = [step for step in shown if id(step) in chosen][:most]
        missing = len(run.steps) - len(shown)
    numbered = any(step.line for step in shown)
    head = tag(
        "tr",
        tag("th", "line") if numbered else None,
        tag("th", "s", class_="right"),
        tag("th", "step"),
        tag("th", "verdict"),
    )
    table = tag("table", tag("thead", head), tag("tbody", *(_step(each, numbered) for each in shown)), class_="steps")
    note = f"{missing} steps that passed are left out: results.json names them." if missing else None
    return joined([tag("div", table, class_="wide"), tag("p", note, class_="quiet") if note else None])


def _step(step: ReportedStep, numbered: bool) -> Html:
    words = shortened(step.words.removeprefix(f"{step.kind} "), TEXT_MAX)
    what = [
        tag("button", tag("b", step.kind), " ", words, type="button", class_="go")
        if step.began_s is not None
        else tag("span", tag("b", step.kind), " ", words),
        tag("small", f" {step.round}") if step.round else None,
        tag("div", shortened(step.about, TEXT_MAX), class_="about") if step.about else None,
    ]
    if step.seen:
        what.append(tag("div", "seen: ", shortened("; ".join(step.seen), TEXT_MAX), class_="seen"))
    if step.held_from_s is not None:
        what.append(tag("div", f"true from {step.held_from_s:.3f} s", class_="seen"))
    if step.measured is not None:
        what.append(tag("div", tag("b", measured_text(step.measured)), class_="seen"))
    if step.reason:
        what.append(tag("div", shortened(step.reason, TEXT_MAX), class_="reason"))
    line = tag("td", tag("a", str(step.line), href=f"#L{step.line}") if step.line else "") if numbered else None
    return tag(
        "tr",
        line,
        tag("td", seconds_text(step.began_s), class_="number"),
        tag("td", *what),
        tag("td", verdict_badge(step.verdict)),
        class_="failing" if step.verdict in ("failed", "error") else None,
        data_from=None if step.began_s is None else f"{step.began_s:.4f}",
        data_to=None if step.ended_s is None else f"{step.ended_s:.4f}",
    )


def measured_text(measured: ReportedMeasurement) -> str:
    """«0.42 s, limit at most 1»."""
    value = "not measured" if measured.value is None else f"{number_text(measured.value)} {measured.unit}".strip()
    return f"{measured.name} = {value}" + (f", limit {measured.limit}" if measured.limit else "")


def measurements(found: Sequence[ReportedMeasurement]) -> Html:
    """A table with value, limit and verdict; empty where nothing was measured."""
    if not found:
        return Html("")
    head = tag(
        "tr",
        *(
            tag("th", word, class_="right" if word == "value" else None)
            for word in ("measurement", "value", "limit", "verdict")
        ),
    )
    rows = [
        tag(
            "tr",
            tag("td", each.name),
            tag("td", "–" if each.value is None else f"{number_text(each.value)} {each.unit}", class_="number"),
            tag("td", each.limit or "none"),
            tag("td", verdict_badge(each.verdict)),
            data_from=None if each.from_s is None else f"{each.from_s:.4f}",
            data_to=None if each.to_s is None else f"{each.to_s:.4f}",
        )
        for each in found[:200]
    ]
    rest = f"{len(found) - 200} more are in measurements.csv" if len(found) > 200 else None
    table = tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), class_="wide")
    return tag("section", tag("h2", "Measurements"), table, tag("p", rest, class_="quiet") if rest else None)


def latencies(run: ReportedRun, entries: Iterable[RecordLine]) -> Html:
    """Two small charts: from action to effect, and from a car's request to the answer."""
    effects, answers = effect_times(run), answer_times(entries)
    if not effects and not answers:
        return Html("")
    parts: list[Html] = []
    if effects:
        longest_s = max(each.took_s for each in effects) or 1.0
        rows = [
            _bar(
                each.words,
                f"{each.took_s:.4g} s{f' ({each.limit})' if each.limit else ''}",
                100 * each.took_s / longest_s,
                "bad" if each.verdict == FAILED else "",
            )
            for each in effects[:EFFECTS_MAX]
        ]
        more = f", the first {EFFECTS_MAX} of {len(effects)}" if len(effects) > EFFECTS_MAX else ""
        parts += [tag("h3", f"From an action to its effect{more}"), tag("div", *rows, class_="bars")]
    if answers:
        parts.append(_answers(answers, run.virtual))
    return tag("section", tag("h2", "Latencies"), *parts)


def _answers(answers: Sequence[AnswerTimes], virtual: bool) -> Html:
    late = [each for each in answers if each.max_ms > 0]
    at_once = sum(each.count for each in answers if each.max_ms <= 0)
    sentences = []
    if virtual:
        sentences.append(
            "This run had virtual time, in which computing takes no time. "
            "These figures show what the controller waited for, not how fast it computes."
        )
    if at_once:
        sentences.append(f"{at_once} answers came at the very moment of their request.")
    bars = [
        _bar(
            f"{each.name} × {each.count}",
            f"p50 {each.p50_ms:.4g}, p99 {each.p99_ms:.4g}, max {each.max_ms:.4g} ms",
            100 * each.max_ms / late[0].max_ms,
            "",
            100 * each.p50_ms / late[0].max_ms,
        )
        for each in late[:ANSWERS_MAX]
    ]
    return joined(
        [
            tag("h3", "From a request of the car to the answer"),
            tag("p", " ".join(sentences), class_="quiet") if sentences else None,
            tag("p", "Wide bar: the slowest answer. Thin bar: the median.", class_="quiet") if bars else None,
            tag("div", *bars, class_="bars") if bars else None,
        ]
    )


def _bar(words: str, value: str, share: float, tone: str, inner: float | None = None) -> Html:
    part = tag("i", class_="inner", style=f"width:{inner:.1f}%") if inner is not None else None
    bar = tag(
        "span", tag("i", class_=f"outer {tone}".strip(), style=f"width:{max(share, 0.3):.1f}%"), part, class_="track"
    )
    return tag(
        "div", tag("span", shortened(words, 160), class_="what"), bar, tag("span", value, class_="value"), class_="bar"
    )
