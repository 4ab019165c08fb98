"""The steering socket's answers: whatever is sent gets one line, and what is refused changes nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hil.attach.cable import CarCable
from hil.bench.bench import Bench
from hil.bench.own_car import OwnCar
from hil.bench.site import Choices
from hil.simulators.csms import Faults
from hil.simulators.evcc.spec import CarSpec
from hil.simulators.line_socket import Refused
from hil.steering.door import SteeringDoor
from hil.steering.programme import Programme
from hil.steering.request import read_request


class Plant:
    """Takes a state of charge up to 100 %, refuses the rest."""

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if set(request) - {"do", "evse", "soc_percent"} or request.get("soc_percent", 0) > 100:
            raise Refused("no such field of the car's body")
        return {"ok": True}


@pytest.fixture
def bench() -> SimpleNamespace:
    plant = Plant()
    car = OwnCar(1, CarCable("lo", "lo"), Choices(Path()), plant)  # type: ignore[arg-type]
    car.spec = CarSpec()
    csms = SimpleNamespace(faults=Faults())
    return SimpleNamespace(
        choices=Choices(Path()), plant=plant, cars={1: car}, csms=csms, noted=0, notes=[], note=lambda text: None
    )


def answered(door_of: Any, line: bytes, programme: Programme | None = None) -> dict[str, Any]:
    """As `hil.steering.line_server` does it: what cannot be read is refused before the door."""

    async def answer() -> dict[str, Any]:
        try:
            return await SteeringDoor(door_of, programme).answer(read_request(line))
        except Refused as error:
            return {"ok": False, "error": str(error)}

    return asyncio.run(answer())


def answer(bench: SimpleNamespace, line: bytes) -> dict[str, Any]:
    return answered(bench, line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"[" * 100_000, "recursion"),
        (b'{"do":"setpoint","power_W":' + b"9" * 400 + b"}", "too large"),
        (b'{"do":"setpoint","power_W":NaN}', "power_W"),
        (b'{"do":"setpoint","power_W":1e999}', "power_W"),
        (b'{"do":"setpoint","power_W":5,"duration_s":1.5}', "no integer"),
        (b'{"do":"setpoint","power_W":5,"duration_s":true}', "duration_s = True: no integer"),
        (b'{"do":"token","value":null}', "no text"),
        (b'{"do":"token","value":5}', "no text"),
        (b'{"do":"token","value":"zz"}', "4, 7 or 10 bytes in hexadecimal"),
        (b'{"do":"token","value":"04A2B3C4D5"}', "4, 7 or 10 bytes in hexadecimal"),
        (b'{"do":"csms","refuse":"x"}', "refuse = 'x': no flag; write true or false"),
        (b'{"do":"csms","drop":1}', "true or false"),
        (b'{"do":"car","control_mode":"sideways"}', "dynamic, scheduled"),
        (b'{"do":"car","control_mode":5}', "dynamic, scheduled"),
        (b'{"do":"car","charge_power_max_W":NaN}', "finite"),
        (b'{"do":"car","nonsense":1}', "no such field"),
        (b'{"do":"plug","evse":2}', "this bench has EVSE 1"),
        (b'{"do":"setpoint","power":5}', "setpoint takes power_W, duration_s, evse"),
        (b'{"do":"unplug","force":"yes"}', "true or false"),
        (b"\xff\xfe", "utf-8"),
    ],
)
def test_what_cannot_be_done_is_said(bench: SimpleNamespace, line: bytes, expected: str) -> None:
    found = answer(bench, line)
    assert found["ok"] is False
    assert expected in found["error"]
    assert bench.cars[1].spec == CarSpec()
    assert bench.csms.faults.refuse_connections is False


def test_a_car_is_changed_as_a_whole_or_not_at_all(bench: SimpleNamespace) -> None:
    request = {"do": "car", "control_mode": "scheduled", "scheduled_power_W": -5000, "soc_percent": 500}
    assert answer(bench, json.dumps(request).encode())["ok"] is False
    assert bench.cars[1].spec == CarSpec()
    assert answer(bench, json.dumps({**request, "soc_percent": 50}).encode())["ok"] is True
    assert bench.cars[1].spec == CarSpec(control_mode="scheduled", scheduled_power_W=-5000.0)


class NoTransaction:
    """A central system whose station has no transaction."""

    def __init__(self) -> None:
        self.faults = Faults()

    def running(self, identity: str, evse_id: int) -> str:
        raise LookupError("no transaction")


class RecordingPlant:
    """Does whatever is asked, and remembers it."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        return {"ok": True, "faults": {}}


class SilentDaemon:
    """Its EVSE waits for a car."""

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        evse = {"image": {"stage": "OFF", "faults": {}}, "transaction": None, "plugged": False}
        return {"ok": True, "evses": {"1": evse}}


def real_bench(folder: Path, *, own_car: bool = True) -> Bench:
    """A bench that was never started, with a plant that obeys and a central system without a transaction."""
    made = Bench(Choices(folder, own_car=own_car))
    made.plant = RecordingPlant()  # type: ignore[assignment]
    made._csms = NoTransaction()  # type: ignore[assignment]
    made.status = SilentDaemon()  # type: ignore[assignment]
    return made


def steer(made: Bench, request: dict[str, Any], programme: Programme | None = None) -> dict[str, Any]:
    return answered(made, json.dumps(request).encode(), programme)


@pytest.mark.parametrize("request_", [{"do": "setpoint", "power_W": -7000}, {"do": "stop"}])
def test_without_a_transaction_it_says_how_to_get_one(tmp_path: Path, request_: dict[str, Any]) -> None:
    error = steer(real_bench(tmp_path), request_)["error"]
    assert "no transaction runs on EVSE 1" in error
    assert '{"do": "plug"}' in error
    assert '{"do": "story"}' in error


def test_an_outside_car_is_not_plugged_by_the_demo(tmp_path: Path) -> None:
    made = real_bench(tmp_path, own_car=False)
    assert "--no-car" in steer(made, {"do": "plug"})["error"]
    assert made.plant.asked == []  # type: ignore[attr-defined]
    assert "has no story" in steer(made, {"do": "story"})["error"]


def test_a_reset_lists_the_faults_that_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.bench.bench.RESET_PATIENCE_S", 0.0)
    faults = {"faults": {"DOOR_OPEN": "cabinet door open"}, "fault_remedies": {"DOOR_OPEN": "close the door"}}
    evse: dict[str, Any] = {"image": faults}
    made = real_bench(tmp_path)
    daemon = RecordingPlant()

    async def ask(request: dict[str, Any]) -> dict[str, Any]:
        daemon.asked.append(request)
        return {"ok": True, "evses": {"1": evse}}

    made.status.ask = ask  # type: ignore[method-assign]
    assert steer(made, {"do": "reset"}) == {"ok": False, "error": "faults stay: cabinet door open: close the door"}
    assert daemon.asked[0] == {"do": "reset", "evse": 1}
    evse["image"] = {"faults": {}}
    assert steer(made, {"do": "reset"}) == {"ok": True}
    assert "faults reset" in made.notes[-1]


@pytest.mark.parametrize(
    ("request_", "note"),
    [
        ({"do": "estop"}, "emergency stop pressed"),
        ({"do": "estop", "on": False}, "emergency stop released"),
        ({"do": "door"}, "cabinet door opened"),
        ({"do": "fault", "name": "insulation", "value": 40000}, "fault name insulation, value 40000"),
        ({"do": "bus_fault", "bus": "fast1", "kind": "late"}, "bus fault bus fast1, kind late"),
    ],
)
def test_what_is_steered_is_in_the_notes(tmp_path: Path, request_: dict[str, Any], note: str) -> None:
    made = real_bench(tmp_path)
    assert steer(made, request_)["ok"] is True
    assert made.notes[-1].endswith(f"steered: {note}")
