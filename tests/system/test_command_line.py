"""The command line on bad input: one clear line each, the right exit code, nothing started."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def chargepoint(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chargepoint", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_five_mistakes_are_five_lines_and_exit_78(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    text = (ROOT / "config" / "demo.toml").read_text()
    site.write_text(
        text.replace("baud = 115200", "baud = 1", 1)
        .replace('meter = "meter1"', 'meter = "metre1"')
        .replace("current_max_A = 40.0", "current_max_A = 600.0")
        .replace("minimum_soc_percent = 20", "minimum_soc = 20")
        .replace('identity = "CP-DEMO"', 'identity = ""')
    )
    for command in ("check", "run", "power"):
        done = chargepoint(command, "--config", str(site))
        assert done.returncode == os.EX_CONFIG, done.stderr
        lines = [line for line in done.stderr.splitlines() if line.startswith(str(site))]
        assert len(lines) == 5, done.stderr
        assert "5 mistakes" in done.stderr
        assert "[evse.1] current_max_A = 600.0" in done.stderr
        assert "did you mean minimum_soc_percent?" in done.stderr
        assert "metre1" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_shipped_configuration_is_good() -> None:
    done = chargepoint("check", "--config", "config/demo.toml")
    assert done.returncode == 0, done.stderr


def test_no_file_is_one_line(tmp_path: Path) -> None:
    done = chargepoint("run", "--config", str(tmp_path / "none.toml"))
    assert done.returncode == os.EX_CONFIG
    assert "Traceback" not in done.stderr


def test_status_without_daemon_says_so(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(f'[station]\nruntime_dir = "{tmp_path}"\n')
    done = chargepoint("status", "--config", str(site))
    assert done.returncode == 1
    assert "is the daemon running?" in done.stderr


def test_a_runtime_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    site = tmp_path / "site.toml"
    site.write_text(
        f'[station]\nstate_dir = "{tmp_path}/state"\nruntime_dir = "{tmp_path}/file/run"\n'
        "[csms]\nenabled = false\n[iso15118]\nenabled = false\n"
    )
    for command in ("run", "power"):
        done = chargepoint(command, "--config", str(site))
        assert done.returncode == 1, done.stderr
        assert done.stderr.splitlines()[-1].startswith("Error: ")
        assert f"{tmp_path}/file/run" in done.stderr
        assert "Traceback" not in done.stderr
