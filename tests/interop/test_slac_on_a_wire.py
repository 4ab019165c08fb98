"""SLAC over packet sockets: the station's shell at one end of a veth pair, simulated modem and cars at the other."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hil.attach.private_network import inside

pytestmark = pytest.mark.interop

ROOT = Path(__file__).resolve().parents[2]


def play(story: str) -> dict[str, Any]:
    command = inside("tests.interop.slac_stories", story)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_a_car_is_matched_within_a_second_each_time() -> None:
    seen = play("matched")
    assert seen["matched_within_1_s"] == seen["plug_ins"] == 20
    assert seen["problems"] == []
    assert seen["keys_set"] >= 20  # a fresh key for each


def test_of_two_cars_that_sound_at_once_the_nearer_one_gets_the_key() -> None:
    seen = play("two_cars")
    assert seen["joined"] == {"far": False, "near": True}
    assert any("is nearer" in text for text in seen["problems"])
    assert seen["car"] == "02:00:00:00:00:01"


def test_a_modem_that_refuses_its_key_is_reported() -> None:
    seen = play("refused_key")
    assert seen["state"] == "preparing"
    assert len(seen["problems"]) == 1
    assert "refuses its key with result 2" in seen["problems"][0]


def test_an_interface_that_goes_down_comes_back() -> None:
    seen = play("interface_down_and_up")
    assert "evse1: " in seen["detail"]
    assert seen["state"] == "up"


def test_the_whole_station_shows_5_percent_only_with_its_modem_and_charges_a_matched_car() -> None:
    seen = play("station")
    assert seen["without_modem"]["state"] == "preparing"
    assert "does not answer its key" in seen["without_modem"]["detail"]
    assert seen["without_modem"]["duty_percent"] == 100.0
    assert seen["with_modem"]["duty_percent"] == 5.0
    for phase in ("matched", "charging"):
        assert seen[phase]["state"] == "up"
        assert seen[phase]["car_mac"] == "02:00:00:00:00:01"
        assert seen[phase]["attenuation_dB"] == 8.0
    assert seen["charging"]["modem"] == "Qualcomm SIMULATED-QCA-1.0"
    assert seen["charging"]["loops"] > 0
