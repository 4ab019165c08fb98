"""The whole station under a central system made with mobilityhouse's `ocpp` library, which knows nothing of our bench."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any

from ocpp.routing import on
from ocpp.v201 import ChargePoint, call, call_result
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol


class CentralSystem(ChargePoint):  # type: ignore[misc]
    """Accepts everything and keeps the transaction's events."""

    def __init__(self, identity: str, socket: ServerConnection) -> None:
        super().__init__(identity, socket)
        self.events: list[dict[str, Any]] = []

    @on("BootNotification")
    def on_boot(self, **_: Any) -> Any:
        return call_result.BootNotification(datetime.now(UTC).isoformat(), 300, "Accepted")

    @on("Heartbeat")
    def on_heartbeat(self) -> Any:
        return call_result.Heartbeat(datetime.now(UTC).isoformat())

    @on("StatusNotification")
    def on_status(self, **_: Any) -> Any:
        return call_result.StatusNotification()

    @on("Authorize")
    def on_authorize(self, **_: Any) -> Any:
        return call_result.Authorize({"status": "Accepted"})

    @on("SecurityEventNotification")
    def on_security_event(self, **_: Any) -> Any:
        return call_result.SecurityEventNotification()

    @on("TransactionEvent")
    def on_event(self, **fields: Any) -> Any:
        self.events.append(fields)
        return call_result.TransactionEvent(id_token_info={"status": "Accepted"})

    def registers_Wh(self, measurand: str) -> list[float]:
        """Every reading of this register, in the order of its sending."""
        return [
            value["value"]
            for event in self.events
            for reading in event.get("meter_value", ())
            for value in reading["sampled_value"]
            if value.get("measurand") == measurand
        ]


def negative_limit(transaction_id: str, power_W: float) -> dict[str, Any]:
    """The plainest of the forms of OCPP 2.0.1: a TxProfile whose limit is below zero, once that means a set-point."""
    period = {"startPeriod": 0, "limit": power_W}
    return {
        "id": 7,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "transactionId": transaction_id,
        "chargingSchedule": [{"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [period]}],
    }


async def test_the_car_gives_because_an_outside_central_system_said_so(new_demo: Any) -> None:
    connected: asyncio.Future[CentralSystem] = asyncio.get_running_loop().create_future()

    async def serve_one(socket: ServerConnection) -> None:
        system = CentralSystem("CP-DEMO", socket)
        connected.set_result(system)
        with contextlib.suppress(Exception):
            await system.start()

    async with serve(serve_one, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp2.0.1")]) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        demo = new_demo("--csms", url)
        system = await connected
        await asyncio.to_thread(demo.until, "the first loop", lambda: demo.state()["car"]["loops"] > 0)
        meaning = {
            "component": {"name": "V2XChargingCtrlr"},
            "variable": {"name": "NegativeLimitMeaning"},
            "attribute_value": "Setpoint",
        }
        answer = await system.call(call.SetVariables(set_variable_data=[meaning]))
        assert answer.set_variable_result[0]["attribute_status"] == "Accepted", answer
        transaction_id = system.events[0]["transaction_info"]["transaction_id"]
        profile = negative_limit(transaction_id, -6000.0)
        answer = await system.call(call.SetChargingProfile(evse_id=1, charging_profile=profile))
        assert answer.status == "Accepted"
        await asyncio.to_thread(demo.until_power, -6000.0)
        assert "outside" in (await asyncio.to_thread(demo.steer, do="setpoint", power_W=1000))["error"]
        answer = await system.call(call.RequestStopTransaction(transaction_id))
        assert answer.status == "Accepted"
        await asyncio.to_thread(demo.until, "the end", lambda: system.events[-1]["event_type"] == "Ended")
    assert [event["seq_no"] for event in system.events] == list(range(len(system.events)))
    exported_Wh = system.registers_Wh("Energy.Active.Export.Register")
    assert exported_Wh[-1] > exported_Wh[0]
