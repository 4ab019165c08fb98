"""What a sampled value has on the wire: its time, its place, and the register as the meter has it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoint.model.ids import EvseId, TransactionId
from chargepoint.model.transactions import (
    ChargingState,
    MeterSample,
    ReadingContext,
    TransactionEventType,
    TransactionRecord,
    TriggerReason,
)
from chargepoint.ocpp.blocks.meter_values import meter_values_request
from chargepoint.ocpp.blocks.transactions import event_payload
from chargepoint.transactions.ledger import Ledger
from chargepoint.transactions.sampling import SamplingIntervals
from tests.unit.ocpp.conftest import Desk

AT = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 12, 1, 0, tzinfo=UTC)
EVERYTHING = "Energy.Active.Import.Register,Power.Active.Import,Voltage,SoC"


def sample(at: datetime, context: ReadingContext, import_Wh: float = 12_345.678) -> MeterSample:
    return MeterSample(at, context, import_Wh, 7.0, 1500.0, 401.0, 3.75, 61.0)


def record(*samples: MeterSample, kind: TransactionEventType = TransactionEventType.UPDATED) -> TransactionRecord:
    return TransactionRecord(
        transaction_id=TransactionId("tx-1"),
        evse_id=EvseId(1),
        connector_id=1,
        type=kind,
        seq_no=3,
        trigger=TriggerReason.METER_VALUE_CLOCK,
        at_utc=AT,
        charging_state=ChargingState.CHARGING,
        samples=samples,
    )


def values_in(desk: Desk, *samples: MeterSample) -> list[dict[str, Any]]:
    payload = event_payload(record(*samples), desk.station.model, offline=False)
    assert desk.schemas.check_request("TransactionEvent", payload) is None
    values: list[dict[str, Any]] = payload["meterValue"]
    return values


def test_one_time_for_all_values_of_a_moment(desk: Desk) -> None:
    """J01.FR.05, FR.17 and J02.FR.18: one meterValue for each moment, with the time of its own reading."""
    desk.set("SampledDataCtrlr", "TxUpdatedMeasurands", EVERYTHING)
    first, second = values_in(
        desk, sample(AT, ReadingContext.SAMPLE_PERIODIC), sample(LATER, ReadingContext.SAMPLE_PERIODIC)
    )
    assert (first["timestamp"], second["timestamp"]) == ("2026-03-01T12:00:00.000Z", "2026-03-01T12:01:00.000Z")
    assert len(first["sampledValue"]) == len(second["sampledValue"]) == 4
    request = meter_values_request(EvseId(1), sample(LATER, ReadingContext.SAMPLE_CLOCK), EVERYTHING.split(","))
    assert request is not None
    assert [value["timestamp"] for value in request["meterValue"]] == ["2026-03-01T12:01:00.000Z"]


def test_the_place_of_each_value(desk: Desk) -> None:
    """J01.FR.09, J02.FR.05: the car's state of charge is the car's, everything else is measured at the outlet."""
    desk.set("SampledDataCtrlr", "TxUpdatedMeasurands", EVERYTHING)
    (value,) = values_in(desk, sample(AT, ReadingContext.SAMPLE_PERIODIC))
    assert {v["measurand"]: v["location"] for v in value["sampledValue"]} == {
        "Energy.Active.Import.Register": "Outlet",
        "Power.Active.Import": "Outlet",
        "Voltage": "Outlet",
        "SoC": "EV",
    }


def test_a_register_is_that_of_the_meter(desk: Desk) -> None:
    """J02.FR.17: from begin to end the register is the meter's own, and never begins at zero."""
    ledger = Ledger(EvseId(1), 1, SamplingIntervals())
    records = [
        ledger.start(
            TransactionId("tx-1"), sample(AT, ReadingContext.TRANSACTION_BEGIN, 5000.0), TriggerReason.AUTHORIZED, 0.0
        ),
        ledger.sample(sample(LATER, ReadingContext.SAMPLE_PERIODIC, 5100.5)),
    ]
    found = [
        v["value"]
        for made in records
        for value in event_payload(made, desk.station.model, offline=False)["meterValue"]
        for v in value["sampledValue"]
        if v["measurand"] == "Energy.Active.Import.Register"
    ]
    assert found == [5000.0, 5100.5]


@pytest.mark.parametrize("measurands", ["Voltage", "Voltage,SoC"])
def test_clock_aligned_readings_of_a_transaction_have_measurands_of_their_own(desk: Desk, measurands: str) -> None:
    """J01.FR.22: a TransactionEvent at every interval of the clock, with the measurands of AlignedDataCtrlr."""
    assert desk.set("AlignedDataCtrlr", "Measurands", measurands) == "Accepted"
    desk.set("SampledDataCtrlr", "TxUpdatedMeasurands", EVERYTHING)
    ledger = Ledger(EvseId(1), 1, SamplingIntervals(0.0, 60.0))
    ledger.start(TransactionId("tx-1"), sample(AT, ReadingContext.TRANSACTION_BEGIN), TriggerReason.AUTHORIZED, 0.0)
    assert ledger.due(59.0, AT.replace(second=59)) is None
    context = ledger.due(60.0, LATER)
    assert context is ReadingContext.SAMPLE_CLOCK
    payload = event_payload(ledger.sample(sample(LATER, context)), desk.station.model, offline=False)
    assert payload["triggerReason"] == "MeterValueClock"
    (value,) = payload["meterValue"]
    assert [v["measurand"] for v in value["sampledValue"]] == measurands.split(",")
