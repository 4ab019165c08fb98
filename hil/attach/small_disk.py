"""A small file system of memory over a folder, in a mount namespace of this process: it can be filled up and emptied again.

Nothing of it is seen outside, and it is gone with the last process of the namespace. Needs the right to make a namespace: root has it,
most systems give it to everybody.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from hil.attach import own_namespace
from hil.attach.own_namespace import OwnNamespace

_MS_REC, _MS_PRIVATE, _MNT_DETACH = 0x4000, 1 << 18, 2
"""mount(2), umount(2)."""
SIZE_MB = 16
"""A database of a few hundred kilobytes with its journal has room; filling it takes milliseconds."""
_FILLER = ".filler"
_PIECE = bytes(1 << 16)


class SmallDisk:
    """One folder with a file system of its own. Make it with `laid_over`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def laid_over(cls, folder: Path) -> SmallDisk:
        """Lay it over this folder, which is made where it is missing. `enter` must have been called. Raises RuntimeError."""
        folder.mkdir(parents=True, exist_ok=True)
        _mount("tmpfs", str(folder), "tmpfs", 0, f"size={SIZE_MB}m,mode=0700")
        return cls(folder)

    def take_away(self) -> None:
        """The folder is as before, and what lay on the disk is gone with its last user."""
        ctypes.CDLL(None, use_errno=True).umount2(str(self.folder).encode(), _MNT_DETACH)

    def fill(self) -> None:
        """Not one byte has room any more."""
        descriptor = os.open(self.folder / _FILLER, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for piece in (_PIECE, b"\0"):
                with _until_full():
                    while True:
                        os.write(descriptor, piece)
        finally:
            os.close(descriptor)

    def empty(self) -> None:
        """There is room again; everything else stays."""
        (self.folder / _FILLER).unlink(missing_ok=True)


def enter() -> None:
    """This process goes into a mount namespace, for good: what it mounts is seen by it and its children alone.

    Call it while the process has one thread. Raises RuntimeError with what the system answered, and what to do.
    """
    own_namespace.enter(OwnNamespace.MOUNTS)
    _mount("none", "/", "", _MS_REC | _MS_PRIVATE, "")


def _mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if (
        libc.mount(source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), options.encode())
        != 0
    ):
        why = os.strerror(ctypes.get_errno())
        raise RuntimeError(f"no file system can be laid over {target} ({why}): start this as root")


@contextlib.contextmanager
def _until_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
