"""Jobs with files: uploads of logs. A shell: threads, disk and network."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import ssl
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

from chargepoint.ocpp.blocks.jobs import SECURITY_PREFIX, JobEvent, JobProgress, LogKind, UploadLog, WorkFailed
from chargepoint.ocpp.file_client import SILENCE_S, FileClient
from chargepoint.ocpp.file_transfer import TransferError, location, without_secrets
from chargepoint.ocpp.sftp_session import SftpIdentity
from chargepoint.store.database import JOURNAL_MAX_ROWS, Store
from chargepoint.store.rows import JournalEntry

UPLOAD_MAX_S, DOWNLOAD_MAX_S = 3600.0, 86_400.0
"""One attempt: also a server that sends its first line byte by byte comes to an end."""
KEEP_FREE_BYTES = 256 * 1024**2
"""A download leaves so much of the disk to the database."""
_TOKEN = re.compile(r"\b[0-9A-Fa-f]{4,}(?=[0-9A-Fa-f]{4}\b)")
"""All of a card's number but its end."""


class FileJobs:
    """`tls` makes the context that checks file servers, with further roots (PEM); `folder` holds files under way.

    `roots` gives those roots when a transfer begins: the central system's that came over OCPP (N01.FR.15).
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        tls: Callable[[tuple[str, ...]], ssl.SSLContext],
        log: logging.Logger,
        silence_s: float = SILENCE_S,
        sftp: SftpIdentity = SftpIdentity(),  # noqa: B008 - it cannot change
        roots: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self._store = store
        self._sftp = sftp
        self._folder = folder
        self._tls = tls
        self._roots = roots
        self._log = log
        self._silence_s = silence_s

    async def upload_log(self, name: str, job: UploadLog, report: Callable[[JobEvent], Awaitable[None]]) -> str:
        """Assemble and upload; the file's name. Raises WorkFailed after the last attempt."""
        await report(JobProgress(name, "Uploading"))
        data = await asyncio.to_thread(self._assemble, job)

        def work(client: FileClient) -> None:
            client.upload(location(job.location), job.file_name, data)

        await self._with_retries(work, job.attempts, job.retry_s, UPLOAD_MAX_S)
        return job.file_name

    async def download(self, source: str, file: Path, max_bytes: int, attempts: int, retry_s: float) -> None:
        """Download, each attempt from where the one before ended. Raises WorkFailed after the last attempt."""

        def work(client: FileClient) -> None:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            free = shutil.disk_usage(file.parent).free - KEEP_FREE_BYTES + (file.stat().st_size if file.exists() else 0)
            client.download(location(source), file, max(0, min(max_bytes, free)))

        await self._with_retries(work, attempts, retry_s, DOWNLOAD_MAX_S)

    def path(self, name: str) -> Path:
        """Where a file of this name is."""
        return self._folder / name

    async def _with_retries(
        self, work: Callable[[FileClient], None], attempts: int, retry_s: float, attempt_max_s: float
    ) -> None:
        for left in range(attempts - 1, -1, -1):
            try:
                async with asyncio.timeout(attempt_max_s):
                    await self._in_thread(work)
                return
            except TimeoutError:
                if left == 0:
                    raise WorkFailed("UploadFailure", f"not done within {attempt_max_s:g} s") from None
            except TransferError as error:
                self._log.warning("! file transfer: %s", without_secrets(error.text))
                if not error.again or left == 0:
                    raise WorkFailed(error.code, without_secrets(error.text)) from None
            await asyncio.sleep(retry_s)

    async def _in_thread(self, work: Callable[[FileClient], None]) -> None:
        """In a thread that does not keep the daemon from ending; a cancelled caller ends the transfer at its next piece."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        cancelled = threading.Event()
        roots = self._roots()  # here, not in the thread: they may change meanwhile

        def finish(error: Exception | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        def run() -> None:
            error: Exception | None = None
            try:
                work(FileClient(lambda: self._tls(roots), cancelled, self._silence_s, self._sftp))
            except Exception as failure:
                error = failure
            if not cancelled.is_set():
                loop.call_soon_threadsafe(finish, error)

        threading.Thread(target=run, name="file-transfer", daemon=True).start()
        try:
            await done
        finally:
            cancelled.set()

    def _assemble(self, job: UploadLog) -> bytes:
        """The journal, oldest line first, without card numbers and passwords."""
        lines = [job.header] if job.header else []
        for entry in reversed(self._store.journal(JOURNAL_MAX_ROWS)):
            if wanted(entry, job):
                lines.append(f"{entry.at_utc.isoformat(timespec='milliseconds')} {entry.kind} {redacted(entry.text)}")
        return ("\n".join(lines) + "\n").encode()


def wanted(entry: JournalEntry, job: UploadLog) -> bool:
    """Whether a journal line belongs into this log."""
    at_s = entry.at_utc.timestamp()
    if job.kind is LogKind.SECURITY and not entry.text.startswith(SECURITY_PREFIX):
        return False
    return (job.oldest_utc_s is None or at_s >= job.oldest_utc_s) and (
        job.latest_utc_s is None or at_s <= job.latest_utc_s
    )


def redacted(text: str) -> str:
    """A journal line for other eyes: of a card's number only the end, of a URL no password, all on one line."""
    return _TOKEN.sub("…", without_secrets(text)).replace("\n", " ")
