"""SessionStopReq may carry the car's own reason: it goes into the end of the session, and so into the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chargepoint.iso15118.iso20.state import State
from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.model.car import CarSessionEnded, SessionEnd


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({}, "SessionStop by the car"),
        ({"EVTerminationCode": "E42"}, "SessionStop by the car: code 'E42'"),
        (
            {"EVTerminationCode": "E42", "EVTerminationExplanation": "too hot\n<3> pump"},
            "SessionStop by the car: code 'E42', explanation 'too hot\\n<3> pump'",
        ),
    ],
)
def test_the_car_says_why_it_ends(new_car: Callable[..., Any], fields: dict[str, str], detail: str) -> None:
    car = new_car().reach(State.AUTHORIZATION)
    car.ask(cm.SessionStopReq(Header=car.header(), ChargingSession=cm.ChargingSession.Terminate, **fields))
    ended = car.events[-1]
    assert isinstance(ended, CarSessionEnded)
    assert (ended.end, ended.detail) == (SessionEnd.TERMINATED, detail)
