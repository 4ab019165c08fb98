"""`{"do": "ask_car"}`: what the local socket takes, and what it answers."""

from __future__ import annotations

import pytest

from chargepoint.diagnostics.car_wishes import WISHES
from chargepoint.diagnostics.local_orders import ask_car_verb
from chargepoint.model.commands import AskCar, CommandResult
from chargepoint.model.ids import EvseId
from chargepoint.model.station_view import Wish


@pytest.mark.parametrize("word", sorted(WISHES))
def test_each_word_is_one_wish(word: str) -> None:
    taken: list[AskCar] = []

    def command(order: AskCar) -> CommandResult:
        taken.append(order)
        return CommandResult(True)

    assert ask_car_verb(command)({"do": "ask_car", "evse": 2, "for": word}) == {"text": ""}
    assert taken == [AskCar(EvseId(2), WISHES[word])]


def test_a_stop_is_not_asked_this_way() -> None:
    assert Wish.TERMINATE not in WISHES.values()


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"do": "ask_car", "for": "pause"}, "evse"),
        ({"do": "ask_car", "evse": True, "for": "pause"}, "evse"),
        ({"do": "ask_car", "evse": 1}, "for"),
        ({"do": "ask_car", "evse": 1, "for": "sleep"}, "sleep"),
        ({"do": "ask_car", "evse": 1, "for": "pause", "now": 1}, "now"),
    ],
)
def test_a_wrong_request_is_named(request_: dict[str, object], named: str) -> None:
    answer = ask_car_verb(lambda _: CommandResult(True))(request_)
    assert answer["ok"] is False
    assert named in str(answer["error"])


def test_a_refusal_is_passed_on() -> None:
    answer = ask_car_verb(lambda _: CommandResult(False, "TxNotFound", "no transaction is running"))(
        {"do": "ask_car", "evse": 1, "for": "pause"}
    )
    assert answer == {"ok": False, "error": "no transaction is running", "reason_code": "TxNotFound"}
