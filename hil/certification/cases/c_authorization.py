"""Block C, authorisation: refused tokens, groups, the master pass. Cache and local list are in `c_cache` and `c_local_list`."""

from __future__ import annotations

from hil.certification.memory_states import remote_authorization
from hil.certification.patterns import MISSING, PRESENT, Payload, one_of
from hil.certification.pics import Token
from hil.certification.registry import case
from hil.certification.states import (
    authorize_comes,
    authorized,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    evse_of,
    transaction_event,
)
from hil.certification.trial import Trial


async def is_asked_and_refused(trial: Trial, token: Token, status: str) -> None:
    """The token is shown, Authorize comes and is answered with this status, and no transaction follows."""
    refusal = {"idTokenInfo": {"status": status}}
    trial.csms.answers.order("Authorize", refusal, where={"idToken.idToken": token.value})
    await trial.station.present(token, evse_of(trial))
    await authorize_comes(trial, 1, token)
    await trial.nothing_comes(2, "TransactionEvent")


async def is_refused_without_a_question(trial: Trial, token: Token) -> None:
    """The token is shown; neither Authorize nor a transaction follows."""
    await trial.station.present(token, evse_of(trial))
    await trial.nothing_comes(1, "Authorize")
    await trial.nothing_comes(1, "TransactionEvent", {"triggerReason": "Authorized"})


async def _refused_with_a_plug(trial: Trial, status: str) -> None:
    await remote_authorization(trial)
    await ev_connected_pre_session(trial)
    await is_asked_and_refused(trial, trial.configured.stranger_token, status)


@case("TC_C_02_CS")
async def invalid_token(trial: Trial) -> None:
    """A token the central system calls Invalid."""
    await _refused_with_a_plug(trial, "Invalid")


@case("TC_C_05_CS")
async def invalid_token_before_the_plug(trial: Trial) -> None:
    """A token the central system calls Invalid, at a station whose lock asks for the token first."""
    await remote_authorization(trial)
    await is_asked_and_refused(trial, trial.configured.stranger_token, "Invalid")


@case("TC_C_06_CS")
async def blocked_token(trial: Trial) -> None:
    """A token the central system calls Blocked."""
    await _refused_with_a_plug(trial, "Blocked")


@case("TC_C_07_CS")
async def expired_token(trial: Trial) -> None:
    """A token the central system calls Expired."""
    await _refused_with_a_plug(trial, "Expired")


@case("TC_C_56_CS")
async def unknown_token(trial: Trial) -> None:
    """A token the central system calls Unknown."""
    await _refused_with_a_plug(trial, "Unknown")


@case("TC_C_04_CS")
async def stop_with_another_token(trial: Trial) -> None:
    """A valid token of somebody else does not end the transaction."""
    await remote_authorization(trial)
    await energy_transfer_started(trial, remote=False)
    trial.csms.discard("TransactionEvent")
    await trial.station.present(trial.configured.stranger_token, evse_of(trial))
    await authorize_comes(trial, 1, trial.configured.stranger_token)
    await trial.nothing_comes(2, "TransactionEvent", {"idToken": PRESENT})
    ended = trial.csms.untaken("TransactionEvent", {"eventType": "Ended"})
    trial.checks.value("after", "Ended events", len(ended), 0)


# -- groups ----------------------------------------------------------------------------------------------------------------


def in_group(trial: Trial, status: str = "Accepted") -> Payload:
    """An idTokenInfo of the configured group."""
    return {"status": status, "groupIdToken": {"idToken": trial.configured.group_id, "type": "Central"}}


def answer_with_group(trial: Trial) -> None:
    """From now on every token belongs to the configured group."""
    trial.csms.answers.order("Authorize", {"idTokenInfo": in_group(trial)})
    trial.csms.answers.order("TransactionEvent", {"idTokenInfo": in_group(trial)}, where={"idToken": PRESENT})


async def stopped_by_group(trial: Trial, *, asks: bool) -> None:
    """The second token of the group ends the transaction."""
    second = trial.configured.second_token
    await trial.wait(trial.configured.transaction_duration_s)
    await trial.station.present(second, evse_of(trial))
    await authorize_comes(trial, 6, second, asks)
    has = {"idToken.idToken": second.value, "idToken.type": second.kind}
    await transaction_event(trial, 8, {"triggerReason": "StopAuthorized"}, has)
    trial.session.stop_authorized = True
    await ev_connected_post_session(trial)
    await ev_disconnected(trial)


async def not_stopped_by_group(trial: Trial) -> None:
    """A token of the group that is not valid is asked for, and does not end the transaction."""
    second = trial.configured.second_token
    refusal = {"idTokenInfo": in_group(trial, "Invalid")}
    trial.csms.answers.order("Authorize", refusal, where={"idToken.idToken": second.value})
    trial.csms.discard("TransactionEvent")
    await trial.station.present(second, evse_of(trial))
    await authorize_comes(trial, 6, second)
    await trial.nothing_comes(7, "TransactionEvent")


@case("TC_C_39_CS")
async def group_stops(trial: Trial) -> None:
    """Another token of the same group ends the transaction."""
    answer_with_group(trial)
    await ev_connected_pre_session(trial)
    await authorized(trial, remote=False)
    await energy_transfer_started(trial)
    await stopped_by_group(trial, asks=True)


@case("TC_C_42_CS")
async def invalid_group_member_does_not_stop(trial: Trial) -> None:
    """A token of the group that is Invalid does not end the transaction."""
    answer_with_group(trial)
    await ev_connected_pre_session(trial)
    await authorized(trial, remote=False)
    await energy_transfer_started(trial)
    await not_stopped_by_group(trial)


# -- master pass -----------------------------------------------------------------------------------------------------------


async def _with_master_pass(trial: Trial) -> None:
    configured = trial.configured
    await trial.sets("AuthCtrlr", "MasterPassGroupId", configured.master_group_id)
    group = {"idToken": configured.master_group_id, "type": "Central"}
    info = {"idTokenInfo": {"status": "Accepted", "groupIdToken": group}}
    where = {"idToken.idToken": configured.master_token.value}
    trial.csms.answers.order("Authorize", info, where=where)
    trial.csms.answers.order("TransactionEvent", info, where=where)


@case("TC_C_45_CS")
async def master_pass_starts_nothing(trial: Trial) -> None:
    """A token of the master pass group starts no transaction."""
    if trial.pics.features["C-51"]:
        await trial.sets("TxCtrlr", "TxStartPoint", "PowerPathClosed")
    await _with_master_pass(trial)
    await trial.station.present(trial.configured.master_token, evse_of(trial))
    await authorize_comes(trial, 1, trial.configured.master_token)
    await ev_connected_pre_session(trial)
    where = {"triggerReason": "ChargingStateChanged", "transactionInfo.chargingState": "Charging"}
    await trial.nothing_comes(4, "TransactionEvent", where, for_s=trial.configured.unseen_s)


@case("TC_C_49_CS")
async def master_pass_stops(trial: Trial) -> None:
    """A token of the master pass group ends the transaction."""
    await _with_master_pass(trial)
    await energy_transfer_started(trial, remote=False)
    await trial.wait(trial.configured.transaction_duration_s)
    master = trial.configured.master_token
    await trial.station.present(master, evse_of(trial))
    await authorize_comes(trial, 1, master)
    has = {
        "transactionInfo.stoppedReason": "MasterPass",
        "idToken.idToken": one_of(master.value, MISSING),
        "idToken.type": one_of(master.kind, MISSING),
    }
    await transaction_event(trial, 3, {"eventType": "Ended"}, has)
    trial.session.stop_authorized = True
    await ev_disconnected(trial)
