"""The job runner: does the long work that blocks order, beside everything else. A shell."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import assert_never

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chargepoint.ocpp.blocks.jobs import (
    DownloadFirmware,
    FreeMemory,
    GenerateKey,
    InstallFirmware,
    Job,
    JobDone,
    JobEvent,
    JobFailed,
    MeasureMemory,
    RemoveFirmware,
    UploadLog,
    VerifyFirmware,
    WorkFailed,
)
from chargepoint.ocpp.file_jobs import FileJobs
from chargepoint.ocpp.firmware_jobs import FirmwareJobs

JOBS_MAX = 8
"""At once. A block names its jobs: the same name again replaces the job."""

_CURVES: dict[str, ec.EllipticCurve] = {
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
}

_RAM = Path("/proc/meminfo")


class JobRunner:
    """`report` receives each event; nothing more comes of a job that was cancelled. `secrets_dir` holds what only the station reads."""

    def __init__(
        self,
        secrets_dir: Path,
        report: Callable[[JobEvent], Awaitable[None]],
        log: logging.Logger,
        files: FileJobs,
        firmware: FirmwareJobs,
    ) -> None:
        self._files = files
        self._firmware = firmware
        self._secrets_dir = secrets_dir
        self._report = report
        self._log = log
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, job: Job) -> None:
        """Begin; a job of the same name ends. Call it inside the event loop."""
        self.cancel(name)
        self._tasks[name] = asyncio.get_running_loop().create_task(self._run(name, job), name=f"ocpp-job-{name}")

    def cancel(self, name: str) -> None:
        """End this job, if it runs."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()

    async def stop(self) -> None:
        """End all jobs and wait for them."""
        tasks = list(self._tasks.values())
        for name in list(self._tasks):
            self.cancel(name)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, name: str, job: Job) -> None:
        event: JobEvent
        try:
            if len(self._tasks) > JOBS_MAX:
                event = JobFailed(name, "TooMany", f"{JOBS_MAX} jobs are running")
            else:
                event = JobDone(name, await self._do(name, job))
        except asyncio.CancelledError:
            raise
        except WorkFailed as error:
            event = JobFailed(name, error.code, error.text)
        except OSError as error:
            event = JobFailed(name, type(error).__name__, str(error))
        except Exception as error:
            self._log.exception("! job %s: our mistake", name)
            event = JobFailed(name, "InternalError", type(error).__name__)
        if self._tasks.get(name) is asyncio.current_task():
            del self._tasks[name]
            await self._report(event)

    async def _do(self, name: str, job: Job) -> str:
        match job:
            case GenerateKey():
                return await asyncio.to_thread(self._generate_key, job)
            case MeasureMemory():
                return await asyncio.to_thread(_free_memory, self._secrets_dir.parent)
            case UploadLog():
                return await self._files.upload_log(name, job, self._report)
            case DownloadFirmware() | VerifyFirmware() | InstallFirmware() | RemoveFirmware():
                return await self._firmware.do(name, job, self._report)
            case _:
                assert_never(job)

    def _generate_key(self, job: GenerateKey) -> str:
        key = ec.generate_private_key(_CURVES[job.curve])
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, job.common_name)]
        if job.organization:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, job.organization))
        name = x509.Name(attributes)
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._secrets_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._secrets_dir / job.key_file
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(pem)
            stream.flush()
            os.fsync(stream.fileno())
        return request.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _free_memory(folder: Path) -> str:
    """The disk of this folder, and the RAM as Linux reports it. Raises OSError."""
    disk = shutil.disk_usage(folder)
    memories = [FreeMemory("disk", disk.free, disk.total)]
    lines = (line.split() for line in _RAM.read_text("ascii").splitlines())
    sizes = {words[0]: int(words[1]) * 1024 for words in lines if len(words) > 1}
    if "MemAvailable:" in sizes and sizes.get("MemTotal:"):
        memories.append(FreeMemory("RAM", sizes["MemAvailable:"], sizes["MemTotal:"]))
    return "\n".join(memory.text for memory in memories)
