"""The client against a central system made with mobilityhouse's `ocpp` library: other people's parsing and validation."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ocpp.exceptions import NotSupportedError
from ocpp.v201 import call

from chargepoint.app.clock import SystemClock
from chargepoint.config.schema import CsmsSection, StationSection
from chargepoint.model.commands import CommandResult, Contribute, StationCommand
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.status import AuthorizationStatus, ConnectorStatus, EvseState
from chargepoint.model.transactions import MeterSample, ReadingContext, StopReason, TriggerReason
from chargepoint.ocpp.client import OcppClient
from chargepoint.store.database import Store
from chargepoint.store.rows import Enqueue
from chargepoint.transactions.ledger import Ledger
from hil.simulators.library_csms import LibraryCsms, library_csms

pytestmark = pytest.mark.interop
TOKEN = IdToken("04A1B2C3", IdTokenType.ISO14443)


class Port:
    def __init__(self) -> None:
        self.commands: list[StationCommand] = []

    def evse_states(self) -> tuple[EvseState, ...]:
        return (
            EvseState(
                EvseId(1),
                ConnectorStatus.OCCUPIED,
                True,
                TransactionId("tx-1"),
                TOKEN,
                True,
                2e4,
                1e4,
                400.0,
                time.monotonic(),
                True,
            ),
        )

    def command(self, command: StationCommand) -> CommandResult:
        self.commands.append(command)
        return CommandResult(True)

    def firmware_version(self) -> str:
        return "1"


@contextlib.asynccontextmanager
async def session(folder: Path) -> AsyncIterator[tuple[LibraryCsms, OcppClient, Store, Port]]:
    """The client, accepted by the library's central system."""
    store, port = Store.open(folder / "s.db"), Port()
    async with library_csms("CP1") as (url, connected), asyncio.timeout(20):
        log = logging.getLogger("test.interop")
        client = OcppClient(CsmsSection(url=url), StationSection(), store, port, SystemClock(), log)
        task = asyncio.create_task(client.run())
        system = await connected
        await system.booted.wait()
        while not client.online:
            await asyncio.sleep(0.005)
        yield system, client, store, port
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    store.close()


async def test_a_session_with_the_library(tmp_path: Path) -> None:
    async with session(tmp_path) as (system, client, store, port):
        assert (await client.authorize(TOKEN, EvseId(1))).status is AuthorizationStatus.ACCEPTED

        ledger = Ledger(EvseId(1))
        sample = MeterSample(datetime.now(UTC), ReadingContext.SAMPLE_PERIODIC, 100.0, 5.0, -4000.0, 400.0, -10.0, 50.0)
        records = [ledger.start(TransactionId("tx-1"), sample, TriggerReason.AUTHORIZED, 0.0, id_token=TOKEN)]
        records.append(ledger.sample(sample))
        records.append(ledger.end(sample, TriggerReason.STOP_AUTHORIZED, StopReason.LOCAL))
        for record in records:
            await store.commit(Enqueue(client.outbox_row(record)))
        client.outbox_changed()

        period = {
            "startPeriod": 0,
            "limit": 0,
            "customData": {
                "vendorId": "org.openchargepoint",
                "operationMode": "CentralSetpoint",
                "setpoint": -3000,
                "dischargeLimit": -3000,
            },
        }
        profile = {
            "id": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "transactionId": "tx-1",
            "chargingSchedule": [{"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [period]}],
        }
        answer = await system.call(call.SetChargingProfile(evse_id=1, charging_profile=profile))
        assert answer.status == "Accepted", answer
        answer = await system.call(call.GetBaseReport(request_id=1, report_base="FullInventory"))
        assert answer.status == "Accepted"
        while store.outbox_depth() or not system.reports or system.reports[-1]["tbc"]:
            await asyncio.sleep(0.005)
        assert [event["seq_no"] for event in system.events] == [0, 1, 2]
        targets = [c.target_W for k in port.commands if isinstance(k, Contribute) for c in k.contributions]
        assert targets[-1] == -3000


COMPONENT, VARIABLE = {"name": "OCPPCommCtrlr"}, {"name": "OfflineThreshold"}
START = {"id_token": {"idToken": "abc", "type": "Central"}, "remote_start_id": 1}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (call.ChangeAvailability("Operative"), "Accepted"),
        (call.ClearCache(), "Accepted"),
        (call.ClearChargingProfile(charging_profile_id=9), "Unknown"),
        (call.DataTransfer("com.else", data={"any": ["thing"]}), "UnknownVendorId"),
        (call.GetChargingProfiles(request_id=1, charging_profile={}), "NoProfiles"),
        (call.GetCompositeSchedule(duration=300, evse_id=1, charging_rate_unit="A"), "Accepted"),
        (call.GetCompositeSchedule(duration=300, evse_id=7), "Rejected"),
        (call.GetReport(request_id=1, component_criteria=["Problem"]), "EmptyResultSet"),
        (call.RequestStartTransaction(evse_id=1, **START), "Rejected"),
        (call.RequestStopTransaction("tx-1"), "Accepted"),
        (call.Reset("OnIdle"), "Scheduled"),
        (
            call.SetNetworkProfile(
                1,
                {
                    "ocppVersion": "OCPP20",
                    "ocppTransport": "JSON",
                    "ocppCsmsUrl": "wss://x",
                    "messageTimeout": 30,
                    "securityProfile": 2,
                    "ocppInterface": "Wired0",
                },
            ),
            "Rejected",
        ),
        (call.TriggerMessage("Heartbeat"), "Accepted"),
        (call.TriggerMessage("SignChargingStationCertificate"), "Accepted"),
        (call.TriggerMessage("PublishFirmwareStatusNotification"), "NotImplemented"),
        (call.SetMonitoringLevel(3), "Accepted"),
        (call.SendLocalList(1, "Full"), "Accepted"),
        (call.CancelReservation(7), "Rejected"),
        (call.UnlockConnector(1, 1), "OngoingAuthorizedTransaction"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
async def test_every_answer_is_understood_by_the_library(tmp_path: Path, request_: Any, status: str) -> None:
    async with session(tmp_path) as (system, _, _, _):
        answer = await system.call(request_, suppress=False)
        assert answer.status == status


async def test_variables_status_and_what_is_not_built(tmp_path: Path) -> None:
    async with session(tmp_path) as (system, _, _, _):
        setting = {"component": COMPONENT, "variable": VARIABLE, "attributeValue": "77"}
        told = await system.call(call.SetVariables([setting]), suppress=False)
        assert told.set_variable_result[0]["attribute_status"] == "Accepted"
        got = await system.call(call.GetVariables([{"component": COMPONENT, "variable": VARIABLE}]), suppress=False)
        assert got.get_variable_result[0]["attribute_value"] == "77"
        status = await system.call(call.GetTransactionStatus("tx-1"), suppress=False)
        assert (status.ongoing_indicator, status.messages_in_queue) == (True, False)
        assert (await system.call(call.GetLocalListVersion(), suppress=False)).version_number == 0
        await system.call(call.CostUpdated(1.0, "tx-1"), suppress=False)
        with pytest.raises(NotSupportedError):
            await system.call(call.PublishFirmware("http://x/f", "0" * 32, 1), suppress=False)
