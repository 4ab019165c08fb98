"""The shipped schema is made from the types, and what the station publishes fits it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from chargepoint.control.last_session import LastSession
from chargepoint.energy.connection import ConnectionBound
from chargepoint.model.ids import EvseId
from chargepoint.model.site_meter import SiteMeterReading
from chargepoint.model.station_status import (
    CarStatus,
    EvseStatus,
    MeterStatus,
    SetpointStatus,
    StageStatus,
    TransactionStatus,
)
from chargepoint.model.transactions import StopReason
from chargepoint.site.orders import ORDERS
from chargepoint.site.schemas import site_bus_schema
from chargepoint.site.telemetry import (
    capability,
    evse_telemetry,
    session_record,
    site_event,
    state_word,
    station_telemetry,
)
from chargepoint.store.rows import JournalEntry
from tests.unit.site.conftest import evse_state

FILE = Path(__file__).resolve().parents[3] / "docs" / "site-bus.schema.json"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def schema_of(kind: str) -> dict[str, Any]:
    whole = json.loads(FILE.read_text())
    return {**whole["topics"][kind], "$defs": whole["$defs"]}


def fits(kind: str, payload: Any) -> None:
    jsonschema_rs.validator_for(schema_of(kind)).validate(json.loads(json.dumps(payload)))


def status(power_W: float | None = -8_000.0, **changes: Any) -> EvseStatus:
    image = StageStatus(
        age_s=0.1, stage="TRANSFER", pilot="C", contactor="CLOSED", lock="LOCKED", voltage_V=400.123, current_A=-20.04,
        power_W=power_W, applied_W=-8000.0, target_W=-8000.0, limited_by_stage="", insulation_ohm=None,
        temperature_degC=None, permitted=True, faults={"DOOR": "the door is open"}, fault_remedies={"DOOR": "close it"},
        meter=MeterStatus(1000.04, 20.06, 400.0, -20.0, -8000.0, 1.0), frequency_Hz=None, ac=None,
    )  # fmt: skip
    car = CarStatus(
        phase="TRANSFER", service="DC_BPT", control_mode="dynamic", soc_percent=55.0, minimum_soc_percent=None,
        target_soc_percent=80.0, departure_s=7200.0, standby=False, to_target_soc_s=None, charging_complete=None,
        capacity_Wh=60_000.0, inlet_hot=None,
    )  # fmt: skip
    made: dict[str, Any] = {
        "status": "Occupied", "plugged": True, "permission": "granted", "obstacle": None, "image": image,
        "setpoint": SetpointStatus(-8000.0, -20_000.0, 22_000.0, "site", None, "-8 kW: asked by the site"), "car": car,
        "paused": False, "asked_of_car": None, "evcc_id": "CAR1", "protocol": "iso20", "tls": None, "secc": None,
        "transaction": TransactionStatus("tx-1", "Charging", 3, 120.0, 7.0), "stopping": None, "last_session": None,
        "refusal": None, "confirmed_reading": None, **changes,
    }  # fmt: skip
    return EvseStatus(**made)


def test_the_schema_is_made_from_the_types() -> None:
    assert FILE.read_text() == site_bus_schema(), (
        "write it anew: python -m chargepoint.site.schemas > docs/site-bus.schema.json"
    )


def test_what_is_published_fits_the_schema() -> None:
    state = evse_state(1, "tx-1")
    shown = evse_telemetry(status(), state, paused=False)
    fits("evse state", asdict(shown))
    assert (shown.state, shown.power_W, shown.voltage_V, shown.imported_Wh) == ("Discharging", -8000.0, 400.1, 1000.0)
    assert [(fault.code, fault.remedy) for fault in shown.faults] == [("DOOR", "close it")]
    fits("evse state", asdict(evse_telemetry(status(image=None, car=None, transaction=None), state, paused=False)))
    fits("evse capability", asdict(capability(status(), state, 100.0, None)))
    last = LastSession("tx-9", None, NOON, NOON, StopReason.LOCAL, "unplugged", 1234.56, 0.0)
    fits("session", asdict(session_record(EvseId(2), last)))
    fits("event", asdict(site_event(7, JournalEntry(NOON, "!", "a fault"))))
    bounds = (ConnectionBound("connection", 44_000.0, 0.0),)
    station = station_telemetry((status(),), bounds, SiteMeterReading(0.0, (1.0, 2.0, 3.0)), None, "connected", "1")
    fits("station", asdict(station))
    assert (station.power_W, station.site_power_W) == (-8000.0, 6.0)


def test_a_capability_names_what_can_be_adjusted_and_how_long() -> None:
    can = capability(status(), evse_state(1, "tx-1"), 100.0, 3600.0)
    assert (can.low_W, can.high_W, can.up_W, can.down_W) == (-20_000.0, 22_000.0, 30_000.0, 12_000.0)
    assert (can.energy_up_Wh, can.energy_down_Wh) == (15_000, 21_000)  # to 80 %, down to the reserve of 20 %
    assert (can.until_departure_s, can.ramp_W_per_s) == (3600, 40_000)  # the nearer of both departures


def test_a_car_that_says_nothing_has_no_made_up_energy() -> None:
    can = capability(status(car=None), evse_state(1), 100.0, None)
    assert (can.energy_up_Wh, can.energy_down_Wh, can.soc_percent, can.until_departure_s) == (None, None, None, None)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "Discharging"),
        ({"power_W": 8_000.0}, "Charging"),
        ({"power_W": 10.0}, "Idle"),
        ({"power_W": None}, "Idle"),
        ({"stopping": "Local"}, "Finishing"),
        ({"transaction": None}, "Preparing"),
        ({"transaction": None, "permission": "none"}, "Plugged"),
        ({"status": "Faulted"}, "Faulted"),
        ({"status": "Available"}, "Available"),
    ],
)
def test_one_word_says_what_happens(changes: dict[str, Any], word: str) -> None:
    assert state_word(status(**changes)) == word


@pytest.mark.parametrize(
    "order",
    [
        {"id": "1", "do": "setpoint", "evse": 1, "power_W": -8000, "lease_s": 60},
        {"id": "1", "do": "driver", "evse": 1, "minimum_soc_percent": 30, "lease_s": 60},
        {"id": "1", "do": "limit", "import_max_W": 1, "export_max_W": 2, "lease_s": 60, "sender": "edge"},
    ],
)
def test_an_order_that_fits_the_schema_is_read(order: dict[str, Any]) -> None:
    fits("order", order)
    assert ORDERS.validate_json(json.dumps(order)).do == order["do"]
