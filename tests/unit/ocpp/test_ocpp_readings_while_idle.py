"""J01.FR.20: with SendDuringIdle a transaction at one EVSE stops the clock-aligned readings of every EVSE (TC_J_06)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chargepoint.model.ids import EvseId
from chargepoint.model.transactions import MeterSample, ReadingContext
from chargepoint.ocpp.blocks.effects import ReadingToReport

if TYPE_CHECKING:
    from tests.unit.ocpp.conftest import Desk


def sends_reading(desk: Desk, evse_id: int, context: ReadingContext) -> bool:
    """Whether a reading of this EVSE becomes MeterValues."""
    sample = MeterSample(desk.moment.utc, context, 1000.0, 0.0, None, None, None, None, None)
    desk.sent.clear()
    desk.perform(desk.station.informed(ReadingToReport(EvseId(evse_id), sample), desk.moment))
    return [send.action for send in desk.sent] == ["MeterValues"]


@pytest.mark.parametrize("only_while_idle", [True, False])
def test_a_transaction_at_one_evse_stops_the_readings_of_all(two_evses: Desk, only_while_idle: bool) -> None:
    desk = two_evses
    desk.set("AlignedDataCtrlr", "SendDuringIdle", str(only_while_idle).lower())
    assert sends_reading(desk, 2, ReadingContext.SAMPLE_CLOCK)
    desk.port.begin(1)
    assert sends_reading(desk, 2, ReadingContext.SAMPLE_CLOCK) is not only_while_idle
    assert sends_reading(desk, 2, ReadingContext.TRIGGER)
    desk.port.end(1)
    assert sends_reading(desk, 2, ReadingContext.SAMPLE_CLOCK)
