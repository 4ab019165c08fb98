"""Block C, authorisation: the authorisation cache, and what becomes of a transaction that began offline."""

from __future__ import annotations

from hil.certification.cases.c_authorization import (
    answer_with_group,
    in_group,
    is_asked_and_refused,
    is_refused_without_a_question,
    not_stopped_by_group,
    stopped_by_group,
)
from hil.certification.memory_states import id_token_cached, id_token_in_local_list
from hil.certification.patterns import PRESENT, Payload
from hil.certification.registry import case
from hil.certification.states import (
    authorize_comes,
    authorized,
    booted,
    connector_is,
    energy_transfer_started,
    ev_connected_pre_session,
    ev_disconnected,
    evse_of,
    transaction_event,
)
from hil.certification.trial import Trial

INVALID: Payload = {"idTokenInfo": {"status": "Invalid"}}


async def _cached(trial: Trial, info: Payload | None = None) -> None:
    """The cache is used, and the valid token is in it with this idTokenInfo."""
    await trial.sets_where_there("AuthCacheCtrlr", "DisablePostAuthorize", "false")
    await trial.sets_where_there("AuthCtrlr", "LocalPreAuthorize", "true")
    await id_token_cached(trial, trial.configured.valid_token, info)


@case("TC_C_08_CS")
async def cached_token(trial: Trial) -> None:
    """A cached token charges without a question."""
    await _cached(trial)
    await ev_connected_pre_session(trial)
    await authorized(trial, remote=False, asks=False)
    await energy_transfer_started(trial)


async def _cached_and_asked(trial: Trial, status: str) -> None:
    """A token that is cached with this status is asked for again, and refused again."""
    await _cached(trial, {"status": status})
    await ev_connected_pre_session(trial)
    await is_asked_and_refused(trial, trial.configured.valid_token, status)


@case("TC_C_09_CS")
async def cached_invalid_token(trial: Trial) -> None:
    """A token that is cached as Invalid is asked for."""
    await _cached_and_asked(trial, "Invalid")


@case("TC_C_10_CS")
async def cached_blocked_token(trial: Trial) -> None:
    """A token that is cached as Blocked is asked for."""
    await _cached_and_asked(trial, "Blocked")


@case("TC_C_11_CS")
async def cached_expired_token(trial: Trial) -> None:
    """A token that is cached as Expired is asked for."""
    await _cached_and_asked(trial, "Expired")


@case("TC_C_12_CS")
async def cached_invalid_token_is_accepted_now(trial: Trial) -> None:
    """A token that is cached as Invalid charges when the central system accepts it."""
    await _cached(trial, {"status": "Invalid"})
    await ev_connected_pre_session(trial)
    await authorized(trial, remote=False)
    await energy_transfer_started(trial)


@case("TC_C_13_CS")
async def cached_token_before_the_plug(trial: Trial) -> None:
    """A cached token before the plug."""
    await _cached(trial)
    await authorized(trial, remote=False, asks=False)
    await energy_transfer_started(trial)


@case("TC_C_57_CS")
async def cached_invalid_token_is_not_asked(trial: Trial) -> None:
    """With DisablePostAuthorize a token that is cached as Invalid is refused without a question."""
    await _cached(trial, {"status": "Invalid"})
    await trial.sets("AuthCacheCtrlr", "DisablePostAuthorize", "true")
    await ev_connected_pre_session(trial)
    await is_refused_without_a_question(trial, trial.configured.valid_token)


@case("TC_C_32_CS")
async def cache_outlives_reboot(trial: Trial) -> None:
    """After a reboot the cached token charges without a question."""
    await _cached(trial)
    await booted(trial)
    await authorized(trial, remote=False, asks=False)
    await energy_transfer_started(trial)


@case("TC_C_33_CS")
async def answer_fills_the_cache(trial: Trial) -> None:
    """A token that was accepted once charges without a question the second time."""
    await trial.sets_where_there("AuthCacheCtrlr", "Enabled", "true")
    await trial.sets("AuthCtrlr", "LocalPreAuthorize", "true")
    await ev_connected_pre_session(trial)
    await authorized(trial, remote=False)
    await energy_transfer_started(trial)
    await ev_disconnected(trial)
    trial.begin_session()
    await ev_connected_pre_session(trial)
    await authorized(trial, remote=False, asks=False)


@case("TC_C_34_CS")
async def transaction_answer_updates_the_cache(trial: Trial) -> None:
    """A cached token that the answer to a TransactionEvent calls Invalid is asked for the next time."""
    await _cached(trial)
    token = trial.configured.valid_token
    trial.csms.answers.order("TransactionEvent", INVALID, where={"idToken": PRESENT})
    await ev_connected_pre_session(trial)
    await trial.station.present(token, evse_of(trial))
    has = {"triggerReason": "Authorized", "idToken.idToken": token.value, "idToken.type": token.kind}
    await transaction_event(trial, 1, has)
    await trial.station.unplug(evse_of(trial), trial.configured.connector_id)
    await connector_is(trial, 3, "Available")
    trial.begin_session()
    await ev_connected_pre_session(trial)
    trial.csms.answers.order("Authorize", INVALID)
    await trial.station.present(token, evse_of(trial))
    await authorize_comes(trial, 7, token)


@case("TC_C_36_CS")
async def cache_without_local_pre_authorize(trial: Trial) -> None:
    """Without LocalPreAuthorize a cached token is asked for."""
    await _cached(trial)
    await trial.sets("AuthCtrlr", "LocalPreAuthorize", "false")
    trial.csms.answers.order("Authorize", INVALID)
    await trial.station.present(trial.configured.valid_token, evse_of(trial))
    await authorize_comes(trial, 1, trial.configured.valid_token)


@case("TC_C_37_CS")
async def clear_cache(trial: Trial) -> None:
    """After ClearCache the token is asked for."""
    await _cached(trial)
    await trial.calls(1, "ClearCache", {}, {"status": "Accepted"})
    await ev_connected_pre_session(trial)
    await authorized(trial, remote=False)
    await energy_transfer_started(trial)


@case("TC_C_38_CS")
async def clear_cache_rejected(trial: Trial) -> None:
    """A cache that is switched off cannot be cleared."""
    await trial.sets("AuthCacheCtrlr", "Enabled", "false")
    await trial.calls(1, "ClearCache", {}, {"status": "Rejected"})


@case("TC_C_41_CS")
async def cached_group_stops(trial: Trial) -> None:
    """Two cached tokens of one group: the second ends the transaction of the first without a question."""
    await _cached(trial, in_group(trial))
    await id_token_cached(trial, trial.configured.second_token, in_group(trial))
    answer_with_group(trial)
    await ev_connected_pre_session(trial)
    await authorized(trial, remote=False, asks=False)
    await energy_transfer_started(trial)
    await stopped_by_group(trial, asks=False)


@case("TC_C_44_CS")
async def cached_invalid_group_member_does_not_stop(trial: Trial) -> None:
    """A cached token of the group that is Invalid is asked for and does not end the transaction."""
    await _cached(trial, in_group(trial))
    await id_token_cached(trial, trial.configured.second_token, in_group(trial, "Invalid"))
    answer_with_group(trial)
    await ev_connected_pre_session(trial)
    await authorized(trial, remote=False, asks=False)
    await energy_transfer_started(trial)
    await not_stopped_by_group(trial)


@case("TC_C_46_CS")
async def cached_token_grows_old(trial: Trial) -> None:
    """A cached token is asked for when AuthCacheLifeTime is over."""
    lifetime_s = max(1, round(trial.configured.transaction_duration_s))
    await trial.sets("AuthCacheCtrlr", "LifeTime", str(lifetime_s))
    await _cached(trial)
    await ev_connected_pre_session(trial)
    await trial.wait(lifetime_s)
    await authorized(trial, remote=False)


# -- a transaction that began offline ----------------------------------------------------------------------------------------


async def _began_offline(trial: Trial, *, stop: bool, energy_Wh: int) -> None:
    """A known token starts while offline; the central system calls it Invalid afterwards."""
    for component, variable, value in (
        ("AuthCtrlr", "LocalAuthorizeOffline", "true"),
        ("TxCtrlr", "StopTxOnInvalidId", "true" if stop else "false"),
    ):
        await trial.sets(component, variable, value)
    if energy_Wh:
        await trial.sets("TxCtrlr", "MaxEnergyOnInvalidId", str(energy_Wh))
    else:
        await trial.sets_where_there("TxCtrlr", "MaxEnergyOnInvalidId", "0")
    await trial.sets_where_there("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    await trial.sets_where_there("OCPPCommCtrlr", "OfflineThreshold", "60")
    await _cached(trial)
    if trial.pics.features["LocalAuthList"]:
        await id_token_in_local_list(trial, (trial.configured.valid_token, {"status": "Accepted"}))
    await ev_connected_pre_session(trial)
    await trial.csms.cut()
    await trial.station.present(trial.configured.valid_token, evse_of(trial))
    await trial.wait(trial.configured.unseen_s)
    trial.csms.answers.order("TransactionEvent", INVALID, where={"idToken": PRESENT})
    trial.csms.reconnect()
    await trial.connected(2)
    where = {"triggerReason": "ChargingStateChanged"}
    await trial.expects(3, "TransactionEvent", {"offline": True}, where=where)


@case("TC_C_16_CS")
async def offline_start_is_stopped(trial: Trial) -> None:
    """StopTxOnInvalidId ends the transaction."""
    await _began_offline(trial, stop=True, energy_Wh=0)
    await trial.expects(5, "TransactionEvent", where={"triggerReason": "Deauthorized"})


@case("TC_C_17_CS")
async def offline_start_is_suspended(trial: Trial) -> None:
    """Without StopTxOnInvalidId the energy stops and the transaction goes on."""
    await _began_offline(trial, stop=False, energy_Wh=0)
    await trial.expects(5, "TransactionEvent", where={"transactionInfo.chargingState": "SuspendedEVSE"})


@case("TC_C_15_CS")
async def offline_start_gets_some_energy(trial: Trial) -> None:
    """Without StopTxOnInvalidId and with MaxEnergyOnInvalidId the energy goes on up to that bound."""
    await _began_offline(trial, stop=False, energy_Wh=10_000)
    await trial.nothing_comes(5, "TransactionEvent", {"triggerReason": "Deauthorized"})
    suspended = trial.csms.untaken("TransactionEvent", {"transactionInfo.chargingState": "SuspendedEVSE"})
    trial.checks.value(5, "events with SuspendedEVSE", len(suspended), 0)


@case("TC_C_18_CS")
async def offline_start_is_stopped_in_spite_of_the_energy(trial: Trial) -> None:
    """StopTxOnInvalidId ends the transaction in spite of MaxEnergyOnInvalidId."""
    await _began_offline(trial, stop=True, energy_Wh=500)
    event = await trial.expects(5, "TransactionEvent", where={"triggerReason": "Deauthorized"})
    trial.checks.value(5, "TransactionEvent.offline", event.payload.get("offline", False), False)
