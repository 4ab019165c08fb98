"""The start script with an environment that is a link to another folder's: used where it fits, never changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PYTHON = """#!/bin/sh
case "$*" in
"-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
*get_path*) mkdir -p .venv/site && echo .venv/site ;;
esac
"""


def folder(place: Path) -> Path:
    """A folder with the start script and what it reads."""
    shutil.copytree(ROOT / ".ci" / "locks", place / ".ci" / "locks")
    for name in ("run", "pyproject.toml"):
        shutil.copy(ROOT / name, place / name)
    (place / "python").write_text(PYTHON)
    (place / "python").chmod(0o755)
    return place


def started(place: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": str(place / "python")}
    return subprocess.run([str(place / "run"), "check"], env=environment, capture_output=True, text=True, timeout=60)


def test_the_environment_of_another_folder_is_used_and_never_made_anew(tmp_path: Path) -> None:
    owner, worktree = folder(tmp_path / "owner"), folder(tmp_path / "worktree")
    assert started(owner).returncode == 0
    (worktree / ".venv").symlink_to(owner / ".venv")
    assert (started(worktree).returncode, started(worktree).stderr) == (0, "")
    before = sorted((path, path.stat().st_mtime_ns) for path in (owner / ".venv").rglob("*"))
    with (worktree / "pyproject.toml").open("a") as file:
        file.write("# another branch\n")
    other = started(worktree)
    assert other.returncode == 0
    assert "used as it is" in other.stderr
    assert "rm .venv" in other.stderr
    assert str(owner / ".venv") in other.stderr
    assert sorted((path, path.stat().st_mtime_ns) for path in (owner / ".venv").rglob("*")) == before
    assert started(owner).returncode == 0
