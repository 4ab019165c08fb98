"""The start script: what it prepares, it prepares once."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from chargepoint import __version__

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


def refused(clone: Path, *arguments: str, python: str = PYTHON, **environment: str) -> subprocess.CompletedProcess[str]:
    """`./run` in a clone whose Python is this script."""
    (clone / "python").write_text(python)
    (clone / "python").chmod(0o755)
    env = {**os.environ, "PYTHON": str(clone / "python"), **environment}
    return subprocess.run([str(clone / "run"), *arguments], env=env, capture_output=True, text=True, timeout=30)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The start script with what it reads, in a folder of its own."""
    shutil.copytree(ROOT / ".ci" / "locks", tmp_path / ".ci" / "locks")
    for name in ("run", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "chargepoint").mkdir()
    shutil.copy(ROOT / "chargepoint" / "__init__.py", tmp_path / "chargepoint" / "__init__.py")
    return tmp_path


def test_the_version_needs_no_environment(clone: Path) -> None:
    done = refused(clone, "--version")
    assert done.stdout == f"chargepoint {__version__}\n"
    assert (done.returncode, (clone / ".venv").exists()) == (0, False)


def test_a_package_index_out_of_reach_is_said_with_what_to_do(clone: Path) -> None:
    done = refused(clone, "demo", python=PYTHON + 'case "$*" in *"pip install"*) exit 1 ;; esac\n')
    assert done.returncode == 1
    assert "needs the Python package index" in done.stderr
    assert "PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER ./run demo" in done.stderr
    assert not (clone / ".venv" / "stamp").exists()


def test_a_python_without_ensurepip_is_named(clone: Path) -> None:
    done = refused(clone, "demo", python=PYTHON + 'case "$*" in *ensurepip*) exit 1 ;; esac\n')
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr


def test_a_folder_that_cannot_be_written_does_not_blame_python(clone: Path) -> None:
    (clone / ".probe").mkdir()  # as good as read-only for the script, and for root too
    done = refused(clone, "demo")
    assert done.returncode == 1
    assert f"{clone} cannot be written" in done.stderr
    assert "python3-venv" not in done.stderr


@pytest.mark.parametrize(("arguments", "status"), [(("bench", "--help"), 0), (("bench", "other"), 1)])
def test_the_benchmarks_are_named_before_anything_is_installed(
    clone: Path, arguments: tuple[str, ...], status: int
) -> None:
    done = refused(clone, *arguments)
    assert (done.returncode, (clone / ".venv").exists()) == (status, False)
    assert "./run bench exi|demo" in done.stderr


def test_the_environment_has_the_command_the_documents_name(clone: Path) -> None:
    assert refused(clone, "demo").returncode == 0
    command = clone / ".venv" / "bin" / "chargepoint"
    assert f'"{clone}/.venv/bin/python" -m chargepoint "$@"' in command.read_text()
    assert os.access(command, os.X_OK)


def test_an_environment_whose_python_is_gone_is_made_anew(clone: Path) -> None:
    assert refused(clone, "demo").returncode == 0
    (clone / ".venv" / "bin" / "python").unlink()
    (clone / ".venv" / "bin" / "python").symlink_to(clone / "a-python-that-was-removed")
    again = refused(clone, "demo")
    assert again.returncode == 0, again.stderr
    assert "preparing .venv" in again.stderr


@pytest.mark.parametrize("command", ["lint", "fmt", "quick"])
def test_asking_for_help_does_nothing_else(clone: Path, command: str) -> None:
    done = refused(clone, command, "--help")
    assert (done.returncode, (clone / ".venv").exists()) == (0, False)
    assert "usage: ./run COMMAND" in done.stdout
