"""The latch record on disk: a restart, a kill or a power cut is no way around a fault that only a person may reset.

A trip never waits for a disk, and the record is old or new, never half (`record_file.py`).
Between the order to open and the finished record lie a few milliseconds on a healthy disk.
A note in the runtime folder, which is memory, closes that gap for a killed process: `keep` writes it before it returns.
A copy lies beside the record: a record that was deleted is no way around a latch either.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Collection
from pathlib import Path

from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId
from chargepoint.power.latch_codec import RECORD_MAX_BYTES, KeptLatches, RecordError, decode, encode
from chargepoint.power.record_file import RecordFile

FILE_NAME = "latched-faults.json"
COPY_NAME = "latched-faults-copy.json"
NOTE_LEAST_BYTES = 4096
"""The note takes this much room from the start: one that cannot grow because its file system is full is still written."""


class LatchFile:
    """Call `open` once before the cycle, `keep` from the cycle, `close` at the end."""

    def __init__(
        self, folder: Path, log: logging.Logger, memory_folder: Path | None = None, *, by_thread: bool = True
    ) -> None:
        """`memory_folder`: on a file system in memory, for a note that needs no disk; None: no note. `by_thread`: see `RecordFile`."""
        self.path = folder / FILE_NAME
        self._note_path = None if memory_folder is None else memory_folder / FILE_NAME
        self._note: int | None = None
        self._note_bytes = 0
        self._log = log
        self._record = RecordFile(self.path, log, "latched faults", COPY_NAME, by_thread=by_thread)
        self._absent: dict[EvseId, dict[FaultCode, str]] = {}
        """Of EVSEs that are not configured now: they may be configured again."""

    @property
    def trouble(self) -> str:
        """In words why the record cannot be written; empty while it can."""
        return self._record.trouble

    def open(self, evse_ids: Collection[EvseId]) -> dict[EvseId, dict[FaultCode, str]]:
        """What was latched when the process ended last. A record that cannot be read or written latches LATCH_RECORD on
        every EVSE; an unreadable file is put aside under the same name with `.unreadable`. Never raises."""
        latched, trouble = self._read()
        if trouble:
            self._log.error("! %s", trouble)
            latched = _with_trouble(latched, evse_ids, trouble)
        for evse_id, faults in self._open_note().items():
            latched[evse_id] = {**faults, **latched.get(evse_id, {})}
        if not self._record.write(encode(latched)):
            latched = _with_trouble(latched, evse_ids, trouble or self._record.trouble)
            self._record.keep(encode(latched))
        self._write_note(encode(latched))
        self._absent = {evse_id: faults for evse_id, faults in latched.items() if evse_id not in evse_ids}
        for evse_id, faults in latched.items():
            for code, detail in faults.items():
                self._log.warning("! evse %d %s: still latched from before the restart: %s", evse_id, code.name, detail)
        self._record.start()
        return latched

    def _open_note(self) -> dict[EvseId, dict[FaultCode, str]]:
        """What a killed process noted. Of no note, or one that is of no use, nothing: the record counts in any case."""
        if self._note_path is None:
            return {}
        with contextlib.suppress(OSError):
            self._note_path.parent.mkdir(parents=True, exist_ok=True)
            self._note = os.open(self._note_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            data = os.pread(self._note, RECORD_MAX_BYTES, 0)
            self._note_bytes = max(len(data), NOTE_LEAST_BYTES)
            with contextlib.suppress(RecordError):
                return decode(data)
        return {}

    def _write_note(self, data: bytes) -> None:
        """In one piece over the old note; blanks cover what is left of a longer one."""
        if self._note is None:
            return
        self._note_bytes = max(self._note_bytes, len(data))
        with contextlib.suppress(OSError):  # the record is written in any case
            os.pwrite(self._note, data.ljust(self._note_bytes), 0)

    def _read(self) -> tuple[dict[EvseId, dict[FaultCode, str]], str]:
        """The record; where it is of no use its copy, and in words why."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return decode(self.path.read_bytes()), ""
        except FileNotFoundError:
            try:
                copied = self._read_copy()
            except FileNotFoundError:
                return {}, ""  # the first start
            return copied, f"{self.path}: deleted; its copy says what was latched before"
        except RecordError as error:
            trouble = f"{self.path}: {error}; every latched fault of before may be lost"
            with contextlib.suppress(OSError):
                self.path.replace(self.path.with_name(FILE_NAME + ".unreadable"))
        except OSError as error:
            trouble = f"{self.path}: {error.strerror}; see [power] state_dir and its owner"
        with contextlib.suppress(FileNotFoundError):
            return self._read_copy(), trouble
        return {}, trouble

    def _read_copy(self) -> dict[EvseId, dict[FaultCode, str]]:
        """What the copy holds, nothing if it is of no use. Raises FileNotFoundError where there is none."""
        try:
            return decode(self.path.with_name(COPY_NAME).read_bytes())
        except FileNotFoundError:
            raise
        except (OSError, RecordError):
            return {}

    def keep(self, latches: KeptLatches) -> None:
        """Have this noted in memory and written to the disk; returns before the latter. What was not written yet gives way to the newer record."""
        data = encode({**self._absent, **latches})
        self._write_note(data)
        self._record.keep(data)

    def close(self) -> None:
        """Wait for the last record, 2 s at most."""
        self._record.close()
        if self._note is not None:
            os.close(self._note)
            self._note = None


def _with_trouble(
    latched: dict[EvseId, dict[FaultCode, str]], evse_ids: Collection[EvseId], trouble: str
) -> dict[EvseId, dict[FaultCode, str]]:
    return {evse_id: {**latched.get(evse_id, {}), FaultCode.LATCH_RECORD: trouble} for evse_id in evse_ids}
