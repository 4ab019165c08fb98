"""N01 Logs: GetLog, what becomes of the upload, and security events in the journal."""

from __future__ import annotations

from dataclasses import dataclass

from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    CancelJob,
    Effects,
    Post,
    SecurityEventOccurred,
    Send,
    SharedEvent,
    StartJob,
    WriteJournal,
    status,
)
from chargepoint.ocpp.blocks.jobs import SECURITY_PREFIX, JobDone, JobEvent, JobFailed, JobProgress, LogKind, UploadLog
from chargepoint.ocpp.device_model import DeviceModel, Mutability
from chargepoint.ocpp.file_transfer import TransferError, location
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import from_wire

PROTOCOLS = "OCPPCommCtrlr/FileTransferProtocols"
ATTEMPTS_MAX = 10
RETRY_MIN_S, RETRY_MAX_S, RETRY_DEFAULT_S = 1.0, 3600.0, 60.0
_FAILURES = ("UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation")


@dataclass(frozen=True, slots=True)
class LogUpload:
    """The upload that runs. `job`: its name."""

    request_id: int
    job: str


class LogsBlock(FunctionalBlock):
    """One upload at a time: a newer request ends the older one (N01.FR.12)."""

    def __init__(self, model: DeviceModel) -> None:
        super().__init__()
        self._model = model
        self._upload: LogUpload | None = None
        self._count = 0
        self.calls = {"GetLog": self._get_log}
        self.triggers = {"LogStatusNotification": self._trigger}

    def _get_log(self, request: Payload, now: StationNow) -> CallAnswer:
        """N01. The location is checked before the answer; everything else is reported by LogStatusNotification."""
        log = request["log"]
        try:
            kind = LogKind(request["logType"])
        except ValueError:
            return _rejected("UnsupportedParam", f"logType {request['logType']} is not built")  # N01.FR.05
        try:
            location(log["remoteLocation"], self._model.members(PROTOCOLS))
        except TransferError as error:
            reason = "UnsupportedParam" if error.code == "NotSupportedOperation" else "InvalidURL"
            return _rejected(reason, f"remoteLocation: {error.text}")
        oldest_s, latest_s = (
            from_wire(log[name]).timestamp() if name in log else None for name in ("oldestTimestamp", "latestTimestamp")
        )
        if oldest_s is not None and latest_s is not None and oldest_s > latest_s:
            return _rejected("ValueOutOfRange", "oldestTimestamp is after latestTimestamp: no line is between them")
        self._count += 1
        job = f"log-{self._count}"
        name = f"{kind.value}-{now.utc:%Y%m%dT%H%M%SZ}.txt"
        work = UploadLog(
            log["remoteLocation"],
            kind,
            name,
            self._header(now) if kind is LogKind.DIAGNOSTICS else "",
            oldest_s,
            latest_s,
            *attempts_of(request),
        )
        earlier, self._upload = self._upload, LogUpload(request["requestId"], job)
        answer: Payload = {"status": "Accepted", "filename": name}  # N01.FR.01
        if earlier is None:
            return CallAnswer(answer, then=(StartJob(job, work),))
        cancelled = _notification("AcceptedCanceled", earlier.request_id, now)  # N01.FR.20
        return CallAnswer(
            {**answer, "status": "AcceptedCanceled"}, then=(CancelJob(earlier.job), cancelled, StartJob(job, work))
        )

    def _header(self, now: StationNow) -> str:
        """The device model at this moment, without what nobody may read."""
        lines = [f"log of {now.wire}"]
        for data in self._model.report(lambda row: row.mutability is not Mutability.WRITE_ONLY):
            value = data["variableAttribute"][0].get("value")
            if value is not None:
                evse = data["component"].get("evse", {}).get("id", "")
                variable = data["variable"]
                lines.append(
                    f"{data['component']['name']}{evse}.{variable['name']}{variable.get('instance', '')} = {value}"
                )
        return "\n".join(lines)

    def job_event(self, event: JobEvent, now: StationNow) -> Effects:
        """N01.FR.08 to FR.10, each with the requestId of its GetLog (FR.07)."""
        upload = self._upload
        if upload is None or event.name != upload.job:
            return ()
        match event:
            case JobProgress():
                return (_notification("Uploading", upload.request_id, now),)
            case JobDone():
                self._upload = None
                return (_notification("Uploaded", upload.request_id, now),)
            case JobFailed(_, code, text):
                self._upload = None
                outcome = code if code in _FAILURES else "UploadFailure"
                return (
                    _notification(outcome, upload.request_id, now),
                    WriteJournal("!", f"upload of a log failed: {text}"),
                )

    def _trigger(self, request: Payload, now: StationNow) -> CallAnswer:
        """F06.FR.15, N01.FR.13."""
        if self._upload is None:
            return CallAnswer(status("Accepted"), then=(Send("LogStatusNotification", {"status": "Idle"}),))
        return CallAnswer(status("Accepted"), then=(_notification("Uploading", self._upload.request_id, now),))

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """The journal is the security log as well (A04)."""
        if not isinstance(event, SecurityEventOccurred):
            return ()
        return (WriteJournal("*", SECURITY_PREFIX + ": ".join(part for part in (event.kind, event.text) if part)),)


def attempts_of(request: Payload) -> tuple[int, float]:
    """How often a transfer is tried in all, and the seconds between two attempts, within what the station permits."""
    attempts = 1 + min(max(0, request.get("retries", 0)), ATTEMPTS_MAX - 1)
    return attempts, min(max(RETRY_MIN_S, float(request.get("retryInterval", RETRY_DEFAULT_S))), RETRY_MAX_S)


def _rejected(reason_code: str, text: str) -> CallAnswer:
    return CallAnswer(status("Rejected", reason_code, text))


def _notification(outcome: str, request_id: int, now: StationNow) -> Send | Post:
    """LogStatusNotification: stored where there is no connection that could take it."""
    payload: Payload = {"status": outcome, "requestId": request_id}
    return Send("LogStatusNotification", payload) if now.online else Post("LogStatusNotification", payload)
