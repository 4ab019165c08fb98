"""The note of latched faults in memory: it has its room before it is needed."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import pytest

from chargepoint.model.faults import FaultCode
from chargepoint.model.ids import EvseId
from chargepoint.power.latch_file import FILE_NAME, LatchFile

LOG = logging.getLogger("test-note")
STOP = {EvseId(1): {FaultCode.EMERGENCY_STOP: "chain is open"}}


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no file can be made longer, and none can be made new."""
    write, opened = os.pwrite, Path.open

    def pwrite(fd: int, data: bytes, offset: int) -> int:
        if offset + len(data) > os.fstat(fd).st_size:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data, offset)

    def open_file(path: Path, mode: str = "r") -> object:
        if "w" in mode:
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, mode)

    monkeypatch.setattr(os, "pwrite", pwrite)
    monkeypatch.setattr(Path, "open", open_file)


def test_a_kill_with_every_file_system_full_loses_no_latch(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = LatchFile(tmp_path / "state", LOG, tmp_path / "run")
    assert first.open([EvseId(1)]) == {}
    request.getfixturevalue("full")
    first._record.keep = lambda data: None  # type: ignore[method-assign]  # its thread never comes to write: killed
    first.keep(STOP)
    monkeypatch.undo()  # somebody makes room before the restart
    assert LatchFile(tmp_path / "state", LOG, tmp_path / "run").open([EvseId(1)]) == STOP


def test_the_note_of_a_reset_is_empty_again(tmp_path: Path) -> None:
    first = LatchFile(tmp_path / "state", LOG, tmp_path / "run")
    first.open([EvseId(1)])
    first.keep(STOP)
    first.keep({})
    first.close()
    assert b"EMERGENCY_STOP" not in (tmp_path / "run" / FILE_NAME).read_bytes()
    assert LatchFile(tmp_path / "state", LOG, tmp_path / "run").open([EvseId(1)]) == {}
