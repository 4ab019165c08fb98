"""The latch record on a real disk, and a station that starts with it: no restart is a way around a latch."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chargepoint.model.faults import CATALOGUE, FaultCode, ResetRule
from chargepoint.model.ids import EvseId
from chargepoint.power.latch_file import COPY_NAME, FILE_NAME, LatchFile

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


def kept(folder: Path, latched: dict[EvseId, dict[FaultCode, str]], evse_ids: list[EvseId]) -> None:
    file = LatchFile(folder, LOG)
    file.open(evse_ids)
    file.keep(latched)
    file.close()


def test_a_deleted_record_is_no_way_around_a_latch(tmp_path: Path) -> None:
    kept(tmp_path, STOP, BOTH)
    (tmp_path / FILE_NAME).unlink()
    latched = LatchFile(tmp_path, LOG).open(BOTH)
    assert latched[EvseId(1)].keys() == {FaultCode.EMERGENCY_STOP, FaultCode.LATCH_RECORD}
    assert "deleted" in latched[EvseId(2)][FaultCode.LATCH_RECORD]


@pytest.mark.parametrize("data", [b"", b"garbage"])
def test_an_unreadable_record_gives_way_to_its_copy(tmp_path: Path, data: bytes) -> None:
    kept(tmp_path, STOP, BOTH)
    (tmp_path / FILE_NAME).write_bytes(data)
    latched = LatchFile(tmp_path, LOG).open(BOTH)
    assert latched[EvseId(1)].keys() == {FaultCode.EMERGENCY_STOP, FaultCode.LATCH_RECORD}


def test_a_missing_or_broken_copy_is_no_fault_while_the_record_is_whole(tmp_path: Path) -> None:
    for spoil in (Path.unlink, lambda path: path.write_bytes(b"{")):
        kept(tmp_path, STOP, BOTH)
        spoil(tmp_path / COPY_NAME)
        assert LatchFile(tmp_path, LOG).open(BOTH) == STOP


def test_a_latch_outlives_a_time_in_which_its_evse_is_not_configured(tmp_path: Path) -> None:
    kept(tmp_path, STOP, BOTH)
    kept(tmp_path, {EvseId(2): {}}, [EvseId(2)])
    assert LatchFile(tmp_path, LOG).open(BOTH) == STOP


def test_a_folder_that_cannot_be_written_at_the_start_stays_a_trouble_until_it_can(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("not a folder")
    file = LatchFile(tmp_path / "state", LOG)
    file.open(BOTH)
    assert "see [power] state_dir" in file.trouble  # a reset alone must not end it
    (tmp_path / "state").unlink()
    (tmp_path / "state").mkdir()
    until(lambda: file.trouble == "")
    file.close()
    assert LatchFile(tmp_path / "state", LOG).open(BOTH).keys() == set(BOTH)


@pytest.mark.parametrize("longer_before", [False, True])
def test_a_process_that_is_killed_at_once_has_noted_its_latch(tmp_path: Path, longer_before: bool) -> None:
    """`keep` has returned and no thread has run: the disk knows nothing yet."""
    disk, memory = tmp_path / "disk", tmp_path / "memory"
    file = LatchFile(disk, LOG, memory)
    file.open(BOTH)
    record = file.path.read_bytes()
    if longer_before:
        file.keep({EvseId(1): {FaultCode.OVER_CURRENT: "x" * 200}, EvseId(2): {FaultCode.RCD: "y" * 200}})
    file.keep(STOP)
    file.close()
    file.path.write_bytes(record)  # as it was before the trip
    assert LatchFile(disk, LOG, memory).open(BOTH) == STOP


@pytest.mark.parametrize("data", [b"", b"garbage"])
def test_a_note_that_is_of_no_use_changes_nothing(tmp_path: Path, data: bytes) -> None:
    kept(tmp_path / "disk", STOP, BOTH)
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / FILE_NAME).write_bytes(data)
    file = LatchFile(tmp_path / "disk", LOG, tmp_path / "memory")
    assert file.open(BOTH) == STOP
    file.keep({})
    file.close()
    assert LatchFile(tmp_path / "disk", LOG, tmp_path / "memory").open(BOTH) == {}
