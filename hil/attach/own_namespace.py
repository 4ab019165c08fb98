"""Namespaces of Linux for this process and its children: what it changes there is seen by nobody else, and gone with the last of them."""

from __future__ import annotations

import ctypes
import os
from enum import IntFlag
from pathlib import Path


class OwnNamespace(IntFlag):
    """What may be of one's own (unshare(2))."""

    MOUNTS = 0x0002_0000
    NETWORK = 0x4000_0000
    USER = 0x1000_0000


def enter(kind: OwnNamespace) -> None:
    """This process goes into a fresh namespace of this kind, for good. What it has open stays as it is.

    Where it is not root, it goes into a user namespace, too, in which it is. Call it while the process has one thread.
    Raises RuntimeError with what the system answered, and what to do.
    """
    root, user, group = os.geteuid() == 0, os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(int(kind if root else kind | OwnNamespace.USER)) != 0:
        why = os.strerror(ctypes.get_errno())
        raise RuntimeError(f"no {kind.name} namespace can be made ({why}): start this as root")
    if not root:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path(f"/proc/self/{name}").write_text(text)
