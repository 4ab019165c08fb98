"""Block E, transactions: where they start and stop, and what a session looks like. Offline and queue are in `e_delivery`."""

from __future__ import annotations

from hil.certification.memory_states import known_offline, remote_authorization
from hil.certification.patterns import MISSING, PRESENT, one_of
from hil.certification.registry import case
from hil.certification.states import (
    authorized,
    charging_state,
    connector_is,
    energy_transfer_started,
    energy_transfer_suspended,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    evse_of,
    offline_session_starts,
    parking_bay_unoccupied,
    starts_at,
    stop_authorized,
    stops_at,
    transaction_event,
)
from hil.certification.trial import Trial

EARLY_STARTS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "DataSigned", "PowerPathClosed")
EARLY_STOPS = ("Authorized", "PowerPathClosed", "EnergyTransfer")
NAMED_EVSE = {"evse.id": PRESENT, "evse.connectorId": PRESENT}
GONE = {"triggerReason": "EVCommunicationLost", "transactionInfo.chargingState": "Idle"}


def _token(trial: Trial) -> dict[str, object]:
    token = trial.configured.valid_token
    return {"idToken.idToken": token.value, "idToken.type": token.kind}


# -- where a transaction starts ----------------------------------------------------------------------------------------------


@case("TC_E_01_CS")
async def start_at_power_path_closed(trial: Trial) -> None:
    """TxStartPoint PowerPathClosed: authorised and plugged in."""
    await starts_at(trial, "PowerPathClosed", before=("ParkingBayOccupancy", "EVConnected", "Authorized", "DataSigned"))
    await authorized(trial)
    await ev_connected_pre_session(trial)


@case("TC_E_02_CS")
async def start_at_energy_transfer(trial: Trial) -> None:
    """TxStartPoint EnergyTransfer: energy flows."""
    await starts_at(trial, "EnergyTransfer", before=EARLY_STARTS)
    await authorized(trial)
    await trial.station.plug(evse_of(trial), trial.configured.connector_id)
    trial.session.plugged = True
    await connector_is(trial, 1, "Occupied")
    trigger = "RemoteStart" if trial.session.remote else one_of("ChargingStateChanged", "Authorized")
    has = {
        "eventType": "Started",
        "triggerReason": trigger,
        "transactionInfo.chargingState": "Charging",
        **_token(trial),
        **NAMED_EVSE,
    }
    await transaction_event(trial, 3, {}, has)


@case("TC_E_09_CS")
async def start_at_ev_connected(trial: Trial) -> None:
    """TxStartPoint EVConnected: plugged in."""
    await starts_at(trial, "EVConnected", before=("ParkingBayOccupancy",))
    await trial.station.plug(evse_of(trial), trial.configured.connector_id)
    trial.session.plugged = True
    await connector_is(trial, 1, "Occupied")
    has = {
        "eventType": "Started",
        "triggerReason": one_of("CablePluggedIn", "ChargingStateChanged"),
        "transactionInfo.chargingState": "EVConnected",
        **NAMED_EVSE,
    }
    await transaction_event(trial, 3, {}, has)


@case("TC_E_10_CS")
async def start_at_authorized(trial: Trial) -> None:
    """TxStartPoint Authorized: a token was accepted."""
    await starts_at(trial, "Authorized", before=("ParkingBayOccupancy",))
    await remote_authorization(trial)
    await authorized(trial, remote=False)
    trial.checks.message(
        3, "TransactionEvent", trial.first_transaction_event(), {"eventType": "Started", **_token(trial)}
    )


@case("TC_E_13_CS")
async def start_at_authorized_remotely(trial: Trial) -> None:
    """TxStartPoint Authorized: the central system started."""
    await starts_at(trial, "Authorized", before=("ParkingBayOccupancy",))
    await remote_authorization(trial)
    await authorized(trial, remote=True, asks=None)
    has = {"eventType": "Started", "transactionInfo.remoteStartId": trial.session.remote_start_id, **_token(trial)}
    trial.checks.message(5, "TransactionEvent", trial.first_transaction_event(), has)


@case("TC_E_03_CS")
async def plug_first(trial: Trial) -> None:
    """First the plug, then the token."""
    await remote_authorization(trial)
    await ev_connected_pre_session(trial)
    await authorized(trial, remote=False)
    await energy_transfer_started(trial)


@case("TC_E_04_CS")
async def token_first(trial: Trial) -> None:
    """First the token, then the plug."""
    await remote_authorization(trial)
    await authorized(trial, remote=False)
    await energy_transfer_started(trial)


@case("TC_E_05_CS")
async def token_and_no_plug(trial: Trial) -> None:
    """After EVConnectionTimeOut without a plug the authorisation is gone; the next one works."""
    await trial.sets("TxCtrlr", "EVConnectionTimeOut", str(trial.configured.connection_timeout_s))
    await remote_authorization(trial)
    await trial.sets_where_there("AuthCacheCtrlr", "Enabled", "false")
    await trial.sets_where_there("AuthCtrlr", "LocalPreAuthorize", "false")
    await authorized(trial, remote=False)
    if trial.session.started:
        await _times_out(trial, 1)
    else:
        await trial.wait(trial.configured.connection_timeout_s + trial.configured.quiet_s)
    trial.begin_session()
    await authorized(trial, remote=False)
    await energy_transfer_started(trial)


async def _times_out(trial: Trial, step: int) -> None:
    """The transaction reports EVConnectTimeout, and ends where TxStopPoint has Authorized."""
    patience_s = trial.configured.connection_timeout_s + trial.configured.answer_within_s
    event = await transaction_event(trial, step, {"triggerReason": "EVConnectTimeout"}, within_s=patience_s)
    if "Authorized" in trial.session.stop_points:
        has = {"eventType": "Ended", "transactionInfo.stoppedReason": "Timeout"}
    else:
        has = {"eventType": "Updated"}
    trial.checks.message(step, "TransactionEvent", event.payload, has)


@case("TC_E_39_CS")
async def deauthorized_by_time_out(trial: Trial) -> None:
    """A car that is plugged in after the time-out gets no energy."""
    await stops_at(trial, "Authorized")
    await trial.sets("TxCtrlr", "EVConnectionTimeOut", str(trial.configured.connection_timeout_s))
    await remote_authorization(trial)
    await authorized(trial)
    if trial.session.started:
        await _times_out(trial, 1)
    else:
        await trial.wait(trial.configured.connection_timeout_s + trial.configured.quiet_s)
    await trial.station.plug(evse_of(trial), trial.configured.connector_id)
    await trial.nothing_comes(
        3, "TransactionEvent", {"transactionInfo.chargingState": "Charging"}, for_s=trial.configured.unseen_s
    )


@case("TC_E_38_CS")
async def car_is_not_ready(trial: Trial) -> None:
    """A car that takes no energy suspends the transaction."""
    await authorized(trial)
    await trial.station.not_ready(evse_of(trial))
    await ev_connected_pre_session(trial)
    where = {"transactionInfo.chargingState": "SuspendedEV"}
    await transaction_event(trial, 2, where, has={"triggerReason": "ChargingStateChanged"})


@case("TC_E_52_CS")
async def remote_authorization_is_off(trial: Trial) -> None:
    """With DisableRemoteAuthorization an unknown token is refused without a question."""
    await trial.sets_where_there("AuthCtrlr", "Enabled", "true")
    await trial.sets("AuthCtrlr", "DisableRemoteAuthorization", "true")
    await trial.station.present(trial.configured.stranger_token, evse_of(trial))
    await trial.nothing_comes(1, "Authorize")
    await trial.nothing_comes(1, "TransactionEvent", {"triggerReason": "Authorized"})


# -- where a transaction stops ------------------------------------------------------------------------------------------------


@case("TC_E_06_CS")
async def stopped_by_token(trial: Trial) -> None:
    """A whole session that the driver's token ends."""
    await remote_authorization(trial)
    await energy_transfer_started(trial, remote=False)
    await stop_authorized(trial, remote=False)
    await ev_connected_post_session(trial)
    await ev_disconnected(trial)
    await parking_bay_unoccupied(trial)


@case("TC_E_07_CS")
async def stop_at_power_path_closed(trial: Trial) -> None:
    """TxStopPoint PowerPathClosed, stopped by the token."""
    await stops_at(trial, "PowerPathClosed", before=("Authorized",))
    await energy_transfer_started(trial)
    await stop_authorized(trial, remote=False)


@case("TC_E_35_CS")
async def stop_at_power_path_closed_remotely(trial: Trial) -> None:
    """TxStopPoint PowerPathClosed, stopped by the central system."""
    await stops_at(trial, "PowerPathClosed", before=("Authorized",))
    await _stopped_remotely(trial)


@case("TC_E_21_CS")
async def stop_at_authorized_remotely(trial: Trial) -> None:
    """TxStopPoint Authorized, stopped by the central system."""
    await stops_at(trial, "Authorized")
    await _stopped_remotely(trial)


async def _stopped_remotely(trial: Trial) -> None:
    await energy_transfer_started(trial)
    payload = {"transactionId": trial.session.transaction_id}
    await trial.calls(1, "RequestStopTransaction", payload, {"status": "Accepted"})
    has = {"triggerReason": "RemoteStop", "transactionInfo.stoppedReason": "Remote"}
    await transaction_event(trial, 3, {"eventType": "Ended"}, has)


@case("TC_E_37_CS")
async def stop_at_power_path_closed_by_the_car(trial: Trial) -> None:
    """TxStopPoint PowerPathClosed, the cable is pulled at the car."""
    await stops_at(trial, "PowerPathClosed", before=("Authorized",))
    await trial.sets_where_there("TxCtrlr", "StopTxOnEVSideDisconnect", "false")
    await _pulled_while_suspended(trial, one_of("EVDisconnected", "StoppedByEV"))


@case("TC_E_20_CS")
async def stop_at_ev_connected_by_the_car(trial: Trial) -> None:
    """TxStopPoint EVConnected, the cable is pulled at the car."""
    await stops_at(trial, "EVConnected", before=EARLY_STOPS)
    await trial.sets_where_there("TxCtrlr", "StopTxOnEVSideDisconnect", "false")
    await _pulled_while_suspended(trial, "EVDisconnected")


@case("TC_E_54_CS")
async def stop_at_ev_connected_by_a_talking_car(trial: Trial) -> None:
    """TxStopPoint EVConnected, a car with digital communication leaves."""
    await stops_at(trial, "EVConnected", before=EARLY_STOPS)
    await trial.sets_where_there("TxCtrlr", "StopTxOnEVSideDisconnect", "false")
    await _pulled_while_suspended(trial, one_of("EVDisconnected", "StoppedByEV"))


@case("TC_E_17_CS")
async def deauthorized_by_the_car_side(trial: Trial) -> None:
    """With StopTxOnEVSideDisconnect the pulled cable ends the transaction."""
    await stops_at(trial, "Authorized")
    await trial.sets("TxCtrlr", "StopTxOnEVSideDisconnect", "true")
    await trial.sets_where_there("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "false")
    await remote_authorization(trial)
    await _pulled_while_suspended(trial, "EVDisconnected")
    await connector_is(trial, 3, "Available")


async def _pulled_while_suspended(trial: Trial, reason: object) -> None:
    await energy_transfer_suspended(trial)
    await trial.station.unplug(evse_of(trial), trial.configured.connector_id)
    has = {**GONE, "transactionInfo.stoppedReason": reason}
    await transaction_event(trial, 1, {"eventType": "Ended"}, has)


@case("TC_E_25_CS")
async def pulled_cable_deauthorizes(trial: Trial) -> None:
    """The pulled cable takes the authorisation away; a fixed cable makes the connector Available."""
    await trial.sets("TxCtrlr", "StopTxOnEVSideDisconnect", "true")
    await trial.sets_where_there("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "false")
    await energy_transfer_suspended(trial)
    await trial.station.unplug(evse_of(trial), trial.configured.connector_id)
    await transaction_event(trial, 1, {"triggerReason": "EVCommunicationLost"}, GONE)
    await connector_is(trial, 3, "Available")


@case("TC_E_08_CS")
async def stop_at_energy_transfer(trial: Trial) -> None:
    """TxStopPoint EnergyTransfer, stopped by the token."""
    await stops_at(trial, "EnergyTransfer", before=("Authorized", "PowerPathClosed"))
    await energy_transfer_started(trial)
    await stop_authorized(trial, remote=False)


@case("TC_E_22_CS")
async def stop_at_energy_transfer_by_the_car(trial: Trial) -> None:
    """TxStopPoint EnergyTransfer, the car suspends."""
    await stops_at(trial, "EnergyTransfer", before=("Authorized", "PowerPathClosed"))
    await energy_transfer_started(trial)
    await trial.station.suspend(evse_of(trial))
    where = {"transactionInfo.chargingState": one_of("EVConnected", "SuspendedEV")}
    event = await transaction_event(trial, 1, where, {"triggerReason": "ChargingStateChanged"})
    ended = {"eventType": "Ended", "transactionInfo.stoppedReason": "StoppedByEV"}
    has = ended if charging_state(event) == "EVConnected" else {"eventType": one_of("Updated", "Ended")}
    trial.checks.message(1, "TransactionEvent", event.payload, has)


@case("TC_E_15_CS")
async def stop_at_authorized(trial: Trial) -> None:
    """TxStopPoint Authorized, stopped by the token."""
    await stops_at(trial, "Authorized")
    await energy_transfer_started(trial, remote=False)
    await trial.wait(trial.configured.transaction_duration_s)
    await trial.station.present(trial.configured.valid_token, evse_of(trial))
    has = {"triggerReason": "StopAuthorized", "transactionInfo.stoppedReason": one_of("Local", MISSING)}
    await transaction_event(trial, 1, {"eventType": "Ended"}, has)


@case("TC_E_16_CS")
async def deauthorized_after_an_offline_start(trial: Trial) -> None:
    """A token that the central system calls Invalid ends the transaction that began offline."""
    await stops_at(trial, "Authorized")
    await remote_authorization(trial)
    await trial.sets("TxCtrlr", "StopTxOnInvalidId", "true")
    await known_offline(trial, trial.configured.valid_token)
    await offline_session_starts(trial)
    invalid = {"idTokenInfo": {"status": "Invalid"}}
    trial.csms.answers.order("TransactionEvent", invalid, where={"idToken": PRESENT})
    trial.csms.reconnect()
    await transaction_event(trial, 1, {}, {"offline": True}, within_s=trial.configured.reboot_within_s)
    has = {"triggerReason": "Deauthorized", "transactionInfo.stoppedReason": "DeAuthorized"}
    await transaction_event(trial, 3, {"eventType": "Ended"}, has)


@case("TC_E_26_CS")
async def pulled_cable_keeps_the_transaction(trial: Trial) -> None:
    """Without StopTxOnEVSideDisconnect a car that is plugged in again goes on charging."""
    await _pulled_and_kept(trial)
    await trial.station.plug(evse_of(trial), trial.configured.connector_id)
    has = {"transactionInfo.chargingState": "EVConnected", "eventType": "Updated"}
    await transaction_event(trial, 5, {"triggerReason": "CablePluggedIn"}, has)
    has = {"triggerReason": "ChargingStateChanged", "eventType": "Updated"}
    await transaction_event(trial, 7, {"transactionInfo.chargingState": "Charging"}, has)


@case("TC_E_27_CS")
async def pulled_cable_times_out(trial: Trial) -> None:
    """Without StopTxOnEVSideDisconnect the transaction ends when no car comes back in time."""
    await trial.sets("TxCtrlr", "EVConnectionTimeOut", str(trial.configured.connection_timeout_s))
    await _pulled_and_kept(trial)
    await _times_out(trial, 5)


async def _pulled_and_kept(trial: Trial) -> None:
    await stops_at(trial, "Authorized")
    await trial.sets_where_there("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "false")
    await trial.sets("TxCtrlr", "StopTxOnEVSideDisconnect", "false")
    await energy_transfer_suspended(trial)
    await trial.station.unplug(evse_of(trial), trial.configured.connector_id)
    await transaction_event(trial, 1, {"triggerReason": "EVCommunicationLost"}, {**GONE, "eventType": "Updated"})
    await connector_is(trial, 3, "Available")


@case("TC_E_46_CS")
async def car_ends_its_session(trial: Trial) -> None:
    """SessionStop of the car ends the transaction."""
    await energy_transfer_started(trial)
    await trial.station.end_session(evse_of(trial))
    where = {"triggerReason": "StopAuthorized"}
    event = await transaction_event(trial, 1, where, {"transactionInfo.chargingState": "EVConnected"})
    has: dict[str, object] = {"eventType": "Updated"}
    if trial.session.stop_points & {"Authorized", "PowerPathClosed", "EnergyTransfer"}:
        has = {"eventType": "Ended", "transactionInfo.stoppedReason": "StoppedByEV"}
    trial.checks.message(1, "TransactionEvent", event.payload, has)
