"""The latch record on a real disk, and a station that starts with it: no restart is a way around a latch."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chargepoint.model.faults import CATALOGUE, FaultCode, ResetRule
from chargepoint.model.ids import EvseId
from chargepoint.power.latch_file import FILE_NAME, LatchFile

LOG = logging.getLogger("test-latches")
STOP = {EvseId(1): {FaultCode.EMERGENCY_STOP: "chain is open"}}
BOTH = [EvseId(1), EvseId(2)]


def until(true: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 5.0
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_a_latch_is_there_for_the_next_process_without_a_close(tmp_path: Path) -> None:
    first = LatchFile(tmp_path / "state", LOG)
    assert first.open(BOTH) == {}
    first.keep(STOP)
    until(lambda: b"EMERGENCY_STOP" in first.path.read_bytes())  # and now it is killed
    assert LatchFile(tmp_path / "state", LOG).open(BOTH) == STOP


def test_close_waits_for_the_last_record_and_a_reset_empties_it(tmp_path: Path) -> None:
    for wanted in (STOP, {}):
        file = LatchFile(tmp_path, LOG)
        file.open(BOTH)
        file.keep(STOP)
        file.keep(wanted)
        file.close()
        assert LatchFile(tmp_path, LOG).open(BOTH) == wanted


@pytest.mark.parametrize("data", [b"", b"\0\0\0", b'{"version": 1, "crc32": 0, "latched": {}}'])
def test_an_unreadable_record_latches_every_evse_until_a_person_resets_it(
    tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE_NAME).write_bytes(data)
    for _ in range(2):  # also after another restart
        latched = LatchFile(tmp_path, LOG).open(BOTH)
        assert {evse_id: set(faults) for evse_id, faults in latched.items()} == {
            evse_id: {FaultCode.LATCH_RECORD} for evse_id in BOTH
        }
    assert CATALOGUE[FaultCode.LATCH_RECORD].reset is ResetRule.OPERATOR
    assert (tmp_path / (FILE_NAME + ".unreadable")).read_bytes() == data
    assert "may be lost" in caplog.text


def test_a_folder_that_cannot_be_made_latches_every_evse(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    latched = LatchFile(tmp_path / "file" / "state", LOG).open(BOTH)
    assert "see [power] state_dir" in latched[EvseId(2)][FaultCode.LATCH_RECORD]


def test_a_record_that_cannot_be_written_is_a_trouble_until_it_can(tmp_path: Path) -> None:
    folder, away = tmp_path / "state", tmp_path / "away"
    file = LatchFile(folder, LOG)
    file.open(BOTH)
    folder.rename(away)
    file.keep(STOP)
    until(lambda: "cannot be stored" in file.trouble)
    away.rename(folder)
    until(lambda: file.trouble == "")
    file.close()
    assert LatchFile(folder, LOG).open(BOTH) == STOP


def test_keep_does_not_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = LatchFile(tmp_path, LOG)
    file.open(BOTH)
    monkeypatch.setattr("chargepoint.power.latch_file.os.fsync", lambda fd: time.sleep(0.3))
    begun_s = time.monotonic()
    for _ in range(20):
        file.keep(STOP)
    assert time.monotonic() - begun_s < 0.25
    file.close()
