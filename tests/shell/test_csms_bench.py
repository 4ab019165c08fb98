"""The bench central system is strict: what a careless station does wrong is refused or recorded."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from hil.simulators.csms import Csms

_ids = itertools.count()
AT = "2026-03-01T12:00:00.000Z"


async def station(csms: Csms, identity: str = "CP1") -> ClientConnection:
    return await connect(f"{csms.url}/{identity}", subprotocols=[Subprotocol("ocpp2.0.1")], proxy=None)


async def send(socket: ClientConnection, action: str, payload: dict[str, Any]) -> Any:
    """The response, or the error code."""
    await socket.send(json.dumps([2, f"id{next(_ids)}", action, payload]))
    answer = json.loads(await socket.recv())
    return answer[2]


async def boot(socket: ClientConnection) -> None:
    request = {"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}}
    assert (await send(socket, "BootNotification", request))["status"] == "Accepted"


def event(kind: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "eventType": kind,
        "timestamp": AT,
        "triggerReason": "Authorized",
        "seqNo": number,
        "transactionInfo": {"transactionId": "t"},
        "evse": {"id": 1, "connectorId": 1},
        **more,
    }


async def test_what_it_refuses() -> None:
    async with Csms() as csms, await station(csms) as socket:
        assert await send(socket, "Heartbeat", {}) == "SecurityError"
        await boot(socket)
        assert "currentTime" in await send(socket, "Heartbeat", {})
        assert await send(socket, "Heartbeat", {"x": 1}) == "FormatViolation"
        assert await send(socket, "MakeCoffee", {}) == "NotImplemented"
        token = {"idToken": "04a1b2c3", "type": "ISO14443"}
        assert await send(socket, "Authorize", {"idToken": token}) == "PropertyConstraintViolation"
        late = event("Started", 0, timestamp="2026-03-01T12:00:00.123456+00:00")
        assert await send(socket, "TransactionEvent", late) == "FormatViolation"
        sampled = {"value": -1, "measurand": "Power.Active.Import"}
        negative = event("Started", 0, meterValue=[{"timestamp": AT, "sampledValue": [sampled]}])
        assert await send(socket, "TransactionEvent", negative) == "PropertyConstraintViolation"
        assert len(csms.log("CP1").violations) == 6


async def test_what_it_records_of_transactions() -> None:
    async with Csms() as csms, await station(csms) as socket:
        await boot(socket)
        log = csms.log("CP1")
        for kind, number in (("Started", 0), ("Updated", 1), ("Updated", 1), ("Ended", 2)):
            assert await send(socket, "TransactionEvent", event(kind, number)) == {}
        assert log.violations == []  # sent again is no mistake
        transaction = log.transactions["t"]
        assert (transaction.copies, transaction.gaps, transaction.ended) == ({0: 1, 1: 2, 2: 1}, [], True)
        await send(socket, "TransactionEvent", event("Updated", 1, offline=True))
        await send(socket, "TransactionEvent", event("Ended", 4))
        assert [v.split(": ")[-1] for v in log.violations] == [
            "t seqNo 1 came again with another content",
            "after 2",
            "Ended after Ended",
        ]
        assert transaction.gaps == [3]
        with pytest.raises(LookupError):
            csms.running("CP1", 1)


async def test_what_a_schema_does_not_say() -> None:
    async with Csms() as csms, await station(csms) as socket:
        await boot(socket)
        for kind, number, info in (
            ("Started", 0, {"remoteStartId": 7}),
            ("Updated", 1, {"remoteStartId": 7}),
            ("Updated", 2, {"stoppedReason": "Local"}),
        ):
            sent = event(kind, number, transactionInfo={"transactionId": "u", **info})
            if kind == "Started":
                del sent["evse"]
            await send(socket, "TransactionEvent", sent)
        assert [v.split(": ")[-1] for v in csms.log("CP1").violations] == [
            "no EVSE and connector",
            "remoteStartId twice",
            "stoppedReason before the end",
        ]


async def test_its_faults() -> None:
    async with Csms(passwords={"CP2": "secret"}) as csms:
        with pytest.raises(InvalidStatus, match="401"):
            await station(csms)
        csms.passwords = None
        csms.faults.refuse_connections = True
        with pytest.raises(InvalidStatus, match="503"):
            await station(csms)
        csms.faults.refuse_connections = False
        async with await station(csms) as socket:
            await boot(socket)
            csms.faults.error = ("Heartbeat", "InternalError")
            assert await send(socket, "Heartbeat", {}) == "InternalError"
            assert "currentTime" in await send(socket, "Heartbeat", {})  # once
            csms.faults.garbage = ("Heartbeat", '[3, "x", {}]')
            assert await send(socket, "Heartbeat", {}) == {}
            csms.faults.swallow = "Heartbeat"
            await socket.send('[2, "lost", "Heartbeat", {}]')
            assert "currentTime" in await send(socket, "Heartbeat", {})
            csms.faults.drop_on = "Heartbeat"
            with pytest.raises(ConnectionClosed):
                await send(socket, "Heartbeat", {})
        assert len(csms.log("CP1").of("Heartbeat")) == 6
        with pytest.raises(InvalidStatus, match="400"):  # no sub-protocol
            await connect(f"{csms.url}/CP1", proxy=None)
