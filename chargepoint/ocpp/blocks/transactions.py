"""E TransactionsBlock: a record as its TransactionEvent, what the answer means, GetTransactionStatus."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from chargepoint.model.commands import StopTransaction
from chargepoint.model.status import AuthorizationStatus, EvseState
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
BOUNDED_SPACE = "energy-bounded"
"""By transaction, the energy (Wh) that it may have although its token is not accepted."""
ENERGY_PERIOD_S = 1.0
"""How often a bounded energy is looked at: at 350 kW it may be exceeded by 100 Wh."""
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
    if not by:
        return record
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
        self._bounded = kept.space(BOUNDED_SPACE)
        self._next_check_s: float | None = 0.0 if self._bounded else None
        self._messages_waiting = messages_waiting
        self.calls = {"GetTransactionStatus": self._get_transaction_status}
        self.takes = {ACTION: self._event_answered}

    def states_changed(self, now: StationNow) -> Effects:
        """What is withheld or bounded is forgotten with its transaction."""
        running = {e.transaction_id for e in now.evses}
        spaces = self._withheld, self._bounded
        return tuple(space.forget(key) for space in spaces for key in space if key not in running)

    @property
    def deadline_s(self) -> float | None:
        """The next look at bounded energies."""
        return self._next_check_s

    def tick(self, now: StationNow) -> Effects:
        """A transaction that has had its bounded energy gets no more (C15.FR.06, E05.FR.02)."""
        if self._next_check_s is None or now.monotonic_s < self._next_check_s:
            return ()
        self._next_check_s = now.monotonic_s + ENERGY_PERIOD_S if self._bounded else None
        effects: list[Effect] = []
        for transaction_id, bound_Wh in self._bounded.items():
            running = now.transaction(transaction_id)
            if running is not None and _has_had(running, bound_Wh):
                effects += (self._bounded.forget(transaction_id), *self._withhold(transaction_id))
        return tuple(effects)

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
                if transaction_id in self._bounded:
                    effects.append(self._bounded.forget(transaction_id))
                if transaction_id in self._withheld:
                    effects += (self._withheld.forget(transaction_id), LimitsChanged())
            elif self._model.flag("TxCtrlr/StopTxOnInvalidId"):
                # C15.FR.04, E05: TxStopPoint contains Authorized, the transaction ends.
                effects.append(
                    Order(StopTransaction(running.transaction_id, TriggerReason.DEAUTHORIZED, StopReason.DEAUTHORIZED))
                )
            elif transaction_id not in self._withheld:
                effects += self._bound(running, transaction_id, now)
        try:
            return (*effects, *self._authorization.learned(token_from_wire(token), info, now))
        except ValueError:
            return tuple(effects)

    def _bound(self, running: EvseState, transaction_id: str, now: StationNow) -> Effects:
        """No end, and energy up to MaxEnergyOnInvalidId (C15.FR.07, E05.FR.03); none where that is 0 or reached."""
        bound_Wh = self._model.integer("TxCtrlr/MaxEnergyOnInvalidId")
        if _has_had(running, bound_Wh):
            return self._withhold(transaction_id)
        self._next_check_s = now.monotonic_s + ENERGY_PERIOD_S
        return (self._bounded.keep(transaction_id, bound_Wh),)

    def _withhold(self, transaction_id: str) -> Effects:
        return self._withheld.keep(transaction_id, True), LimitsChanged()

    def _get_transaction_status(self, request: Payload, now: StationNow) -> CallAnswer:
        """E14."""
        transaction_id = request.get("transactionId")
        waiting = self._messages_waiting(transaction_id) > 0
        if transaction_id is None:
            return CallAnswer({"messagesInQueue": waiting})  # E14.FR.06 to FR.08
        return CallAnswer({"ongoingIndicator": now.transaction(transaction_id) is not None, "messagesInQueue": waiting})


def _has_had(running: EvseState, bound_Wh: float) -> bool:
    """The transaction has had this energy. An energy that is unknown counts as too much."""
    return running.charged_Wh is None or running.charged_Wh >= bound_Wh


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
