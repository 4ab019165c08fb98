"""The steering socket's `car_plan`: a plan for the car's next sessions, or a refusal that changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hil.attach.cable import CarCable
from hil.bench.own_car import OwnCar
from hil.bench.site import Choices
from hil.simulators.evcc.misbehaviour import Misbehaviour
from hil.simulators.evcc.plan import CarPlan
from hil.simulators.line_socket import Refused
from hil.steering.door import SteeringDoor
from hil.steering.request import request_of


def bench_with(choices: Choices) -> SimpleNamespace:
    car = OwnCar(1, CarCable("lo", "lo"), choices, None)  # type: ignore[arg-type]  # a car without a plant
    return SimpleNamespace(choices=choices, cars={1: car}, noted=0, note=lambda text: None)


@pytest.fixture
def bench() -> SimpleNamespace:
    return bench_with(Choices(Path()))


def answer(bench: SimpleNamespace, **request: Any) -> dict[str, Any]:
    async def answered() -> dict[str, Any]:
        try:
            return await SteeringDoor(bench).answer(request_of({"do": "car_plan", **request}))  # type: ignore[arg-type]
        except Refused as error:
            return {"ok": False, "error": str(error)}

    return asyncio.run(answered())


def test_a_plan_is_taken_and_taken_back(bench: SimpleNamespace) -> None:
    plan = {"energy": ["DC"], "misbehaviours": [{"what": "fin", "at": "DC_ChargeLoopReq", "nth": 5}]}
    assert answer(bench, plan=plan)["ok"] is True
    assert bench.cars[1].plan == CarPlan(misbehaviours=(Misbehaviour("fin", "DC_ChargeLoopReq", 5),))
    assert answer(bench)["ok"] is True
    assert bench.cars[1].plan == CarPlan()


@pytest.mark.parametrize(
    ("request_fields", "words"),
    [
        ({"plan": {"energy": ["H2"]}}, "energy = 'H2'"),
        ({"plan": []}, "plan = []: no object"),
        ({"plan": {"wishes": 5}}, "wishes = 5"),
        ({"plan": {"wishes": [5]}}, "wishes[0] = 5"),
        ({"plam": {}}, "car_plan takes plan"),
    ],
)
def test_a_plan_that_cannot_be_changes_nothing(
    bench: SimpleNamespace, request_fields: dict[str, Any], words: str
) -> None:
    found = answer(bench, **request_fields)
    assert found["ok"] is False
    assert words in found["error"]
    assert bench.cars[1].plan == CarPlan()


def test_a_plan_begins_from_the_plain_plan_of_the_bench() -> None:
    bench = bench_with(Choices(Path(), ac=True))
    assert answer(bench, plan={"power_delivery_polls": 2})["ok"] is True
    assert bench.cars[1].plan == CarPlan(energy=("AC",), power_delivery_polls=2)
    assert answer(bench)["ok"] is True
    assert bench.cars[1].plan == CarPlan(energy=("AC",))
