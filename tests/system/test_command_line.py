"""The command line on bad input: one clear line each, the right exit code, nothing started."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
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


EVSE = {
    "image": {
        "faults": {"EMERGENCY_STOP": "emergency stop"},
        "fault_remedies": {"EMERGENCY_STOP": "release the button, then reset the station"},
    },
}


@contextlib.contextmanager
def daemon(folder: Path, *answers: dict[str, object]) -> Iterator[tuple[Path, list[dict[str, object]]]]:
    """Stands in for the daemon's local socket: gives these answers in turn, the last one for ever; its site's file."""
    site = folder / "site.toml"
    site.write_text(f'[station]\nruntime_dir = "{folder}"\n')
    asked: list[dict[str, object]] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "status.sock"))
        listener.listen()

        def serve() -> None:
            while True:
                wire, _ = listener.accept()
                with wire:
                    line = wire.makefile("rb").readline()
                    if line == b"end\n":
                        return
                    asked.append(json.loads(line))
                    wire.sendall(json.dumps(answers[min(len(asked), len(answers)) - 1]).encode() + b"\n")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield site, asked
        finally:
            with socket.socket(socket.AF_UNIX) as last:
                last.connect(str(folder / "status.sock"))
                last.sendall(b"end\n")
            thread.join(10)


def test_a_reset_names_what_stays_and_how_to_mend_it(tmp_path: Path) -> None:
    with daemon(tmp_path, {"ok": True}, {"ok": True, "evses": {"1": EVSE}}) as (site, asked):
        done = chargepoint("reset", "--config", str(site), "--evse", "1")
    assert asked[0] == {"do": "reset", "evse": 1}
    assert done.returncode == 1
    assert "EVSE 1: emergency stop: release the button, then reset the station" in done.stderr


def test_a_reset_that_helps_says_so(tmp_path: Path) -> None:
    with daemon(tmp_path, {"ok": True}, {"ok": True, "evses": {"1": {"image": None}}}) as (site, asked):
        done = chargepoint("reset", "--config", str(site))
    assert asked[0] == {"do": "reset"}
    assert (done.returncode, done.stdout) == (0, "reset: no faults\n")


def test_a_refused_reset_says_why(tmp_path: Path) -> None:
    with daemon(tmp_path, {"ok": False, "error": "no EVSE 7"}) as (site, _):
        done = chargepoint("reset", "--config", str(site), "--evse", "7")
    assert done.returncode == 1
    assert "reset refused: no EVSE 7" in done.stderr


def test_warnings_alone_are_exit_0_and_stand_apart_from_mistakes(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text("[energy]\nminimum_soc_percent = 0.2\n")
    done = chargepoint("check", "--config", str(site))
    assert done.returncode == 0
    assert f"warning: {site}:2: [energy] minimum_soc_percent = 0.2: 0.2 %; did you mean 20 %?" in done.stderr
    assert "good; 0 EVSE on 0 buses; 2 warnings" in done.stdout
    site.write_text("[energy]\nminimum_soc_percent = 0.2\nsite_export_max_W = -1\n")
    done = chargepoint("check", "--config", str(site))
    assert done.returncode == os.EX_CONFIG
    assert f"warning: {site}:2:" in done.stderr
    assert f"\n{site}:3: [energy] site_export_max_W" in done.stderr
    assert "1 mistake in" in done.stderr


def test_the_command_calls_itself_by_its_name() -> None:
    assert chargepoint("--version").stdout.startswith("chargepoint, version ")


def test_steer_on_a_terminal_without_an_argument_prints_its_usage() -> None:
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "hil.steering.steer"]
    done = subprocess.run(command, cwd=ROOT, stdin=slave, capture_output=True, text=True, timeout=30)
    os.close(slave)
    os.close(master)
    assert done.returncode == 2
    assert '{"do": "help"}' in done.stdout
