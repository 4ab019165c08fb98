"""A small file system over a folder, in a process of its own."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from hil.attach.small_disk import SmallDisk, enter
from hil.bench.disk_faults import DiskFaults
from hil.scenario.forked_call import CallDied, ForkedCall, ended
from hil.simulators.line_socket import Refused


def _story(folder: Path) -> list[object]:
    seen: list[object] = []
    try:
        enter()
        disk = SmallDisk.laid_over(folder)
    except RuntimeError as error:
        return [str(error)]
    (folder / "kept").write_text("before")
    disk.fill()
    try:
        (folder / "new").write_text("x")
        seen.append("written")
    except OSError as error:
        seen.append(error.errno)
    seen.append((folder / "kept").read_text())
    disk.empty()
    seen.append((folder / "new").write_text("now"))
    disk.take_away()
    folder.rmdir()
    return seen


def test_a_full_disk_takes_no_byte_and_keeps_what_it_has(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    call = ForkedCall.start(lambda note: _story(folder), tmp_path / "log", 30.0)
    try:
        assert ended([call]) == [call]
        seen = call.result()
    except CallDied as error:
        pytest.fail(str(error))
    finally:
        call.end()
    if isinstance(seen, list) and len(seen) == 1:
        assert "start this as root" in str(seen[0])  # this computer gives no namespace
        pytest.skip(str(seen[0]))
    assert seen == [errno.ENOSPC, "before", 3]
    assert not folder.exists(), "nothing of it is left"


def test_a_bench_without_a_disk_of_its_own_refuses_with_what_to_do() -> None:
    with pytest.raises(Refused, match="small_disk: true"):
        DiskFaults(()).set("full", on=True)
