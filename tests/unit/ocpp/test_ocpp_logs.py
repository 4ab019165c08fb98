"""GetLog: the answer, the notifications in their order, a newer request, and what is left out of a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.ocpp.blocks.effects import (
    CancelJob,
    Effect,
    Post,
    SecurityEventOccurred,
    Send,
    Share,
    StartJob,
    WriteJournal,
)
from chargepoint.ocpp.blocks.jobs import JobDone, JobEvent, JobFailed, JobProgress, LogKind, UploadLog

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk

URL = "https://logs.example/in/"


def get_log(
    desk: Desk, request_id: int = 1, kind: str = "DiagnosticsLog", url: str = URL, **more: Any
) -> dict[str, Any]:
    times: dict[str, Any] = {key: more.pop(key) for key in ("oldestTimestamp", "latestTimestamp") if key in more}
    request = {"requestId": request_id, "logType": kind, "log": {"remoteLocation": url, **times}, **more}
    return desk.ask("GetLog", request)


def jobs(desk: Desk) -> list[tuple[str, UploadLog]]:
    return [(e.name, e.job) for e in desk.effects if isinstance(e, StartJob) and isinstance(e.job, UploadLog)]


def statuses(desk: Desk) -> list[tuple[str, int | None]]:
    """Every LogStatusNotification since the last call."""
    found: list[Effect] = [
        e for e in desk.effects if isinstance(e, Post | Send) and e.action == "LogStatusNotification"
    ]
    desk.effects.clear()
    return [(e.payload["status"], e.payload.get("requestId")) for e in found if isinstance(e, Post | Send)]


def happen(desk: Desk, event: JobEvent) -> None:
    desk.perform(desk.station.job_event(event, desk.moment))


def test_an_upload_from_begin_to_end(desk: Desk) -> None:
    answer = get_log(desk, 7, retries=2, retryInterval=5, oldestTimestamp="2026-03-01T11:00:00Z")
    assert answer["status"] == "Accepted" and answer["filename"].startswith("DiagnosticsLog-20260301T1200")
    ((name, job),) = jobs(desk)
    assert (job.location, job.kind, job.attempts, job.retry_s) == (URL, LogKind.DIAGNOSTICS, 3, 5.0)
    assert (job.oldest_utc_s, job.latest_utc_s) == (desk.moment.utc_s - 3600.0, None)
    assert "EVSE1.AvailabilityState = Available" in job.header
    assert "BasicAuthPassword" not in job.header
    happen(desk, JobProgress(name, "Uploading"))
    happen(desk, JobDone(name, "x"))
    assert statuses(desk) == [("Uploading", 7), ("Uploaded", 7)]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [(c, c) for c in ("UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation")]
    + [("InternalError", "UploadFailure"), ("TooMany", "UploadFailure")],
)
def test_a_failure_is_named(desk: Desk, code: str, outcome: str) -> None:
    get_log(desk, 8, "SecurityLog")
    ((name, job),) = jobs(desk)
    assert (job.kind, job.header) == (LogKind.SECURITY, "")
    happen(desk, JobFailed(name, code, "why"))
    assert any(isinstance(e, WriteJournal) and "why" in e.text for e in desk.effects)
    assert statuses(desk) == [(outcome, 8)]


def test_a_newer_request_cancels(desk: Desk) -> None:
    get_log(desk, 1)
    ((first, _),) = jobs(desk)
    happen(desk, JobProgress(first, "Uploading"))
    desk.effects.clear()
    assert get_log(desk, 2)["status"] == "AcceptedCanceled"  # N01.FR.12
    assert CancelJob(first) in desk.effects
    ((second, _),) = jobs(desk)
    assert statuses(desk) == [("AcceptedCanceled", 1)]  # N01.FR.20
    happen(desk, JobDone(first, "too late"))
    happen(desk, JobProgress(second, "Uploading"))
    assert statuses(desk) == [("Uploading", 2)]


@pytest.mark.parametrize(
    ("url", "kind", "reason"),
    [
        ("sftp://h/x", "DiagnosticsLog", "UnsupportedParam"),
        ("file:///etc/shadow", "DiagnosticsLog", "UnsupportedParam"),
        ("logs", "DiagnosticsLog", "UnsupportedParam"),
        ("https://", "DiagnosticsLog", "InvalidURL"),
        ("http://h:99999/", "DiagnosticsLog", "InvalidURL"),
        ("http://h/a b", "SecurityLog", "InvalidURL"),
        ("ftp://h/a%0d%0aDELE x", "SecurityLog", "InvalidURL"),
    ],
)
def test_rejected(desk: Desk, url: str, kind: str, reason: str) -> None:
    answer = get_log(desk, 1, kind, url)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", reason)
    assert jobs(desk) == []


def test_times_the_wrong_way_round_are_rejected(desk: Desk) -> None:
    times: dict[str, Any] = {"oldestTimestamp": "2026-03-01T11:00:01Z", "latestTimestamp": "2026-03-01T11:00:00Z"}
    assert get_log(desk, **times)["status"] == "Rejected"


def test_attempts_have_bounds(desk: Desk) -> None:
    get_log(desk, retries=1_000_000, retryInterval=0)
    ((_, job),) = jobs(desk)
    assert (job.attempts, job.retry_s) == (10, 1.0)


def test_the_trigger(desk: Desk) -> None:
    def trigger() -> list[tuple[str, int | None]]:
        desk.effects.clear()
        assert desk.ask("TriggerMessage", {"requestedMessage": "LogStatusNotification"})["status"] == "Accepted"
        return statuses(desk)

    assert trigger() == [("Idle", None)]
    get_log(desk, 5)
    ((name, _),) = jobs(desk)
    assert trigger() == [("Uploading", 5)]
    happen(desk, JobDone(name, ""))
    assert trigger() == [("Idle", None)]


def test_what_ends_offline_is_stored(desk: Desk) -> None:
    get_log(desk, 5)
    ((name, _),) = jobs(desk)
    desk.perform(desk.station.disconnected(desk.moment))
    desk.effects.clear()
    happen(desk, JobDone(name, ""))
    assert [e.payload["status"] for e in desk.effects if isinstance(e, Post)] == ["Uploaded"]


def test_security_events_are_in_the_journal(desk: Desk) -> None:
    """A04.FR.04."""
    desk.effects.clear()
    desk.perform((Share(SecurityEventOccurred("TamperDetectionActivated", "door")),))
    lines = [e.text for e in desk.effects if isinstance(e, WriteJournal)]
    assert lines == ["security event TamperDetectionActivated: door"]
