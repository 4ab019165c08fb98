"""What a statement says about monitored variables, and how the suite matches the answers to the monitors it asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hil.certification import pics
from hil.certification.central_system import CentralSystem, Entrance
from hil.certification.firmware_server import FirmwareServer
from hil.certification.frames import StationCall
from hil.certification.monitors import check_result, check_setting, events, result_of, wanted
from hil.certification.patterns import MISSING
from hil.certification.pics import MonitoredVariable, PicsError
from hil.certification.trial import Trial
from hil.certification.validation import ValidationFailed
from tests.unit.hil.certification.test_judgement import NOON

POWER = MonitoredVariable("EVSE", "Power", 1)
STATION = MonitoredVariable("ChargingStation", "AvailabilityState", 0)


def trial() -> Trial:
    return Trial(CentralSystem("CP1", Entrance(), 300), None, pics.load(), None, FirmwareServer())  # type: ignore[arg-type]


def test_a_variable_of_the_whole_station_has_no_evse() -> None:
    assert POWER.wire["component"] == {"name": "EVSE", "evse": {"id": 1}}
    assert STATION.wire["component"] == {"name": "ChargingStation"}
    assert "component.evse.id" not in STATION.pattern


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("upper_trigger = 100.0", "upper_trigger is missing"),
        ("interval_s = 2", "interval_s is missing"),
        ('text = { component = "EVSE", variable = "AvailabilityState", evse_id = 1 }', "text is missing"),
    ],
)
def test_a_missing_value_is_named_with_its_table(tmp_path: Path, line: str, words: str) -> None:
    text = pics.OWN_FILE.read_text(encoding="utf-8")
    assert line in text
    file = tmp_path / "pics.toml"
    file.write_text(text.replace(line, ""), encoding="utf-8")
    with pytest.raises(PicsError, match=rf"\[configured\] monitoring: {words}"):
        pics.load(file)


def test_a_value_of_another_kind_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pics.toml"
    file.write_text(
        pics.OWN_FILE.read_text(encoding="utf-8").replace("delta = 100.0", 'delta = "much"'), encoding="utf-8"
    )
    with pytest.raises(PicsError, match="monitoring delta = 'much': float is expected"):
        pics.load(file)


def result(data: dict[str, Any], status: str, **more: object) -> dict[str, Any]:
    return {name: data[name] for name in ("type", "severity", "component", "variable")} | {"status": status, **more}


def test_results_are_matched_in_any_order() -> None:
    first, second = wanted(POWER, "UpperThreshold", 1.0, 5), wanted(POWER, "LowerThreshold", 1.0, 5)
    results = [result(second, "Accepted", id=2), result(first, "Accepted", id=1)]
    assert check_result(trial(), 2, results, result_of(first, "Accepted"))["id"] == 1
    assert check_result(trial(), 2, results, result_of(second, "Accepted"))["id"] == 2


def test_a_result_about_another_variable_fails() -> None:
    data = wanted(POWER, "Delta", 1.0, 5)
    of_another = result(wanted(STATION, "Delta", 1.0, 5), "Accepted", id=1)
    with pytest.raises(ValidationFailed):
        check_result(trial(), 2, [of_another], result_of(data, "Accepted"))


def test_a_reason_that_part_6_does_not_name_is_noted() -> None:
    judged, data = trial(), wanted(POWER, "Delta", 1.0, 5)
    answer = result(data, "Accepted", id=1, statusInfo={"reasonCode": "OutOfStorage"})
    check_result(judged, 2, [answer], result_of(data, "Accepted"))
    assert [validation.value for validation in judged.checks.failures] == ["OutOfStorage"]


def test_a_setting_counts_only_at_its_variable() -> None:
    report = [{**STATION.wire, "variableMonitoring": [{"id": 1, "type": "Delta"}]}]
    for variable, passed in ((STATION, True), (POWER, False)):
        judged = trial()
        check_setting(judged, 3, report, variable, {"type": "Delta"})
        assert (not judged.checks.failures) is passed


def test_events_are_found_within_their_messages_and_since_a_mark() -> None:
    judged = trial()
    payload = {"eventData": [{"eventId": 1, "variableMonitoringId": 7}, {"eventId": 2, "variableMonitoringId": 8}]}
    judged.csms.calls = [StationCall(0.0, NOON, 1, "id", "NotifyEvent", payload)]
    assert [event["eventId"] for _, event in events(judged, {"variableMonitoringId": 8})] == [2]
    assert events(judged, {"variableMonitoringId": 8}, since=1) == []
    assert events(judged, {"variableMonitoringId": MISSING}) == []
