"""The timeline of a page: plots over lanes, one group for each EVSE, and the data that the script draws anew when zoomed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hil.record.line import STATION, LineKind, RecordLine, Seer
from hil.record.record import BenchRecord
from hil.report.curves import HeldCurve, curve_of, side_by_side, thinned
from hil.report.lanes import LANES, STATION_LANES, LaneSpan, StateLane, TimeMark, lanes_of, marks_of
from hil.report.markup import Html, joined, number_text, tag
from hil.report.page_limits import PageLimits, shortened
from hil.report.reported_run import VERDICT_SIGNS, ReportedRun

EVSES_MAX = 8
_DOINGS = (LineKind.ACTION, LineKind.MESSAGE)
SKETCH_COLUMNS = 250
_HEIGHT, _WIDTH = 100.0, 1000.0

MARK_SIGNS = {"action": "▼", "fault": "⚡", "heal": "✚", "trip": "✖", "failed": "✗"}


@dataclass(frozen=True, slots=True)
class _PlotRow:
    """One plot: its title, height and curves (signal, label, factor, tone)."""

    title: str
    unit: str
    height: int
    signals: tuple[tuple[str, str, float, str], ...]
    least_span: float = 0.0
    """It is left out where each curve moves by less: most runs leave temperatures and the grid as they are."""

    def shows(self, curves: Sequence[HeldCurve]) -> bool:
        """There is something to see."""
        known = [[value for value in curve.values if value is not None] for curve in curves]
        return any(values and max(values) - min(values) >= self.least_span for values in known)


_PLOTS = (
    _PlotRow("power", "kW", 170, (("setpoint_W", "set-point", 1e-3, "setpoint"), ("power_W", "power", 1e-3, "power"))),
    _PlotRow("voltage", "V", 96, (("voltage_V", "voltage", 1.0, "voltage"),)),
    _PlotRow("current", "A", 96, (("current_A", "current", 1.0, "current"),)),
    _PlotRow("state of charge", "%", 80, (("soc_percent", "state of charge", 1.0, "soc"),)),
    _PlotRow(
        "connector",
        "°C",
        96,
        (("pins_degC", "pins", 1.0, "setpoint"), ("temperature_degC", "sensor", 1.0, "voltage")),
        least_span=5.0,
    ),
    _PlotRow("grid", "Hz", 96, (("frequency_Hz", "frequency", 1.0, "power"),), least_span=0.1),
)


@dataclass(frozen=True, slots=True)
class DrawnTimeline:
    """`data`: what the script of the page needs, JSON-able. `left_out`: a sentence; empty: nothing was."""

    html: Html
    data: dict[str, object]
    left_out: str


def timeline(run: ReportedRun, record: BenchRecord, entries: Sequence[RecordLine], limits: PageLimits) -> DrawnTimeline:
    """Plots, lanes and marks of the whole run."""
    end_s = max(record.ends_s, 1e-3)
    numbers = sorted({entry.evse for entry in entries if entry.evse != STATION})
    busy = [evse for evse in numbers if _happened(record, entries, evse)] or numbers[:1]
    evses = busy[:EVSES_MAX]
    all_marks = marks_of(run, record, entries, evses)
    marks = _fewer(all_marks, limits.marks)
    groups, parts, thinned_out = [], [], 0
    columns = max(20, limits.columns // max(1, len(evses)))
    spans_max = max(4, limits.spans // (len(LANES) * max(1, len(evses)) + 2))
    for evse in evses:
        own = [mark for mark in marks if mark.evse in (evse, STATION)]
        title = tag("h3", f"EVSE {evse}") if len(numbers) > 1 else None
        plots, drawn = [], []
        for place, row in enumerate(_PLOTS):
            curves = [curve_of(record, signal, evse, factor) for signal, _, factor, _ in row.signals]
            if not row.shows(curves):
                continue
            kept = [thinned(curve, columns, end_s) for curve in curves]
            thinned_out += sum(curve.left_out for curve in kept)
            drawn.append(_figure(f"plot-{evse}-{place}", row, kept, own, end_s))
            plots.append(_data_of(f"plot-{evse}-{place}", row, kept))
        groups.append({"evse": evse, "plots": plots, "marks": [[mark.at_s, mark.kind, mark.text] for mark in own]})
        lanes = lanes_of(record, evse, LANES, spans_max)
        if evse == evses[0]:
            lanes = (_step_lane(run, end_s, limits.steps), *lanes)
        if evse == evses[-1]:
            lanes = (*lanes, *lanes_of(record, STATION, STATION_LANES, spans_max))
        parts.append(
            tag(
                "section",
                title,
                *drawn,
                _lanes(lanes, own, end_s),
                tag("output", class_="held"),
                class_="evse",
                data_evse=evse,
            )
        )
    if not evses:
        parts.append(tag("p", "The record names no EVSE: there is nothing to draw.", class_="quiet"))
    left_out = []
    if thinned_out:
        left_out.append(
            f"{thinned_out} values are not drawn: each plot shows the smallest and the largest value of every {end_s / columns:.3g} s"
        )
    if len(marks) < len(all_marks):
        left_out.append(f"{len(all_marks) - len(marks)} marks are not drawn")
    if idle := [str(evse) for evse in numbers if evse not in busy]:
        left_out.append(f"nothing happened at EVSE {', '.join(idle[:EVSES_MAX])}, which is not drawn")
    if len(busy) > len(evses):
        left_out.append(f"{len(busy) - len(evses)} EVSEs are not drawn, only the first {EVSES_MAX}")
    sentence = f"Not in this picture: {'; '.join(left_out)}. The record holds everything." if left_out else ""
    return DrawnTimeline(joined(parts), {"end_s": end_s, "groups": groups}, sentence)


def _happened(record: BenchRecord, entries: Sequence[RecordLine], evse: int) -> bool:
    """Something was done there, or a curve or a contactor moved."""
    if any(entry.evse == evse and entry.seer in (Seer.BENCH, Seer.CAR) and entry.kind in _DOINGS for entry in entries):
        return True
    signals = ("contactor", "plugged", *(signal for row in _PLOTS for signal, *_ in row.signals))
    return any(len(list(record.history(signal, evse, 0.0, record.ends_s))) > 1 for signal in signals)


def _fewer(marks: Sequence[TimeMark], most: int) -> list[TimeMark]:
    """All of them, or those that say most: trips and the failure first, then by time."""
    if len(marks) <= most:
        return list(marks)
    order = {"failed": 0, "trip": 1, "fault": 2}
    kept = sorted(marks, key=lambda mark: (order.get(mark.kind, 3), mark.at_s))[:most]
    return sorted(kept, key=lambda mark: mark.at_s)


def _data_of(name: str, row: _PlotRow, curves: Sequence[HeldCurve]) -> dict[str, object]:
    times_s, columns = side_by_side(curves)
    return {
        "id": name,
        "unit": row.unit,
        "height": row.height,
        "series": [{"label": label, "tone": tone} for _, label, _, tone in row.signals],
        "data": [
            [round(at_s, 4) for at_s in times_s],
            *([None if value is None else float(f"{value:.6g}") for value in column] for column in columns),
        ],
    }


# -- the plain drawing: what there is without a script ----------------------------------------------------------------


def _figure(name: str, row: _PlotRow, curves: Sequence[HeldCurve], marks: Sequence[TimeMark], end_s: float) -> Html:
    known = [value for curve in curves for value in curve.values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    margin = max((high - low) * 0.06, abs(high) * 0.01, 0.5)
    low, high = low - margin, high + margin
    lines = [_mark_line(mark, end_s) for mark in marks]
    if low < 0 < high:
        y = _HEIGHT * high / (high - low)
        lines.append(tag("line", class_="zero", x1=0, x2=_WIDTH, y1=f"{y:.1f}", y2=f"{y:.1f}"))
    for curve, (_, _, _, tone) in zip(curves, row.signals, strict=True):
        short = thinned(curve, SKETCH_COLUMNS, end_s)
        lines.append(tag("path", class_=f"curve {tone}", d=_stairs(short, end_s, low, high)))
    legend = joined(
        tag("span", tag("i", class_=f"key {tone}"), f" {label}", class_="name") for _, label, _, tone in row.signals
    )
    drawing = tag(
        "svg",
        *lines,
        viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{row.title} in {row.unit} over time",
        style=f"height:{row.height - 20}px",
    )
    scale = tag("span", tag("b", f"{high:.3g}"), tag("b", f"{low:.3g}"), class_="scale")
    caption = tag("figcaption", tag("b", f"{row.title} {row.unit}"), " ", legend, tag("output"), class_="plot-title")
    return tag("figure", caption, tag("div", scale, drawing, class_="sketch"), class_="plot", id=name)


def _stairs(curve: HeldCurve, end_s: float, low: float, high: float) -> str:
    words: list[str] = []
    drawing = False
    for at_s, value in zip(curve.times_s, curve.values, strict=True):
        x = at_s / end_s * _WIDTH
        if value is None:
            words.append(f"H{x:.1f}" if drawing else "")
            drawing = False
            continue
        y = _HEIGHT * (high - value) / (high - low)
        words.append(f"H{x:.1f}V{y:.1f}" if drawing else f"M{x:.1f} {y:.1f}")
        drawing = True
    return "".join(words) or "M0 0"


def _mark_line(mark: TimeMark, end_s: float) -> Html:
    x = f"{mark.at_s / end_s * _WIDTH:.1f}"
    return tag("line", class_=f"mark {mark.kind}", x1=x, x2=x, y1=0, y2=_HEIGHT)


# -- lanes ------------------------------------------------------------------------------------------------------------


def _step_lane(run: ReportedRun, end_s: float, most: int) -> StateLane:
    """Steps that took time; watches, which last until the end, are left out."""
    spans = []
    for step in run.steps[:most]:
        if step.began_s is None or step.ended_s is None or step.words.endswith("until the end"):
            continue
        title = (
            f"line {step.line}: {step.kind} {step.words}, {step.verdict}, {step.began_s:.3f} to {step.ended_s:.3f} s"
        )
        sign = VERDICT_SIGNS.get(step.verdict, "")
        tone = "bad" if step.verdict in ("failed", "error") else "usual"
        if step.ended_s > step.began_s:
            word = f"{sign} {step.words}" if step.line == 0 else f"{sign} {step.line} {step.kind}"
            spans.append(LaneSpan(step.began_s, min(step.ended_s, end_s), word, shortened(title, 300), tone))
    return StateLane("steps", tuple(spans))


def _lanes(lanes: Iterable[StateLane], marks: Sequence[TimeMark], end_s: float) -> Html:
    rows = [_lane(lane.label, (_span(span, end_s) for span in lane.spans)) for lane in lanes if lane.spans]
    pins = _lane("events", (_pin(mark, end_s) for mark in marks), "pins") if marks else None
    # no row for the axis: the ruler is drawn by the plots above, or stands here without a script
    ruler = _lane("s", (_tick(end_s * part / 5, end_s) for part in range(6)), "ruler")
    return tag("div", pins, *rows, ruler, class_="lanes")


def _lane(label: str, parts: Iterable[Html], kind: str = "") -> Html:
    return tag(
        "div",
        tag("span", label, class_="label"),
        tag("div", tag("div", *parts, class_="strip"), class_="window"),
        class_=f"lane {kind}".strip(),
    )


def _span(span: LaneSpan, end_s: float) -> Html:
    left, width = 100 * span.from_s / end_s, 100 * max(0.0, span.to_s - span.from_s) / end_s
    return tag(
        "div",
        span.word if span.word else "–",
        class_=f"span {span.tone}",
        title=span.title,
        data_at=f"{span.from_s:.4f}",
        data_to=f"{span.to_s:.4f}",
        style=f"left:{left:.4f}%;width:{width:.4f}%",
    )


def _pin(mark: TimeMark, end_s: float) -> Html:
    title = f"{mark.at_s:.3f} s: {mark.kind}: {shortened(mark.text, 300)}"
    sign = MARK_SIGNS.get(mark.kind, "")
    place = f"left:{100 * mark.at_s / end_s:.4f}%"
    return tag(
        "button", sign, class_=f"pin {mark.kind}", type="button", title=title, data_at=f"{mark.at_s:.4f}", style=place
    )


def _tick(at_s: float, end_s: float) -> Html:
    return tag("span", number_text(float(f"{at_s:.3g}")), class_="tick", style=f"left:{100 * at_s / end_s:.2f}%")
