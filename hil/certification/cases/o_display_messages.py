"""Block O, display messages: set, reported, cleared; bound to a time, a state or a transaction.

Where Part 6 looks at the display, the suite checks what the station reports of its messages.
"""

from __future__ import annotations

from hil.certification.patterns import PRESENT, Pattern, Payload
from hil.certification.registry import case
from hil.certification.states import (
    authorized,
    booted,
    connectors_are,
    energy_transfer_started,
    ev_connected_pre_session,
    parking_bay_unoccupied,
    unavailable,
)
from hil.certification.trial import Trial
from hil.certification.validation import Step

BRIEF_S = 3
"""Part 6 waits for 60 s."""
PRIORITIES = {"AlwaysFront": "UI-1.1", "InFront": "UI-1.2", "NormalCycle": "UI-1.3"}
FORMATS = {"ASCII": "UI-2.1", "HTML": "UI-2.2", "URI": "UI-2.3", "UTF8": "UI-2.4"}


def _supported(trial: Trial, known: dict[str, str], *, yes: bool = True) -> list[str]:
    return [name for name, feature in known.items() if bool(trial.pics.features[feature]) is yes]


def message(trial: Trial, content: str = "a message of the suite", **fields: object) -> Payload:
    """A message of the least urgent priority the station has."""
    return {
        "id": trial.request_id(),
        "priority": _supported(trial, PRIORITIES)[-1],
        "message": {"format": _supported(trial, FORMATS)[-1], "content": content},
        **fields,
    }


async def set_message(trial: Trial, step: Step, sent: Payload, status: str = "Accepted") -> None:
    """SetDisplayMessage and its answer."""
    await trial.calls(step, "SetDisplayMessage", {"message": sent}, {"status": status})


async def reported_messages(trial: Trial, step: Step, criterion: Payload) -> list[Payload]:
    """GetDisplayMessages and its reports."""
    number = trial.request_id()
    await trial.calls(step, "GetDisplayMessages", {"requestId": number, **criterion}, {"status": "Accepted"})
    found: list[Payload] = []
    while True:
        call = await trial.expects(step, "NotifyDisplayMessages", where={"requestId": number})
        found += call.payload.get("messageInfo", [])
        if not call.payload.get("tbc", False):
            return found


async def no_messages(trial: Trial, step: Step, criterion: Payload) -> None:
    """GetDisplayMessages finds nothing."""
    await trial.calls(step, "GetDisplayMessages", {"requestId": trial.request_id(), **criterion}, {"status": "Unknown"})


async def _is_reported(trial: Trial, step: Step, sent: Payload, further: Pattern | None = None) -> None:
    """The message is reported by its id, as it was set."""
    found = await reported_messages(trial, step, {"id": [sent["id"]]})
    trial.checks.value(step, "ids of the reported messages", [one.get("id") for one in found], [sent["id"]])
    pattern = {
        "priority": sent["priority"],
        "message.format": sent["message"]["format"],
        "message.content": sent["message"]["content"],
        **(further or {}),
    }
    trial.checks.message(step, "messageInfo", found[0], pattern)


@case("TC_O_01_CS")
async def set_a_message(trial: Trial) -> None:
    """A message is set and reported."""
    sent = message(trial)
    await set_message(trial, 1, sent)
    await _is_reported(trial, 3, sent)


@case("TC_O_02_CS")
async def every_message(trial: Trial) -> None:
    """Every message is reported."""
    sent = message(trial)
    await set_message(trial, "before", sent)
    found = await reported_messages(trial, 1, {})
    trial.checks.true(3, "the message is reported", sent["id"] in {one.get("id") for one in found})


@case("TC_O_03_CS")
async def no_message_at_all(trial: Trial) -> None:
    """Without a message the answer is Unknown."""
    await no_messages(trial, 1, {})


@case("TC_O_33_CS")
async def no_message_of_this_id(trial: Trial) -> None:
    """An id without a message."""
    await no_messages(trial, 1, {"id": [trial.request_id()]})


@case("TC_O_04_CS")
async def clear_a_message(trial: Trial) -> None:
    """ClearDisplayMessage."""
    sent = message(trial)
    await set_message(trial, "before", sent)
    await trial.calls(1, "ClearDisplayMessage", {"id": sent["id"]}, {"status": "Accepted"})
    await no_messages(trial, 3, {"id": [sent["id"]]})


@case("TC_O_05_CS")
async def clear_an_unknown_message(trial: Trial) -> None:
    """ClearDisplayMessage of an id that no message has."""
    await trial.calls(1, "ClearDisplayMessage", {"id": trial.request_id()}, {"status": "Unknown"})


@case("TC_O_07_CS")
async def messages_by_id(trial: Trial) -> None:
    """A message by its id."""
    sent = message(trial)
    await set_message(trial, "before", sent)
    await _is_reported(trial, 1, sent)


async def _reported_by(trial: Trial, sent: Payload, criterion: Payload) -> None:
    await set_message(trial, "before", sent)
    found = await reported_messages(trial, 1, criterion)
    trial.checks.value(3, "ids of the reported messages", [one.get("id") for one in found], [sent["id"]])


@case("TC_O_08_CS")
async def messages_by_priority(trial: Trial) -> None:
    """Messages by priority."""
    sent = message(trial)
    await _reported_by(trial, sent, {"priority": sent["priority"]})


@case("TC_O_09_CS")
async def messages_by_state(trial: Trial) -> None:
    """Messages by state."""
    await _reported_by(trial, message(trial, state="Idle"), {"state": "Idle"})


@case("TC_O_11_CS")
async def message_by_another_id(trial: Trial) -> None:
    """A message is there, and another id is asked for."""
    await set_message(trial, "before", message(trial))
    await no_messages(trial, 1, {"id": [trial.request_id()]})


@case("TC_O_34_CS")
async def message_in_another_state(trial: Trial) -> None:
    """The id of a message with a state it does not have."""
    sent = message(trial, state="Idle")
    await set_message(trial, "before", sent)
    await no_messages(trial, 1, {"id": [sent["id"]], "state": "Charging"})


@case("TC_O_35_CS")
async def message_of_another_priority(trial: Trial) -> None:
    """The id of a message with a priority it does not have."""
    sent = message(trial)
    await set_message(trial, "before", sent)
    await no_messages(trial, 1, {"id": [sent["id"]], "priority": _supported(trial, PRIORITIES)[0]})


@case("TC_O_12_CS")
async def message_is_replaced(trial: Trial) -> None:
    """A message with the id of another takes its place."""
    first = message(trial)
    await set_message(trial, "before", first)
    await set_message(trial, 1, {**message(trial, "another message"), "id": first["id"]})


@case("TC_O_20_CS")
async def message_outlives_reboot(trial: Trial) -> None:
    """After a reboot the message is reported."""
    sent = message(trial)
    await set_message(trial, 1, sent)
    await booted(trial)
    await _is_reported(trial, 4, sent)


# -- what a station does not support -------------------------------------------------------------------------------------------


@case("TC_O_17_CS")
async def unsupported_priority(trial: Trial) -> None:
    """A priority the station does not have."""
    priority = _supported(trial, PRIORITIES, yes=False)[0]
    await set_message(trial, 1, message(trial, priority=priority), "NotSupportedPriority")


@case("TC_O_19_CS")
async def unsupported_format(trial: Trial) -> None:
    """A format the station does not have."""
    text = {"format": _supported(trial, FORMATS, yes=False)[0], "content": "https://example.com/a"}
    await set_message(trial, 1, message(trial, message=text), "NotSupportedMessageFormat")


@case("TC_O_10_CS")
async def unknown_transaction(trial: Trial) -> None:
    """A message for a transaction that does not run."""
    sent = message(trial, transactionId=f"unknown-{trial.request_id()}")
    await set_message(trial, 1, sent, "UnknownTransaction")


# -- time --------------------------------------------------------------------------------------------------------------------


@case("TC_O_13_CS")
async def message_that_starts_later(trial: Trial) -> None:
    """A message with startDateTime."""
    sent = message(trial, startDateTime=trial.time_from_now(BRIEF_S))
    await set_message(trial, 1, sent)
    await _is_reported(trial, 3, sent, {"startDateTime": PRESENT})


@case("TC_O_14_CS")
async def message_that_ends(trial: Trial) -> None:
    """A message with endDateTime is gone afterwards."""
    sent = message(trial, endDateTime=trial.time_from_now(BRIEF_S))
    await set_message(trial, 1, sent)
    await _is_reported(trial, 3, sent, {"endDateTime": PRESENT})
    await trial.wait(BRIEF_S + 1)
    await no_messages(trial, 7, {"id": [sent["id"]]})


# -- transactions --------------------------------------------------------------------------------------------------------------


@case("TC_O_06_CS")
async def message_of_a_transaction(trial: Trial) -> None:
    """A message of a transaction is gone when the transaction has ended."""
    await _of_transaction(trial, {})


@case("TC_O_27_CS")
async def message_of_a_transaction_that_starts_later(trial: Trial) -> None:
    """The same with startDateTime."""
    await _of_transaction(trial, {"startDateTime": trial.time_from_now(BRIEF_S)})


async def _of_transaction(trial: Trial, further: Payload) -> None:
    await energy_transfer_started(trial)
    sent = message(trial, transactionId=trial.session.transaction_id, **further)
    await set_message(trial, 1, sent)
    await parking_bay_unoccupied(trial)
    await no_messages(trial, 7, {"id": [sent["id"]]})


@case("TC_O_28_CS")
async def message_of_a_transaction_that_ends(trial: Trial) -> None:
    """A message of a transaction with endDateTime is gone afterwards."""
    await energy_transfer_started(trial)
    end = trial.time_from_now(BRIEF_S)
    sent = message(trial, transactionId=trial.session.transaction_id, endDateTime=end)
    await set_message(trial, 1, sent)
    await trial.wait(BRIEF_S + 1)
    await no_messages(trial, 3, {"id": [sent["id"]]})


@case("TC_O_15_CS")
async def language_of_the_driver(trial: Trial) -> None:
    """A message while a driver with a preferred language charges."""
    info = {"status": "Accepted", "language1": "en"}
    trial.csms.answers.order("Authorize", {"idTokenInfo": info})
    trial.csms.answers.order("TransactionEvent", {"idTokenInfo": info}, where={"idToken": PRESENT})
    await ev_connected_pre_session(trial)
    await authorized(trial, remote=False)
    await energy_transfer_started(trial)
    await set_message(trial, 4, message(trial))


# -- priorities ----------------------------------------------------------------------------------------------------------------


@case("TC_O_22_CS")
async def two_in_front(trial: Trial) -> None:
    """Two messages InFront are both kept."""
    await _two_in_front(trial, {})


@case("TC_O_30_CS")
async def two_in_front_of_a_transaction(trial: Trial) -> None:
    """Two messages InFront of a transaction are both kept, and both gone when it has ended."""
    await energy_transfer_started(trial)
    both = await _two_in_front(trial, {"transactionId": trial.session.transaction_id})
    await parking_bay_unoccupied(trial)
    for step, sent in zip((17, 19), both, strict=True):
        await no_messages(trial, step, {"id": [sent["id"]]})


async def _two_in_front(trial: Trial, further: Payload) -> tuple[Payload, Payload]:
    first, second = (message(trial, text, priority="InFront", **further) for text in ("one", "one 2"))
    for step, sent in ((1, first), (3, second)):
        await set_message(trial, step, sent)
    for step, sent in ((5, first), (9, second)):
        await _is_reported(trial, step, sent, further)
    return first, second


@case("TC_O_24_CS")
async def second_always_in_front(trial: Trial) -> None:
    """A second message AlwaysFront takes the place of the first."""
    await _second_always_in_front(trial, {})


@case("TC_O_32_CS")
async def second_always_in_front_of_a_transaction(trial: Trial) -> None:
    """The same for a transaction; the message is gone when it has ended."""
    await energy_transfer_started(trial)
    second = await _second_always_in_front(trial, {"transactionId": trial.session.transaction_id})
    await parking_bay_unoccupied(trial)
    await no_messages(trial, 15, {"id": [second["id"]]})


async def _second_always_in_front(trial: Trial, further: Payload) -> Payload:
    first, second = (message(trial, text, priority="AlwaysFront", **further) for text in ("one", "one 2"))
    for step, sent in ((1, first), (3, second)):
        await set_message(trial, step, sent)
    await no_messages(trial, 5, {"id": [first["id"]]})
    await _is_reported(trial, 7, second, further)
    return second


# -- states --------------------------------------------------------------------------------------------------------------------


@case("TC_O_36_CS")
async def message_while_charging(trial: Trial) -> None:
    """A message of the state Charging outlives a whole session."""
    await _over_a_session(trial, "Charging")


@case("TC_O_37_CS")
async def message_while_idle(trial: Trial) -> None:
    """A message of the state Idle outlives a whole session."""
    await _over_a_session(trial, "Idle")


async def _over_a_session(trial: Trial, state: str) -> None:
    sent = message(trial, state=state)
    await set_message(trial, 1, sent)
    await energy_transfer_started(trial)
    await parking_bay_unoccupied(trial)
    await _is_reported(trial, 11, sent, {"state": state})


@case("TC_O_38_CS")
async def message_while_unavailable(trial: Trial) -> None:
    """A message of the state Unavailable."""
    sent = message(trial, state="Unavailable")
    await set_message(trial, 1, sent)
    await unavailable(trial, None)
    await trial.calls(4, "ChangeAvailability", {"operationalStatus": "Operative"}, {"status": "Accepted"})
    await connectors_are(trial, 6, "Available")
    await _is_reported(trial, 8, sent, {"state": "Unavailable"})
