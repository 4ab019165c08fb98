"""Files that hold a secret: a password, a private key. Nobody but the daemon's user and group may read them."""

from __future__ import annotations

import stat
from pathlib import Path


def exposed(path: Path) -> str | None:
    """What is wrong with the file's rights, and what to do; None: nothing. Raises OSError where there is no file."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"every user may read it (mode {mode:04o}); chmod o= {path}" if mode & 0o007 else None
