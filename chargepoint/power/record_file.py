"""A small record on disk that a kill or a power cut leaves old or new, never half; written by a thread of its own.

The cycle hands over what is to be stored and goes on at once. A new file is written and synced, renamed over the old one, and the
folder is synced. What was not written yet gives way to a newer record. A disk that refuses is tried again each second.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from pathlib import Path

RETRY_S = 1.0
CLOSE_PATIENCE_S = 2.0


class RecordFile:
    """Call `start` once before the cycle, `keep` from the cycle, `close` at the end."""

    def __init__(
        self, path: Path, log: logging.Logger, what: str, copy_name: str = "", *, by_thread: bool = True
    ) -> None:
        """`what`: what is stored, for the log. `copy_name`: a second file beside the first, with the same content.

        `by_thread` False: `keep` writes before it returns. For benches in virtual time, where no disk is waited for.
        """
        self.path = path
        self._names = (path.name, copy_name) if copy_name else (path.name,)
        self._what = what
        self._log = log
        self._by_thread = by_thread
        self._changed = threading.Condition()
        self._wanted: bytes | None = None
        self._closing = False
        self._trouble = ""
        self._thread: threading.Thread | None = None

    @property
    def trouble(self) -> str:
        """In words why the record cannot be written; empty while it can."""
        return self._trouble

    def start(self) -> None:
        """From now on what is kept is written."""
        if not self._by_thread:
            return
        self._thread = threading.Thread(target=self._work, name=self.path.stem, daemon=True)
        self._thread.start()

    def keep(self, data: bytes) -> None:
        """Have this written to the disk; returns before."""
        if not self._by_thread:
            self.write(data)
            return
        with self._changed:
            self._wanted = data
            self._changed.notify()

    def write(self, data: bytes) -> bool:
        """Write this now; False, and `trouble` in words, where the disk refuses."""
        try:
            self._write(data)
        except OSError as error:
            trouble = (
                f"{self.path}: {self._what} cannot be stored: {error.strerror}; see [power] state_dir and its owner"
            )
            if trouble != self._trouble:
                self._log.error("! %s", trouble)
            self._trouble = trouble
            return False
        if self._trouble:
            self._log.info("* %s: %s are stored again", self.path, self._what)
        self._trouble = ""
        return True

    def close(self) -> None:
        """Wait for the last record, 2 s at most."""
        if self._thread is None:
            return
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(CLOSE_PATIENCE_S)

    def _work(self) -> None:
        while True:
            with self._changed:
                while self._wanted is None and not self._closing:
                    self._changed.wait()
                if self._wanted is None:
                    return
                data, self._wanted = self._wanted, None
            if not self.write(data):
                with self._changed:
                    if self._closing:
                        return
                    self._wanted = self._wanted or data
                time.sleep(RETRY_S)

    def _write(self, data: bytes) -> None:
        place = self.path.parent.stat()
        for name in self._names:
            fresh = self.path.with_name(name + ".new")
            with fresh.open("wb") as file:
                with contextlib.suppress(OSError):  # written by root: the user of the power process must read it
                    os.fchown(file.fileno(), place.st_uid, place.st_gid)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path.with_name(name))
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
