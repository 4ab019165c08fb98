"""General validations of Part 6 (2.1): rules for every case, judged over all messages when a case has ended.

* every frame fits its schema
* the first TransactionEvent of a transaction is Started, seqNo counts on without a gap, nothing comes after Ended
* the first TransactionEvent after RequestStartTransaction has RemoteStart and the remoteStartId
* the first TransactionEvent after the plug names EVSE and connector; the first one after a token names the token
* one change of a connector's state is reported once (Part 2, G01.FR.01)
* FirmwareStatusNotification carries the requestId of its UpdateFirmware
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hil.certification.frames import StationCall
from hil.certification.patterns import Payload, value_at
from hil.certification.trial import Trial
from hil.certification.validation import Validation

STEP = "general"


def judge(trial: Trial) -> list[Validation]:
    """Every general validation of this case; those that hold are in the list too."""
    found = [
        Validation(STEP, "frame", problem, "a frame as the schema has it", False) for problem in trial.csms.problems
    ]
    for events in transactions(trial.csms.calls).values():
        found += _sequence(events)
        found += _remote_start(trial, events)
        found += _plug(trial, events)
    found += _once(trial)
    found += _firmware(trial)
    return found


def transactions(calls: Iterable[StationCall]) -> dict[str, list[StationCall]]:
    """TransactionEvents by transaction, each by seqNo; one that was sent again counts once."""
    found: dict[str, dict[int, StationCall]] = {}
    for call in calls:
        if call.action != "TransactionEvent":
            continue
        transaction_id, number = value_at(call.payload, "transactionInfo.transactionId"), call.payload.get("seqNo")
        if isinstance(transaction_id, str) and isinstance(number, int):
            found.setdefault(transaction_id, {}).setdefault(number, call)
    return {name: [events[number] for number in sorted(events)] for name, events in found.items()}


def _sequence(events: list[StationCall]) -> Iterator[Validation]:
    first = events[0].payload["seqNo"]
    numbers = [event.payload["seqNo"] for event in events]
    yield _rule(
        "TransactionEvent.seqNo",
        numbers,
        "counting on without a gap",
        numbers == list(range(first, first + len(numbers))),
    )
    kinds = [str(event.payload.get("eventType")) for event in events]
    if "Started" in kinds:
        yield _rule("TransactionEvent.eventType in the order of seqNo", kinds, "Started first", _started_first(kinds))
    if "Ended" in kinds:
        yield _rule(
            "TransactionEvent.eventType in the order of seqNo",
            kinds,
            "Ended last",
            kinds.index("Ended") == len(kinds) - 1,
        )


def _started_first(kinds: list[str]) -> bool:
    return kinds[0] == "Started" and kinds.count("Started") == 1


def _remote_start(trial: Trial, events: list[StationCall]) -> Iterator[Validation]:
    """Only for a transaction that names a remote start: the message that does must have the trigger too."""
    number = trial.session.remote_start_id
    if number is None or value_at(events[0].payload, "transactionInfo.transactionId") != trial.session.transaction_id:
        return
    naming = [event.payload for event in events if value_at(event.payload, "transactionInfo.remoteStartId") == number]
    yield _rule("TransactionEvents with remoteStartId", len(naming), "1 or more", bool(naming))
    if naming:
        trigger = naming[0].get("triggerReason")
        yield _rule(
            "triggerReason of the first message with remoteStartId", trigger, "RemoteStart", trigger == "RemoteStart"
        )


def _plug(trial: Trial, events: list[StationCall]) -> Iterator[Validation]:
    named = next((event for event in events if isinstance(value_at(event.payload, "evse.connectorId"), int)), None)
    if named is None and not trial.station.plugged_at_s:
        return
    yield _rule(
        "the first TransactionEvent with a car plugged in",
        _evse(events[0].payload) if named is None else _evse(named.payload),
        "evse.id and evse.connectorId",
        named is not None,
    )


def _once(trial: Trial) -> Iterator[Validation]:
    """No two StatusNotifications of one connection have the same place, state and time, unless one was asked for."""
    if any(action == "TriggerMessage" for action, _ in trial.ordered):
        return
    seen: dict[tuple[object, ...], str] = {}
    for call in trial.csms.calls:
        if call.action != "StatusNotification":
            continue
        fields = ("evseId", "connectorId", "connectorStatus", "timestamp")
        change = (call.connection, *(call.payload.get(field) for field in fields))
        if seen.setdefault(change, call.unique_id) != call.unique_id:
            yield _rule("StatusNotification", call.payload, "each change reported once", False)


def _firmware(trial: Trial) -> Iterator[Validation]:
    ordered = [payload["requestId"] for action, payload in trial.ordered if action == "UpdateFirmware"]
    for call in trial.csms.calls:
        if call.action == "FirmwareStatusNotification" and ordered and call.payload.get("status") != "Idle":
            number = call.payload.get("requestId")
            yield _rule("FirmwareStatusNotification.requestId", number, f"one of {ordered}", number in ordered)


def _evse(payload: Payload) -> object:
    return payload.get("evse")


def _rule(where: str, value: object, expected: str, passed: bool) -> Validation:
    return Validation(STEP, where, value, expected, passed)
