"""A plugged car goes on after a session: it answers a fresh 5 % on the pilot as a real car does."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from hil.simulators.evcc.body import Inlet, PlantBody
from hil.simulators.evcc.drive import Drive
from hil.simulators.evcc.plugged_car import PilotCall, PluggedCar
from hil.simulators.evcc.progress import Progress
from hil.simulators.line_socket import Refused


@pytest.mark.parametrize(
    ("pilot", "called"),
    [
        ([True, True, True], [False, False, False]),  # 5 % that never went away calls nobody
        ([True, False, False, True], [False, False, False, True]),
        ([False, False], [False, False]),
    ],
)
def test_only_a_fresh_five_percent_calls(pilot: list[bool], called: list[bool]) -> None:
    call = PilotCall()
    assert [call.see(digital=digital) for digital in pilot] == called


def inlet(duty_percent: float | None, soc_percent: float = 50.0) -> Inlet:
    return Inlet(0.0, 400.0, 0.0, soc_percent, duty_percent, "B")


class Body:
    """Shows one reading after the other, the last one for ever; an exception is raised in its turn."""

    def __init__(self, *readings: Inlet | Exception) -> None:
        self._readings = list(readings)

    async def measure(self) -> Inlet:
        found = self._readings.pop(0) if len(self._readings) > 1 else self._readings[0]
        if isinstance(found, Exception):
            raise found
        return found


class Sessions:
    """Makes sessions that end at once, with an error."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> Drive:
        self.made += 1
        progress = Progress()

        async def run() -> Progress:
            progress.error = "authorisation refused"
            return progress

        return cast(Drive, SimpleNamespace(progress=progress, run=run, stop=lambda: None))


def plugged(body: Body) -> tuple[PluggedCar, Sessions]:
    sessions = Sessions()
    return PluggedCar(cast(PlantBody, body), sessions), sessions


async def until_waiting(car: PluggedCar, sessions: int) -> None:
    async with asyncio.timeout(10.0):
        while (car.sessions, car.progress.phase) != (sessions, "waiting"):
            await asyncio.sleep(0.01)


async def test_a_refused_car_waits_and_begins_anew_when_called() -> None:
    five, off = inlet(5.0), inlet(None)
    car, sessions = plugged(Body(five, five, off, Refused("the plant starts again"), five, five))
    task = asyncio.create_task(car.run())
    await until_waiting(car, 2)
    assert not task.done()
    car.stop()
    await asyncio.wait_for(task, 10.0)
    assert sessions.made == 2


async def test_a_steady_five_percent_starts_nothing() -> None:
    car, sessions = plugged(Body(inlet(5.0)))
    task = asyncio.create_task(car.run())
    await until_waiting(car, 1)
    await asyncio.sleep(0.3)  # six looks at the pilot
    assert (sessions.made, car.progress.error) == (1, "authorisation refused")
    car.stop()
    await asyncio.wait_for(task, 10.0)


async def test_a_full_car_is_finished() -> None:
    car, sessions = plugged(Body(inlet(None, 100.0), inlet(5.0, 100.0)))
    await asyncio.wait_for(car.run(), 10.0)
    assert (sessions.made, car.progress.phase) == (1, "full")
