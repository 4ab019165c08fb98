"""One scenario file on two benches: all simulated in virtual time, and with other people's software at both ends.

The second has a power module whose registers pymodbus serves in a process of its own, on a pty, and the EVCC of PyPI `iso15118`
0.31.2 (EcoG) as the car, in a network namespace.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import CONFIGS, EVCC, ROOT

pytestmark = pytest.mark.interop

SCENARIO = ROOT / "hil" / "scenarios" / "charging" / "on-any-bench.yaml"
LOOPS_MAX = 1000
"""The car would end after so many loops; the central system ends the session before."""


def performed(report: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "hil.scenario", "run", str(SCENARIO), "--report", str(report), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)
    (run,) = json.loads((report / "results.json").read_text())["runs"]
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{json.dumps(run, indent=1)}"
    found: dict[str, Any] = run
    return found


def test_the_same_scenario_passes_all_simulated_and_with_a_module_process_and_an_outside_car(tmp_path: Path) -> None:
    packages = next(EVCC.glob("lib/python3.*/site-packages"))
    wanted = json.loads((packages / CONFIGS / "evcc_config_dc_bpt.json").read_text())
    (tmp_path / "car.json").write_text(json.dumps({**wanted, "useTls": False, "chargeLoopCycle": LOOPS_MAX}))
    subprocess.run([sys.executable, "-m", "certs", str(tmp_path / "pki")], cwd=ROOT, check=True, capture_output=True)
    file = tmp_path / "bench.toml"
    file.write_text(f"""
name = "module by pymodbus, car by EcoG"

[power_module.psu1]
process = true

[car.1]
kind = "program"
interface = "veth"
program = ["{EVCC}/bin/python", "-m", "iso15118.evcc.main", "car.json"]
environment = {{ NETWORK_INTERFACE = "{{interface}}", PKI_PATH = "{tmp_path}/pki/", LOG_LEVEL = "INFO" }}
""")
    simulated = performed(tmp_path / "simulated", "--virtual")
    outside = performed(tmp_path / "outside", "--bench", str(file))
    assert [step["line"] for step in simulated["steps"]] == [step["line"] for step in outside["steps"]]
    (car,) = (tmp_path / "outside").glob("*/log/car-1.log")
    said = car.read_text()
    assert "EXI Codec version" in said
    assert said.count("DC_ChargeLoopRes received") > 10
    (module,) = (tmp_path / "outside").glob("*/log/module-psu1.log")
    assert "module psu1 as unit 11" in module.read_text()
    (daemon,) = (tmp_path / "outside").glob("*/log/daemon.log")
    assert "session terminated: SessionStop by the car" in daemon.read_text()
