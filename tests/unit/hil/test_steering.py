"""The steering socket's answers: whatever is sent gets one line, and what is refused changes nothing."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from hil.demo.steering import Steering
from hil.simulators.csms import Faults
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.line_socket import Refused


class Plant:
    """Takes a state of charge up to 100 %, refuses the rest."""

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if set(request) - {"do", "evse", "soc_percent"} or request.get("soc_percent", 0) > 100:
            raise Refused("no such field of the car's body")
        return {"ok": True}


@pytest.fixture
def bench() -> SimpleNamespace:
    return SimpleNamespace(plant=Plant(), spec=CarSpec(), csms=SimpleNamespace(faults=Faults()))


def answer(bench: SimpleNamespace, line: bytes) -> dict[str, Any]:
    found: dict[str, Any] = asyncio.run(Steering(bench).answer(line))  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"[" * 100_000, "recursion"),
        (b'{"do":"setpoint","power_W":' + b"9" * 400 + b"}", "too large"),
        (b'{"do":"setpoint","power_W":NaN}', "power_W"),
        (b'{"do":"setpoint","power_W":1e999}', "power_W"),
        (b'{"do":"setpoint","power_W":5,"duration_s":1.5}', "whole seconds"),
        (b'{"do":"setpoint","power_W":5,"duration_s":true}', "whole seconds"),
        (b'{"do":"token","value":null}', "a token is text"),
        (b'{"do":"token","value":5}', "a token is text"),
        (b'{"do":"csms","refuse":"x"}', "true or false"),
        (b'{"do":"csms","drop":1}', "true or false"),
        (b'{"do":"car","control_mode":"sideways"}', "dynamic, scheduled"),
        (b'{"do":"car","control_mode":5}', "dynamic, scheduled"),
        (b'{"do":"car","charge_power_max_W":NaN}', "finite"),
        (b'{"do":"car","nonsense":1}', "no such field"),
        (b'{"do":"plug","evse":2}', "plug takes no field"),
        (b'{"do":"setpoint","power":5}', "setpoint takes power_W, duration_s"),
        (b'{"do":"unplug","force":"yes"}', "true or false"),
        (b"\xff\xfe", "utf-8"),
    ],
)
def test_what_cannot_be_done_is_said(bench: SimpleNamespace, line: bytes, told: str) -> None:
    found = answer(bench, line)
    assert found["ok"] is False
    assert told in found["error"]
    assert bench.spec == CarSpec()
    assert bench.csms.faults.refuse_connections is False


def test_a_car_is_changed_as_a_whole_or_not_at_all(bench: SimpleNamespace) -> None:
    request = {"do": "car", "control_mode": "scheduled", "scheduled_power_W": -5000, "soc_percent": 500}
    assert answer(bench, json.dumps(request).encode())["ok"] is False
    assert bench.spec == CarSpec()
    assert answer(bench, json.dumps({**request, "soc_percent": 50}).encode())["ok"] is True
    assert bench.spec == CarSpec(control_mode="scheduled", scheduled_power_W=-5000.0)
