"""A minimal charging station on mobilityhouse's `ocpp` library, for the certification suite's JSON-lines interface.

One EVSE, one connector, a handful of variables. It is not ours: the suite must judge it like any other. `--fault NAME` breaks it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import sys
import uuid
from datetime import UTC, datetime
from typing import Any

from ocpp.routing import on
from ocpp.v201 import ChargePoint, call, call_result
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

IDENTITY = "MINIMAL"
RETRY_S = 0.2
FAULTS = ("none", "seq_no_jumps", "no_status_after_unplug", "accepts_unknown_component")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class MinimalStation(ChargePoint):
    """The station's side of one connection; what outlives it is in `memory`."""

    def __init__(self, socket: Any, memory: Memory) -> None:
        super().__init__(IDENTITY, socket)
        self.memory = memory

    @on("GetVariables")
    def on_get_variables(self, get_variable_data: list[dict[str, Any]], **_: Any) -> Any:
        return call_result.GetVariables([self.read(data) for data in get_variable_data])

    def read(self, data: dict[str, Any]) -> dict[str, Any]:
        status, key = self.memory.status_of(data)
        result = {"attribute_status": status, "component": data["component"], "variable": data["variable"]}
        return result | ({"attribute_value": self.memory.variables[key]} if status == "Accepted" else {})

    @on("SetVariables")
    def on_set_variables(self, set_variable_data: list[dict[str, Any]], **_: Any) -> Any:
        return call_result.SetVariables([self.write(data) for data in set_variable_data])

    def write(self, data: dict[str, Any]) -> dict[str, Any]:
        status, key = self.memory.status_of(data)
        if status == "Accepted":
            self.memory.variables[key] = data["attribute_value"]
        return {"attribute_status": status, "component": data["component"], "variable": data["variable"]}

    @on("ClearCache")
    def on_clear_cache(self, **_: Any) -> Any:
        return call_result.ClearCache("Accepted")

    async def report_connector(self) -> None:
        await self.call(call.StatusNotification(now(), self.memory.connector, 1, 1))


class Memory:
    """What the station knows over connections."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.connector = "Available"
        self.variables = {
            ("OCPPCommCtrlr", "OfflineThreshold"): "60",
            ("TxCtrlr", "TxStartPoint"): "PowerPathClosed",
            ("TxCtrlr", "TxStopPoint"): "Authorized",
            ("AuthCtrlr", "Enabled"): "true",
        }
        self.token: dict[str, Any] | None = None
        self.transaction: str | None = None
        self.seq_no = 0

    def status_of(self, data: dict[str, Any]) -> tuple[str, tuple[str, str]]:
        key = (data["component"]["name"], data["variable"]["name"])
        if key in self.variables:
            return "Accepted", key
        if key[0] not in {component for component, _ in self.variables}:
            return ("Rejected" if self.fault == "accepts_unknown_component" else "UnknownComponent"), key
        return "UnknownVariable", key


class Bench:
    """Verbs of the JSON-lines interface, performed on one station."""

    def __init__(self, fault: str) -> None:
        self.memory = Memory(fault)
        self.station: MinimalStation | None = None
        self.connection: asyncio.Task[None] | None = None

    async def perform(self, request: dict[str, Any]) -> None:
        match request["do"]:
            case "open" | "restore_factory_state":
                await self.stop()
                self.memory = Memory(self.memory.fault)
                self.connection = asyncio.create_task(self.run(request["url"], request["password"]))
            case "close":
                await self.stop()
            case "plug":
                self.memory.connector = "Occupied"
                await self.up.report_connector()
                await self.charge()
            case "unplug":
                await self.unplug()
            case "present":
                await self.present({"idToken": request["token"], "type": request["type"]})
            case "clear_faults":
                pass
            case verb:
                raise ValueError(f"this bench has no {verb}")

    @property
    def up(self) -> MinimalStation:
        if self.station is None:
            raise ValueError("the station is offline")
        return self.station

    async def run(self, url: str, password: str) -> None:
        credentials = base64.b64encode(f"{IDENTITY}:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}"}
        while True:
            with contextlib.suppress(OSError, ConnectionClosed):
                async with connect(
                    f"{url}/{IDENTITY}", subprotocols=[Subprotocol("ocpp2.0.1")], additional_headers=headers
                ) as socket:
                    await self.talk(socket)
            self.station = None
            await asyncio.sleep(RETRY_S)

    async def talk(self, socket: Any) -> None:
        station = MinimalStation(socket, self.memory)
        reading = asyncio.create_task(station.start())
        model = {"model": "minimal", "vendorName": "nobody", "serialNumber": "1"}
        await station.call(call.BootNotification(model, "PowerUp"))
        await station.report_connector()
        await station.call(call.SecurityEventNotification("StartupOfTheDevice", now()))
        self.station = station
        with contextlib.suppress(ConnectionClosed):
            await reading

    async def stop(self) -> None:
        if self.connection is not None:
            self.connection.cancel()
            await asyncio.gather(self.connection, return_exceptions=True)
        self.connection = self.station = None

    # -- a session

    async def present(self, token: dict[str, Any]) -> None:
        memory = self.memory
        if memory.transaction is not None and token == memory.token:
            await self.event("Ended", "StopAuthorized", "EVConnected", stopped_reason="Local")
            memory.transaction = memory.token = None
            return
        answer = await self.up.call(call.Authorize(token))
        if answer is not None and answer.id_token_info["status"] == "Accepted":
            memory.token = token
            await self.charge()

    async def charge(self) -> None:
        memory = self.memory
        if memory.token is None or memory.connector != "Occupied" or memory.transaction is not None:
            return
        memory.transaction, memory.seq_no = str(uuid.uuid4()), 0
        await self.event("Started", "ChargingStateChanged", "SuspendedEVSE", id_token=memory.token)
        await self.event("Updated", "ChargingStateChanged", "Charging")

    async def unplug(self) -> None:
        memory = self.memory
        if memory.transaction is not None:
            await self.event("Ended", "EVCommunicationLost", "Idle", stopped_reason="EVDisconnected")
            memory.transaction = memory.token = None
        memory.connector = "Available"
        if memory.fault != "no_status_after_unplug":
            await self.up.report_connector()

    async def event(self, kind: str, trigger: str, state: str, *, stopped_reason: str = "", **further: Any) -> None:
        info = {"transactionId": self.memory.transaction, "chargingState": state}
        if stopped_reason:
            info["stoppedReason"] = stopped_reason
        evse = {"id": 1, "connectorId": 1}
        seq_no = self.memory.seq_no
        self.memory.seq_no += 2 if self.memory.fault == "seq_no_jumps" else 1
        await self.up.call(call.TransactionEvent(kind, now(), trigger, seq_no, info, evse=evse, **further))


async def main(fault: str) -> None:
    bench = Bench(fault)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        try:
            await bench.perform(json.loads(line))
            answer: dict[str, Any] = {"ok": True}
        except (ValueError, ConnectionClosed, TimeoutError) as error:
            answer = {"ok": False, "error": str(error) or type(error).__name__}
        print(json.dumps(answer), flush=True)
    await bench.stop()


if __name__ == "__main__":
    name = sys.argv[1] if len(sys.argv) > 1 else "none"
    assert name in FAULTS
    asyncio.run(main(name))
