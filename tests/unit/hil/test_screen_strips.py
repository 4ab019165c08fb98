"""The strips of the last minutes, remedies and energies on the screen."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hil.demo.history import History, Sample, block
from hil.demo.screen import Scene, draw


@pytest.mark.parametrize(
    ("value", "character"),
    [(None, " "), (0.0, "·"), (22_000.0, "█"), (99_000.0, "█"), (11_000.0, "▄"), (300.0, "▁"), (-3000.0, "▔"), (-22_000.0, "▀")],
)  # fmt: skip
def test_a_bar_shows_amount_and_direction(value: float | None, character: str) -> None:
    assert block(value, 22_000.0) == character


def test_a_row_has_the_newest_value_at_its_end_and_forgets() -> None:
    history = History(span_s=10.0)
    assert history.row("power_W", 5) == [None] * 5
    for second in range(31):
        history.add(Sample(float(second), 1000.0 * second, None, 50.0))
    assert history.row("power_W", 5) == pytest.approx([21_500.0, 23_500.0, 25_500.0, 27_500.0, 29_500.0], abs=600.0)
    assert history.row("setpoint_W", 5) == [None] * 5
    assert len(history._samples) == 11


def test_more_cells_than_samples_leave_no_holes_and_an_outage_does() -> None:
    history = History(span_s=10.0)
    for at_s in (0.0, 0.5, 1.0, 1.5, 9.0, 9.5, 10.0):
        history.add(Sample(at_s, 7.0, None, None))
    row = history.row("power_W", 40)
    assert row[2:9] == [7.0] * 7
    assert row[-5:] == [7.0] * 5
    assert row[20] is None


def test_a_history_is_bounded_whatever_the_clock_does() -> None:
    history = History(span_s=10.0, most=100)
    for _ in range(1000):
        history.add(Sample(5.0, 1.0, 1.0, 1.0))
    assert len(history._samples) == 100


def shown(width: int = 100, height: int = 30, **changes: Any) -> str:
    evse = {
        "status": "Faulted",
        "plugged": True,
        "image": {
            "power_W": 0.0,
            "faults": {"EMERGENCY_STOP": "emergency stop"},
            "fault_remedies": {"EMERGENCY_STOP": "release the button, then reset the station"},
        },
        "setpoint": {"power_W": 0.0, "decided_by": "default", "explanation": "0 W"},
        "car": None,
        "evcc_id": None,
        "protocol": None,
        "tls": None,
        "secc": None,
        "transaction": None,
        "last_session": {
            "transaction_id": "ab7302e7-1",
            "reason": "EmergencyStop",
            "import_Wh": 61.6,
            "export_Wh": 7.5,
        },
        **changes,
    }
    daemon = {
        "evses": {"1": evse},
        "ocpp": {"connected": True, "boot_status": "Accepted", "outbox_depth": 0, "messages": []},
    }
    history = History()
    for second in range(120):
        history.add(Sample(float(second), -10_000.0 if second > 60 else 11_000.0, 11_000.0, 50.0))
    scene = Scene("broken off", daemon, None, ["  1.00 s  fault: emergency stop"], Path("var/demo"), "waiting", history)
    console = Console(width=width, height=height, file=io.StringIO(), record=True)
    console.print(draw(scene, height, width))
    return console.export_text()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30)])
def test_remedy_energies_and_strips_are_on_the_screen(width: int, height: int) -> None:
    text = shown(width, height)
    assert len(text.rstrip("\n").splitlines()) <= height
    assert "! emergency stop: release the button, then reset the station" in text
    assert "61.600 Wh" in text
    assert "ended: EmergencyStop" in text
    power, setpoint = (line for line in text.splitlines() if line.startswith(("    power ", "set-point ")))
    assert "▄" in power
    assert "▀" in power
    assert "▀" not in setpoint
    assert power.rstrip().endswith("-10.0 kW")
    assert "plugged in: waiting" in text


def test_what_hinders_a_beginning_is_on_the_screen() -> None:
    text = shown(image={"power_W": 0.0, "faults": {}}, obstacle="the meter does not answer")
    assert "nothing can begin now: the meter does not answer" in text
    assert "no faults" not in text
