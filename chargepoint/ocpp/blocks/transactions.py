"""E TransactionsBlock: a record as its TransactionEvent, what the answer means, GetTransactionStatus."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from chargepoint.model.commands import StopTransaction
from chargepoint.model.status import AuthorizationStatus
from chargepoint.model.transactions import (
    MeterSample,
    ReadingContext,
    StopReason,
    TransactionEventType,
    TransactionRecord,
    TriggerReason,
)
from chargepoint.ocpp.blocks.authorization import AuthorizationBlock, token_from_wire, token_on_wire
from chargepoint.ocpp.blocks.block import FunctionalBlock, StationNow
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    Effect,
    Effects,
    LimitsChanged,
    Order,
    Share,
    TransactionAnswered,
)
from chargepoint.ocpp.blocks.meter_values import meter_value, with_registers
from chargepoint.ocpp.blocks.smart_charging import WITHHELD_SPACE
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.rpc import call_text
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.timestamps import to_wire
from chargepoint.ocpp.token_cache import status_at
from chargepoint.store.rows import OutboxKind, OutboxRow

ACTION = "TransactionEvent"
_MESSAGE_IDS = uuid.UUID("4b9f6c0e-9a07-4a5c-8f0b-0f3b4a3a5e21")


def event_payload(
    record: TransactionRecord, model: DeviceModel, offline: bool, reservation_id: int | None = None
) -> Payload:
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
    if reservation_id is not None:  # H01.FR.15
        payload["reservationId"] = reservation_id
    if record.id_token is not None:
        payload["idToken"] = token_on_wire(record.id_token)
    values = [
        value
        for sample in record.samples
        if (value := meter_value(sample, _measurands(record, sample, model))) is not None
    ]
    if values:
        payload["meterValue"] = values
    return payload


def at_csms_clock(record: TransactionRecord, by: timedelta) -> TransactionRecord:
    """The record with every time as the central system's clock has it (B01.FR.06): `by` is added."""
    samples = tuple(replace(sample, at_utc=sample.at_utc + by) for sample in record.samples)
    return replace(record, at_utc=record.at_utc + by, samples=samples)


def outbox_row(
    record: TransactionRecord, model: DeviceModel, offline: bool, reservation_id: int | None = None
) -> OutboxRow:
    """The record as the message that will be sent, first time and every time again.

    The message id follows from transaction and seqNo: rendering twice gives one message, and the store takes it once.
    Part 4, 4.1.4 (errata 2025-09): a retried message may keep its id.
    """
    message_id = str(uuid.uuid5(_MESSAGE_IDS, f"{record.transaction_id}/{record.seq_no}"))
    return OutboxRow(
        message_id=message_id,
        action=ACTION,
        text=call_text(message_id, ACTION, event_payload(record, model, offline, reservation_id)),
        kind=OutboxKind.TRANSACTION,
        transaction_id=str(record.transaction_id),
        droppable=record.type is TransactionEventType.UPDATED
        and record.trigger in (TriggerReason.METER_VALUE_PERIODIC, TriggerReason.METER_VALUE_CLOCK),
    )


class TransactionsBlock(FunctionalBlock):
    """Answers to TransactionEvents. `messages_waiting` counts stored messages of one transaction, or (None) of all."""

    def __init__(
        self,
        model: DeviceModel,
        authorization: AuthorizationBlock,
        kept: Kept,
        messages_waiting: Callable[[str | None], int],
    ) -> None:
        super().__init__()
        self._model = model
        self._authorization = authorization
        self._withheld = kept.space(WITHHELD_SPACE)
        self._messages_waiting = messages_waiting
        self.calls = {"GetTransactionStatus": self._get_transaction_status}
        self.takes = {ACTION: self._event_answered}

    def states_changed(self, now: StationNow) -> Effects:
        """What is withheld is forgotten with its transaction."""
        running = {e.transaction_id for e in now.evses}
        return tuple(self._withheld.forget(key) for key in self._withheld if key not in running)

    def _event_answered(self, request: Payload, response: Payload, now: StationNow) -> Effects:
        """Keep what is said of the token; stop, or leave without energy, a transaction it does not allow."""
        answered = Share(TransactionAnswered(request["transactionInfo"]["transactionId"], response))
        return (answered, *self._judge(request, response, now))

    def _judge(self, request: Payload, response: Payload, now: StationNow) -> Effects:
        info, token = response.get("idTokenInfo"), request.get("idToken")
        if info is None or token is None:
            return ()
        transaction_id = request["transactionInfo"]["transactionId"]
        effects: list[Effect] = []
        running = now.transaction(transaction_id)
        if running is not None and running.transaction_id is not None:
            if status_at(info, running.evse_id) is AuthorizationStatus.ACCEPTED:
                if transaction_id in self._withheld:
                    effects += (self._withheld.forget(transaction_id), LimitsChanged())
            elif self._model.flag("TxCtrlr/StopTxOnInvalidId"):
                # C15.FR.04, E05: TxStopPoint contains Authorized, the transaction ends.
                effects.append(
                    Order(StopTransaction(running.transaction_id, TriggerReason.DEAUTHORIZED, StopReason.DEAUTHORIZED))
                )
            else:  # C15.FR.06, E05.FR.02: no energy, but no end
                effects += (self._withheld.keep(transaction_id, True), LimitsChanged())
        try:
            return (*effects, *self._authorization.learned(token_from_wire(token), info, now))
        except ValueError:
            return tuple(effects)

    def _get_transaction_status(self, request: Payload, now: StationNow) -> CallAnswer:
        """E14."""
        transaction_id = request.get("transactionId")
        waiting = self._messages_waiting(transaction_id) > 0
        if transaction_id is None:
            return CallAnswer({"messagesInQueue": waiting})  # E14.FR.06 to FR.08
        return CallAnswer({"ongoingIndicator": now.transaction(transaction_id) is not None, "messagesInQueue": waiting})


def _measurands(record: TransactionRecord, sample: MeterSample, model: DeviceModel) -> frozenset[str]:
    clock = sample.context is ReadingContext.SAMPLE_CLOCK  # J01.FR.15, FR.22
    match record.type:
        case TransactionEventType.STARTED:
            return with_registers(model.members("SampledDataCtrlr/TxStartedMeasurands"))
        case TransactionEventType.ENDED if clock:
            return frozenset(model.members("AlignedDataCtrlr/TxEndedMeasurands"))
        case TransactionEventType.ENDED:
            return with_registers(model.members("SampledDataCtrlr/TxEndedMeasurands"))
        case TransactionEventType.UPDATED:
            key = "AlignedDataCtrlr/Measurands" if clock else "SampledDataCtrlr/TxUpdatedMeasurands"
            return frozenset(model.members(key))
