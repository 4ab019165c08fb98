"""How the certification suite judges: patterns, validations, the rules of every case, and the files of a result."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest

from hil.certification import catalogue, general_rules, pics, result_files
from hil.certification.answers import Answers, RefusedWith
from hil.certification.central_system import CentralSystem, Entrance
from hil.certification.firmware_server import FirmwareServer
from hil.certification.frames import FrameRecord, StationCall
from hil.certification.notifications import connector_states
from hil.certification.patterns import ABSENT, MISSING, PRESENT, about, compare, matches, one_of, value_at
from hil.certification.results import CaseOutcome, CaseVerdict, summary
from hil.certification.trial import Trial
from hil.certification.validation import Validation, ValidationFailed, Validations

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_ids = itertools.count()


def called(action: str, payload: dict[str, Any]) -> StationCall:
    number = next(_ids)
    return StationCall(float(number), NOON, 1, f"id-{number}", action, payload)


def event(kind: str, seq_no: int, **fields: Any) -> StationCall:
    info = {"transactionId": "tx", **fields.pop("info", {})}
    payload = {"eventType": kind, "seqNo": seq_no, "triggerReason": "Trigger", "transactionInfo": info, **fields}
    return called("TransactionEvent", payload)


def trial_with(*calls: StationCall) -> Trial:
    csms = CentralSystem("CP1", Entrance(), 300)
    csms.calls = list(calls)
    return Trial(csms, None, pics.load(), None, FirmwareServer())  # type: ignore[arg-type]


def failed(trial: Trial) -> list[str]:
    return [validation.words() for validation in general_rules.judge(trial) if not validation.passed]


# -- patterns


PAYLOAD = {"a": {"b": [{"c": 1}, {"c": "two"}]}, "flag": True, "at": "2026-03-01T12:00:03.000Z"}


@pytest.mark.parametrize(
    ("path", "value"),
    [("a.b[0].c", 1), ("a.b[1].c", "two"), ("a.b[2].c", MISSING), ("a.x", MISSING), ("flag.b", MISSING)],
)
def test_a_path_leads_to_a_value_or_to_nothing(path: str, value: object) -> None:
    assert value_at(PAYLOAD, path) == value


@pytest.mark.parametrize(
    ("pattern", "holds"),
    [
        ({"a.b[0].c": 1}, True),
        ({"a.b[0].c": True}, False),  # JSON's true is not its 1
        ({"flag": 1}, False),
        ({"a.b[1].c": one_of("one", "two")}, True),
        ({"nothing": ABSENT, "flag": PRESENT}, True),
        ({"nothing": one_of("x", MISSING)}, True),
        ({"nothing": one_of("x")}, False),
        ({"at": about(NOON, 4.0)}, True),
        ({"at": about(NOON, 2.0)}, False),
        ({"flag": about(NOON, 4.0)}, False),
    ],
)
def test_a_pattern_holds_where_each_of_its_paths_does(pattern: dict[str, Any], holds: bool) -> None:
    assert matches(PAYLOAD, pattern) is holds
    assert all(found.passed for found in compare(PAYLOAD, pattern)) is holds


# -- validations


def test_a_wrong_value_is_noted_and_the_case_goes_on() -> None:
    checks = Validations()
    checks.message(3, "Reset", {"type": "OnIdle", "x": 1}, {"type": "Immediate", "x": 1})
    assert [validation.words() for validation in checks.failures] == [
        "step 3: Reset.type is 'OnIdle', expected 'Immediate'"
    ]
    assert len(checks.made) == 2


def test_what_decides_ends_the_case() -> None:
    with pytest.raises(ValidationFailed, match=r"step 1: Reset\.type is nothing, expected 'OnIdle'"):
        Validations().message(1, "Reset", {}, {"type": "OnIdle"}, decides=True)


# -- the rules of every case


def test_an_ordinary_transaction_keeps_every_rule() -> None:
    assert failed(trial_with(event("Started", 0), event("Updated", 1), event("Ended", 2))) == []


def test_the_order_of_arrival_does_not_matter() -> None:
    assert failed(trial_with(event("Ended", 2), event("Started", 0), event("Updated", 1))) == []


def test_a_message_that_is_sent_again_counts_once() -> None:
    assert failed(trial_with(event("Started", 0), event("Started", 0), event("Updated", 1))) == []


def test_a_transaction_that_ran_before_the_case_begins_anywhere() -> None:
    assert failed(trial_with(event("Updated", 7), event("Ended", 8))) == []


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ((event("Started", 0), event("Updated", 2)), "seqNo is [0, 2]"),
        ((event("Updated", 0), event("Started", 1)), "['Updated', 'Started'], expected Started first"),
        ((event("Started", 0), event("Started", 1)), "['Started', 'Started'], expected Started first"),
        ((event("Started", 0), event("Ended", 1), event("Updated", 2)), "expected Ended last"),
    ],
)
def test_a_broken_sequence_is_found(events: tuple[StationCall, ...], words: str) -> None:
    assert any(words in line for line in failed(trial_with(*events)))


def test_a_remote_start_must_be_named() -> None:
    trial = trial_with(event("Started", 0), event("Updated", 1))
    trial.session.transaction_id, trial.session.remote_start_id = "tx", 7
    assert any("TransactionEvents with remoteStartId is 0" in line for line in failed(trial))


def test_a_remote_start_has_its_own_trigger() -> None:
    trial = trial_with(event("Started", 0, info={"remoteStartId": 7}))
    trial.session.transaction_id, trial.session.remote_start_id = "tx", 7
    assert any("'Trigger', expected RemoteStart" in line for line in failed(trial))


def test_a_frame_that_is_wrong_fails_the_case() -> None:
    trial = trial_with()
    trial.csms.problems.append("HeartbeatRequest: x: additional")
    assert failed(trial) == [
        "step general: frame is 'HeartbeatRequest: x: additional', expected a frame as the schema has it"
    ]


def test_a_firmware_status_names_its_update() -> None:
    trial = trial_with(called("FirmwareStatusNotification", {"status": "Downloading", "requestId": 8}))
    trial.ordered.append(("UpdateFirmware", {"requestId": 7}))
    assert any("requestId is 8, expected one of [7]" in line for line in failed(trial))


# -- messages


def test_both_ways_to_report_a_connector_are_read() -> None:
    status = called("StatusNotification", {"evseId": 1, "connectorId": 2, "connectorStatus": "Occupied"})
    delta = {
        "trigger": "Delta",
        "actualValue": "Available",
        "component": {"name": "Connector", "evse": {"id": 2, "connectorId": 1}},
        "variable": {"name": "AvailabilityState"},
    }
    others = [{**delta, "trigger": "Periodic"}, {**delta, "component": {"name": "EVSE", "evse": {"id": 2}}}]
    assert connector_states(status) == [((1, 2), "Occupied")]
    assert connector_states(called("NotifyEvent", {"eventData": [delta, *others]})) == [((2, 1), "Available")]
    assert connector_states(called("Heartbeat", {})) == []


def test_an_ordered_answer_goes_before_the_default_as_often_as_ordered() -> None:
    answers = Answers(300)
    answers.order("Authorize", {"idTokenInfo": {"status": "Invalid"}}, where={"idToken.idToken": "A"}, times=1)
    answers.order("Heartbeat", RefusedWith("InternalError"), delay_s=2.0)
    card = called("Authorize", {"idToken": {"idToken": "A", "type": "ISO14443"}})
    assert answers.to(card)[0] == {"idTokenInfo": {"status": "Invalid"}}
    assert answers.to(card)[0] == {"idTokenInfo": {"status": "Accepted"}}
    assert answers.to(called("Heartbeat", {})) == (RefusedWith("InternalError"), 2.0)
    answers.forget_orders()
    assert answers.to(called("Heartbeat", {}))[1] == 0.0


# -- results


def outcomes() -> list[CaseOutcome]:
    rows = {row.case_id: row for row in catalogue.load()}
    failure = Validation(3, "BootNotification.reason", "PowerUp\x00", "'RemoteReset'", False)
    frames = [FrameRecord(1.0, "in", '[2,"1","Heartbeat",{}]', NOON), FrameRecord(1.5, "note", "<lost> & gone", NOON)]
    return [
        CaseOutcome(rows["TC_B_01_CS"], CaseVerdict.PASSED, seconds=1.25),
        CaseOutcome(rows["TC_B_23_CS"], CaseVerdict.FAILED, failure.words(), 2.0, [failure], frames),
        CaseOutcome(rows["TC_B_41_CS"], CaseVerdict.UNDECIDED, "present: no reader"),
        CaseOutcome(rows["TC_G_20_CS"], CaseVerdict.NOT_APPLICABLE, "nobody asks"),
        CaseOutcome(rows["TC_K_01_CS"], CaseVerdict.NOT_WRITTEN, "not yet"),
    ]


def test_the_summary_counts_verdicts_blocks_and_mandatory_cases() -> None:
    found = summary(outcomes())
    assert found["verdicts"] == {"passed": 1, "failed": 1, "undecided": 1, "not applicable": 1, "not written": 1}
    assert found["mandatory"] == {"passed": 1, "failed": 1, "not written": 1}
    assert found["blocks"]["B"] == {"passed": 1, "failed": 1, "undecided": 1}


def test_the_json_has_every_case_and_the_frames_of_what_failed() -> None:
    document = json.loads(result_files.as_json("ours", outcomes()))
    passed, broken = document["cases"][:2]
    assert passed["verdict"] == "passed"
    assert passed["frames"] == []
    assert broken["failed_checks"] == ["step 3: BootNotification.reason is 'PowerUp\\x00', expected 'RemoteReset'"]
    assert broken["frames"][0] == [1.0, "in", '[2,"1","Heartbeat",{}]']


def test_the_junit_file_has_failures_errors_and_skipped_cases() -> None:
    suite = ElementTree.fromstring(result_files.as_junit("ours", outcomes()))
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "1",
        "errors": "1",
        "skipped": "2",
    }
    assert [child.tag for case in suite for child in case] == ["failure", "error", "skipped", "skipped"]


def test_the_page_shows_frames_and_escapes_them() -> None:
    page = result_files.as_page("<ours>", outcomes())
    assert "&lt;ours&gt;" in page
    assert "0.50 · &lt;lost&gt; &amp; gone" in page
    assert "src=" not in page
    assert "href=" not in page
