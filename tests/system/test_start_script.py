"""The start script: what it prepares, it prepares once."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PYTHON = """#!/bin/sh
# stands in for Python and for the environment's own: makes an environment that installs nothing
case "$*" in
"-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
*get_path*) mkdir -p .venv/site && echo .venv/site ;;
esac
"""


def started(clone: Path, *arguments: str) -> str:
    """What `./run` says on standard error."""
    command = [str(clone / "run"), *arguments]
    environment = {**os.environ, "PYTHON": str(clone / "python")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_environment_is_prepared_once_for_each_lock(tmp_path: Path) -> None:
    shutil.copytree(ROOT / ".ci" / "locks", tmp_path / ".ci" / "locks")
    for name in ("run", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    assert "preparing .venv from .ci/locks/run.txt" in started(tmp_path, "demo")
    assert started(tmp_path, "steer") == ""
    assert started(tmp_path, "check") == ""
    assert "preparing .venv from .ci/locks/dev.txt" in started(tmp_path, "test")
    assert started(tmp_path, "demo") == ""  # the tests' environment has all the demo needs
    assert started(tmp_path, "test") == ""
    with (tmp_path / ".ci" / "locks" / "dev.txt").open("a") as lock:
        lock.write("# changed\n")
    assert "preparing" in started(tmp_path, "test")
