"""F Remote control: start and stop of transactions, unlocking, triggered messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chargepoint.model.commands import (
    Report,
    ReportKind,
    StartTransaction,
    StopTransaction,
    UnlockConnector,
)
from chargepoint.model.status import ConnectorStatus, ConnectorStatusChanged, EvseState
from chargepoint.ocpp.blocks.authorization import AuthorizationBlock, token_from_wire
from chargepoint.ocpp.blocks.availability import CONNECTOR_ID, status_notification
from chargepoint.ocpp.blocks.block import FunctionalBlock, Respond, StationNow
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    CallRefusal,
    Order,
    RemoteStartAccepted,
    Send,
    Share,
    accepted_with,
    status,
)
from chargepoint.ocpp.blocks.registration import RegistrationBlock
from chargepoint.ocpp.blocks.reservation import ReservationBlock
from chargepoint.ocpp.blocks.smart_charging import SmartChargingBlock
from chargepoint.ocpp.charging_schedule import ProfileRejected
from chargepoint.ocpp.device_model import DeviceModel
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.token_cache import group_of

_OUT_OF_SERVICE = (ConnectorStatus.UNAVAILABLE, ConnectorStatus.FAULTED)
REMOTE_START_GRACE_S = 60.0
"""So long after EVConnectionTimeOut the profile of a remote start still waits for its transaction."""


class RemoteControlBlock(FunctionalBlock):
    """Orders for one transaction or one connector."""

    def __init__(
        self,
        model: DeviceModel,
        registration: RegistrationBlock,
        smart_charging: SmartChargingBlock,
        reservations: ReservationBlock,
        authorization: AuthorizationBlock,
        triggers: Mapping[str, Respond],
    ) -> None:
        """`triggers`: those of all blocks, by `requestedMessage`."""
        super().__init__()
        self._triggers = triggers
        self._model = model
        self._registration = registration
        self._smart_charging = smart_charging
        self._reservations = reservations
        self._authorization = authorization
        self.calls = {
            "RequestStartTransaction": self._request_start,
            "RequestStopTransaction": self._request_stop,
            "TriggerMessage": self._trigger_message,
            "UnlockConnector": self._unlock_connector,
        }

    def _request_start(self, request: Payload, now: StationNow) -> CallAnswer:
        """F01, F02. The station reports the start with the remoteStartId in its next record (F02.FR.21)."""
        if not now.accepted:  # B02.FR.05
            return CallAnswer(status("Rejected", "CSNotAccepted"))
        evse = _choose(request.get("evseId"), now.evses)
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
        if self._authorization.master_pass(token, group_of(request)):  # C12.FR.09, C16.FR.03
            return CallAnswer(status("Rejected", "InvalidIdToken", "a master pass starts no transaction"))
        why = self._reservations.refuses(token, evse.evse_id, now, group_of(request))
        if why:  # F02.FR.09, H03
            return CallAnswer(status("Rejected", "Reserved", why))
        profile, remarks = request.get("chargingProfile"), ""
        if profile is not None:
            try:
                remarks = self._smart_charging.profiles.check_for_start(
                    int(evse.evse_id), profile, now.evses, now.moment
                )
            except ProfileRejected as error:  # K05.FR.05, F02.FR.27
                return CallAnswer(status("Rejected", error.reason_code, error.text))
        payload = accepted_with(remarks)
        if evse.transaction_id is not None:
            payload["transactionId"] = str(evse.transaction_id)  # F01.FR.13
        authorize = self._model.flag("AuthCtrlr/AuthorizeRemoteStart")  # F01.FR.01, FR.02
        until_s = now.monotonic_s + self._model.integer("TxCtrlr/EVConnectionTimeOut") + REMOTE_START_GRACE_S
        return CallAnswer(
            payload,
            (
                Share(RemoteStartAccepted(evse.evse_id, token, profile, until_s)),
                *self._reservations.used(token, evse.evse_id, now, group_of(request)),
            ),
            order=StartTransaction(evse.evse_id, token, request["remoteStartId"], authorize),
        )

    def _request_stop(self, request: Payload, now: StationNow) -> CallAnswer:
        """F03."""
        if not now.accepted:  # B02.FR.05
            return CallAnswer(status("Rejected", "CSNotAccepted"))
        evse = now.transaction(request["transactionId"])
        if evse is None or evse.transaction_id is None:  # F03.FR.08
            return CallAnswer(status("Rejected", "UnknownTxId", f"no transaction {request['transactionId']}"))
        return CallAnswer(status("Accepted"), order=StopTransaction(evse.transaction_id))  # F03.FR.03, FR.07

    def _unlock_connector(self, request: Payload, now: StationNow) -> CallAnswer:
        """F05."""
        evse = now.evse(request["evseId"])
        if evse is None or request["connectorId"] != CONNECTOR_ID:  # F05.FR.03
            return CallAnswer(status("UnknownConnector", "UnknownConnectorId"))
        if evse.transaction_id is not None and evse.id_token is not None:  # F05.FR.02
            return CallAnswer(status("OngoingAuthorizedTransaction", "TxInProgress"))
        return CallAnswer(status("Unlocked"), order=UnlockConnector(evse.evse_id), otherwise="UnlockFailed")

    def _trigger_message(self, request: Payload, now: StationNow) -> CallAnswer | CallRefusal:
        """F06: the answer first, then the message (F06.FR.04)."""
        trigger = self._triggers.get(request["requestedMessage"])
        if trigger is not None:
            return trigger(request, now)
        evse_id = request.get("evse", {}).get("id")
        evses = [e for e in now.evses if evse_id in (None, e.evse_id)]  # F06.FR.11
        match request["requestedMessage"]:
            case "BootNotification":
                if now.accepted:  # F06.FR.17
                    return CallAnswer(
                        status("Rejected", "UnsupportedRequest", "the last BootNotification was accepted")
                    )
                return CallAnswer(status("Accepted"), then=(self._registration.boot(triggered=True),))
            case "Heartbeat":
                return CallAnswer(status("Accepted"), then=(Send("Heartbeat", {}),))
            case "StatusNotification":
                return _trigger_status(request.get("evse", {}), evses, now)
            case "MeterValues":  # F06.FR.06
                return _reports(evses, ReportKind.METER_VALUES)
            case "TransactionEvent" if not now.accepted:  # it would wait in the outbox (B01.FR.08)
                return CallAnswer(status("Rejected", "CSNotAccepted"))
            case "TransactionEvent":  # F06.FR.07
                return _reports([e for e in evses if e.transaction_id is not None], ReportKind.TRANSACTION)
            case _:
                return CallAnswer(status("NotImplemented"))  # F06.FR.08


def _trigger_status(place: Payload, evses: Sequence[EvseState], now: StationNow) -> CallAnswer:
    connector_id = place.get("connectorId")
    if connector_id is None:  # F06.FR.12
        return CallAnswer(status("Rejected", "MissingParam", "StatusNotification needs evse.id and evse.connectorId"))
    if not evses:
        return CallAnswer(status("Rejected", "UnknownEvse", f"no EVSE {place['id']}"))
    if connector_id != CONNECTOR_ID:
        return CallAnswer(
            status("Rejected", "UnknownConnectorId", f"EVSE {place['id']} has connector {CONNECTOR_ID} only")
        )
    change = ConnectorStatusChanged(evses[0].evse_id, CONNECTOR_ID, evses[0].status, now.utc)
    return CallAnswer(status("Accepted"), then=(status_notification(change),))


def _reports(evses: Sequence[EvseState], kind: ReportKind) -> CallAnswer:
    if not evses:
        return CallAnswer(status("Rejected", "NotFound", "nothing to report"))
    readable = [evse.evse_id for evse in evses if evse.meter_fresh]
    if not readable:  # F06.FR.10
        return CallAnswer(status("Rejected", "InternalError", "the meter is silent"))
    return CallAnswer(status("Accepted"), then=tuple(Order(Report(evse_id, kind)) for evse_id in readable))


def _choose(evse_id: int | None, evses: Sequence[EvseState]) -> EvseState | None:
    """The EVSE asked for; without a number the first free one, one with a car before one without (F02.FR.22)."""
    if evse_id is not None:
        return next((e for e in evses if e.evse_id == evse_id), None)
    free = [e for e in evses if e.id_token is None and e.transaction_id is None and e.status not in _OUT_OF_SERVICE]
    return min(free, key=lambda e: not e.plugged, default=None)
