"""The drop-ins for other buses open what they name and nothing else; systemd accepts them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNIT = "chargepoint-power.service"
OPENED = {
    "can.conf": {"PrivateNetwork": "no", "RestrictAddressFamilies": "AF_CAN"},
    "gpio.conf": {"SupplementaryGroups": "gpio", "DeviceAllow": "char-gpiochip rw"},
    "keyboard.conf": {"SupplementaryGroups": "input", "DeviceAllow": "char-input rw"},
}


@pytest.mark.parametrize("name", sorted(OPENED))
def test_a_drop_in_opens_what_it_names(name: str) -> None:
    lines = [line for line in (FOLDER / "drop-ins" / name).read_text().splitlines() if line and line[0] not in "#["]
    found = dict(line.split("=", 1) for line in lines)
    assert found.items() >= OPENED[name].items()
    assert set(found) == set(OPENED[name])


def test_each_is_in_the_readme() -> None:
    text = (FOLDER / "README.md").read_text()
    for name in OPENED:
        assert f"drop-ins/{name}" in text


@pytest.mark.interop
def test_systemd_accepts_them(tmp_path: Path) -> None:
    text = (FOLDER / UNIT).read_text()
    (tmp_path / UNIT).write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", text, flags=re.MULTILINE))
    shutil.copytree(FOLDER / "drop-ins", tmp_path / f"{UNIT}.d")
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert [line for line in (done.stdout + done.stderr).splitlines() if "conf" in line or UNIT in line] == []
