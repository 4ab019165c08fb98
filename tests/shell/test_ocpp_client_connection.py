"""The client against the bench central system over real sockets: boot, offline, power cut, garbage."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chargepoint.app.clock import SystemClock
from chargepoint.app.station_shell import keep_transaction
from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.commands import CommandResult, Contribute, StartTransaction, StationCommand, StopTransaction
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.limits import ZERO
from chargepoint.model.status import (
    AuthorizationStatus,
    ConnectorStatus,
    ConnectorStatusChanged,
    EvseState,
    TokenVerdict,
)
from chargepoint.model.transactions import MeterSample, ReadingContext, StopReason, TriggerReason
from chargepoint.ocpp.client import OcppClient
from chargepoint.store.database import Store
from chargepoint.store.rows import Enqueue
from chargepoint.transactions.ledger import Ledger
from hil.simulators.csms import CallError, Csms

TOKEN = IdToken("04A1B2C3", IdTokenType.ISO14443)
LOG = logging.getLogger("test.ocpp")


class Port:
    """A station of one EVSE that says yes to everything and remembers it."""

    def __init__(self) -> None:
        self.evse = EvseState(
            EvseId(1), ConnectorStatus.AVAILABLE, False, None, None, False, 22_000.0, 11_000.0, None, None, True
        )
        self.commands: list[StationCommand] = []

    def evse_states(self) -> tuple[EvseState, ...]:
        return (self.evse,)

    def command(self, command: StationCommand) -> CommandResult:
        self.commands.append(command)
        return CommandResult(True)

    def firmware_version(self) -> str:
        return "1.2.3"


class Bench:
    """Client, store and ledger of one station as the app would wire them."""

    def __init__(self, csms: Csms, directory: Path) -> None:
        self.csms = csms
        self.port = Port()
        self.path = directory / "station.db"
        self.ledger = Ledger(EvseId(1))
        self.import_Wh = 1000.0
        self._task: asyncio.Task[None] | None = None
        self.power_up()

    def power_up(self) -> None:
        self.store = Store.open(self.path)
        section = CsmsSection(
            url=self.csms.url, identity="CP1", reconnect_min_s=0.05, reconnect_max_s=1.0, call_timeout_s=1.0
        )
        self.client = OcppClient(
            section, StationSection(serial_number="SN1"), self.store, self.port, SystemClock(), LOG
        )

    def run(self) -> None:
        self._task = asyncio.create_task(self.client.run())

    async def power_cut(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self.store.close()

    def sample(self, context: ReadingContext = ReadingContext.SAMPLE_PERIODIC) -> MeterSample:
        self.import_Wh += 10
        return MeterSample(datetime.now(UTC), context, self.import_Wh, 50.0, -5000.0, 400.0, -12.5, 55.0)

    async def start(self, transaction_id: str = "tx-1") -> None:
        record = self.ledger.start(
            TransactionId(transaction_id), self.sample(), TriggerReason.AUTHORIZED, time.monotonic(), id_token=TOKEN
        )
        self.port.evse = replace(
            self.port.evse,
            status=ConnectorStatus.OCCUPIED,
            plugged=True,
            transaction_id=TransactionId(transaction_id),
            id_token=TOKEN,
            discharge_negotiated=True,
            voltage_V=400.0,
            transaction_started_s=time.monotonic(),
        )
        await self._keep(record)

    async def update(self) -> None:
        await self._keep(self.ledger.sample(self.sample()))

    async def end(self) -> None:
        record = self.ledger.end(self.sample(), TriggerReason.STOP_AUTHORIZED, StopReason.LOCAL)
        self.port.evse = replace(self.port.evse, transaction_id=None, id_token=None, transaction_started_s=None)
        await self._keep(record)

    async def _keep(self, record) -> None:  # type: ignore[no-untyped-def]
        keep = keep_transaction(EvseId(1), self.ledger.state)
        await self.store.commit(keep, Enqueue(self.client.outbox_row(record)))
        self.client.outbox_changed()
        self.client.states_changed()


@pytest.fixture
async def csms() -> AsyncIterator[Csms]:
    async with Csms() as csms:
        yield csms


@pytest.fixture
async def bench(csms: Csms, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(csms, tmp_path)
    yield bench
    await bench.power_cut()


async def eventually(condition: Callable[[], bool]) -> None:
    """For what no event tells: the client's own state."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def drained(bench: Bench) -> None:
    await eventually(lambda: bench.store.outbox_depth() == 0)


async def test_boot_then_a_whole_transaction(bench: Bench, csms: Csms) -> None:
    bench.run()
    log = await csms.station("CP1")
    boot = await csms.heard("CP1", "BootNotification")
    assert boot == {
        "reason": "PowerUp",
        "chargingStation": {
            "model": "bidi-1",
            "vendorName": "open-chargepoint",
            "serialNumber": "SN1",
            "firmwareVersion": "1.2.3",
        },
    }
    await csms.until(lambda: log.connectors == {(1, 1): "Available"})
    await bench.client.status_changed(ConnectorStatusChanged(EvseId(1), 1, ConnectorStatus.OCCUPIED, datetime.now(UTC)))
    await bench.start()
    await bench.update()
    await bench.end()
    await drained(bench)
    transaction = log.transactions["tx-1"]
    assert [e["eventType"] for e in transaction.in_order] == ["Started", "Updated", "Ended"]
    assert transaction.energy_Wh() == 20.0
    values = {v["measurand"]: v["value"] for v in transaction.events[1]["meterValue"][0]["sampledValue"]}
    assert values["Power.Active.Import"] == 0
    assert values["Power.Active.Export"] == 5000
    assert values["Current.Export"] == 12.5
    assert values["Energy.Active.Export.Register"] == 50
    assert values["SoC"] == 55
    assert all("offline" not in e for e in transaction.in_order)
    await csms.until(lambda: log.connectors == {(1, 1): "Occupied"})
    assert log.violations == []
    snapshot = bench.client.snapshot()
    assert snapshot["connected"] is True
    assert snapshot["boot_status"] == "Accepted"
    json.dumps(snapshot)


async def test_authorize_online_offline_and_from_the_cache(bench: Bench, csms: Csms) -> None:
    csms.tokens["DEADBEEF"] = "Blocked"
    stranger = IdToken("CAFE0001", IdTokenType.ISO14443)
    assert (await bench.client.authorize(TOKEN, EvseId(1))).status is AuthorizationStatus.UNKNOWN
    nobody = IdToken("", IdTokenType.NO_AUTHORIZATION)
    assert (await bench.client.authorize(nobody, EvseId(1))).status is AuthorizationStatus.ACCEPTED
    bench.run()
    await csms.station("CP1")
    await eventually(lambda: bench.client.online)
    assert (await bench.client.authorize(TOKEN, EvseId(1))).status is AuthorizationStatus.ACCEPTED
    blocked = IdToken("DEADBEEF", IdTokenType.ISO14443)
    assert await bench.client.authorize(blocked, EvseId(1)) == TokenVerdict(AuthorizationStatus.BLOCKED)
    csms.faults.swallow = "Authorize"  # no answer: decide without, in call_timeout_s
    assert (await bench.client.authorize(TOKEN, EvseId(1))).status is AuthorizationStatus.ACCEPTED
    csms.faults.error = ("Authorize", "InternalError")
    assert (await bench.client.authorize(stranger, EvseId(1))).status is AuthorizationStatus.UNKNOWN
    answer = await csms.call(
        "CP1",
        "SetVariables",
        {
            "setVariableData": [
                {"component": {"name": "AuthCtrlr"}, "variable": {"name": name}, "attributeValue": "true"}
                for name in ("OfflineTxForUnknownIdEnabled", "LocalPreAuthorize")
            ]
        },
    )
    assert [r["attributeStatus"] for r in answer["setVariableResult"]] == ["Accepted", "Accepted"]
    asked = len(csms.log("CP1").of("Authorize"))
    assert (await bench.client.authorize(TOKEN, EvseId(1))).status is AuthorizationStatus.ACCEPTED
    assert len(csms.log("CP1").of("Authorize")) == asked  # LocalPreAuthorize
    await csms.stop()
    await eventually(lambda: not bench.client.online)
    assert (await bench.client.authorize(stranger, EvseId(1))).status is AuthorizationStatus.ACCEPTED


async def test_a_token_nobody_answered_about_is_refused_with_the_true_reason(bench: Bench, csms: Csms) -> None:
    async def why() -> str:
        verdict = await bench.client.authorize(IdToken("CAFE0001", IdTokenType.ISO14443), EvseId(1))
        assert verdict.status is AuthorizationStatus.UNKNOWN
        return verdict.why

    assert (await why()).startswith("no connection to the central system")
    csms.boot_status = "Pending"
    bench.run()
    await eventually(lambda: bench.client.snapshot()["boot_status"] == "Pending")
    assert await why() == "the central system has not accepted this station yet"
    csms.boot_status = "Accepted"
    await eventually(lambda: bench.client.online)
    csms.faults.swallow = "Authorize"
    assert "did not answer" in await why()
    csms.faults.swallow = None
    csms.faults.error = ("Authorize", "InternalError")
    assert "answered with an error: InternalError" in await why()


async def test_a_boot_notification_that_came_to_nothing_shows_why_and_when_it_is_sent_again(
    bench: Bench, csms: Csms
) -> None:
    csms.faults.error = ("BootNotification", "InternalError")
    bench.run()
    await eventually(lambda: bench.client.snapshot()["boot_trouble"] is not None)
    shown = bench.client.snapshot()
    assert shown["boot_status"] is None
    assert "InternalError" in str(shown["boot_trouble"])
    assert isinstance(shown["boot_again_in_s"], float)
    assert 0.0 < shown["boot_again_in_s"] <= 60.0


async def test_offline_records_queue_up_and_go_out_in_order(bench: Bench, csms: Csms) -> None:
    """E04.FR.01."""
    bench.run()
    log = await csms.station("CP1")
    await csms.until(lambda: (1, 1) in log.connectors)
    await bench.start()
    await drained(bench)
    await csms.stop()
    await eventually(lambda: not bench.client.online)
    for _ in range(3):
        await bench.update()
    for status in (ConnectorStatus.FAULTED, ConnectorStatus.AVAILABLE, ConnectorStatus.OCCUPIED):
        await bench.client.status_changed(ConnectorStatusChanged(EvseId(1), 1, status, datetime.now(UTC)))
    await bench.end()
    assert bench.store.outbox_depth() == 4
    boots, statuses = len(log.of("BootNotification")), len(log.of("StatusNotification"))
    await csms.start()
    await csms.station("CP1")
    await drained(bench)
    transaction = log.transactions["tx-1"]
    assert transaction.gaps == []
    assert [e.get("offline", False) for e in transaction.in_order] == [False, True, True, True, True]
    assert set(transaction.copies.values()) == {1}
    await csms.until(lambda: len(log.of("StatusNotification")) > statuses)
    assert [s["connectorStatus"] for s in log.of("StatusNotification")[statuses:]] == ["Occupied"]  # the latest only
    assert len(log.of("BootNotification")) == boots  # Part 4, 5.3
    assert log.violations == []


async def test_cut_between_send_and_answer_resends_the_same_bytes(bench: Bench, csms: Csms) -> None:
    bench.run()
    log = await csms.station("CP1")
    await eventually(lambda: bench.client.online)
    csms.faults.drop_on = "TransactionEvent"
    await bench.start()
    await drained(bench)
    texts = [h.text for h in log.heard if h.action == "TransactionEvent"]
    assert len(texts) == 2
    assert texts[0] == texts[1]
    assert len(log.transactions["tx-1"].events) == 1


async def test_a_power_cut_of_the_station_resends_the_same_bytes(bench: Bench, csms: Csms) -> None:
    """B12.FR.05."""
    bench.run()
    log = await csms.station("CP1")
    await eventually(lambda: bench.client.online)
    csms.faults.swallow, csms.faults.times = "TransactionEvent", None
    await bench.start()
    await csms.heard("CP1", "TransactionEvent")
    await bench.power_cut()
    csms.faults.swallow, csms.faults.times = None, 1
    bench.power_up()
    bench.run()
    await drained(bench)
    texts = [h.text for h in log.heard if h.action == "TransactionEvent"]
    assert len(texts) >= 2
    assert len(set(texts)) == 1
    assert log.transactions["tx-1"].copies == {0: 1}
    assert len(log.of("BootNotification")) == 2
    assert log.violations == []


async def test_a_refused_record_is_tried_again_and_then_given_up(bench: Bench, csms: Csms) -> None:
    bench.run()
    log = await csms.station("CP1")
    await csms.call(
        "CP1",
        "SetVariables",
        {
            "setVariableData": [
                {
                    "component": {"name": "OCPPCommCtrlr"},
                    "variable": {"name": name, "instance": "TransactionEvent"},
                    "attributeValue": value,
                }
                for name, value in (("MessageAttempts", "3"), ("MessageAttemptInterval", "0"))
            ]
        },
    )
    csms.faults.error, csms.faults.times = ("TransactionEvent", "InternalError"), 4
    await bench.start()
    await bench.update()
    await drained(bench)
    numbers = [e["seqNo"] for e in log.of("TransactionEvent")]
    assert numbers == [0, 0, 0, 1, 1]  # three attempts, discarded; the next is refused once
    assert any("discarded" in entry.text for entry in bench.store.journal())


async def test_pending_then_accepted(bench: Bench, csms: Csms) -> None:
    """B01.FR.08, B03.FR.01: the transaction begins, and its messages wait."""
    csms.boot_status = "Pending"
    csms.boot_retry_s = 1
    bench.run()
    await csms.heard("CP1", "BootNotification")
    await csms.until(lambda: csms.log("CP1").boot_status == "Pending")
    await bench.start()
    got = await csms.call(
        "CP1",
        "GetVariables",
        {"getVariableData": [{"component": {"name": "ChargingStation"}, "variable": {"name": "Model"}}]},
    )
    assert got["getVariableResult"][0]["attributeValue"] == "bidi-1"
    start = {"idToken": {"idToken": "abc", "type": "Central"}, "remoteStartId": 1, "evseId": 1}
    refused = await csms.call("CP1", "RequestStartTransaction", start)
    assert (refused["status"], refused["statusInfo"]["reasonCode"]) == ("Rejected", "CSNotAccepted")
    assert {h.action for h in csms.log("CP1").heard} == {"BootNotification"}
    csms.boot_status = "Accepted"
    triggered = await csms.call("CP1", "TriggerMessage", {"requestedMessage": "BootNotification"})
    assert triggered["status"] == "Accepted"
    await csms.station("CP1")
    await drained(bench)
    assert csms.log("CP1").violations == []


async def test_garbage_is_answered_and_the_connection_goes_on(bench: Bench, csms: Csms) -> None:
    bench.run()
    log = await csms.station("CP1")

    async def error(text: str | bytes) -> list[object]:
        before = len(log.errors)
        await csms.send_text("CP1", text)
        await csms.until(lambda: len(log.errors) > before)
        return list(log.errors[-1])[1:3]

    assert await error("{not json") == ["-1", "RpcFrameworkError"]
    assert await error("[]") == ["-1", "RpcFrameworkError"]
    assert await error(b"\x00\x01") == ["-1", "RpcFrameworkError"]
    assert await error(json.dumps([2, "x" * 37, "Reset", {}])) == ["-1", "RpcFrameworkError"]
    assert await error(json.dumps([2, "id1", "FlyToTheMoon", {}])) == ["id1", "NotImplemented"]
    assert await error(json.dumps([2, "id2", "UnpublishFirmware", {}])) == ["id2", "NotSupported"]
    assert await error(json.dumps([9, "id3", {}])) == ["id3", "MessageTypeNotSupported"]
    assert await error("[" * 5000) == ["-1", "RpcFrameworkError"]
    for payload, code in (
        ({"evseId": 1}, "OccurrenceConstraintViolation"),
        ({"type": 5}, "TypeConstraintViolation"),
        ({"type": "Softly"}, "PropertyConstraintViolation"),
        ({"type": "OnIdle", "speed": 1}, "FormatViolation"),
    ):
        with pytest.raises(CallError, match=code):
            await csms.call("CP1", "Reset", payload)
    await csms.send_text("CP1", json.dumps([3, "nothing", {}]))
    await csms.send_text("CP1", json.dumps([4, "nothing", "InternalError", "", {}]))
    assert (await csms.call("CP1", "ClearCache"))["status"] == "Accepted"
    assert log.connections == 1
    assert log.violations == []


async def test_a_late_answer_is_harmless(bench: Bench, csms: Csms) -> None:
    bench.run()
    log = await csms.station("CP1")
    await eventually(lambda: (1, 1) in log.connectors and not bench.store.outbox_depth())
    csms.faults.late = ("TransactionEvent", 1.3)  # call_timeout_s is 1
    await csms.call(
        "CP1",
        "SetVariables",
        {
            "setVariableData": [
                {
                    "component": {"name": "OCPPCommCtrlr"},
                    "variable": {"name": "MessageAttemptInterval", "instance": "TransactionEvent"},
                    "attributeValue": "0",
                }
            ]
        },
    )
    await bench.start()
    await bench.update()
    await drained(bench)
    assert log.transactions["tx-1"].gaps == []
    assert sorted(log.transactions["tx-1"].events) == [0, 1]
    assert log.connections == 1


async def test_a_csms_that_forgot_us_is_booted_again(bench: Bench, csms: Csms) -> None:
    bench.run()
    log = await csms.station("CP1")
    await eventually(lambda: bench.client.online)
    log.boot_status = None
    await csms.call("CP1", "TriggerMessage", {"requestedMessage": "Heartbeat"})
    await csms.heard("CP1", "BootNotification", 2)
    await csms.station("CP1")


async def test_a_setpoint_reaches_the_arbiter_and_is_reported(bench: Bench, csms: Csms) -> None:
    bench.run()
    log = await csms.station("CP1")
    await bench.start()
    await csms.until(lambda: "tx-1" in log.transactions)
    assert (await csms.setpoint("CP1", 1, -5000.0))["status"] == "Accepted"

    def targets() -> list[object]:
        return [k.target_W for c in bench.port.commands if isinstance(c, Contribute) for k in c.contributions]

    await eventually(lambda: targets()[-1:] == [-5000.0])
    composite = await csms.call("CP1", "GetCompositeSchedule", {"evseId": 1, "duration": 60})
    period = composite["schedule"]["chargingSchedulePeriod"][0]
    assert period["limit"] == 0
    assert period["customData"]["setpoint"] == -5000
    found = await csms.call(
        "CP1", "GetChargingProfiles", {"requestId": 5, "chargingProfile": {"chargingProfilePurpose": "TxProfile"}}
    )
    assert found["status"] == "Accepted"
    await csms.until(lambda: 5 in log.profiles)
    assert len(bench.store.kept("charging-profiles")) == 1
    await bench.end()
    await eventually(lambda: bench.store.kept("charging-profiles") == {})
    await eventually(lambda: bench.port.commands[-1] == Contribute(EvseId(1), "ocpp", ()))
    assert log.violations == []


async def test_a_token_not_accepted_takes_the_energy_at_once(bench: Bench, csms: Csms) -> None:
    """C15.FR.06: StopTxOnInvalidId is false, the transaction goes on with nothing flowing."""
    bench.run()
    log = await csms.station("CP1")
    variable = {"component": {"name": "TxCtrlr"}, "variable": {"name": "StopTxOnInvalidId"}, "attributeValue": "false"}
    await csms.call("CP1", "SetVariables", {"setVariableData": [variable]})
    csms.tokens[TOKEN.value] = "Invalid"
    await bench.start()

    def limits() -> list[object]:
        return [k.limits_W for c in bench.port.commands if isinstance(c, Contribute) for k in c.contributions]

    await eventually(lambda: limits()[-1:] == [ZERO])
    assert not any(isinstance(command, StopTransaction) for command in bench.port.commands)
    assert log.violations == []


async def test_reports_and_remote_control(bench: Bench, csms: Csms) -> None:
    bench.run()
    log = await csms.station("CP1")
    assert (await csms.call("CP1", "GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}))[
        "status"
    ] == "Accepted"
    await csms.until(lambda: bool(log.of("NotifyReport")) and not log.of("NotifyReport")[-1]["tbc"])
    names = {(r["component"]["name"], r["variable"]["name"]) for r in log.reports[1]}
    assert ("SmartChargingCtrlr", "Available") in names
    assert [p["seqNo"] for p in log.of("NotifyReport")] == list(range(len(log.of("NotifyReport"))))
    start = {"idToken": {"idToken": "04a1b2c3", "type": "ISO14443"}, "remoteStartId": 7, "evseId": 1}
    assert (await csms.call("CP1", "RequestStartTransaction", start))["status"] == "Accepted"
    assert StartTransaction(EvseId(1), TOKEN, 7, False) in bench.port.commands
    await bench.start()
    stop = await csms.call("CP1", "RequestStopTransaction", {"transactionId": "tx-1"})
    assert stop["status"] == "Accepted"
    assert StopTransaction(TransactionId("tx-1")) in bench.port.commands
    assert (await csms.call("CP1", "GetTransactionStatus", {"transactionId": "tx-1"}))["ongoingIndicator"] is True
    csms.tokens["04A1B2C3"] = "Blocked"
    await bench._keep(bench.ledger.authorized(TOKEN, bench.sample()))
    deauthorized = StopTransaction(TransactionId("tx-1"), TriggerReason.DEAUTHORIZED, StopReason.DEAUTHORIZED)
    await drained(bench)
    assert deauthorized in bench.port.commands
    assert log.violations == []


async def test_wrong_password_and_refused_connections_are_tried_again(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("0123456789abcdef\n")
    secret.chmod(0o600)
    async with Csms(passwords={"CP1": "something else"}) as csms:
        store = Store.open(tmp_path / "s.db")
        section = CsmsSection(
            url=csms.url, identity="CP1", reconnect_min_s=0.05, call_timeout_s=1.0, password_file=secret
        )
        client = OcppClient(section, StationSection(), store, Port(), SystemClock(), LOG)
        task = asyncio.create_task(client.run())
        await asyncio.sleep(0)
        csms.faults.refuse_connections = True
        assert csms.passwords is not None
        csms.passwords["CP1"] = "0123456789abcdef"
        csms.faults.refuse_connections = False
        await csms.station("CP1")
        assert "0123456789abcdef" not in json.dumps(client.snapshot())
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        store.close()


async def test_garbage_instead_of_an_answer(bench: Bench, csms: Csms) -> None:
    bench.run()
    log = await csms.station("CP1")
    await eventually(lambda: (1, 1) in log.connectors and not bench.store.outbox_depth())
    csms.faults.garbage = ("StatusNotification", "{{{ no json")
    await bench.client.status_changed(ConnectorStatusChanged(EvseId(1), 1, ConnectorStatus.FAULTED, datetime.now(UTC)))
    await csms.until(lambda: log.connectors[1, 1] == "Faulted")  # told again after the time-out
    assert log.errors[0][1:3] == ["-1", "RpcFrameworkError"]
    assert log.connections == 1


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_breaks_every_record_counts_once(bench: Bench, csms: Csms, seed: int) -> None:
    """Connections cut, central system down, answers refused, the station's power cut: no gap, nothing changed, in order."""
    chance = random.Random(seed)
    bench.run()
    log = await csms.station("CP1")
    patient = [
        {
            "component": {"name": "OCPPCommCtrlr"},
            "variable": {"name": name, "instance": "TransactionEvent"},
            "attributeValue": value,
        }
        for name, value in (("MessageAttempts", "100"), ("MessageAttemptInterval", "0"))
    ]
    await csms.call("CP1", "SetVariables", {"setVariableData": patient})
    await bench.start()
    for _ in range(30):
        match chance.randrange(8):
            case 0:
                await csms.drop("CP1")
            case 1:
                csms.faults.drop_on = "TransactionEvent"
            case 2:
                csms.faults.error = ("TransactionEvent", "InternalError")
            case 3:
                await bench.power_cut()
                bench.power_up()
                bench.run()
            case 4:
                await csms.stop()
                await bench.update()
                await csms.start()
            case _:
                await asyncio.sleep(chance.random() * 0.01)
        await bench.update()
    await bench.end()
    await drained(bench)
    transaction = log.transactions["tx-1"]
    assert transaction.gaps == []
    assert transaction.ended
    texts: dict[int, set[str]] = {}
    for heard in log.heard:
        if heard.action == "TransactionEvent":
            texts.setdefault(heard.payload["seqNo"], set()).add(heard.text)
    assert all(len(copies) == 1 for copies in texts.values())
    assert log.violations == []
