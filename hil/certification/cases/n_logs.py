"""Block N, logs: diagnostics and security log, an upload that fails, and a second request."""

from __future__ import annotations

from hil.certification.log_server import FOLDER, LogServer
from hil.certification.patterns import Payload, one_of, where
from hil.certification.registry import case
from hil.certification.trial import Trial
from hil.certification.validation import CaseNotDecided, Step

DIAGNOSTICS, SECURITY = "DiagnosticsLog", "SecurityLog"
ACTION = "LogStatusNotification"
FAILURES = ("UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation")
NOWHERE = "/nowhere/"
RETRIES = 3
FILE_NAME = where("a file name", lambda value: isinstance(value, str) and value != "")


async def takes_http(trial: Trial) -> None:
    """Raises CaseNotDecided for a station that uploads by other protocols than HTTP."""
    protocols = await trial.gets("OCPPCommCtrlr", "FileTransferProtocols")
    if protocols is not None and "HTTP" not in {name.strip() for name in protocols.split(",")}:
        raise CaseNotDecided(f"the log server of the suite speaks HTTP; FileTransferProtocols is {protocols}")


async def _asks(trial: Trial, step: Step, kind: str, location: str, status: str = "Accepted", **more: object) -> int:
    """GetLog; its requestId."""
    number = trial.request_id()
    request: Payload = {"requestId": number, "logType": kind, "log": {"remoteLocation": location}, **more}
    await trial.calls(step, "GetLog", request, {"status": status, "filename": FILE_NAME})
    return number


async def _status(trial: Trial, step: Step, number: int, status: str) -> None:
    """The next LogStatusNotification of this request has this status."""
    within_s = trial.configured.answer_within_s
    await trial.expects(step, ACTION, {"status": status}, where={"requestId": number}, within_s=within_s)


async def _uploaded(trial: Trial, kind: str) -> None:
    """A log is uploaded. Part 6 sees the messages only; the suite's server has the file, too (N01.FR.02)."""
    await takes_http(trial)
    async with LogServer() as server:
        number = await _asks(trial, 2, kind, server.url())
        await _status(trial, 3, number, "Uploading")
        await _status(trial, 5, number, "Uploaded")
        await trial.nothing_comes("after", ACTION)
        sizes = [len(upload.content) for upload in server.uploads]
        trial.checks.true(
            "after", "the server has one file, which is not empty", len(sizes) == 1 and sizes[0] > 0, sizes
        )


@case("TC_N_25_CS")
async def diagnostics(trial: Trial) -> None:
    """The diagnostics log is uploaded. Edition 3 prints the last status as `Updated`; the enumeration has Uploaded."""
    await _uploaded(trial, DIAGNOSTICS)


@case("TC_N_35_CS")
async def security_log(trial: Trial) -> None:
    """The security log is uploaded."""
    await _uploaded(trial, SECURITY)


@case("TC_N_26_CS")
async def upload_fails(trial: Trial) -> None:
    """An upload to a path that does not exist is tried four times, then its failure is reported.

    The messages may come for each attempt or once (errata). From the first Uploading to the last failure three intervals pass.
    """
    await takes_http(trial)
    interval_s = trial.configured.log_retry_interval_s
    whole_s = RETRIES * interval_s
    async with LogServer() as server:
        number = await _asks(trial, 2, DIAGNOSTICS, server.url(NOWHERE), retries=RETRIES, retryInterval=interval_s)
        first = await trial.expects(3, ACTION, {"status": "Uploading"}, where={"requestId": number})
        await trial.wait(whole_s + trial.configured.time_tolerance_s)
        calls = [call for call in trial.csms.calls if call.action == ACTION and call.payload.get("requestId") == number]
        strange = [call.payload for call in trial.csms.calls if call.action == ACTION and call not in calls]
        trial.checks.value("after", "LogStatusNotifications of other requests", strange, [])
        statuses = [call.payload["status"] for call in calls]
        failed = [call for call in calls if call.payload["status"] in FAILURES]
        trial.checks.value(3, "how often Uploading came", statuses.count("Uploading"), one_of(1, RETRIES + 1))
        trial.checks.value(5, "how often a failure came", len(failed), one_of(1, RETRIES + 1))
        others = sorted(set(statuses) - {"Uploading", *FAILURES})
        trial.checks.value(5, "other statuses", others, [])
        if failed:
            took_s = failed[-1].at_s - first.at_s
            words = f"{whole_s} s pass from the first Uploading to the last failure"
            near = abs(took_s - whole_s) <= trial.configured.time_tolerance_s
            trial.checks.true(5, words, near, round(took_s, 1))
        trial.checks.value("after", "attempts that the server saw", server.attempts, RETRIES + 1)
        trial.checks.value("after", f"files in {FOLDER}", len(server.uploads), 0)


@case("TC_N_36_CS")
async def second_request(trial: Trial) -> None:
    """A second request cancels the upload that runs. The cancellation may be reported before the answer (errata)."""
    await takes_http(trial)
    async with LogServer() as server:
        server.answers = False
        first = await _asks(trial, 2, DIAGNOSTICS, server.url())
        await _status(trial, 3, first, "Uploading")
        second = await _asks(trial, 6, DIAGNOSTICS, server.url(), "AcceptedCanceled")
        await _status(trial, 7, first, "AcceptedCanceled")
        await _status(trial, 9, second, "Uploading")
        await _status(trial, 11, second, "Uploaded")
        await trial.nothing_comes("after", ACTION)
