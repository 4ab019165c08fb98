"""Two cars at once: each EVSE has its own conversation, its own set-point, its own transaction."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from hil.attach import private_network
from tests.bench import cars

ROOT = Path(__file__).resolve().parents[2]


def test_two_cars_charge_at_once_and_one_leaves(tmp_path: Path) -> None:
    why = private_network.problem()
    if (
        why is not None
    ):  # a computer that permits no network namespace: the bench reports that, and two cars have no place
        assert cars.figures(2, 1.0) == {"not_measured": why}
        return
    command = private_network.inside("tests.system.two_cars", str(tmp_path / "demo"))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["powers_W"] == [pytest.approx(11_000.0, rel=0.03), pytest.approx(-5000.0, rel=0.06)]
    assert seen["powers_after_unplug_W"] == [pytest.approx(0.0, abs=300.0), pytest.approx(-5000.0, rel=0.06)]
    by_evse = {t["evse"]: t for t in seen["transactions"]}
    assert sorted(by_evse) == [1, 2]
    assert (by_evse[1]["ended"], by_evse[2]["ended"]) == (True, False)
    assert [t["gaps"] for t in seen["transactions"]] == [[], []]
    assert seen["errors"] == [None, None]
    assert seen["violations"] == []
