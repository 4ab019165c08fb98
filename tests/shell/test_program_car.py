"""A car that is somebody's program: started by the plug, ended by the unplug, and refused what only ours can do."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from hil.attach.bench_file import CarPart
from hil.attach.cable import CarCable
from hil.attach.program_car import ProgramCar
from hil.simulators.line_socket import Refused


class PlantOnRecord:
    """Answers everything; the first `locked` requests to unplug are refused."""

    def __init__(self, locked: int = 0) -> None:
        self.asked: list[dict[str, Any]] = []
        self.locked = locked

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        if request["do"] == "unplug" and not request.get("force") and self.locked > 0:
            self.locked -= 1
            raise Refused("the connector is locked")
        return {"ok": True}


def car(folder: Path, *program: str, plant: PlantOnRecord, notes: list[str]) -> ProgramCar:
    part = CarPart(kind="program", program=program, environment={"WHERE": "on {interface}"}, folder=folder)
    return ProgramCar(1, CarCable("evse1", "car1"), part, plant, folder / "log" / "car.log", notes.append)  # type: ignore[arg-type]


TALKS = "import os, signal, sys, time; print(os.environ['WHERE'], sys.argv[1], flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


async def until_log(folder: Path, words: str) -> None:
    async with asyncio.timeout(20):
        while words not in (folder / "log" / "car.log").read_text():
            await asyncio.sleep(0.01)


async def test_the_program_runs_from_plug_to_unplug(tmp_path: Path) -> None:
    plant, notes = PlantOnRecord(locked=2), list[str]()
    own = car(tmp_path, sys.executable, "-c", TALKS, "{interface}", plant=plant, notes=notes)
    await own.plug()
    await until_log(tmp_path, "on car1 car1")
    with pytest.raises(Refused, match="already plugged in"):
        await own.plug()
    await own.unplug(10.0)
    assert [request["do"] for request in plant.asked] == ["car_auto", "unplug", "unplug", "unplug", "car_auto"]
    assert plant.asked[-1]["on"] is False
    assert len(notes) == 1
    assert notes[0].startswith("the car's program at EVSE 1 ended with ")
    await own.plug()
    assert own.sessions == 2
    await own.forget()


async def test_a_program_that_does_not_end_is_killed(tmp_path: Path) -> None:
    plant, notes = PlantOnRecord(), list[str]()
    own = car(tmp_path, sys.executable, "-c", DEAF, plant=plant, notes=notes)
    await own.plug()
    await until_log(tmp_path, "deaf")
    await own.unplug(0.2)
    assert any("did not end after SIGINT: it is killed" in note for note in notes)
    assert any("signal SIGKILL" in note for note in notes)


async def test_a_program_that_is_not_there_leaves_no_plug_in(tmp_path: Path) -> None:
    plant, notes = PlantOnRecord(), list[str]()
    own = car(tmp_path, str(tmp_path / "no-evcc"), plant=plant, notes=notes)
    with pytest.raises(Refused, match=r"car\.1\.program = .*no-evcc"):
        await own.plug()
    assert plant.asked[-1] == {"do": "car_auto", "evse": 1, "on": False}


async def test_a_program_that_ends_at_once_is_a_refused_plug_with_its_last_words(tmp_path: Path) -> None:
    plant, notes = PlantOnRecord(), list[str]()
    own = car(tmp_path, sys.executable, "-c", "import sys; sys.exit('no such config')", plant=plant, notes=notes)
    with pytest.raises(Refused, match=r"ended at once with exit code 1: no such config; correct the bench file"):
        await own.plug()
    assert plant.asked[-1] == {"do": "car_auto", "evse": 1, "on": False}


async def test_what_only_our_car_can_do_is_refused(tmp_path: Path) -> None:
    plant, notes = PlantOnRecord(), list[str]()
    own = car(tmp_path, "evcc", plant=plant, notes=notes)
    with pytest.raises(Refused, match=r"charge_power_max_W = 5: the car at EVSE 1 is a program"):
        await own.change({"charge_power_max_W": 5})
    with pytest.raises(Refused, match="is a program"):
        own.change_plan({"energy": ["DC"]})
    with pytest.raises(Refused, match="is a program"):
        own.misbehave([{"what": "fin"}])
    assert own.change_plan({}) == {}
    await own.change({"soc_percent": 40})
    assert plant.asked == [{"do": "car", "evse": 1, "soc_percent": 40}]
