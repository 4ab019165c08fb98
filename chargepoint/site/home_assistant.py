"""Home Assistant's discovery over MQTT: one device for the station and one for each EVSE, without a line of YAML. A core.

Sensors have the classes and units that the energy dashboard asks for. What may be set is a number, a select or a button that sends an
ordinary order. Source: Home Assistant, «MQTT», Device discovery payload (https://www.home-assistant.io/integrations/mqtt/).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chargepoint.model.ids import EvseId
from chargepoint.site.bus import Message, to_json
from chargepoint.site.topics import Topics

SENDER = "home assistant"

STATES = (
    "Available",
    "Plugged",
    "Preparing",
    "Charging",
    "Discharging",
    "Idle",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
)
"""Every word of `telemetry.state_word`."""


@dataclass(frozen=True, slots=True)
class StationLabel:
    """What the station is called. Empty: not known."""

    model: str
    vendor_name: str
    serial_number: str
    firmware_version: str


@dataclass(frozen=True, slots=True)
class EvseRatings:
    """Magnitudes in W."""

    charge_max_W: float
    discharge_max_W: float


def discovery(
    prefix: str,
    topics: Topics,
    label: StationLabel,
    evses: Mapping[EvseId, EvseRatings],
    orders: frozenset[str],
    lease_s: float,
) -> tuple[Message, ...]:
    """The retained messages that describe the devices. `orders`: what may be set; each set value holds for `lease_s`."""
    slug = re.sub(r"[^a-zA-Z0-9_-]+", "_", topics.root)
    station = _device(slug, topics, label, "station", _station(topics, orders, lease_s))
    found = [Message(f"{prefix}/device/{slug}/config", to_json(station), retain=True)]
    for evse_id, ratings in evses.items():
        identity = f"{slug}_evse{evse_id}"
        parts = _evse(topics, evse_id, ratings, orders, lease_s)
        device = _device(identity, topics, label, f"EVSE {evse_id}", parts)
        device["device"]["via_device"] = slug
        found.append(Message(f"{prefix}/device/{identity}/config", to_json(device), retain=True))
    return tuple(found)


def _device(
    identity: str, topics: Topics, label: StationLabel, part: str, components: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    name = label.model or topics.root
    return {
        "device": {
            "identifiers": [identity],
            "name": name if part == "station" else f"{name} {part}",
            "manufacturer": label.vendor_name,
            "model": label.model,
            "serial_number": label.serial_number or None,
            "sw_version": label.firmware_version,
        },
        "origin": {"name": "chargepoint", "sw_version": label.firmware_version},
        "availability_topic": topics.availability,
        "qos": 1,
        "components": {key: {**component, "unique_id": f"{identity}_{key}"} for key, component in components.items()},
    }


def _sensor(topic: str, name: str, value: str, **more: Any) -> dict[str, Any]:
    """`value`: the key in the message. A key without a value makes the sensor unknown, never zero."""
    return {
        "platform": "sensor",
        "name": name,
        "state_topic": topic,
        "value_template": "{{ value_json.%s if value_json.%s is not none else None }}" % (value, value),  # noqa: UP031
        **more,
    }


def _measured(topic: str, name: str, value: str, kind: str, unit: str, **more: Any) -> dict[str, Any]:
    return _sensor(topic, name, value, device_class=kind, unit_of_measurement=unit, state_class="measurement", **more)


def _energy(topic: str, name: str, value: str) -> dict[str, Any]:
    return _sensor(topic, name, value, device_class="energy", unit_of_measurement="Wh", state_class="total_increasing")


def _order(do: str, lease_s: float | None, **fields: str) -> str:
    """A template of an order; `fields` are JSON or templates of it. The time makes its id unique."""
    lease = {} if lease_s is None else {"lease_s": f"{lease_s:g}"}
    pairs = {"do": f'"{do}"', "sender": f'"{SENDER}"', **fields, **lease}
    body = ", ".join(f'"{key}": {value}' for key, value in pairs.items())
    return '{"id": "ha-{{ (as_timestamp(now()) * 1000) | int }}", ' + body + "}"


def _number(
    topics: Topics, name: str, state: tuple[str, str], template: str, least: float, most: float, unit: str, kind: str
) -> dict[str, Any]:
    topic, value = state
    return {
        "platform": "number",
        "name": name,
        "state_topic": topic,
        "value_template": "{{ value_json.%s if value_json.%s is not none else None }}" % (value, value),  # noqa: UP031
        "command_topic": topics.order,
        "command_template": template,
        "min": least,
        "max": most,
        "step": 1 if unit == "%" else 100,
        "unit_of_measurement": unit,
        "device_class": kind,
        "mode": "box",
    }


def _station(topics: Topics, orders: frozenset[str], lease_s: float) -> dict[str, dict[str, Any]]:
    found = {
        "power": _measured(topics.station, "Power", "power_W", "power", "W"),
        "site_power": _measured(topics.station, "Site power", "site_power_W", "power", "W"),
        "central_system": _sensor(
            topics.station,
            "Central system",
            "central_system",
            device_class="enum",
            options=["connected", "disconnected", "none"],
            entity_category="diagnostic",
        ),
        "firmware": {
            "platform": "update",
            "name": "Firmware",
            "device_class": "firmware",
            "state_topic": topics.station,
            "value_template": "{{ {'installed_version': value_json.firmware_version, "
            "'latest_version': value_json.firmware_version} | to_json }}",
            "entity_category": "diagnostic",
        },
    }
    if "setpoint" in orders:
        found["release"] = {
            "platform": "button",
            "name": "Release station set-point",
            "command_topic": topics.order,
            "command_template": _order("release", None),
            "entity_category": "config",
        }
    return found


def _evse(
    topics: Topics, evse_id: EvseId, ratings: EvseRatings, orders: frozenset[str], lease_s: float
) -> dict[str, dict[str, Any]]:
    state, can = topics.evse(evse_id), topics.capability(evse_id)
    found: dict[str, dict[str, Any]] = {
        "state": _sensor(state, "State", "state", device_class="enum", options=list(STATES)),
        "power": _measured(state, "Power", "power_W", "power", "W"),
        "voltage": _measured(state, "Voltage", "voltage_V", "voltage", "V"),
        "current": _measured(state, "Current", "current_A", "current", "A"),
        "soc": _measured(state, "State of charge", "soc_percent", "battery", "%"),
        "imported": _energy(state, "Energy into cars", "imported_Wh"),
        "exported": _energy(state, "Energy out of cars", "exported_Wh"),
        "session_imported": _energy(state, "Session energy into the car", "session_imported_Wh"),
        "session_exported": _energy(state, "Session energy out of the car", "session_exported_Wh"),
        "setpoint": _measured(state, "Set-point", "setpoint_W", "power", "W", entity_category="diagnostic"),
        "explanation": {
            **_sensor(state, "Explanation", "explanation", entity_category="diagnostic"),
            "value_template": "{{ value_json.explanation[:250] }}",
        },
        "decided_by": _sensor(state, "Decided by", "decided_by", entity_category="diagnostic"),
        "highest": _measured(can, "Highest power", "high_W", "power", "W", entity_category="diagnostic"),
        "lowest": _measured(can, "Lowest power", "low_W", "power", "W", entity_category="diagnostic"),
        "energy_up": _sensor(
            can, "Energy the car can take", "energy_up_Wh", device_class="energy_storage", unit_of_measurement="Wh",
            state_class="measurement", entity_category="diagnostic",
        ),
        "energy_down": _sensor(
            can, "Energy the car can give", "energy_down_Wh", device_class="energy_storage", unit_of_measurement="Wh",
            state_class="measurement", entity_category="diagnostic",
        ),
        "plugged": {
            "platform": "binary_sensor",
            "name": "Plugged in",
            "device_class": "plug",
            "state_topic": state,
            "value_template": "{{ 'ON' if value_json.plugged else 'OFF' }}",
        },
        "problem": {
            "platform": "binary_sensor",
            "name": "Problem",
            "device_class": "problem",
            "state_topic": state,
            "value_template": "{{ 'ON' if value_json.faults else 'OFF' }}",
            "json_attributes_topic": state,
            "json_attributes_template": "{{ {'faults': value_json.faults} | to_json }}",
            "entity_category": "diagnostic",
        },
    }  # fmt: skip
    number = str(evse_id)
    if "setpoint" in orders:
        template = _order("setpoint", lease_s, evse=number, power_W="{{ value }}")
        found["order_setpoint"] = _number(
            topics, "Ordered power", (state, "setpoint_W"), template, -ratings.discharge_max_W, ratings.charge_max_W,
            "W", "power",
        )  # fmt: skip
        found["release"] = {
            "platform": "button",
            "name": "Release set-point",
            "command_topic": topics.order,
            "command_template": _order("release", None, evse=number),
            "entity_category": "config",
        }
    if "driver" in orders:
        template = _order("driver", lease_s, evse=number, minimum_soc_percent="{{ value }}")
        found["order_reserve"] = {
            **_number(topics, "Reserve", (state, "reserve_soc_percent"), template, 0.0, 100.0, "%", "battery"),
            "entity_category": "config",
        }
    if "pause" in orders:
        lease = f"{lease_s:g}"
        found["order_pause"] = {
            "platform": "select",
            "name": "Operation",
            "options": ["run", "pause"],
            "state_topic": state,
            "value_template": "{{ 'pause' if value_json.paused else 'run' }}",
            "command_topic": topics.order,
            "command_template": '{"id": "ha-{{ (as_timestamp(now()) * 1000) | int }}", '
            "\"do\": \"{{ 'pause' if value == 'pause' else 'resume' }}\", "
            f'"sender": "{SENDER}", "evse": {number}'
            '{{ \', "lease_s": ' + lease + "' if value == 'pause' else '' }}}",
        }
    return found
