"""The judgement of the self-test: facts and readings in, verdicts out; and the report as text and JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema_rs
import pytest

from chargepoint.commissioning.commands import COMMANDS
from chargepoint.commissioning.measure import Measure, StepVerdict, failed, judged, not_run
from chargepoint.commissioning.outlet import OutletReadings
from chargepoint.commissioning.selftest_items import (
    COMMAND_ITEMS,
    COMPUTER_ITEMS,
    READING_ITEMS,
    ComputerFacts,
    ItemResult,
    contactor_wear,
    emergency_stop,
    exit_code,
    identity,
    round_trips,
)
from chargepoint.commissioning.selftest_report import as_json, lines, schema, summary
from chargepoint.model.image import AcReading, ControlPilot, MeterRegisters
from chargepoint.model.io import SafetyInput
from chargepoint.ports import DevicePoint, PilotReading
from chargepoint.safety.wear import Wear, WearLimits

GOOD = ComputerFacts(year=2026, clock_synchronised=True, disk_free_MB=5000.0, latch_write_ms=5.0)
PASS, FAIL, NOT_RUN = StepVerdict.PASS, StepVerdict.FAIL, StepVerdict.NOT_RUN


def computer(item: str, facts: ComputerFacts) -> StepVerdict:
    return next(one for one in COMPUTER_ITEMS if one.item == item).judge(facts).verdict


@pytest.mark.parametrize(
    ("item", "change", "verdict"),
    [
        ("clock", {}, PASS),
        ("clock", {"year": 1970}, FAIL),
        ("disk", {}, PASS),
        ("disk", {"disk_free_MB": 10.0}, FAIL),
        ("disk", {"disk_free_MB": None}, FAIL),
        ("latch-record", {}, PASS),
        ("latch-record", {"latch_write_ms": 2500.0}, FAIL),
        ("latch-record", {"latch_trouble": "read-only"}, FAIL),
        ("latch-record", {"latch_missing": "not there yet"}, NOT_RUN),
        ("watchdog", {}, NOT_RUN),
        ("watchdog", {"watchdog": "/dev/watchdog"}, PASS),
        ("watchdog", {"watchdog": "/dev/watchdog", "watchdog_trouble": "no device"}, FAIL),
        ("realtime", {}, PASS),
        ("realtime", {"realtime_wanted": False}, NOT_RUN),
        ("realtime", {"realtime_trouble": "not permitted"}, NOT_RUN),
    ],
)
def test_the_computer_is_judged(item: str, change: dict[str, object], verdict: StepVerdict) -> None:
    assert computer(item, replace(GOOD, **change)) is verdict  # type: ignore[arg-type]


def test_round_trips_have_percentiles_and_a_bound_for_lost_answers() -> None:
    times_s: list[float | None] = [number / 10_000 for number in range(1, 201)]
    found = round_trips(times_s)
    assert found.verdict is PASS
    assert {measure.name: measure.value for measure in found.measures} == {
        "without answer": 0.0, "round trip p50": 10.0, "round trip p99": 19.8, "polls": 200.0,
    }  # fmt: skip
    assert round_trips([*times_s[:197], None, None, None]).verdict is FAIL
    assert round_trips([0.2] * 100).verdict is FAIL
    assert round_trips([None] * 3).verdict is FAIL
    assert round_trips([]).verdict is NOT_RUN


def test_an_identity_shows_the_versions_of_the_device() -> None:
    points = [DevicePoint("firmware_version", 256.0, "", (256,), 1.0), DevicePoint("voltage_V", 0.0, "V", (0,), 1.0)]
    assert [measure.name for measure in identity("", points).measures] == ["firmware_version"]
    assert identity("io1: map version = 7", points).verdict is FAIL


def reading(item: str, seen: OutletReadings) -> StepVerdict | None:
    result = next(one for one in READING_ITEMS if one.item == item).judge(seen)
    return None if result is None else result.verdict


def meter(frequency_Hz: float | None) -> MeterRegisters:
    ac = AcReading((230.0,), (0.0,), (0.0,), frequency_Hz)
    return MeterRegisters(0.0, 0.0, 230.0, 0.0, 0.0, 1.0, ac=ac)


SILENT = OutletReadings(1.0)
AT_A = PilotReading(ControlPilot.A, 100.0, 12.0, 12.0, None)


@pytest.mark.parametrize(
    ("item", "seen", "verdict"),
    [
        ("pilot", SILENT, FAIL),
        ("pilot", replace(SILENT, pilot=AT_A), PASS),
        ("pilot", replace(SILENT, pilot=replace(AT_A, high_V=10.4)), FAIL),
        ("inputs", SILENT, FAIL),
        ("inputs", replace(SILENT, open_inputs=frozenset()), PASS),
        ("inputs", replace(SILENT, open_inputs=frozenset({SafetyInput.DOOR})), FAIL),
        ("latched", SILENT, None),
        ("temperatures", SILENT, None),
        ("temperatures", replace(SILENT, temperatures_degC=(None, None)), FAIL),
        ("temperatures", replace(SILENT, temperatures_degC=(25.0, None)), PASS),
        ("temperatures", replace(SILENT, temperatures_degC=(25.0, -60.0)), FAIL),
        ("frequency", replace(SILENT, meter=meter(None)), None),
        ("frequency", replace(SILENT, meter=meter(50.0)), PASS),
        ("frequency", replace(SILENT, meter=meter(0.0)), FAIL),
    ],
)
def test_an_outlet_at_rest_is_judged(item: str, seen: OutletReadings, verdict: StepVerdict | None) -> None:
    assert reading(item, seen) is verdict


def test_a_worn_contactor_fails_from_its_rating_on() -> None:
    limits = WearLimits(100, 3)
    assert contactor_wear(Wear(99, 2), limits).verdict is PASS
    assert contactor_wear(Wear(100, 0), limits).verdict is FAIL
    assert contactor_wear(Wear(0, 3), limits).verdict is FAIL


def test_the_emergency_stop_must_open_and_close() -> None:
    assert emergency_stop(1.0, 2.0, 30.0).verdict is PASS
    assert emergency_stop(1.0, None, 30.0).verdict is FAIL
    assert emergency_stop(None, None, 30.0).verdict is FAIL


def test_every_item_that_moves_hardware_is_a_command_of_bring_up_with_a_remedy() -> None:
    assert {item.command for item in COMMAND_ITEMS} <= {command.name for command in COMMANDS}
    remedies = [item.remedy for item in COMMAND_ITEMS] + [item.remedy for item in COMPUTER_ITEMS]
    assert all([*remedies, *(item.remedy for item in READING_ITEMS)])


RESULTS = [
    ItemResult("a", "computer", "good thing", judged(Measure("x", 1.0, "V", high=2.0)), "nothing"),
    ItemResult("b", "EVSE 1", "bad thing", failed("it broke", Measure("y", None, "ms", high=5.0)), "mend it"),
    ItemResult("c", "EVSE 1", "left thing", not_run("nobody is there"), "come back"),
]


def test_the_text_says_value_limit_reason_and_remedy() -> None:
    text = "\n".join(line for result in RESULTS for line in lines(result))
    assert "pass  computer: good thing: x 1 V (at most 2 V)" in text
    assert "FAIL  EVSE 1: bad thing: y no value (at most 5 ms)\n      why: it broke\n      do: mend it" in text
    assert "not run: nobody is there" in text
    assert summary(RESULTS) == "1 passed, 1 failed, 1 not run"
    assert (exit_code(RESULTS), exit_code(RESULTS[:1]), exit_code(RESULTS[2:])) == (1, 0, 0)


def test_the_json_keeps_to_its_schema() -> None:
    report = as_json(RESULTS, config="site.toml", started="2026-11-22T07:00:00+00:00", seconds=1.0)
    jsonschema_rs.validate(json.loads(schema()), json.loads(json.dumps(report)))
    assert (report["passed"], report["failed"], report["not_run"]) == (1, 1, 1)
    endless = [ItemResult("d", "EVSE 1", "odd", judged(Measure("z", float("nan"), "V", high=1.0)), "look")]
    odd = as_json(endless, config="", started="", seconds=0.0)
    assert json.loads(json.dumps(odd, allow_nan=False))["items"][0]["measures"][0]["value"] is None
    assert odd["failed"] == 1
    report["items"][0].pop("verdict")
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(json.loads(schema()), report)
