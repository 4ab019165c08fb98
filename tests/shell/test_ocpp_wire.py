"""The client at the other end of a raw WebSocket: every frame of ours held against Part 4 and Part 2's small print, and
central systems that misbehave in all the ways a socket allows."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib.resources
import json
import logging
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from chargepoint.app.clock import SystemClock
from chargepoint.app.station_shell import keep_transaction
from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.commands import CommandResult, StationCommand
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.status import AuthorizationStatus, ConnectorStatus, ConnectorStatusChanged, EvseState
from chargepoint.model.transactions import (
    ChargingState,
    MeterSample,
    ReadingContext,
    StopReason,
    TransactionRecord,
    TriggerReason,
)
from chargepoint.ocpp.client import OcppClient
from chargepoint.store.database import Store
from chargepoint.store.rows import Enqueue
from chargepoint.transactions.ledger import Ledger

TOKEN = IdToken("04A1B2C3", IdTokenType.ISO14443)
PASSWORD = "0123456789abcdef"
SUBPROTOCOL = Subprotocol("ocpp2.0.1")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SCHEMAS = importlib.resources.files("ocpp") / "v201" / "schemas"

Frame = list[Any]
Answer = Callable[["Ear", Frame], Awaitable[None]]


class Port:
    def __init__(self) -> None:
        self.commands: list[StationCommand] = []

    def evse_states(self) -> tuple[EvseState, ...]:
        return (
            EvseState(EvseId(1), ConnectorStatus.AVAILABLE, False, None, None, False, 22e3, 11e3, None, None, True),
            EvseState(EvseId(2), ConnectorStatus.FAULTED, False, None, None, False, 22e3, 11e3, None, None, True),
        )

    def command(self, command: StationCommand) -> CommandResult:
        self.commands.append(command)
        return CommandResult(True)

    def firmware_version(self) -> str:
        return "1.2.3"


class Ear:
    """A central system without manners: `answer` says what happens to a CALL, everything heard is checked."""

    def __init__(self) -> None:
        self.answer: Answer = answer_all
        self.admit: Callable[[Request], Response | None] = lambda _: None
        self.socket: ServerConnection | None = None
        self.connections = 0
        self.calls: list[Frame] = []
        self.replies: list[Frame] = []
        self.faults: list[str] = []
        self.requests: list[Request] = []
        self._texts: dict[str, str] = {}
        self.unanswered: str | None = None
        self._changed = asyncio.Condition()
        self._server: Server | None = None

    async def start(self) -> None:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            subprotocols=[SUBPROTOCOL],
            process_request=self._process,
            compression=None,
            close_timeout=0.1,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def _process(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        return self.admit(request)

    async def _serve(self, socket: ServerConnection) -> None:
        self.socket, self.unanswered = socket, None
        self.connections += 1
        async with self._changed:
            self._changed.notify_all()
        with contextlib.suppress(ConnectionClosed):
            async for frame in socket:
                await self._hear(frame)

    async def _hear(self, frame: str | bytes) -> None:
        message = self._checked(frame)
        if message[0] == 2:
            if self.unanswered is not None:
                self.faults.append(f"{message[2]} while {self.unanswered} is not answered")
            self.unanswered = message[1]
            self.calls.append(message)
            await self.answer(self, message)
        else:
            self.replies.append(message)
        async with self._changed:
            self._changed.notify_all()

    def _checked(self, frame: str | bytes) -> Frame:
        assert isinstance(frame, str)
        message: Frame = json.loads(frame)
        kind, unique_id, payload = message[0], message[1], message[-1]
        if len(message) != {2: 4, 3: 3, 4: 5}[kind] or not isinstance(payload, dict):
            self.faults.append(f"shape of {frame[:60]}")
        if not isinstance(unique_id, str) or not 0 < len(unique_id) <= 36:
            self.faults.append(f"id {unique_id}")
        if kind == 2:
            if self._texts.setdefault(unique_id, frame) != frame:
                self.faults.append(f"id {unique_id} for two messages")
            validator = jsonschema_rs.validator_for(
                json.loads((SCHEMAS / f"{message[2]}Request.json").read_text("utf-8-sig"))
            )
            self.faults += [f"{message[2]}: {error.message}" for error in validator.iter_errors(payload)]
        if re.search(r"[\d.][eE][+-]?\d", re.sub(r'"[^"]*"', "", frame)):
            self.faults.append(f"a number with an exponent: {frame[:200]}")
        for name, value in _leaves(payload):
            if value is None or value == [] or (value == "" and name not in ("idToken", "attributeValue", "value")):
                self.faults.append(f"{message[2] if kind == 2 else kind}: {name} is {value!r}")
            if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value) and not TIMESTAMP.fullmatch(value):
                self.faults.append(f"{name} = {value}")
        return message

    # -- what a test does --------------------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(condition)

    async def send(self, message: Any) -> None:
        assert self.socket is not None
        await self.socket.send(message if isinstance(message, (str, bytes)) else json.dumps(message))

    async def result(self, call: Frame, payload: dict[str, Any]) -> None:
        self.unanswered = None
        await self.send([3, call[1], payload])

    async def ask(self, action: str, payload: dict[str, Any]) -> Frame:
        unique_id = str(uuid.uuid4())
        await self.send([2, unique_id, action, payload])
        await self.until(lambda: any(reply[1] == unique_id for reply in self.replies))
        return next(reply for reply in self.replies if reply[1] == unique_id)

    def of(self, action: str) -> list[dict[str, Any]]:
        return [call[3] for call in self.calls if call[2] == action]


def _leaves(value: Any, name: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, key)]
    if isinstance(value, list) and value:
        return [leaf for inner in value for leaf in _leaves(inner, name)]
    return [(name, value)]


def usual(action: str, status: str = "Accepted", interval: int = 300) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    match action:
        case "BootNotification":
            return {"currentTime": now, "interval": interval, "status": status}
        case "Heartbeat":
            return {"currentTime": now}
        case "Authorize":
            return {"idTokenInfo": {"status": "Accepted"}}
        case _:
            return {}


async def answer_all(ear: Ear, call: Frame) -> None:
    await ear.result(call, usual(call[2]))


class Station:
    """The client with store and ledger, as the app wires them."""

    def __init__(self, ear: Ear, folder: Path, **settings: Any) -> None:
        self.port = Port()
        self.store = Store.open(folder / "s.db")
        section = CsmsSection(
            url=settings.pop("url", f"ws://127.0.0.1:{ear.port}"),
            identity="CP 1".replace(" ", "_"),
            reconnect_min_s=0.05,
            reconnect_max_s=1.0,
            call_timeout_s=1.0,
            **settings,
        )
        self.client = OcppClient(
            section, StationSection(), self.store, self.port, SystemClock(), logging.getLogger("test.wire")
        )
        self.ledger = Ledger(EvseId(1))
        self.import_Wh = 12_345.678
        self.task = asyncio.create_task(self.client.run())

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        self.store.close()

    def sample(self) -> MeterSample:
        self.import_Wh += 1e-9
        return MeterSample(
            datetime.now(UTC),
            ReadingContext.SAMPLE_PERIODIC,
            self.import_Wh,
            1e-8,
            1e-5,
            400.1 / 3,
            -1e-7,
            55.0,
            -5000.0,
        )

    async def keep(self, record: TransactionRecord | None) -> None:
        assert record is not None
        keep = keep_transaction(EvseId(1), self.ledger.state)
        await self.store.commit(keep, Enqueue(self.client.outbox_row(record)))
        self.client.outbox_changed()

    async def begin(self) -> None:
        await self.keep(
            self.ledger.start(
                TransactionId(str(uuid.uuid4())),
                self.sample(),
                TriggerReason.REMOTE_START,
                0.0,
                ChargingState.EV_CONNECTED,
                TOKEN,
                7,
            )
        )

    async def set(self, name: str, value: str, ear: Ear) -> None:
        variable = (
            {"name": name, "instance": "TransactionEvent"} if name.startswith("MessageAttempt") else {"name": name}
        )
        data = {"component": {"name": "OCPPCommCtrlr"}, "variable": variable, "attributeValue": value}
        reply = await ear.ask("SetVariables", {"setVariableData": [data]})
        assert reply[2]["setVariableResult"][0]["attributeStatus"] == "Accepted"


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    ear = Ear()
    await ear.start()
    yield ear
    await ear.stop()


@pytest.fixture
async def station(ear: Ear, tmp_path: Path) -> AsyncIterator[Station]:
    station = Station(ear, tmp_path)
    yield station
    await station.stop()


async def told_all(ear: Ear, station: Station) -> None:
    """Boot, both connectors, the security event."""
    await ear.until(lambda: len(ear.of("StatusNotification")) >= 2 and len(ear.of("SecurityEventNotification")) >= 1)
    async with asyncio.timeout(5):
        while not station.client.online or station.store.outbox_depth():
            await asyncio.sleep(0.002)


# -- what we send ------------------------------------------------------------------------------------------------------


async def test_every_frame_of_a_long_day(ear: Ear, station: Station) -> None:
    await told_all(ear, station)
    await station.client.authorize(TOKEN, EvseId(1))
    await station.begin()
    await station.keep(station.ledger.state_changed(ChargingState.CHARGING, station.sample()))
    for _ in range(3):
        await station.keep(station.ledger.sample(station.sample()))
    await station.client.meter_values(EvseId(2), station.sample())
    for status in ("OCCUPIED", "AVAILABLE", "UNAVAILABLE"):
        change = ConnectorStatusChanged(EvseId(1), 1, ConnectorStatus[status], datetime.now(UTC))
        await station.client.status_changed(change)
        await ear.until(lambda told=status: ear.of("StatusNotification")[-1]["connectorStatus"].upper() == told)  # type: ignore[misc]
    for action, payload in (
        ("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}),
        ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
        ("TriggerMessage", {"requestedMessage": "LogStatusNotification"}),
        ("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification", "evse": {"id": 1}}),
        ("TriggerMessage", {"requestedMessage": "StatusNotification", "evse": {"id": 2, "connectorId": 1}}),
        ("GetCompositeSchedule", {"evseId": 0, "duration": 300}),
        ("GetTransactionStatus", {}),
    ):
        reply = await ear.ask(action, payload)
        assert reply[0] == 3, reply
    await station.keep(
        station.ledger.end(station.sample(), TriggerReason.STOP_AUTHORIZED, StopReason.LOCAL, id_token=TOKEN)
    )
    await ear.until(lambda: [e["eventType"] for e in ear.of("TransactionEvent")][-1:] == ["Ended"])
    await ear.until(lambda: bool(ear.of("NotifyReport")) and not ear.of("NotifyReport")[-1]["tbc"])
    events = ear.of("TransactionEvent")
    assert [e["seqNo"] for e in events] == list(range(6))
    assert [e["transactionInfo"].get("remoteStartId") for e in events] == [7, None, None, None, None, None]
    assert [e["transactionInfo"].get("stoppedReason") for e in events] == [None] * 5 + ["Local"]
    assert all(e["evse"] == {"id": 1, "connectorId": 1} and "reservationId" not in e for e in events)
    assert ear.calls[0][2] == "BootNotification"
    assert ear.faults == []


async def test_pending_sends_what_was_asked_and_nothing_else(ear: Ear, station: Station) -> None:
    """TC_B_02: reports and triggered messages go out, the rest waits; the triggered boot says Triggered."""
    boots: list[str] = []

    async def pending(ear: Ear, call: Frame) -> None:
        if call[2] == "BootNotification":
            boots.append(call[3]["reason"])
        await ear.result(call, usual(call[2], "Pending" if len(boots) < 2 else "Accepted", 600))

    ear.answer = pending
    await ear.until(lambda: len(boots) == 1)
    await station.begin()
    assert (await ear.ask("GetBaseReport", {"requestId": 1, "reportBase": "SummaryInventory"}))[2][
        "status"
    ] == "Accepted"
    await ear.until(lambda: bool(ear.of("NotifyReport")))
    stop = await ear.ask("RequestStopTransaction", {"transactionId": "x"})
    assert stop[2]["status"] == "Rejected"
    profile = {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": [
            {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6000}]}
        ],
    }
    assert (await ear.ask("SetChargingProfile", {"evseId": 1, "chargingProfile": profile}))[2]["status"] == "Accepted"
    await ear.ask("GetChargingProfiles", {"requestId": 3, "chargingProfile": {}})
    waits = await ear.ask("TriggerMessage", {"requestedMessage": "TransactionEvent"})
    assert waits[2]["status"] == "Rejected"
    await station.client.meter_values(EvseId(1), station.sample())  # nobody asked
    assert {call[2] for call in ear.calls} == {"BootNotification", "NotifyReport"}
    await station.client.meter_values(EvseId(1), replace(station.sample(), context=ReadingContext.TRIGGER))
    await ear.until(lambda: len(ear.of("MeterValues")) == 1)
    assert (await ear.ask("TriggerMessage", {"requestedMessage": "BootNotification"}))[2]["status"] == "Accepted"
    await ear.until(lambda: boots == ["PowerUp", "Triggered"])
    await ear.until(lambda: len(ear.of("ReportChargingProfiles")) == 1)
    await ear.until(lambda: len(ear.of("TransactionEvent")) == 1)
    assert ear.of("TransactionEvent")[0]["offline"] is True
    assert ear.faults == []


async def test_times_are_those_of_the_central_system(ear: Ear, station: Station) -> None:
    """B01.FR.06: what is billed has its clock."""
    ahead = timedelta(hours=1)

    async def answer(ear: Ear, call: Frame) -> None:
        payload = usual(call[2])
        if "currentTime" in payload:
            payload["currentTime"] = (datetime.now(UTC) + ahead).isoformat()
        await ear.result(call, payload)

    ear.answer = answer
    await told_all(ear, station)
    await station.begin()
    await station.client.meter_values(EvseId(2), station.sample())
    change = ConnectorStatusChanged(EvseId(1), 1, ConnectorStatus.OCCUPIED, datetime.now(UTC))
    await station.client.status_changed(change)
    await ear.until(lambda: bool(ear.of("TransactionEvent")) and bool(ear.of("MeterValues")))
    await ear.until(lambda: ear.of("StatusNotification")[-1]["connectorStatus"] == "Occupied")
    event, idle = ear.of("TransactionEvent")[0], ear.of("MeterValues")[0]
    told = [event, event["meterValue"][0], idle["meterValue"][0], *ear.of("StatusNotification")]
    for value in told:
        behind = datetime.now(UTC) + ahead - datetime.fromisoformat(value["timestamp"])
        assert timedelta(0) <= behind < timedelta(minutes=1)
    assert ear.faults == []


# -- a message that does not get through (E13) -------------------------------------------------------------------------


async def test_a_message_that_alone_is_ignored_is_given_up(ear: Ear, station: Station) -> None:
    """TC_E_41: MessageAttempts times, then the next one; the text of what was given up is in the journal."""
    await told_all(ear, station)
    await station.set("MessageAttempts", "2", ear)
    await station.set("MessageAttemptInterval", "0", ear)

    async def ignore_the_first(ear: Ear, call: Frame) -> None:
        if call[2] == "TransactionEvent" and call[3]["seqNo"] == 0:
            ear.unanswered = None
        else:
            await ear.result(call, usual(call[2]))

    ear.answer = ignore_the_first
    await station.begin()
    await station.keep(station.ledger.sample(station.sample()))
    await ear.until(lambda: [e["seqNo"] for e in ear.of("TransactionEvent")] == [0, 0, 1])
    assert ear.connections == 1
    async with asyncio.timeout(5):
        while not any('"seqNo":0' in line.text for line in station.store.journal()):
            await asyncio.sleep(0.005)
    assert ear.faults == []


async def test_silence_on_everything_costs_nothing(ear: Ear, station: Station) -> None:
    """A central system that hangs: the connection is made again, the message is kept and arrives."""
    await told_all(ear, station)
    await station.set("MessageAttempts", "1", ear)
    await station.set("MessageAttemptInterval", "0", ear)

    async def hang(ear: Ear, call: Frame) -> None:
        ear.unanswered = None

    ear.answer = hang
    await station.begin()
    await ear.until(lambda: ear.connections == 2)
    ear.answer = answer_all
    async with asyncio.timeout(5):
        while station.store.outbox_depth():
            await asyncio.sleep(0.005)
    assert {e["seqNo"] for e in ear.of("TransactionEvent")} == {0}
    assert not any("discarded" in line.text for line in station.store.journal())
    assert len({json.dumps(e) for e in ear.of("TransactionEvent")}) == 1
    assert ear.faults == []


async def test_what_waited_is_marked_offline_but_never_what_was_sent(ear: Ear, station: Station) -> None:
    """E11.FR.07 and byte-identical resending together."""
    await told_all(ear, station)

    async def cut(ear: Ear, call: Frame) -> None:
        if call[2] == "TransactionEvent":
            for _ in range(2):
                await station.keep(station.ledger.sample(station.sample()))
            assert ear.socket is not None
            ear.answer = answer_all
            ear.socket.transport.abort()
        else:
            await ear.result(call, usual(call[2]))

    ear.answer = cut
    await station.begin()
    await ear.until(lambda: len(ear.of("TransactionEvent")) == 4)
    assert [(e["seqNo"], e.get("offline", False)) for e in ear.of("TransactionEvent")] == [
        (0, False),
        (0, False),
        (1, True),
        (2, True),
    ]
    assert ear.faults == []


# -- what a peer may send ----------------------------------------------------------------------------------------------


async def test_odd_frames_are_survived_on_one_connection(ear: Ear, station: Station) -> None:
    await told_all(ear, station)
    assert ear.socket is not None
    for frame in (
        [3, "nobody", {}],
        [3, "nobody"],
        [3],
        [4, "nobody", "InternalError", "", {}],
        [4, "nobody"],
        [3, 17, {}],
        [4, None, None, None, None],
    ):
        await ear.send(frame)
    await ear.socket.ping()
    before = len(ear.replies)
    odd: list[tuple[list[Any], int]] = [
        ([2, "dup", "ClearCache", {}], 3),
        ([2, "dup", "ClearCache", {}], 3),  # a second CALL of the same id is answered again
        ([5, "five", "InternalError", "", {}], 4),
        ([6, "six", "NotifyPeriodicEventStream", {}], 4),
        ([2.0, "float", "ClearCache", {}], 3),  # JSON knows one kind of number: 2.0 is 2
        (["2", "text", "ClearCache", {}], 4),
        ([2, "none", "ClearCache", None], 4),
        ([2, "list", "ClearCache", []], 4),
        ([2, "short"], 4),
        ([2, "x", "ClearCache", {"customData": {"vendorId": "v", "anything": [None, {"a": 1}]}}], 3),
        ([2, "y", "ClearCache", {"more": 1}], 4),
        ([2, "z", "clearcache", {}], 4),
    ]
    for frame, _ in odd:
        await ear.send(frame)
    await ear.socket.send(iter(['[2,"frag","Clear', 'Cache",', "{}]"]))  # one message in three WebSocket frames
    await ear.until(lambda: len(ear.replies) == before + len(odd) + 1)
    assert [reply[0] for reply in ear.replies[before:]] == [kind for _, kind in odd] + [3]
    codes = [reply[2] for reply in ear.replies[before:] if reply[0] == 4]
    assert codes == [
        "MessageTypeNotSupported",
        "MessageTypeNotSupported",
        "MessageTypeNotSupported",
        "FormatViolation",
        "FormatViolation",
        "RpcFrameworkError",
        "FormatViolation",
        "NotImplemented",
    ]
    assert ear.connections == 1
    assert ear.faults == []


async def test_a_frame_beyond_all_bounds_ends_the_connection_only(ear: Ear, station: Station) -> None:
    await told_all(ear, station)
    await ear.send(json.dumps([2, "big", "DataTransfer", {"vendorId": "x", "data": "x" * (300 * 1024)}]))
    await ear.until(lambda: [reply[:3] for reply in ear.replies] == [[4, "-1", "RpcFrameworkError"]])
    with contextlib.suppress(ConnectionClosed):
        await ear.send("x" * (2 << 20))
    await ear.until(lambda: ear.connections == 2)
    assert (await ear.ask("ClearCache", {}))[0] == 3


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4999])
async def test_whatever_the_close_code_it_comes_back_without_a_boot(ear: Ear, station: Station, code: int) -> None:
    await told_all(ear, station)
    assert ear.socket is not None
    await ear.socket.close(code, "because")
    await ear.until(lambda: ear.connections == 2)
    assert (await ear.ask("ClearCache", {}))[0] == 3
    assert len(ear.of("BootNotification")) == 1
    assert ear.faults == []


async def test_an_answer_of_the_wrong_form_is_not_believed(ear: Ear, station: Station) -> None:
    await told_all(ear, station)
    answers: list[Any] = [
        {"idTokenInfo": {"status": "Certainly"}},
        {"idTokenInfo": "Accepted"},
        {},
    ]

    async def strange(ear: Ear, call: Frame) -> None:
        await ear.result(call, answers.pop(0) if call[2] == "Authorize" else usual(call[2]))

    ear.answer = strange
    for _ in range(3):
        assert (await station.client.authorize(TOKEN, EvseId(1))).status is AuthorizationStatus.UNKNOWN
    assert ear.connections == 1


async def test_a_careless_central_system_is_understood(ear: Ear, station: Station) -> None:
    """Times without zone and fields of other versions in its answers; in its requests both are refused."""

    async def careless(ear: Ear, call: Frame) -> None:
        answer = {**usual(call[2]), "fromAnotherVersion": 1}
        if "currentTime" in answer:
            answer["currentTime"] = datetime.now(UTC).replace(tzinfo=None).isoformat()
        await ear.result(call, answer)

    ear.answer = careless
    await told_all(ear, station)
    assert (await station.client.authorize(TOKEN, EvseId(1))).status is AuthorizationStatus.ACCEPTED
    offset_s = station.client.snapshot()["clock_offset_s"]
    assert isinstance(offset_s, float)
    assert abs(offset_s) < 5
    reply = await ear.ask("ClearCache", {"fromAnotherVersion": 1})
    assert reply[2] == "FormatViolation"
    assert ear.faults == []


# -- the handshake -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [302, 401, 403, 404, 429, 500, 503])
async def test_a_refused_handshake_is_tried_again(ear: Ear, tmp_path: Path, status: int) -> None:
    elsewhere = Ear()
    await elsewhere.start()
    refusals = 2

    def admit(request: Request) -> Response | None:
        nonlocal refusals
        refusals -= 1
        headers = Headers({"Content-Length": "0", "Connection": "close"})
        if status == 302:
            headers["Location"] = f"ws://127.0.0.1:{elsewhere.port}/elsewhere"
        return Response(status, "no", headers) if refusals >= 0 else None

    ear.admit = admit
    elsewhere.admit = lambda _: Response(403, "no", Headers({"Content-Length": "0", "Connection": "close"}))
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    station = Station(ear, tmp_path, password_file=secret)
    await told_all(ear, station)
    expected = "Basic " + base64.b64encode(f"CP_1:{PASSWORD}".encode()).decode()
    assert [r.headers["Authorization"] for r in ear.requests] == [expected] * 3
    assert ear.requests[0].path == "/CP_1"
    assert all("Authorization" not in r.headers for r in elsewhere.requests)  # the password is for one server
    await station.stop()
    await elsewhere.stop()


async def test_a_server_that_never_speaks_is_left(ear: Ear, tmp_path: Path) -> None:
    came = asyncio.Event()
    twice = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (twice if came.is_set() else came).set()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    station = Station(ear, tmp_path, url=f"ws://127.0.0.1:{port}")
    async with asyncio.timeout(10):
        await twice.wait()
    await station.stop()
    server.close()


async def test_a_half_open_line_is_noticed_by_ping(ear: Ear, tmp_path: Path) -> None:
    station = Station(ear, tmp_path, ping_interval_s=0.1)
    await told_all(ear, station)
    assert ear.socket is not None
    ear.socket.transport.pause_reading()  # packets go into the void; nobody answers
    await ear.until(lambda: ear.connections == 2)
    await station.stop()
