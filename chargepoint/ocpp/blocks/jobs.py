"""Jobs: long work that a block orders and another part of the room does. Words only; `ocpp/job_runner.py` does the work."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class GenerateKey:
    """Make a private key and its signing request (PKCS#10, PEM). `curve`: `secp256r1`, `secp384r1`, `secp521r1`.

    An empty `organization` is left out.

    The key stays in the file `key_file` of the station's secrets; the block never sees it.
    """

    common_name: str
    organization: str
    curve: str
    key_file: str


SECURITY_PREFIX = "security event "
"""A journal line of a security event begins with it."""


class LogKind(Enum):
    """LogEnumType of 2.0.1."""

    DIAGNOSTICS = "DiagnosticsLog"
    SECURITY = "SecurityLog"


@dataclass(frozen=True, slots=True)
class UploadLog:
    """Assemble a log and upload it; progress: `Uploading`. Result: the name of the file.

    `oldest_utc_s`, `latest_utc_s` bound the lines (None: unbounded). `header` stands before the lines. `attempts` >= 1 in all.
    Failures: UploadFailure, BadMessage, PermissionDenied, NotSupportedOperation (N01.FR.10).
    """

    location: str
    kind: LogKind
    file_name: str
    header: str
    oldest_utc_s: float | None
    latest_utc_s: float | None
    attempts: int
    retry_s: float


@dataclass(frozen=True, slots=True)
class DownloadFirmware:
    """Download a firmware file; progress: `Downloading`. What an earlier attempt left of the same `name` is continued.

    Result: the name of the file. Failure: DownloadFailed.
    """

    location: str
    file_name: str
    attempts: int
    retry_s: float


@dataclass(frozen=True, slots=True)
class VerifyFirmware:
    """Check the signature over the whole file. Failure: InvalidSignature."""

    file_name: str
    certificate: str
    signature: str


@dataclass(frozen=True, slots=True)
class InstallFirmware:
    """Let the configured program install the file. Failures: InstallVerificationFailed, InstallationFailed."""

    file_name: str


@dataclass(frozen=True, slots=True)
class RemoveFirmware:
    """Delete the file, and what is left of a download."""

    file_name: str


@dataclass(frozen=True, slots=True)
class MeasureMemory:
    """Measure how much of disk and RAM is free. Result: the text of `FreeMemory` of each."""


@dataclass(frozen=True, slots=True)
class FreeMemory:
    """What is free of one memory. `total_bytes` > 0."""

    name: str
    free_bytes: int
    total_bytes: int

    @property
    def free_part(self) -> float:
        """0 to 1."""
        return self.free_bytes / self.total_bytes

    @property
    def text(self) -> str:
        """One line, as the result of `MeasureMemory` has it."""
        return f"{self.name} {self.free_bytes} {self.total_bytes}"

    @classmethod
    def all_of(cls, result: str) -> tuple[FreeMemory, ...]:
        """The memories in a result of `MeasureMemory`. Raises ValueError for another text."""
        rows = [line.split(" ") for line in result.splitlines()]
        return tuple(cls(name, int(free), int(total)) for name, free, total in rows)


FirmwareJob = DownloadFirmware | VerifyFirmware | InstallFirmware | RemoveFirmware
Job = GenerateKey | UploadLog | MeasureMemory | FirmwareJob


class WorkFailed(Exception):
    """Long work came to nothing: `code` and `text` as in `JobFailed`."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


@dataclass(frozen=True, slots=True)
class JobProgress:
    """The work goes on. `text` for people."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class JobDone:
    """The work is done. `result`: what the job promises, as text."""

    name: str
    result: str


@dataclass(frozen=True, slots=True)
class JobFailed:
    """The work came to nothing. `code` is for decisions, `text` for people."""

    name: str
    code: str
    text: str


JobEvent = JobProgress | JobDone | JobFailed
