"""Back to idle: what is undone, in virtual time with a bench that remembers what was asked; what stays is named."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hil.scenario.bench_door import in_time_of_bench
from hil.simulators.csms import Faults
from hil.simulators.line_socket import Refused
from hil.steering.idle import IDLE_S, IdleBench
from tests.unit.hil.steering.fake_bench import FakeObserved, FakeSocket, evse_picture


class IdleCsms:
    """A central system that keeps what it is asked."""

    def __init__(self) -> None:
        self.faults = Faults(refuse_connections=True)
        self.tokens = {"04": "Blocked"}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def log(self, identity: str) -> Any:
        return SimpleNamespace(socket=object())

    async def call(self, identity: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((action, payload))
        return {"status": "Accepted"}


class LockedBench:
    """Two EVSEs; the lock of the second does not open, and the picture of the first is what a test makes it."""

    def __init__(self) -> None:
        self.choices = SimpleNamespace(csms_url=None)
        self.sees_status = True
        self.identity = "CP"
        self.csms = IdleCsms()
        self.plant = FakeSocket({})
        self.status = FakeSocket({})
        self.forgotten: list[int] = []
        self.pulled: list[int] = []
        self.notes: list[str] = []
        self.plugged = {1: True, 2: True}
        self.pictures: dict[int, list[dict[str, Any]]] = {1: [evse_picture()], 2: [evse_picture()]}
        self.cars = {number: SimpleNamespace(forget=self._forget(number)) for number in (1, 2)}

    def _forget(self, number: int) -> Any:
        async def forget() -> None:
            self.forgotten.append(number)

        return forget

    async def plant_state(self, evse: int) -> dict[str, Any]:
        return {"plugged": self.plugged[evse], "soc_percent": 50.0, "capacity_Wh": 60_000.0, "grid_voltage_V": 230.0}

    async def unplug(self, evse: int, *, patience_s: float) -> None:
        if evse == 2:
            raise Refused("the connector is locked")
        self.plugged[evse] = False

    async def pull_plug(self, evse: int) -> None:
        self.pulled.append(evse)

    async def evse(self, number: int) -> dict[str, Any]:
        pictures = self.pictures[number]
        return pictures.pop(0) if len(pictures) > 1 else pictures[0]

    def running(self, evse: int) -> str:
        return f"transaction-{evse}"

    def note(self, text: str) -> None:
        self.notes.append(text)


def restored(bench: LockedBench, observed: FakeObserved) -> tuple[list[str], float]:
    async def work() -> tuple[list[str], float]:
        idle = IdleBench(observed)  # type: ignore[arg-type]
        bench.csms.tokens.clear()
        await idle.remember()
        bench.csms.tokens["04"] = "Blocked"
        began_s = observed.now_s()
        left = await idle.restore()
        return left, observed.now_s() - began_s

    found: tuple[list[str], float] = in_time_of_bench(work, virtual=True)
    return found


def test_everything_is_undone() -> None:
    bench = LockedBench()
    observed = FakeObserved(bench)  # type: ignore[arg-type]
    observed.injected = (("csms.late", {"action": "Heartbeat", "evse": 1}), ("physics.insulation", {"evse": 2}))
    left, _ = restored(bench, observed)
    assert left == []
    assert [verb for verb, _ in observed.done] == ["heal csms.late", "heal physics.insulation"]
    assert bench.csms.faults == Faults()
    assert bench.csms.tokens == {}
    assert bench.csms.calls == [("ClearChargingProfile", {})]
    assert bench.plugged[1] is False
    assert bench.pulled == [2]
    assert bench.forgotten == [2]
    asked = bench.plant.asked
    for number in (1, 2):
        assert {"do": "estop", "evse": number, "on": False} in asked
        assert {"do": "door", "evse": number, "open": False} in asked
        assert {"do": "grid", "evse": number, "voltage_V": 230.0, "others_W": 0.0} in asked
        assert {"do": "car", "evse": number, "soc_percent": 50.0, "capacity_Wh": 60_000.0} in asked
    assert bench.status.asked == [{"do": "limit"}]


def test_a_transaction_that_goes_on_is_stopped_and_a_latch_is_let_go() -> None:
    bench = LockedBench()
    fault: dict[str, Any] = {"image": {"stage": "FAULTED", "faults": {"DOOR_OPEN": "door open"}}}
    bench.pictures[1] = [evse_picture(transaction={"id": "x"}), evse_picture(transaction={"id": "x"}), evse_picture()]
    bench.pictures[2] = [evse_picture(**fault), evse_picture()]
    left, _ = restored(bench, FakeObserved(bench))  # type: ignore[arg-type]
    assert left == []
    assert ("RequestStopTransaction", {"transactionId": "transaction-1"}) in bench.csms.calls
    assert [action for action, _ in bench.csms.calls].count("RequestStopTransaction") == 1
    assert {"do": "reset", "evse": 2} in bench.status.asked


def test_what_does_not_come_back_is_named_after_its_time() -> None:
    bench = LockedBench()
    bench.pictures[2] = [evse_picture(image={"stage": "FAULTED", "faults": {"WELDED": "contactor welded"}})]
    left, took_s = restored(bench, FakeObserved(bench))  # type: ignore[arg-type]
    assert left == ["EVSE 2: contactor welded"]
    assert IDLE_S <= took_s < IDLE_S + 1.0
    assert "not idle: EVSE 2" in bench.notes[-1]
