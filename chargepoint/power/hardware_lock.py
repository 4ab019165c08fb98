"""One process at a time works the hardware of a configuration: the power process, bring-up, or the self-test.

Each takes the same file lock (flock) before it opens a bus. The kernel frees the lock when its owner ends, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

FILE_NAME = "hardware.lock"
_OWNER_MAX_BYTES = 200

POWER_PROCESS = "the power process"
BRINGUP = "chargepoint bringup"
SELFTEST = "chargepoint selftest"
REPLACEMENT = "chargepoint reset --contactor-wear"

_ENDING = {
    POWER_PROCESS: "stop it first: systemctl stop chargepoint-power",
    BRINGUP: "end it first: press q in its terminal, or end its process",
    SELFTEST: "wait for its end, or end its process",
}


class HardwareTaken(OSError):
    """Another process works the hardware: says which one, and how it is ended."""


class HardwareLock:
    """Held from the constructor until `release`, or until the process ends."""

    def __init__(self, folder: Path, owner: str) -> None:
        """`folder`: the runtime folder of the configuration. Raises HardwareTaken, or OSError with what to do."""
        path = folder / FILE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._fd = _open(path)
        except PermissionError as error:
            raise PermissionError(
                f"{path}: {error.strerror}; be root, or the user of the power process (sudo -u chargepoint-power)"
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            taken = _taken(path, os.pread(self._fd, _OWNER_MAX_BYTES, 0).decode(errors="replace"))
            os.close(self._fd)
            raise HardwareTaken(taken) from error
        self._write(f"{owner}, process {os.getpid()}")

    def release(self) -> None:
        """Let others work the hardware. Never raises."""
        self._write("")
        with contextlib.suppress(OSError):
            os.close(self._fd)

    def _write(self, owner: str) -> None:
        """For the message of whoever comes next; one who may not write the file leaves no name."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, owner.encode(), 0)


def _open(path: Path) -> int:
    """Group members may lock it too: the folder gives the file its group (setgid)."""
    flags = os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o660)
    except PermissionError:
        return os.open(path, os.O_RDONLY | flags)
    with contextlib.suppress(PermissionError):  # the mask of the process does not keep the group out
        os.fchmod(fd, 0o660)
    return fd


def _taken(path: Path, owner: str) -> str:
    ending = next((how for name, how in _ENDING.items() if owner.startswith(name)), "end it first")
    return f"{path}: the hardware is in use by {owner or 'another process'}; {ending}"
