"""F Remote control: start and stop of transactions, unlocking, triggered messages."""

from __future__ import annotations

from collections.abc import Sequence

from chargepoint.model.commands import (
    Report,
    ReportKind,
    StartTransaction,
    StopTransaction,
    UnlockConnector,
)
from chargepoint.model.status import ConnectorStatus, ConnectorStatusChanged, EvseState
from chargepoint.ocpp.blocks.authorization import token_from_wire
from chargepoint.ocpp.blocks.availability import CONNECTOR_ID, status_notification
from chargepoint.ocpp.blocks.context import BlockContext, CallAnswer, Outgoing, status
from chargepoint.ocpp.charging_schedule import ProfileRejected
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.schemas import Payload

_OUT_OF_SERVICE = (ConnectorStatus.UNAVAILABLE, ConnectorStatus.FAULTED)


def request_start(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """F01, F02. The app reports the start with the remoteStartId in its next record (F02.FR.21)."""
    if not context.registration.accepted:  # B02.FR.05
        return CallAnswer(status("Rejected", "CSNotAccepted"))
    evse = _choose(request.get("evseId"), context.port.evse_states())
    if evse is None:
        if "evseId" in request:
            return CallAnswer(status("Rejected", "UnknownEvse", f"no EVSE {request['evseId']}"))
        return CallAnswer(status("Rejected", "MissingParam", "no evseId, and no EVSE is free"))  # F01.FR.07
    if evse.status in _OUT_OF_SERVICE:  # F02.FR.25
        return CallAnswer(status("Rejected", "NotEnabled", f"EVSE {evse.evse_id} is {evse.status.value}"))
    if evse.transaction_id is not None and evse.id_token is not None:  # F02.FR.26
        return CallAnswer(
            status("Rejected", "TxInProgress", f"EVSE {evse.evse_id} has transaction {evse.transaction_id}")
        )
    try:
        token = token_from_wire(request["idToken"])
    except ValueError as error:
        return CallAnswer(status("Rejected", "InvalidIdToken", str(error)))
    profile = request.get("chargingProfile")
    if profile is not None:
        try:
            context.profiles.check_for_start(int(evse.evse_id), profile, context.port.evse_states(), now)
        except ProfileRejected as error:  # K05.FR.05, F02.FR.27
            return CallAnswer(status("Rejected", error.reason_code, error.text))
    authorize = context.model.flag("AuthCtrlr/AuthorizeRemoteStart")  # F01.FR.01, FR.02
    result = context.port.command(StartTransaction(evse.evse_id, token, request["remoteStartId"], authorize))
    if not result.accepted:
        return CallAnswer(status("Rejected", result.reason_code or "InternalError", result.text))
    payload = status("Accepted")
    if evse.transaction_id is not None:
        payload["transactionId"] = str(evse.transaction_id)  # F01.FR.13
    context.profiles.forget_start(int(evse.evse_id))
    if profile is not None:
        until_s = now.monotonic_s + context.model.integer("TxCtrlr/EVConnectionTimeOut") + 60.0
        context.profiles.await_start(int(evse.evse_id), profile, token, until_s)
    return CallAnswer(payload, reevaluate=profile is not None)


def request_stop(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """F03."""
    if not context.registration.accepted:  # B02.FR.05
        return CallAnswer(status("Rejected", "CSNotAccepted"))
    transaction_id = request["transactionId"]
    evse = next((e for e in context.port.evse_states() if e.transaction_id == transaction_id), None)
    if evse is None or evse.transaction_id is None:  # F03.FR.08
        return CallAnswer(status("Rejected", "UnknownTxId", f"no transaction {transaction_id}"))
    result = context.port.command(StopTransaction(evse.transaction_id))  # F03.FR.03, FR.07
    if not result.accepted:
        return CallAnswer(status("Rejected", result.reason_code or "InternalError", result.text))
    return CallAnswer(status("Accepted"))


def unlock_connector(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """F05."""
    evse = context.evse(request["evseId"])
    if evse is None or request["connectorId"] != CONNECTOR_ID:  # F05.FR.03
        return CallAnswer(status("UnknownConnector", "UnknownConnectorId"))
    if evse.transaction_id is not None:  # F05.FR.02
        return CallAnswer(status("OngoingAuthorizedTransaction", "TxInProgress"))
    result = context.port.command(UnlockConnector(evse.evse_id))
    if not result.accepted:
        return CallAnswer(status("UnlockFailed", result.reason_code or "InternalError", result.text))
    return CallAnswer(status("Unlocked"))


def trigger_message(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """F06: the answer first, then the message (F06.FR.04)."""
    evse_id = request.get("evse", {}).get("id")
    evses = [e for e in context.port.evse_states() if evse_id in (None, e.evse_id)]  # F06.FR.11
    match request["requestedMessage"]:
        case "BootNotification":
            if context.registration.accepted:  # F06.FR.17
                return CallAnswer(status("Rejected", "UnsupportedRequest", "the last BootNotification was accepted"))
            return CallAnswer(status("Accepted"), then=(Outgoing("BootNotification", {}),))
        case "Heartbeat":
            return CallAnswer(status("Accepted"), then=(Outgoing("Heartbeat", {}),))
        case (
            "LogStatusNotification" | "FirmwareStatusNotification" as action
        ):  # F06.FR.15, FR.16: nothing of it is running
            return CallAnswer(status("Accepted"), then=(Outgoing(action, {"status": "Idle"}),))
        case "StatusNotification":
            connector_id = request.get("evse", {}).get("connectorId")
            if connector_id is None:  # F06.FR.12
                return CallAnswer(
                    status("Rejected", "MissingParam", "StatusNotification needs evse.id and evse.connectorId")
                )
            if not evses:
                return CallAnswer(status("Rejected", "UnknownEvse", f"no EVSE {evse_id}"))
            if connector_id != CONNECTOR_ID:
                return CallAnswer(
                    status("Rejected", "UnknownConnectorId", f"EVSE {evse_id} has connector {CONNECTOR_ID} only")
                )
            change = ConnectorStatusChanged(evses[0].evse_id, CONNECTOR_ID, evses[0].status, now.utc)
            return CallAnswer(status("Accepted"), then=(Outgoing("StatusNotification", status_notification(change)),))
        case "MeterValues":  # F06.FR.06
            return _reports(evses, ReportKind.METER_VALUES, context)
        case "TransactionEvent" if not context.registration.accepted:  # it would wait in the outbox (B01.FR.08)
            return CallAnswer(status("Rejected", "CSNotAccepted"))
        case "TransactionEvent":  # F06.FR.07
            return _reports([e for e in evses if e.transaction_id is not None], ReportKind.TRANSACTION, context)
        case _:
            return CallAnswer(status("NotImplemented"))  # F06.FR.08


def _reports(evses: Sequence[EvseState], kind: ReportKind, context: BlockContext) -> CallAnswer:
    if not evses:
        return CallAnswer(status("Rejected", "NotFound", "nothing to report"))
    readable = [evse.evse_id for evse in evses if evse.meter_fresh]
    if not readable:  # F06.FR.10
        return CallAnswer(status("Rejected", "InternalError", "the meter is silent"))

    def report() -> None:
        for evse_id in readable:
            context.port.command(Report(evse_id, kind))

    return CallAnswer(status("Accepted"), after=report)


def _choose(evse_id: int | None, evses: Sequence[EvseState]) -> EvseState | None:
    """The EVSE asked for; without a number the first free one, one with a car before one without (F02.FR.22)."""
    if evse_id is not None:
        return next((e for e in evses if e.evse_id == evse_id), None)
    free = [e for e in evses if e.id_token is None and e.transaction_id is None and e.status not in _OUT_OF_SERVICE]
    return min(free, key=lambda e: not e.plugged, default=None)
