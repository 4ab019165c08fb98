"""Jobs with firmware: download, check of the signature, and the program that installs. A shell."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import assert_never

from chargepoint.ocpp.blocks.jobs import (
    DownloadFirmware,
    FirmwareJob,
    InstallFirmware,
    JobEvent,
    JobProgress,
    RemoveFirmware,
    VerifyFirmware,
    WorkFailed,
)
from chargepoint.ocpp.file_jobs import FileJobs
from chargepoint.security.firmware_signing import FirmwareSignature, SigningUnusable

FIRMWARE_MAX_BYTES = 10 * 1024**3
INSTALL_MAX_S = 3600.0
_PIECE_BYTES = 1024 * 1024
_NO_FIRMWARE = 2
"""Exit status of the program: the file is no firmware for this station."""


class FirmwareJobs:
    """`command`: the program that installs, with its arguments; the file's path is added. Empty: there is none."""

    def __init__(self, command: Sequence[str], files: FileJobs, install_max_s: float = INSTALL_MAX_S) -> None:
        self._command = tuple(command)
        self._files = files
        self._install_max_s = install_max_s

    async def do(self, name: str, job: FirmwareJob, report: Callable[[JobEvent], Awaitable[None]]) -> str:
        """The name of the file. Raises WorkFailed."""
        match job:
            case DownloadFirmware():
                await report(JobProgress(name, "Downloading"))
                part = self._part(job.file_name)
                try:
                    await self._files.download(job.location, part, FIRMWARE_MAX_BYTES, job.attempts, job.retry_s)
                except WorkFailed as error:
                    raise WorkFailed("DownloadFailed", error.text) from None
                await asyncio.to_thread(part.replace, self._files.path(job.file_name))
            case VerifyFirmware():
                if not await asyncio.to_thread(self._is_signed, job):
                    raise WorkFailed("InvalidSignature", "the signature is not of this file")
            case InstallFirmware():
                await self._install(self._files.path(job.file_name))
            case RemoveFirmware():
                for file in (self._part(job.file_name), self._files.path(job.file_name)):
                    await asyncio.to_thread(file.unlink, missing_ok=True)
            case _:
                assert_never(job)
        return job.file_name

    def _part(self, file_name: str) -> Path:
        return self._files.path(f"{file_name}.part")

    def _is_signed(self, job: VerifyFirmware) -> bool:
        try:
            signature = FirmwareSignature(job.certificate, job.signature)
            with self._files.path(job.file_name).open("rb") as stream:
                while piece := stream.read(_PIECE_BYTES):
                    signature.update(piece)
        except (SigningUnusable, OSError) as error:
            raise WorkFailed("InvalidSignature", str(error)) from None
        return signature.is_valid()

    async def _install(self, file: Path) -> None:
        if not self._command:
            raise WorkFailed("InstallationFailed", "no program installs firmware: see [station] firmware_command")
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, str(file), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
            )
        except OSError as error:
            raise WorkFailed("InstallationFailed", f"[station] firmware_command: {error}") from None
        try:
            async with asyncio.timeout(self._install_max_s):
                code = await process.wait()
        except TimeoutError:
            raise WorkFailed("InstallationFailed", f"not done within {self._install_max_s:g} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        if code == _NO_FIRMWARE:
            raise WorkFailed("InstallVerificationFailed", "the installing program refuses this file")
        if code != 0:
            raise WorkFailed("InstallationFailed", f"the installing program ended with {code}")
