"""Registration, remote control, availability, records on the wire: block by block, time as a number."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from chargepoint.model.commands import (
    ChangeAvailability,
    CommandResult,
    Report,
    ReportKind,
    Reset,
    ResetKind,
    StartTransaction,
    StopTransaction,
    UnlockConnector,
)
from chargepoint.model.ids import EvseId, IdToken, IdTokenType, TransactionId
from chargepoint.model.status import AuthorizationStatus, ConnectorStatus
from chargepoint.model.transactions import (
    ChargingState,
    MeterSample,
    ReadingContext,
    StopReason,
    TransactionEventType,
    TransactionRecord,
    TriggerReason,
)
from chargepoint.ocpp.blocks import transactions
from chargepoint.ocpp.blocks.effects import Failure
from chargepoint.ocpp.blocks.meter_values import meter_values_request
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.version import OCPP_2_0_1

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk


TOKEN = IdToken("04A1B2C3", IdTokenType.ISO14443)
AT = datetime(2026, 3, 1, 12, 0, 0, 999_999, UTC)


# -- registration ------------------------------------------------------------------------------------------------------


def test_pending_and_rejected_wait_their_interval(desk: Desk) -> None:
    """B01.FR.04; G02.FR.01, with B02 and B03: each answer names an interval."""
    desk.restart()
    assert desk.due() == ["BootNotification"]
    assert desk.due() == []  # it is on its way
    desk.accept("Pending", 20)
    assert desk.due(19.9) == []  # B02.FR.04
    assert desk.due(20.0) == ["BootNotification"]
    desk.accept("Rejected", 0)
    assert desk.registration.deadline_s == 80.0  # B03.FR.05
    assert desk.refusal("ClearCache").code == "SecurityError"  # B03.FR.08
    assert desk.due(100.0) == ["BootNotification"]
    desk.unanswered("BootNotification", "InternalError")
    assert desk.registration.deadline_s == 160.0
    desk.now_s = 160.0
    desk.accept("Accepted", 77)
    assert desk.registration.deadline_s == 237.0
    assert desk.reported() == ["Available"]  # B01.FR.05
    assert desk.due(237.0) == ["Heartbeat"]


def test_a_boot_lost_with_its_connection_is_sent_on_the_next(desk: Desk) -> None:
    desk.restart()
    assert desk.due() == ["BootNotification"]
    desk.perform(desk.station.disconnected(desk.moment))
    assert desk.due(5.0) == []
    assert desk.registration.deadline_s is None  # nothing to wait for without a connection
    desk.perform(desk.station.connected(OCPP_2_0_1, 5.0, desk.moment))
    assert desk.due(5.0) == ["BootNotification"]


def test_the_clock_is_learned_and_used_when_it_matters(desk: Desk) -> None:
    """G02.FR.06."""
    desk.answered("Heartbeat", {}, {"currentTime": "2026-03-01T12:00:00.400Z"})
    assert desk.now.moment == desk.moment
    for _ in range(2):  # the second confirms the first
        assert desk.now.moment == desk.moment
        desk.answered("Heartbeat", {}, {"currentTime": "2026-03-01T13:00:00Z"})
    assert desk.now.utc_s == desk.moment.utc_s + 3600
    assert desk.station.clock.offset_s == 3600


def test_boot_reason_after_a_reset(desk: Desk) -> None:
    assert desk.ask("Reset", {"type": "Immediate"})["status"] == "Accepted"
    assert desk.port.commands == [Reset(ResetKind.IMMEDIATE, None)]
    desk.restart()
    desk.due()
    assert desk.boot_reason == "RemoteReset"
    desk.accept()
    assert desk.kept("boot") == {}
    desk.restart()
    desk.due()
    assert desk.boot_reason == "PowerUp"


def test_a_refused_reset_leaves_no_reason_behind(desk: Desk) -> None:
    desk.port.result = CommandResult(False, "FwUpdateInProgress", "later")
    assert desk.ask("Reset", {"type": "Immediate"})["status"] == "Rejected"
    assert desk.kept("boot") == {}


def test_reset_kinds(desk: Desk) -> None:
    desk.port.begin()
    assert desk.ask("Reset", {"type": "OnIdle"})["status"] == "Scheduled"
    assert desk.ask("Reset", {"type": "OnIdle", "evseId": 1})["status"] == "Scheduled"
    assert desk.ask("Reset", {"type": "Immediate", "evseId": 1})["status"] == "Accepted"
    assert desk.port.commands[-1] == Reset(ResetKind.IMMEDIATE, EvseId(1))
    assert desk.ask("Reset", {"type": "Immediate", "evseId": 9})["status"] == "Rejected"
    desk.port.result = CommandResult(False, "FwUpdateInProgress", "later")
    assert desk.ask("Reset", {"type": "Immediate"})["statusInfo"]["reasonCode"] == "FwUpdateInProgress"


def test_a_csms_that_accepts_and_then_refuses_everything_is_not_flooded(desk: Desk) -> None:
    boots = []
    for second in range(200):
        if "BootNotification" in desk.due(float(second)):
            boots.append(second)
            desk.accept()
        desk.unanswered("StatusNotification", "SecurityError", evseId=1, connectorId=1, connectorStatus="Available")
    assert boots == [1, 60, 120, 180]


# -- authorisation -----------------------------------------------------------------------------------------------------


def test_tokens_without_the_central_system(desk: Desk) -> None:
    authorization, now = desk.station.authorization, desk.now
    assert authorization.without_csms(TOKEN, EvseId(1), now) is AuthorizationStatus.UNKNOWN
    request = {"idToken": {"idToken": "04a1b2c3", "type": "ISO14443"}}
    desk.answered("Authorize", request, {"idTokenInfo": {"status": "Accepted"}})
    assert authorization.without_csms(TOKEN, EvseId(1), now) is AuthorizationStatus.ACCEPTED
    assert authorization.before_asking(TOKEN, EvseId(1), now) is None
    desk.set("AuthCtrlr", "LocalPreAuthorize", "true")
    assert authorization.before_asking(TOKEN, EvseId(1), now) is AuthorizationStatus.ACCEPTED
    later = replace(now, moment=Moment(0.0, now.utc_s + 86_401))
    assert authorization.before_asking(TOKEN, EvseId(1), later) is None  # LifeTime
    desk.set("AuthCtrlr", "LocalAuthorizeOffline", "false")
    assert authorization.without_csms(TOKEN, EvseId(1), now) is AuthorizationStatus.UNKNOWN
    desk.set("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    assert authorization.without_csms(IdToken("x", IdTokenType.CENTRAL), EvseId(1), now) is AuthorizationStatus.ACCEPTED
    info = {"status": "Blocked", "cacheExpiryDateTime": "2026-03-01T12:01:00Z"}
    desk.answered("Authorize", request, {"idTokenInfo": info})
    assert authorization.without_csms(TOKEN, EvseId(1), now) is AuthorizationStatus.BLOCKED  # known bad stays bad
    assert desk.ask("ClearCache")["status"] == "Accepted"
    assert authorization.without_csms(TOKEN, EvseId(1), now) is AuthorizationStatus.ACCEPTED  # unknown now
    desk.set("AuthCacheCtrlr", "Enabled", "false")
    assert desk.ask("ClearCache")["statusInfo"]["reasonCode"] == "NotEnabled"


# -- remote control ----------------------------------------------------------------------------------------------------


def start(**more: Any) -> dict[str, Any]:
    return {"idToken": {"idToken": "abc", "type": "Central"}, "remoteStartId": 5, **more}


def test_remote_start_answers(two_evses: Desk) -> None:
    """F01.FR.20, F01.FR.23, FR.24."""
    desk = two_evses

    def reason(**more: Any) -> str:
        answer = desk.ask("RequestStartTransaction", start(**more))
        return "Accepted" if answer["status"] == "Accepted" else answer["statusInfo"]["reasonCode"]

    desk.port.change(2, plugged=True)
    assert reason() == "Accepted"
    assert desk.port.commands[-1] == StartTransaction(EvseId(2), IdToken("abc", IdTokenType.CENTRAL), 5, False)
    assert reason(evseId=9) == "UnknownEvse"
    desk.port.change(1, status=ConnectorStatus.FAULTED)
    assert reason(evseId=1) == "NotEnabled"  # F02.FR.25
    desk.port.begin(2)
    assert reason(evseId=2) == "TxInProgress"  # F02.FR.26
    assert reason() == "MissingParam"
    desk.port.change(2, id_token=None)
    answer = desk.ask("RequestStartTransaction", start(evseId=2))
    assert answer["transactionId"] == "tx-1"  # F01.FR.13
    assert reason(evseId=2, idToken={"idToken": "xyz", "type": "ISO14443"}) == "InvalidIdToken"
    desk.port.result = CommandResult(False, "TxInProgress")
    assert reason(evseId=2) == "TxInProgress"
    desk.set("AuthCtrlr", "AuthorizeRemoteStart", "true")
    desk.ask("RequestStartTransaction", start(evseId=2))
    assert desk.port.commands[-1].authorize is True
    desk.accept("Pending")
    assert reason(evseId=2) == "CSNotAccepted"


def test_remote_stop_and_unlock(desk: Desk) -> None:
    assert desk.ask("RequestStopTransaction", {"transactionId": "tx-1"})["statusInfo"]["reasonCode"] == "UnknownTxId"
    assert desk.ask("UnlockConnector", {"evseId": 1, "connectorId": 1})["status"] == "Unlocked"
    assert desk.port.commands == [UnlockConnector(EvseId(1))]
    assert desk.ask("UnlockConnector", {"evseId": 1, "connectorId": 2})["status"] == "UnknownConnector"
    desk.port.begin()
    assert desk.ask("UnlockConnector", {"evseId": 1, "connectorId": 1})["status"] == "OngoingAuthorizedTransaction"
    assert desk.ask("RequestStopTransaction", {"transactionId": "tx-1"})["status"] == "Accepted"
    assert desk.port.commands[-1] == StopTransaction(
        TransactionId("tx-1"), TriggerReason.REMOTE_STOP, StopReason.REMOTE
    )
    desk.port.result = CommandResult(False, "InternalError")
    desk.port.end()
    assert desk.ask("UnlockConnector", {"evseId": 1, "connectorId": 1})["status"] == "UnlockFailed"


@pytest.mark.parametrize(
    ("evse", "reason"),
    [
        ({}, "MissingParam"),
        ({"evse": {"id": 1}}, "MissingParam"),
        ({"evse": {"id": 4, "connectorId": 1}}, "UnknownEvse"),
        ({"evse": {"id": 1, "connectorId": 2}}, "UnknownConnectorId"),
    ],
)
def test_a_status_that_cannot_be_told_says_why(desk: Desk, evse: dict[str, Any], reason: str) -> None:
    """F06.FR.12."""
    answer = desk.ask("TriggerMessage", {"requestedMessage": "StatusNotification", **evse})
    assert answer["statusInfo"]["reasonCode"] == reason


@pytest.mark.parametrize(
    ("request_", "status", "then"),
    [
        ({"requestedMessage": "BootNotification"}, "Rejected", []),
        ({"requestedMessage": "Heartbeat"}, "Accepted", ["Heartbeat"]),
        ({"requestedMessage": "LogStatusNotification"}, "Accepted", ["LogStatusNotification"]),
        ({"requestedMessage": "FirmwareStatusNotification"}, "Accepted", ["FirmwareStatusNotification"]),
        (
            {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}},
            "Accepted",
            ["StatusNotification"],
        ),
        ({"requestedMessage": "StatusNotification"}, "Rejected", []),
        ({"requestedMessage": "StatusNotification", "evse": {"id": 4, "connectorId": 1}}, "Rejected", []),
        ({"requestedMessage": "TransactionEvent"}, "Rejected", []),
        ({"requestedMessage": "MeterValues"}, "Accepted", []),
        ({"requestedMessage": "SignCombinedCertificate"}, "NotImplemented", []),
    ],
)
def test_triggers(desk: Desk, request_: dict[str, Any], status: str, then: list[str]) -> None:
    answer = desk.answer("TriggerMessage", request_)
    assert answer.payload["status"] == status
    assert [send.action for send in desk.sends(answer)] == then


def test_triggered_readings_are_asked_of_the_app(desk: Desk) -> None:
    desk.port.begin()
    desk.ask("TriggerMessage", {"requestedMessage": "MeterValues"})
    desk.ask("TriggerMessage", {"requestedMessage": "TransactionEvent", "evse": {"id": 1}})
    one = EvseId(1)
    assert desk.port.commands == [Report(one, ReportKind.METER_VALUES), Report(one, ReportKind.TRANSACTION)]


def test_a_silent_meter_is_no_reading(desk: Desk) -> None:
    desk.port.begin()
    desk.port.change(1, meter_fresh=False)
    for message in ("MeterValues", "TransactionEvent"):  # F06.FR.10
        assert desk.ask("TriggerMessage", {"requestedMessage": message})["status"] == "Rejected"
    assert desk.port.commands == []


# -- availability ------------------------------------------------------------------------------------------------------


def test_change_availability(desk: Desk) -> None:
    assert desk.ask("ChangeAvailability", {"operationalStatus": "Inoperative"})["status"] == "Accepted"
    assert desk.kept("availability") == {"0": False}
    assert desk.port.commands == [ChangeAvailability(EvseId(1), operative=False)]
    desk.port.begin()
    place = {"evse": {"id": 1, "connectorId": 1}}
    assert desk.ask("ChangeAvailability", {"operationalStatus": "Inoperative", **place})["status"] == "Scheduled"
    assert desk.ask("ChangeAvailability", {"operationalStatus": "Operative", **place})["status"] == "Accepted"
    for evse, reason in (({"id": 3}, "UnknownEvse"), ({"id": 1, "connectorId": 2}, "UnknownConnectorId")):
        refused = desk.ask("ChangeAvailability", {"operationalStatus": "Operative", "evse": evse})
        assert refused["statusInfo"]["reasonCode"] == reason


def test_station_and_evse_are_ordered_apart(two_evses: Desk) -> None:
    """G04.FR.08: the station back in service leaves alone what was taken out by itself.

    B01.FR.07, B12.FR.06, G01.FR.02: also after a restart.
    """
    desk = two_evses

    def states() -> list[bool]:
        return [desk.station.availability.operative(number) for number in (1, 2)]

    desk.ask("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}})
    desk.ask("ChangeAvailability", {"operationalStatus": "Inoperative"})
    assert states() == [False, False]
    desk.port.commands.clear()
    desk.ask("ChangeAvailability", {"operationalStatus": "Operative"})
    assert desk.port.commands == [ChangeAvailability(EvseId(1), False), ChangeAvailability(EvseId(2), True)]
    assert states() == [False, True]
    desk.port.commands.clear()
    desk.restart()
    assert desk.port.commands == [ChangeAvailability(EvseId(1), False)]


def test_the_latest_state_is_reported_and_only_if_it_differs(desk: Desk) -> None:
    assert desk.reported() == ["Available"]
    for status in (ConnectorStatus.AVAILABLE, ConnectorStatus.FAULTED, ConnectorStatus.OCCUPIED):
        desk.change_status(1, status)
    assert desk.reported() == ["Occupied"]
    desk.change_status(1, ConnectorStatus.FAULTED)
    desk.change_status(1, ConnectorStatus.OCCUPIED)  # back again before anybody was notified
    assert desk.reported() == []


def test_a_state_that_was_not_answered_is_due_again(desk: Desk) -> None:
    assert desk.due() == ["StatusNotification"]
    assert desk.due() == []  # it is on its way
    desk.unanswered("StatusNotification", failure=Failure.SILENCE, **desk.sent[-1].payload)
    assert desk.due() == ["StatusNotification"]
    desk.perform(desk.station.disconnected(desk.moment))
    desk.perform(desk.station.connected(OCPP_2_0_1, 1.0, desk.moment))
    assert desk.reported() == ["Available"]


@pytest.mark.parametrize(("offline_s", "reported"), [(60.0, []), (61.0, ["Available"])])
def test_after_a_long_absence_every_connector_is_reported_again(
    desk: Desk, offline_s: float, reported: list[str]
) -> None:
    """B04.FR.01: longer than OfflineThreshold."""
    assert desk.reported() == ["Available"]
    desk.perform(desk.station.disconnected(desk.moment))
    desk.perform(desk.station.connected(OCPP_2_0_1, offline_s, desk.moment))
    assert desk.reported() == reported


# -- transactions ------------------------------------------------------------------------------------------------------


def record(**more: Any) -> TransactionRecord:
    sample = MeterSample(AT, ReadingContext.SAMPLE_PERIODIC, 1234.56789, 7.0, -1500.25, 401.0, -3.75, 61.0, -2000.0)
    fields: dict[str, Any] = {
        "transaction_id": TransactionId("tx-1"),
        "evse_id": EvseId(1),
        "connector_id": 1,
        "type": TransactionEventType.UPDATED,
        "seq_no": 3,
        "trigger": TriggerReason.METER_VALUE_PERIODIC,
        "at_utc": AT,
        "charging_state": ChargingState.CHARGING,
        "samples": (sample,),
        **more,
    }
    return TransactionRecord(**fields)


def test_a_record_on_the_wire(desk: Desk) -> None:
    row = transactions.outbox_row(record(), desk.station.model, offline=False)
    assert row == transactions.outbox_row(record(), desk.station.model, offline=False)
    kind, unique_id, action, payload = json.loads(row.text)
    assert (kind, unique_id, action) == (2, row.message_id, "TransactionEvent")
    assert desk.schemas.check_request(action, payload) is None
    assert row.droppable
    assert payload["timestamp"] == "2026-03-01T12:00:00.999Z"
    assert "offline" not in payload
    values = {
        v["measurand"]: (v["value"], v["unitOfMeasure"]["unit"]) for v in payload["meterValue"][0]["sampledValue"]
    }
    assert values == {
        "Energy.Active.Import.Register": (1234.568, "Wh"),
        "Energy.Active.Export.Register": (7.0, "Wh"),
        "Power.Active.Import": (0.0, "W"),
        "Power.Active.Export": (1500.25, "W"),
        "Voltage": (401.0, "V"),
        "Current.Import": (0.0, "A"),
        "Current.Export": (3.75, "A"),
        "SoC": (61.0, "Percent"),
    }


def test_measurands_follow_the_variables_and_begin_and_end_have_both_registers(desk: Desk) -> None:
    """F01.FR.14."""
    registers = ["Energy.Active.Import.Register", "Energy.Active.Export.Register"]
    desk.set("SampledDataCtrlr", "TxUpdatedMeasurands", "SoC")
    payload = transactions.event_payload(record(), desk.station.model, offline=True)
    assert payload["offline"] is True
    assert [v["measurand"] for v in payload["meterValue"][0]["sampledValue"]] == ["SoC"]
    for kind, variable in (("STARTED", "TxStartedMeasurands"), ("ENDED", "TxEndedMeasurands")):
        told = record(type=TransactionEventType[kind])
        desk.set("SampledDataCtrlr", variable, "Voltage")
        (value,) = transactions.event_payload(told, desk.station.model, offline=False)["meterValue"]
        assert [v["measurand"] for v in value["sampledValue"]] == [*registers, "Voltage"]
        desk.set("SampledDataCtrlr", variable, "")
        assert "meterValue" not in transactions.event_payload(told, desk.station.model, offline=False)


def test_nothing_known_is_no_empty_list_and_no_number_is_made_up(desk: Desk) -> None:
    desk.set("SampledDataCtrlr", "TxUpdatedMeasurands", "SoC,Voltage")
    blind = MeterSample(AT, ReadingContext.SAMPLE_PERIODIC, 1.0, 1.0, voltage_V=float("nan"))
    payload = transactions.event_payload(record(samples=(blind,)), desk.station.model, offline=False)
    assert "meterValue" not in payload
    assert desk.schemas.check_request("TransactionEvent", payload) is None
    assert meter_values_request(EvseId(1), blind, ["SoC"]) is None


def test_begin_and_end_on_the_wire(desk: Desk) -> None:
    begin = record(
        type=TransactionEventType.STARTED,
        seq_no=0,
        trigger=TriggerReason.REMOTE_START,
        id_token=TOKEN,
        remote_start_id=9,
    )
    payload = transactions.event_payload(begin, desk.station.model, offline=False)
    assert desk.schemas.check_request("TransactionEvent", payload) is None
    assert payload["idToken"] == {"idToken": "04A1B2C3", "type": "ISO14443"}
    assert payload["transactionInfo"]["remoteStartId"] == 9
    end = record(
        type=TransactionEventType.ENDED, trigger=TriggerReason.DEAUTHORIZED, stopped_reason=StopReason.DEAUTHORIZED
    )
    payload = transactions.event_payload(end, desk.station.model, offline=False)
    assert desk.schemas.check_request("TransactionEvent", payload) is None
    assert payload["transactionInfo"]["stoppedReason"] == "DeAuthorized"
    assert not transactions.outbox_row(end, desk.station.model, offline=False).droppable


@pytest.mark.parametrize("trigger", [t for t in TriggerReason if t is not TriggerReason.OPERATION_MODE_CHANGED])
def test_every_word_of_ours_is_a_word_of_the_schema(desk: Desk, trigger: TriggerReason) -> None:
    for reason in StopReason:
        payload = transactions.event_payload(
            record(trigger=trigger, stopped_reason=reason), desk.station.model, offline=False
        )
        assert desk.schemas.check_request("TransactionEvent", payload) is None


def test_a_token_refused_later_ends_the_transaction(desk: Desk) -> None:
    desk.port.begin()
    request = transactions.event_payload(record(id_token=TOKEN), desk.station.model, offline=False)
    response = {"idTokenInfo": {"status": "Invalid"}}
    desk.set("TxCtrlr", "StopTxOnInvalidId", "false")
    desk.answered("TransactionEvent", request, response)
    assert not any(isinstance(command, StopTransaction) for command in desk.port.commands)
    desk.set("TxCtrlr", "StopTxOnInvalidId", "true")
    desk.port.commands.clear()
    desk.answered("TransactionEvent", request, response)
    stop = StopTransaction(TransactionId("tx-1"), TriggerReason.DEAUTHORIZED, StopReason.DEAUTHORIZED)
    assert desk.port.commands == [stop]


def test_transaction_status(desk: Desk) -> None:
    desk.waiting.update({"tx-1": 2, None: 2})
    desk.port.begin()
    assert desk.ask("GetTransactionStatus", {"transactionId": "tx-1"}) == {
        "ongoingIndicator": True,
        "messagesInQueue": True,
    }
    assert desk.ask("GetTransactionStatus", {"transactionId": "x"}) == {
        "ongoingIndicator": False,
        "messagesInQueue": False,
    }
    assert desk.ask("GetTransactionStatus") == {"messagesInQueue": True}


def test_readings_for_the_end_have_measurands_of_their_own(desk: Desk) -> None:
    """J01.FR.15, J02.FR.10: by context, clock-aligned apart from the others."""
    samples = tuple(
        MeterSample(AT, context, 1.0, 2.0, voltage_V=400.0, soc_percent=50.0)
        for context in (ReadingContext.TRANSACTION_BEGIN, ReadingContext.SAMPLE_PERIODIC, ReadingContext.SAMPLE_CLOCK)
    )
    ended = record(type=TransactionEventType.ENDED, samples=samples)

    def measurands() -> dict[str, list[str]]:
        payload = transactions.event_payload(ended, desk.station.model, offline=False)
        assert desk.schemas.check_request("TransactionEvent", payload) is None
        return {
            value["sampledValue"][0]["context"]: [v["measurand"] for v in value["sampledValue"]]
            for value in payload.get("meterValue", [])
        }

    registers = ["Energy.Active.Import.Register", "Energy.Active.Export.Register"]
    assert measurands() == {"Transaction.Begin": registers, "Sample.Periodic": registers}
    assert desk.set("AlignedDataCtrlr", "TxEndedMeasurands", "SoC") == "Accepted"
    assert desk.set("SampledDataCtrlr", "TxEndedMeasurands", "") == "Accepted"
    assert measurands() == {"Sample.Clock": ["SoC"]}
