"""What a station that is not accepted yet keeps back, and required variables that can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chargepoint.ocpp.blocks.effects import Send
from tests.unit.ocpp.conftest import UTC0_S

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_a_time_is_confirmed_only_after_the_station_is_accepted(desk: Desk, status: str) -> None:
    """B02.FR.02, B03.FR.02: the Heartbeat that confirms another time waits (TC_B_03)."""
    desk.sent.clear()
    an_hour_ahead = "2026-03-01T13:00:00.000Z"
    assert UTC0_S == 1_772_366_400.0  # 12:00
    desk.answered("BootNotification", {}, {"status": status, "interval": 5, "currentTime": an_hour_ahead})
    assert desk.sent == [Send("Heartbeat", {}, waits=True)]


def test_resets_are_never_tried_again(desk: Desk) -> None:
    """TC_B_12 wants OCPPCommCtrlr.ResetRetries to be writable; 0 is the only number that is kept."""
    assert desk.set("OCPPCommCtrlr", "ResetRetries", "0") == "Accepted"
    assert desk.set("OCPPCommCtrlr", "ResetRetries", "1") == "Rejected"


def test_significance_of_a_limit_can_be_set(desk: Desk) -> None:
    """TC_B_12, TC_B_13: SmartChargingCtrlr.LimitChangeSignificance is required and writable."""
    assert desk.set("SmartChargingCtrlr", "LimitChangeSignificance", "2.5") == "Accepted"
    assert desk.set("SmartChargingCtrlr", "LimitChangeSignificance", "101") == "Rejected"
