"""The whole story with an Infypower on CAN: driver and simulator over a Unix socket, because this kernel has no CAN."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from rich.console import Console

from hil.bench.can_module import with_can_module
from hil.bench.site import Choices
from hil.demo.command import _run


def test_charge_and_discharge_through_an_infypower_on_can(tmp_path: Path, sdp_port: int) -> None:
    folder, report = tmp_path / "demo", tmp_path / "report.json"
    choices = Choices(folder, sdp_port=sdp_port, amendments=with_can_module(folder, "infypower_beg1k075g"))
    asyncio.run(_run(choices, Console(quiet=True), once=True, report_file=report, picture=None))
    figures = json.loads(report.read_text())
    assert figures["energy_export_Wh"] == pytest.approx(figures["plant_export_Wh"], rel=0.01)
    assert figures["energy_import_Wh"] == pytest.approx(figures["plant_import_Wh"], rel=0.01)
    measured_W = {s["requested_W"]: s["measured_W"] for s in figures["setpoints"]}
    assert measured_W[-10000.0] == pytest.approx(-10000.0, rel=0.03)
    assert measured_W[5000.0] == pytest.approx(5000.0, rel=0.03)
    assert "!" not in "".join(
        line for line in (folder / "log" / "power.log").read_text().splitlines() if "daemon gone" not in line
    )
