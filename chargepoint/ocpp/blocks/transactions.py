"""E Transactions: a record as its TransactionEvent, what the answer means, GetTransactionStatus."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

from chargepoint.model.commands import StopTransaction
from chargepoint.model.status import AuthorizationStatus
from chargepoint.model.transactions import (
    ReadingContext,
    StopReason,
    TransactionEventType,
    TransactionRecord,
    TriggerReason,
)
from chargepoint.ocpp.blocks.authorization import learned, token_from_wire, token_on_wire
from chargepoint.ocpp.blocks.context import BlockContext, CallAnswer
from chargepoint.ocpp.blocks.meter_values import meter_value, with_registers
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.moment import Moment
from chargepoint.ocpp.rpc import call_text
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import to_wire
from chargepoint.ocpp.token_cache import status_at
from chargepoint.store.rows import OutboxKind, OutboxRow, Write

ACTION = "TransactionEvent"
_MESSAGE_IDS = uuid.UUID("4b9f6c0e-9a07-4a5c-8f0b-0f3b4a3a5e21")


def event_payload(record: TransactionRecord, model: DeviceModel, offline: bool) -> Payload:
    """TransactionEventRequest of a record."""
    info: Payload = {"transactionId": str(record.transaction_id), "chargingState": record.charging_state.value}
    if record.stopped_reason is not None:
        info["stoppedReason"] = record.stopped_reason.value
    if record.remote_start_id is not None:
        info["remoteStartId"] = record.remote_start_id
    payload: Payload = {
        "eventType": record.type.value,
        "timestamp": to_wire(record.at_utc),
        "triggerReason": record.trigger.value,
        "seqNo": record.seq_no,
        "transactionInfo": info,
        "evse": {"id": int(record.evse_id), "connectorId": record.connector_id},
    }
    if offline or record.offline:  # E04.FR.03
        payload["offline"] = True
    if record.id_token is not None:
        payload["idToken"] = token_on_wire(record.id_token)
    measurands = _measurands(record, model)
    values = [value for sample in record.samples if (value := meter_value(sample, measurands)) is not None]
    if values:
        payload["meterValue"] = values
    return payload


def at_csms_clock(record: TransactionRecord, by: timedelta) -> TransactionRecord:
    """The record with every time as the central system's clock has it (B01.FR.06): `by` is added."""
    samples = tuple(replace(sample, at_utc=sample.at_utc + by) for sample in record.samples)
    return replace(record, at_utc=record.at_utc + by, samples=samples)


def outbox_row(record: TransactionRecord, model: DeviceModel, offline: bool) -> OutboxRow:
    """The record as the message that will be sent, first time and every time again.

    The message id follows from transaction and seqNo: rendering twice gives one message, and the store takes it once.
    Part 4, 4.1.4 (errata 2025-09): a retried message may keep its id.
    """
    message_id = str(uuid.uuid5(_MESSAGE_IDS, f"{record.transaction_id}/{record.seq_no}"))
    return OutboxRow(
        message_id=message_id,
        action=ACTION,
        text=call_text(message_id, ACTION, event_payload(record, model, offline)),
        kind=OutboxKind.TRANSACTION,
        transaction_id=str(record.transaction_id),
        droppable=record.type is TransactionEventType.UPDATED
        and record.trigger in (TriggerReason.METER_VALUE_PERIODIC, TriggerReason.METER_VALUE_CLOCK),
    )


def event_answered(request: Payload, response: Payload, context: BlockContext, now: Moment) -> tuple[Write, ...]:
    """The central system's answer to a TransactionEvent: cache the token, stop a transaction it does not allow."""
    info, token = response.get("idTokenInfo"), request.get("idToken")
    if info is None or token is None:
        return ()
    transaction_id = request["transactionInfo"]["transactionId"]
    running = next((e for e in context.port.evse_states() if e.transaction_id == transaction_id), None)
    if running is not None and running.transaction_id is not None:
        if status_at(info, running.evse_id) is AuthorizationStatus.ACCEPTED:
            context.not_accepted.discard(transaction_id)
        elif context.model.flag("TxCtrlr/StopTxOnInvalidId"):
            # C15.FR.04, E05: TxStopPoint contains Authorized, the transaction ends.
            context.port.command(
                StopTransaction(running.transaction_id, TriggerReason.DEAUTHORIZED, StopReason.DEAUTHORIZED)
            )
        else:
            context.not_accepted.add(transaction_id)  # C15.FR.06, E05.FR.02: no energy, but no end
    try:
        return learned(token_from_wire(token), info, context, now)
    except ValueError:
        return ()


def get_transaction_status(request: Payload, context: BlockContext, now: Moment) -> CallAnswer:
    """E14."""
    transaction_id = request.get("transactionId")
    waiting = context.messages_waiting(transaction_id) > 0
    if transaction_id is None:
        return CallAnswer({"messagesInQueue": waiting})  # E14.FR.06 to FR.08
    ongoing = any(e.transaction_id == transaction_id for e in context.port.evse_states())
    return CallAnswer({"ongoingIndicator": ongoing, "messagesInQueue": waiting})


def _measurands(record: TransactionRecord, model: DeviceModel) -> frozenset[str]:
    match record.type:
        case TransactionEventType.STARTED:
            return with_registers(model.members("SampledDataCtrlr/TxStartedMeasurands"))
        case TransactionEventType.ENDED:
            return with_registers(model.members("SampledDataCtrlr/TxEndedMeasurands"))
        case TransactionEventType.UPDATED:
            clock = any(sample.context is ReadingContext.SAMPLE_CLOCK for sample in record.samples)  # J01.FR.22
            key = "AlignedDataCtrlr/Measurands" if clock else "SampledDataCtrlr/TxUpdatedMeasurands"
            return frozenset(model.members(key))
