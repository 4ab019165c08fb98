"""The power modules the demo can be played with: one row each. `./run demo --module NAME`.

A row says what the tables of the template become. A module on another bus than the template's gets a bus of its own.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass

USUAL = "ea_psb_10000"


@dataclass(frozen=True, slots=True)
class ModuleChoice:
    """What stands in `[power_module.NAME]`: the lines `driver` and `profile` or others, the parameters, the unit (None: as in the
    template), and the kind of a bus of its own ("" for the template's)."""

    lines: tuple[str, ...]
    params: str
    unit: int | None = None
    own_bus: str = ""


MODULES: Mapping[str, ModuleChoice] = {
    USUAL: ModuleChoice(
        ('driver = "profile"', f'profile = "{USUAL}"'),
        "{ nominal_voltage_V = 1000.0, nominal_current_A = 40.0, nominal_power_W = 30000.0 }",
    ),
    "generic_bidirectional": ModuleChoice(
        ('driver = "profile"', 'profile = "generic_bidirectional"'),
        "{ voltage_max_V = 1000.0, current_max_A = 40.0, power_max_W = 30000.0 }",
    ),
    "trumpf_truconvert_dc1000": ModuleChoice(
        ('driver = "profile"', 'profile = "trumpf_truconvert_dc1000"'),
        "{ voltage_max_V = 655.0, current_max_A = 40.0, power_max_W = 25000.0, current_step_A = 0.1 }",
        own_bus="tcp",
    ),
}


def with_module(text: str, name: str) -> str:
    """The demo's configuration with this module at every EVSE. Raises KeyError for a name that is no row."""
    choice = MODULES[name]
    if name == USUAL:
        return text
    head, *tables = re.split(r"(?m)^(?=\[)", text)
    return "".join([head, *(_changed(table, choice) for table in tables)])


def _changed(table: str, choice: ModuleChoice) -> str:
    match = re.match(r"\[power_module\.([a-z]+(\d))\]", table)
    if match is None:
        return table
    bus = f"module{match[2]}" if choice.own_bus else _value(table, "bus").strip('"')
    unit = choice.unit if choice.unit is not None else _value(table, "unit")
    lines = (
        f"[power_module.{match[1]}]",
        *choice.lines,
        f'bus = "{bus}"',
        f"unit = {unit}",
        f"params = {choice.params}",
    )
    own = _bus(bus, choice.own_bus) if choice.own_bus else ""
    return own + "\n".join(lines) + "\n\n"


def _value(table: str, key: str) -> str:
    found = re.search(rf"(?m)^{key} = (.*)$", table)
    return found[1] if found is not None else ""


def _bus(name: str, kind: str) -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    return f'[bus.{name}]\nkind = "{kind}"\nport = "127.0.0.1:{port}"\n\n'
