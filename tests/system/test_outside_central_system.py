"""The whole station under a central system made with mobilityhouse's `ocpp` library, which knows nothing of our bench."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ocpp.v201 import call

from hil.simulators.library_csms import LibraryCsms, library_csms

if TYPE_CHECKING:
    from tests.system.conftest import Demo


def registers_Wh(system: LibraryCsms, measurand: str) -> list[float]:
    """Every reading of this register, in the order of its sending."""
    return [
        value["value"]
        for event in system.events
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


async def test_the_car_gives_because_an_outside_central_system_said_so(new_demo: Callable[..., Demo]) -> None:
    async with library_csms("CP-DEMO") as (url, connected):
        demo = new_demo("--csms", url)
        await asyncio.to_thread(demo.until, "the station to connect", connected.done)
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
    exported_Wh = registers_Wh(system, "Energy.Active.Export.Register")
    assert exported_Wh[-1] > exported_Wh[0]
