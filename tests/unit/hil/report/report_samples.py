"""Small runs and records for tests of the pages."""

from __future__ import annotations

from html.parser import HTMLParser

from hil.record.line import STATION, Json, LineKind, RecordLine, Seer
from hil.record.record import BenchRecord
from hil.record.signals import SIGNALS
from hil.report.page_limits import PageAssets
from hil.report.reported_run import FAILED, PASSED, ReportedMeasurement, ReportedRun, ReportedStep

ASSETS = PageAssets("body { color: black; }", "var run = 1;", "var index = 1;")
WITH_PLOTS = PageAssets("", "var run = 1;", "var index = 1;", "var uPlot = 1;", ".uplot { top: 0; }")


def value(at_s: float, name: str, given: Json, evse: int = 1) -> RecordLine:
    signal = SIGNALS[name]
    return RecordLine(at_s, signal.seer, LineKind.VALUE, name, given, STATION if signal.of_station else evse)


def car_message(at_s: float, direction: str, name: str, **more: Json) -> RecordLine:
    return RecordLine(at_s, Seer.CAR, LineKind.MESSAGE, name, {"direction": direction, **more}, 1)


def csms_message(at_s: float, name: str, payload: Json) -> RecordLine:
    return RecordLine(at_s, Seer.CSMS, LineKind.MESSAGE, name, payload, STATION)


def action(at_s: float, name: str, **arguments: Json) -> RecordLine:
    return RecordLine(at_s, Seer.BENCH, LineKind.ACTION, name, dict(arguments), 1)


def charge_loop(at_s: float, took_ms: float = 1.0) -> list[RecordLine]:
    request = car_message(at_s, ">", "DC_ChargeLoopReq", content={"Header": 1})
    return [request, car_message(at_s + 0.01, "<", "DC_ChargeLoopRes", code="OK", took_ms=took_ms)]


def record_of(*lines: RecordLine) -> BenchRecord:
    record = BenchRecord()
    record.extend(lines)
    return record


def short_session() -> BenchRecord:
    """Ten seconds: power, a trip, messages of both wires."""
    lines = [
        action(0.0, "plug"),
        value(0.0, "stage", "OFF"),
        value(0.0, "faults", []),
        value(1.0, "setpoint_W", 11_000.0),
        value(1.0, "decided_by", "csms"),
        value(1.0, "explanation", "11 kW: the central system wants it"),
        value(2.0, "stage", "TRANSFER"),
        *(value(index * 0.1, "power_W", 110.0 * index) for index in range(100)),
        *(line for index in range(20) for line in charge_loop(3.0 + index * 0.1)),
        csms_message(1.5, "TransactionEvent", {"eventType": "Started", "triggerReason": "CablePluggedIn"}),
        csms_message(2.5, "SetChargingProfile", {"request": {"evseId": 1}, "answer": {"status": "Accepted"}}),
        action(8.0, "physics.insulation", value=20_000),
        value(8.5, "faults", ["INSULATION"]),
        value(8.5, "stage", "FAULTED"),
        action(9.0, "heal physics.insulation"),
    ]
    return record_of(*lines)


MEASURED = ReportedMeasurement("reaction_s", 0.5, "s", "at most 0.1", FAILED, 12, 1, 8.0, 8.5)
FAILING = ReportedRun(
    name="It fails",
    verdict=FAILED,
    reason="reaction_s was 0.5 s, expected at most 0.1 s",
    file="stops/it-fails.yaml",
    line=12,
    tags=("interlock",),
    bench_s=10.0,
    seconds=2.0,
    virtual=True,
    seed=7,
    repeat="./run hil run stops/it-fails.yaml",
    began="2026-11-22T12:00:00+00:00",
    facts={"version": "0.1.0"},
    steps=(
        ReportedStep(9, "do", "plug", PASSED, began_s=0.0, ended_s=0.0),
        ReportedStep(
            10,
            "expect",
            "stage TRANSFER within 5 s",
            PASSED,
            began_s=0.0,
            ended_s=2.0,
            held_from_s=2.0,
            seen=("stage TRANSFER since 2.000 s",),
        ),
        ReportedStep(
            12, "measure", "reaction_s", FAILED, began_s=8.0, ended_s=8.5, reason="too slow", measured=MEASURED
        ),
        ReportedStep(14, "expect", "stage OFF now", "not reached"),
    ),
)


class SeenPage(HTMLParser):
    """What a browser would make of a page: elements with their attributes, and text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.text += data

    def having(self, name: str, class_word: str = "") -> list[dict[str, str | None]]:
        """Attributes of these elements."""
        return [
            attributes
            for tag, attributes in self.elements
            if tag == name and (not class_word or class_word in (attributes.get("class") or "").split())
        ]
