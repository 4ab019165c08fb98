"""The drop-ins for other buses open what they name and nothing else; systemd accepts them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
POWER, DAEMON = "chargepoint-power.service", "chargepoint.service"
OPENED = {
    "can.conf": {"PrivateNetwork": "no", "RestrictAddressFamilies": "AF_CAN"},
    "gpio.conf": {"SupplementaryGroups": "gpio", "DeviceAllow": "char-gpiochip rw"},
    "keyboard.conf": {"SupplementaryGroups": "input", "DeviceAllow": "char-input rw"},
    "slac.conf": {
        "AmbientCapabilities": "CAP_NET_RAW",
        "CapabilityBoundingSet": "CAP_NET_RAW",
        "PrivateUsers": "no",
        "RestrictAddressFamilies": "AF_PACKET",
    },
}
UNIT_OF = {"can.conf": POWER, "gpio.conf": POWER, "keyboard.conf": POWER, "slac.conf": DAEMON}


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


def test_every_drop_in_is_tested() -> None:
    assert {path.name for path in (FOLDER / "drop-ins").iterdir()} == set(OPENED) == set(UNIT_OF)


@pytest.mark.interop
@pytest.mark.parametrize("unit", [POWER, DAEMON])
def test_systemd_accepts_them(unit: str, tmp_path: Path) -> None:
    text = (FOLDER / unit).read_text()
    (tmp_path / unit).write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", text, flags=re.MULTILINE))
    (tmp_path / f"{unit}.d").mkdir()
    for name, of in UNIT_OF.items():
        if of == unit:
            shutil.copy(FOLDER / "drop-ins" / name, tmp_path / f"{unit}.d" / name)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert [line for line in (done.stdout + done.stderr).splitlines() if "conf" in line or unit in line] == []
