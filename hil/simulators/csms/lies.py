"""Answers of a central system that lies or errs, by name. Pure: an answer comes in, the frames in its place go out.

The reaction that the standard asks of a station stands with each lie. References: OCPP 2.0.1 edition 3 Part 2 and Part 4.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Answer = dict[str, Any]

_BOOT, _HEARTBEAT, _AUTHORIZE, _EVENT = "BootNotification", "Heartbeat", "Authorize", "TransactionEvent"


@dataclass(frozen=True, slots=True)
class Lie:
    """`of`: the actions whose answers lie; empty: each one. `expected`: what a station must do about it."""

    meaning: str
    expected: str
    frames: Callable[[str, Answer], list[str]]
    """The message id of the CALL and the honest answer to the texts that are sent."""
    of: tuple[str, ...] = ()


def _result(unique_id: str, answer: Answer) -> str:
    return json.dumps([3, unique_id, answer])


def _with(**changed: object) -> Callable[[str, Answer], list[str]]:
    return lambda unique_id, answer: [_result(unique_id, {**answer, **changed})]


def _only(answer: Answer) -> Callable[[str, Answer], list[str]]:
    return lambda unique_id, _: [_result(unique_id, answer)]


def _clock(ahead: timedelta) -> Callable[[str, Answer], list[str]]:
    def frames(unique_id: str, answer: Answer) -> list[str]:
        at = datetime.fromisoformat(answer["currentTime"]) + ahead
        return [_result(unique_id, {**answer, "currentTime": at.isoformat().replace("+00:00", "Z")})]

    return frames


LIES: dict[str, Lie] = {
    "time_ahead": Lie(
        "currentTime is an hour ahead",
        "the clock is taken (B01.FR.06, G02.FR.06); nothing that was billed moves, and nothing trips",
        _clock(timedelta(hours=1)),
        (_BOOT, _HEARTBEAT),
    ),
    "time_no_time": Lie(
        "currentTime is «yesterday»",
        "the answer breaks its schema, and counts as none (Part 4, 4.1.7)",
        _with(currentTime="yesterday"),
        (_BOOT, _HEARTBEAT),
    ),
    "interval_zero": Lie(
        "the interval of BootNotification is 0",
        "the station chooses its interval by itself (B01.FR.04 is about more than 0), and does not send without a pause",
        _with(interval=0),
        (_BOOT,),
    ),
    "interval_huge": Lie(
        "the interval of BootNotification is 68 years",
        "the station keeps to it, or to its own longest one; the connection is held by WebSocket pings",
        _with(interval=2_147_483_647),
        (_BOOT,),
    ),
    "interval_negative": Lie(
        "the interval of BootNotification is -5",
        "as 0: the station chooses an interval by itself",
        _with(interval=-5),
        (_BOOT,),
    ),
    "other_answer": Lie(
        "each answer is that of another action",
        "it breaks its schema and counts as none (Part 4, 4.1.7); what must arrive is sent again (E13)",
        _only({"status": "Scheduled", "reservationId": 1}),
    ),
    "broken": Lie(
        "each answer has a field too many and its other fields of another type",
        "it counts as none (Part 4, 4.1.7); what must arrive is sent again (E13)",
        lambda unique_id, answer: [_result(unique_id, {**{name: [[]] for name in answer}, "unheardOf": True})],
    ),
    "other_id": Lie(
        "each answer has the message id of a CALL that never was",
        "it is dropped (Part 4, 4.2.2), and the CALL of the station times out",
        lambda unique_id, answer: [_result("0" * len(unique_id), answer)],
    ),
    "twice": Lie(
        "each answer comes twice",
        "the second one answers nothing, and is dropped",
        lambda unique_id, answer: [_result(unique_id, answer)] * 2,
    ),
    "no_decision": Lie(
        "a TransactionEvent with a token is answered with a price and without idTokenInfo",
        "what Authorize said holds (E01, E02: idTokenInfo is optional here); the session goes on",
        _only({"totalCost": 12.34, "updatedPersonalMessage": {"format": "ASCII", "content": "thank you"}}),
        (_EVENT,),
    ),
    "deauthorised": Lie(
        "Authorize says Accepted, and the answer to each TransactionEvent says Invalid",
        "after an event with a token the transaction ends with the reason DeAuthorized (E05.FR.10)",
        _with(idTokenInfo={"status": "Invalid"}),
        (_EVENT,),
    ),
    "accepted_and_expired": Lie(
        "Authorize says Accepted, and that this holds until the year 2020",
        "the status decides; the entry of the cache is over at once (C10.FR.13)",
        lambda unique_id, answer: [_result(unique_id, _expired(answer))],
        (_AUTHORIZE,),
    ),
}
"""All of them, by name."""


def _expired(answer: Answer) -> Answer:
    return {**answer, "idTokenInfo": {**answer["idTokenInfo"], "cacheExpiryDateTime": "2020-01-01T00:00:00Z"}}


def lied(lie: str, action: str, unique_id: str, answer: Answer) -> list[str] | None:
    """The frames in place of the honest answer to a CALL of this action; None where the lie is of other actions."""
    found = LIES[lie]
    if found.of and action not in found.of:
        return None
    return found.frames(unique_id, answer)
