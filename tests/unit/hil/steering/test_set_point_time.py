"""When a set-point is possible: each stage has its sentence."""

from __future__ import annotations

from typing import Any

import pytest

from hil.steering.set_point_time import set_point_obstacle
from tests.unit.hil.steering.fake_bench import evse_picture

RUNNING = {"id": "x", "charging_state": "EVConnected"}


@pytest.mark.parametrize(
    ("evse", "words"),
    [
        ({}, ["no transaction runs on EVSE 2", '{"do": "plug"}', '{"do": "story"}', '"stage": "TRANSFER"']),
        ({"plugged": True}, ["no transaction", "the car is plugged in", '{"do": "token"}']),
        ({"plugged": True, "permission": "refused"}, ["its card was refused"]),
        ({"obstacle": "no central system"}, ["nothing can begin now", "no central system"]),
        (
            {"stage": "CABLE_CHECK", "transaction": RUNNING},
            ["stage CABLE_CHECK", "the car is at cable_check", '"wait"'],
        ),
        ({"stage": "OPENING", "transaction": RUNNING}, ["is over", "stage OPENING"]),
        ({"image": None}, ["has not reported"]),
        (
            {
                "image": {
                    "stage": "FAULTED",
                    "faults": {"DOOR_OPEN": "door open"},
                    "fault_remedies": {"DOOR_OPEN": "close it"},
                }
            },
            ["a fault is on", "door open: close it", '{"do": "reset"}'],
        ),
    ],
)
def test_a_set_point_that_comes_too_early_says_what_is_missing(evse: dict[str, Any], words: list[str]) -> None:
    found = set_point_obstacle(evse_picture(**evse), 2, "cable_check")
    assert found is not None
    for word in words:
        assert word in found


def test_while_power_may_flow_nothing_is_missing() -> None:
    assert set_point_obstacle(evse_picture("TRANSFER", transaction=RUNNING), 1, None) is None
