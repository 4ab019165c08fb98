"""Block F, remote control: remote start and stop, unlocking, triggered messages."""

from __future__ import annotations

from hil.certification.cases.l_firmware import firmware_offered, update_asked
from hil.certification.cases.n_logs import takes_http
from hil.certification.log_server import LogServer
from hil.certification.memory_states import remote_authorization
from hil.certification.patterns import MISSING, PRESENT, Payload, none_of, one_of
from hil.certification.registry import case
from hil.certification.states import (
    authorized,
    connector_is,
    energy_transfer_started,
    ev_connected_pre_session,
    starts_at,
    stop_authorized,
    transaction_event,
)
from hil.certification.trial import Trial

HELD_S = 3.0
"""How long a download stops in its middle, while TriggerMessage asks about it."""
IDLE = {"status": "Idle"}


@case("TC_F_01_CS")
async def plug_first(trial: Trial) -> None:
    """First the plug, then the remote start."""
    await remote_authorization(trial)
    await ev_connected_pre_session(trial)
    await authorized(trial, remote=True, asks=None)
    await energy_transfer_started(trial)


@case("TC_F_02_CS")
async def remote_start_with_authorization(trial: Trial) -> None:
    """A remote start with AuthorizeRemoteStart."""
    await _remote_start_first(trial, "true")


@case("TC_F_03_CS")
async def remote_start_without_authorization(trial: Trial) -> None:
    """A remote start without AuthorizeRemoteStart."""
    await _remote_start_first(trial, "false")


async def _remote_start_first(trial: Trial, authorizes: str) -> None:
    await remote_authorization(trial)
    await trial.sets("AuthCtrlr", "AuthorizeRemoteStart", authorizes)
    await authorized(trial, remote=True, asks=authorizes == "true")
    await energy_transfer_started(trial)


@case("TC_F_04_CS")
async def remote_start_and_no_plug(trial: Trial) -> None:
    """After EVConnectionTimeOut the transaction of a remote start ends; the next one works."""
    await remote_authorization(trial)
    await trial.sets("TxCtrlr", "EVConnectionTimeOut", str(trial.configured.connection_timeout_s))
    await starts_at(trial, "Authorized")
    await authorized(trial, remote=True, asks=None)
    patience_s = trial.configured.connection_timeout_s + trial.configured.answer_within_s
    where = {"triggerReason": "EVConnectTimeout"}
    await transaction_event(trial, 1, where, {"eventType": "Ended"}, within_s=patience_s)
    trial.begin_session()
    await authorized(trial, remote=True, asks=None)


async def _unlock(trial: Trial, connector_id: int, status: str) -> None:
    place = {"evseId": trial.configured.evse_id, "connectorId": connector_id}
    await trial.calls(1, "UnlockConnector", place, {"status": status})


@case("TC_F_05_CS")
async def unlock_in_a_transaction(trial: Trial) -> None:
    """A connector with an authorised transaction stays locked."""
    await energy_transfer_started(trial)
    await _unlock(trial, trial.configured.connector_id, "OngoingAuthorizedTransaction")


@case("TC_F_06_CS")
async def unlock(trial: Trial) -> None:
    """A connector is unlocked."""
    await _unlock(trial, trial.configured.connector_id, "Unlocked")


@case("TC_F_07_CS")
async def unlock_without_a_cable(trial: Trial) -> None:
    """A connector without a cable is unlocked."""
    await _unlock(trial, trial.configured.connector_id, "Unlocked")


@case("TC_F_10_CS")
async def unlock_an_unknown_connector(trial: Trial) -> None:
    """A connector that does not exist."""
    await _unlock(trial, 999, "UnknownConnector")


@case("TC_F_08_CS")
async def remote_stop(trial: Trial) -> None:
    """The central system ends the transaction."""
    await energy_transfer_started(trial)
    await stop_authorized(trial, remote=True)


@case("TC_F_09_CS")
async def remote_stop_of_an_unknown_transaction(trial: Trial) -> None:
    """A transaction that does not run."""
    await energy_transfer_started(trial)
    unknown = {"transactionId": f"unknown-{trial.request_id()}"}
    await trial.calls(1, "RequestStopTransaction", unknown, {"status": "Rejected"})


# -- TriggerMessage ----------------------------------------------------------------------------------------------------------


async def trigger(
    trial: Trial, message: str, status: object = "Accepted", evse: Payload | None = None, step: int = 1
) -> None:
    """TriggerMessage for this message, and its answer."""
    payload: Payload = {"requestedMessage": message} | ({} if evse is None else {"evse": evse})
    await trial.calls(step, "TriggerMessage", payload, {"status": status})


@case("TC_F_11_CS")
async def meter_values_of_one_evse(trial: Trial) -> None:
    """MeterValues of one EVSE."""
    evse_id = trial.configured.evse_id
    await trigger(trial, "MeterValues", evse={"id": evse_id})
    await trial.expects(
        3, "MeterValues", {"meterValue[0].sampledValue[0].context": "Trigger"}, where={"evseId": evse_id}
    )


@case("TC_F_12_CS")
async def meter_values_of_every_evse(trial: Trial) -> None:
    """MeterValues of every EVSE."""
    await trigger(trial, "MeterValues")
    for evse_id in trial.configured.connectors:
        has = {"meterValue[0].sampledValue[0].context": "Trigger"}
        await trial.expects(3, "MeterValues", has, where={"evseId": evse_id})


def _triggered(evse_id: object) -> Payload:
    return {
        "evse.id": evse_id,
        "transactionInfo.chargingState": "Charging",
        "meterValue": PRESENT,
        "meterValue[0].sampledValue[0].context": "Trigger",
    }


@case("TC_F_13_CS")
async def transaction_event_of_one_evse(trial: Trial) -> None:
    """TransactionEvent of one EVSE."""
    await energy_transfer_started(trial)
    evse_id = trial.configured.evse_id
    await trigger(trial, "TransactionEvent", evse={"id": evse_id})
    await transaction_event(trial, 3, {"triggerReason": "Trigger"}, _triggered(one_of(evse_id, MISSING)))


@case("TC_F_14_CS")
async def transaction_event_of_every_evse(trial: Trial) -> None:
    """TransactionEvent of every EVSE."""
    for evse_id in trial.configured.connectors:
        trial.at_evse(evse_id)
        await energy_transfer_started(trial)
    await trigger(trial, "TransactionEvent")
    for evse_id in trial.configured.connectors:
        trial.at_evse(evse_id)
        await transaction_event(trial, 3, {"triggerReason": "Trigger"}, _triggered(evse_id))


@case("TC_F_15_CS")
async def log_status(trial: Trial) -> None:
    """LogStatusNotification while nothing is uploaded."""
    await trigger(trial, "LogStatusNotification")
    await trial.expects(3, "LogStatusNotification", IDLE)


@case("TC_F_16_CS")
async def log_status_while_uploading(trial: Trial) -> None:
    """LogStatusNotification while a log is uploaded: the suite's server does not answer the upload."""
    await takes_http(trial)
    number = trial.request_id()
    uploading = {"status": "Uploading", "requestId": number}
    async with LogServer() as server:
        server.answers = False
        log = {"remoteLocation": server.url()}
        asked = {"logType": "DiagnosticsLog", "requestId": number, "log": log}
        await trial.calls(1, "GetLog", asked, {"status": "Accepted"})
        await trial.expects(3, "LogStatusNotification", uploading)
        await trigger(trial, "LogStatusNotification", step=5)
        await trial.expects(7, "LogStatusNotification", uploading)
    ended = {"status": none_of("Uploading")}
    await trial.may_come("after", "LogStatusNotification", {}, ended, trial.configured.answer_within_s)


@case("TC_F_17_CS")
async def firmware_status_of_one_evse(trial: Trial) -> None:
    """FirmwareStatusNotification; the EVSE does not matter."""
    await trigger(trial, "FirmwareStatusNotification", evse={"id": trial.configured.evse_id})
    await trial.expects(3, "FirmwareStatusNotification", IDLE)


@case("TC_F_18_CS")
async def firmware_status(trial: Trial) -> None:
    """FirmwareStatusNotification while nothing is installed."""
    await trigger(trial, "FirmwareStatusNotification")
    await trial.expects(3, "FirmwareStatusNotification", IDLE)


@case("TC_F_19_CS")
async def firmware_status_while_downloading(trial: Trial) -> None:
    """FirmwareStatusNotification during a download. A wrong signature ends the update afterwards (errata 2025-09, 6.2.59)."""
    trial.firmware_server.pause_s = HELD_S
    request = await firmware_offered(trial, signs_this=False, install_after_s=None)
    number = await update_asked(trial, 1, request)
    downloading = {"status": "Downloading", "requestId": number}
    await trial.expects(3, "FirmwareStatusNotification", downloading)
    await trigger(trial, "FirmwareStatusNotification", step=5)
    await trial.expects(7, "FirmwareStatusNotification", downloading)
    ended = {"status": one_of("InvalidSignature", "DownloadFailed")}
    await trial.may_come("after", "FirmwareStatusNotification", {}, ended, HELD_S + trial.configured.answer_within_s)


@case("TC_F_20_CS")
async def heartbeat(trial: Trial) -> None:
    """Heartbeat."""
    await trigger(trial, "Heartbeat")
    await trial.expects(3, "Heartbeat")


@case("TC_F_23_CS")
async def status_of_a_free_connector(trial: Trial) -> None:
    """The state of a connector without a cable."""
    await _status(trial, "Available")


@case("TC_F_24_CS")
async def status_of_an_occupied_connector(trial: Trial) -> None:
    """The state of a connector with a car."""
    await ev_connected_pre_session(trial)
    await _status(trial, "Occupied")


async def _status(trial: Trial, state: str) -> None:
    evse = {"id": trial.configured.evse_id, "connectorId": trial.configured.connector_id}
    await trigger(trial, "StatusNotification", evse=evse)
    await connector_is(trial, 3, state)


@case("TC_F_26_CS")
async def boot_notification(trial: Trial) -> None:
    """BootNotification of a station that is accepted is rejected."""
    await trigger(trial, "BootNotification", "Rejected")


@case("TC_F_27_CS")
async def unsupported_message(trial: Trial) -> None:
    """A message the station does not have."""
    await trigger(trial, "SignCombinedCertificate", "NotImplemented")
