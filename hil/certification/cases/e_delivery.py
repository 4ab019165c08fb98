"""Block E, transactions: what is kept while offline, how often it is sent again, and GetTransactionStatus."""

from __future__ import annotations

from hil.certification.answers import LeftUnanswered, RefusedWith
from hil.certification.frames import StationCall
from hil.certification.memory_states import ends_offline, id_token_cached, id_token_in_local_list, transaction_in_queue
from hil.certification.patterns import ABSENT, PRESENT, value_at
from hil.certification.registry import case
from hil.certification.states import (
    authorized,
    energy_transfer_started,
    ev_connected_pre_session,
    parking_bay_unoccupied,
    transaction_event,
)
from hil.certification.trial import Trial

AWAY_S = 3
"""How long the network is away; several periodic readings fall into it."""
ATTEMPTS, INTERVAL_S = 3, 1
SETTLED_S = 0.5
"""The station may need a moment to take an answered message out of its queue."""
EARLY_S = 0.3
"""By how much a repetition may be early."""
ANSWER_UNDERWAY_S = 0.3
"""So long an answer may be on its way: a message whose answer is lost with the network is rightly repeated as one made online."""

QUEUED = {"offline": True}


# -- GetTransactionStatus ----------------------------------------------------------------------------------------------------


async def _status(trial: Trial, step: int, transaction: str | None, ongoing: object, queued: bool) -> None:
    payload = {} if transaction is None else {"transactionId": transaction}
    pattern = {"ongoingIndicator": ongoing, "messagesInQueue": queued}
    await trial.calls(step, "GetTransactionStatus", payload, pattern)


@case("TC_E_28_CS")
async def status_of_an_unknown_transaction(trial: Trial) -> None:
    """A transaction that never was."""
    await _status(trial, 1, f"unknown-{trial.request_id()}", False, False)


@case("TC_E_29_CS")
async def status_of_a_transaction_in_the_queue(trial: Trial) -> None:
    """A running transaction with messages in the queue."""
    await _charging_while_away(trial)
    await _status(trial, 3, trial.session.transaction_id, True, True)
    await _queued_readings(trial, 5)


@case("TC_E_30_CS")
async def status_of_a_running_transaction(trial: Trial) -> None:
    """A running transaction without messages in the queue."""
    await energy_transfer_started(trial)
    await trial.wait(SETTLED_S)
    await _status(trial, 1, trial.session.transaction_id, True, False)


@case("TC_E_31_CS")
async def status_of_an_ended_transaction_in_the_queue(trial: Trial) -> None:
    """An ended transaction with messages in the queue."""
    await _ended_while_away(trial)
    await trial.connected(1)
    await _status(trial, 1, trial.session.transaction_id, False, True)
    await transaction_event(trial, 3, {"eventType": "Ended"}, QUEUED)


@case("TC_E_32_CS")
async def status_of_an_ended_transaction(trial: Trial) -> None:
    """An ended transaction without messages in the queue."""
    await energy_transfer_started(trial)
    await parking_bay_unoccupied(trial)
    await trial.wait(SETTLED_S)
    await _status(trial, 1, trial.session.transaction_id, False, False)


@case("TC_E_33_CS")
async def status_of_the_queue(trial: Trial) -> None:
    """Without a transactionId only the queue is answered: it holds messages."""
    await _charging_while_away(trial)
    await _status(trial, 3, None, ABSENT, True)
    await _queued_readings(trial, 5)


@case("TC_E_34_CS")
async def status_of_an_empty_queue(trial: Trial) -> None:
    """Without a transactionId only the queue is answered: it is empty."""
    await _status(trial, 1, None, ABSENT, False)


# -- offline -----------------------------------------------------------------------------------------------------------------


@case("TC_E_40_CS")
async def readings_while_offline(trial: Trial) -> None:
    """Periodic readings of the time without connection come afterwards."""
    await trial.sets_where_there("SampledDataCtrlr", "Enabled", "true")
    await _charging_while_away(trial)
    await _queued_readings(trial, 3)


async def _charging_while_away(trial: Trial) -> None:
    """Energy flows, the network goes away, readings are made, the network comes back."""
    await trial.sets("SampledDataCtrlr", "TxUpdatedInterval", "1")
    await _slow_reconnection(trial)
    await energy_transfer_started(trial)
    await trial.csms.cut()
    trial.csms.discard("TransactionEvent")
    await trial.wait(AWAY_S)
    trial.csms.reconnect()
    await trial.connected("before")


async def _slow_reconnection(trial: Trial) -> None:
    await trial.sets("OCPPCommCtrlr", "OfflineThreshold", "60")
    await trial.sets_where_there("OCPPCommCtrlr", "RetryBackOffWaitMinimum", str(AWAY_S))
    await trial.sets_where_there("OCPPCommCtrlr", "RetryBackOffRandomRange", "0")


async def _queued_readings(trial: Trial, step: int) -> None:
    """At least one message came from the queue, and every one of them has readings and says that it is late."""
    has = {"eventType": "Updated", "meterValue": PRESENT}
    await transaction_event(trial, step, QUEUED, has)
    for call in trial.csms.untaken("TransactionEvent", QUEUED):
        trial.checks.message(step, "TransactionEvent", call.payload, has)


@case("TC_E_43_CS")
async def whole_transaction_offline(trial: Trial) -> None:
    """A transaction that began and ended while offline comes afterwards."""
    await transaction_in_queue(trial)
    trial.csms.reconnect()
    await transaction_event(trial, 2, {"eventType": "Started"}, QUEUED, within_s=trial.configured.reboot_within_s)
    await transaction_event(trial, 2, {"eventType": "Ended"}, QUEUED)
    _all_late(trial, 2)


@case("TC_E_44_CS")
async def end_offline(trial: Trial) -> None:
    """A transaction that ended while offline."""
    await _ended_while_away(trial)
    await transaction_event(trial, 3, {"eventType": "Ended"}, QUEUED, within_s=trial.configured.reboot_within_s)
    _all_late(trial, 3)


async def _ended_while_away(trial: Trial) -> None:
    await _slow_reconnection(trial)
    await energy_transfer_started(trial)
    await trial.wait(ANSWER_UNDERWAY_S)
    trial.csms.discard("TransactionEvent")
    await trial.csms.cut()
    await ends_offline(trial, trial.configured.valid_token)
    trial.csms.reconnect()


@case("TC_E_45_CS")
async def end_offline_by_group(trial: Trial) -> None:
    """Another token of the group ends the transaction while offline."""
    group = {"status": "Accepted", "groupIdToken": {"idToken": trial.configured.group_id, "type": "Central"}}
    await _slow_reconnection(trial)
    if trial.pics.features["C-49"]:
        await id_token_cached(trial, trial.configured.second_token, group)
    else:
        await id_token_in_local_list(trial, (trial.configured.second_token, group))
    trial.csms.answers.order("Authorize", {"idTokenInfo": group})
    trial.csms.answers.order("TransactionEvent", {"idTokenInfo": group}, where={"idToken": PRESENT})
    await energy_transfer_started(trial, remote=False)
    await trial.wait(ANSWER_UNDERWAY_S)
    trial.csms.discard("TransactionEvent")
    await trial.csms.cut()
    await ends_offline(trial, trial.configured.second_token)
    trial.csms.reconnect()
    await transaction_event(trial, 3, {"eventType": "Ended"}, QUEUED, within_s=trial.configured.reboot_within_s)
    _all_late(trial, 3)


def _all_late(trial: Trial, step: int) -> None:
    """Every message that nobody has taken yet says that it is late."""
    for call in trial.csms.untaken("TransactionEvent"):
        trial.checks.message(step, "TransactionEvent", call.payload, QUEUED)


# -- repetition --------------------------------------------------------------------------------------------------------------


@case("TC_E_41_CS")
async def unanswered_message_is_given_up(trial: Trial) -> None:
    """A message without an answer is sent MessageAttempts times."""
    await _repeats(trial, LeftUnanswered(), ATTEMPTS)


@case("TC_E_50_CS")
async def refused_message_is_given_up(trial: Trial) -> None:
    """A message that is answered with CALLERROR is sent MessageAttempts times."""
    await _repeats(trial, RefusedWith("InternalError"), ATTEMPTS)


@case("TC_E_42_CS")
async def second_attempt_is_answered(trial: Trial) -> None:
    """A message without an answer is sent again until it is answered."""
    await _repeats(trial, LeftUnanswered(), 2)


@case("TC_E_51_CS")
async def second_attempt_is_accepted(trial: Trial) -> None:
    """A refused message is sent again until it is accepted."""
    await _repeats(trial, RefusedWith("InternalError"), 2)


async def _repeats(trial: Trial, answer: LeftUnanswered | RefusedWith, times: int) -> None:
    """The first message after the closed power path is answered like this; it must come so many times, in growing intervals."""
    await trial.sets("OCPPCommCtrlr", "MessageAttempts:TransactionEvent", str(ATTEMPTS))
    await trial.sets("OCPPCommCtrlr", "MessageAttemptInterval:TransactionEvent", str(INTERVAL_S))
    time_out_s = float(await trial.gets("OCPPCommCtrlr", "MessageTimeout:Default") or 0)
    waits_s = time_out_s if isinstance(answer, LeftUnanswered) else 0.0
    await authorized(trial)
    where = {"transactionInfo.chargingState": "Charging"}
    refusals = times if times == ATTEMPTS else times - 1
    trial.csms.answers.order("TransactionEvent", answer, where=where, times=refusals)
    await ev_connected_pre_session(trial)
    sent = [await trial.expects(5, "TransactionEvent", where=where)]
    same = {
        "seqNo": sent[0].payload["seqNo"],
        "transactionInfo.transactionId": value_at(sent[0].payload, "transactionInfo.transactionId"),
    }
    for number in range(1, times):
        expected_s = INTERVAL_S * number + waits_s
        again = await trial.expects(
            5, "TransactionEvent", where=same, within_s=expected_s + trial.configured.answer_within_s
        )
        _check_interval(trial, sent[-1], again, expected_s)
        sent.append(again)
    await trial.nothing_comes(5, "TransactionEvent", same, for_s=INTERVAL_S * times + waits_s + EARLY_S)


def _check_interval(trial: Trial, before: StationCall, again: StationCall, expected_s: float) -> None:
    seen_s = again.at_s - before.at_s
    latest_s = expected_s + trial.configured.time_tolerance_s
    trial.checks.true(
        5, f"the repetition comes after {expected_s:g} to {latest_s:g} s",
        expected_s - EARLY_S <= seen_s <= latest_s, f"{seen_s:.2f} s",
    )  # fmt: skip
