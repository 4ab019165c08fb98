"""The counts of the contactors on disk: over a restart, a damaged file, a replacement; and over the power link."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from chargepoint.model.contactor_wear import ContactorWear
from chargepoint.model.ids import EvseId
from chargepoint.power.hardware_lock import POWER_PROCESS, HardwareLock
from chargepoint.power.link_codec import decode_up, encode_up
from chargepoint.power.wear_file import (
    REPLACED_MAX,
    Replacement,
    WearFile,
    WearRecord,
    WearRecordError,
    decode,
    encode,
)
from chargepoint.safety.wear import Wear

LOG = logging.getLogger("test-wear")
ONE, TWO = EvseId(1), EvseId(2)
REPOSITORY = Path(__file__).parents[2]


def kept(folder: Path, wear: dict[EvseId, Wear]) -> None:
    """One run of the power process that ends in order."""
    file = WearFile(folder, LOG)
    file.open()
    file.keep(wear)
    file.close()


def test_the_counts_go_on_after_a_restart(tmp_path: Path) -> None:
    kept(tmp_path, {ONE: Wear(12, 1, 0), TWO: Wear(3, 0, 0)})
    assert WearFile(tmp_path, LOG).open() == {ONE: Wear(12, 1, 0), TWO: Wear(3, 0, 0)}


def test_an_evse_that_is_not_configured_now_keeps_its_counts(tmp_path: Path) -> None:
    kept(tmp_path, {ONE: Wear(12), TWO: Wear(3)})
    kept(tmp_path, {ONE: Wear(13)})
    assert WearFile(tmp_path, LOG).open() == {ONE: Wear(13), TWO: Wear(3)}


def test_counts_that_did_not_change_are_not_written(tmp_path: Path) -> None:
    kept(tmp_path, {ONE: Wear(12)})
    before = (tmp_path / "contactor-wear.json").stat().st_mtime_ns
    kept(tmp_path, {ONE: Wear(12)})
    assert (tmp_path / "contactor-wear.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"version": 2, "crc32": 0, "contactors": {}, "replaced": []}',
        b"\xff\xfe",
        b"[" * 5000,
    ],
)
def test_a_damaged_file_is_put_aside_and_the_counts_begin_anew(
    tmp_path: Path, damaged: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "contactor-wear.json"
    path.write_bytes(damaged)
    assert WearFile(tmp_path, LOG).open() == {}
    assert "begin anew" in caplog.text
    assert path.with_name("contactor-wear.json.unreadable").read_bytes() == damaged


def test_a_changed_count_does_not_pass_for_the_stored_one() -> None:
    text = encode(WearRecord({ONE: Wear(100, 3, 0)}))
    with pytest.raises(WearRecordError, match="checksum"):
        decode(text.replace(b'"closings": 100', b'"closings": 1', 1))


@pytest.mark.parametrize("count", [-1, True, 1.5, "7", None])
def test_what_is_no_count_is_refused(count: object) -> None:
    record = json.loads(encode(WearRecord({ONE: Wear()})))
    body = {"contactors": {"1": {"closings": count, "load_openings": 0, "load_closings": 0}}, "replaced": []}
    record |= body | {"crc32": zlib.crc32(json.dumps(body, sort_keys=True).encode())}
    with pytest.raises(WearRecordError):
        decode(json.dumps(record).encode())


def test_a_replacement_is_stored_with_its_author_and_begins_the_count_anew(tmp_path: Path) -> None:
    kept(tmp_path, {ONE: Wear(9000, 3, 1), TWO: Wear(5)})
    assert WearFile(tmp_path, LOG).replace(ONE, "2026-11-22T07:00:00+00:00", "anna\n") == Wear(9000, 3, 1)
    record = WearFile(tmp_path, LOG).read()
    assert record.wear == {ONE: Wear(), TWO: Wear(5)}
    assert record.replaced == (Replacement(1, "2026-11-22T07:00:00+00:00", "anna?", Wear(9000, 3, 1)),)


def test_a_replacement_survives_the_next_counts_and_old_ones_are_forgotten(tmp_path: Path) -> None:
    for number in range(REPLACED_MAX + 2):
        WearFile(tmp_path, LOG).replace(ONE, f"{number}", "anna")
    kept(tmp_path, {ONE: Wear(1)})
    replaced = WearFile(tmp_path, LOG).read().replaced
    assert [one.utc for one in replaced] == [str(number) for number in range(2, REPLACED_MAX + 2)]


def command(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "chargepoint", "reset", "--config", str(config), "--contactor-wear", *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd=REPOSITORY, timeout=60)


def test_the_command_counts_anew_only_while_the_power_process_is_stopped(tmp_path: Path) -> None:
    config = tmp_path / "site.toml"
    config.write_text((REPOSITORY / "config" / "demo.toml").read_text().replace("var/demo/", f"{tmp_path}/"))
    (tmp_path / "state-power").mkdir()
    kept(tmp_path / "state-power", {ONE: Wear(12, 1, 0)})
    held = HardwareLock(tmp_path / "run", POWER_PROCESS)
    try:
        refused = command(config, "--evse", "1")
        assert refused.returncode == 2
        assert "systemctl stop chargepoint-power" in refused.stderr
    finally:
        held.release()
    assert command(config).returncode == 2
    done = command(config, "--evse", "1")
    assert done.returncode == 0, done.stderr
    assert "closed 12 times" in done.stdout
    assert WearFile(tmp_path / "state-power", LOG).read().wear[ONE] == Wear()


def test_a_report_travels_over_the_link() -> None:
    report = ContactorWear(EvseId(7), 123_456, 1, 2, 10_000, 3)
    assert decode_up(encode_up(report)) == report


def test_a_folder_that_cannot_be_written_is_reported_and_nothing_is_raised(tmp_path: Path) -> None:
    folder = tmp_path / "not-there"
    file = WearFile(folder, LOG)
    file.open()
    file.keep({ONE: Wear(1)})
    file.close()
    assert not os.path.exists(folder)


def test_what_bring_up_counts_is_added_to_the_record(tmp_path: Path) -> None:
    kept(tmp_path, {ONE: Wear(10, 1, 2), TWO: Wear(5)})
    file = WearFile(tmp_path, LOG)
    file.add({ONE: Wear(2, 1, 0)})
    assert WearFile(tmp_path, LOG).read().wear == {ONE: Wear(12, 2, 2), TWO: Wear(5)}


def test_bring_up_does_not_write_over_a_damaged_record(tmp_path: Path) -> None:
    (tmp_path / "contactor-wear.json").write_text("{")
    with pytest.raises(WearRecordError):
        WearFile(tmp_path, LOG).add({ONE: Wear(1)})
    assert (tmp_path / "contactor-wear.json").read_text() == "{"
