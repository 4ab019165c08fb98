"""The live screen: everything that counts fits the smallest terminal, and only what is so is shown."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hil.demo.screen import Scene, draw

NOTES = [f"{second:7.2f} s  something was done" for second in range(10)]
PLANT = {"soc_percent": 50.0, "plant_import_Wh": 89.890, "plant_export_Wh": 56.302}


def daemon(**changes: Any) -> dict[str, Any]:
    image = {
        "power_W": -15_300.0,
        "voltage_V": 388.0,
        "current_A": -39.5,
        "stage": "TRANSFER",
        "pilot": "C",
        "contactor": "CLOSED",
        "target_W": -15_320.0,
        "limited_by_stage": "current",
        "faults": {},
        "meter": {"import_Wh": 89.9, "export_Wh": 56.3},
    }
    words = "-20 kW: asked by the central system (profile 1000 (TxProfile) sets -20000 W); car could give 20 kW"
    evse = {
        "status": "Occupied",
        "plugged": True,
        "image": image,
        "setpoint": {"power_W": -20_000.0, "decided_by": "csms", "explanation": words},
        "car": {"service": "DC_BPT", "control_mode": "dynamic"},
        "evcc_id": "WMIOCP0000000001",
        "protocol": "ISO 15118-20 DC",
        "tls": "TLSv1.3",
        "secc": {"messages": [{"dir": "<", "name": "DC_ChargeLoopReq", "note": ""}] * 9},
        "transaction": {"id": "a" * 36, "charging_state": "Charging", "import_Wh": 1.0, "export_Wh": 2.0},
    }
    messages = [{"direction": ">", "action": "TransactionEvent", "text": "eventType Updated, seqNo 3"}] * 9
    ocpp = {"connected": True, "boot_status": "Accepted", "outbox_depth": 0, "messages": messages}
    return {"evses": {"1": {**evse, **changes}}, "ocpp": ocpp}


def screen(width: int, height: int, **changes: Any) -> str:
    scene = Scene("step 6 of 9: discharge 10 kW; +5 kW in 12 s", daemon(**changes), PLANT, NOTES, Path("var/demo"))
    console = Console(width=width, height=height, file=io.StringIO(), record=True)
    console.print(draw(scene, height, width))
    return console.export_text().rstrip("\n")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (120, 40), (150, 45)])
def test_everything_fits(width: int, height: int) -> None:
    lines = screen(width, height).splitlines()
    assert len(lines) <= height
    assert "Ctrl-C ends" in lines[-1]
    assert any(NOTES[-1].strip() in line for line in lines)
    assert any("central system" in line and "Accepted" in line for line in lines)


def test_what_the_power_stage_takes_away_is_told() -> None:
    words = " ".join(screen(150, 45).replace("│", " ").split())
    assert "the power stage gives -15.32 kW: limited by current" in words


def test_a_car_that_left_is_not_shown() -> None:
    assert "WMIOCP" in screen(120, 40)
    gone = screen(120, 40, plugged=False, car=None)
    assert "WMIOCP" not in gone
    assert "TLSv1.3" not in gone


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"frequency_Hz": 49.87, "ac": {"phases": 3}}, "49.87 Hz  AC, 3 phases"),
        ({"frequency_Hz": 50.0, "ac": {"phases": 1}}, "50.00 Hz  AC, 1 phase "),
        ({"frequency_Hz": None, "ac": None}, "A   stage TRANSFER"),
    ],
)
def test_an_ac_outlet_shows_its_frequency_and_phases(changes: dict[str, Any], shown: str) -> None:
    image = daemon()["evses"]["1"]["image"]
    assert shown in screen(120, 40, image={**image, **changes})
