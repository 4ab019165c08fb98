"""What Home Assistant finds: two kinds of devices, each value with class and unit, each control a valid order."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from chargepoint.model.ids import EvseId
from chargepoint.site.home_assistant import STATES, EvseRatings, StationLabel, discovery
from chargepoint.site.orders import ORDERS
from chargepoint.site.telemetry import Capability, EvseTelemetry, StationTelemetry
from chargepoint.site.topics import Topics

TOPICS = Topics("site/cp 1")
ALL = frozenset({"setpoint", "driver", "pause"})


def found(orders: frozenset[str] = ALL) -> dict[str, dict[str, Any]]:
    label = StationLabel("bidi-1", "open-chargepoint", "SN1", "1.2.3")
    evses = {EvseId(number): EvseRatings(22_000.0, 20_000.0) for number in (1, 2)}
    return {
        message.topic: json.loads(message.payload)
        for message in discovery("homeassistant", TOPICS, label, evses, orders, 900.0)
    }


def components(orders: frozenset[str] = ALL) -> list[tuple[str, dict[str, Any]]]:
    return [(key, one) for device in found(orders).values() for key, one in device["components"].items()]


def test_one_device_for_the_station_and_one_for_each_evse() -> None:
    devices = found()
    assert list(devices) == [
        "homeassistant/device/site_cp_1/config",
        "homeassistant/device/site_cp_1_evse1/config",
        "homeassistant/device/site_cp_1_evse2/config",
    ]
    assert devices["homeassistant/device/site_cp_1_evse1/config"]["device"]["via_device"] == "site_cp_1"
    assert all(device["availability_topic"] == "site/cp 1/availability" for device in devices.values())


def test_every_component_has_a_name_of_its_own() -> None:
    ids = [component["unique_id"] for _, component in components()]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", one) for one in ids)


def test_every_value_is_one_that_the_station_publishes() -> None:
    published = {
        TOPICS.station: set(StationTelemetry.__dataclass_fields__),
        **{TOPICS.evse(EvseId(n)): set(EvseTelemetry.__dataclass_fields__) for n in (1, 2)},
        **{TOPICS.capability(EvseId(n)): set(Capability.__dataclass_fields__) for n in (1, 2)},
    }
    for key, component in components():
        if "state_topic" in component:
            named = set(re.findall(r"value_json\.(\w+)", component["value_template"]))
            assert named, key
            assert named <= published[component["state_topic"]], key


def test_both_energies_fit_the_energy_dashboard() -> None:
    evse = found()["homeassistant/device/site_cp_1_evse1/config"]["components"]
    for key in ("imported", "exported"):
        assert (evse[key]["device_class"], evse[key]["state_class"], evse[key]["unit_of_measurement"]) == (
            "energy",
            "total_increasing",
            "Wh",
        )
    assert evse["state"]["options"] == list(STATES)


def rendered(template: str, value: str) -> str:
    """What Home Assistant makes of our command templates: numbers, times and the two words of the select."""
    text = re.sub(r"\{\{ \(as_timestamp\(now\(\)\) \* 1000\) \| int \}\}", "1767225600000", template)
    text = text.replace("{{ value }}", value)
    text = re.sub(
        r"\{\{ '(\w+)' if value == 'pause' else '(\w+)' \}\}", lambda m: m[1] if value == "pause" else m[2], text
    )
    return re.sub(r"\{\{ '(.*?)' if value == 'pause' else '' \}\}", lambda m: m[1] if value == "pause" else "", text)


@pytest.mark.parametrize("value", ["-8000", "pause", "run", "PRESS"])
def test_every_control_sends_an_order_that_the_station_reads(value: str) -> None:
    seen = 0
    for key, component in components():
        if component["platform"] not in ("number", "select", "button"):
            continue
        if (component["platform"] == "number") != value.lstrip("-").isdigit():
            continue
        if (component["platform"] == "select") != (value in ("pause", "run")):
            continue
        text = rendered(component["command_template"], "60" if "reserve" in key else value)
        order = ORDERS.validate_json(text)
        assert order.sender == "home assistant"
        assert component["command_topic"] == TOPICS.order
        seen += 1
    assert seen


def test_what_may_not_be_ordered_has_no_control() -> None:
    kinds = {component["platform"] for _, component in components(frozenset())}
    assert kinds == {"sensor", "binary_sensor", "update"}
