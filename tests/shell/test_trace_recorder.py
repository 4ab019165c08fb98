"""The recorder's files: two per session, bounded in size and number; a disk that refuses ends the trace and nothing else."""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chargepoint.iso15118.trace.frame import TracedFrame, WireDirection
from chargepoint.iso15118.trace.json_lines import read
from chargepoint.iso15118.trace.pcapng import Endpoint
from chargepoint.iso15118.trace.recorder import TraceRecorder
from chargepoint.iso15118.v2gtp import PayloadType

REPOSITORY = Path(__file__).resolve().parents[2]
T0_S = 1_772_366_400.0
log = logging.getLogger("trace-test")


def loop(number: int, at_s: float = T0_S) -> TracedFrame:
    return TracedFrame(at_s, WireDirection.FROM_CAR, PayloadType.DC_MAINSTREAM, number.to_bytes(4, "big"))


def recorder(folder: Path, **bounds: int) -> TraceRecorder:
    return TraceRecorder(folder, "evse1", log, **bounds)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_session_is_a_pair_of_files(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    made = recorder(folder)
    before = open_files()
    ends = Endpoint(ipaddress.IPv6Address("fe80::7"), 5), Endpoint(ipaddress.IPv6Address("fe80::8"), 6)
    made.begin(T0_S, *ends)
    for number in range(5):
        made.frame(loop(number, T0_S + number / 10))
    made.end()
    assert sorted(path.name for path in folder.iterdir()) == [
        "20260301T120000000000Z-evse1.jsonl",
        "20260301T120000000000Z-evse1.pcapng",
    ]
    (lines,) = folder.glob("*.jsonl")
    assert len(list(read(lines.read_bytes().splitlines(keepends=True)))) == 5
    assert ends[0].address.packed in lines.with_suffix(".pcapng").read_bytes()
    assert lines.stat().st_mode & 0o027 == 0
    assert open_files() == before


def test_a_frame_begins_a_session_and_the_next_one_has_files_of_its_own(tmp_path: Path) -> None:
    made = recorder(tmp_path)
    for session in range(3):
        made.frame(loop(session, T0_S + 60 * session))
        made.end()
        made.end()
    assert len(list(tmp_path.iterdir())) == 6


def test_what_is_buffered_is_written_each_second(tmp_path: Path) -> None:
    made = recorder(tmp_path)
    made.frame(loop(1))
    (lines,) = tmp_path.glob("*.jsonl")
    assert lines.read_bytes() == b""
    made.frame(loop(2, T0_S + 1.1))
    assert lines.read_bytes().count(b"\n") == 2
    made.end()


def test_a_session_has_a_cap_and_says_so_at_its_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    made = recorder(tmp_path, session_max_bytes=20_000)
    for number in range(500):
        made.frame(loop(number, T0_S + number / 100))
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert 20_000 <= size < 22_000
    (lines,) = tmp_path.glob("*.jsonl")
    *_, last = read(lines.read_bytes().splitlines(keepends=True))
    assert "at most 20000 for one session" in last.note
    assert len(caplog.records) == 1
    made.end()
    made.frame(loop(0, T0_S + 100))
    made.end()
    assert len(list(tmp_path.iterdir())) == 4


def test_the_oldest_sessions_go_and_foreign_files_stay(tmp_path: Path) -> None:
    foreign = tmp_path / "notes.jsonl"
    foreign.write_text("mine")
    made = recorder(tmp_path, sessions_kept=3)
    for session in range(6):
        made.frame(loop(session, T0_S + session))
        made.end()
    kept = sorted(path.name for path in tmp_path.glob("*.pcapng"))
    assert [re.sub(r"^\d{8}T\d{5}(\d).*", r"\1", name) for name in kept] == ["3", "4", "5"]
    assert len(list(tmp_path.glob("*.jsonl"))) == 4
    assert foreign.read_text() == "mine"


def test_a_full_disk_ends_the_trace_with_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, before = recorder(tmp_path), open_files()

    def full(_: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    made.frame(loop(0))
    monkeypatch.setattr(os, "write", full)
    for number in range(100):
        made.frame(loop(number, T0_S + number))
    monkeypatch.undo()
    made.end()
    (record,) = [r for r in caplog.records if r.name == log.name]
    assert "No space left on device" in record.getMessage()
    assert open_files() == before
    made.frame(loop(1, T0_S + 1000))  # the next session tries again
    made.end()
    assert any(path.stat().st_size for path in tmp_path.glob("*.jsonl"))


def test_a_directory_that_cannot_be_used_is_one_line_per_session(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    made = recorder(blocked / "traces")
    for session in range(2):
        for number in range(10):
            made.frame(loop(number, T0_S + session))
        made.end()
    assert len([r for r in caplog.records if r.name == log.name]) == 2


def chargepoint(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chargepoint", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_draws_a_page(tmp_path: Path) -> None:
    made = recorder(tmp_path)
    made.frame(loop(1))
    made.frame(TracedFrame(T0_S, WireDirection.EVENT, 0, b"", None, "the car is silent"))
    made.end()
    (lines,) = tmp_path.glob("*.jsonl")
    done = chargepoint("trace", "draw", str(lines))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("<!DOCTYPE html>")
    assert "the car is silent" in done.stdout


def test_the_command_refuses_what_is_no_trace(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("hello\n")
    done = chargepoint("trace", "draw", str(tmp_path / "page.txt"))
    assert done.returncode == 1
    assert "line 1" in done.stderr
    assert ".jsonl" in done.stderr
    assert "Traceback" not in done.stderr
