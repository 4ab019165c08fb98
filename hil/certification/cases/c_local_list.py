"""Block C, authorisation: the local authorisation list, and tokens nobody knows while offline."""

from __future__ import annotations

from hil.certification.cases.c_authorization import (
    answer_with_group,
    in_group,
    is_asked_and_refused,
    is_refused_without_a_question,
    not_stopped_by_group,
    stopped_by_group,
)
from hil.certification.memory_states import ends_offline, id_token_cached, id_token_in_local_list
from hil.certification.patterns import PRESENT, Payload
from hil.certification.registry import case
from hil.certification.states import (
    authorized,
    energy_transfer_started,
    ev_connected_pre_session,
    evse_of,
    offline_session_starts,
    transaction_event,
)
from hil.certification.trial import Trial


async def _listed(trial: Trial, info: Payload) -> None:
    """The list is used, and the valid token is in it with this idTokenInfo."""
    await trial.sets_where_there("LocalAuthListCtrlr", "DisablePostAuthorize", "false")
    await trial.sets("AuthCtrlr", "LocalPreAuthorize", "true")
    await id_token_in_local_list(trial, (trial.configured.valid_token, info))


@case("TC_C_27_CS")
async def listed_token(trial: Trial) -> None:
    """A listed token charges without a question."""
    await _listed(trial, {"status": "Accepted"})
    await authorized(trial, remote=False, asks=False)
    await energy_transfer_started(trial)


async def _listed_and_asked(trial: Trial, status: str, *, plugged: bool) -> None:
    await _listed(trial, {"status": status})
    if plugged:
        await ev_connected_pre_session(trial)
    await is_asked_and_refused(trial, trial.configured.valid_token, status)


@case("TC_C_28_CS")
async def listed_invalid_token(trial: Trial) -> None:
    """A token that is listed as Invalid is asked for."""
    await _listed_and_asked(trial, "Invalid", plugged=False)


@case("TC_C_29_CS")
async def listed_blocked_token(trial: Trial) -> None:
    """A token that is listed as Blocked is asked for."""
    await _listed_and_asked(trial, "Blocked", plugged=True)


@case("TC_C_30_CS")
async def listed_expired_token(trial: Trial) -> None:
    """A token that is listed as Expired is asked for."""
    await _listed_and_asked(trial, "Expired", plugged=True)


@case("TC_C_31_CS")
async def listed_invalid_token_is_accepted_now(trial: Trial) -> None:
    """A token that is listed as Invalid charges when the central system accepts it."""
    await _listed(trial, {"status": "Invalid"})
    await authorized(trial, remote=False)
    await energy_transfer_started(trial)


@case("TC_C_58_CS")
async def listed_invalid_token_is_not_asked(trial: Trial) -> None:
    """With DisablePostAuthorize a token that is listed as Invalid is refused without a question."""
    await _listed(trial, {"status": "Invalid"})
    await trial.sets("LocalAuthListCtrlr", "DisablePostAuthorize", "true")
    await is_refused_without_a_question(trial, trial.configured.valid_token)


async def _group_is_listed(trial: Trial, second_status: str) -> None:
    """Both tokens of the group are listed, and the first one charges without a question."""
    await trial.sets("AuthCtrlr", "LocalPreAuthorize", "true")
    second = (trial.configured.second_token, in_group(trial, second_status))
    await id_token_in_local_list(trial, (trial.configured.valid_token, in_group(trial)), second)
    answer_with_group(trial)
    await ev_connected_pre_session(trial)
    await authorized(trial, remote=False, asks=False)
    await energy_transfer_started(trial)


@case("TC_C_40_CS")
async def listed_group_stops(trial: Trial) -> None:
    """Two listed tokens of one group: the second ends the transaction of the first."""
    await _group_is_listed(trial, "Accepted")
    await stopped_by_group(trial, asks=False)


@case("TC_C_43_CS")
async def listed_invalid_group_member_does_not_stop(trial: Trial) -> None:
    """A listed token of the group that is Invalid is asked for and does not end the transaction."""
    await _group_is_listed(trial, "Invalid")
    await not_stopped_by_group(trial)


# -- offline -----------------------------------------------------------------------------------------------------------------


async def _offline_rules(trial: Trial, *, strangers: bool) -> None:
    await trial.sets("AuthCtrlr", "LocalPreAuthorize", "true")
    await trial.sets("AuthCtrlr", "LocalAuthorizeOffline", "true")
    await trial.sets_where_there("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true" if strangers else "false")
    await trial.sets("OCPPCommCtrlr", "OfflineThreshold", "60")


@case("TC_C_21_CS")
async def listed_token_offline(trial: Trial) -> None:
    """A listed token starts and ends a transaction while offline."""
    await _offline_rules(trial, strangers=False)
    await id_token_in_local_list(trial, (trial.configured.valid_token, {"status": "Accepted"}))
    await offline_session_starts(trial)
    await ends_offline(trial, trial.configured.valid_token)
    trial.csms.reconnect()
    late = {"offline": True}
    await transaction_event(trial, 1, {"eventType": "Started"}, late, within_s=trial.configured.reboot_within_s)
    await transaction_event(trial, 1, {"triggerReason": "StopAuthorized"})


async def _listed_and_refused_offline(trial: Trial, status: str) -> None:
    """The listed token is refused while offline: no transaction is in the queue afterwards."""
    await _offline_rules(trial, strangers=False)
    await id_token_in_local_list(trial, (trial.configured.valid_token, {"status": status}))
    await trial.csms.cut()
    await trial.station.present(trial.configured.valid_token, evse_of(trial))
    await trial.wait(trial.configured.quiet_s)
    trial.csms.reconnect()
    await trial.connected(4)
    await trial.nothing_comes(5, "TransactionEvent")


@case("TC_C_22_CS")
async def listed_invalid_token_offline(trial: Trial) -> None:
    """A token that is listed as Invalid starts nothing while offline."""
    await _listed_and_refused_offline(trial, "Invalid")


@case("TC_C_23_CS")
async def listed_blocked_token_offline(trial: Trial) -> None:
    """A token that is listed as Blocked starts nothing while offline."""
    await _listed_and_refused_offline(trial, "Blocked")


@case("TC_C_24_CS")
async def listed_expired_token_offline(trial: Trial) -> None:
    """A token that is listed as Expired starts nothing while offline."""
    await _listed_and_refused_offline(trial, "Expired")


@case("TC_C_25_CS")
async def list_goes_before_cache(trial: Trial) -> None:
    """A token that is cached as Accepted and listed as Invalid starts nothing while offline."""
    await _offline_rules(trial, strangers=True)
    await trial.sets("TxCtrlr", "StopTxOnInvalidId", "false")
    token = trial.configured.valid_token
    await id_token_cached(trial, token)
    await id_token_in_local_list(trial, (token, {"status": "Invalid"}))
    await ev_connected_pre_session(trial)
    await trial.csms.cut()
    await trial.station.present(token, evse_of(trial))
    await trial.wait(trial.configured.quiet_s)
    trial.csms.reconnect()
    await trial.connected(2)
    await trial.nothing_comes(3, "TransactionEvent", {"transactionInfo.chargingState": "Charging"})


@case("TC_C_26_CS")
async def unknown_token_offline(trial: Trial) -> None:
    """An unknown token starts while offline; without StopTxOnInvalidId its energy stops afterwards."""
    await _offline_rules(trial, strangers=True)
    await trial.sets_where_there("TxCtrlr", "MaxEnergyOnInvalidId", "0")
    await trial.sets("TxCtrlr", "StopTxOnInvalidId", "false")
    await offline_session_starts(trial)
    invalid = {"idTokenInfo": {"status": "Invalid"}}
    trial.csms.answers.order("TransactionEvent", invalid, where={"idToken": PRESENT})
    trial.csms.reconnect()
    await transaction_event(trial, 1, {}, {"offline": True}, within_s=trial.configured.reboot_within_s)
    await transaction_event(trial, 1, {"transactionInfo.chargingState": "SuspendedEVSE"})
    await trial.station.present(trial.configured.valid_token, evse_of(trial))
    await transaction_event(trial, 3, {"triggerReason": "StopAuthorized"})
