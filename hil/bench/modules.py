"""The power modules a bench can be played with: one row each. `./run demo --module NAME`.

A row says what a module's table of the template becomes. A module on another kind of bus than the template's gets a bus of its own.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

USUAL = "ea_psb_10000"


@dataclass(frozen=True, slots=True)
class ModuleChoice:
    """What stands in `[power_module.NAME]` besides bus and unit, and the kind of a bus of its own ("" for the template's)."""

    fields: Mapping[str, str]
    params: Mapping[str, float]
    own_bus: str = ""


MODULES: Mapping[str, ModuleChoice] = {
    USUAL: ModuleChoice(
        {"driver": "profile", "profile": USUAL},
        {"nominal_voltage_V": 1000.0, "nominal_current_A": 40.0, "nominal_power_W": 30000.0},
    ),
    "generic_bidirectional": ModuleChoice(
        {"driver": "profile", "profile": "generic_bidirectional"},
        {"voltage_max_V": 1000.0, "current_max_A": 40.0, "power_max_W": 30000.0},
    ),
    "trumpf_truconvert_dc1000": ModuleChoice(
        {"driver": "profile", "profile": "trumpf_truconvert_dc1000"},
        {"voltage_max_V": 655.0, "current_max_A": 40.0, "power_max_W": 25000.0, "current_step_A": 0.1},
        own_bus="tcp",
    ),
}


def with_module(document: dict[str, Any], name: str) -> None:
    """Put this module at every EVSE of the configuration. Raises KeyError for a name that is no row."""
    choice = MODULES[name]
    if name == USUAL:
        return
    for module, section in document.get("power_module", {}).items():
        bus = section["bus"]
        if choice.own_bus:
            bus = f"of-{module}"
            document["bus"][bus] = {"kind": choice.own_bus, "port": f"127.0.0.1:{_free_port()}"}
        document["power_module"][module] = {
            **choice.fields,
            "bus": bus,
            "unit": section["unit"],
            "params": dict(choice.params),
        }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
